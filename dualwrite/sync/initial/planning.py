"""Making the plan of a run from the maps that were named."""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.link import Side
from dualwrite.sync.routes.expectations import expectation_faults
from dualwrite.sync.routes.order import order_maps, reference_of
from dualwrite.sync.routes.plan import RunPlan
from dualwrite.sync.session import Session
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.checks import check
from dualwrite.tablemap.dependencies import related
from dualwrite.tablemap.findings import Finding, MapError, in_order
from dualwrite.tablemap.model import Master, TableMap


def make_plan(
    session: Session,
    names: Sequence[str],
    *,
    with_related: bool = False,
    master: Master | None = None,
) -> RunPlan:
    """Order the maps, `with_related` every map that they need; what must wait for phase 2.

    `master` wins in the initial sync, in the place of each map's own.

    Raises:
        UnknownMapError: There is no such map.
        MapError: A map has findings that forbid to run it; all findings of all maps.
    """
    for name in names:
        session.map(name)
    # an app that is away is no fault of the maps: report that first, and only that
    for side in Side:
        session.apps[side].tables()
    chosen = _related(session, names) if with_related else tuple(dict.fromkeys(names))
    maps = [session.map(name) for name in chosen]
    refuse_faulty(session, maps)
    return order_maps(session, maps, master=master)


def refuse_faulty(session: Session, maps: Sequence[TableMap]) -> None:
    """Check maps against both apps.

    Raises:
        MapError: One of them has an error; all findings of all maps are in it.
    """
    findings = [finding for each in maps for finding in _findings(session, each)]
    if errors := [finding for finding in findings if finding.severity == "error"]:
        raise MapError(", ".join(dict.fromkeys(each.map or "" for each in errors)), errors)


def _findings(session: Session, table_map: TableMap) -> list[Finding]:
    found = check(
        table_map,
        session.schema,
        catalogue=session.catalogue,
        companies=session.link.companies,
        books=session.books,
    )
    return in_order([*found, *expectation_faults(table_map, session.link.project)])


def _related(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    maps = []
    for name in session.catalogue.names():
        try:
            maps.append(session.map(name))
        except (MapError, UnknownMapError):
            if name in names:
                raise
    return related(names, maps, reference_of(session))
