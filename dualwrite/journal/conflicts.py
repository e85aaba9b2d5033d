"""Conflicts: noted, listed, settled.  Everything here runs in a caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text, update

from dualwrite.journal.database import upsert
from dualwrite.journal.models import ConflictedRow
from dualwrite.journal.records import Conflict, ConflictRow, ConflictStatus, key_text
from dualwrite.link import Side


def note(connection: Connection, map_name: str, conflicts: Sequence[Conflict]) -> None:
    """Store conflicts; one that is stored already keeps its id and gets the newer words."""
    now = datetime.now(UTC)
    rows: dict[str, dict[str, Any]] = {}
    for each in conflicts:
        rows[each.token] = {
            "map": map_name,
            "key": key_text(each.key),
            "token": each.token,
            "kind": each.kind,
            "policy": each.policy,
            "status": each.status,
            "outcome": each.outcome,
            "at": now,
            "settled_at": None if each.status == "open" else now,
            "columns": dict(each.columns),
        }
        for side in Side:
            row, changed = each.rows.get(side), each.changed.get(side)
            rows[each.token][side.value] = None if row is None else dict(row)
            rows[each.token][f"changed_{side.value}"] = None if changed is None else list(changed)
    if not rows:
        return
    statement = upsert(connection, ConflictedRow)
    said = [name for name in next(iter(rows.values())) if name not in ("map", "token")]
    newer = {name: statement.excluded[name] for name in said}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["map", "token"], set_=newer),
        [rows[token] for token in sorted(rows)],
    )


def listed(
    connection: Connection,
    map_name: str | None,
    *,
    open_only: bool,
    ids: Collection[int] | None,
    limit: int | None,
) -> list[ConflictRow]:
    """Conflicts, the newest first."""
    query = select(ConflictedRow.__table__).order_by(ConflictedRow.id.desc()).limit(limit)
    if map_name is not None:
        query = query.where(ConflictedRow.map == map_name)
    if open_only:
        query = query.where(ConflictedRow.status == "open")
    if ids is not None:
        query = query.where(ConflictedRow.id.in_(sorted(set(ids))))
    return [_stored(row) for row in connection.execute(query)]


_WAITING = text(
    "SELECT (SELECT COUNT(*) FROM journal_conflict WHERE map = :map AND status = 'open'),"
    " (SELECT COUNT(*) FROM journal_held WHERE map = :map)"
)


def waiting(connection: Connection, map_name: str) -> tuple[int, int]:
    """How many conflicts wait, and how many rows: asked before each batch, so in one go."""
    row = connection.execute(_WAITING, {"map": map_name}).one()
    return int(row[0]), int(row[1])


def settle(connection: Connection, conflict_id: int, outcome: str, status: ConflictStatus) -> None:
    """Say what became of a conflict; see `Journal.settle_conflict`."""
    settled_at = None if status == "open" else datetime.now(UTC)
    told = connection.execute(
        update(ConflictedRow)
        .where(ConflictedRow.id == conflict_id)
        .values(outcome=outcome, status=status, settled_at=settled_at)
    )
    if not told.rowcount:
        msg = f"there is no conflict {conflict_id}"
        raise LookupError(msg)


def _stored(row: Row[Any]) -> ConflictRow:
    values = row._mapping  # noqa: SLF001 - columns by name, as SQLAlchemy documents it
    changed = {side: values[f"changed_{side.value}"] for side in Side}
    conflict = Conflict(
        key=json.loads(row.key),
        token=row.token,
        kind=row.kind,
        policy=row.policy,
        outcome=row.outcome,
        rows={side: values[side.value] for side in Side},
        changed={side: None if each is None else tuple(each) for side, each in changed.items()},
        columns=row.columns,
        status=row.status,
    )
    return ConflictRow(row.id, row.map, row.at, row.settled_at, conflict)
