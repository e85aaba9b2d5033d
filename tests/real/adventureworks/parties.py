"""Parties with their places, telephones and mail: 20,777 of them.

Stores and vendors are organisations with a name.  All others are persons, whose names
AdventureWorks' scripts do not have: the first name is read off the mail address
(`françois0@...`), the last name stays unknown.
"""

from __future__ import annotations

import calendar
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.real.adventureworks.finance import FOREVER, company_of
from tests.real.data import (
    Column,
    always,
    found,
    join,
    moments,
    named,
    number,
    read,
    whole,
)

ALIAS_LENGTH = 20
TITLE_LENGTH = 30

_FOREVER = dt.datetime.combine(FOREVER, dt.time(23, 59, 59), tzinfo=dt.UTC)
_LANGUAGES = {"US": "en-us", "CA": "en-ca", "GB": "en-gb", "AU": "en-au", "DE": "de", "FR": "fr"}
_CALLING_CODES = {"US": "1", "CA": "1", "GB": "44", "AU": "61", "DE": "49", "FR": "33"}
_GENDERS = {"M": "Male", "F": "Female"}
_MARITAL = {"S": "Single", "M": "Married"}
_MONTHS = {f"{at:02}": name for at, name in enumerate(calendar.month_name) if name}


def parties(folder: Path) -> dict[str, pa.Table]:
    """The finops tables of this room."""
    return {
        "DirPartyCDSEntity": _parties(folder),
        "DirPartyPostalAddressLocationCDSEntity": _locations(folder),
        "LogisticsPostalAddressHistoryV2CDSEntity": _addresses(folder),
        "DirPartyLocationPostalAddressCDSEntity": _places_of_parties(folder),
        "DirPartyContactV3Entity": pa.concat_tables([_mails(folder), _telephones(folder)]),
        "SalesContactPersonTitleEntity": _titles(folder),
        "smmContactPersonV2Entity": _contacts(folder),
    }


def party_number(entities: Column) -> Column:
    """A business entity's party."""
    return number("P", entities)


def contact_number(persons: Column) -> Column:
    """A person as the contact of an organisation."""
    return number("C", persons)


def state_of(entities: Column, folder: Path) -> Column:
    """The id of the state where a business entity has its first address, or null."""
    places = read(folder, "adventureworks/Person.BusinessEntityAddress")
    address = found(entities, places, "BusinessEntityID", "AddressID")
    addresses = read(folder, "adventureworks/Person.Address")
    return found(address, addresses, "AddressID", "StateProvinceID")


def state_code(states: Column, folder: Path) -> Column:
    """`WA`, without the padding that the column has."""
    provinces = read(folder, "adventureworks/Person.StateProvince")
    return pc.utf8_trim_whitespace(found(states, provinces, "StateProvinceID", "StateProvinceCode"))


def country_of(states: Column, folder: Path) -> Column:
    """`US`."""
    provinces = read(folder, "adventureworks/Person.StateProvince")
    return found(states, provinces, "StateProvinceID", "CountryRegionCode")


def _parties(folder: Path) -> pa.Table:
    entities = read(folder, "adventureworks/Person.BusinessEntity")["BusinessEntityID"]
    stores = read(folder, "adventureworks/Sales.Store")
    vendors = read(folder, "adventureworks/Purchasing.Vendor")
    staff = read(folder, "adventureworks/HumanResources.Employee")
    mails = read(folder, "adventureworks/Person.EmailAddress")
    name = pc.coalesce(
        found(entities, stores, "BusinessEntityID", "Name"),
        found(entities, vendors, "BusinessEntityID", "Name"),
    )
    mail = found(entities, mails, "BusinessEntityID", "EmailAddress")
    born = found(entities, staff, "BusinessEntityID", "BirthDate")
    month = pc.utf8_slice_codeunits(born, 5, 7)
    return pa.table(
        {
            "PARTYNUMBER": party_number(entities),
            "PARTYTYPE": pc.if_else(pc.is_valid(name), "Organization", "Person"),
            "NAMEALIAS": pc.utf8_slice_codeunits(name, 0, ALIAS_LENGTH),
            "LANGUAGEID": named(country_of(state_of(entities, folder), folder), _LANGUAGES),
            "ORGANIZATIONNAME": name,
            "ORGANIZATIONNUMOFEMPLOYEES": whole(
                found(entities, stores, "BusinessEntityID", "NumberEmployees")
            ),
            "PERSONFIRSTNAME": pc.utf8_capitalize(
                pc.replace_substring_regex(mail, r"[0-9]*@.*", "")
            ),
            "PERSONGENDER": named(found(entities, staff, "BusinessEntityID", "Gender"), _GENDERS),
            "PERSONMARITALSTATUS": named(
                found(entities, staff, "BusinessEntityID", "MaritalStatus"), _MARITAL
            ),
            "PERSONBIRTHDAY": whole(pc.utf8_slice_codeunits(born, 8, 10)),
            "PERSONBIRTHMONTH": named(month, _MONTHS),
            "PERSONBIRTHYEAR": whole(pc.utf8_slice_codeunits(born, 0, 4)),
        }
    )


