"""Write strategies: how the rows of a batch that passed are written to the target.

Each leaves refusals to `bisect`, and gives the reason of every row not written: by its number
among the rows given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.transactions import Writing, Written
from dualwrite.errors import RowsRefusedError
from dualwrite.gate_column import Role, gate_name
from dualwrite.sync.batch.bisect import bisect
from dualwrite.sync.batch.held import REFUSED, Refused
from dualwrite.sync.batch.outcomes import Mask
from dualwrite.sync.routes.route import Route
from dualwrite.translate.rows import fit

Write = Callable[[pa.Table], Written]
"""Writes rows of the target's own columns, all of them or none."""


@dataclass
class WriteResult:
    """What a target made of the rows that passed; rows by number.

    `raced` are rows that an application inserted at the same moment.
    """

    written: Written = field(default_factory=Written)
    refused: dict[int, str | Refused] = field(default_factory=dict)
    raced: list[int] = field(default_factory=list)


def write_rows(write: Write, rows: pa.Table) -> tuple[Written, dict[int, str | Refused]]:
    """Write `rows`; what was done, and for each refused row (by number) the app's reason.

    Raises:
        TransientError, PermanentError: As `write`.
    """
    refused: dict[int, str | Refused] = {}

    def refuse(number: int, reason: str) -> Written:
        refused[number] = reason
        return Written()

    def attempt(low: int, high: int) -> Written:
        places = pa.array(range(low, high), pa.int64())
        try:
            return write(rows.slice(low, high - low)).at(places)
        except RowsRefusedError as refusal:
            if not refusal.rows:
                raise
            # the app could tell which rows: the others are written without halving
            for number, reason in refusal.rows.items():
                refused[low + number] = Refused(REFUSED, reason, cure=refusal.cure)
            refusing = pc.is_in(places, value_set=pa.array(list(refused), pa.int64()))
            rest = places.filter(pc.invert(refusing))
            return write(rows.take(rest)).at(rest) if len(rest) else Written()

    done = bisect(rows.num_rows, attempt, refuse)
    return reduce(add, done, Written()), refused


def write_whole(
    writing: Writing,
    route: Route,
    ready: pa.Table,
    passed: Mask,
    *,
    fresh: bool = False,
    present: bool = False,
) -> WriteResult:
    """Insert or update the rows that passed with all their columns.

    `fresh` rows are known to be new, `present` ones are only updated.
    """
    result, numbers = WriteResult(), pc.indices_nonzero(passed)
    if not len(numbers):
        return result
    table, key = route.target_table, route.written_key
    write: Write = partial(writing.update, table, key=key)
    if not present:
        write = partial(writing.insert, table, key=key, fresh=fresh)
    taken = ready if len(numbers) == ready.num_rows else ready.take(numbers)
    _add(result, write, physical_rows(route, taken), numbers)
    return result


def write_changes(
    writing: Writing,
    route: Route,
    ready: pa.Table,
    passed: Mask,
    found: Mask,
    changing: Collection[str],
) -> WriteResult:
    """Insert the rows that are new, update the `changing` columns of those `found`.

    Which refused inserts were refused because the row is there meanwhile, only a look under a new
    lock can tell: the caller moves those to `raced`.
    """
    result, table, key = WriteResult(), route.target_table, route.written_key
    there = pc.indices_nonzero(pc.and_(passed, found))
    if len(there):
        rows = changing_columns(route, physical_rows(route, ready.take(there)), changing)
        if rows.num_columns > len(key):
            _add(result, partial(writing.update, table, key=key), rows, there)
    new = pc.indices_nonzero(pc.and_not(passed, found))
    if len(new):
        rows = physical_rows(route, ready.take(new))
        _add(result, partial(writing.insert, table, key=key, fresh=True), rows, new)
    return result


def delete_rows(
    writing: Writing, table: str, keys: pa.Table, numbers: pa.Array
) -> dict[int, str | Refused]:
    """Delete rows by their keys, (m, k); the app's reason for each refused one, by `numbers`."""

    def delete(part: pa.Table) -> Written:
        writing.delete(table, part)
        return Written()

    _, refused = write_rows(delete, keys)
    return {numbers[place].as_py(): reason for place, reason in refused.items()}


def _add(result: WriteResult, write: Write, rows: pa.Table, numbers: pa.Array) -> None:
    done, refused = write_rows(write, rows)
    result.written += done.at(numbers.cast(pa.int64()))
    result.refused |= {numbers[place].as_py(): reason for place, reason in refused.items()}


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


def replace_columns(rows: pa.Table, columns: pa.Table) -> pa.Table:
    """Rows with some of their columns in the place of their own."""
    for name in columns.column_names:
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, columns[name])
    return rows
