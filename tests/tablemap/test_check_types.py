"""Types that never fit are an error; what may lose something is a warning."""

from decimal import Decimal

import pyarrow as pa
import pytest

from dualwrite.link import Side
from tests.tablemap.shop import findings_of, with_column

CUSTOMERS, ACCOUNT = (Side.FINOPS, "Customers"), (Side.DATAVERSE, "account")

TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 2),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "binary": pa.binary(),
}
PARSED = "each value is checked, and rejected where it is none"


def one_way(source, target, line="LIMIT > limit", **more):
    """The findings of `LIMIT > limit` with a source and a target column of these kinds."""
    found = findings_of(
        ("LIMIT = limit", line),
        spoilt={
            CUSTOMERS: with_column("LIMIT", type=TYPES[source], native=source, **more),
            ACCOUNT: with_column("limit", type=TYPES[target], native=target),
        },
    )
    return [text.partition("\n")[0].removeprefix("9: DW1030 ") for text in found]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("text", "text", None),
        ("integer", "text", None),
        ("timestamp", "text", None),
        ("text", "integer", f"warning: text into integer: {PARSED}"),
        ("text", "decimal", f"warning: text into decimal: {PARSED}"),
        ("text", "date", f"warning: text into date: {PARSED}"),
        ("text", "boolean", f"warning: text into boolean: {PARSED}"),
        ("boolean", "integer", None),
        (
            "integer",
            "boolean",
            "warning: integer into boolean: only 0 and 1 pass, other numbers are rejected",
        ),
        ("integer", "decimal", None),
        (
            "decimal",
            "integer",
            "warning: decimal into integer: values with decimals are rejected",
        ),
        (
            "float",
            "decimal",
            "float into decimal: the digits of a binary float are not those meant",
        ),
        (
            "decimal",
            "float",
            "warning: decimal into float: numbers of more than 15 digits are rejected",
        ),
        ("integer", "float", "warning: integer into float: numbers past 2^53 are rejected"),
        ("date", "timestamp", None),
        (
            "timestamp",
            "date",
            "warning: timestamp into date: the time of day is rejected unless it is midnight",
        ),
        ("date", "integer", "date into integer: the one can never hold the other"),
        ("boolean", "decimal", "boolean into decimal: the one can never hold the other"),
        ("float", "integer", "float into integer: the one can never hold the other"),
        ("text", "binary", "text into binary: the one can never hold the other"),
        ("binary", "binary", None),
    ],
)
def test_one_kind_into_another(source, target, expected):
    found = one_way(source, target)

    assert found == ([] if expected is None else [_with_place(expected)])


def _with_place(expected):
    severity, _, reason = expected.rpartition("warning: ")
    word = "warning: " if "warning: " in expected else ""
    return f"{word}LIMIT > limit: finops->dataverse: {reason or severity}"


def test_a_two_way_column_has_a_finding_for_each_direction():
    found = one_way("date", "text", line="LIMIT = limit")

    assert found == [f"warning: LIMIT = limit: dataverse->finops: text into date: {PARSED}"]


def test_values_that_may_not_fit_are_told_once_for_the_map():
    found = findings_of(
        spoilt={
            CUSTOMERS: with_column("LIMIT", type=pa.decimal128(18, 4)),
            ACCOUNT: with_column("name", length=10),
        },
    )

    assert found == [
        (
            "8: DW1030 warning: of 2 columns a value may not fit, and its row is then rejected:\n"
            "    NAME = name: finops->dataverse: 20 characters into 10: longer text is rejected\n"
            "    LIMIT = limit: dataverse->finops: "
            "16 digits before the point into 14: larger values are rejected\n"
            "    LIMIT = limit: finops->dataverse: "
            "4 decimals into 2: values that need more are rejected\n"
            "  map it onto a column of a fitting type, or add a transform"
        )
    ]


@pytest.mark.parametrize(
    ("source", "target", "more"),
    [
        (pa.int64(), pa.float64(), {"range": ("-2147483648", "2147483647")}),
        (pa.decimal128(15, 2), pa.float64(), {}),
        (pa.decimal128(18, 0), pa.int64(), {}),
    ],
    ids=str,
)
def test_no_word_of_values_that_the_source_cannot_hold(source, target, more):
    found = findings_of(
        ("LIMIT = limit", "LIMIT > limit"),
        spoilt={
            CUSTOMERS: with_column("LIMIT", type=source, **more),
            ACCOUNT: with_column("limit", type=target),
        },
    )

    assert found == []


def test_whole_decimals_may_be_past_a_range():
    found = findings_of(
        ("LIMIT = limit", "LIMIT > limit"),
        spoilt={
            CUSTOMERS: with_column("LIMIT", type=pa.decimal128(9, 0)),
            ACCOUNT: with_column("limit", type=pa.int64(), range=("-32768", "32767")),
        },
    )

    assert [text.partition("\n")[0] for text in found] == [
        (
            "9: DW1030 warning: LIMIT > limit: finops->dataverse: "
            "numbers not from -32768 to 32767 are rejected"
        )
    ]


