"""Each fault of a map against two apps, by its code, with its whole text."""

from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.errors import AppUnreachableError
from dualwrite.link import Side
from dualwrite.tablemap.checks import Environment, check
from dualwrite.tablemap.codes import CODES
from dualwrite.tablemap.schema import Column
from tests.tablemap.shop import a_map, findings_of, with_column, without_column

CUSTOMERS, ACCOUNT = (Side.FINOPS, "Customers"), (Side.DATAVERSE, "account")
GROUP = (Side.DATAVERSE, "group")
KEYED = (("COMPANY", "NUMBER"),)


def test_a_sound_map_is_found_sound(catalogue):
    assert findings_of(catalogue=catalogue, companies=("USMF",)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (", company: company.code}", "}"),
            (
                "1: DW1002 finops.Customers belongs to companies, "
                "dataverse.account does not\n"
                "  give `company:` under dataverse too, or take it away under finops"
            ),
        ),
        (
            ("NUMBER = number", "NUMBER > number"),
            (
                "7: DW1004 NUMBER > number: key column NUMBER does not go "
                "dataverse->finops, but other columns do\n"
                "  make it two-way (= or ><), or make every other column one-way"
            ),
        ),
        (
            ("COMPANY, NUMBER]", "COMPANY]"),
            (
                "1: DW1014 key column number of dataverse.account is mapped onto "
                "no key column of finops.Customers\n"
                "  map it: COLUMN = number, and name both in `key:`"
            ),
        ),
        (
            ("GROUP =", "GROUPS ="),
            (
                "10: DW1022 GROUPS: finops.Customers has no column 'GROUPS'\n"
                "  did you mean 'GROUP'? known: COMPANY, FLAG, GROUP, LIMIT, NAME, NUMBER"
            ),
        ),
        (
            ("LIMIT = limit", "LIMIT = limits"),
            (
                "9: DW1025 limits: dataverse.account has no column 'limits'\n"
                "  did you mean 'limit' or 'limit2'? known: accountid, company, groupid, limit, "
                "limit2, name, number"
            ),
        ),
        (
            ("LIMIT = limit", "LIMIT = limit\n  - LIMIT < name2"),
            (
                "10: DW1026 LIMIT < name2: finops column LIMIT is written by "
                "LIMIT = limit too (line 9)\n  take one of them out"
            ),
        ),
        (
            ("LIMIT = limit", "LIMIT = limit\n  - LIMIT = limit2"),
            (
                "10: DW1023 LIMIT = limit2: finops column LIMIT is written by "
                "LIMIT = limit too (line 9)\n  make all but one of them one-way (>)"
            ),
        ),
        (
            ("GROUP = groupid.groupcode", "GROUP = groupid.groupcode\n  - NAME > groupid"),
            (
                "11: DW1026 NAME > groupid: dataverse column groupid is written by "
                "GROUP = groupid.groupcode too (line 10)\n  take one of them out"
            ),
        ),
        (
            ("NAME = name", "NAME = name.first"),
            (
                "8: DW1120 name.first: dataverse.account column 'name' points at "
                "no table\n"
                "  name the table that it points at: `lookups: {name: table}` of dataverse"
            ),
        ),
        (
            ("columns:", "master: newest\ncolumns:"),
            (
                "1: DW1117 master is newest, but there is no `modified:` under finops "
                "and dataverse\n"
                "  give `modified: COLUMN` on both sides, or another master or policy"
            ),
        ),
        (
            ("company: COMPANY}", "company: COMPANY, filter: FLAG eq 'x'}"),
            (
                "1: DW1118 warning: finops: filter: FLAG is not on the map, so a "
                "change of it alone goes unnoticed\n  map it: FLAG = column"
            ),
        ),
        (
            ("company: COMPANY}", "company: COMPANY, filter: LIMIT eq 'much'}"),
            (
                "1: DW1119 finops: filter: LIMIT holds decimals and is compared "
                "with the text 'much'\n  compare it with a value of its type"
            ),
        ),
        (
            ("columns:", "money: {LIMITS: {precision: reject}}\ncolumns:"),
            (
                "5: DW1123 money: LIMITS is not on the map\n"
                "  did you mean 'LIMIT'? known: COMPANY, GROUP, LIMIT, NAME, NUMBER, "
                "company.code, groupid.groupcode, limit, name, number"
            ),
        ),
        (
            ("columns:", "money: {LIMIT: {currency: EURO}}\ncolumns:"),
            (
                "5: DW1123 money: LIMIT: currency: EURO is not on the map\n"
                "  did you mean 'EUR'? known: COMPANY, EUR, GROUP, LIMIT, NAME, NUMBER, "
                "company.code, groupid.groupcode, limit, name, number"
            ),
        ),
        (
            ("NUMBER = number", "NUMBER >< number: {upper: true}"),
            (
                "7: DW1110 warning: NUMBER >< number: `upper` on a key column may "
                "make two keys one\n  carry the key as it is, or through a value map"
            ),
        ),
        (
            ("GROUP = groupid.groupcode", "GROUP > groupid.groupcode\n  - GROUP < name2"),
            None,
        ),
    ],
)
def test_a_fault_of_the_map(change, message, catalogue):
    extra = {ACCOUNT: with_column("limit2", type=pa.decimal128(18, 2), native="NUMERIC(18, 2)")}
    extra[CUSTOMERS] = with_column("FLAG")
    if "name2" in change[1]:
        wanted = pa.decimal128(18, 2) if "LIMIT <" in change[1] else pa.string()
        extra[ACCOUNT] = with_column("name2", type=wanted)

    found = findings_of(change, spoilt=extra, catalogue=catalogue)

    assert found == ([] if message is None else [message])


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (
            {ACCOUNT: with_column("size", nullable=False)},
            (
                "1: DW1010 dataverse.account column size must have a value and "
                "gets none\n  map it, or give it a constant: none >> size: {default: ...}"
            ),
        ),
        (
            {CUSTOMERS: with_column("SIZE", nullable=False)},
            (
                "1: DW1010 finops.Customers column SIZE must have a value and "
                "gets none\n  map it, or give it a constant: SIZE << none: {default: ...}"
            ),
        ),
        ({ACCOUNT: with_column("size", nullable=False, has_default=True)}, None),
        (
            {ACCOUNT: with_column("name", read_only=True)},
            (
                "8: DW1011 NAME = name: dataverse.account column name is "
                "read-only\n  turn the column's sign round, or map the column that the app fills "
                "it from"
            ),
        ),
        (
            {CUSTOMERS: with_column("NAME", nullable=True)},
            (
                "8: DW1031 warning: NAME = name: dataverse.account column name "
                "must have a value, but finops.Customers column NAME may be null\n"
                "  add {default: ...}; without it the rows with no value are rejected"
            ),
        ),
        (
            {CUSTOMERS: None},
            "1: DW1018 finops has no table 'Customers'\n  did you mean 'other'?",
        ),
        (
            {ACCOUNT: None},
            ("1: DW1020 dataverse has no table 'account'\n  did you mean 'other'?"),
        ),
        (
            {GROUP: without_column("groupcode")},
            (
                "10: DW1025 groupid.groupcode: dataverse.group has no column "
                "'groupcode'\n  did you mean 'groupid'? known: company, groupid"
            ),
        ),
    ],
)
def test_a_fault_of_the_apps(spoilt, message):
    found = findings_of(spoilt=spoilt)

    assert found == ([] if message is None else [message])


