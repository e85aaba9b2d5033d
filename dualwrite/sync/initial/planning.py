"""Making the plan of a run from the maps that were named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dualwrite.errors import MissingTableError
from dualwrite.link import Side
from dualwrite.sync.plan import MapPlan, RunPlan
from dualwrite.sync.session import Session
from dualwrite.sync.way.expecting import expectation_faults
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.checks import check
from dualwrite.tablemap.dependencies import Lookup, ReferenceOf, order, related
from dualwrite.tablemap.findings import Finding, MapError, in_order
from dualwrite.tablemap.model import Master, TableMap
from dualwrite.tablemap.schema import Reference


def make_plan(
    session: Session,
    names: Sequence[str],
    *,
    with_related: bool = False,
    master: Master | None = None,
) -> RunPlan:
    """Order the maps, with all that they need if asked, and see what has to wait for phase 2.

    Args:
        session: The project.
        names: The maps to run.
        with_related: Take in every map that these need.
        master: Who wins in the initial sync, in the place of each map's own.

    Raises:
        UnknownMapError: There is no such map.
        MapError: A map has findings that forbid to run it; all findings of all maps.
        TransientError, PermanentError: From the apps.
    """
    for name in names:
        session.map(name)
    # an app that is away is no fault of the maps: say so first, and only that
    for side in Side:
        session.apps[side].tables()
    chosen = _related(session, names) if with_related else tuple(dict.fromkeys(names))
    maps = [session.map(name) for name in chosen]
    refuse_faulty(session, maps)
    return order_maps(session, maps, master=master)


def order_maps(
    session: Session, maps: Sequence[TableMap], *, master: Master | None = None
) -> RunPlan:
    """Put maps in the order of what they need; they are not checked.

    Raises:
        TransientError, PermanentError: From the apps.
    """

    def nullable(side: Side, table: str, column: str) -> bool:
        return session.schema(side, table).columns[column].nullable

    by_name = {each.name: each for each in maps}
    ordered = order(maps, reference_of(session), nullable)
    plans = []
    for name in ordered.sequence:
        deferred = _by_side(ordered.deferred.get(name, ()))
        plans.append(MapPlan(by_name[name], master or by_name[name].master, deferred))
    why = [
        f"second pass: {name}.{column} ({side.value})"
        for name, lookups in ordered.deferred.items()
        for side, column in sorted(lookups, key=lambda each: (each[0].value, each[1]))
    ]
    return RunPlan(tuple(plans), tuple(why))


def refuse_faulty(session: Session, maps: Sequence[TableMap]) -> None:
    """Check maps against both apps.

    Raises:
        MapError: One of them has an error; all findings of all maps are in it.
    """
    findings: list[Finding] = []
    for table_map in maps:
        findings += check_map(session, table_map)
    if errors := [finding for finding in findings if finding.severity == "error"]:
        raise MapError(", ".join(dict.fromkeys(each.map or "" for each in errors)), errors)


def check_map(session: Session, table_map: TableMap) -> list[Finding]:
    """Hold one map against both apps and the link."""
    found = check(
        table_map,
        session.schema,
        catalogue=session.catalogue,
        companies=session.link.companies,
        books=session.books,
    )
    return in_order([*found, *expectation_faults(table_map, session.link.project)])


def reference_of(session: Session) -> ReferenceOf:
    """What a lookup column points at; nothing, where the table is not there."""

    def find(side: Side, table: str, column: str) -> Reference | None:
        try:
            return session.reference(side, table, column)
        except MissingTableError:
            return None

    return find


def _related(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    maps = []
    for name in session.catalogue.names():
        try:
            maps.append(session.map(name))
        except (MapError, UnknownMapError):
            if name in names:
                raise
    return related(names, maps, reference_of(session))


def _by_side(lookups: Iterable[Lookup]) -> dict[Side, frozenset[str]]:
    found: dict[Side, set[str]] = {}
    for side, column in lookups:
        found.setdefault(side, set()).add(column)
    return {side: frozenset(columns) for side, columns in found.items()}
