"""Northwind, split into an ERP with products and orders and a CRM with customers.

Company, currency, units, products and orders are finops rows.  Customers, suppliers, the people to
talk to there, their addresses and telephones are dataverse rows, so that the initial sync
has to go both ways.  Texts stay as they are: natural keys (`ALFKI`), postal codes with
leading zeros.  A customer without a region has `''`, a supplier without one has null, as two
programs that fill one table would have it; a region too long for the state is a district.
Customers are grouped by country, and one country's name is too long for a group in the ERP.
An order's line amount is what price, quantity and discount come to, parts of a cent included.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.real.data import (
    Column,
    always,
    blank_as_null,
    dates,
    decimals,
    found,
    join,
    named,
    number,
    read,
)

COMPANY = "NWND"
OPENED = dt.datetime(1996, 7, 4, tzinfo=dt.UTC)
FOREVER = dt.datetime(2154, 12, 31, 23, 59, 59, tzinfo=dt.UTC)

HOLD_NO, TYPE_CUSTOMER = 806380000, 3
PARTY_PERSON, PARTY_ORGANIZATION = 192350001, 192350002
ADDRESS_PHONE, ADDRESS_FAX = 192350001, 192350005

_STATE_LENGTH = 10
_COUNTRIES = {"UK": "GB", "USA": "US"}
"""Country names of Northwind that differ from the list of countries."""

_ID_SPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
_MOMENT = pa.timestamp("us", "UTC")
_EXACT = pa.decimal128(28, 10)


def finops_tables(folder: Path) -> dict[str, pa.Table]:
    """What the ERP holds before the first sync."""
    products = read(folder, "northwind/Products")
    item = number("NW", products["ProductID"], 4)
    return {
        "OMLegalEntity": pa.table({"LEGALENTITYID": [COMPANY], "NAME": ["Northwind Traders"]}),
        "UnitOfMeasureEntity": pa.table(
            {"UNITSYMBOL": ["pcs"], "UNITCLASS": ["Quantity"], "UNITDESCRIPTION": ["Pieces"]}
        ),
        "EcoResEveryProductEntity": pa.table(
            {"PRODUCTNUMBER": item, "PRODUCTNAME": products["ProductName"]}
        ),
        "EcoResReleasedDistinctProductCDSEntity": pa.table(
            {
                "DATAAREAID": always(COMPANY, products),
                "PRODUCTNUMBER": item,
                "PRODUCTNAME": products["ProductName"],
                "PRODUCTDESCRIPTION": products["QuantityPerUnit"],
                "CURRENCYCODE": always("USD", products),
                "SALESUNITSYMBOL": always("pcs", products),
                "SALESPRICE": decimals(products["UnitPrice"], 28, 10),
                "PRODUCTTYPE": always("Item", products),
            }
        ),
        "SalesOrderHeaderCDSEntity": _orders(folder),
        "SalesOrderLineCDSEntity": _order_lines(folder),
    }


def dataverse_tables(folder: Path) -> dict[str, pa.Table]:
    """What the CRM holds before the first sync, parents before children."""
    customers, suppliers = (
        read(folder, f"northwind/{name}") for name in ("Customers", "Suppliers")
    )
    firms = [
        (customers, join(["C-", customers["CustomerID"]]), customers["Region"]),
        (suppliers, number("S-", suppliers["SupplierID"], 3), blank_as_null(suppliers["Region"])),
    ]
    titles = pc.unique(pa.concat_tables(rows.select(["ContactTitle"]) for rows, _, _ in firms)[0])
    return {
        "cdm_company": _with_id(
            "cdm_company",
            pa.table({"cdm_companycode": [COMPANY], "cdm_name": ["Northwind Traders"]}),
            "cdm_companycode",
        ),
        "transactioncurrency": _currencies(),
        "msdyn_paymentterm": _one("msdyn_paymentterm", "msdyn_name", "Net 30"),
        "msdyn_customergroup": _customer_groups(customers),
        "msdyn_vendorgroup": _one("msdyn_vendorgroup", "msdyn_vendorgroup", "FOOD"),
        "msdyn_salescontactpersontitle": _with_id(
            "msdyn_salescontactpersontitle",
            pa.table({"msdyn_jobtitlealias": titles, "msdyn_jobtitle": titles}),
            "msdyn_jobtitlealias",
        ),
        "msdyn_party": pa.concat_tables(
            [_organisation(*firm[:2]) for firm in firms] + [_person(*firm[:2]) for firm in firms],
            promote_options="default",
        ),
        "msdyn_postaladdresscollection": pa.concat_tables(_location(*firm[:2]) for firm in firms),
        "msdyn_postaladdress": pa.concat_tables(
            _address(*firm, countries=_codes(folder)) for firm in firms
        ),
        "msdyn_partypostaladdress": pa.concat_tables(_place(*firm[:2]) for firm in firms),
        "msdyn_partyelectronicaddress": pa.concat_tables(
            _electronic(rows, firm, column, kind)
            for rows, firm, _ in firms
            for column, kind in (("Phone", ADDRESS_PHONE), ("Fax", ADDRESS_FAX))
        ),
        "msdyn_contactforparty": pa.concat_tables(_contact(*firm[:2]) for firm in firms),
        "account": _accounts(customers, firms[0][1]),
        "msdyn_vendor": _vendors(suppliers, firms[1][1]),
    }


def _orders(folder: Path) -> pa.Table:
    orders = read(folder, "northwind/Orders")
    return pa.table(
        {
            "DATAAREAID": always(COMPANY, orders),
            "SALESORDERNUMBER": orders["OrderID"],
            "ORDERINGCUSTOMERACCOUNTNUMBER": orders["CustomerID"],
            "INVOICECUSTOMERACCOUNTNUMBER": orders["CustomerID"],
            "CURRENCYCODE": always("USD", orders),
            "SALESORDERNAME": orders["ShipName"],
            "ORDERTOTALCHARGESAMOUNT": decimals(orders["Freight"], 28, 10),
            "REQUESTEDSHIPPINGDATE": dates(orders["RequiredDate"]),
            "CONFIRMEDSHIPPINGDATE": dates(orders["ShippedDate"]),
            "DELIVERYADDRESSNAME": orders["ShipName"],
            "DELIVERYADDRESSSTREET": orders["ShipAddress"],
            "DELIVERYADDRESSCITY": orders["ShipCity"],
            "DELIVERYADDRESSZIPCODE": blank_as_null(orders["ShipPostalCode"]),
            "DELIVERYADDRESSDISTRICTNAME": blank_as_null(orders["ShipRegion"]),
            "DELIVERYADDRESSCOUNTRYREGIONISOCODE": named(orders["ShipCountry"], _codes(folder)),
        }
    )


def _order_lines(folder: Path) -> pa.Table:
    lines = read(folder, "northwind/OrderDetails")
    rows = lines.to_pylist()
    place: dict[str, int] = {}
    for row in rows:
        place[row["OrderID"]] = row["LINE"] = place.get(row["OrderID"], 0) + 1
    gross = [Decimal(row["UnitPrice"]) * Decimal(row["Quantity"]) for row in rows]
    off = [Decimal(row["Discount"]) for row in rows]
    products = read(folder, "northwind/Products")
    return pa.table(
        {
            "DATAAREAID": always(COMPANY, lines),
            "SALESORDERNUMBER": lines["OrderID"],
            "LINECREATIONSEQUENCENUMBER": pa.array([row["LINE"] for row in rows]),
            "CURRENCYCODE": always("USD", lines),
            "PRODUCTNUMBER": number("NW", lines["ProductID"], 4),
            "PRODUCTNAME": found(lines["ProductID"], products, "ProductID", "ProductName"),
            "SALESUNITSYMBOL": always("pcs", lines),
            "ORDEREDSALESQUANTITY": decimals(lines["Quantity"], 28, 10),
            "SALESPRICE": decimals(lines["UnitPrice"], 28, 10),
            "LINEDISCOUNTPERCENTAGE": pa.array([each * 100 for each in off], _EXACT),
            "LINEAMOUNT": pa.array(
                [each * (1 - less) for each, less in zip(gross, off, strict=True)], _EXACT
            ),
        }
    )


def ids(table: str, names: Column) -> pa.Array:
    """The ids that rows of these names have: the same ones in every run."""
    return pa.array(
        [None if name is None else str(uuid.uuid5(_ID_SPACE, f"{table} {name}"))
         for name in names.to_pylist()],
        pa.string(),
    )  # fmt: skip


def _with_id(table: str, rows: pa.Table, key: str) -> pa.Table:
    return rows.append_column(f"{table}id", ids(table, rows[key]))


def _company(rows: pa.Table) -> Column:
    return ids("cdm_company", always(COMPANY, rows))


def _currencies() -> pa.Table:
    rows = pa.table(
        {
            "isocurrencycode": ["USD", "CHF"],
            "currencyname": ["US Dollar", "Swiss Franc"],
            "currencysymbol": ["$", "Fr."],
            "exchangerate": pa.array(["1", "1.4505"]).cast(pa.decimal128(28, 12)),
        }
    )
    return _with_id("transactioncurrency", rows, "isocurrencycode")


def _one(table: str, column: str, name: str) -> pa.Table:
    """A table with a single row of the company."""
    rows = pa.table({column: [name], "msdyn_description": [name.capitalize()]})
    return _with_id(table, rows.append_column("msdyn_company", _company(rows)), column)


def _organisation(rows: pa.Table, firm: Column) -> pa.Table:
    parties = pa.table(
        {
            "msdyn_partynumber": firm,
            "msdyn_partytype": always(PARTY_ORGANIZATION, rows, pa.int64()),
            "msdyn_namealias": firm,
            "msdyn_organizationname": rows["CompanyName"],
        }
    )
    return _with_id("msdyn_party", parties, "msdyn_partynumber")


def _person(rows: pa.Table, firm: Column) -> pa.Table:
    names = pc.split_pattern(rows["ContactName"], " ", max_splits=1)
    parties = pa.table(
        {
            "msdyn_partynumber": _contact_party(firm),
            "msdyn_partytype": always(PARTY_PERSON, rows, pa.int64()),
            "msdyn_firstname": pc.list_element(names, 0),
            "msdyn_lastname": pc.list_element(names, 1),
        }
    )
    return _with_id("msdyn_party", parties, "msdyn_partynumber")


def _contact_party(firm: Column) -> Column:
    return join([firm, "-P"])


def _location(rows: pa.Table, firm: Column) -> pa.Table:
    places = pa.table({"msdyn_location": firm, "msdyn_description": rows["City"]})
    return _with_id("msdyn_postaladdresscollection", places, "msdyn_location")


def _customer_groups(customers: pa.Table) -> pa.Table:
    names = pc.unique(customers["Country"])
    groups = pa.table({"msdyn_groupid": names, "msdyn_description": names})
    groups = groups.append_column("msdyn_company", _company(groups))
    return _with_id("msdyn_customergroup", groups, "msdyn_groupid")


def _codes(folder: Path) -> dict[str, str | None]:
    countries = read(folder, "iso-units-currencies/countries")
    names, codes = (countries[column].to_pylist() for column in ("name_en", "alpha_2"))
    return dict(zip(names, codes, strict=True)) | _COUNTRIES


def _address(
    rows: pa.Table, firm: Column, region: Column, *, countries: Mapping[str, str | None]
) -> pa.Table:
    fits = pc.fill_null(pc.less_equal(pc.utf8_length(region), _STATE_LENGTH), fill_value=True)
    return pa.table(
        {
            "msdyn_postaladdresscollectionid": ids("msdyn_postaladdresscollection", firm),
            "msdyn_validfrom": always(OPENED, rows, _MOMENT),
            "msdyn_validto": always(FOREVER, rows, _MOMENT),
            "msdyn_name": rows["City"],
            "msdyn_street": rows["Address"],
            "msdyn_city": rows["City"],
            "msdyn_state": pc.if_else(fits, region, ""),
            "msdyn_district": pc.if_else(fits, pa.scalar(None, pa.string()), region),
            "msdyn_countryregionid": named(rows["Country"], countries),
            "msdyn_zipcode": rows["PostalCode"],
        }
    )


def _place(rows: pa.Table, firm: Column) -> pa.Table:
    return pa.table(
        {
            "msdyn_partyid": ids("msdyn_party", firm),
            "msdyn_postaladdresscollectionid": ids("msdyn_postaladdresscollection", firm),
            "msdyn_isprimary": always(True, rows),
            "msdyn_postaladdresspurposenames": always("Business", rows),
        }
    )


def _electronic(rows: pa.Table, firm: Column, column: str, kind: int) -> pa.Table:
    given = pc.not_equal(rows[column], "")
    rows, firm = rows.filter(given), firm.filter(given)
    return pa.table(
        {
            "msdyn_electronicaddressnumber": join([firm, column], "-"),
            "msdyn_description": always(column, rows),
            "msdyn_partyid": ids("msdyn_party", firm),
            "msdyn_locator": rows[column],
            "msdyn_type": always(kind, rows, pa.int64()),
        }
    )


def _contact(rows: pa.Table, firm: Column) -> pa.Table:
    return pa.table(
        {
            "msdyn_company": _company(rows),
            "msdyn_contactforpartynumber": firm,
            "msdyn_contactpartyid": ids("msdyn_party", _contact_party(firm)),
            "msdyn_associatedpartyid": ids("msdyn_party", firm),
            "msdyn_jobtitle": ids("msdyn_salescontactpersontitle", rows["ContactTitle"]),
        }
    )


def _accounts(rows: pa.Table, firm: Column) -> pa.Table:
    return pa.table(
        {
            "msdyn_company": _company(rows),
            "accountnumber": rows["CustomerID"],
            "customertypecode": always(TYPE_CUSTOMER, rows, pa.int64()),
            "transactioncurrencyid": ids("transactioncurrency", always("USD", rows)),
            "description": join([rows["ContactTitle"], rows["ContactName"]], " "),
            "msdyn_customergroupid": ids("msdyn_customergroup", rows["Country"]),
            "msdyn_onholdstatus": always(HOLD_NO, rows, pa.int64()),
            "msdyn_partyid": ids("msdyn_party", firm),
            "msdyn_paymentterm": ids("msdyn_paymentterm", always("Net 30", rows)),
        }
    )


def _vendors(rows: pa.Table, firm: Column) -> pa.Table:
    return pa.table(
        {
            "msdyn_company": _company(rows),
            "msdyn_vendoraccountnumber": rows["SupplierID"],
            "msdyn_vendorgroupid": ids("msdyn_vendorgroup", always("FOOD", rows)),
            "msdyn_isperson": always(False, rows),
            "msdyn_currencycode": ids("transactioncurrency", always("USD", rows)),
            "msdyn_primarycontacturl": blank_as_null(rows["HomePage"]),
            "msdyn_onholdstatus": always(HOLD_NO, rows, pa.int64()),
            "msdyn_partyid": ids("msdyn_party", firm),
        }
    )
