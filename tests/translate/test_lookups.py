"""Which row a natural key means."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.link import Side
from dualwrite.tablemap.facts import LookupFacts
from dualwrite.tablemap.model import End
from dualwrite.translate.compiling import compile_flow
from dualwrite.translate.lookups import Lookup, attach, lookup_facts, lookups_of
from dualwrite.translate.rows import translate
from tests.translate.maps import (
    COMPANY,
    CUSTOMERS,
    SCHEMAS,
    column,
    customers,
    line,
    lookup,
    path,
    schema,
    schema_of,
)


def groups_of(table_map=CUSTOMERS, schemas=schema_of):
    return lookups_of(compile_flow(table_map, Side.FINOPS, schemas), table_map, schemas)


def test_the_company_joins_the_key_of_what_belongs_to_companies():
    company, group = groups_of()

    assert company == (
        Lookup(
            "msdyn_company",
            "cdm_company",
            "cdm_companyid",
            ((COMPANY, path("cdm_companycode")),),
            required=True,
        ),
    )
    assert group[0].company == (COMPANY, path(COMPANY))
    assert group[0].paths == (path(COMPANY), path("groupid"), path("grpid"))


def test_a_map_without_companies_looks_up_by_its_own_parts_alone():
    ends = {side: replace(CUSTOMERS.end(side), company=None) for side in Side}
    table_map = replace(CUSTOMERS, ends=ends)

    assert [one.company for group in groups_of(table_map) for one in group] == [None, None]


def test_nothing_is_looked_up_on_the_way_to_plain_columns():
    assert lookups_of(customers(Side.DATAVERSE), CUSTOMERS, schema_of) == ()


def test_paths_through_one_column_form_one_key():
    columns = (line("ACC = grp.groupid"), line("PT = grp.kind"))
    grp = schema("grp", column("grpid"), column("groupid"), column("kind"))
    schemas = SCHEMAS | {(Side.DATAVERSE, "grp"): grp}
    table_map = replace(CUSTOMERS, columns=columns)

    (group,) = groups_of(table_map, lambda side, table: schemas[side, table])

    assert group[0].parts == (("grp.groupid", path("groupid")), ("grp.kind", path("kind")))


def polymorphic():
    target = "owner.Account(accountnumber).Contact(number)"
    schemas = SCHEMAS | {
        (Side.DATAVERSE, "note"): schema(
            "note", column("owner"), column("ownertype"), column("subject")
        ),
        (Side.DATAVERSE, "contact"): schema(
            "contact", column("contactid"), column("number"), key=("contactid",)
        ),
    }
    ends = {Side.FINOPS: End("cust", ()), Side.DATAVERSE: End("note", ())}
    table_map = replace(CUSTOMERS, ends=ends, columns=(line(f"ACC = {target}"),))
    return table_map, lambda side, table: schemas[side, table], target


def test_a_polymorphic_lookup_tries_its_tables_in_order():
    table_map, schemas, target = polymorphic()
    flow = compile_flow(table_map, Side.FINOPS, schemas)
    (group,) = lookups_of(flow, table_map, schemas)
    rows = translate(pa.table({"ACC": ["a", "c", "both", "none", "", "twice"]}), flow)

    found = attach(
        rows,
        group,
        [
            pa.table({"accountnumber": ["a", "both", "twice", "twice"], "accountid": list("ABXY")}),
            pa.table({"number": ["c", "both", "twice"], "contactid": list("CDE")}),
        ],
    )

    assert [(one.table, one.returns, one.type_column, one.type_value) for one in group] == [
        ("account", "accountid", "ownertype", "account"),
        ("contact", "contactid", "ownertype", "contact"),
    ]
    assert group[0].parts == ((target, path("accountnumber")),)
    assert found["ref:owner"].to_pylist() == ["A", "C", "B", None, None, "E"]
    assert found["ref:ownertype"].to_pylist() == [
        "account",
        "contact",
        "account",
        None,
        None,
        "contact",
    ]
    assert not any(found["many:owner"].to_pylist())


def test_rows_find_what_their_keys_name_in_their_own_company():
    rows = pa.table(
        {
            COMPANY: ["usmf", "demf", "usmf", "usmf", None],
            "grp.groupid": ["10", "10", "20", None, "10"],
        }
    )
    index = pa.table(
        {
            COMPANY: ["usmf", "demf", "usmf", "usmf"],
            "groupid": ["10", "10", "20", "20"],
            "grpid": ["u10", "d10", "x", "y"],
        }
    )

    found = attach(rows, groups_of()[1], [index])

    assert found["ref:grp"].to_pylist() == ["u10", "d10", None, None, None]
    assert found["many:grp"].to_pylist() == [False, False, True, False, False]


@pytest.mark.parametrize("rows", [0, 2])
def test_an_empty_index_finds_nothing(rows):
    table = pa.table({COMPANY: pa.array(["usmf"] * rows, pa.string())})
    index = pa.table(
        {"cdm_companycode": pa.array([], "string"), "cdm_companyid": pa.array([], "int64")}
    )

    found = attach(table, groups_of()[0], [index])

    assert found["ref:msdyn_company"].to_pylist() == [None] * rows
    assert found.schema.field("ref:msdyn_company").type == pa.int64()


def test_the_rules_hear_of_each_lookup_column_once():
    assert lookup_facts(groups_of()) == (
        LookupFacts("ref:msdyn_company", "many:msdyn_company", (COMPANY,), ("cdm_company",), True),
        LookupFacts("ref:grp", "many:grp", ("grp.groupid",), ("grp",), False),
    )


def test_a_lookup_that_no_foreign_key_declares_is_taken_from_the_map():
    table_map, schemas, _ = polymorphic()
    reference = lookup("x", "contact", "number").references
    ends = {
        Side.FINOPS: End("cust", ()),
        Side.DATAVERSE: End("note", (), lookups={"subject": reference}),
    }
    table_map = replace(table_map, ends=ends, columns=(line("ACC = subject.number"),))

    (group,) = groups_of(table_map, schemas)

    assert (group[0].table, group[0].returns) == ("contact", "number")
