"""Fills both sample apps: makes the rows a batch at a time and writes them in bulk.

Rows that others point at come first, so every foreign key is valid at every moment.  Memory
depends on the size of a batch, not on the number of customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.app import App
from dualwrite.link import Side
from dualwrite.sandbox import documents, faults, parties, trade
from dualwrite.sandbox.counterparts import CounterpartRows
from dualwrite.sandbox.documents import Documents
from dualwrite.sandbox.drawing import Mask, Numbers, later
from dualwrite.sandbox.faults import FAULTS
from dualwrite.sandbox.faulty_rows import batches, with_fault
from dualwrite.sandbox.lines import line_numbers
from dualwrite.sandbox.parties import CONTACT, CUSTOMER, VENDOR, party_numbers
from dualwrite.sandbox.population import Population, RowGroup
from dualwrite.sandbox.reference import small_tables
from dualwrite.sandbox.schema import sandbox_tables
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.model import TableMap

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how many rows of it are done, and of how many."""

LOCATIONS = "cds-postal-address-locations--msdyn-postaladdresscollections"
ADDRESSES = "cds-postal-address-history-v2--msdyn-postaladdresses"
PARTY_LOCATIONS = "cds-party-postal-address-locations--msdyn-partypostaladdresses"
CONVERSIONS = "product-specific-unit-conversions--msdyn-productspecificunitofmeasureconversions"

_CHANGED = {
    faults.PARTIES: "KNOWNAS",
    ADDRESSES: "BUILDINGCOMPLIMENT",
    faults.ELECTRONIC: "DESCRIPTION",
    faults.PERSONS: "NOTES",
    faults.VENDORS: "OURACCOUNTNUMBER",
    faults.ACCOUNTS: "SALESMEMO",
    faults.CONTACTS: "SALESMEMO",
    faults.ALL_PRODUCTS: "PRODUCTNAME",
    faults.PRODUCTS: "PRODUCTNAME",
    faults.QUOTATIONS: "CUSTOMERSREFERENCE",
    faults.QUOTATION_LINES: "LINEDESCRIPTION",
    faults.ORDERS: "CUSTOMERSORDERREFERENCE",
    faults.ORDER_LINES: "LINEDESCRIPTION",
    faults.INVOICES: "CUSTOMERSORDERREFERENCE",
    faults.INVOICE_LINES: "PRODUCTNAME",
}
"""The column in which a row differs where the sides differ."""


_ONLY_DATAVERSE = RowGroup("only in dataverse", 0, 0)


