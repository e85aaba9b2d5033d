"""A small world for the sync room: four tables a side, four maps, any kind of app.

`finops` names rows by company and account; `dataverse` by ids, so that every lookup
must be found.  Customers point at themselves, and customers and vendors at each other.
In finops '' means no lookup; the vendor column bears null instead.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.entries import Entries
from dualwrite.apps.memory.app import MemoryApp
from dualwrite.apps.query import Query
from dualwrite.journal.records import Counts, HeldRow, MapStatus
from dualwrite.journal.store import Journal
from dualwrite.link import Side, load_link
from dualwrite.operations.queries.reconcile import Reconciled, reconcile
from dualwrite.sandbox.schema.creating import driver_url
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.capture.captures import captures_of
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.model import Master
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference, TableSchema
from tests.sync.tables import TABLES, YAML, D, F, create

TO_D, TO_F = F.direction, D.direction
COMPANIES = ("USMF", "DEMF")
MAPS = ("companies", "groups", "customers", "vendors")

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Cust": {"PARTYTYPE": "Organization", "INVOICEACCOUNT": ""},
    "customer": {"kind": 3},
}
_POINTS: Mapping[str, tuple[str, str]] = {
    "company": ("company", "code"),
    "custgroup": ("custgroup", "groupid"),
    "vendor": ("vendor", "number"),
    "billto": ("customer", "accountnumber"),
    "customer": ("customer", "accountnumber"),
}
"""Lookup columns of dataverse: where they point, and by what a test names the row."""


@dataclass
class World:
    """A project over two apps of one kind, opened once: a run asks the apps for their
    schemas, and that takes longer than the few rows of a test."""

    folder: Path
    kind: str
    urls: Mapping[Side, str]
    memory: dict[Side, MemoryApp] = field(default_factory=dict)
    wrap: Callable[[App], App] = lambda app: app
    """Put before both apps of a run: a fault, a counter."""
    notes: dict[str, str] = field(default_factory=dict)
    """The notes of the last cycle on its maps."""
    _opened: ExitStack = field(default_factory=ExitStack)
    _session: Session | None = None

    # The project

    def map(self, name: str, *changes: tuple[str, str]) -> None:
        """Write a map anew, with pieces of its text replaced."""
        path = self.folder / "maps" / f"{name}.yaml"
        content = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in content, old
            content = content.replace(old, new)
        path.write_text(content, encoding="utf-8")
        if self._session is not None:
            self._session = replace(self._session, catalogue=self._catalogue())

    @property
    def session(self) -> Session:
        """The open project; its apps are the bare ones."""
        if self._session is None:
            if self.memory:
                link = load_link(self.folder)
                journal = self._opened.enter_context(Journal.open(link.journal_url))
                apps: Mapping[Side, App] = self.memory
                self._session = Session(link, apps, journal, self._catalogue())
            else:
                opened = self._opened.enter_context(open_session(self.folder))
                self._session = replace(opened, catalogue=self._catalogue())
        return self._session

    def open(self) -> Session:
        """The open project as a run has it, `wrap` put before both apps."""
        apps = {side: self.wrap(app) for side, app in self.session.apps.items()}
        return replace(self.session, apps=apps)

    def close(self) -> None:
        self._opened.close()
        self._session = None

    def _catalogue(self) -> Catalogue:
        return Catalogue.load(self.folder / "maps", self.folder / "none")

    # What a person does

    def run(
        self, *names: str, master: Master | None = None, **options: Any
    ) -> dict[str, MapResult]:
        """As `dualwrite run`, one worker by default; all maps if none is named."""
        session = self.open()
        plan = make_plan(session, names or MAPS, master=master)
        results = run_maps(session, plan, RunOptions(**{"workers": 1, **options}))
        return {result.map: result for result in results}

    def counts(self, *names: str, **options: Any) -> dict[str, dict[str, int]]:
        """Run, and tell what was counted for each map, zeros left out."""
        return {name: counts_of(result) for name, result in self.run(*names, **options).items()}

    def cycle(self, *names: str, **options: Any) -> dict[str, dict[str, int]]:
        """As `dualwrite sync`: what was counted for each map that did something."""
        results = run_cycle(self.open(), names or None, **options)
        self.notes = {result.map: result.note for result in results if result.note}
        return {result.map: counts for result in results if (counts := counts_of(result))}

    def cycle_until_done(self) -> None:
        """Run cycles until nothing is left to do."""
        for _ in range(10):
            if not self.cycle():
                return
        raise AssertionError(self.cycle(), self.notes)

    def conflicts(self, name: str = "customers") -> list[tuple[str, str, str]]:
        """(last part of the key, kind, outcome) of each conflict on record, oldest first."""
        stored = self.session.journal.conflicts.find(name, open_only=False)
        return [
            (str(list(each.conflict.key.values())[-1]), each.conflict.kind, each.conflict.outcome)
            for each in reversed(stored)
        ]

    def conflict_id(self) -> int:
        """The one conflict on record."""
        (stored,) = self.session.journal.conflicts.find("customers", open_only=False)
        return stored.id

    def reconcile(self, name: str = "customers") -> Reconciled:
        return reconcile(self.open(), name)

    def unexplained(self) -> dict[str, int]:
        found = {name: self.reconcile(name).unexplained for name in MAPS}
        return {name: count for name, count in found.items() if count}

    def held(self, name: str | None = None) -> list[HeldRow]:
        session = self.open()
        return [*session.journal.held.rejected(name), *session.journal.held.parked(name)]

    def causes(self, name: str | None = None) -> list[tuple[str, str, str]]:
        """(direction, last part of the key, cause) of each held row, sorted."""
        return sorted(
            (row.direction, str(list(row.key.values())[-1]), row.cause) for row in self.held(name)
        )

    def status(self, name: str = "customers") -> MapStatus:
        session = self.open()
        return session.journal.maps.status(name)

    # The apps' own users

    def put(self, side: Side, table: str, *rows: Mapping[str, Any]) -> None:
        """Insert or change rows by key; a dataverse lookup is given by its natural key."""
        app = self.session.apps[side]
        schema = app.schema(table)
        key = schema.unique[0] if side is D else schema.primary_key
        for names in dict.fromkeys(tuple(row) for row in rows):
            given = [dict(row) for row in rows if tuple(row) == names]
            self._put(app, schema, key, given)

    def _put(
        self, app: App, schema: TableSchema, key: Sequence[str], rows: list[dict[str, Any]]
    ) -> None:
        rows = [{**_DEFAULTS.get(schema.name, {}), **row} for row in rows]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        if app.side is D:
            codes = columns.get("company", [])
            for name in [each for each in columns if each in _POINTS]:
                columns[name] = _ids(app, name, columns[name], codes)
        arrays = {
            name: pa.array(values, schema.columns[name].type) for name, values in columns.items()
        }
        app.write(schema.name, pa.table(arrays), key=key)

    def remove(self, side: Side, table: str, **key: Any) -> None:
        app = self.session.apps[side]
        types = {name: app.schema(table).columns[name].type for name in key}
        app.delete(table, pa.table({n: pa.array([v], types[n]) for n, v in key.items()}))

    def lose_queues(self) -> None:
        """As if what was changed so far had been changed past the triggers."""
        for name in MAPS:
            for side, capture in captures_of(self.session, self.session.map(name)).items():
                entries = self.entries(side, name)
                self.session.apps[side].acknowledge(capture.queue, entries.id)

    def rename(self, side: Side, table: str, column: str, old: str, new: str) -> None:
        """Change a key, as an application does by one UPDATE."""
        if self.memory:
            self._rename_in_memory(side, table, column, old, new)
            return
        self.execute(
            side,
            f"UPDATE {_quoted(self, table)} SET {_quoted(self, column)} = '{new}'"
            f" WHERE {_quoted(self, column)} = '{old}'",
        )

    def _rename_in_memory(self, side: Side, table: str, column: str, old: str, new: str) -> None:
        app = self.session.apps[side]
        schema = app.schema(table)
        paths = tuple(ColumnPath((name,)) for name in schema.columns)
        found = app.read(Query(table, paths))
        row = found.filter(pc.equal(found[column], old))
        at = row.column_names.index(column)
        renamed = row.set_column(at, column, pa.array([new]))
        if column not in schema.primary_key:
            app.update(table, renamed, key=schema.primary_key)
            return
        with app.writing() as writing:
            writing.delete(table, row.select(list(schema.primary_key)))
            writing.insert(table, renamed, key=schema.primary_key)

    def entries(self, side: Side, name: str) -> Entries:
        """The entries of a map's queue."""
        session = self.open()
        capture = captures_of(session, session.map(name))[side]
        with session.apps[side].snapshot() as snapshot:
            return snapshot.entries(capture, limit=1000)

    def rows(self, side: Side, table: str, *paths: str) -> list[tuple[Any, ...]]:
        """What an app holds, sorted."""
        columns = tuple(map(ColumnPath.parse, paths))
        query = Query(table, columns, lookups=_LOOKUPS.get(table, {}))
        found = self.session.apps[side].read(query)
        rows = [tuple(row.values()) for row in found.to_pylist()]
        return sorted(rows, key=lambda row: tuple((v is not None, str(v)) for v in row))

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Both apps' rows, generated ids aside."""
        return {
            f"{side.value} {schema.name}": self.rows(side, schema.name, *_telling(side, schema))
            for side in Side
            for schema in TABLES[side]
        }

    def execute(self, side: Side, *statements: str) -> list[Any]:
        """SQL by the app's owner; the rows of the last statement."""
        engine = sa.create_engine(driver_url(self.urls[side]))
        try:
            with engine.begin() as connection:
                for statement in statements:
                    result = connection.exec_driver_sql(statement)
                return list(result) if result.returns_rows else []
        finally:
            engine.dispose()


