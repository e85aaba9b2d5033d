"""Dated rows of a map: each fault with its whole text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from dualwrite.tablemap.checks import check
from dualwrite.tablemap.reading import read_map_text
from dualwrite.tablemap.schema import Column, TableSchema

DATED = """\
map: m
title: M
finops: {table: Price, key: [ITEM, VALIDFROM]}
dataverse: {table: price, key: [item, validfrom]}
columns:
  - ITEM = item
  - VALIDFROM = validfrom
  - VALIDTO = validto
  - PRICE = price
  - NOTE = note
effective: {entity: [ITEM], from: VALIDFROM, to: VALIDTO}
"""
SHOWN = """\
map: m
title: M
finops: {table: Price, key: [ITEM]}
dataverse: {table: listprice, key: [item]}
columns:
  - ITEM > item
  - PRICE > price
effective: {entity: [ITEM], from: VALIDFROM, to: VALIDTO}
"""
DAY, MOMENT = pa.date32(), pa.timestamp("us", "UTC")


def table(name: str, key: tuple[str, ...], **kinds: pa.DataType) -> TableSchema:
    columns = {
        each: Column(each, kind, str(kind), nullable=each not in key, length=20)
        for each, kind in kinds.items()
    }
    return TableSchema(name, columns, key)


TEXT, NUMBER = pa.string(), pa.int64()
TABLES = {
    "Price": table(
        "Price",
        ("ITEM", "VALIDFROM"),
        ITEM=TEXT, VALIDFROM=DAY, VALIDTO=DAY, SINCE=MOMENT, PRICE=NUMBER, NOTE=TEXT,
    ),
    "price": table(
        "price",
        ("item", "validfrom"),
        item=TEXT, validfrom=DAY, validto=DAY, since=MOMENT, price=NUMBER, note=TEXT,
    ),
    "listprice": table("listprice", ("item",), item=TEXT, price=NUMBER, note=TEXT),
}  # fmt: skip


def findings_of(text: str, *changes: tuple[str, str], tables=TABLES) -> list[str]:
    """The findings of a map with pieces of its text replaced."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    table_map = read_map_text(text, Path("maps/m.yaml"))
    found = check(table_map, lambda _, name: tables[name])
    return [str(each).removeprefix("maps/m.yaml:") for each in found]


@pytest.mark.parametrize("text", [DATED, SHOWN], ids=["both dated", "a projection"])
def test_a_sound_map_has_no_fault(text):
    assert findings_of(text) == []


@pytest.mark.parametrize("mode", ["new", "correction", "effective"])
def test_each_mode_is_allowed(mode):
    assert findings_of(DATED, ("to: VALIDTO}", f"to: VALIDTO, gaps: allow, mode: {mode}}}")) == []


def test_a_moment_ends_a_day_with_its_last_second():
    """What a day holds of the end of a period is another moment than of its start."""
    moments = {"VALIDFROM": MOMENT, "VALIDTO": MOMENT, "ITEM": TEXT, "PRICE": NUMBER, "NOTE": TEXT}
    tables = {**TABLES, "Price": table("Price", ("ITEM", "VALIDFROM"), **moments)}

    told = findings_of(DATED, tables=tables)

    pair = "finops->dataverse: timestamp[us, tz=UTC] into date32[day]:"
    last = "an end that is not the last second of its day is rejected"
    assert told == [
        (
            "7: DW1030 warning: of 2 columns a value may not fit, and its row is then rejected:\n"
            f"    VALIDFROM = validfrom: {pair} the time of day is rejected unless it is midnight\n"
            f"    VALIDTO = validto: {pair} {last}\n"
            "  map it onto a column of a fitting type, or add a transform"
        )
    ]
    exclusive = findings_of(DATED, ("to: VALIDTO}", "to: VALIDTO, end: exclusive}"), tables=tables)
    assert "last second" not in exclusive[0]


