"""The rules that follow from a map, and the gate as a whole: translate, look up, judge."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.rules import (
    Between,
    Convertible,
    Finite,
    KeyPresent,
    KeyUnique,
    Length,
    LocalTime,
    Matches,
    OneOf,
    Required,
    Resolvable,
    Scale,
    SecondFraction,
    ValueMapTotal,
    WholeNumberRange,
    derive,
    explain,
    judge,
)
from dualwrite.tablemap.model import Transform
from dualwrite.translate.lookups import attach, lookup_facts, lookups_of
from dualwrite.translate.rows import translate
from tests.translate.maps import (
    COMPANY,
    CUSTOMERS,
    TEXT,
    WHOLE,
    column,
    customers,
    one_column,
    schema_of,
    values,
)


def derived(source):
    flow = customers(source)
    return list(derive(flow.facts(), lookup_facts(lookups_of(flow, CUSTOMERS, schema_of))))


def of_column(sign, *transforms, **ends):
    return list(derive(one_column(sign, *transforms, **ends).facts()))


def test_the_rules_of_the_way_to_dataverse():
    key = (COMPANY, "accountnumber")

    assert derived(Side.FINOPS) == [
        KeyPresent(key=key),
        KeyUnique(key=key),
        Length(column="accountnumber", length=5),
        Scale(column="creditlimit", precision=20, scale=2),
        ValueMapTotal(source="source:HOLD", target="hold", known=("no", "all")),
        Convertible(source="value:hold", target="hold", type="a whole number"),
        Required(column=COMPANY),
        Resolvable(
            column="ref:msdyn_company",
            ambiguous="many:msdyn_company",
            parts=(COMPANY,),
            tables=("cdm_company",),
        ),
        Resolvable(column="ref:grp", ambiguous="many:grp", parts=("grp.groupid",), tables=("grp",)),
    ]


def test_a_blank_lookup_is_no_missing_value_on_the_way_back():
    """The ERP's columns bear no null and hold '' instead, which `fit` writes."""
    assert Required(column="GRP") not in derived(Side.DATAVERSE)
    assert Required(column="ACC") in derived(Side.DATAVERSE)


def test_a_default_of_the_app_does_not_excuse_a_null_that_we_write():
    target = column("d", nullable=False, has_default=True)

    assert of_column("=", finops=column("F"), dataverse=target) == [Required(column="d")]


def test_text_into_text_of_any_length_needs_no_rule():
    assert of_column("=", finops=column("F"), dataverse=column("d")) == []


def test_a_narrow_whole_number_has_its_range():
    assert of_column("=", finops=column("F", WHOLE), dataverse=column("d", pa.int16())) == [
        WholeNumberRange(column="d", low=-32768, high=32767)
    ]
    assert of_column("=", finops=column("F", WHOLE), dataverse=column("d", pa.uint8())) == [
        WholeNumberRange(column="d", low=0, high=255)
    ]


def test_a_column_has_a_rule_for_each_bound_of_what_it_holds():
    def rules(kind, **room):
        return of_column("=", finops=column("F", kind), dataverse=column("d", kind, **room))

    moment = pa.timestamp("us", "UTC")
    ends = ("1970-01-01 00:00:01+00:00", "2038-01-19 03:14:07.999999+00:00")

    assert rules(WHOLE, range=("1901", "2155")) == [
        WholeNumberRange(column="d", low=1901, high=2155)
    ]
    assert rules(moment, range=ends) == [Between(column="d", low=ends[0], high=ends[1])]
    assert rules(TEXT, members=("DRAFT",)) == [OneOf(column="d", values=("DRAFT",))]
    assert rules(TEXT, pattern="^a$") == [Matches(column="d", pattern="^a$")]
    assert rules(TEXT, octets=255) == [Length(column="d", length=255, unit="bytes")]
    assert rules(TEXT, padded=True) == [Matches(column="d", pattern="[^ ]$|^$")]
    assert rules(pa.binary(), octets=4, padded=True) == [
        Length(column="d", length=4, unit="bytes", least=4)
    ]