def _quoted(world: World, name: str) -> str:
    return f"`{name}`" if world.kind == "mariadb" else f'"{name}"'


_LOOKUPS = {"vendor": {"customer": Reference("customer", "customerid")}}


def counts_of(result: MapResult) -> dict[str, int]:
    """The counts of a result, both directions, zeros left out."""
    return {
        f"{side.direction} {what}": count
        for side in Side
        for what, count in result.counts.get(side.direction, Counts()).as_dict().items()
        if count
    }


def cust(
    account: str, name: str | None = "N", company: str = "USMF", **more: Any
) -> dict[str, Any]:
    """A customer of finops."""
    return {"DATAAREAID": company, "ACCOUNT": account, "NAME": name, **more}


def customer(
    account: str, name: str | None = "N", company: str = "USMF", **more: Any
) -> dict[str, Any]:
    """A customer of dataverse."""
    return {"company": company, "accountnumber": account, "name": name, **more}


def at(hour: int) -> dt.datetime:
    """A moment of one day."""
    return dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC)


def make_world(
    folder: Path, kind: str, urls: Mapping[Side, str], *, journal: Path, **engine: int
) -> World:
    """Both apps with the companies in, and a project over them.

    `journal` is a new journal's file, to begin with a copy of it.
    """
    memory: dict[Side, MemoryApp] = {}
    if kind == "memory":
        memory = {side: MemoryApp(side, *TABLES[side]) for side in Side}
    else:
        for side in Side:
            create(urls[side], TABLES[side])
    (folder / "maps").mkdir(parents=True)
    for name, content in YAML.items():
        (folder / "maps" / f"{name}.yaml").write_text(content, encoding="utf-8")
    _write_config(folder, urls, engine)
    (folder / ".dualwrite").mkdir()
    shutil.copy(journal, folder / ".dualwrite" / "journal.db")
    world = World(folder, kind, urls, memory)
    names = [("USMF", "Contoso US"), ("DEMF", "Contoso DE"), ("FRRT", "not in the link")]
    world.put(F, "Company", *({"CODE": code, "NAME": name} for code, name in names))
    world.put(D, "company", *({"code": code, "name": name} for code, name in names))
    return world


