"""The order of maps: what a lookup points at comes first; what a cycle defers is named."""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.errors import MissingTableError
from dualwrite.link import Side
from dualwrite.sync.routes.plan import MapPlan, RunPlan
from dualwrite.sync.session import Session
from dualwrite.tablemap.dependencies import ReferenceOf, order
from dualwrite.tablemap.model import Master, TableMap
from dualwrite.tablemap.schema import Reference


def order_maps(
    session: Session, maps: Sequence[TableMap], *, master: Master | None = None
) -> RunPlan:
    """Put maps in the order of what they need; they are not checked."""

    def nullable(side: Side, table: str, column: str) -> bool:
        found = session.schema(side, table).columns.get(column)
        return found is None or found.nullable  # one that is gone is its map's fault

    by_name = {each.name: each for each in maps}
    ordered = order(maps, reference_of(session), nullable)
    plans = []
    for name in ordered.sequence:
        lookups = ordered.deferred.get(name, ())
        deferred = {
            each: columns
            for each in Side
            if (columns := frozenset(column for side, column in lookups if side is each))
        }
        plans.append(MapPlan(by_name[name], master or by_name[name].master, deferred))
    why = [
        f"second pass: {name}.{column} ({side.value})"
        for name, lookups in ordered.deferred.items()
        for side, column in sorted(lookups, key=lambda each: (each[0].value, each[1]))
    ]
    return RunPlan(tuple(plans), tuple(why))


def reference_of(session: Session) -> ReferenceOf:
    """What a lookup column points at; nothing, where the table is not there."""

    def find(side: Side, table: str, column: str) -> Reference | None:
        try:
            return session.reference(side, table, column)
        except MissingTableError:
            return None

    return find
