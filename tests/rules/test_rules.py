"""Each rule: which rows fail, and the whole text of the reason."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.rules import (
    RULES,
    Between,
    Convertible,
    CurrencyPrecision,
    Finite,
    FloatDigits,
    KeyExact,
    KeyPresent,
    KeyUnique,
    Length,
    LocalTime,
    Matches,
    MoneyExact,
    OneOf,
    Own,
    PeriodsSound,
    QuantityConvertible,
    QuantityConverts,
    Readable,
    Required,
    Resolvable,
    Scale,
    SecondFraction,
    ValueMapTotal,
    WholeNumberRange,
)
from tests.rules import own_example
from tests.rules.gate import failing, gate, reasons

MONEY = pa.decimal128(38, 6)

EVERY = [
    Readable(),
    Required(column="name"),
    Convertible(source="source:N", target="n", type="a whole number"),
    MoneyExact(column="source:X", scale=2),
    Finite(column="source:X"),
    QuantityConverts(source="source:N", problem="unit:n", symbol="pcs"),
    ValueMapTotal(source="source:H", target="h", known=("no", "all"), to_null=("none",)),
    Length(column="name", length=3),
    Length(column="name", length=3, unit="bytes", least=3),
    Scale(column="m", precision=5, scale=2),
    CurrencyPrecision(column="m", code="EUR", precision=5, scale=2),
    WholeNumberRange(column="n", low=-128, high=127),
    SecondFraction(column="name", digits=3),
    FloatDigits(column="n"),
    LocalTime(source="source:T", zone="Europe/Berlin"),
    KeyExact(source="source:N", target="n"),
    KeyPresent(key=("co", "acc")),
    PeriodsSound(entity=("acc",), start="from", end="to"),
    KeyUnique(key=("co", "acc"), severity="warning"),
    Between(column="m", low="0", high="2"),
    OneOf(column="name", values=("abc", "abd")),
    Matches(column="name", pattern="^a"),
    QuantityConvertible(quantity="n", symbol="pcs", to_symbol="ea"),
    Own(type="AtMost", column="n", options='{"column": "n", "most": 9}', file=own_example.__file__),
    Resolvable(column="ref:g", ambiguous="many:g", parts=("g.id", "g.kind"), tables=("grp",)),
]


def rows(n):
    """A gate table for all of `EVERY`, whose every row is well."""
    return gate(
        name=pa.array(["abc"] * n, pa.string()),
        source_N=pa.array(["7"] * n, pa.string()),
        n=pa.array([7] * n, pa.int64()),
        source_T=pa.array([dt.datetime(2026, 5, 1, tzinfo=dt.UTC)] * n, pa.timestamp("us", "UTC")),
        source_X=pa.array([1.5] * n, pa.float64()),
        source_H=pa.array(["No"] * n, pa.string()),
        h=pa.array([1] * n, pa.int64()),
        m=pa.array([Decimal("1.5")] * n, MONEY),
        co=pa.array(["usmf"] * n, pa.string()),
        acc=pa.array([f"A{i}" for i in range(n)], pa.string()),
        to=pa.nulls(n, pa.date32()),
        ref_g=pa.array(["g1"] * n, pa.string()),
        many_g=pa.array([False] * n, pa.bool_()),
        **{"unit:n": pa.nulls(n, pa.string()), "unreadable:": pa.nulls(n, pa.string())},
        **{"from": pa.array([dt.date(2026, 1, 1)] * n, pa.date32())},
        **{"g.id": pa.array(["1"] * n, pa.string()), "g.kind": pa.array(["k"] * n, pa.string())},
    )


def test_every_rule_is_known_by_its_name_and_tested_here():
    # one that another library brings is tested where that is installed
    assert {rule.name for rule in EVERY} == RULES.keys() - {"outside"}


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.name)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_good_rows_pass(rule, count):
    assert failing(rule, rows(count)) == [False] * count


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.name)
def test_chunks_and_slices_do_not_matter(rule):
    chunked = pa.concat_tables([rows(2), rows(3).slice(2, 1)])
    sliced = pa.concat_tables([rows(2), rows(3)]).combine_chunks().slice(2)

    assert failing(rule, chunked) == failing(rule, sliced) == [False] * 3


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.name)
def test_null_everywhere_fails_only_what_asks_for_a_value(rule):
    kinds = rows(0).schema
    nulls = pa.table({field.name: pa.nulls(2, field.type) for field in kinds})

    asking = ("required", "key_present", "periods_sound")
    assert failing(rule, nulls) == [rule.name in asking] * 2


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.name)
def test_a_rule_can_be_written_down_and_made_again(rule):
    written = {k: list(v) if isinstance(v, tuple) else v for k, v in rule.to_kwargs().items()}

    assert RULES[rule.name].from_kwargs(written) == rule
    assert hash(rule) == hash(RULES[rule.name].from_kwargs(written))
    assert set(rule.columns) <= set(rows(0).column_names)
    assert rule.cure


def test_only_a_missing_parent_parks():
    assert [rule.name for rule in RULES.values() if rule.parks] == ["resolvable"]


def test_a_value_that_could_not_be_read_is_named_with_its_column():
    table = gate(**{"unreadable:": [None, '{"N": "NaN", "D": "infinity"}']})

    assert failing(Readable(), table) == [False, True]
    assert reasons(Readable(), table) == [
        "N is 'NaN' and D is 'infinity', which has no exact place among the types that are synced"
    ]


def test_a_required_value_is_there():
    table = gate(name=["a", "", None])

    assert failing(Required(column="name"), table) == [False, False, True]
    assert reasons(Required(column="name"), table) == ["name must have a value and has none"]


def test_what_could_not_be_converted_is_shown_as_the_source_holds_it():
    rule = Convertible(source="source:N", target="n", type="a whole number")
    table = gate(source_N=["1", "x" * 70, "", None], n=pa.array([1, None, None, None]))

    assert failing(rule, table) == [False, True, False, False]
    assert reasons(rule, table) == [f"N is '{'x' * 59}…', which n cannot hold as a whole number"]


def test_floats_are_numbers():
    rule = Finite(column="source:X")
    table = gate(source_X=[1.0, math.nan, -math.inf, None])

    assert failing(rule, table) == [False, True, True, False]
    assert reasons(rule, table) == [
        "X is nan, which is no number",
        "X is -inf, which is no number",
    ]


def test_every_value_is_in_the_value_map():
    rule = ValueMapTotal(source="source:H", target="h", known=("no", "all"), to_null=("none",))
    table = gate(
        source_H=["No", "weird", "None", "", None], h=pa.array([1, None, None, None, None])
    )

    assert failing(rule, table) == [False, True, False, False, False]
    assert reasons(rule, table) == [
        "H is 'weird', which the value map of h does not list (it lists no, all)"
    ]


def test_a_long_value_map_is_shown_in_part():
    rule = ValueMapTotal(source="source:H", target="h", known=tuple("abcdefghijk"))
    table = gate(source_H=pa.array([7]), h=pa.nulls(1, pa.int64()))

    (reason,) = reasons(rule, table)
    assert reason.endswith("(it lists a, b, c, d, e, f, g, h and 3 more)")


def test_a_number_that_the_value_map_makes_null_is_listed():
    rule = ValueMapTotal(source="source:H", target="h", known=("3",), to_null=("3",))
    table = gate(source_H=pa.array([Decimal(3), Decimal("3.5")], MONEY), h=pa.nulls(2, pa.int64()))

    assert failing(rule, table) == [False, True]


def test_length_counts_characters_and_shows_what_would_be_cut():
    rule = Length(column="name", length=3)
    table = gate(name=["äöü", "äöüß", None, ""])

    assert failing(rule, table) == [False, True, False, False]
    assert reasons(rule, table) == ["name has 4 characters where 3 fit: 'äöüß' would become 'äöü'"]


def test_a_long_text_is_not_shown_twice_by_the_same_beginning():
    rule = Length(column="name", length=100)

    assert reasons(rule, gate(name=["x" * 130])) == ["name has 130 characters where 100 fit"]


def test_length_counts_bytes_where_the_column_does():
    rule = Length(column="name", length=4, unit="bytes")
    filled = Length(column="name", length=4, unit="bytes", least=4)

    assert failing(rule, gate(name=["äö", "äöü", None, ""])) == [False, True, False, False]
    assert failing(filled, gate(name=[b"abcd", b"abc", b"abcde", None])) == [
        False,
        True,
        True,
        False,
    ]


def test_scale_shows_the_value_and_what_would_be_left():
    rule = Scale(column="m", precision=5, scale=2)
    values = ["1.25", "1.234567", "-999.99", "1000", "-0.001", None]
    table = gate(m=pa.array([None if v is None else Decimal(v) for v in values], MONEY))

    assert failing(rule, table) == [False, True, False, True, True, False]
    assert reasons(rule, table) == [
        "m is 1.234567, where 2 digits behind the point fit: it would become 1.23",
        "m is 1000, where 3 digits before the point fit",
        "m is -0.001, where 2 digits behind the point fit: it would become 0",
    ]


def test_a_whole_number_within_its_range():
    rule = WholeNumberRange(column="n", low=-128, high=127)
    table = gate(n=[-129, -128, 127, 128, None])

    assert failing(rule, table) == [True, False, False, True, False]
    assert reasons(rule, table)[0] == "n is -129, where -128 to 127 fit"


@pytest.mark.parametrize(
    ("digits", "failed"),
    [(0, [True, True, True, False, False]), (3, [False, True, False, False, False])],
)
def test_a_time_has_no_more_digits_of_a_second_than_fit(digits, failed):
    rule = SecondFraction(column="at", digits=digits)
    texts = ["2020-12-31 23:59:59.9", "1969-12-31 23:59:59.999999", "2026-05-01 10:00:00.120"]
    texts += ["2026-05-01 10:00:00.000", None]
    moments = pa.array(texts).cast(pa.timestamp("us"))

    for values in (pa.array(texts), moments, moments.cast(pa.timestamp("us", "UTC"))):
        assert failing(rule, gate(at=values)) == failed
    if digits:
        assert reasons(rule, gate(at=pa.array(texts))) == [
            "at is '1969-12-31 23:59:59.999999', where 3 digits of a second fit"
        ]


def test_a_key_comes_back_as_the_text_that_it_was():
    rule = KeyExact(source="source:K", target="k")
    texts = pa.array(["007", "7", "+7", "07.0", None])
    numbers = gate(source_K=texts, k=pa.array([7, 7, 7, 7, None]))

    assert failing(rule, numbers) == [True, False, True, True, False]
    assert reasons(rule, numbers)[0] == (
        "K is '007', which k holds as 7: it would come back as another key"
    )
    assert failing(rule, gate(source_K=["AB", "ab"], k=["AB", "ab"])) == [True, False]


def test_a_float_of_four_bytes_holds_few_numbers():
    table = gate(x=pa.array([0.5, 0.1, 16777217.0, 1e300, None]))

    assert failing(FloatDigits(column="x"), table) == [False, True, True, True, False]
    assert reasons(FloatDigits(column="x"), table)[0] == (
        "x is 0.1, which a float of 4 bytes does not hold"
    )


def test_a_key_is_there_in_all_its_parts():
    rule = KeyPresent(key=("co", "acc"))
    table = gate(co=["usmf", None, "usmf", ""], acc=["A", "A", "", ""])

    assert failing(rule, table) == [False, True, False, True]
    assert reasons(rule, table) == [
        "the key has no co, so its counterpart cannot be found",
        "the key has no co, acc, so its counterpart cannot be found",
    ]


def test_both_rows_of_one_key_fail():
    rule = KeyUnique(key=("co", "acc"))
    table = gate(co=["u", "d", "u", None, None], acc=["A", "A", "A", "B", "B"])

    assert failing(rule, table) == [True, False, True, False, False]
    assert reasons(rule, table)[0] == "another row has the same key (co 'u', acc 'A')"


def test_a_lookup_finds_what_it_names():
    rule = EVERY[-1]
    table = gate(
        ref_g=["g1", None, None, None, None],
        many_g=[False, False, True, False, False],
        **{"g.id": ["1", "2", "3", "4", None], "g.kind": ["k", "k", "k", None, ""]},
    )

    assert failing(rule, table) == [False, True, True, True, False]
    assert reasons(rule, table) == [
        "g: grp has no row with id '2', kind 'k'",
        "g: grp has more than one row with id '3', kind 'k'",
        "g: only id '4' is given, and no g.kind",
    ]
    assert rule.waits_for(table.slice(1, 1).to_pylist()[0]) == "grp with id '2', kind 'k'"


def test_a_polymorphic_lookup_is_named_by_all_its_tables():
    path = "o.Account(number).Contact(number)"
    rule = Resolvable(
        column="ref:o", ambiguous="many:o", parts=(path,), tables=("account", "contact")
    )
    table = gate(ref_o=pa.nulls(1, pa.string()), many_o=[False], **{path: ["7"]})

    assert reasons(rule, table) == [f"o: account or contact has no row with {path} '7'"]


PLACES = st.integers(0, 10)
NUMBERS = st.decimals(-(10**12), 10**12, places=10, allow_nan=False)


@settings(max_examples=50)
@given(
    numbers=st.lists(st.none() | NUMBERS, max_size=6),
    scale=PLACES,
    room=st.integers(1, 14),
)
def test_scale_fails_exactly_when_a_digit_is_lost(numbers, scale, room):
    expected = [
        number is not None
        and (
            number != number.quantize(Decimal(1).scaleb(-scale), "ROUND_DOWN")
            or abs(number) >= Decimal(10) ** room
        )
        for number in numbers
    ]
    rule = Scale(column="m", precision=room + scale, scale=scale)

    for kind in (pa.decimal128(38, 10), pa.decimal256(76, 20)):
        assert failing(rule, gate(m=pa.array(numbers, kind))) == expected


def test_scale_knows_38_digits():
    nines = "9" * 38
    numbers = [Decimal(text) for text in (nines, f"{nines}.1", f"0.{nines}")]
    table = gate(m=pa.array(numbers, pa.decimal256(76, 38)))

    assert failing(Scale(column="m", precision=38, scale=0), table) == [False, True, True]
    assert failing(Scale(column="m", precision=38, scale=38), table) == [True, True, False]


PART = st.none() | st.sampled_from(["", "a", "b", "ab"])


@settings(max_examples=50)
@given(st.lists(st.tuples(PART, PART, st.none() | st.integers(0, 2)), max_size=8))
def test_keys_are_unique_exactly_when_they_are_in_python(keys):
    times = Counter(keys)
    table = gate(
        a=pa.array([key[0] for key in keys], pa.string()),
        b=pa.array([key[1] for key in keys], pa.string()),
        c=pa.array([key[2] for key in keys], pa.int64()),
    )

    assert failing(KeyUnique(key=("a", "b", "c")), table) == [
        times[key] > 1 and None not in key for key in keys
    ]


@settings(max_examples=50)
@given(st.lists(st.none() | st.text("aä€", max_size=6), max_size=6), st.integers(1, 5))
def test_length_is_pythons(texts, length):
    table = gate(t=pa.array(texts, pa.string()))

    assert failing(Length(column="t", length=length), table) == [
        text is not None and len(text) > length for text in texts
    ]
