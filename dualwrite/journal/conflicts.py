"""Conflicts: recorded, found, closed, reopened, undone."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from dualwrite.journal.database import Database, upsert
from dualwrite.journal.models import ConflictModel
from dualwrite.journal.records import (
    Conflict,
    ConflictKind,
    ConflictOutcome,
    ConflictStatus,
    StoredConflict,
    key_text,
)
from dualwrite.link import Side

_AT_ONCE = 1_000
"""Tokens in one statement: a database takes a limited number of values."""


class ConflictStore:
    """The conflicts of a link, open ones and decided ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        map_name: str | None = None,
        *,
        open_only: bool = True,
        ids: Collection[int] | None = None,
        limit: int | None = None,
    ) -> list[StoredConflict]:
        """Conflicts that wait for a person, or all of them; the newest first."""
        query = select(ConflictModel.__table__).order_by(ConflictModel.id.desc()).limit(limit)
        if map_name is not None:
            query = query.where(ConflictModel.map == map_name)
        if open_only:
            query = query.where(ConflictModel.status == ConflictStatus.OPEN.value)
        if ids is not None:
            query = query.where(ConflictModel.id.in_(sorted(set(ids))))
        with self._database.reading() as connection:
            return [_stored(row) for row in connection.execute(query)]

    def record(self, map_name: str, conflicts: Sequence[Conflict]) -> None:
        """Store conflicts; one with a token that is stored already replaces it, with its id."""
        rows = {each.token: _values(map_name, each) for each in conflicts}
        if not rows:
            return
        replaced = [name for name in next(iter(rows.values())) if name not in ("map", "token")]
        with self._database.writing() as connection:
            statement = upsert(connection, ConflictModel)
            newer = {name: statement.excluded[name] for name in replaced}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["map", "token"], set_=newer),
                [rows[token] for token in sorted(rows)],
            )

    def discard(self, map_name: str, tokens: Collection[str]) -> None:
        """Remove conflicts by their tokens: the transaction that decided them was refused."""
        if not tokens:
            return
        model, names = ConflictModel, sorted(tokens)
        with self._database.writing() as connection:
            for start in range(0, len(names), _AT_ONCE):
                some = names[start : start + _AT_ONCE]
                connection.execute(
                    delete(model).where(model.map == map_name, model.token.in_(some))
                )

    def close(self, conflict_id: int, outcome: ConflictOutcome) -> None:
        """Close an open conflict with its outcome.

        Raises:
            LookupError: There is no such conflict.
        """
        now = datetime.now(UTC)
        values = {"status": ConflictStatus.CLOSED, "outcome": outcome, "closed_at": now}
        self._change(conflict_id, values)

    def reopen(self, conflict_id: int) -> None:
        """Let a conflict wait for a person again, after a decision that could not be applied.

        Raises:
            LookupError: There is no such conflict.
        """
        waits = {"status": ConflictStatus.OPEN, "outcome": ConflictOutcome.WAITS}
        self._change(conflict_id, {**waits, "closed_at": None})

    def mark_undone(self, conflict_id: int) -> None:
        """Record that the decision of a conflict was undone; its outcome stays on record.

        Raises:
            LookupError: There is no such conflict.
        """
        values = {"status": ConflictStatus.UNDONE, "closed_at": datetime.now(UTC)}
        self._change(conflict_id, values)

    def _change(self, conflict_id: int, values: dict[str, Any]) -> None:
        plain = {name: str(v) if isinstance(v, str) else v for name, v in values.items()}
        statement = update(ConflictModel).where(ConflictModel.id == conflict_id).values(**plain)
        with self._database.writing() as connection:
            if not connection.execute(statement).rowcount:
                msg = f"there is no conflict {conflict_id}"
                raise LookupError(msg)


def _values(map_name: str, conflict: Conflict) -> dict[str, Any]:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "map": map_name,
        "key": key_text(conflict.key),
        "token": conflict.token,
        "kind": conflict.kind.value,
        "policy": conflict.policy,
        "status": conflict.status.value,
        "outcome": conflict.outcome.value,
        "at": now,
        "closed_at": None if conflict.status is ConflictStatus.OPEN else now,
        "columns": dict(conflict.columns),
    }
    for side in Side:
        row, changed = conflict.rows.get(side), conflict.changed.get(side)
        values[side.value] = None if row is None else dict(row)
        values[f"changed_{side.value}"] = None if changed is None else list(changed)
    return values


def _stored(row: Row[Any]) -> StoredConflict:
    values = row._mapping  # noqa: SLF001 - columns by name, as SQLAlchemy documents it
    changed = {side: values[f"changed_{side.value}"] for side in Side}
    conflict = Conflict(
        key=json.loads(row.key),
        token=row.token,
        kind=ConflictKind(row.kind),
        policy=row.policy,
        outcome=ConflictOutcome(row.outcome),
        rows={side: values[side.value] for side in Side},
        changed={side: None if each is None else tuple(each) for side, each in changed.items()},
        columns=row.columns,
        status=ConflictStatus(row.status),
    )
    return StoredConflict(row.id, row.map, row.at, row.closed_at, conflict)
