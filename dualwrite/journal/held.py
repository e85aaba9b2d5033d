"""Held rows: put in, released, listed.  A row is held once for each map, direction and key."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from dualwrite.journal.database import Database, upsert
from dualwrite.journal.maps import add_map
from dualwrite.journal.models import HeldRowModel
from dualwrite.journal.records import (
    BatchRecord,
    Cause,
    HeldKind,
    HeldRow,
    Parking,
    Rejection,
    key_text,
)

_IN_LIST = 500
"""Values of one IN list; older SQLite releases accept 999."""


def record_held(connection: Connection, map_name: str, batches: Mapping[str, BatchRecord]) -> None:
    """Release what is cleared, then hold rows, by direction, in the caller's transaction."""
    for direction, batch in sorted(batches.items()):
        _release(connection, map_name, direction, batch.cleared)
        _hold(connection, map_name, direction, [*batch.parked, *batch.rejected])


class HeldRowStore:
    """The rejected and parked rows of a link."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Queries

    def keys(self, map_name: str, direction: str) -> dict[str, int]:
        """Every held key of a direction (as `key_text` writes it), with its id."""
        with self._database.reading() as connection:
            return _keys(connection, map_name, direction)

    def rejected(
        self,
        map_name: str | None = None,
        *,
        rule: str | None = None,
        ids: Collection[int] | None = None,
        limit: int | None = None,
    ) -> list[HeldRow]:
        """Rejected rows, the lowest id first."""
        query = _of_kind(HeldKind.REJECTED, map_name, rule)
        with self._database.reading() as connection:
            return _find(connection, query, ids, limit)

    def parked(
        self,
        map_name: str | None = None,
        *,
        waits_for: str | None = None,
        ids: Collection[int] | None = None,
        limit: int | None = None,
    ) -> list[HeldRow]:
        """Parked rows, the lowest id first."""
        query = _of_kind(HeldKind.PARKED, map_name, waits_for)
        with self._database.reading() as connection:
            return _find(connection, query, ids, limit)

    def maps_with_parked(self) -> frozenset[str]:
        """The maps that have parked rows."""
        parked = HeldRowModel.kind == HeldKind.PARKED.value
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(HeldRowModel.map).where(parked).distinct()))

    def causes(self, map_name: str | None = None) -> list[Cause]:
        """Held rows grouped by cause, the largest group first."""
        columns = _cause_columns()
        query = select(
            *columns, func.min(HeldRowModel.reason), func.count(), func.min(HeldRowModel.cure)
        ).group_by(*columns)
        if map_name is not None:
            query = query.where(HeldRowModel.map == map_name)
        with self._database.reading() as connection:
            found = [
                Cause(map_, direction, HeldKind(kind), cause, reason, rows, column, cure)
                for map_, direction, kind, cause, column, reason, rows, cure in connection.execute(
                    query
                )
            ]
        return sorted(found, key=lambda each: (-each.rows, each.map, each.direction, each.cause))

    def ids_of(self, cause: Cause, *, limit: int | None = None) -> list[int]:
        """The ids of the rows of one cause, the lowest first."""
        wanted = (cause.map, cause.direction, cause.kind.value, cause.cause, cause.column)
        conditions = [
            column == value for column, value in zip(_cause_columns(), wanted, strict=True)
        ]
        query = select(HeldRowModel.id).where(*conditions).order_by(HeldRowModel.id).limit(limit)
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    # Commands

    def record(self, map_name: str, batches: Mapping[str, BatchRecord]) -> None:
        """Release and hold rows, by direction, in one transaction.

        A key that is held already keeps its id and gets the newer reason; its changed columns
        add up, as none of them has reached the target.  Nothing is written for empty batches.
        """
        if not any(each.cleared or each.rejected or each.parked for each in batches.values()):
            return
        with self._database.writing() as connection:
            add_map(connection, map_name)
            record_held(connection, map_name, batches)

    def discard(self, ids: Collection[int]) -> int:
        """Delete held rows; return how many of the ids existed."""
        with self._database.writing() as connection:
            return sum(
                connection.execute(delete(HeldRowModel).where(HeldRowModel.id.in_(part))).rowcount
                for part in _in_parts(sorted(set(ids)))
            )

    def discard_map(self, map_name: str) -> None:
        """Delete every held row of a map."""
        with self._database.writing() as connection:
            connection.execute(delete(HeldRowModel).where(HeldRowModel.map == map_name))


def _cause_columns() -> tuple[Any, ...]:
    model = HeldRowModel
    return model.map, model.direction, model.kind, model.cause, model.column


def _in_parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while part := list(islice(rest, _IN_LIST)):
        yield part


def _of_key(map_name: str, direction: str, keys: Sequence[str]) -> Any:
    return (
        (HeldRowModel.map == map_name)
        & (HeldRowModel.direction == direction)
        & HeldRowModel.key.in_(keys)
    )


def _keys(connection: Connection, map_name: str, direction: str) -> dict[str, int]:
    found = connection.execute(
        select(HeldRowModel.key, HeldRowModel.id).where(
            HeldRowModel.map == map_name, HeldRowModel.direction == direction
        )
    )
    return {row.key: row.id for row in found}


def _release(
    connection: Connection, map_name: str, direction: str, cleared: Collection[str]
) -> None:
    if len(cleared) > _IN_LIST:
        # Hardly any key of a partition is held: read the held ones instead of deleting each.
        held = _keys(connection, map_name, direction)
        cleared = [key for key in cleared if key in held]
    for part in _in_parts(sorted(cleared)):
        connection.execute(delete(HeldRowModel).where(_of_key(map_name, direction, part)))


def _hold(
    connection: Connection,
    map_name: str,
    direction: str,
    new_rows: Sequence[Rejection | Parking],
) -> None:
    """Upsert rows; of a key given twice the last one counts."""
    rows: dict[str, dict[str, Any]] = {}
    for each in new_rows:
        new = {"map": map_name, "direction": direction, "at": datetime.now(UTC), **_values(each)}
        if earlier := rows.get(new["key"]):
            new["changed"] = _union(earlier["changed"], new["changed"])
        rows[new["key"]] = new
    if not rows:
        return
    partial = [key for key, row in rows.items() if row["changed"] is not None]
    for key, before in _changed_columns(connection, map_name, direction, partial):
        rows[key]["changed"] = _union(before, rows[key]["changed"])
    statement = upsert(connection, HeldRowModel)
    replaced = ("kind", "cause", "reason", "column", "cure", "row", "at", "changed")
    newer = {name: statement.excluded[name] for name in replaced}
    # Always in the order of the keys: two workers with the same keys cannot deadlock.
    connection.execute(
        statement.on_conflict_do_update(index_elements=["map", "direction", "key"], set_=newer),
        [rows[key] for key in sorted(rows)],
    )


def _values(each: Rejection | Parking) -> dict[str, Any]:
    if isinstance(each, Rejection):
        own = {
            "kind": HeldKind.REJECTED.value,
            "cause": each.rule,
            "column": each.column,
            "cure": each.cure,
        }
    else:
        own = {"kind": HeldKind.PARKED.value, "cause": each.waits_for, "column": "", "cure": ""}
    return {
        "key": key_text(each.key),
        **own,
        # The one character that PostgreSQL's text type does not store.
        "reason": each.reason.replace("\0", "\\0"),
        "row": dict(each.row),
        "changed": each.changed,
    }


def _union(first: Sequence[str] | None, second: Sequence[str] | None) -> list[str] | None:
    """Columns that changed at either time; None means all columns."""
    if first is None or second is None:
        return None
    return list(dict.fromkeys([*first, *second]))


def _changed_columns(
    connection: Connection, map_name: str, direction: str, keys: Sequence[str]
) -> Iterator[tuple[str, list[str] | None]]:
    """The stored changed columns of those keys that are held already."""
    for part in _in_parts(keys):
        columns = select(HeldRowModel.key, HeldRowModel.changed)
        for row in connection.execute(columns.where(_of_key(map_name, direction, part))):
            yield row.key, row.changed


def _of_kind(kind: HeldKind, map_name: str | None, cause: str | None) -> Select[Any]:
    query = select(HeldRowModel.__table__).where(HeldRowModel.kind == kind.value)
    if map_name is not None:
        query = query.where(HeldRowModel.map == map_name)
    if cause is not None:
        query = query.where(HeldRowModel.cause == cause)
    return query.order_by(HeldRowModel.id)


def _find(
    connection: Connection, query: Select[Any], ids: Collection[int] | None, limit: int | None
) -> list[HeldRow]:
    if ids is None:
        return _read(connection, query.limit(limit))
    found: list[HeldRow] = []
    for part in _in_parts(sorted(set(ids))):
        found += _read(connection, query.where(HeldRowModel.id.in_(part)))
    return found[:limit]


def _read(connection: Connection, query: Select[Any]) -> list[HeldRow]:
    return [
        HeldRow(
            id=row.id,
            kind=HeldKind(row.kind),
            map=row.map,
            direction=row.direction,
            key=json.loads(row.key),
            cause=row.cause,
            reason=row.reason,
            column=row.column,
            cure=row.cure,
            row=row.row,
            at=row.at,
            changed=None if row.changed is None else tuple(row.changed),
        )
        for row in connection.execute(query)
    ]
