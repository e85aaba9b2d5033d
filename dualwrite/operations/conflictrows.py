"""A conflict as JSON has it; queries and commands show it alike."""

from __future__ import annotations

from typing import Any

from dualwrite.journal.records import StoredConflict
from dualwrite.link import Side
from dualwrite.operations.results import timestamp

__all__ = ["StoredConflict", "conflict_dict"]


def conflict_dict(row: StoredConflict) -> dict[str, Any]:
    """One conflict with both versions, which columns were changed, and its outcome."""
    each = row.conflict
    return {
        "id": row.id,
        "map": row.map,
        "key": each.key,
        "kind": each.kind,
        "policy": each.policy,
        "status": each.status,
        "outcome": each.outcome,
        **{side.value: each.rows.get(side) for side in Side},
        "changed": {side.value: each.changed.get(side) for side in Side},
        "columns": each.columns,
        "at": timestamp(row.at),
        "closed_at": timestamp(row.closed_at),
    }
