"""Writing a batch so that one bad row does not hold up the others.

An app refuses a batch as a whole.  It is then halved, and halved again, until the
rows that it will not have stand alone: some 2·log2(n) more writes for each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from dualwrite.apps.base import Written
from dualwrite.errors import RowsRefusedError
from dualwrite.gate_column import Role, gate_name
from dualwrite.sync.batch.held import Refused
from dualwrite.sync.routes.route import Route
from dualwrite.translate.flow import fit


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


def physical_rows(route: Route, rows: pa.Table) -> pa.Table:
    """Rows named by the target table's own columns, references in the place of lookup paths."""
    fitted = fit(rows, route.flow)
    columns: dict[str, Any] = {}
    for column in route.flow.columns:
        name = column.target.column
        if column.target.is_lookup:
            columns.setdefault(name, rows[gate_name(Role.REFERENCE, name)])
        else:
            columns[name] = fitted[name]
    for group in route.lookups:
        extra = group[0].type_column
        if extra is not None:
            columns.setdefault(extra, rows[gate_name(Role.REFERENCE, extra)])
    return pa.table(columns)


@dataclass
class WriteResult:
    """What a target made of the rows that passed; rows by number."""

    written: Written = field(default_factory=Written)
    refused: dict[int, str | Refused] = field(default_factory=dict)
    raced: list[int] = field(default_factory=list)

    def add(self, written: Written, refused: Mapping[int, str]) -> None:
        """One more part."""
        self.written += written
        self.refused |= refused


def changing_columns(route: Route, physical: pa.Table, changing: Collection[str]) -> pa.Table:
    """Of rows to update, the key and the columns that change in one of them."""
    kept = set(route.written_key)
    kept |= {c.target.column for c in route.flow.columns if str(c.target) in changing}
    kept |= {
        group[0].type_column
        for group in route.lookups
        if group[0].type_column is not None and group[0].column in kept
    }
    return physical.select([name for name in physical.column_names if name in kept])
