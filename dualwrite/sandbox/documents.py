"""Quotations, orders and invoices with their lines, as the ERP has them.

A document has the number of its kind, a line that of its document and one digit more.  The
order that came of a quotation has its number, customer and lines, and so has its invoice: they
are derived from the number each time.  A total is the sum of its lines to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from dualwrite.link import Side
from dualwrite.sandbox.drawing import (
    Mask,
    Numbers,
    below,
    code,
    constant,
    exact,
    joined,
    moments,
    pick,
    where,
    yes_where,
)
from dualwrite.sandbox.lines import MONEY, common_columns, currencies, days, line_numbers, lines_of
from dualwrite.sandbox.parties import company_codes, contact_code, same_company
from dualwrite.sandbox.population import Population
from dualwrite.sandbox.reference import reference
from dualwrite.sandbox.schema import sandbox_tables
from dualwrite.sandbox.trade import customer_code
from dualwrite.sandbox.words import CITIES, LANGUAGES, STREETS

_NAMED = ("US", "DE", "JP", "ES")
"""The countries whose names the other side takes for an address of delivery."""
_PLACES = tuple(city for city in CITIES if city[1] in _NAMED)
_OF_QUOTATION = (
    "QUOTATIONTOTALAMOUNT",
    "QUOTATIONTOTALTAXAMOUNT",
    "QUOTATIONTOTALCHARGESAMOUNT",
)
_OF_ORDER = ("ORDERTOTALAMOUNT", "ORDERTOTALTAXAMOUNT", "ORDERTOTALCHARGESAMOUNT")
_OF_INVOICE = ("TOTALINVOICEAMOUNT", "TOTALTAXAMOUNT", "TOTALCHARGEAMOUNT")

Make = Callable[[Numbers, Population], pa.Table]


@dataclass(frozen=True, slots=True)
class Documents:
    """One kind of document: its maps, and what makes its rows."""

    header_map: str
    line_map: str
    headers: Make
    lines: Make


def quotation_code(numbers: Numbers) -> pa.Array:
    """SALESQUOTATIONNUMBER."""
    return code("Q", numbers, 8)


def order_code(numbers: Numbers) -> pa.Array:
    """SALESORDERNUMBER."""
    return code("S", numbers, 8)


def invoice_code(numbers: Numbers) -> pa.Array:
    """INVOICENUMBER."""
    return code("I", numbers, 8)


def _quotations(n: Numbers, population: Population) -> pa.Table:
    """SalesQuotationHeaderCDSEntity.  Every second one of the ERP's became an order."""
    ordered = (n < population.quotations.finops) & (n % 2 == 0)
    status = where(
        ordered, constant("Confirmed", n), pick(["Created", "Sent", "Lost", "Revised"], n, 301)
    )
    return _table(
        "SalesQuotationHeaderCDSEntity",
        n,
        _header(n, population, "REQUESTINGCUSTOMERACCOUNTNUMBER"),
        _delivery(n),
        _totals(n, population, _OF_QUOTATION, weighed=True),
        SALESQUOTATIONNUMBER=quotation_code(n),
        SALESQUOTATIONNAME=where(n % 3 != 2, joined("Offer", code("", n, 1))),
        CUSTOMERSREFERENCE=where(n % 4 == 1, code("RFQ-", n, 6)),
        GENERATEDSALESORDERNUMBER=where(ordered, order_code(n)),
        RECEIPTDATEREQUESTED=where(n % 3 == 0, days(n, 302)),
        SALESQUOTATIONCONFIRMATIONDATE=where(ordered, days(n, 303)),
        SALESQUOTATIONEXPIRYDATE=days(n, 304),
        SALESQUOTATIONFOLLOWUPDATE=where(n % 5 == 0, days(n, 305)),
        SALESQUOTATIONSTATUS=status,
        MODIFIEDDATETIME=moments(n, 306),
    )


