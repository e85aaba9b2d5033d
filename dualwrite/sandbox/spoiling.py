"""The faulty rows themselves: ordinary rows with a number of their own, one column spoiled.

Each stands with the sound rows that it needs beside it, a party for a customer, say, so that
nothing but its wart holds it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from dualwrite.sandbox import documents, parties, trade, warts
from dualwrite.sandbox.documents import Documents
from dualwrite.sandbox.drawing import Numbers
from dualwrite.sandbox.lines import line_numbers
from dualwrite.sandbox.parties import ALONE, CONTACT, CUSTOMER, VENDOR, party_numbers
from dualwrite.sandbox.population import Population
from dualwrite.sandbox.reference import small_tables
from dualwrite.sandbox.warts import Wart


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one map as the ERP would have them, and their numbers."""

    map: str
    rows: pa.Table
    numbers: Numbers
    spoiled: bool = False


def batches(wart: Wart, rows: int, population: Population) -> Iterator[Batch]:
    """The rows of a wart, still sound, and those they need, these first.  `spoil` comes last."""
    n = wart.numbers(rows)
    match wart.map:
        case warts.ACCOUNTS | warts.CONTACTS:
            yield Batch(warts.PARTIES, parties.parties(n, CUSTOMER), party_numbers(n, CUSTOMER))
            yield Batch(wart.map, trade.customers(n, population), n, spoiled=True)
        case warts.PARTIES:
            role = CUSTOMER if wart.holds_back else ALONE
            yield Batch(wart.map, parties.parties(n, role), party_numbers(n, role), spoiled=True)
            for held in wart.holds_back:
                yield Batch(held, trade.customers(n, population), n)
        case warts.ELECTRONIC:
            party = party_numbers(n, ALONE)
            yield Batch(warts.PARTIES, parties.parties(n, ALONE), party)
            address = party * 10 + 2
            yield Batch(wart.map, parties.electronic_addresses(address), address, spoiled=True)
        case warts.PERSONS:
            yield Batch(warts.PARTIES, parties.parties(n, CONTACT), party_numbers(n, CONTACT))
            yield Batch(wart.map, parties.contacts(n, population), n, spoiled=True)
        case warts.VENDORS:
            yield Batch(warts.PARTIES, parties.parties(n, VENDOR), party_numbers(n, VENDOR))
            yield Batch(wart.map, trade.vendors(n, population), n, spoiled=True)
        case warts.PRODUCTS:
            yield Batch(warts.ALL_PRODUCTS, trade.products(n), n)
            yield Batch(wart.map, trade.released_products(n * 3), n * 3, spoiled=True)
        case warts.CURRENCIES:
            yield Batch(
                wart.map, _like_first("CurrencyEntity", "CURRENCYCODE", ["XTS"]), n, spoiled=True
            )
        case warts.GROUPS:
            codes = [f"W{number:02}" for number in range(len(n))]
            like = _like_first("CustCustomerGroupEntity", "CUSTOMERGROUPID", codes)
            yield Batch(wart.map, like, n, spoiled=True)
        case name if name in documents.OF_MAP:
            yield from _document(documents.OF_MAP[name], wart, n, population)
        case _:
            msg = f"no rows are known for a wart of {wart.map}"
            raise ValueError(msg)


def _document(of: Documents, wart: Wart, n: Numbers, population: Population) -> Iterator[Batch]:
    """Documents of one line each, an invoice with its order; a spoiled header may come without."""
    if of is documents.INVOICES:
        yield Batch(warts.ORDERS, documents.ORDERS.headers(n, population), n)
    header = wart.map == of.header_map
    yield Batch(of.header_map, of.headers(n, population), n, spoiled=header)
    if not header or wart.holds_back:
        lines = line_numbers(n)
        yield Batch(of.line_map, of.lines(lines, population), lines, spoiled=not header)


def spoil(table: pa.Table, wart: Wart, rows: int) -> pa.Table:
    """The table with the wart in its column."""
    place = table.column_names.index(wart.column)
    kind = table.schema.field(place).type
    return table.set_column(place, wart.column, pa.array(wart.values(rows), kind))


def _like_first(table: str, column: str, codes: list[str]) -> pa.Table:
    """As many rows like the first of a small table, with other codes."""
    whole = next(small.finops for small in small_tables() if small.table == table)
    rows = whole.take(pa.array([0] * len(codes)))
    return rows.set_column(rows.column_names.index(column), column, pa.array(codes))