def _locations(folder: Path) -> pa.Table:
    addresses = read(folder, "adventureworks/Person.Address")
    return pa.table(
        {
            "LOCATIONID": number("L", addresses["AddressID"]),
            "DESCRIPTION": addresses["AddressLine1"],
        }
    )


def _addresses(folder: Path) -> pa.Table:
    addresses = read(folder, "adventureworks/Person.Address")
    second = pc.if_else(
        pc.equal(addresses["AddressLine2"], ""), "", join(["\n", addresses["AddressLine2"]])
    )
    return pa.table(
        {
            "LOCATIONID": number("L", addresses["AddressID"]),
            "VALIDFROM": moments(addresses["ModifiedDate"]),
            "VALIDTO": always(_FOREVER, addresses, pa.timestamp("us", "UTC")),
            "DESCRIPTION": addresses["AddressLine1"],
            "STREET": join([addresses["AddressLine1"], second]),
            "CITY": addresses["City"],
            "STATE": state_code(addresses["StateProvinceID"], folder),
            "COUNTRYREGIONID": country_of(addresses["StateProvinceID"], folder),
            "ZIPCODE": addresses["PostalCode"],
        }
    )


def _places_of_parties(folder: Path) -> pa.Table:
    places = read(folder, "adventureworks/Person.BusinessEntityAddress")
    types = read(folder, "adventureworks/Person.AddressType")
    first = found(places["BusinessEntityID"], places, "BusinessEntityID", "AddressID")
    return pa.table(
        {
            "PARTYNUMBER": party_number(places["BusinessEntityID"]),
            "LOCATIONID": number("L", places["AddressID"]),
            "ISPRIMARY": pc.if_else(pc.equal(first, places["AddressID"]), "Yes", "No"),
            "PURPOSE": found(places["AddressTypeID"], types, "AddressTypeID", "Name"),
            "ISLOCATIONOWNER": always("Yes", places),
        }
    )


def _mails(folder: Path) -> pa.Table:
    mails = read(folder, "adventureworks/Person.EmailAddress")
    return _electronic(
        mails, number("M", mails["EmailAddressID"]), mails["EmailAddress"], "Email", "No"
    )


def _telephones(folder: Path) -> pa.Table:
    phones = read(folder, "adventureworks/Person.PersonPhone")
    types = read(folder, "adventureworks/Person.PhoneNumberType")
    kind = found(phones["PhoneNumberTypeID"], types, "PhoneNumberTypeID", "Name")
    table = _electronic(
        phones,
        number("T", phones["BusinessEntityID"]),
        phones["PhoneNumber"],
        "Phone",
        pc.if_else(pc.equal(kind, "Cell"), "Yes", "No"),
    )
    country = country_of(state_of(phones["BusinessEntityID"], folder), folder)
    table = table.set_column(1, "COUNTRYREGIONCODE", named(country, _CALLING_CODES))
    return table.set_column(2, "DESCRIPTION", kind)


def _electronic(
    rows: pa.Table, ids: Column, locator: Column, kind: str, mobile: Column
) -> pa.Table:
    return pa.table(
        {
            "ELECTRONICADDRESSID": ids,
            "COUNTRYREGIONCODE": always(None, rows, pa.string()),
            "DESCRIPTION": always(kind, rows),
            "PARTYNUMBER": party_number(rows["BusinessEntityID"]),
            "LOCATOR": locator,
            "ISMOBILEPHONE": always(mobile, rows) if isinstance(mobile, str) else mobile,
            "ISPRIMARY": always("Yes", rows),
            "ISPRIVATE": always("No", rows),
            "TYPE": always(kind, rows),
        }
    )


def _titles(folder: Path) -> pa.Table:
    """Two of the twenty are longer than the ERP's alias, which is cut; the title is whole."""
    titles = read(folder, "adventureworks/Person.ContactType")["Name"]
    return pa.table({"JOBTITLEALIAS": _alias(titles), "JOBTITLE": titles})


def _alias(titles: Column) -> Column:
    return pc.utf8_slice_codeunits(titles, 0, TITLE_LENGTH)


def _contacts(folder: Path) -> pa.Table:
    """Who acts for a store or a vendor, in the company that deals with it."""
    contacts = read(folder, "adventureworks/Person.BusinessEntityContact")
    customers = read(folder, "adventureworks/Sales.Customer")
    titles = read(folder, "adventureworks/Person.ContactType")
    territory = found(contacts["BusinessEntityID"], customers, "StoreID", "TerritoryID")
    return pa.table(
        {
            "DATAAREAID": pc.coalesce(company_of(territory, folder), "USMF"),
            "CONTACTPERSONID": contact_number(contacts["PersonID"]),
            "CONTACTPERSONPARTYNUMBER": party_number(contacts["PersonID"]),
            "ASSOCIATEDPARTYNUMBER": party_number(contacts["BusinessEntityID"]),
            "EMPLOYMENTJOBTITLE": _alias(
                found(contacts["ContactTypeID"], titles, "ContactTypeID", "Name")
            ),
        }
    )
