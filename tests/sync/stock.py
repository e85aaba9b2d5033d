"""A small world of quantities and money in memory: an order's lines, and the units they are in.

finops tells a line in the unit of the sale, dataverse in pieces (or as a test's map says).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.apps.memory.app import MemoryApp
from dualwrite.apps.query import Query
from dualwrite.journal.store import Journal
from dualwrite.link import Side, load_link
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.capture.captures import captures_of
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.reconcile.reconcile import reconcile
from dualwrite.sync.session import Session
from dualwrite.sync.session.measures import CONVERSIONS, OWN_CONVERSIONS, UNITS
from dualwrite.tablemap.catalogue import Catalogue, standard_maps_dir
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, TableSchema

F, D = Side.FINOPS, Side.DATAVERSE


def text(name: str, *, required: bool = False) -> Column:
    return Column(name, pa.string(), "text", nullable=not required, length=40)


def decimal(name: str, scale: int) -> Column:
    return Column(name, pa.decimal128(28, scale), f"decimal(28,{scale})")


def binary(name: str) -> Column:
    return Column(name, pa.float64(), "float", exact=False)


def table(name: str, key: int, *columns: Column) -> TableSchema:
    named = {column.name: column for column in columns}
    return TableSchema(name, named, tuple(named)[:key])


def conversions_table(name: str, *keys: str) -> TableSchema:
    return table(
        name,
        len(keys),
        *(text(key, required=True) for key in keys),
        decimal("FACTOR", 10),
        decimal("NUMERATOR", 0),
        decimal("DENOMINATOR", 0),
        decimal("INNEROFFSET", 10),
        decimal("OUTEROFFSET", 10),
        text("ROUNDING"),
    )


ENDS = ("FROMUNITSYMBOL", "TOUNITSYMBOL")
UNIT_TABLES = (
    table(
        "UnitOfMeasureEntity",
        1,
        text("UNITSYMBOL", required=True),
        text("UNITCLASS"),
        Column("DECIMALPRECISION", pa.int64(), "integer"),
        text("ISBASEUNIT"),
        text("ISSYSTEMUNIT"),
    ),
    conversions_table("UnitOfMeasureConversionEntity", *ENDS),
    conversions_table("EcoResProductSpecificUnitConversionEntity", "PRODUCTNUMBER", *ENDS),
)
LINES = {
    F: table(
        "Line",
        1,
        text("ID", required=True),
        text("ITEM"),
        decimal("QTY", 4),
        text("UNIT"),
        decimal("PRICE", 4),
        text("CURRENCY"),
        binary("WEIGHT"),
        binary("FLOATED"),
        text("AMOUNT"),
        text("COMPANY"),
    ),
    D: table(
        "line",
        1,
        text("id", required=True),
        text("item"),
        decimal("quantity", 2),
        text("unit"),
        decimal("price", 4),
        text("currency"),
        binary("weight"),
        decimal("floated", 2),
        decimal("amount", 4),
        text("company"),
    ),
}
MAP = """\
map: lines
title: Lines of an order
version: 1.0.0.0
publisher: tests
finops: {table: Line, key: [ID]}
dataverse: {table: line, key: [id]}
columns:
  - ID = id
  - ITEM = item
  - QTY = quantity
  - UNIT = unit
  - PRICE = price
  - CURRENCY = currency