FAULTS = [
    pytest.param(
        DATED,
        [("entity: [ITEM]", "entity: [ITEMS]")],
        (
            "11: DW1123 effective: entity: ITEMS is no column of finops that is on the map\n"
            "  did you mean 'ITEM'? known: ITEM, NOTE, PRICE, VALIDFROM, VALIDTO"
        ),
        id="an entity that is not there",
    ),
    pytest.param(
        DATED,
        [("to: VALIDTO}", "to: NOTE}")],
        (
            "11: DW1129 effective: to: finops.Price column NOTE (string) is neither a date nor a "
            "date and time\n"
            "  name the columns that hold from when and until when a row is valid"
        ),
        id="a text",
    ),
    pytest.param(
        DATED,
        [("VALIDTO = validto", "SINCE = validto"), ("to: VALIDTO", "to: SINCE")],
        (
            "11: DW1129 effective: finops.Price column VALIDFROM and SINCE are not of one type: "
            "one holds days, the other moments\n"
            "  let both be dates, or both dates with their time"
        ),
        id="a day and a moment",
    ),
    pytest.param(
        DATED,
        [("  - VALIDTO = validto\n", "")],
        (
            "10: DW1129 effective: VALIDFROM is carried to dataverse, VALIDTO is not\n"
            "  map both, or neither where dataverse has no dates"
        ),
        id="one of the two",
    ),
    pytest.param(
        DATED,
        [("VALIDTO = validto", "VALIDTO > validto")],
        (
            "11: DW1129 effective: VALIDTO does not go dataverse->finops, but other columns do\n"
            "  let the entity, `from` and `to` go each way that rows go"
        ),
        id="one way of two",
    ),
    pytest.param(
        DATED,
        [("entity: [ITEM]", "entity: [ITEM, NOTE]"), ("to: VALIDTO}", "to: VALIDTO, mode: new}")],
        (
            "11: DW1129 effective: the key of finops is not entity and `from`, which `mode: new` "
            "identifies rows by\n"
            "  write `key: [ITEM, NOTE, VALIDFROM]` under finops"
        ),
        id="a mode without its key",
    ),
    pytest.param(
        DATED,
        [("effective:", "replay: every\neffective:"), ("to: VALIDTO}", "to: VALIDTO, mode: new}")],
        (
            "12: DW1129 effective: `replay: every` carries each state by `mode: new`, what comes "
            "back among them\n"
            "  take one of them out"
        ),
        id="every state by a new period",
    ),
    pytest.param(
        DATED,
        [(" = ", " > "), ("to: VALIDTO}", "to: VALIDTO, mode: correction}")],
        (
            "11: DW1129 warning: effective: `mode: correction` closes and moves rows of "
            "dataverse.price, and finops never hears of it\n"
            "  let the columns go both ways, or take `mode:` out"
        ),
        id="a mode on a way of no return",
    ),
    pytest.param(
        SHOWN,
        [("to: VALIDTO", "to: VALIDUNTIL")],
        (
            "8: DW1022 effective: to: finops.Price has no column 'VALIDUNTIL'\n"
            "  did you mean 'VALIDTO'? known: ITEM, NOTE, PRICE, SINCE, VALIDFROM, VALIDTO"
        ),
        id="a date that is not there",
    ),
    pytest.param(
        SHOWN,
        [("PRICE > price", "PRICE = price"), ("ITEM > item", "ITEM = item")],
        (
            "8: DW1129 effective: dataverse.listprice has no dates, so the period of "
            "what it holds is unknown\n"
            "  make every column one-way (> or >>), or map `from` and `to` too"
        ),
        id="a projection both ways",
    ),
    pytest.param(
        SHOWN,
        [("to: VALIDTO}", "to: VALIDTO, mode: correction}")],
        (
            "8: DW1129 effective: `mode: correction` decides how dated rows are written, and "
            "dataverse.listprice has no dates\n"
            "  take `mode:` out, or map `from` and `to` too"
        ),
        id="a mode for a projection",
    ),
    pytest.param(
        SHOWN,
        [("effective:", "replay: every\neffective:")],
        (
            "9: DW1129 effective: `replay: every` asks for each state of a row, and only the one "
            "valid now is shown\n"
            "  take one of them out"
        ),
        id="every state of a projection",
    ),
    pytest.param(
        SHOWN,
        [("entity: [ITEM]", "entity: [PRICE]")],
        (
            "8: DW1129 effective: the key of finops is not the entity, of which one row is shown\n"
            "  write `key: [PRICE]` under finops"
        ),
        id="a projection by another key",
    ),
]


@pytest.mark.parametrize(("text", "changes", "message"), FAULTS)
def test_a_fault(text, changes, message):
    assert message in findings_of(text, *changes)


def test_no_end_of_the_erp_may_fill_a_column_that_bears_no_null():
    """Null is an end like 2154-12-31, and is written so where it must be something."""
    price = TABLES["Price"]
    to = replace(price.columns["VALIDTO"], nullable=False)
    required = replace(price, columns={**price.columns, "VALIDTO": to})

    assert findings_of(DATED, tables={**TABLES, "Price": required}) == []
