"""Customers, vendors and products, as the ERP has them.

What a row points at lies in its own company.  A row that both sides hold points only at
rows that both sides hold, so that the dataverse side is whole before anything was carried.

Invoice accounts: some customers pay for themselves, some for others, in chains of up to four.
Among the ERP's own the chain runs to rows further on, so it cannot be loaded in one pass.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

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
from dualwrite.sandbox.parties import (
    CUSTOMER,
    VENDOR,
    are_persons,
    by_company,
    company_codes,
    contact_code,
    party_code,
    party_numbers,
    same_company,
)
from dualwrite.sandbox.population import Population, RowGroup
from dualwrite.sandbox.reference import COMPANIES, reference
from dualwrite.sandbox.words import CITIES, MEMOS, PRODUCT_ADJECTIVES, PRODUCT_NOUNS

_MONEY = pa.decimal128(28, 10)
CURRENCIES = (
    ["USD", "USD", "GBP", "TND"],
    ["EUR", "EUR", "CHF", "KWD"],
    ["JPY", "JPY", "USD", "EUR"],
)
"""The currencies of each company."""
_MINOR_UNITS = {"JPY": 0, "TND": 3, "KWD": 3}
_BACK = {0: 0, 10: -10, 20: -10, 30: -10, 32: 0}
_ON = {3: 10, 13: 10, 23: 10, 33: -28, 15: 0, 25: -10, 35: 1}
"""Whose account is invoiced, by the place in the stretch: so many numbers further."""


def customers(numbers: Numbers, population: Population) -> pa.Table:
    """CustCustomerV3Entity."""
    n = numbers
    own = _only_finops(n, population.customers)
    person = are_persons(n, CUSTOMER)
    currency = by_company(CURRENCIES, n, 71)
    place = below(len(CITIES), n, 72)
    has_vendor = (n % 30 == 0) & ~own
    has_contact = n % 10 == 0
    return pa.table(
        {
            "DATAAREAID": company_codes(n),
            "CUSTOMERACCOUNT": customer_code(n),
            "PARTYTYPE": where(person, constant("Person", n), constant("Organization", n)),
            "PARTYNUMBER": party_code(party_numbers(n, CUSTOMER)),
            "CUSTOMERGROUPID": _of("CustCustomerGroupEntity", "CUSTOMERGROUPID", n, 73, own),
            "SALESCURRENCYCODE": currency,
            "CREDITLIMIT": where(n % 6 != 5, _amounts(currency, n, 74)),
            "CREDITLIMITISMANDATORY": yes_where(n % 12 == 0),
            "CREDITRATING": where(n % 3 == 0, pick(["A", "B+", "C"], n, 75)),
            "IDENTIFICATIONNUMBER": where(n % 14 == 0, code("ID", n, 9)),
            "INVOICEACCOUNT": _invoice_accounts(n, population.customers, person),
            "ISONETIMECUSTOMER": yes_where(n % 25 == 0),
            "ONHOLDSTATUS": pick(["No", "No", "No", "No", "Invoice", "All", "Never"], n, 76),
            "PARTYCOUNTRY": pa.array([city[1] for city in CITIES]).take(pa.array(place)),
            "PARTYSTATE": pa.array([city[2] for city in CITIES]).take(pa.array(place)),
            "PAYMENTDAY": where(n % 8 == 0, _of("PaymentDayCdsEntity", "NAME", n, 77, own)),
            "PAYMENTMETHOD": where(
                n % 2 == 0, _of("CustomerPaymentMethodEntity", "NAME", n, 78, own)
            ),
            "PAYMENTSCHEDULE": where(n % 16 == 0, _of("PaymentScheduleEntity", "NAME", n, 79, own)),
            "PAYMENTTERMS": _of("PaymentTermEntity", "NAME", n, 80, own),
            "PAYMENTTERMSBASEDAYS": where(~person, pa.array(below(60, n, 81))),
            "SALESMEMO": where(n % 4 != 1, pick(MEMOS, n, 82)),
            "SALESTAXGROUP": where(n % 5 != 0, _of("TaxGroupEntity", "TAXGROUPCODE", n, 83, own)),
            "TAXEXEMPTNUMBER": where(~person & (n % 9 == 0), code("TX", n, 9)),
            "VENDORACCOUNT": where(
                has_vendor, vendor_code(same_company(population.vendors, n, 84))
            ),
            "CONTACTPERSONID": where(
                has_contact, contact_code(same_company(population.contacts, n, 85))
            ),
            "MODIFIEDDATETIME": moments(n, 86),
        }
    )


def customer_code(numbers: Numbers) -> pa.Array:
    """CUSTOMERACCOUNT."""
    return code("C", numbers, 8)


def vendor_code(numbers: Numbers) -> pa.Array:
    """VENDORACCOUNTNUMBER."""
    return code("V", numbers, 8)


def vendors_with_own_party(numbers: Numbers, population: Population) -> Numbers:
    """The vendors that are not customers too."""
    return numbers[~_are_customers_too(numbers, population)]


def vendors(numbers: Numbers, population: Population) -> pa.Table:
    """VendVendorV2Entity.  Every eighth is a customer too: the same party."""
    n = numbers
    own = _only_finops(n, population.vendors)
    shared_party = n * 10 % (population.customers.finops // 10 * 10)
    party = np.where(
        _are_customers_too(n, population),
        party_numbers(shared_party, CUSTOMER),
        party_numbers(n, VENDOR),
    )
    person = are_persons(n, VENDOR) & ~_are_customers_too(n, population)
    currency = by_company(CURRENCIES, n, 91)
    flags = {
        name: yes_where(n % every == 0)
        for every, name in enumerate(
            (
                "ISFOREIGNENTITY", "ISONETIMEVENDOR", "HASONLYTAKENBIDS", "ISMINORITYOWNED",
                "ISVENDORLOCALLYOWNED", "ISSERVICEVETERANOWNED", "ISOWNERDISABLED", "ISWOMANOWNER",
                "ISVENDORLOCATEDINHUBZONE", "AREPRICESINCLUDINGSALESTAX",
            ),
            start=3,
        )
    }  # fmt: skip
    payer = np.where(n % 40 == 20, n - 20, n)
    return pa.table(
        {
            "DATAAREAID": company_codes(n),
            "VENDORACCOUNTNUMBER": vendor_code(n),
            "VENDORPARTYNUMBER": party_code(party),
            "VENDORPARTYTYPE": where(person, constant("Person", n), constant("Organization", n)),
            "VENDORGROUPID": _of("VendVendorGroupEntity", "VENDORGROUPID", n, 92, own),
            "CURRENCYCODE": currency,
            "CREDITLIMIT": where(n % 3 == 0, _amounts(currency, n, 93)),
            "CREDITRATING": where(n % 4 == 0, pick(["good", "fair"], n, 94)),
            "DUNSNUMBER": where(~person & (n % 2 == 0), code("", below(10**9, n, 95), 9)),
            "ETHNICORIGINID": pa.nulls(len(n), pa.string()),
            "OURACCOUNTNUMBER": where(n % 5 == 0, code("US-", n, 6)),
            "PAYMENTID": where(n % 7 == 0, code("PAY", n, 6)),
            "PRIMARYURL": where(n % 3 == 1, joined("https://v", code("", n, 1), ".example", by="")),
            "DEFAULTPAYMENTDAYNAME": where(
                n % 8 == 0, _of("PaymentDayCdsEntity", "NAME", n, 96, own)
            ),
            "DEFAULTPAYMENTSCHEDULENAME": where(
                n % 16 == 0, _of("PaymentScheduleEntity", "NAME", n, 97, own)
            ),
            "DEFAULTPAYMENTTERMSNAME": _of("PaymentTermEntity", "NAME", n, 98, own),
            "DEFAULTVENDORPAYMENTMETHODNAME": _of("VendorPaymentMethodEntity", "NAME", n, 99, own),
            "SALESTAXGROUPCODE": _of("TaxGroupEntity", "TAXGROUPCODE", n, 100, own),
            "ORGANIZATIONEMPLOYEEAMOUNT": where(~person, pa.array(below(900, n, 101))),
            "VENDORHOLDRELEASEDATE": where(
                n % 18 == 0,
                pa.array(20_600 + below(300, n, 102)).cast(pa.int32()).cast(pa.date32()),
            ),
            "ONHOLDSTATUS": pick(["No", "No", "No", "Payment", "Requisition"], n, 103),
            "INVOICEVENDORACCOUNTNUMBER": where(
                (n % 40 == 20) & (n < population.vendors.finops), vendor_code(payer)
            ),
            "PRIMARYCONTACTPERSONID": where(
                n % 20 == 0, contact_code(same_company(population.contacts, n, 104))
            ),
            "MODIFIEDDATETIME": moments(n, 105),
            **flags,
        }
    )


def product_code(numbers: Numbers) -> pa.Array:
    """PRODUCTNUMBER."""
    return code("D", numbers, 7)


def products(numbers: Numbers) -> pa.Table:
    """EcoResEveryProductEntity."""
    return pa.table(
        {
            "PRODUCTNUMBER": product_code(numbers),
            "PRODUCTNAME": product_names(numbers),
            "MODIFIEDDATETIME": moments(numbers, 111),
        }
    )


def released_products(numbers: Numbers) -> pa.Table:
    """EcoResReleasedDistinctProductCDSEntity: `numbers` are those of `released_numbers`."""
    n, company = numbers // 3, numbers % 3
    currency = pa.array([each[0] for each in CURRENCIES]).take(pa.array(company))
    kind = n % 10

    def of(table: str, column: str, salt: int) -> pa.Array:
        return where(kind < 6, pick(reference(table, column), n, salt))

    return pa.table(
        {
            "DATAAREAID": pa.array(COMPANIES).take(pa.array(company)),
            "PRODUCTNUMBER": product_code(n),
            "PRODUCTNAME": product_names(n),
            "PRODUCTDESCRIPTION": where(n % 3 == 0, pick(MEMOS, n, 112)),
            "ITEMNUMBER": code("I", n, 7),
            "CURRENCYCODE": currency,
            "SALESUNITSYMBOL": sales_units(n),
            "SALESPRICE": _amounts(currency, numbers, 114),
            "UNITCOST": where(n % 5 != 0, _amounts(currency, numbers, 115)),
            "PRODUCTTYPE": where(kind == 9, constant("Service", n), constant("Item", n)),
            "SALESUNITDECIMALPRECISION": where(n % 7 != 0, pa.array(below(4, n, 116))),
            "ISCATCHWEIGHTPRODUCT": yes_where(are_weighed(n) & (n % 8 == 3)),
            "ISSTOCKEDPRODUCT": yes_where(kind != 9),
            "PRODUCTCOLORID": of("EcoResProductColorEntity", "COLORID", 117),
            "PRODUCTCONFIGURATIONID": of(
                "EcoResProductConfigurationEntity", "CONFIGURATIONID", 118
            ),
            "PRODUCTSIZEID": of("EcoResProductSizeEntity", "SIZEID", 119),
            "PRODUCTSTYLEID": of("EcoResProductStyleEntity", "STYLEID", 120),
            "FIELDSERVICEPRODUCTTYPE": where(
                kind == 9, constant("Service", n), pick(["Inventory", "NonInventory"], n, 121)
            ),
            "MODIFIEDDATETIME": moments(numbers, 122),
        }
    )


def are_weighed(numbers: Numbers) -> Mask:
    """Which products are sold by weight; all others are counted."""
    weighed: Mask = numbers % 4 == 3
    return weighed


def sales_units(numbers: Numbers) -> pa.Array:
    """SALESUNITSYMBOL of the products."""
    by_weight, counted = pick(["kg", "g", "LB "], numbers, 113), pick(["ea", "box"], numbers, 113)
    return where(are_weighed(numbers), by_weight, counted)


def released_numbers(numbers: Numbers) -> Numbers:
    """Every product is released to the first company, every second to all."""
    return np.sort(
        np.concatenate(
            (numbers * 3, numbers[numbers % 2 == 0] * 3 + 1, numbers[numbers % 2 == 0] * 3 + 2)
        )
    )


def product_conversions(numbers: Numbers) -> pa.Table:
    """EcoResProductSpecificUnitConversionEntity: how many of a product a pallet holds."""
    return pa.table(
        {
            "PRODUCTNUMBER": product_code(numbers),
            "FROMUNITSYMBOL": constant("pal", numbers),
            "TOUNITSYMBOL": constant("ea", numbers),
            "FACTOR": exact(40 + 10 * below(30, numbers, 131), 0, _MONEY),
            "NUMERATOR": pa.array(np.ones_like(numbers)),
            "DENOMINATOR": pa.array(np.ones_like(numbers)),
            "INNEROFFSET": exact(np.zeros_like(numbers), 0, _MONEY),
            "OUTEROFFSET": exact(np.zeros_like(numbers), 0, _MONEY),
            "ROUNDING": pick(["Nearest", "Down"], numbers, 132),
            "MODIFIEDDATETIME": moments(numbers, 133),
        }
    )


def product_names(numbers: Numbers) -> pa.Array:
    """PRODUCTNAME."""
    return joined(
        pick(PRODUCT_ADJECTIVES, numbers, 141),
        pick(PRODUCT_NOUNS, numbers, 142),
        code("", numbers, 1),
    )


def _only_finops(numbers: Numbers, kind: RowGroup) -> Mask:
    return kind.on_finops(numbers) & ~kind.on_dataverse(numbers)


def _are_customers_too(numbers: Numbers, population: Population) -> Mask:
    too: Mask = (numbers % 8 == 0) & population.vendors.on_finops(numbers)
    return too


def _of(table: str, column: str, numbers: Numbers, salt: int, own: Mask) -> pa.Array:
    """A code of a small table; rows that only the ERP has now and then take one of its own."""
    only = where(
        own & (numbers % 7 == 0), pick(reference(table, column, shared=False), numbers, salt)
    )
    return where(own & (numbers % 7 == 0), only, pick(reference(table, column), numbers, salt))


def minor_units(currency: pa.Array) -> Numbers:
    """How many digits an amount in each currency has."""
    codes = currency.dictionary_encode()
    digits = np.array([_MINOR_UNITS.get(word, 2) for word in codes.dictionary.to_pylist()])
    found: Numbers = digits[codes.indices.to_numpy()]
    return found


def _amounts(currency: pa.Array, numbers: Numbers, salt: int) -> pa.Array:
    """Amounts with no more digits than the currency has minor units."""
    step = 10 ** (3 - minor_units(currency))
    whole = 500 * (1 + below(200, numbers, salt)) * 1000
    part = np.where(numbers % 3 == 0, below(1000, numbers, salt + 200) // step * step, 0)
    return exact(whole + part, 3, _MONEY)


def _invoice_accounts(numbers: Numbers, kind: RowGroup, person: Mask) -> pa.Array:
    place = numbers % 40
    ahead = np.full(40, 99)
    ahead[list(_BACK)] = list(_BACK.values())
    both = ahead[place]
    ahead[list(_ON)] = list(_ON.values())
    shift = np.where(numbers < kind.finops, ahead[place], both)
    target = numbers + shift
    there = (shift != 99) & ~person & ((target < kind.finops) | (target <= numbers))
    return where(there, customer_code(np.where(there, target, 0)))