@pytest.mark.parametrize(
    ("line", "digits"),
    [
        ("LIMIT = limit", 6),
        ("LIMIT >< limit: {seconds: 3}", 3),
        ("LIMIT >< limit: {seconds: 0}", None),
        ("LIMIT >> limit: {seconds: 0}", None),
        ("LIMIT >< limit: {timezone: {finops: CET, dataverse: UTC}, seconds: 0}", None),
    ],
)
def test_a_time_with_more_digits_of_a_second_than_fit_may_be_cut(line, digits):
    at = {"type": pa.timestamp("us"), "native": "timestamp"}
    found = findings_of(
        ("LIMIT = limit", line),
        spoilt={
            CUSTOMERS: with_column("LIMIT", **at),
            ACCOUNT: with_column("limit", **at, fraction=0),
        },
    )

    reason = f"{digits} digits of a second into none: finer times are rejected, "
    reason += "unless {seconds: 0} cuts them"
    expected = f"9: DW1030 warning: {line.partition(':')[0]}: finops->dataverse: {reason}"
    assert [text.partition("\n")[0] for text in found] == ([expected] if digits else [])


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (20, 20, []),
        (20, 40, []),
        (20, None, []),
        (20, 10, ["20 characters into 10: longer text is rejected"]),
        (None, 10, ["text of any length into 10: longer text is rejected"]),
    ],
)
def test_text_that_may_be_too_long(source, target, expected):
    found = findings_of(
        ("NAME = name", "NAME > name"),
        spoilt={
            CUSTOMERS: with_column("NAME", length=source, nullable=False, has_default=True),
            ACCOUNT: with_column("name", length=target),
        },
    )

    assert found == [
        (
            f"8: DW1030 warning: NAME > name: finops->dataverse: {reason}\n"
            "  map it onto a column of a fitting type, or add a transform"
        )
        for reason in expected
    ]


def test_a_truncated_text_is_not_too_long():
    found = findings_of(
        ("NAME = name", "NAME >> name: {truncate: 10}"),
        spoilt={
            CUSTOMERS: with_column("NAME", has_default=True),
            ACCOUNT: with_column("name", length=10),
        },
    )

    assert found == []


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ((18, 2), (18, 2), []),
        ((18, 2), (38, 10), []),
        ((18, 4), (18, 2), ["4 decimals into 2: values that need more are rejected"]),
        ((18, 2), (10, 2), ["16 digits before the point into 8: larger values are rejected"]),
    ],
)
def test_decimals_that_may_not_have_room(source, target, expected):
    found = findings_of(
        ("LIMIT = limit", "LIMIT > limit"),
        spoilt={
            CUSTOMERS: with_column("LIMIT", type=pa.decimal128(*source)),
            ACCOUNT: with_column("limit", type=pa.decimal128(*target)),
        },
    )

    assert [text.partition("\n")[0] for text in found] == [
        f"9: DW1030 warning: LIMIT > limit: finops->dataverse: {reason}" for reason in expected
    ]


def test_a_rounded_decimal_has_room():
    found = findings_of(
        ("LIMIT = limit", "LIMIT >> limit: {round: 2}"),
        spoilt={CUSTOMERS: with_column("LIMIT", type=pa.decimal128(18, 4))},
    )

    assert found == []


@pytest.mark.parametrize(
    ("money", "severity"),
    [("money: {LIMIT: {precision: reject}}\n", ""), ("", "warning: ")],
    ids=["an amount", "another number"],
)
def test_a_column_that_bends_digits(money, severity):
    found = findings_of(
        ("columns:", f"{money}columns:"),
        spoilt={ACCOUNT: with_column("limit", exact=False)},
    )

    line = 10 if money else 9
    assert found == [
        (
            f"{line}: DW1030 {severity}LIMIT = limit: dataverse.account column "
            "limit (NUMERIC(18, 2)) bends digits\n  keep the amount in an exact decimal column"
        )
    ]


@pytest.mark.parametrize(
    ("kind", "value", "suits"),
    [
        ("integer", "3", True),
        ("integer", "'3'", True),
        ("integer", "many", False),
        ("integer", "1.5", False),
        ("decimal", "1.5", True),
        ("decimal", "NaN", False),
        ("decimal", "true", False),
        ("boolean", "true", True),
        ("boolean", "1", True),
        ("boolean", "'Yes'", False),
        ("date", "2154-12-31", True),
        ("date", "31.12.2154", False),
        ("timestamp", "2154-12-31T23:59:59", True),
        ("timestamp", "soon", False),
        ("text", "anything", True),
        ("text", "null", True),
    ],
)
def test_a_constant_must_be_a_value_of_its_column(kind, value, suits):
    found = findings_of(
        ("LIMIT = limit", f"NAME >> limit: {{default: {value}}}"),
        spoilt={
            CUSTOMERS: with_column("NAME", has_default=True, type=TYPES[kind]),
            ACCOUNT: with_column("limit", type=TYPES[kind], native=kind),
        },
    )

    assert any(" is no " in text for text in found) is not suits


def test_a_constant_that_does_not_suit_has_its_whole_finding():
    found = findings_of(("LIMIT = limit", "none >> limit: {default: much}"))

    assert found == [
        (
            "9: DW1030 none >> limit: finops->dataverse: default: 'much' is no "
            "NUMERIC(18, 2)\n  map it onto a column of a fitting type, or add a transform"
        )
    ]


def test_every_value_of_a_value_map_must_be_a_value_of_its_column():
    written = "{values: {map: {A: 1, B: two, C: null}, unmapped: three}}"

    found = findings_of(("LIMIT = limit", f"NAME >> limit: {written}"))

    assert [text.partition("\n")[0] for text in found] == [
        "9: DW1030 NAME >> limit: finops->dataverse: values: 'three' is no NUMERIC(18, 2)",
        "9: DW1030 NAME >> limit: finops->dataverse: values: 'two' is no NUMERIC(18, 2)",
    ]


def test_a_decimal_constant_stays_exact():
    assert findings_of(("LIMIT = limit", f"none >> limit: {{default: {Decimal('1.10')}}}")) == []