def test_a_table_with_nothing_to_tell_its_rows_apart_by():
    def keyless(schema):
        return type(schema)(schema.name, schema.columns)

    assert findings_of(spoilt={CUSTOMERS: keyless}) == [
        (
            "1: DW1019 finops.Customers has no primary key and no unique index\n"
            "  add a primary key, or a unique index over the map's key columns"
        )
    ]


@pytest.mark.parametrize(
    ("kind", "native", "reason"),
    [
        (pa.binary(), "BYTEA", "is binary, and has no spelling as text"),
        (pa.float64(), "float", "is float, whose values are not found again by their digits"),
        (pa.float64(), "REAL", "is REAL, whose values are not found again by their digits"),
        (pa.int64(), "bit(8)", "is bit(8), which is not found again by its number"),
    ],
)
def test_a_key_of_a_type_without_an_exact_spelling(kind, native, reason):
    def typed(schema):
        number = replace(schema.columns["NUMBER"], type=kind, native=native, length=None)
        return replace(schema, columns={**schema.columns, "NUMBER": number})

    found = [each for each in findings_of(spoilt={CUSTOMERS: typed}) if "key column" in each]

    assert found == [
        (
            f"1: DW1019 key column NUMBER of finops.Customers {reason}\n"
            "  name a key of texts, whole numbers, decimals or dates in `key:`"
        )
    ]


@pytest.mark.parametrize(("unique", "sound"), [((), False), ((("NAME",),), False), (KEYED, True)])
def test_a_binary_primary_key_needs_another_unique_index_beside_it(unique, sound):
    def keyed(schema):
        columns = {name: replace(c, nullable=name == "NAME") for name, c in schema.columns.items()}
        columns["ID"] = Column("ID", pa.binary(), "binary(16)", nullable=False, has_default=True)
        return replace(schema, columns=columns, primary_key=("ID",), unique=unique)

    found = [each for each in findings_of(spoilt={CUSTOMERS: keyed}) if "DW1019" in each]

    assert bool(found) != sound
    assert sound or "is keyed by ID alone, which is binary" in found[0]


def test_a_uuid_key_that_no_column_fills_is_made_by_us():
    def keyed(schema):
        columns = {**schema.columns}
        columns["UID"] = Column("UID", pa.string(), "UUID", nullable=False, length=36)
        return replace(schema, columns=columns, primary_key=("UID",), unique=KEYED)

    assert findings_of(spoilt={CUSTOMERS: keyed}) == []


ONE_WAY = tuple(
    (f"{column} =", f"{column} >") for column in ("COMPANY", "NUMBER", "NAME", "LIMIT", "GROUP")
)


