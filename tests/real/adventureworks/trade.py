"""Customers and vendors, with their groups.

A customer with a store is an organisation, one without is a person.  635 stores have two
customer rows: the second names the person who buys for the store, and is invoiced to the
first.  A store may owe as much as it earns in a year.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.real.adventureworks.finance import COMPANIES, company_of, tax_group_code
from tests.real.adventureworks.parties import (
    contact_number,
    country_of,
    party_number,
    state_code,
    state_of,
)
from tests.real.data import Column, always, blank_as_null, decimals, found, named, read

_CUSTOMER_GROUPS = {
    "BM": "Bike stores, all brands",
    "BS": "Bike stores, one brand",
    "OS": "Online stores",
    "PERSON": "Persons",
}
_VENDOR_GROUPS = {"1": "PREFERRED", "0": "OTHER"}
_CURRENCIES = {"US": "USD", "CA": "CAD", "FR": "EUR", "DE": "EUR", "GB": "GBP", "AU": "AUD"}


def trade(folder: Path) -> dict[str, pa.Table]:
    """The finops tables of this room."""
    return {
        "CustCustomerGroupEntity": pa.concat_tables(map(_customer_groups, COMPANIES)),
        "CustCustomerV3Entity": _customers(folder),
        "VendVendorGroupEntity": pa.table(
            {
                "DATAAREAID": ["USMF", "USMF"],
                "VENDORGROUPID": list(_VENDOR_GROUPS.values()),
                "DEFAULTPAYMENTTERMNAME": ["N030", "N010"],
                "DESCRIPTION": ["Preferred vendors", "Other vendors"],
            }
        ),
        "VendVendorV2Entity": _vendors(folder),
    }


def _customer_groups(company: str) -> pa.Table:
    groups = pa.table({"CUSTOMERGROUPID": list(_CUSTOMER_GROUPS)})
    return pa.table(
        {
            "DATAAREAID": always(company, groups),
            "CUSTOMERGROUPID": groups["CUSTOMERGROUPID"],
            "DESCRIPTION": list(_CUSTOMER_GROUPS.values()),
            "ISSALESTAXINCLUDEDINPRICE": ["No", "No", "No", "Yes"],
            "PAYMENTTERMID": ["N030", "N030", "N030", "COD"],
        }
    )


def _customers(folder: Path) -> pa.Table:
    rows = read(folder, "adventureworks/Sales.Customer")
    stores = read(folder, "adventureworks/Sales.Store")
    territories = read(folder, "adventureworks/Sales.SalesTerritory")
    store, person = blank_as_null(rows["StoreID"]), blank_as_null(rows["PersonID"])
    is_store, buys_for_store = pc.is_valid(store), pc.and_(pc.is_valid(store), pc.is_valid(person))
    entity = pc.coalesce(store, person)
    state = state_of(entity, folder)
    region = found(rows["TerritoryID"], territories, "TerritoryID", "CountryRegionCode")
    nothing = pa.scalar(None, pa.string())
    return pa.table(
        {
            "DATAAREAID": company_of(rows["TerritoryID"], folder),
            "CUSTOMERACCOUNT": rows["AccountNumber"],
            "CREDITLIMIT": decimals(
                pc.fill_null(found(store, stores, "BusinessEntityID", "AnnualRevenue"), ""), 28, 10
            ),
            "SALESCURRENCYCODE": named(region, _CURRENCIES),
            "SALESMEMO": found(store, stores, "BusinessEntityID", "Specialty"),
            "CREDITLIMITISMANDATORY": pc.if_else(is_store, "Yes", nothing),
            "CUSTOMERGROUPID": pc.fill_null(
                found(store, stores, "BusinessEntityID", "BusinessType"), "PERSON"
            ),
            "INVOICEACCOUNT": pc.if_else(buys_for_store, _first_account(store, rows), nothing),
            "ISONETIMECUSTOMER": pc.if_else(is_store, "No", nothing),
            "ONHOLDSTATUS": pc.if_else(is_store, "No", nothing),
            "PARTYCOUNTRY": country_of(state, folder),
            "PARTYSTATE": state_code(state, folder),
            "PAYMENTTERMS": pc.if_else(is_store, "N030", "COD"),
            "PARTYTYPE": pc.if_else(is_store, "Organization", "Person"),
            "PARTYNUMBER": party_number(entity),
            "CONTACTPERSONID": pc.if_else(buys_for_store, contact_number(person), nothing),
            "SALESTAXGROUP": _tax_group(state, is_store, folder),
        }
    )


def _first_account(stores: Column, customers: pa.Table) -> Column:
    """The account of the store's row without a person."""
    plain = customers.filter(pc.equal(customers["PersonID"], ""))
    return found(stores, plain, "StoreID", "AccountNumber")


def _tax_group(states: Column, is_store: Column, folder: Path) -> Column:
    """The state's rate for such a customer, or its rate for all, or none."""
    own = tax_group_code(states, pc.if_else(is_store, "2", "1"), folder)
    return pc.coalesce(own, tax_group_code(states, always("3", pa.table({"": states})), folder))


def _vendors(folder: Path) -> pa.Table:
    rows = read(folder, "adventureworks/Purchasing.Vendor")
    return pa.table(
        {
            "DATAAREAID": always("USMF", rows),
            "VENDORACCOUNTNUMBER": rows["AccountNumber"],
            "VENDORGROUPID": named(rows["PreferredVendorStatus"], _VENDOR_GROUPS),
            "VENDORPARTYTYPE": always("Organization", rows),
            "CREDITRATING": rows["CreditRating"],
            "PRIMARYURL": blank_as_null(rows["PurchasingWebServiceURL"]),
            "DEFAULTPAYMENTTERMSNAME": always("N030", rows),
            "VENDORPARTYNUMBER": party_number(rows["BusinessEntityID"]),
            "ONHOLDSTATUS": pc.if_else(pc.equal(rows["ActiveFlag"], "1"), "No", "All"),
            "CURRENCYCODE": always("USD", rows),
        }
    )
