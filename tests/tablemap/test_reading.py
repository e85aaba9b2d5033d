"""The design's sample is read as the engine uses it; every fault of a file is reported at once."""

from decimal import Decimal

import pytest

from dualwrite.link import Side
from dualwrite.tablemap.model import Master, Place, Transform, Unmapped, ValueMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference
from tests.tablemap.samples import ENDS, MAPS, SAMPLE, made, sample


def test_the_sample_of_the_design():
    found = sample()

    assert (found.name, found.title) == ("customers-v3--accounts", "Customers V3 (accounts)")
    assert (found.version, found.publisher) == ("1.0.0.0", "dualwrite")
    assert found.end(Side.FINOPS).key == (
        ColumnPath(("DATAAREAID",)),
        ColumnPath(("CUSTOMERACCOUNT",)),
    )
    assert found.end(Side.DATAVERSE).company == ColumnPath(("msdyn_company", "cdm_companycode"))
    assert found.end(Side.FINOPS).filter == "PARTYTYPE eq 'Organization'"
    assert [str(column.notation) for column in found.columns] == [
        "DATAAREAID = msdyn_company.cdm_companycode",
        "CUSTOMERACCOUNT = accountnumber",
        "CREDITLIMIT = creditlimit",
        "CUSTOMERGROUPID = msdyn_customergroupid.msdyn_groupid",
        "ONHOLDSTATUS >< msdyn_onholdstatus",
        "ISONETIMECUSTOMER >< msdyn_onetimecustomer",
        "none >> customertypecode",
        "PARTYTYPE << none",
    ]
    assert found.columns[0].place == Place(MAPS / SAMPLE, 17)
    assert found.money == {"CREDITLIMIT": {"currency": "SALESCURRENCYCODE", "precision": "reject"}}
    assert found.conflicts == {"policy": "merge", "then": "newest"}
    assert found.is_company_specific()


def test_no_stays_a_word_and_a_shared_value_map_is_found():
    hold, once, *_ = (column.transforms[0] for column in sample().columns[4:])

    assert hold.value_map == ValueMap(
        (("No", 192350000), ("Invoice", 192350001), ("All", 192350002)), name="hold"
    )
    assert once.value_map == ValueMap((("No", False), ("Yes", True)))


def test_what_a_short_map_leaves_unsaid():
    found = made(ENDS)

    assert (found.version, found.publisher, found.master) == (
        "1.0.0.0",
        "dualwrite",
        Master.DATAVERSE,
    )
    assert (found.replay, found.when_left, found.companies) == ("newest", "keep", None)
    assert not found.is_company_specific()


def test_every_word_that_a_map_may_say():
    found = made("""\
map: m
title: M
version: 2.3.0.11
publisher: contoso
master: fill blanks only
companies: {include: [USMF, DEMF], exclude: [FRMF]}
depends_on: [other]
max_rejected: 2.5%
replay: every
when_left: delete
quantity: {QTY: {unit: UNIT}}
effective: {entity: [ID], from: VALIDFROM, to: VALIDTO, gaps: allow}
conflicts: {policy: ask, columns: {QTY: finops}}
expect: [{between: {column: QTY, low: "0.5"}}]
finops:
  table: F
  key: [ID]
  modified: MODIFIED
  lookups: {PARTY: DirParty, UNIT: Units(SYMBOL)}
dataverse: {table: d, key: [id]}
columns: [ID = id, QTY = qty]
""")

    assert (found.version, found.publisher) == ("2.3.0.11", "contoso")
    assert (found.master, found.max_rejected) == (Master.FILL_BLANKS, "2.5%")
    assert (found.companies, found.companies_excluded) == (("USMF", "DEMF"), ("FRMF",))
    assert (found.depends_on, found.replay, found.when_left) == (("other",), "every", "delete")
    assert found.quantity == {"QTY": {"unit": "UNIT"}}
    assert found.effective == {
        "entity": ["ID"],
        "from": "VALIDFROM",
        "to": "VALIDTO",
        "gaps": "allow",
    }
    assert found.conflicts == {"policy": "ask", "columns": {"QTY": "finops"}}
    (expected,) = found.expect
    assert (expected.name, expected.options) == ("between", {"column": "QTY", "low": "0.5"})
    assert (expected.severity, expected.into, expected.place.line) == ("critical", None, 14)
    assert found.end(Side.FINOPS).modified == ColumnPath(("MODIFIED",))
    assert found.end(Side.FINOPS).lookups == {
        "PARTY": Reference("DirParty", ""),
        "UNIT": Reference("Units", "SYMBOL"),
    }


