"""Parties, where they live, how they are reached, and the contacts among them.

These are the rows of the ERP.  A party's number is its owner's number and a last digit for the
kind of owner (customer, vendor, contact); a location's is its party's and one digit more.  So
every row, and every row that points at it, follows from its number alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from dualwrite.sandbox.population import Population, RowGroup, company_numbers, shared_by_company
from dualwrite.sandbox.reference import COMPANIES, reference
from dualwrite.sandbox.words import (
    CALLING_CODES,
    CITIES,
    COMPANY_FORMS,
    COMPANY_STEMS,
    COMPANY_TRADES,
    FIRST_NAMES,
    HOBBIES,
    LANGUAGES,
    LAST_NAMES,
    MEMOS,
    STREETS,
)

CUSTOMER, VENDOR, CONTACT, ALONE = 1, 2, 3, 4
"""The last digit of a party's number: whose party it is."""

_MONTHS = (
    "None", "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
)  # fmt: skip
_UTC = pa.timestamp("us", tz="UTC")


def party_numbers(owners: Numbers, role: int) -> Numbers:
    """The numbers of the parties of these customers, vendors or contacts."""
    return owners * 10 + role


def party_code(parties: Numbers) -> pa.Array:
    """PARTYNUMBER."""
    return code("P", parties, 10)


def are_persons(owners: Numbers, role: int) -> Mask:
    """Which of the parties are persons."""
    if role == CUSTOMER:
        persons: Mask = np.isin(owners % 10, (1, 4))
    else:
        persons = (owners % 10 == 7) | (role == CONTACT)
    return persons


def parties(owners: Numbers, role: int) -> pa.Table:
    """DirPartyCDSEntity."""
    n = party_numbers(owners, role)
    person = are_persons(owners, role)
    first, last = pick(FIRST_NAMES, n, 1), pick(LAST_NAMES, n, 2)
    company = joined(
        pick(COMPANY_STEMS, n, 3),
        pick(COMPANY_TRADES, n, 4),
        code("", n, 1),
        pick(COMPANY_FORMS, n, 5),
    )
    middle = person & (n % 3 == 0)
    kana = person & (n % 11 == 0)
    return pa.table(
        {
            "PARTYNUMBER": party_code(n),
            "PARTYTYPE": where(person, constant("Person", n), constant("Organization", n)),
            "NAMEALIAS": code("N", n, 8),
            "KNOWNAS": where(n % 4 == 0, where(person, first, pick(COMPANY_STEMS, n, 3))),
            "LANGUAGEID": pick(LANGUAGES, n, 6),
            "ORGANIZATIONNAME": where(~person, company),
            "ORGANIZATIONABCCODE": where(~person, pick(["A", "B", "C", "None"], n, 7)),
            "ORGANIZATIONNUMOFEMPLOYEES": where(~person, pa.array(below(5000, n, 8))),
            "ORGANIZATIONNUMBER": where(~person & (n % 3 == 0), code("HRB ", n, 6)),
            "ORGANIZATIONPHONETICNAME": where(
                ~person & (n % 40 == 3), constant("ノースウィンド", n)
            ),
            "PERSONFIRSTNAME": where(person, first),
            "PERSONMIDDLENAME": where(middle, pick(FIRST_NAMES, n, 9)),
            "PERSONLASTNAME": where(person, last),
            "PERSONLASTNAMEPREFIX": where(person & (n % 17 == 0), constant("von", n)),
            "PERSONINITIALS": where(person, pc.utf8_slice_codeunits(first, 0, 1)),
            "PERSONPROFESSIONALTITLE": where(person & (n % 5 == 0), constant("Dr.", n)),
            "PERSONPROFESSIONALSUFFIX": where(person & (n % 19 == 0), constant("M.Sc.", n)),
            "PERSONPHONETICFIRSTNAME": where(kana, constant("タロウ", n)),
            "PERSONPHONETICLASTNAME": where(kana, constant("ヤマダ", n)),
            "PERSONPHONETICMIDDLENAME": where(kana & middle, constant("ジ", n)),
            "PERSONGENDER": where(
                person, pick(["Male", "Female", "Unknown", "Non-Specific"], n, 10)
            ),
            "PERSONMARITALSTATUS": where(person, pick(["None", "Single", "Married"], n, 11)),
            "PERSONHOBBIES": where(person & (n % 2 == 0), pick(HOBBIES, n, 12)),
            "PERSONCHILDRENNAMES": where(person & (n % 9 == 0), joined(first, last, by=", ")),
            "PERSONANNIVERSARYDAY": where(person & (n % 6 == 0), pa.array(1 + below(28, n, 13))),
            "PERSONANNIVERSARYYEAR": where(
                person & (n % 6 == 0), pa.array(1980 + below(40, n, 14))
            ),
            "PERSONBIRTHDAY": where(person, pa.array(1 + below(28, n, 15))),
            "PERSONBIRTHYEAR": where(person, pa.array(1940 + below(65, n, 16))),
            "PERSONANNIVERSARYMONTH": where(person & (n % 6 == 0), pick(_MONTHS[1:], n, 17)),
            "PERSONBIRTHMONTH": where(person, pick(_MONTHS, n, 18)),
            "MODIFIEDDATETIME": moments(n, 19),
        }
    )


