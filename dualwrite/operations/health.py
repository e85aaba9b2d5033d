"""The items of a health check: link, journal, apps, maps, rights, and the capture of changes.

Every item is looked at, whatever the others say; only what cannot be looked at without
another one (the apps without dualwrite.toml) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.errors import DualWriteError
from dualwrite.journal.records import MapRecord, MapStatus
from dualwrite.journal.store import Journal
from dualwrite.link import Link, Side, load_link, safe_url
from dualwrite.operations.mapchecks import chosen_maps, findings_of, tables_looked_up
from dualwrite.operations.session import Session
from dualwrite.operations.wording import plural
from dualwrite.sync.health.problems import problems, repair_map
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.model import TableMap

_READ: tuple[str, ...] = ("select",)
_WRITE = (*_READ, "insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was checked.  `fix` says what to do when it is not `ok`."""

    item: str
    ok: bool
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class CheckedItems:
    """A result that is a list of checked items."""

    items: tuple[Item, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(item.ok for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """`ok` and `items`."""
        return {"ok": self.ok, "items": [asdict(item) for item in self.items]}


def health_items(project: Path, targets: Sequence[str], *, repair: bool) -> Iterator[Item]:
    """Check item after item; with `repair` also repair the capture of maps, then look again."""
    try:
        link = load_link(project)
    except DualWriteError as error:
        yield _fault("link", error)
        return
    companies = f", companies {', '.join(link.companies)}" if link.companies else ""
    yield Item("link", ok=True, text=f"{link.name}{companies}")
    yield _journal(link)
    with ExitStack() as stack:
        apps: dict[Side, App] = {}
        for side in Side:
            try:
                app = open_app(side, link.apps[side].url)
                stack.callback(app.close)
                count = len(app.tables())
            except DualWriteError as error:
                yield _fault(side.value, error)
            else:
                apps[side] = app
                where = safe_url(link.apps[side].url)
                yield Item(side.value, ok=True, text=f"{plural(count, 'table')} at {where}")
                yield from _cautions(side, app)
        if len(apps) == len(Side):
            yield from _maps(link, targets, apps)
            yield from _captures(link, targets, apps, repair=repair)


def _cautions(side: Side, app: App) -> Iterator[Item]:
    """What of the server's settings is no fault, and to be known."""
    try:
        found = app.cautions()
    except DualWriteError as error:
        yield _fault(side.value, error)
        return
    for text, cure in found:
        yield Item(f"{side.value} on disk", ok=True, text=text, fix=cure)


def _journal(link: Link) -> Item:
    try:
        with Journal.open(link.journal_url) as journal:
            known = len(journal.maps.all())
    except DualWriteError as error:
        return _fault("journal", error)
    where = safe_url(link.journal_url)
    return Item("journal", ok=True, text=f"{plural(known, 'map')} known, at {where}")


def _maps(link: Link, targets: Sequence[str], apps: Mapping[Side, App]) -> Iterator[Item]:
    catalogue = Catalogue.load(link.project / "maps")
    for name in chosen_maps(catalogue, link, targets):
        found = findings_of(catalogue, name, link, apps)
        errors = [each for each in found if each.severity == "error"]
        if errors:
            yield Item(
                f"map {name}",
                ok=False,
                text="; ".join(f"{each.code} {each.message}" for each in errors),
                fix=f"dualwrite maps check {name}",
            )
            continue
        warned = f", {plural(len(found), 'warning')}" if found else ""
        yield Item(f"map {name}", ok=True, text=f"sound{warned}")
        yield from _rights(catalogue.get(name), apps)


def _captures(
    link: Link, targets: Sequence[str], apps: Mapping[Side, App], *, repair: bool
) -> Iterator[Item]:
    """Whether the changes of every map at work are captured, and none is stuck."""
    try:
        with Journal.open(link.journal_url) as journal:
            session = Session(link, apps, journal, Catalogue.load(link.project / "maps"))
            for record in journal.maps.all():
                if not targets or record.name in targets:
                    yield from _capture(session, record, repair=repair)
    except DualWriteError:
        return  # reported by the item of the journal


def _capture(session: Session, record: MapRecord, *, repair: bool) -> Iterator[Item]:
    item = f"{record.name} at work"
    try:
        found = problems(session, record)
        if found and repair:
            done = repair_map(session, record)
            yield Item(f"repair of {record.name}", ok=True, text=done)
            now = {each.name: each for each in session.journal.maps.all()}
            found = problems(session, now[record.name])
    except DualWriteError as error:
        yield _fault(item, error)
        return
    for each in found:
        yield Item(item, ok=False, text=safe_url(each.text), fix=each.fix)
    if not found and record.status is not MapStatus.NOT_RUNNING:
        yield Item(item, ok=True, text=f"{record.status.value}, its changes are captured")


def _rights(table_map: TableMap, apps: Mapping[Side, App]) -> Iterator[Item]:
    """Whether our users may read, and where rows arrive write, the map's tables.

    The tables that its lookups point at are read too.
    """
    for side, app in apps.items():
        arrive = table_map.flows_from(side.other)
        needs = {table_map.end(side).table: _WRITE if arrive else _READ}
        for table in tables_looked_up(table_map, side, app):
            needs.setdefault(table, _READ)
        for table, needed in needs.items():
            yield _right(app, table, needed)


def _right(app: App, table: str, needed: tuple[str, ...]) -> Item:
    item = f"rights on {app.name}.{table}"
    try:
        held = app.privileges(table)
    except DualWriteError as error:
        return _fault(item, error)
    if lacks := " and ".join(right for right in needed if right not in held):
        return Item(item, ok=False, text=f"our user may not {lacks}", fix=f"grant {lacks}")
    return Item(item, ok=True, text=", ".join(needed))


def _fault(item: str, error: DualWriteError) -> Item:
    """What went wrong, and what the error itself says to do."""
    text, _, fix = safe_url(str(error)).partition("\n")
    return Item(item, ok=False, text=text, fix="\n".join(map(str.strip, fix.splitlines())))