class Filler:
    """Fills one pair of apps."""

    def __init__(self, apps: Mapping[Side, App], rows: int, progress: Progress) -> None:
        self.apps, self.rows, self.progress = apps, rows, progress
        self.written: Counter[tuple[Side, str]] = Counter()
        """How many rows were written to each table."""
        self._population = Population.of(rows)
        self._counterparts = CounterpartRows()
        self._maps = Catalogue.load(None)

    def fill(self) -> None:
        """Write everything."""
        of = self._population
        self._small()
        self._each("parties of customers", of.customers, CUSTOMER, self._parties)
        self._each("parties of vendors", of.vendors, VENDOR, self._parties)
        self._each("parties of contacts", of.contacts, CONTACT, self._parties)
        self._each("contacts", of.contacts, CONTACT, self._contacts)
        self._each("vendors", of.vendors, VENDOR, self._vendors)
        self._each("customers", of.customers, CUSTOMER, self._customers)
        self._each("products", of.products, 0, self._products)
        for kind, each in (
            (of.orders, documents.ORDERS),
            (of.quotations, documents.QUOTATIONS),
            (of.invoices, documents.INVOICES),
        ):
            self._each(kind.name, kind, 0, partial(self._documents, each))
        self._faults()

    def _each(
        self, name: str, kind: RowGroup, role: int, make: Callable[[Numbers, RowGroup, int], None]
    ) -> None:
        total, done = kind.finops + kind.dataverse_only, 0
        for numbers in kind.batches():
            make(numbers, kind, role)
            done += len(numbers)
            self.progress(name, done, total)

    def _small(self) -> None:
        by_table = {found.end(Side.FINOPS).table: found for found in self._maps}
        for small in small_tables():
            self._write(Side.FINOPS, small.table, small.finops)
            table_map = by_table[small.table]
            rows = self._counterparts.rows(table_map, small.dataverse)
            self._write(Side.DATAVERSE, table_map.end(Side.DATAVERSE).table, rows)

    def _parties(self, owners: Numbers, kind: RowGroup, role: int) -> None:
        if role == VENDOR:
            owners = trade.vendors_with_own_party(owners, self._population)
        n = party_numbers(owners, role)
        self._put(faults.PARTIES, parties.parties(owners, role), n, kind, owners)
        if role == CONTACT:
            return
        n = parties.location_numbers(owners, role)
        self._put(LOCATIONS, parties.locations(n), n, kind, n // 100)
        self._put(PARTY_LOCATIONS, parties.party_locations(n), n, kind, n // 100)
        n = parties.address_numbers(n)
        self._put(ADDRESSES, parties.addresses(n), n, kind, n // 1000)
        n = parties.electronic_numbers(owners, role)
        self._put(faults.ELECTRONIC, parties.electronic_addresses(n), n, kind, n // 100)

    def _contacts(self, n: Numbers, kind: RowGroup, _: int) -> None:
        self._put(faults.PERSONS, parties.contacts(n, self._population), n, kind, n)

    def _vendors(self, n: Numbers, kind: RowGroup, _: int) -> None:
        self._put(faults.VENDORS, trade.vendors(n, self._population), n, kind, n)

    def _customers(self, numbers: Numbers, kind: RowGroup, role: int) -> None:
        person = parties.are_persons(numbers, role)
        for name, mask in ((faults.ACCOUNTS, ~person), (faults.CONTACTS, person)):
            n = numbers[mask]
            self._put(name, trade.customers(n, self._population), n, kind, n)

    def _products(self, numbers: Numbers, kind: RowGroup, _: int) -> None:
        self._put(faults.ALL_PRODUCTS, trade.products(numbers), numbers, kind, numbers)
        n = trade.released_numbers(numbers)
        self._put(faults.PRODUCTS, trade.released_products(n), n, kind, n // 3)
        n = numbers[numbers % 5 == 0]
        self._put(CONVERSIONS, trade.product_conversions(n), n, kind, n)
        n = numbers[numbers % 40 == 1]
        self._put(CONVERSIONS, trade.product_conversions(n), n, _ONLY_DATAVERSE, n)

    def _documents(self, of: Documents, n: Numbers, kind: RowGroup, _: int) -> None:
        self._put(of.header_map, of.headers(n, self._population), n, kind, n)
        numbers = line_numbers(n)
        lines = of.lines(numbers, self._population)
        self._put(of.line_map, lines, numbers, kind, numbers // 10)

    def _faults(self) -> None:
        for fault in FAULTS:
            for batch in batches(fault, self.rows, self._population):
                table_map, rows = self._maps.get(batch.map), batch.rows
                if fault.side is Side.DATAVERSE:
                    rows = _as_entered(rows, table_map, np.ones(rows.num_rows, bool))
                    rows = self._counterparts.rows(table_map, rows, batch.numbers)
                if batch.faulty:
                    rows = with_fault(rows, fault, self.rows)
                self._write(fault.side, table_map.end(fault.side).table, rows)

    def _put(
        self, name: str, rows: pa.Table, numbers: Numbers, kind: RowGroup, owners: Numbers
    ) -> None:
        """Write rows of a map to whichever side holds them.

        `owners` are the numbers that decide it: a party's address is where the party is.
        """
        table_map = self._maps.get(name)
        mine = rows.filter(pa.array(kind.on_finops(owners)))
        self._write(Side.FINOPS, table_map.end(Side.FINOPS).table, mine)

        there = kind.on_dataverse(owners)
        changed = (kind.differs(owners) & there)[there]
        theirs = rows.filter(pa.array(there))
        if name in _CHANGED and changed.any():
            theirs = _changed(theirs, _CHANGED[name], changed, owners[there])
        theirs = _as_entered(theirs, table_map, ~kind.on_finops(owners[there]))
        theirs = self._counterparts.rows(table_map, theirs, numbers[there])
        self._write(Side.DATAVERSE, table_map.end(Side.DATAVERSE).table, theirs)

    def _write(self, side: Side, table: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        known = sandbox_tables(side)[table]
        key = (known.id_column,) if known.id_column else known.key
        # documents are wide, and mostly empty
        filled = [name for name in rows.column_names if rows[name].null_count < rows.num_rows]
        self.apps[side].write(table, rows.select(filled), key=key, fresh=True)
        self.written[side, table] += rows.num_rows


def _as_entered(rows: pa.Table, table_map: TableMap, mask: Mask) -> pa.Table:
    """Rows as dataverse entered some of them (`mask`): without values that only the ERP gives."""
    if not mask.any() or not table_map.flows_from(Side.DATAVERSE):
        return rows
    entered: dict[str, bool] = {}
    for column in table_map.columns:
        if (path := column.end(Side.FINOPS)) is not None:
            flows = column.flows_from(Side.DATAVERSE)
            entered[str(path)] = entered.get(str(path), False) or flows
    for name in (name for name, is_entered in entered.items() if not is_entered):
        place = rows.column_names.index(name)
        kind = rows.schema.field(place).type
        values = pc.if_else(pa.array(mask), pa.scalar(None, kind), rows[name])
        rows = rows.set_column(place, name, values)
    return rows


def _changed(rows: pa.Table, column: str, mask: Mask, owners: Numbers) -> pa.Table:
    """The rows as the other side has changed some of them, sooner or later than the ERP did."""
    place = rows.column_names.index(column)
    text = pc.binary_join_element_wise(pc.fill_null(rows[column], ""), "(CRM)", " ")
    new = pc.if_else(pa.array(mask), pc.utf8_ltrim(text, " "), rows[column])
    rows = rows.set_column(place, column, new)
    days = np.where(mask, np.where(owners % 40 == 2, 30, -30), 0)
    place = rows.column_names.index("MODIFIEDDATETIME")
    moved = later(rows["MODIFIEDDATETIME"].combine_chunks(), days)
    return rows.set_column(place, "MODIFIEDDATETIME", moved)
