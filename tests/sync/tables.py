"""The tables and the maps of the small world, and the tables' SQL for three databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.link import Side
from dualwrite.sandbox.schema.creating import driver_url
from dualwrite.tablemap.schema import Column, Reference, TableSchema

F, D = Side.FINOPS, Side.DATAVERSE

UTC = pa.timestamp("us", "UTC")


def text(name: str, length: int, *, required: bool = False) -> Column:
    return Column(name, pa.string(), "text", nullable=not required, length=length)


def number(name: str, *, refers: str = "", identity: bool = False) -> Column:
    return Column(
        name,
        pa.int64(),
        "bigint",
        nullable=not identity,
        has_default=identity,
        references=Reference(refers, f"{refers}id") if refers else None,
    )


def money(name: str, scale: int) -> Column:
    return Column(name, pa.decimal128(18, scale), "money")


def moment(name: str) -> Column:
    return Column(name, UTC, "moment")


def _table(
    name: str, *columns: Column, key: tuple[str, ...], unique: tuple[str, ...] = ()
) -> TableSchema:
    named = {column.name: column for column in columns}
    return TableSchema(name, named, key, (unique,) if unique else ())


TABLES: Mapping[Side, tuple[TableSchema, ...]] = {
    F: (
        _table("Company", text("CODE", 4, required=True), text("NAME", 60), key=("CODE",)),
        _table(
            "CustGroup",
            text("DATAAREAID", 4, required=True),
            text("GROUPID", 10, required=True),
            text("DESCRIPTION", 60),
            key=("DATAAREAID", "GROUPID"),
        ),
        _table(
            "Cust",
            text("DATAAREAID", 4, required=True),
            text("ACCOUNT", 20, required=True),
            text("NAME", 60),
            text("GROUPID", 10),
            money("CREDIT", 4),
            text("HOLD", 10),
            text("INVOICEACCOUNT", 20, required=True),
            text("VENDOR", 20),
            text("MEMO", 200),
            text("RATING", 10),
            text("PHONE", 20),
            text("PARTYTYPE", 20),
            moment("MODIFIED"),
            key=("DATAAREAID", "ACCOUNT"),
        ),
        _table(
            "Vend",
            text("DATAAREAID", 4, required=True),
            text("ACCOUNT", 20, required=True),
            text("NAME", 60),
            text("CUSTOMER", 20),
            key=("DATAAREAID", "ACCOUNT"),
        ),
    ),
    D: (
        _table(
            "company",
            number("companyid", identity=True),
            text("code", 4, required=True),
            text("name", 60),
            key=("companyid",),
            unique=("code",),
        ),
        _table(
            "custgroup",
            number("custgroupid", identity=True),
            number("company", refers="company"),
            text("groupid", 10, required=True),
            text("description", 60),
            key=("custgroupid",),
            unique=("company", "groupid"),
        ),
        _table(
            "vendor",
            number("vendorid", identity=True),
            number("company", refers="company"),
            text("number", 20, required=True),
            text("name", 60),
            number("customer"),  # no foreign key: the map declares it
            key=("vendorid",),
            unique=("company", "number"),
        ),
        _table(
            "customer",
            number("customerid", identity=True),
            number("company", refers="company"),
            text("accountnumber", 20, required=True),
            text("name", 20),
            number("custgroup", refers="custgroup"),
            money("credit", 2),
            number("hold"),
            number("billto", refers="customer"),
            number("vendor", refers="vendor"),
            text("memo", 200),
            text("rating", 10),
            text("phone", 20),
            number("kind"),
            moment("modifiedon"),
            key=("customerid",),
            unique=("company", "accountnumber"),
        ),
    ),
}

YAML = {
    "companies": """\
map: companies
title: Companies
version: 1.0.0.0
publisher: tests
finops: {table: Company, key: [CODE]}
dataverse: {table: company, key: [code]}
columns:
  - CODE = code
  - NAME = name
""",
    "groups": """\
map: groups
title: Customer groups
version: 1.0.0.0
publisher: tests
finops: {table: CustGroup, key: [DATAAREAID, GROUPID], company: DATAAREAID}
dataverse: {table: custgroup, key: [company.code, groupid], company: company.code}
columns:
  - DATAAREAID = company.code
  - GROUPID = groupid
  - DESCRIPTION = description
