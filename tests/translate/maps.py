"""A small map of companies, customers and groups, for the tests of this room and of the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.tablemap.model import (
    ColumnMap,
    End,
    Place,
    TableMap,
    Transform,
    Unmapped,
    ValueMap,
)
from dualwrite.tablemap.notation import ColumnPath, Notation
from dualwrite.tablemap.schema import Column, Reference, TableSchema
from dualwrite.translate.compiling import compile_flow
from dualwrite.translate.flow import Flow

PLACE = Place(Path("m.yaml"), 7)
TEXT, WHOLE, YES_NO = pa.string(), pa.int64(), pa.bool_()
COMPANY = "msdyn_company.cdm_companycode"


def path(text: str) -> ColumnPath:
    return ColumnPath.parse(text)


def column(name: str, kind: pa.DataType = TEXT, **more: Any) -> Column:
    return Column(name, kind, str(kind), **more)


def schema(name: str, *columns: Column, key: tuple[str, ...] = ()) -> TableSchema:
    return TableSchema(name, {one.name: one for one in columns}, key)


def line(text: str, *transforms: Transform) -> ColumnMap:
    return ColumnMap(Notation.parse(text), transforms, PLACE)


def values(
    *pairs: tuple[Any, Any], unmapped: Unmapped = Unmapped.REJECT, use: Any = None
) -> Transform:
    return Transform("values", None, ValueMap(pairs, unmapped, use))


def lookup(name: str, table: str, returns: str, **more: Any) -> Column:
    return column(name, references=Reference(table, returns), **more)


SCHEMAS = {
    (Side.FINOPS, "cust"): schema(
        "cust",
        column("DATAAREAID", nullable=False),
        column("ACC", nullable=False, length=20),
        column("LIMIT", pa.decimal128(32, 6)),
        column("GRP", nullable=False),
        column("HOLD"),
        column("PT"),
    ),
    (Side.DATAVERSE, "account"): schema(
        "account",
        column("accountid", nullable=False),
        lookup("msdyn_company", "cdm_company", "cdm_companyid", nullable=False),
        column("accountnumber", length=5),
        column("creditlimit", pa.decimal128(20, 2)),
        lookup("grp", "grp", "grpid"),
        column("hold", WHOLE),
        column("tc", WHOLE),
        key=("accountid",),
    ),
    (Side.DATAVERSE, "cdm_company"): schema(
        "cdm_company", column("cdm_companyid"), column("cdm_companycode"), key=("cdm_companyid",)
    ),
    (Side.DATAVERSE, "grp"): schema(
        "grp",
        column("grpid"),
        column("groupid"),
        lookup("msdyn_company", "cdm_company", "cdm_companyid"),
        key=("grpid",),
    ),
}

CUSTOMERS = TableMap(
    "customers",
    "Customers",
    "1.0.0.0",
    "tests",
    {
        Side.FINOPS: End("cust", (path("DATAAREAID"), path("ACC")), path("DATAAREAID")),
        Side.DATAVERSE: End("account", (path(COMPANY), path("accountnumber")), path(COMPANY)),
    },
    (
        line(f"DATAAREAID = {COMPANY}"),
        line("ACC = accountnumber"),
        line("LIMIT = creditlimit"),
        line("GRP = grp.groupid"),
        line("HOLD >< hold", values(("no", 1), ("all", 2))),
        line("none >> tc", Transform("default", 3)),
        line("PT << none", Transform("default", "Organization")),
    ),
    PLACE,
)


def schema_of(side: Side, table: str) -> TableSchema:
    return SCHEMAS[side, table]


def customers(source: Side) -> Flow:
    return compile_flow(CUSTOMERS, source, schema_of)


def one_column(
    sign: str,
    *transforms: Transform,
    finops: Column | None,
    dataverse: Column | None,
    source: Side = Side.FINOPS,
    more: tuple[Column, ...] = (),
    key: bool = False,
) -> Flow:
    """The flow of a map of one column, called `F` on finops and `d` on dataverse."""
    ends = {Side.FINOPS: finops, Side.DATAVERSE: dataverse}
    tables = {
        side: schema(side.value, *(one for one in (end, *more) if one is not None))
        for side, end in ends.items()
    }
    names = [end.name if end is not None else "none" for end in ends.values()]
    table_map = TableMap(
        "m",
        "M",
        "1",
        "tests",
        {
            side: End(side.value, (path(name),) if key else ())
            for side, name in zip(Side, names, strict=True)
        },
        (line(f"{names[0]} {sign} {names[1]}", *transforms),),
        PLACE,
    )
    return compile_flow(table_map, source, lambda side, _: tables[side])
