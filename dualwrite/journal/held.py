"""Rows that wait: put in, taken out, listed.  Everything here runs in a caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal, cast

from sqlalchemy import Connection, Select, delete, func, select

from dualwrite.journal.database import upsert
from dualwrite.journal.models import WaitingRow
from dualwrite.journal.records import Cause, HeldRow, Parking, Rejection, Share, key_text

_AT_ONCE = 500
"""Values of one IN list; SQLite takes some thousands, older ones 999."""


_WITH_PARKED = select(WaitingRow.map).where(WaitingRow.kind == "parked").distinct()


def maps_with_parked(connection: Connection) -> frozenset[str]:
    """The maps that have parked rows."""
    return frozenset(connection.scalars(_WITH_PARKED))


def settle(connection: Connection, map_name: str, shares: Mapping[str, Share]) -> None:
    """Let go what is cleared, then hold what was refused or must wait, by direction."""
    for direction, share in sorted(shares.items()):
        clear(connection, map_name, direction, share.cleared)
        hold(connection, map_name, direction, share.rejected, share.parked)


def hold(
    connection: Connection,
    map_name: str,
    direction: str,
    rejected: Sequence[Rejection],
    parked: Sequence[Parking],
) -> None:
    """Put rows in; a key that is held already keeps its id and gets the newer words.

    A key given twice is held once, as the last one says.  What had changed when it was held
    before still waits to go across, so that adds up.
    """
    now = datetime.now(UTC)
    rows: dict[str, dict[str, Any]] = {}
    waiting: list[Rejection | Parking] = [*parked, *rejected]
    for each in waiting:
        new = {"map": map_name, "direction": direction, "at": now, **_told(each)}
        if earlier := rows.get(new["key"]):
            new["changed"] = _both(earlier["changed"], new["changed"])
        rows[new["key"]] = new
    if not rows:
        return
    few = [key for key, row in rows.items() if row["changed"] is not None]
    for key, before in _changed(connection, map_name, direction, few):
        rows[key]["changed"] = _both(before, rows[key]["changed"])
    statement = upsert(connection, WaitingRow)
    said = ("kind", "cause", "reason", "column", "cure", "row", "at", "changed")
    newer = {name: statement.excluded[name] for name in said}
    # In one order everywhere, so that two workers on the same keys cannot lock each other out.
    connection.execute(
        statement.on_conflict_do_update(index_elements=["map", "direction", "key"], set_=newer),
        [rows[key] for key in sorted(rows)],
    )


def _told(each: Rejection | Parking) -> dict[str, Any]:
    return {
        "key": key_text(each.key),
        "kind": "rejected" if isinstance(each, Rejection) else "parked",
        "cause": each.rule if isinstance(each, Rejection) else each.waits_for,
        # PostgreSQL's text holds every character but this one.
        "reason": each.reason.replace("\0", "\\0"),
        "column": each.column if isinstance(each, Rejection) else "",
        "cure": each.cure if isinstance(each, Rejection) else "",
        "row": dict(each.row),
        "changed": each.changed,
    }


def _both(first: Sequence[str] | None, second: Sequence[str] | None) -> list[str] | None:
    """Columns that changed at either time; None, which is all of them, takes in the rest."""
    if first is None or second is None:
        return None
    return list(dict.fromkeys([*first, *second]))


def _changed(
    connection: Connection, map_name: str, direction: str, keys: Sequence[str]
) -> Iterator[tuple[str, list[str] | None]]:
    """What is held of these keys already, and which of its columns wait."""
    rest = iter(keys)
    while some := list(islice(rest, _AT_ONCE)):
        found = connection.execute(
            select(WaitingRow.key, WaitingRow.changed).where(
                WaitingRow.map == map_name,
                WaitingRow.direction == direction,
                WaitingRow.key.in_(some),
            )
        )
        for row in found:
            yield row.key, row.changed


def held_keys(connection: Connection, map_name: str, direction: str) -> dict[str, int]:
    """Every held key of a direction, with its id."""
    found = connection.execute(
        select(WaitingRow.key, WaitingRow.id).where(
            WaitingRow.map == map_name, WaitingRow.direction == direction
        )
    )
    return {row.key: row.id for row in found}


def clear(connection: Connection, map_name: str, direction: str, cleared: Collection[str]) -> None:
    """Take out the rows of these keys (as `key_text` writes them), where they are held."""
    if len(cleared) > _AT_ONCE:
        # Nearly all of a partition's keys are not held: look before asking for each.
        held = held_keys(connection, map_name, direction)
        cleared = [key for key in cleared if key in held]
    rest = iter(sorted(cleared))
    while some := list(islice(rest, _AT_ONCE)):
        connection.execute(
            delete(WaitingRow).where(
                WaitingRow.map == map_name,
                WaitingRow.direction == direction,
                WaitingRow.key.in_(some),
            )
        )


def discard(connection: Connection, ids: Collection[int]) -> int:
    """Take out rows by id; how many were there."""
    gone = 0
    rest = iter(sorted(set(ids)))
    while some := list(islice(rest, _AT_ONCE)):
        gone += connection.execute(delete(WaitingRow).where(WaitingRow.id.in_(some))).rowcount
    return gone


def held(
    connection: Connection,
    kind: Literal["rejected", "parked"],
    *,
    map_name: str | None,
    cause: str | None,
    ids: Collection[int] | None,
    limit: int | None,
) -> list[HeldRow]:
    """Held rows of a kind, oldest id first."""
    query = select(WaitingRow.__table__).where(WaitingRow.kind == kind).order_by(WaitingRow.id)
    if map_name is not None:
        query = query.where(WaitingRow.map == map_name)
    if cause is not None:
        query = query.where(WaitingRow.cause == cause)
    if ids is None:
        return _rows(connection, query.limit(limit))
    found: list[HeldRow] = []
    rest = iter(sorted(set(ids)))
    while some := list(islice(rest, _AT_ONCE)):
        found += _rows(connection, query.where(WaitingRow.id.in_(some)))
    return found[:limit]


def ids_of(connection: Connection, cause: Cause, limit: int | None) -> list[int]:
    """The ids of the rows of one cause, oldest first."""
    query = (
        select(WaitingRow.id)
        .where(
            WaitingRow.map == cause.map,
            WaitingRow.direction == cause.direction,
            WaitingRow.kind == cause.kind,
            WaitingRow.cause == cause.cause,
            WaitingRow.column == cause.column,
        )
        .order_by(WaitingRow.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def causes(connection: Connection, map_name: str | None) -> list[Cause]:
    """Held rows grouped by cause, the most rows first."""
    query = select(
        WaitingRow.map,
        WaitingRow.direction,
        WaitingRow.kind,
        WaitingRow.cause,
        func.min(WaitingRow.reason),
        func.count(),
        WaitingRow.column,
        func.min(WaitingRow.cure),
    ).group_by(
        WaitingRow.map,
        WaitingRow.direction,
        WaitingRow.kind,
        WaitingRow.cause,
        WaitingRow.column,
    )
    if map_name is not None:
        query = query.where(WaitingRow.map == map_name)
    found = [
        Cause(row[0], row[1], cast("Any", row[2]), *row[3:]) for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (-each.rows, each.map, each.direction, each.cause))


def _rows(connection: Connection, query: Select[Any]) -> list[HeldRow]:
    return [
        HeldRow(
            id=row.id,
            kind=row.kind,
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
