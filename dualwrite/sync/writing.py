"""Writing a batch so that one bad row does not hold up the others.

An app refuses a batch as a whole.  It is then halved, and halved again, until the
rows that it will not have stand alone: some 2·log2(n) more writes for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from dualwrite.apps.base import Written
from dualwrite.errors import RowsRefusedError


class Write(Protocol):
    """A way to write rows, all or nothing: `Writing.insert`, `Writing.update`."""

    def __call__(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        """Write them."""


def write_rows(
    write: Write, table: str, rows: pa.Table, *, key: Sequence[str]
) -> tuple[Written, dict[int, str]]:
    """Write `rows`; what was done, and for each refused row (by number) the app's reason.

    Raises:
        TransientError, PermanentError: As `write`.
    """
    try:
        return write(table, rows, key=key), {}
    except RowsRefusedError as refusal:
        if rows.num_rows == 1:
            return Written(), {0: refusal.reason}
    half = rows.num_rows // 2
    done = Written()
    refused: dict[int, str] = {}
    for start, part in ((0, rows.slice(0, half)), (half, rows.slice(half))):
        written, bad = write_rows(write, table, part, key=key)
        done += written
        refused |= {start + number: reason for number, reason in bad.items()}
    return done, refused