def _orders(n: Numbers, population: Population) -> pa.Table:
    """SalesOrderHeaderCDSEntity."""
    quoted = (n < population.quotations.finops) & (n % 2 == 0)
    return _table(
        "SalesOrderHeaderCDSEntity",
        n,
        _header(n, population, "ORDERINGCUSTOMERACCOUNTNUMBER"),
        _delivery(n, formatted="FORMATTEDDELVERYADDRESS"),
        _totals(n, population, _OF_ORDER),
        SALESORDERNUMBER=order_code(n),
        SALESORDERNAME=where(n % 3 == 0, joined("Order", code("", n, 1))),
        CUSTOMERSORDERREFERENCE=_customers_reference(n),
        CONFIRMEDRECEIPTDATE=where(n % 4 == 0, days(n, 311)),
        CONFIRMEDSHIPPINGDATE=where(n % 4 == 0, days(n, 312)),
        ISONETIMECUSTOMER=yes_where(n % 25 == 0),
        ISSALESPROCESSINGSTOPPED=yes_where(n % 50 == 7),
        PAYMENTTERMSBASEDATE=where(n % 6 == 0, days(n, 313)),
        QUOTATIONNUMBER=where(quoted, quotation_code(n)),
        REQUESTEDRECEIPTDATE=where(n % 3 == 0, days(n, 302)),
        SALESORDERPROCESSINGSTATUS=where(
            _are_invoiced(n, population), constant("Invoiced", n), _open_status(n)
        ),
        MODIFIEDDATETIME=moments(n, 314),
    )


def _invoices(n: Numbers, population: Population) -> pa.Table:
    """SalesInvoiceHeaderV2Entity: what was ordered under the same number."""
    place = below(len(CITIES), n, 321)
    header = _header(n, population, "INVOICECUSTOMERACCOUNTNUMBER")
    return _table(
        "SalesInvoiceHeaderV2Entity",
        n,
        {name: header[name] for name in _OF_INVOICES},
        _totals(n, population, _OF_INVOICE),
        **_invoice_name(n),
        SALESORDERNUMBER=order_code(n),
        CUSTOMERSORDERREFERENCE=_customers_reference(n),
        INVOICEADDRESSCITY=_of_city(CITIES, place, 0),
        INVOICEADDRESSCOUNTRYREGIONISOCODE=_of_city(CITIES, place, 1),
        INVOICEADDRESSSTATE=_of_city(CITIES, place, 2),
        INVOICEADDRESSSTREET=pick(STREETS, n, 322),
        INVOICEADDRESSSTREETNUMBER=code("", 1 + below(200, n, 323), 1),
        MODIFIEDDATETIME=moments(n, 324),
    )


_OF_INVOICES = (
    "DATAAREAID", "INVOICECUSTOMERACCOUNTNUMBER", "CURRENCYCODE", "CONTACTPERSONID",
    "PAYMENTTERMSNAME",
)  # fmt: skip


