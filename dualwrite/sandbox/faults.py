"""The rows of a sandbox that must not cross: what is wrong with each, and which rule finds it.

A faulty row is an ordinary row with a wrong value in one column.  It has its own number and its
own party, so it holds no other row back, except for those named in `holds_back`.  Apart from
these rows, and from those that they hold back, every row of a sandbox crosses: `expected` is the
whole list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from dualwrite.link import Side
from dualwrite.sandbox.drawing import Numbers

_FIRST = 90_000_000
_ORGANISATION, _PERSON, _PERSON_ALONE, _ONE_LINE = 6, 4, 7, 8

ACCOUNTS = "customers-v3--accounts"
CONTACTS = "customers-v3--contacts"
PARTIES = "cds-parties--msdyn-parties"
ELECTRONIC = "party-contacts-v3--msdyn-partyelectronicaddresses"
PERSONS = "contacts-v2--msdyn-contactforparties"
PRODUCTS = "cds-released-distinct-products--products"
ALL_PRODUCTS = "all-products--msdyn-globalproducts"
VENDORS = "vendors-v2--msdyn-vendors"
CURRENCIES = "currencies--transactioncurrencies"
GROUPS = "customer-groups--msdyn-customergroups"
QUOTATIONS = "cds-sales-quotation-header--quotes"
QUOTATION_LINES = "cds-sales-quotation-lines--quotedetails"
ORDERS = "cds-sales-order-headers--salesorders"
ORDER_LINES = "cds-sales-order-lines--salesorderdetails"
INVOICES = "sales-invoice-headers-v2--invoices"
INVOICE_LINES = "sales-invoice-lines-v2--invoicedetails"

FaultyValue = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class FaultyKind:
    """One kind of faulty row."""

    map: str
    side: Side
    """Where the row is; it should cross from there, and does not."""
    column: str
    value: FaultyValue
    """What is put into `column`.  `{}` in a text stands for the row's number among its kind."""
    rule: str
    """The rule that holds it back; `resolvable` parks it, all others reject it."""
    why: str
    place: int = _ORGANISATION
    only_once: bool = False
    holds_back: tuple[str, ...] = ()
    """Maps in which one row each is parked because this one did not arrive."""

    def count(self, rows: int) -> int:
        """How many such rows a sandbox with so many customers has."""
        return 1 if self.only_once else min(11, 1 + rows // 1000)

    def numbers(self, rows: int) -> Numbers:
        """The numbers of its rows: one stretch of forty apart, so that companies change."""
        return _FIRST + 10_000 * FAULTS.index(self) + 40 * np.arange(self.count(rows)) + self.place

    def values(self, rows: int) -> list[FaultyValue]:
        """The values of `column` in its rows."""
        value = self.value
        if isinstance(value, str):
            return [value.replace("{}", f"{number:02}") for number in range(self.count(rows))]
        return [value] * self.count(rows)


_F, _D = Side.FINOPS, Side.DATAVERSE
_TOO_MANY_DIGITS = Decimal("1000.1234500000")

FAULTS = (
    FaultyKind(
        ACCOUNTS,
        _F,
        "SALESMEMO",
        "Memo. " * 400,
        "length",
        "2,400 characters; description takes 2,000",
    ),
    FaultyKind(
        ACCOUNTS,
        _F,
        "CREDITLIMIT",
        _TOO_MANY_DIGITS,
        "currency_precision",
        "five decimals; a document amount in pounds has two",
    ),
    FaultyKind(
        ACCOUNTS,
        _F,
        "CREDITLIMIT",
        Decimal(9 * 10**15),
        "currency_precision",
        "more than creditlimit can hold",
    ),
    FaultyKind(
        ACCOUNTS,
        _F,
        "ONHOLDSTATUS",
        "Frozen",
        "value_map_total",
        "a hold that dataverse does not know",
    ),
    FaultyKind(
        ACCOUNTS,
        _F,
        "CUSTOMERGROUPID",
        "ZZ90",
        "resolvable",
        "a customer group that exists nowhere",
    ),
    FaultyKind(
        ACCOUNTS, _F, "PAYMENTTERMS", "Net999", "resolvable", "terms of payment that exist nowhere"
    ),
    FaultyKind(
        CONTACTS,
        _F,
        "CONTACTPERSONID",
        "K99999999",
        "resolvable",
        "a contact that exists nowhere",
        place=_PERSON,
    ),
    FaultyKind(
        CONTACTS,
        _F,
        "SALESMEMO",
        "Memo. " * 400,
        "length",
        "2,400 characters; description takes 2,000",
        place=_PERSON,
    ),
    FaultyKind(
        PARTIES,
        _F,
        "PERSONHOBBIES",
        "chess, " * 20,
        "length",
        "140 characters; msdyn_hobbies takes 100",
        place=_PERSON_ALONE,
    ),
    FaultyKind(
        PARTIES,
        _F,
        "LANGUAGEID",
        "tlh",
        "value_map_total",
        "a language that dataverse does not list",
    ),
    FaultyKind(
        PARTIES,
        _F,
        "LANGUAGEID",
        "sjn",
        "value_map_total",
        "the same, and a customer waits for the party",
        holds_back=(ACCOUNTS,),
    ),
    FaultyKind(
        ELECTRONIC,
        _F,
        "COUNTRYREGIONCODE",
        "+49x",
        "convertible",
        "a calling code that is no number",
    ),
    FaultyKind(
        ELECTRONIC,
        _F,
        "LOCATOR",
        "https://example.com/" + "p" * 200,
        "length",
        "220 characters; msdyn_locator takes 200",
    ),
    FaultyKind(
        PERSONS, _F, "NOTES", "Note. " * 400, "length", "2,400 characters; msdyn_notes takes 2,000"
    ),
    FaultyKind(PRODUCTS, _F, "PRODUCTNAME", None, "required", "no name, and dataverse demands one"),
    FaultyKind(PRODUCTS, _F, "SALESUNITSYMBOL", "keg", "resolvable", "a unit that exists nowhere"),
    FaultyKind(
        VENDORS, _F, "VENDORGROUPID", "ZZ70", "resolvable", "a vendor group that exists nowhere"
    ),
    FaultyKind(
        VENDORS,
        _F,
        "CREDITLIMIT",
        _TOO_MANY_DIGITS,
        "currency_precision",
        "five decimals; a document amount in dinars has three",
    ),
    FaultyKind(
        CURRENCIES,
        _F,
        "SYMBOL",
        None,
        "required",
        "no symbol, and dataverse demands one",
        only_once=True,
    ),
    FaultyKind(
        VENDORS,
        _D,
        "msdyn_isperson",
        None,
        "required",
        "neither person nor organisation, and the ERP demands one",
    ),
    FaultyKind(
        ACCOUNTS,
        _D,
        "msdyn_onholdstatus",
        806380099,
        "value_map_total",
        "an option that the map does not know",
    ),
    FaultyKind(
        ACCOUNTS,
        _D,
        "accountnumber",
        None,
        "key_present",
        "no account number to know the customer by",
    ),
    FaultyKind(
        ACCOUNTS,
        _D,
        "msdyn_creditrating",
        "excellent so far",
        "length",
        "16 characters; CREDITRATING takes 10",
    ),
    FaultyKind(
        PARTIES,
        _D,
        "msdyn_organizationname",
        "Very Long " * 13,
        "length",
        "130 characters; ORGANIZATIONNAME takes 100",
    ),
    FaultyKind(
        PARTIES,
        _D,
        "msdyn_gender",
        9,
        "value_map_total",
        "an option that the map does not know",
        place=_PERSON_ALONE,
    ),
    FaultyKind(
        ELECTRONIC,
        _D,
        "msdyn_locatorextension",
        "ask for Ada {}",
        "length",
        "14 characters; LOCATOREXTENSION takes 10",
    ),
    FaultyKind(
        PARTIES,
        _D,
        "msdyn_partytype",
        None,
        "required",
        "neither person nor organisation, and the ERP demands one",
    ),
    FaultyKind(
        GROUPS,
        _D,
        "msdyn_groupid",
        "VERY-LONG-{}",
        "length",
        "12 characters; CUSTOMERGROUPID takes 10",
    ),
    FaultyKind(
        ORDERS,
        _F,
        "ORDERTOTALAMOUNT",
        _TOO_MANY_DIGITS,
        "currency_precision",
        "five decimals, and the order's line waits for it",
        place=_ONE_LINE,
        holds_back=(ORDER_LINES,),
    ),
    FaultyKind(
        ORDER_LINES,
        _F,
        "SALESUNITSYMBOL",
        "keg",
        "quantity_converts",
        "so many of a unit that exists nowhere",
        place=_ONE_LINE,
    ),
    FaultyKind(
        ORDER_LINES,
        _F,
        "ORDEREDSALESQUANTITY",
        Decimal("2.1234567"),
        "scale",
        "seven decimals; quantity takes five",
        place=_ONE_LINE,
    ),
    FaultyKind(
        QUOTATIONS,
        _F,
        "DELIVERYADDRESSCOUNTRYREGIONISOCODE",
        "CH",
        "value_map_total",
        "a country that the map does not list, and the quotation's line waits for it",
        place=_ONE_LINE,
        holds_back=(QUOTATION_LINES,),
    ),
    FaultyKind(
        QUOTATION_LINES,
        _F,
        "PRODUCTNUMBER",
        "D99999{}",
        "resolvable",
        "a product that nobody sells",
        place=_ONE_LINE,
    ),
    FaultyKind(
        INVOICE_LINES,
        _F,
        "LEDGERVOUCHER",
        "IV999999{}",
        "resolvable",
        "a line of an invoice that is not there",
        place=_ONE_LINE,
    ),
    FaultyKind(
        ORDER_LINES,
        _D,
        "description",
        "Long Bolt " * 13,
        "length",
        "130 characters; PRODUCTNAME takes 120",
        place=_ONE_LINE,
    ),
    FaultyKind(
        QUOTATIONS,
        _D,
        "msdyn_salesquotationstatus",
        192350099,
        "value_map_total",
        "an option that the map does not know",
        place=_ONE_LINE,
    ),
)
"""Every kind of faulty row.  A new one goes to the end: its place numbers its rows."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Where rows are held back, and by which rule."""

    map: str
    source: Side
    rule: str

    @property
    def parked(self) -> bool:
        """Whether they wait for another row; else they are rejected."""
        return self.rule == "resolvable"


def expected(rows: int) -> Mapping[Expected, int]:
    """How many rows of a sandbox of `rows` customers are held back, by map, source and rule."""
    found: Counter[Expected] = Counter()
    for fault in FAULTS:
        found[Expected(fault.map, fault.side, fault.rule)] += fault.count(rows)
        for other in fault.holds_back:
            found[Expected(other, fault.side, "resolvable")] += fault.count(rows)
    return found
