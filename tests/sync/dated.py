"""A small world of dated rows: prices of items, by day in finops, by the second in dataverse."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.apps.memory.app import MemoryApp
from dualwrite.effective import Periods, find_faults
from dualwrite.link import Side
from dualwrite.sync.session import Session
from dualwrite.tablemap.schema import Column, TableSchema
from tests.sync.tables import UTC, D, F, create, moment, money, number, text
from tests.sync.world import World, _write_config

NEVER = dt.date(2154, 12, 31)
TODAY = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)

DATED = """\
map: prices
title: Prices of items
finops: {table: Price, key: [ITEM, VALIDFROM]}
dataverse: {table: price, key: [item, validfrom]}
columns:
  - ITEM = item
  - VALIDFROM = validfrom
  - VALIDTO = validto
  - PRICE = price
  - NOTE = note
effective: {entity: [ITEM], from: VALIDFROM, to: VALIDTO, gaps: allow}
"""
SHOWN = """\
map: prices
title: The price of an item today
finops: {table: Price, key: [ITEM]}
dataverse: {table: listprice, key: [item]}
columns:
  - ITEM > item
  - PRICE > price
  - NOTE > note
effective: {entity: [ITEM], from: VALIDFROM, to: VALIDTO}
"""


def _day(name: str, *, required: bool = False) -> Column:
    return Column(name, pa.date32(), "date", nullable=not required)


def _required(column: Column) -> Column:
    return replace(column, nullable=False)


def _table(
    name: str, *columns: Column, key: tuple[str, ...], unique: tuple[str, ...] = ()
) -> TableSchema:
    return TableSchema(name, {c.name: c for c in columns}, key, (unique,) if unique else ())


TABLES: Mapping[Side, tuple[TableSchema, ...]] = {
    F: (
        _table(
            "Price",
            text("ITEM", 10, required=True),
            _day("VALIDFROM", required=True),
            _day("VALIDTO", required=True),
            money("PRICE", 2),
            text("NOTE", 20),
            key=("ITEM", "VALIDFROM"),
        ),
    ),
    D: (
        _table(
            "price",
            number("priceid", identity=True),
            text("item", 10, required=True),
            _required(moment("validfrom")),
            moment("validto"),
            money("price", 2),
            text("note", 8),
            text("own", 20),
            key=("priceid",),
            unique=("item", "validfrom"),
        ),
        _table(
            "listprice",
            number("listpriceid", identity=True),
            text("item", 10, required=True),
            money("price", 2),
            text("note", 8),
            key=("listpriceid",),
            unique=("item",),
        ),
    ),
}


def day(written: str) -> dt.date:
    """`27-01-01`, in this century; `never` is the ERP's last day."""
    return NEVER if written == "never" else dt.date.fromisoformat(f"20{written}")


def first(written: str) -> dt.datetime:
    """A day's first second."""
    return dt.datetime.combine(day(written), dt.time(), dt.UTC)


def last(written: str) -> dt.datetime | None:
    """A day's last second; none where there is no end."""
    if written == "none":
        return None
    return dt.datetime.combine(day(written), dt.time(23, 59, 59), dt.UTC)


@dataclass
class Dated(World):
    """Two apps in memory, and a clock."""

    clock: dt.datetime = TODAY

    def open(self) -> Session:
        return replace(super().open(), now=lambda: self.clock)

    def here(self, *rows: tuple[str, str, str, int], **more: Any) -> None:
        """Rows of finops: item, from, to, price."""
        self.put(
            F,
            "Price",
            *(
                {"ITEM": i, "VALIDFROM": day(s), "VALIDTO": day(e), "PRICE": Decimal(p), **more}
                for i, s, e, p in rows
            ),
        )

    def there(self, *rows: tuple[str, str, str, int], **more: Any) -> None:
        """Rows of dataverse."""
        self.put(
            D,
            "price",
            *(
                {"item": i, "validfrom": first(s), "validto": last(e), "price": Decimal(p), **more}
                for i, s, e, p in rows
            ),
        )

    def drop(self, side: Side, item: str, start: str) -> None:
        if side is F:
            self.remove(F, "Price", ITEM=item, VALIDFROM=day(start))
        else:
            self.remove(D, "price", item=item, validfrom=first(start))

    def ours(self) -> list[str]:
        """What finops holds, a line a row: `A 26-01-01 never 10`."""
        rows = self.rows(F, "Price", "ITEM", "VALIDFROM", "VALIDTO", "PRICE")
        return [_line(*row) for row in rows]

    def theirs(self) -> list[str]:
        """What dataverse holds, its last seconds as days."""
        rows = self.rows(D, "price", "item", "validfrom", "validto", "price")
        for _, start, end, _ in rows:
            assert start.time() == dt.time()
            assert end is None or end.time() == dt.time(23, 59, 59)
        return [_line(i, s.date(), e and e.date(), p) for i, s, e, p in rows]

    def listed(self) -> list[tuple[str, int]]:
        return [(i, int(p)) for i, p in self.rows(D, "listprice", "item", "price")]

    def reasons(self) -> list[str]:
        return sorted(each.reason for each in self.held())

    def sound(self, gaps: str = "allow") -> bool:
        """Whether nothing overlaps on either side."""
        for side, table, names in (
            (F, "Price", ("ITEM", "VALIDFROM", "VALIDTO")),
            (D, "price", ("item", "validfrom", "validto")),
        ):
            rows = self.rows(side, table, *names)
            kind = pa.date32() if side is F else UTC
            columns = list(zip(*rows, strict=True)) or [(), (), ()]
            types = (pa.string(), kind, kind)
            held = pa.table(
                {n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)}
            )
            periods = Periods(names[:1], *names[1:], "date" if side is F else "instant", gaps)
            if find_faults(held, periods).fault.any():
                return False
        return True


def _line(item: str, start: dt.date, end: dt.date | None, price: Decimal) -> str:
    return f"{item} {_short(start)} {'none' if end is None else _short(end)} {int(price)}"


def _short(each: dt.date) -> str:
    return "never" if each == NEVER else each.isoformat()[2:]


def make_dated(
    folder: Path,
    map_text: str,
    journal: Path,
    changes: Sequence[tuple[str, str]] = (),
    urls: Mapping[Side, str] | None = None,
) -> Dated:
    """A world with one map, pieces of its text replaced; in memory unless there are `urls`."""
    for old, new in changes:
        assert old in map_text, old
        map_text = map_text.replace(old, new)
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "prices.yaml").write_text(map_text, encoding="utf-8")
    memory = {}
    if urls is None:
        memory = {side: MemoryApp(side, *TABLES[side]) for side in Side}
    else:
        for side in Side:
            create(urls[side], TABLES[side])
    urls = urls or {side: f"sqlite:///{folder / side.value}.db" for side in Side}
    _write_config(folder, urls, {})
    (folder / ".dualwrite").mkdir()
    shutil.copy(journal, folder / ".dualwrite" / "journal.db")
    return Dated(folder, "memory" if memory else "sql", urls, memory)