def test_one_policy_for_all_conflicts_may_be_given_in_a_word():
    assert made(ENDS + "conflicts: finops\n").conflicts == {"policy": "finops"}


def test_a_percentage_or_a_number_of_rows():
    assert made(ENDS + "max_rejected: 100\n").max_rejected == "100"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("{default: 3}", [Transform("default", 3)], id="default"),
        pytest.param(
            "{default: 1.10}", [Transform("default", Decimal("1.10"))], id="exact to the digit"
        ),
        pytest.param("{default: 2154-12-31}", [Transform("default", "2154-12-31")], id="a day"),
        pytest.param(
            "{trim: true, upper: true}",
            [Transform("trim", options=True), Transform("upper", options=True)],
            id="in the order written",
        ),
        pytest.param("{truncate: 30}", [Transform("truncate", 30)], id="truncate"),
        pytest.param(
            "{concat: {with: [B, c.d], separator: ' '}}",
            [Transform("concat", {"with": ["B", "c.d"], "separator": " "})],
            id="concat",
        ),
        pytest.param(
            "{split: {separator: '-', part: -1}}",
            [Transform("split", {"separator": "-", "part": -1})],
            id="split",
        ),
        pytest.param("{round: 2}", [Transform("round", 2)], id="round"),
        pytest.param(
            "{round: {digits: 0, mode: half_up}}",
            [Transform("round", {"digits": 0, "mode": "half_up"})],
            id="round in a mode",
        ),
        pytest.param(
            "{timezone: {finops: Europe/Berlin, dataverse: UTC}}",
            [Transform("timezone", {"finops": "Europe/Berlin", "dataverse": "UTC"})],
            id="timezone",
        ),
        pytest.param(
            "{date: {finops: '%d.%m.%Y'}}",
            [Transform("date", {"finops": "%d.%m.%Y"})],
            id="date",
        ),
        pytest.param(
            "{python: my.module:spell}", [Transform("python", "my.module:spell")], id="python"
        ),
    ],
)
def test_transforms(written, expected):
    assert list(made(f"{ENDS}  - A >> a: {written}\n").columns[1].transforms) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("{1: x, 2: y}", ValueMap(((1, "x"), (2, "y"))), id="numbers stay such"),
        pytest.param("{null: x}", ValueMap(((None, "x"),)), id="null"),
        pytest.param(
            "{map: {a: b}, unmapped: pass}", ValueMap((("a", "b"),), Unmapped.PASS), id="pass"
        ),
        pytest.param("{map: {a: b}, unmapped: reject}", ValueMap((("a", "b"),)), id="reject"),
        pytest.param(
            "{map: {a: b}, unmapped: c}",
            ValueMap((("a", "b"),), Unmapped.USE, "c"),
            id="a fallback",
        ),
        pytest.param("{map: b}", ValueMap((("map", "b"),)), id="a value that is called map"),
        pytest.param("{a: x, b: x}", ValueMap((("a", "x"), ("b", "x"))), id="many to one, one way"),
    ],
)
def test_value_maps(written, expected):
    column = made(f"{ENDS}  - A >> a: {{values: {written}}}\n").columns[1]

    assert column.transforms[0].value_map == expected
