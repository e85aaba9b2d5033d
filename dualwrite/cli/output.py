"""What commands print: results on stdout, messages on stderr.

A result is either for a person or one JSON document, never both.  Nothing printed
is read as markup, because keys and table names may contain brackets.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TextIO

from dualwrite.operations.results import timestamp
from dualwrite.operations.wording import key_values, plural

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "columns_of_terminal",
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

_LONG_WORD, _LONG_NAME = 14, 22
"""What is longer than a word is a name or a number: beside others it may be broken anywhere, but on
a screen of less than 80 columns, where most would be, only what is longer than a name."""
_USUAL = 80
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
    """Print a result for a person; on a screen a line that is too long goes on in the next."""
    sys.stdout.write(f"{_fitted(text, sys.stdout)}\n")


def print_message(text: str) -> None:
    """Print a message beside the result, in lines that fit the screen."""
    sys.stderr.write(f"{_fitted(text, sys.stderr)}\n")


def print_json(document: Any) -> None:
    """Print the one JSON document."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2, default=_plain)
    sys.stdout.write("\n")


def print_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()
) -> None:
    """Print rows under their heads; columns named in `numbers` are set to the right.

    The table fits the terminal, or 80 columns in a file: where it would not, the widest
    columns become narrower and their words go on in the next line.  Where its words are too many
    to stand beside each other, each row is a block of lines.
    """
    columns = list(zip(heads, *rows, strict=True))
    widths = _widths(columns, columns_of_terminal() - 2 * (len(heads) - 1))
    if widths is None:
        _print_blocks(heads, rows)
        return
    for row in (heads, ["-" * width for width in widths], *rows):
        cells = [_fold(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            line_cells = [
                part.rjust(width) if head in numbers else part.ljust(width)
                for part, width, head in zip(line, widths, heads, strict=True)
            ]
            sys.stdout.write("  ".join(line_cells).rstrip() + "\n")


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """How wide each column is, so that all have room and no word is broken; None: they have not."""
    widths = [max(map(len, column)) for column in columns]
    if sum(widths) <= room:
        return widths
    most = _LONG_WORD if columns_of_terminal() >= _USUAL else _LONG_NAME
    least = [max(min(_longest_part(cell), most) for cell in column) for column in columns]
    while sum(widths) > room:
        wide = [place for place, width in enumerate(widths) if width > least[place]]
        if not wide:
            return None
        widths[max(wide, key=lambda place: widths[place])] -= 1
    return widths


def _longest_part(cell: str) -> int:
    return max(len(part.rstrip()) for part in re.split(_JOINTS, cell))


def _print_blocks(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as lines, the first cell alone, the others after their heads."""
    for row in rows:
        print_line(row[0])
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if cell:
                print_line(f"  {head.strip()}: {cell}" if head.strip() else f"  {cell}")


def wrapped(text: str, indent: str = "", further: str | None = None) -> str:
    """A paragraph in lines that fit, indented, those after the first by `further`."""
    return textwrap.fill(
        text,
        columns_of_terminal(),
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_on_hyphens=False,
        break_long_words=False,
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


def columns_of_terminal() -> int:
    """How many characters fit in a line: of the terminal, or 80 in a file."""
    return shutil.get_terminal_size((80, 24)).columns


def _fitted(text: str, stream: TextIO) -> str:
    """The text with each line that is too long for a reader's screen broken between words.

    What goes to a file or to a program keeps its lines, unless COLUMNS says how wide they are.
    """
    if "COLUMNS" not in os.environ and not stream.isatty():
        return text
    room = columns_of_terminal()
    return "\n".join(line if len(line) <= room else _hung(line) for line in text.split("\n"))


def _hung(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return wrapped(line.lstrip(), indent, f"{indent}  ")


def moment(at: datetime) -> str:
    """A time for a person: local, to the second."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def print_waiting(count: int) -> None:
    """Point at the rows that wait, where there are any."""
    if count:
        print_line(f"\n{plural(count, 'row waits', 'rows wait')}; dualwrite errors says why.")


def _plain(value: object) -> str | None:
    return timestamp(value) if isinstance(value, datetime) else str(value)
