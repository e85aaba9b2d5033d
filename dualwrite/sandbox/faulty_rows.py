"""The faulty rows: ordinary rows with a number of their own and one wrong value.

Each comes with the sound rows that it needs, such as the party of a customer, so that nothing but
its fault holds it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from dualwrite.sandbox import documents, faults, parties, trade
from dualwrite.sandbox.documents import Documents
from dualwrite.sandbox.drawing import Numbers
from dualwrite.sandbox.faults import FaultyKind
from dualwrite.sandbox.lines import line_numbers
from dualwrite.sandbox.parties import ALONE, CONTACT, CUSTOMER, VENDOR, party_numbers
from dualwrite.sandbox.population import Population
from dualwrite.sandbox.reference import small_tables


@dataclass(frozen=True, slots=True)
class FaultyBatch:
    """Rows of one map as the ERP would have them, and their numbers."""

    map: str
    rows: pa.Table
    numbers: Numbers
    faulty: bool = False


def batches(fault: FaultyKind, rows: int, population: Population) -> Iterator[FaultyBatch]:
    """The rows that they need, then the rows of a fault, sound until `with_fault` is applied."""
    n = fault.numbers(rows)
    match fault.map:
        case faults.ACCOUNTS | faults.CONTACTS:
            yield FaultyBatch(
                faults.PARTIES, parties.parties(n, CUSTOMER), party_numbers(n, CUSTOMER)
            )
            yield FaultyBatch(fault.map, trade.customers(n, population), n, faulty=True)
        case faults.PARTIES:
            role = CUSTOMER if fault.holds_back else ALONE
            yield FaultyBatch(
                fault.map, parties.parties(n, role), party_numbers(n, role), faulty=True
            )
            for held in fault.holds_back:
                yield FaultyBatch(held, trade.customers(n, population), n)
        case faults.ELECTRONIC:
            party = party_numbers(n, ALONE)
            yield FaultyBatch(faults.PARTIES, parties.parties(n, ALONE), party)
            address = party * 10 + 2
            yield FaultyBatch(
                fault.map, parties.electronic_addresses(address), address, faulty=True
            )
        case faults.PERSONS:
            yield FaultyBatch(
                faults.PARTIES, parties.parties(n, CONTACT), party_numbers(n, CONTACT)
            )
            yield FaultyBatch(fault.map, parties.contacts(n, population), n, faulty=True)
        case faults.VENDORS:
            yield FaultyBatch(faults.PARTIES, parties.parties(n, VENDOR), party_numbers(n, VENDOR))
            yield FaultyBatch(fault.map, trade.vendors(n, population), n, faulty=True)
        case faults.PRODUCTS:
            yield FaultyBatch(faults.ALL_PRODUCTS, trade.products(n), n)
            yield FaultyBatch(fault.map, trade.released_products(n * 3), n * 3, faulty=True)
        case faults.CURRENCIES:
            yield FaultyBatch(
                fault.map, _like_first("CurrencyEntity", "CURRENCYCODE", ["XTS"]), n, faulty=True
            )
        case faults.GROUPS:
            codes = [f"W{number:02}" for number in range(len(n))]
            like = _like_first("CustCustomerGroupEntity", "CUSTOMERGROUPID", codes)
            yield FaultyBatch(fault.map, like, n, faulty=True)
        case name if name in documents.OF_MAP:
            yield from _document(documents.OF_MAP[name], fault, n, population)
        case _:
            msg = f"no rows are known for a fault of {fault.map}"
            raise ValueError(msg)


def _document(
    of: Documents, fault: FaultyKind, n: Numbers, population: Population
) -> Iterator[FaultyBatch]:
    """Documents of one line each, an invoice with its order; a faulty header may have no lines."""
    if of is documents.INVOICES:
        yield FaultyBatch(faults.ORDERS, documents.ORDERS.headers(n, population), n)
    header = fault.map == of.header_map
    yield FaultyBatch(of.header_map, of.headers(n, population), n, faulty=header)
    if not header or fault.holds_back:
        lines = line_numbers(n)
        yield FaultyBatch(of.line_map, of.lines(lines, population), lines, faulty=not header)


def with_fault(table: pa.Table, fault: FaultyKind, rows: int) -> pa.Table:
    """The table with the wrong values in the column of the fault."""
    place = table.column_names.index(fault.column)
    kind = table.schema.field(place).type
    return table.set_column(place, fault.column, pa.array(fault.values(rows), kind))


def _like_first(table: str, column: str, codes: list[str]) -> pa.Table:
    """Copies of the first row of a small table, with other codes."""
    whole = next(small.finops for small in small_tables() if small.table == table)
    rows = whole.take(pa.array([0] * len(codes)))
    return rows.set_column(rows.column_names.index(column), column, pa.array(codes))
