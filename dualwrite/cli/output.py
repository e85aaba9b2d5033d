"""What commands print: results on stdout, messages on stderr.

A result is either for a person or one JSON document, never both.  Nothing printed
is read as markup, for keys and table names may hold brackets.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is; colours only on a terminal, and not with NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a result for a person."""
    sys.stdout.write(f"{text}\n")


def tell(text: str) -> None:
    """Print a message beside the result."""
    sys.stderr.write(f"{text}\n")


def print_json(document: Any) -> None:
    """Print the one JSON document."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2, default=_plain)
    sys.stdout.write("\n")


def print_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()
) -> None:
    """Print rows under their heads; columns named in `numbers` are set to the right.

    Long words fold, so that the table fits the terminal, or 80 columns in a file.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for head in heads:
        right = head in numbers
        table.add_column(head, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        table.add_row(*row)
    console().print(table, soft_wrap=False)


def moment(at: datetime | None) -> str:
    """A time for a person: local, to the second."""
    return "never" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def stamp(at: datetime | None) -> str | None:
    """A time for a script: ISO 8601, UTC."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _plain(value: object) -> str | None:
    return stamp(value) if isinstance(value, datetime) else str(value)