def _write_config(folder: Path, urls: Mapping[Side, str], engine: Mapping[str, int]) -> None:
    apps = "".join(
        f'[apps.{side.value}]\nconnector = "sql"\nurl = "{url}"\n' for side, url in urls.items()
    )
    numbers = "".join(f"{word} = {number}\n" for word, number in engine.items())
    listed = ", ".join(f'"{company}"' for company in COMPANIES)
    (folder / "dualwrite.toml").write_text(
        f'[link]\nname = "world"\ncompanies = [{listed}]\n{apps}[engine]\n{numbers}',
        encoding="utf-8",
    )


def _ids(app: App, column: str, values: list[Any], codes: list[Any]) -> list[Any]:
    table, natural = _POINTS[column]
    company = () if table == "company" else (ColumnPath.parse("company.code"),)
    wanted = (*company, ColumnPath((natural,)), ColumnPath((f"{table}id",)))
    known = {tuple(row.values())[:-1]: row[f"{table}id"] for row in _read(app, table, wanted)}
    keys = [
        (value,) if not company else (code, value)
        for code, value in zip(codes or [None] * len(values), values, strict=True)
    ]
    return [None if key[-1] is None else known[key] for key in keys]


def _read(app: App, table: str, paths: tuple[ColumnPath, ...]) -> list[dict[str, Any]]:
    return app.read(Query(table, paths)).to_pylist()


def _telling(side: Side, schema: TableSchema) -> list[str]:
    """Every column that can be compared, lookups by the natural key they point at."""
    if side is F:
        return list(schema.columns)
    own = [name for name in schema.columns if not schema.columns[name].has_default]
    return [f"{name}.{_POINTS[name][1]}" if name in _POINTS else name for name in own]