def _quotation_lines(numbers: Numbers, population: Population) -> pa.Table:
    """SalesQuotationLineCDSEntity."""
    lines = lines_of(numbers, population, weighed=True)
    return _table(
        "SalesQuotationLineCDSEntity",
        numbers,
        common_columns(numbers, lines),
        SALESQUOTATIONNUMBER=quotation_code(numbers // 10),
        REQUESTEDSALESQUANTITY=exact(lines.quantity, 3, MONEY),
        SALESQUOTATIONPROMISINGMETHOD=_promising(numbers),
        SALESQUOTATIONSTATUS=pick(["Created", "Sent"], numbers, 331),
        MODIFIEDDATETIME=moments(numbers, 332),
    )


def _order_lines(numbers: Numbers, population: Population) -> pa.Table:
    """SalesOrderLineCDSEntity."""
    lines, n = lines_of(numbers, population), numbers // 10
    invoiced = _are_invoiced(n, population)
    return _table(
        "SalesOrderLineCDSEntity",
        numbers,
        common_columns(numbers, lines),
        SALESORDERNUMBER=order_code(n),
        ORDEREDSALESQUANTITY=exact(lines.quantity, 3, MONEY),
        CONFIRMEDSHIPPINGDATE=where(n % 4 == 0, days(n, 312)),
        ISLINESTOPPED=yes_where(numbers % 60 == 1),
        SALESORDERLINESTATUS=where(
            invoiced, constant("Invoiced", n), pick(["Backorder", "Delivered"], numbers, 341)
        ),
        SALESORDERPROMISINGMETHOD=_promising(numbers),
        MODIFIEDDATETIME=moments(numbers, 342),
    )


def _invoice_lines(numbers: Numbers, population: Population) -> pa.Table:
    """SalesInvoiceLineV2Entity."""
    lines, n = lines_of(numbers, population), numbers // 10
    own = common_columns(numbers, lines)
    return _table(
        "SalesInvoiceLineV2Entity",
        numbers,
        {name: own[name] for name in _OF_INVOICE_LINES},
        **_invoice_name(n),
        INVOICEDQUANTITY=exact(lines.quantity, 3, MONEY),
        CONFIRMEDSHIPPINGDATE=where(n % 4 == 0, days(n, 312)),
        LINETOTALDISCOUNTAMOUNT=own["TOTALDISCOUNTAMOUNT"],
        LINETOTALTAXAMOUNT=own["TOTALTAXAMOUNT"],
        LINETOTALCHARGEAMOUNT=own["TOTALCHARGESAMOUNT"],
        MODIFIEDDATETIME=moments(numbers, 351),
    )


_OF_INVOICE_LINES = (
    "DATAAREAID", "LINECREATIONSEQUENCENUMBER", "CURRENCYCODE", "PRODUCTNUMBER", "PRODUCTNAME",
    "SALESUNITSYMBOL", "SALESPRICE", "LINEAMOUNT",
)  # fmt: skip

QUOTATIONS = Documents(
    "cds-sales-quotation-header--quotes",
    "cds-sales-quotation-lines--quotedetails",
    _quotations,
    _quotation_lines,
)
ORDERS = Documents(
    "cds-sales-order-headers--salesorders",
    "cds-sales-order-lines--salesorderdetails",
    _orders,
    _order_lines,
)
INVOICES = Documents(
    "sales-invoice-headers-v2--invoices",
    "sales-invoice-lines-v2--invoicedetails",
    _invoices,
    _invoice_lines,
)
OF_MAP = {
    name: each
    for each in (QUOTATIONS, ORDERS, INVOICES)
    for name in (each.header_map, each.line_map)
}


def _header(n: Numbers, population: Population, customer: str) -> dict[str, Any]:
    """What quotations and orders say alike.  Some customers are persons."""
    buyer = same_company(population.customers, n, 361)
    person = (n % 4 == 3) & (buyer + 1 < population.customers.finops)
    account = customer_code(np.where(person, buyer + 1, buyer))
    return {
        "DATAAREAID": company_codes(n),
        customer: account,
        "INVOICECUSTOMERACCOUNTNUMBER": account,
        "CURRENCYCODE": currencies(n),
        "AREPRICESINCLUDINGSALESTAX": yes_where(n % 9 == 0),
        "CONTACTPERSONID": where(
            n % 4 == 0, contact_code(same_company(population.contacts, n, 362))
        ),
        "CUSTOMERREQUISITIONNUMBER": where(n % 8 == 0, code("R-", n, 6)),
        "EMAIL": where(n % 2 == 0, joined("buyer", code("", n, 1), "@example.com", by="")),
        "LANGUAGEID": pick(LANGUAGES, n, 363),
        "PAYMENTTERMSNAME": pick(reference("PaymentTermEntity", "NAME"), n, 364),
        "PRICECUSTOMERGROUPCODE": where(
            n % 5 == 0, pick(reference("PriceDiscPriceCustomerGroupEntity", "GROUPCODE"), n, 365)
        ),
        "REQUESTEDSHIPPINGDATE": where(n % 3 == 0, days(n, 366)),
        "SALESORDERPROMISINGMETHOD": _promising(n),
    }


def _delivery(n: Numbers, formatted: str = "FORMATTEDDELIVERYADDRESS") -> dict[str, Any]:
    """Where every third document is to be delivered: an address of its own."""
    place, own = below(len(_PLACES), n, 371), n % 3 == 0
    street, number = pick(STREETS, n, 372), code("", 1 + below(200, n, 373), 1)
    city = _of_city(_PLACES, place, 0)
    return {
        "DELIVERYADDRESSSTREET": where(own, street),
        "DELIVERYADDRESSSTREETNUMBER": where(own, number),
        "DELIVERYADDRESSCITY": where(own, city),
        "DELIVERYADDRESSCOUNTRYREGIONISOCODE": where(own, _of_city(_PLACES, place, 1)),
        "DELIVERYADDRESSSTATEID": where(own, _of_city(_PLACES, place, 2)),
        "DELIVERYADDRESSZIPCODE": where(own, joined(_of_city(_PLACES, place, 3), "07", by="")),
        "DELIVERYADDRESSNAME": where(own, constant("Ramp 3", n)),
        formatted: where(own, joined(joined(street, number), city, by="\n")),
        "ISDELIVERYADDRESSORDERSPECIFIC": yes_where(own),
        "ISDELIVERYADDRESSPRIVATE": yes_where(own & (n % 4 == 3)),
    }


def _totals(
    n: Numbers, population: Population, names: tuple[str, str, str], *, weighed: bool = False
) -> dict[str, Any]:
    """The sums of the lines; `names` are those of the total, the tax and the charges."""
    numbers = line_numbers(n)
    lines = lines_of(numbers, population, weighed=weighed)
    first = np.flatnonzero(numbers % 10 == 1)

    def summed(values: Numbers) -> pa.Array:
        sums: Numbers = np.add.reduceat(values, first) if len(values) else values
        return exact(sums, 3, MONEY)

    total = lines.amount + lines.tax + lines.charges
    return {
        **dict(zip(names, map(summed, (total, lines.tax, lines.charges)), strict=True)),
        "TOTALDISCOUNTAMOUNT": summed(lines.discount),
    }


def _are_invoiced(n: Numbers, population: Population) -> Mask:
    invoiced: Mask = population.invoices.on_finops(n)
    return invoiced


def _invoice_name(n: Numbers) -> dict[str, Any]:
    return {
        "INVOICENUMBER": invoice_code(n),
        "INVOICEDATE": days(n, 398),
        "LEDGERVOUCHER": code("IV", n, 8),
    }


def _customers_reference(n: Numbers) -> pa.Array:
    return where(n % 4 != 3, code("PO ", n, 6))


_open_status = partial(pick, ["Active", "Active", "Confirmed", "Picked", "Delivered"], salt=397)
_promising = partial(pick, ["None", "None", "ATP", "CTP", "SalesLeadTime"], salt=399)


def _of_city(cities: tuple[tuple[str, ...], ...], place: Numbers, part: int) -> pa.Array:
    return pa.array([city[part] for city in cities]).take(pa.array(place))


def _table(name: str, numbers: Numbers, *parts: Mapping[str, Any], **more: Any) -> pa.Table:
    """A table of the ERP, whole: what nobody says is null."""
    given = {column: values for part in (*parts, more) for column, values in part.items()}
    table = sandbox_tables(Side.FINOPS)[name]
    unknown = given.keys() - table.columns.keys()
    assert not unknown, (name, unknown)
    return pa.table(
        {
            column.name: given.get(column.name, pa.nulls(len(numbers), column.arrow))
            for column in table.columns.values()
        }
    )