def location_numbers(owners: Numbers, role: int) -> Numbers:
    """The locations of the parties: one each, a second one for every fifth."""
    n = party_numbers(owners, role)
    return np.sort(np.concatenate((n * 10 + 1, n[owners % 5 == 0] * 10 + 2)))


def location_code(locations: Numbers) -> pa.Array:
    """LOCATIONID."""
    return code("L", locations, 11)


def locations(numbers: Numbers) -> pa.Table:
    """DirPartyPostalAddressLocationCDSEntity."""
    second = numbers % 10 == 2
    return pa.table(
        {
            "LOCATIONID": location_code(numbers),
            "DESCRIPTION": where(
                second, constant("Delivery", numbers), constant("Business", numbers)
            ),
            "MODIFIEDDATETIME": moments(numbers, 21),
        }
    )


def party_locations(numbers: Numbers) -> pa.Table:
    """DirPartyLocationPostalAddressCDSEntity."""
    first = numbers % 10 == 1
    return pa.table(
        {
            "PARTYNUMBER": party_code(numbers // 10),
            "LOCATIONID": location_code(numbers),
            "PURPOSE": where(
                first, constant("Business;Invoice", numbers), constant("Delivery", numbers)
            ),
            "ISPRIMARY": yes_where(first),
            "ISLOCATIONOWNER": yes_where(first),
            "MODIFIEDDATETIME": moments(numbers, 22),
        }
    )


_PERIODS = [
    ("2015-01-01 00:00:00", "2023-06-30 23:59:59"),
    ("2023-07-01 00:00:00", "2154-12-31 23:59:59"),
    ("2023-07-01 00:00:00", "2027-06-30 23:59:59"),
    ("2027-07-01 00:00:00", "2154-12-31 23:59:59"),
]
_PAST, _NOW, _NOW_UNTIL, _TO_COME = range(4)


def address_numbers(numbers: Numbers) -> Numbers:
    """The addresses of locations: now; every fourth had one before, every sixteenth will move."""
    owners = numbers // 100
    moves = owners % 16 == 0
    return np.sort(
        np.concatenate(
            (
                numbers[owners % 4 == 0] * 10 + _PAST,
                numbers[~moves] * 10 + _NOW,
                numbers[moves] * 10 + _NOW_UNTIL,
                numbers[moves] * 10 + _TO_COME,
            )
        )
    )


def addresses(numbers: Numbers) -> pa.Table:
    """LogisticsPostalAddressHistoryV2CDSEntity: one row a period."""
    period = pa.array(numbers % 10)
    place = below(len(CITIES), numbers, 31)

    def bound(which: int) -> pa.Array:
        texts = [each[which] for each in _PERIODS]
        return pa.array(texts).cast(pa.timestamp("us")).cast(_UTC).take(period)

    def of_city(which: int) -> pa.Array:
        return pa.array([city[which] for city in CITIES]).take(pa.array(place))

    number = code("", 1 + below(200, numbers, 32), 1)
    return pa.table(
        {
            "LOCATIONID": location_code(numbers // 10),
            "VALIDFROM": bound(0),
            "VALIDTO": bound(1),
            "DESCRIPTION": where(numbers % 3 == 0, constant("Front door", numbers)),
            "STREET": joined(pick(STREETS, numbers, 33), number),
            "STREETNUMBER": number,
            "CITY": of_city(0),
            "STATE": of_city(2),
            "COUNTRYREGIONID": of_city(1),
            "ZIPCODE": joined(of_city(3), code("", below(99, numbers, 34), 2), by=""),
            "COUNTY": where(numbers % 7 == 0, constant("North", numbers)),
            "DISTRICTNAME": where(numbers % 8 == 0, constant("Altstadt", numbers)),
            "BUILDINGCOMPLIMENT": where(numbers % 6 == 0, constant("c/o O'Brien", numbers)),
            "POSTBOX": where(numbers % 13 == 0, code("PO ", numbers % 1000, 3)),
            "MODIFIEDDATETIME": moments(numbers, 35),
        }
    )


def electronic_numbers(owners: Numbers, role: int) -> Numbers:
    """The electronic addresses of the parties: mail for all, a telephone for every second."""
    n = party_numbers(owners, role)
    return np.sort(np.concatenate((n * 10 + 1, n[owners % 2 == 0] * 10 + 2)))


def electronic_addresses(numbers: Numbers) -> pa.Table:
    """DirPartyContactV3Entity."""
    phone = numbers % 10 == 2
    mail = joined(
        code("m", numbers // 10, 1),
        "@",
        pick(["example.com", "bücher.example"], numbers, 41),
        by="",
    )
    call = joined(
        "+", pick(CALLING_CODES, numbers, 42), " ", code("", below(10**8, numbers, 43), 8), by=""
    )
    return pa.table(
        {
            "ELECTRONICADDRESSID": code("E", numbers, 11),
            "PARTYNUMBER": party_code(numbers // 10),
            "TYPE": where(phone, constant("Phone", numbers), constant("Email", numbers)),
            "LOCATOR": where(phone, call, mail),
            "LOCATOREXTENSION": where(phone & (numbers % 3 == 0), code("", numbers % 97, 2)),
            "COUNTRYREGIONCODE": where(phone, pick(CALLING_CODES, numbers, 42)),
            "DESCRIPTION": where(
                phone, constant("Switchboard", numbers), constant("Office", numbers)
            ),
            "PURPOSE": constant("Business", numbers),
            "ISPRIMARY": yes_where(~phone),
            "ISMOBILEPHONE": yes_where(phone & (numbers % 4 == 0)),
            "ISPRIVATE": yes_where(numbers % 21 == 0),
            "ISINSTANTMESSAGE": yes_where(numbers % 33 == 0),
            "MODIFIEDDATETIME": moments(numbers, 44),
        }
    )


def contacts(numbers: Numbers, population: Population) -> pa.Table:
    """smmContactPersonV2Entity: persons who act for customers."""
    n = numbers
    # customers whose number ends in 0 are organisations that both sides hold
    whose = below(max(1, population.customers.finops // 10), n, 51) * 10
    boss = np.where(n % 10 == 1, n - 1, n)  # the number before, which is in the same company

    def listed(table: str, column: str, salt: int) -> pa.Array:
        return where(n % 4 != 3, pick(reference(table, column), n, salt))

    return pa.table(
        {
            "DATAAREAID": company_codes(n),
            "CONTACTPERSONID": contact_code(n),
            "CONTACTPERSONPARTYNUMBER": party_code(party_numbers(n, CONTACT)),
            "ASSOCIATEDPARTYNUMBER": party_code(party_numbers(whose, CUSTOMER)),
            "EMPLOYMENTPROFESSION": where(n % 3 == 0, constant("Kauffrau für Büromanagement", n)),
            "EMPLOYMENTDEPARTMENT": pick(["Purchasing", "R&D", "経理部"], n, 52),
            "PRIMARYSALUTATIONPHRASE": listed("smmSalutationEntity", "SALUTATIONPHRASE", 53),
            "ASSISTANTNAME": where(n % 9 == 0, pick(FIRST_NAMES, n, 54)),
            "ASSISTANTPHONENUMBER": where(n % 9 == 0, code("+1 ", below(10**9, n, 55), 9)),
            "AVAILABLEFROMTIME": pa.array(8 * 3600 + 1800 * below(4, n, 56)),
            "AVAILABLETOTIME": pa.array(16 * 3600 + 1800 * below(4, n, 57)),
            "CONTACTACTIVITYSENSITIVITYLEVEL": pick(["Normal", "Personal", "Private"], n, 58),
            "DECISIONMAKINGROLECODE": listed("smmDecisionMakingRoleEntity", "ROLENAME", 59),
            "EMPLOYMENTCOMPUTERNETWORKNAME": where(n % 7 == 0, code("CONTOSO\\u", n, 5)),
            "EMPLOYMENTJOBFUNCTIONNAME": where(n % 5 == 0, constant("Buys", n)),
            "EMPLOYMENTJOBTITLE": listed("SalesContactPersonTitleEntity", "JOBTITLEALIAS", 60),
            "EMPLOYMENTOFFICELOCATION": where(n % 6 == 0, constant("3rd floor, left", n)),
            "GOVERNMENTIDENTIFICATIONNUMBER": where(n % 31 == 0, code("G", n, 9)),
            "HASREQUESTEDINTERNETACCESS": yes_where(n % 11 == 0),
            "IDENTITYCARDNUMBER": where(n % 37 == 0, code("ID-", n, 9)),
            "ISRECEIVINGDIRECTMAIL": yes_where(n % 2 == 0),
            "ISVIP": yes_where(n % 50 == 0),
            "LOYALTYLEVELPHRASE": listed("smmLoyaltyLevelEntity", "LEVELPHRASE", 61),
            "MANAGERCONTACTPERSONID": where(boss != n, contact_code(boss)),
            "MICROSOFTOUTLOOKCATEGORIES": where(n % 13 == 0, constant("Red;Blue", n)),
            "MILEAGEDISTANCE": exact(below(5000, n, 62), 1, pa.decimal128(28, 10)),
            "NOTES": where(n % 3 != 0, pick(MEMOS, n, 63)),
            "ORGANIZATIONIDENTIFICATIONNUMBER": where(n % 41 == 0, code("O", n, 9)),
            "PERSONALCHARACTERTYPECODE": listed("smmPersonalCharacterTypeEntity", "TYPENAME", 64),
            "PRIMARYCOMPLIMENTARYCLOSINGPHRASE": listed(
                "smmComplimentaryClosingEntity", "CLOSINGPHRASE", 65
            ),
            "CONTACTINFORMATIONLANGUAGEID": pick(LANGUAGES, n, 66),
            "SPOUSENAME": where(n % 8 == 0, pick(FIRST_NAMES, n, 67)),
            "MODIFIEDDATETIME": moments(n, 68),
        }
    )


def contact_code(numbers: Numbers) -> pa.Array:
    """CONTACTPERSONID."""
    return code("K", numbers, 8)


def company_codes(numbers: Numbers) -> pa.Array:
    """DATAAREAID."""
    return pa.array(COMPANIES).take(pa.array(company_numbers(numbers)))


def same_company(kind: RowGroup, numbers: Numbers, salt: int) -> Numbers:
    """For each row, one of `kind` in the same company that both sides hold."""
    places = company_numbers(numbers)
    found = np.zeros_like(numbers)
    for place in range(len(COMPANIES)):
        mine = places == place
        some = shared_by_company(kind, place)
        found[mine] = some[below(len(some), numbers[mine], salt)]
    return found


def by_company(values: Sequence[Sequence[str]], numbers: Numbers, salt: int) -> pa.Array:
    """For each row, one of its company's values."""
    places = company_numbers(numbers)
    longest = max(map(len, values))
    flat = [row[place % len(row)] for row in values for place in range(longest)]
    return pa.array(flat).take(pa.array(places * longest + below(longest, numbers, salt)))
