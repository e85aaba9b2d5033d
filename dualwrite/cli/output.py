"""What commands print: results on stdout, messages on stderr.

A result is either for a person or one JSON document, never both.  Nothing printed
is read as markup, because keys and table names may contain brackets.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from dualwrite.operations.results import timestamp
from dualwrite.operations.wording import key_values, plural

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "console",
    "key_values",
    "moment",
    "plural",
    "print_json",
    "print_line",
    "print_message",
    "print_table",
    "print_waiting",
    "wrapped",
]

_NARROWEST = 8
_WORDS = r"(?<=\s)(?=\S)|(?<=--)(?=\w)"
_PATHS = rf"{_WORDS}|(?<=[a-z]\.)(?=[a-z])"
_JOINTS = rf"{_PATHS}|(?<=\w[-_])(?=\w)"
"""Where a text may go on in the next line: between words and the halves of a map's name;
where that is not enough, after a dot within a name; then after a hyphen or underscore."""


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is; colours only on a terminal, and not with NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)


def print_line(text: str) -> None:
    """Print a result for a person."""
    sys.stdout.write(f"{text}\n")


def print_message(text: str) -> None:
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

    The table fits the terminal, or 80 columns in a file: where it would not, the widest
    columns become narrower and their words go on in the next line.
    """
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    room = _columns() - 2 * (len(heads) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    for row in (heads, ["-" * width for width in widths], *rows):
        cells = [_fold(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            line_cells = [
                part.rjust(width) if head in numbers else part.ljust(width)
                for part, width, head in zip(line, widths, heads, strict=True)
            ]
            print_line("  ".join(line_cells).rstrip())


def wrapped(text: str, indent: str = "", further: str | None = None) -> str:
    """A paragraph in lines that fit, indented, those after the first by `further`."""
    return textwrap.fill(
        text,
        _columns(),
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_on_hyphens=False,
    )


def _fold(cell: str, width: int) -> list[str]:
    """A cell in lines of a width, a name whole where it can be, broken at its joints else."""
    for joints in (_WORDS, _PATHS, _JOINTS):
        parts = re.split(joints, cell)
        if max(len(part.rstrip()) for part in parts) <= width:
            break
    lines = [""]
    for part in parts:
        if len((lines[-1] + part).rstrip()) <= width:
            lines[-1] += part
        else:
            lines += [part[at : at + width] for at in range(0, len(part.rstrip()), width)]
    return [line.rstrip() for line in lines if line] or [""]


def _columns() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def moment(at: datetime) -> str:
    """A time for a person: local, to the second."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def print_waiting(count: int) -> None:
    """Point at the rows that wait, where there are any."""
    if count:
        print_line(f"\n{plural(count, 'row waits', 'rows wait')}; dualwrite errors says why.")


def _plain(value: object) -> str | None:
    return timestamp(value) if isinstance(value, datetime) else str(value)