""",
    "customers": """\
map: customers
title: Customers
version: 1.0.0.0
publisher: tests
finops:
  table: Cust
  key: [DATAAREAID, ACCOUNT]
  company: DATAAREAID
  modified: MODIFIED
  filter: PARTYTYPE eq 'Organization'
dataverse:
  table: customer
  key: [company.code, accountnumber]
  company: company.code
  modified: modifiedon
  filter: kind eq 3
columns:
  - DATAAREAID = company.code
  - ACCOUNT = accountnumber
  - NAME = name
  - GROUPID = custgroup.groupid
  - CREDIT = credit
  - HOLD >< hold: {values: {No: 0, Invoice: 1, All: 2}}
  - INVOICEACCOUNT = billto.accountnumber
  - VENDOR = vendor.number
  - MEMO = memo
  - RATING > rating
  - PHONE < phone
  - none >> kind: {default: 3}
  - PARTYTYPE << none: {default: Organization}
""",
    "vendors": """\
map: vendors
title: Vendors
version: 1.0.0.0
publisher: tests
finops: {table: Vend, key: [DATAAREAID, ACCOUNT], company: DATAAREAID}
dataverse:
  table: vendor
  key: [company.code, number]
  company: company.code
  lookups: {customer: customer}
columns:
  - DATAAREAID = company.code
  - ACCOUNT = number
  - NAME = name
  - CUSTOMER = customer.accountnumber
""",
}


WITHOUT_SELF = (
    "  - INVOICEACCOUNT = billto.accountnumber\n  - VENDOR = vendor.number\n",
    "  - INVOICEACCOUNT << none: {default: none}\n",
)
"""Makes of the customers' map one whose rows need no other customer: they go in at one stroke."""


def create(url: str, tables: Sequence[TableSchema]) -> None:
    """Create the tables in a database, empty."""
    engine = sa.create_engine(driver_url(url))
    dialect = "mysql" if engine.dialect.name in ("mysql", "mariadb") else engine.dialect.name
    quote = engine.dialect.identifier_preparer.quote_identifier
    try:
        with engine.begin() as connection:
            for schema in tables:
                connection.exec_driver_sql(_ddl(schema, dialect, quote))
    finally:
        engine.dispose()


def _ddl(schema: TableSchema, dialect: str, quote: Callable[[str], str]) -> str:
    def listed(names: Sequence[str]) -> str:
        return ", ".join(map(quote, names))

    lines = [_column(column, dialect, quote) for column in schema.columns.values()]
    if not schema.columns[schema.primary_key[0]].has_default:
        lines.append(f"PRIMARY KEY ({listed(schema.primary_key)})")
    lines += [f"UNIQUE ({listed(columns)})" for columns in schema.unique]
    lines += [
        f"FOREIGN KEY ({quote(column.name)}) REFERENCES {quote(column.references.table)} "
        f"({quote(column.references.column)})"
        for column in schema.columns.values()
        if column.references is not None
    ]
    end = ") ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin" if dialect == "mysql" else ")"
    return f"CREATE TABLE {quote(schema.name)} ({', '.join(lines)}{end}"


_IDENTITY = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
}
_MOMENT = {"sqlite": "TIMESTAMPTZ", "postgresql": "timestamptz", "mysql": "datetime(6)"}


def _column(column: Column, dialect: str, quote: Callable[[str], str]) -> str:
    kind = column.type
    if column.has_default:
        declared = _IDENTITY[dialect]
    elif pa.types.is_string(kind):
        declared = f"varchar({column.length})"
    elif pa.types.is_decimal(kind):
        word = "DECIMAL_TEXT" if dialect == "sqlite" else "numeric"
        declared = f"{word}({kind.precision},{kind.scale})"
    elif pa.types.is_date(kind):
        declared = "date"
    else:
        declared = _MOMENT[dialect] if pa.types.is_timestamp(kind) else "bigint"
    never_null = "" if column.nullable or column.has_default else " NOT NULL"
    return f"{quote(column.name)} {declared}{never_null}"