quantity: {QTY: {unit: {finops: UNIT, dataverse: pcs}, product: ITEM}}
"""


@dataclass
class Stock:
    """A project of one map, `lines`, and what its people do."""

    folder: Path
    apps: Mapping[Side, MemoryApp]
    journal: Journal
    notes: dict[str, str] = field(default_factory=dict)
    _session: Session | None = None

    @property
    def session(self) -> Session:
        if self._session is None:
            maps = Catalogue.load(self.folder / "maps", self.folder / "standard")
            link = load_link(self.folder)
            self._session = Session(link, self.apps, self.journal, maps)
        return self._session

    def map(self, text: str, name: str = "lines") -> None:
        """Write a map anew."""
        (self.folder / "maps" / f"{name}.yaml").write_text(text, encoding="utf-8")
        self._session = None

    def change(self, *changes: tuple[str, str]) -> None:
        """Write the map anew, with pieces of its text replaced."""
        text = MAP
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.map(text)

    def put(self, side: Side, name: str, *rows: Mapping[str, Any]) -> None:
        """Insert or change rows by key."""
        schema = self.apps[side].schema(name)
        for row in rows:
            columns = {n: pa.array([v], schema.columns[n].type) for n, v in row.items()}
            self.apps[side].write(name, pa.table(columns), key=schema.primary_key)

    def unit(
        self, symbol: str, unit_class: str = "Quantity", decimals: int = 0, *, base: str = "No"
    ) -> None:
        self.put(
            F,
            "UnitOfMeasureEntity",
            {
                "UNITSYMBOL": symbol,
                "UNITCLASS": unit_class,
                "DECIMALPRECISION": decimals,
                "ISBASEUNIT": base,
            },
        )

    def conversion(self, from_: str, to: str, factor: str, product: str | None = None) -> None:
        row = {"FROMUNITSYMBOL": from_, "TOUNITSYMBOL": to, "FACTOR": Decimal(factor)}
        if product is None:
            self.put(F, "UnitOfMeasureConversionEntity", row)
        else:
            name = "EcoResProductSpecificUnitConversionEntity"
            self.put(F, name, {"PRODUCTNUMBER": product, **row})

    def run(self, **options: Any) -> MapResult:
        session = self.session
        plan = make_plan(session, ["lines"])
        (result,) = run_maps(session, plan, RunOptions(**{"workers": 1, **options}))
        return result

    def cycle(self) -> MapResult:
        (result,) = run_cycle(self.session)
        return result

    def rows(self, side: Side, *columns: str, name: str = "") -> list[tuple[Any, ...]]:
        """Some columns of the lines a side holds, by key."""
        of = name or LINES[side].name
        query = Query(of, tuple(ColumnPath((each,)) for each in columns))
        found = self.apps[side].read(query)
        return sorted(tuple(row.values()) for row in found.to_pylist())

    def held(self) -> list[tuple[str, str, str]]:
        """(key, rule, reason) of each rejected row, by key."""
        return sorted(
            (str(next(iter(row.key.values()))), row.cause, row.reason)
            for row in self.journal.held.rejected("lines")
        )

    def queue(self) -> str:
        """The queue of finops."""
        return captures_of(self.session, self.session.map("lines"))[F].queue

    def unexplained(self) -> int:
        return reconcile(self.session, self.session.map("lines")).unexplained


def make_stock(folder: Path, journal: Path, *, units: bool = True) -> Stock:
    """A project without a line; with `units` finops keeps units of its own: pcs, box, kg."""
    (folder / "maps").mkdir(parents=True)
    (folder / ".dualwrite").mkdir()
    (folder / "standard").mkdir()
    standard = standard_maps_dir()
    for name in (UNITS, CONVERSIONS, OWN_CONVERSIONS):
        shutil.copy(next(standard.rglob(f"{name}.yaml")), folder / "standard")
    shutil.copytree(standard / "values", folder / "standard" / "values")
    (folder / "dualwrite.toml").write_text(
        '[link]\nname = "stock"\ncompanies = ["USMF", "JPMF"]\n'
        '[apps.finops]\nconnector = "sql"\nurl = "sqlite:///f.db"\n'
        '[apps.dataverse]\nconnector = "sql"\nurl = "sqlite:///d.db"\n',
        encoding="utf-8",
    )
    shutil.copy(journal, folder / ".dualwrite" / "journal.db")
    opened = Journal.open(f"sqlite:///{folder / '.dualwrite' / 'journal.db'}")
    apps = {
        F: MemoryApp(F, LINES[F], *(UNIT_TABLES if units else ())),
        D: MemoryApp(D, LINES[D]),
    }
    stock = Stock(folder, apps, opened)
    stock.map(MAP)
    if units:
        stock.unit("pcs", base="Yes")
        stock.unit("box")
        stock.unit("kg", "Mass", 3, base="Yes")
        stock.conversion("box", "pcs", "12")
    return stock


def line(
    key: str, quantity: str | None = None, unit: str | None = "box", **more: Any
) -> dict[str, Any]:
    """A line of finops."""
    given = None if quantity is None else Decimal(quantity)
    return {"ID": key, "QTY": given, "UNIT": unit, **more}