def without_a_key(schema):
    return type(schema)(schema.name, schema.columns, read_only="a view")


def test_a_side_that_is_only_read_needs_no_key_of_its_own():
    assert findings_of(*ONE_WAY, spoilt={CUSTOMERS: without_a_key}) == []


def test_a_side_that_is_only_read_needs_a_key_where_that_of_the_map_lies_elsewhere():
    back = [(old, new.replace(">", "<")) for old, new in ONE_WAY]

    assert findings_of(*back, spoilt={ACCOUNT: without_a_key}) == [
        (
            "1: DW1019 dataverse.account has no primary key, and company.code of the map's key "
            "lies in another table\n"
            "  add a primary key, or name columns of the table or view itself in `key:`"
        )
    ]


def test_a_view_takes_no_writes():
    def view(schema):
        return type(schema)(
            schema.name, schema.columns, schema.primary_key, schema.unique, read_only="a view"
        )

    assert findings_of(spoilt={CUSTOMERS: view}) == [
        (
            "1: DW1011 finops.Customers takes no writes: it is a view\n"
            "  map the table below it, or make every column one-way out of it"
        )
    ]


def test_a_default_makes_up_for_a_null():
    change = ("NAME = name", "NAME >< name: {default: unknown}")

    assert findings_of(change, spoilt={CUSTOMERS: with_column("NAME", nullable=True)}) == []


def test_an_app_that_does_not_answer():
    def unreachable(side, table):
        raise AppUnreachableError(app=side.value, reason="refused")

    found = check(a_map(), unreachable)

    assert [str(finding) for finding in found] == [
        (
            "maps/accounts.yaml:1: DW1000 dataverse cannot be asked for 'account': dataverse: "
            "no answer (refused). Nothing half-written was kept.\n  see `dualwrite check`"
        ),
        (
            "maps/accounts.yaml:1: DW1000 finops cannot be asked for 'Customers': finops: "
            "no answer (refused). Nothing half-written was kept.\n  see `dualwrite check`"
        ),
    ]


def test_a_check_that_fails_is_reported():
    def broken(side, table):
        raise ZeroDivisionError("by zero")

    found = check(a_map(), broken)

    assert [str(finding) for finding in found] == [
        (
            "maps/accounts.yaml:1: DW1001 the check broke off: ZeroDivisionError: by zero\n"
            "  report it, with the map and this text"
        )
    ]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            Environment(missing_variables=("FINOPS_URL",)),
            (
                "DW1005 dualwrite.toml names ${FINOPS_URL}, which is not set\n"
                "  set it where the command is started"
            ),
        ),
        (
            Environment(unfinished_in="/srv/other"),
            (
                "DW1006 /srv/other has an unfinished run of accounts in this journal\n"
                "  finish or stop it there, or give this project a journal of its own"
            ),
        ),
        (
            Environment(other_apps=(Side.FINOPS,)),
            (
                "DW1007 accounts last ran against another finops app\n"
                "  put the old apps back, or stop the map and run it with an initial sync"
            ),
        ),
        (
            Environment(held_companies={Side.DATAVERSE: frozenset({"usmf"})}),
            (
                "DW1016 dataverse does not hold company 'DEMF'\n"
                "  create the company there, or take it out of `companies` in dualwrite.toml"
            ),
        ),
    ],
)
def test_a_fault_around_the_map(environment, message):
    found = findings_of(companies=("USMF", "DEMF"), environment=environment)

    assert found == [f"1: {message}"]


def test_a_dated_entity_is_identified_by_columns_of_the_erp_itself():
    dated = "effective: {entity: [number], from: NAME, to: NAME}\ncolumns:"

    assert findings_of(("columns:", dated)) == [
        (
            "5: DW1123 effective: entity: number is no column of finops that is on the map\n"
            "  did you mean 'NUMBER' or 'NAME'? known: COMPANY, GROUP, LIMIT, NAME, NUMBER"
        )
    ]


def test_a_company_that_takes_no_part():
    change = ("columns:", "companies: [USMX]\ncolumns:")

    assert findings_of(change, companies=("USMF",)) == [
        ("1: DW1008 company 'USMX' takes no part in the link\n  did you mean 'USMF'? known: USMF")
    ]


def test_a_map_that_depends_on_none_there_is(catalogue):
    assert findings_of(("columns:", "depends_on: [group]\ncolumns:"), catalogue=catalogue) == [
        (
            "1: DW1122 warning: depends_on: there is no map 'group'\n"
            "  did you mean 'groups'? known: accounts, groups"
        )
    ]


def test_every_code_of_the_original_has_its_counterpart():
    theirs = [number for number in range(1000, 1032) if number not in (1009, 1013)]

    assert len(theirs) == 30
    assert [code for code in CODES if code < "DW1100"] == [f"DW{number}" for number in theirs]


def test_a_map_of_companies_needs_those_of_the_link():
    assert findings_of(companies=()) == [
        (
            "3: DW1008 the rows of this map belong to companies, and dualwrite.toml names none\n"
            '  name them under [link]: companies = ["USMF"]'
        )
    ]
    assert findings_of(companies=None) == []
