"""Lookups that may find no row, or two."""

from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.link import Side
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.schema import Column, Reference
from tests.tablemap.shop import GROUPS, findings_of, lookup, with_column

ACCOUNT, GROUP = (Side.DATAVERSE, "account"), (Side.DATAVERSE, "group")


def without_unique(schema):
    return type(schema)(schema.name, schema.columns, schema.primary_key)


def test_a_lookup_by_a_column_that_is_no_key(catalogue):
    found = findings_of(
        ("groupid.groupcode", "groupid.label"),
        spoilt={GROUP: with_column("label")},
        catalogue=catalogue,
    )

    assert found == [
        (
            "10: DW1015 GROUP = groupid.label: label is no part of the key of "
            "dataverse.group (groupcode)\n  reach it by the integration key of that table"
        )
    ]


@pytest.fixture
def hierarchies(tmp_path):
    """The shop's maps, a group's key now being of two parts beside the company."""
    (tmp_path / "groups.yaml").write_text(
        GROUPS.replace("CODE]", "CODE, TREE]")
        .replace("groupcode]", "groupcode, tree]")
        .replace("  - CODE = groupcode", "  - CODE = groupcode\n  - TREE = tree")
    )
    return Catalogue.load(tmp_path, tmp_path / "none")


@pytest.mark.parametrize(("sign", "code"), [("=", "DW1027"), (">", "DW1027")])
def test_a_lookup_by_a_part_of_the_key(hierarchies, sign, code):
    found = findings_of(
        ("GROUP =", f"GROUP {sign}"),
        spoilt={GROUP: lambda schema: with_column("tree")(without_unique(schema))},
        catalogue=hierarchies,
    )

    assert found == [
        (
            f"10: {code} GROUP {sign} groupid.groupcode: the key of "
            "dataverse.group needs tree too\n  map through the lookup too: groupid.tree"
        )
    ]


def test_a_lookup_of_the_source_by_a_part_of_the_key(hierarchies):
    """Going back, finops has the lookup, and it is the left side of the sign."""
    tree = Column("TREE", pa.string(), "VARCHAR(20)", nullable=False, length=20)
    key_of_two = {
        (Side.FINOPS, "Customers"): with_column("GROUP", references=Reference("Groups", "CODE")),
        (Side.FINOPS, "Groups"): lambda schema: replace(
            schema, columns={**schema.columns, "TREE": tree}, primary_key=("CODE", "TREE")
        ),
    }

    found = findings_of(
        ("GROUP = groupid.groupcode", "GROUP.CODE = groupid.groupcode"),
        spoilt=key_of_two,
        catalogue=hierarchies,
    )

    assert found == [
        (
            "10: DW1028 GROUP.CODE = groupid.groupcode: the key of "
            "finops.Groups needs TREE too\n  map through the lookup too: GROUP.TREE"
        )
    ]


def test_a_global_map_does_not_know_the_company_of_a_lookup(catalogue):
    found = findings_of(
        (", company: COMPANY}", "}"),
        (", company: company.code}", "}"),
        catalogue=catalogue,
    )

    assert found == [
        (
            "10: DW1017 GROUP = groupid.groupcode: dataverse.group belongs to "
            "companies and the map does not, so company.code is not known\n"
            "  map the company part of the lookup too, or give the map a `company:`"
        )
    ]


def test_a_lookup_without_a_unique_index_is_slow_and_may_find_two():
    assert findings_of(spoilt={GROUP: without_unique}) == [
        (
            "10: DW1115 warning: GROUP = groupid.groupcode: dataverse.group has no "
            "unique index over company, groupcode\n"
            "  add one: without it a lookup may find two rows, and each is slow"
        )
    ]


def test_the_key_of_the_other_map_suffices_without_an_index(catalogue):
    found = findings_of(spoilt={GROUP: without_unique}, catalogue=catalogue)

    assert [text.split()[1] for text in found] == ["DW1115"]


def test_a_table_that_points_at_itself_must_take_null():
    spoilt = {
        ACCOUNT: with_column(
            "parent", references=lookup("account", "accountid").references, nullable=False
        )
    }

    found = findings_of(("GROUP = groupid.groupcode", "NUMBER > parent.number"), spoilt=spoilt)

    assert found == [
        (
            "10: DW1116 NUMBER > parent.number: dataverse.account column parent "
            "points at its own table and does not take null\n"
            "  let the column be null, so that a second pass can fill it in"
        )
    ]


DECLARED = ("company: company.code}", "company: company.code, lookups: {groupid: %s}}")


def declaring(group):
    """The shop, its lookup into groups declared by the map alone."""
    return {"spoilt": {ACCOUNT: with_column("groupid", references=None)}}, (
        DECLARED[0],
        DECLARED[1] % group,
    )


@pytest.mark.parametrize("group", ["group", "group(groupid)"])
def test_a_lookup_may_be_declared_with_or_without_its_column(group, catalogue):
    spoilt, change = declaring(group)

    assert findings_of(change, catalogue=catalogue, **spoilt) == []


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (
            "group(id)",
            (
                "4: DW1120 lookups: groupid: dataverse.group has no column 'id'\n"
                "  known: company, groupcode, groupid"
            ),
        ),
        ("groups", "1: DW1020 dataverse has no table 'groups'\n  did you mean 'other'?"),
    ],
)
def test_a_declared_lookup_that_leads_nowhere(group, message):
    spoilt, change = declaring(group)

    assert findings_of(change, **spoilt) == [message]


def test_a_lookup_declared_by_its_table_alone_needs_one_primary_key_column():
    spoilt, change = declaring("group")
    spoilt["spoilt"][GROUP] = lambda schema: replace(schema, primary_key=())

    assert findings_of(change, **spoilt)[0] == (
        "4: DW1120 lookups: groupid: dataverse.group has no primary key of one column\n"
        "  name the column that it holds: {groupid: group(column)}"
    )


def test_a_declared_lookup_is_a_column_of_the_table():
    change = ("company: company.code}", "company: company.code, lookups: {groups: group}}")

    assert findings_of(change) == [
        (
            "4: DW1025 lookups: dataverse.account has no column 'groups'\n"
            "  did you mean 'groupid'? known: accountid, company, groupid, limit, name, number"
        )
    ]
