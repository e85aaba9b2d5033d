"""`dualwrite check`: is everything there that a run needs, and is nothing stuck?

Every item is looked at, whatever the others said; only what cannot be looked at
without another one (the apps without dualwrite.toml) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import plural, print_json, say
from dualwrite.errors import DualWriteError
from dualwrite.link import Link, Side, load_link, safe_url

if TYPE_CHECKING:
    from dualwrite.apps.base import App
    from dualwrite.journal.records import MapRecord
    from dualwrite.sync.session import Session
    from dualwrite.tablemap.model import TableMap


_READ: tuple[str, ...] = ("select",)
_WRITE = (*_READ, "insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing looked at.  `fix` says what to do when it is not `ok`."""

    item: str
    ok: bool
    text: str
    fix: str = ""


def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MAP",
            help="Maps to hold against the apps; else those that run, and the project's own.",
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Repair what is wrong with the capture of maps at work, and remove queues left "
            "behind.",
        ),
    ] = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Check link, journal, apps, rights, maps, and that changes are captured.

    Exit code 1 when something is not right; each such item says what to do. Nothing is
    written to the apps without --repair. With it a queue or a trigger that was lost is made
    again, both sides are compared, and rows that differ are queued: the next cycles carry
    them, and where both sides changed it is a conflict on record.

    \b
    Examples:
      dualwrite check
      dualwrite check customers-v3--accounts --project contoso
      dualwrite check --repair
    """
    items: list[Item] = []
    for item in _items(project, targets or [], repair=repair):
        items.append(item)
        if not as_json:
            say(f"{'ok   ' if item.ok else 'FAULT'} {item.item}: {_indented(item.text)}")
            if item.fix:
                say(f"      -> {_indented(item.fix)}")
    ok = all(item.ok for item in items)
    if as_json:
        print_json({"ok": ok, "items": [asdict(item) for item in items]})
    elif ok:
        say("\nEverything is there.")
    else:
        say(f"\n{plural(sum(not item.ok for item in items), 'item')} to repair.")
    if not ok:
        raise typer.Exit(1)


def _items(project: Path, targets: list[str], *, repair: bool) -> Iterator[Item]:
    try:
        link = load_link(project)
    except DualWriteError as error:
        yield _fault("link", error)
        return
    companies = ", ".join(link.companies) or "none"
    yield Item("link", ok=True, text=f"{link.name}, companies {companies}")
    yield _journal(link)

    from dualwrite.apps.opening import open_app

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
        if len(apps) == len(Side):
            yield from _maps(link, project, targets, apps)
            yield from _at_work(link, project, targets, apps, repair=repair)


def _journal(link: Link) -> Item:
    from dualwrite.journal.store import Journal

    try:
        with Journal.open(link.journal_url) as journal:
            known = len(journal.maps.all())
    except DualWriteError as error:
        return _fault("journal", error)
    where = safe_url(link.journal_url)
    return Item("journal", ok=True, text=f"{plural(known, 'map')} known, at {where}")


def _maps(
    link: Link, project: Path, targets: list[str], apps: Mapping[Side, App]
) -> Iterator[Item]:
    from dualwrite.cli.checking import chosen_maps, findings_of
    from dualwrite.tablemap.catalogue import Catalogue

    catalogue = Catalogue.load(project / "maps")
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


def _at_work(
    link: Link, project: Path, targets: list[str], apps: Mapping[Side, App], *, repair: bool
) -> Iterator[Item]:
    """Whether the changes of every map at work are captured, and none is stuck."""
    from dualwrite.journal.store import Journal
    from dualwrite.sync.session import Session
    from dualwrite.tablemap.catalogue import Catalogue

    try:
        with Journal.open(link.journal_url) as journal:
            session = Session(link, apps, journal, Catalogue.load(project / "maps"))
            for record in journal.maps.all():
                if not targets or record.name in targets:
                    yield from _work_of(session, record, repair=repair)
    except DualWriteError:
        return  # the journal's own item tells


def _work_of(session: Session, record: MapRecord, *, repair: bool) -> Iterator[Item]:
    from dualwrite.journal.records import MapStatus
    from dualwrite.sync.mapstate.problems import ailments, repair_map

    item = f"{record.name} at work"
    try:
        found = ailments(session, record)
        if found and repair:
            done = repair_map(session, record)
            yield Item(f"repair of {record.name}", ok=True, text=done)
            now = {each.name: each for each in session.journal.maps.all()}
            found = ailments(session, now[record.name])
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
    from dualwrite.cli.checking import looked_into

    for side, app in apps.items():
        arrive = table_map.flows_from(side.other)
        needs = {table_map.end(side).table: _WRITE if arrive else _READ}
        for table in looked_into(table_map, side, app):
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
    """What went wrong, and below it what the error itself says to do."""
    text, _, fix = safe_url(str(error)).partition("\n")
    return Item(item, ok=False, text=text, fix="\n".join(map(str.strip, fix.splitlines())))


def _indented(text: str) -> str:
    return text.replace("\n", "\n         ")
