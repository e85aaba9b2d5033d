"""Two small apps, as schemas, and a sound map between them, to be spoilt one fault at a time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.errors import MissingTableError
from dualwrite.link import Side
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.checks import check
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.reading import read_map_text
from dualwrite.tablemap.schema import Column, Reference, TableSchema

MAP = """\
map: accounts
title: Accounts
finops: {table: Customers, key: [COMPANY, NUMBER], company: COMPANY}
dataverse: {table: account, key: [company.code, number], company: company.code}
columns:
  - COMPANY = company.code
  - NUMBER = number
  - NAME = name
  - LIMIT = limit
  - GROUP = groupid.groupcode
"""
GROUPS = """\
map: groups
title: Groups
finops: {table: Groups, key: [COMPANY, CODE], company: COMPANY}
dataverse: {table: group, key: [company.code, groupcode], company: company.code}
columns:
  - COMPANY = company.code
  - CODE = groupcode
"""

_TEXT = Column("", pa.string(), "VARCHAR(20)", nullable=False, length=20)
_FREE = replace(_TEXT, nullable=True)
_ID = Column("", pa.string(), "UUID", nullable=False, has_default=True, length=36)
_MONEY = Column("", pa.decimal128(18, 2), "NUMERIC(18, 2)")


def table(
    name: str, key: tuple[str, ...] = (), unique: Any = (), /, **columns: Column
) -> TableSchema:
    """A table whose columns are named by keyword."""
    named = {column: replace(about, name=column) for column, about in columns.items()}
    return TableSchema(name, named, key, unique)


def lookup(to: str, column: str) -> Column:
    """A column that points at a row of another table."""
    return replace(_ID, nullable=True, has_default=False, references=Reference(to, column))


SHOP = {
    (Side.FINOPS, "Customers"): table(
        "Customers",
        ("COMPANY", "NUMBER"),
        (),
        COMPANY=_TEXT,
        NUMBER=_TEXT,
        NAME=_TEXT,
        LIMIT=_MONEY,
        GROUP=_FREE,
    ),
    (Side.FINOPS, "Groups"): table("Groups", ("COMPANY", "CODE"), (), COMPANY=_TEXT, CODE=_TEXT),
    (Side.DATAVERSE, "company"): table(
        "company",
        ("companyid",),
        (("code",),),
        companyid=_ID,
        code=_TEXT,
    ),
    (Side.DATAVERSE, "account"): table(
        "account",
        ("accountid",),
        (("company", "number"),),
        accountid=_ID,
        company=lookup("company", "companyid"),
        number=_TEXT,
        name=_TEXT,
        limit=_MONEY,
        groupid=lookup("group", "groupid"),
    ),
    (Side.DATAVERSE, "group"): table(
        "group",
        ("groupid",),
        (("company", "groupcode"),),
        groupid=_ID,
        company=lookup("company", "companyid"),
        groupcode=_TEXT,
    ),
}

Change = Callable[[TableSchema], TableSchema]


def with_column(name: str, **change: Any) -> Change:
    """The table with one column changed, or added."""

    def changed(schema: TableSchema) -> TableSchema:
        before = schema.columns.get(name, replace(_FREE, name=name))
        columns = {**schema.columns, name: replace(before, **change)}
        return replace(schema, columns=columns)

    return changed


def without_column(name: str) -> Change:
    """The table with one column less."""

    def changed(schema: TableSchema) -> TableSchema:
        columns = {key: column for key, column in schema.columns.items() if key != name}
        return replace(schema, columns=columns)

    return changed


def a_map(*changes: tuple[str, str]) -> TableMap:
    """The sound map with pieces of its text put for others."""
    text = MAP
    for old, new in changes:
        assert old in text, f"{old!r} is not in the map"
        text = text.replace(old, new, 1)
    return read_map_text(text, Path("maps/accounts.yaml"))


def schema_of(
    spoilt: dict[tuple[Side, str], Change | None] | None = None,
) -> Callable[[Side, str], TableSchema]:
    """The shop's schemas; `spoilt` changes tables, None takes one away."""

    def find(side: Side, name: str) -> TableSchema:
        change = (spoilt or {}).get((side, name), lambda schema: schema)
        if change is None or (side, name) not in SHOP:
            raise MissingTableError(app=side.value, table=name, near=("other",))
        return change(SHOP[side, name])

    return find


def findings_of(
    *changes: tuple[str, str],
    spoilt: dict[tuple[Side, str], Change | None] | None = None,
    catalogue: Catalogue | None = None,
    **more: Any,
) -> list[str]:
    """The findings of the valid map, changed, against the shop, spoilt: from the line on."""
    found = check(a_map(*changes), schema_of(spoilt), catalogue=catalogue, **more)
    return [str(finding).removeprefix("maps/accounts.yaml:") for finding in found]