def test_a_time_of_whole_seconds_takes_no_fraction():
    moment = pa.timestamp("us")

    assert of_column(
        "=", finops=column("F", moment), dataverse=column("d", moment, fraction=0)
    ) == [SecondFraction(column="d", digits=0)]


def test_a_key_is_told_that_its_time_comes_twice_before_it_is_missed():
    moment = pa.timestamp("us")
    zones = Transform("timezone", {"finops": "Europe/Berlin", "dataverse": "UTC"})
    ends = {"finops": column("F", moment), "dataverse": column("d", moment)}

    rules = derive(one_column("><", zones, **ends, source=Side.DATAVERSE, key=True).facts())

    assert rules[:2] == (
        LocalTime(source="source:d", into="Europe/Berlin", whole=True),
        KeyPresent(key=("F",)),
    )


def test_floats_are_asked_to_be_numbers_first():
    rules = of_column(
        "=", finops=column("F", pa.float64()), dataverse=column("d", pa.decimal128(9, 2))
    )

    assert rules == [
        Finite(column="source:F"),
        Convertible(source="source:F", target="d", type="a decimal(9, 2)"),
        Scale(column="d", precision=9, scale=2),
    ]


def test_a_part_that_is_not_there_is_no_failure_but_a_bad_date_in_it_is():
    """What `split` leaves out it leaves out by intent; what `date` cannot read is lost."""
    flow = one_column(
        ">>",
        Transform("split", {"separator": " ", "part": 2}),
        Transform("date", {"finops": "%d.%m.%Y", "dataverse": "%Y-%m-%d"}),
        finops=column("F"),
        dataverse=column("d"),
    )
    gate = translate(pa.table({"F": ["on 01.02.2020", "never", "on 31.02.2020"]}), flow)

    assert gate["d"].to_pylist() == ["2020-02-01", None, None]
    assert judge(gate, derive(flow.facts())).passed.to_pylist() == [True, True, False]


def test_a_value_that_the_map_makes_null_passes():
    flow = one_column(
        ">>", values(("a", 1), ("none", None)), finops=column("F"), dataverse=column("d", WHOLE)
    )
    gate = translate(pa.table({"F": ["A", "None", "b", None]}), flow)

    assert judge(gate, derive(flow.facts())).passed.to_pylist() == [True, True, False, True]


def test_the_gate_from_end_to_end():
    flow = customers(Side.FINOPS)
    groups = lookups_of(flow, CUSTOMERS, schema_of)
    rows = pa.table(
        {
            "DATAAREAID": ["usmf"] * 6,
            "ACC": ["A1", "A2", "A3", "A4", "TOOLONG", None],
            "LIMIT": pa.array(
                [Decimal("1.5"), Decimal("1.234"), None, None, None, None], pa.decimal128(32, 6)
            ),
            "GRP": ["10", "", "99", "10", "10", "10"],
            "HOLD": ["No", "ALL", None, "weird", "no", "no"],
        }
    )

    gate = translate(rows, flow)
    indexes = [
        pa.table({"cdm_companycode": ["usmf"], "cdm_companyid": ["u"]}),
        pa.table({COMPANY: ["usmf"], "groupid": ["10"], "grpid": ["g"]}),
    ]
    for group, index in zip(groups, indexes, strict=True):
        gate = attach(gate, group, [index])
    verdict = judge(gate, derive(flow.facts(), lookup_facts(groups)))

    assert verdict.passed.to_pylist() == [True, False, False, False, False, False]
    assert [(each["row"], each["rule"], each["parked"]) for each in explain(gate, verdict)] == [
        (1, "scale", False),
        (2, "resolvable", True),
        (3, "value_map_total", False),
        (4, "length", False),
        (5, "key_present", False),
    ]
    assert gate.schema.field("grp.groupid").type == TEXT
