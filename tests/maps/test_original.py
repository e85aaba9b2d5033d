"""The standard maps compared with the documentation of the originals, if it is available."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dualwrite.link import Side
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.model import ColumnMap
from dualwrite.tablemap.notation import Sign

FACTS = Path(__file__).parents[3] / "shared" / "reference" / "colmaps"
pytestmark = pytest.mark.skipif(
    not FACTS.is_dir(), reason="the facts about the original's maps are not on this machine"
)

CATALOGUE = Catalogue.load(None)

QUOTES, QUOTE_LINES = (
    "cds-sales-quotation-header--quotes",
    "cds-sales-quotation-lines--quotedetails",
)
ORDERS, ORDER_LINES = (
    "cds-sales-order-headers--salesorders",
    "cds-sales-order-lines--salesorderdetails",
)
INVOICES, INVOICE_LINES = (
    "sales-invoice-headers-v2--invoices",
    "sales-invoice-lines-v2--invoicedetails",
)

PLACES = ("SITE", "WAREHOUSE")
LEFT_OUT = {
    # workers have no map here, so nothing could be looked up
    ("contacts-v2--msdyn-contactforparties", "CONTACTPERSONRESPONSIBLEPERSONNELNUMBER"),
    # a group's code, which the original carries into an amount
    (INVOICES, "TOTALDISCOUNTCUSTOMERGROUPCODE"),
    # nor have operating units, sites, warehouses, product categories, and how and on which terms
    # goods are delivered
    (QUOTES, "OPERATINGUNITPARTYNUMBER"),
    *((name, f"DEFAULTSHIPPING{what}ID") for name in (QUOTES, ORDERS) for what in PLACES),
    *((name, f"SHIPPING{what}ID") for name in (QUOTE_LINES, ORDER_LINES) for what in PLACES),
    *((INVOICE_LINES, f"INVENTORY{what}ID") for what in PLACES),
    *(
        (name, f"SALESPRODUCTCATEGORY{what}NAME")
        for name in (QUOTE_LINES, ORDER_LINES, INVOICE_LINES)
        for what in ("", "HIERARCHY")
    ),
    (ORDERS, "DELIVERYMODECODE"),
    (ORDERS, "DELIVERYTERMSCODE"),
    (ORDERS, "SALESORDERORIGINCODE"),
    (ORDER_LINES, "DELIVERYMODECODE"),
    (ORDER_LINES, "DELIVERYTERMSID"),
}
BOTH_WAYS = {
    # the original lets only the ERP enter rates
    ("cds-exchange-rates--msdyn-currencyexchangerates", None),
    # nor hold the currency of a line; without it no amount of the line can be judged
    (QUOTE_LINES, "CURRENCYCODE"),
    (ORDER_LINES, "CURRENCYCODE"),
}
"""Columns or maps that are one-way in the original."""


def fact_file(name: str) -> Path:
    """The CSV of a map: its label, in kebab case, and its dataverse plural make our name."""
    with (FACTS / "index.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            label = row["finops_entity_label"].lower().replace(" ", "-")
            if f"{label}--{row['dataverse_table'].replace('_', '-')}" == name:
                return FACTS / f"{row['finops_entity']}--{row['dataverse_table']}.csv"
    pytest.fail(f"{name}: the original has no such map")


def facts_of(name: str) -> list[dict[str, str]]:
    """The original's columns, as far as ours follow it."""
    with fact_file(name).open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (name, row["finops_column"]) not in LEFT_OUT]
    return [
        {**row, "direction": "<->"}
        if {(name, None), (name, row["finops_column"])} & BOTH_WAYS
        else row
        for row in rows
    ]


def as_facts(column: ColumnMap) -> tuple[str, str, str]:
    """A column as the facts list it: both ends, and the direction."""
    arrow = {
        frozenset(Side): "<->",
        Sign.TO_DATAVERSE.sources: "->",
        Sign.TO_FINOPS.sources: "<-",
    }[column.sign.sources]
    return str(column.notation.finops or "none"), arrow, str(column.notation.dataverse or "none")


def value_pairs(column: ColumnMap) -> set[tuple[str, str]]:
    """Without regard to case: we spell the ERP's words as OData gives them."""
    return {
        (str(left).lower(), str(right).lower())
        for transform in column.transforms
        if transform.value_map is not None
        for left, right in transform.value_map.pairs
    }


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_a_standard_map_has_the_originals_columns(name):
    facts = facts_of(name)
    ours = [c for c in CATALOGUE.get(name).columns if str(c.notation.finops) != "DATAAREAID"]

    assert sorted(map(as_facts, ours)) == sorted(
        (row["finops_column"], row["direction"], row["dataverse_column"]) for row in facts
    )


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_a_standard_map_has_the_originals_transforms(name):
    columns = {as_facts(column): column for column in CATALOGUE.get(name).columns}

    facts = facts_of(name)
    for row in facts:
        column = columns[row["finops_column"], row["direction"], row["dataverse_column"]]
        content = row["value_map_or_default"]
        if row["transform"] == "value_map":
            pairs = {tuple(pair.lower().rsplit(":", 1)) for pair in content.split("|")}
            assert value_pairs(column) == pairs
        elif row["transform"] == "default":
            (transform,) = column.transforms
            assert str(transform.options).lower() == content.lower().removesuffix(".0000000000")
        else:
            assert column.transforms == ()
