"""Each transform, there and back."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
import hmac
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.tablemap.model import Transform, Unmapped, ValueMap
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms import (
    TRANSFORMS,
    StepContext,
    TransformError,
    is_reversible,
)
from dualwrite.tablemap.transforms.mask import Mask
from dualwrite.translate.amounts import keep_equivalent
from dualwrite.translate.rows import comparable, translate
from tests.translate.maps import TEXT, WHOLE, YES_NO, column, one_column, values

NAIVE, INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")
MONEY = pa.decimal128(20, 4)


def carried(rows, *transforms, sign="><", kinds=(TEXT, TEXT), source=Side.FINOPS, more=()):
    """Rows of one column through a map of one line: `kinds` are those of finops, dataverse."""
    ends = {"finops": column("F", kinds[0]), "dataverse": column("d", kinds[1])}
    flow = one_column(sign, *transforms, **ends, source=source, more=more)
    name, target = ("F", "d") if source is Side.FINOPS else ("d", "F")
    given_rows = rows if isinstance(rows, dict) else {name: rows}
    types = dict(zip("Fd", kinds, strict=True))
    table = pa.table({key: pa.array(one, types.get(key, TEXT)) for key, one in given_rows.items()})
    return translate(table, flow)[target].to_pylist()


def test_every_module_of_the_package_is_found():
    assert set(TRANSFORMS) == {
        *("default", "values", "trim", "upper", "lower", "truncate", "concat", "split"),
        *("round", "timezone", "seconds", "date", "unit", "python", "mask"),
    }


VALID = {
    "default": 3,
    "values": {"No": False},
    "trim": True,
    "upper": True,
    "lower": True,
    "truncate": 30,
    "concat": {"with": ["LAST"]},
    "split": {"separator": "-", "part": 1},
    "round": 2,
    "timezone": {"finops": "Europe/Berlin", "dataverse": "UTC"},
    "seconds": 3,
    "date": {"finops": "%d.%m.%Y"},
    "python": {"function": "tests.translate.functions:doubled"},
    "mask": {"key": "PATH"},
}


@pytest.mark.parametrize("name", sorted(TRANSFORMS.keys() - {"unit"}))
def test_a_kind_builds_an_inverse_exactly_where_it_is_reversible(name):
    kind, options = TRANSFORMS[name], VALID[name]
    transform = Transform(name, options, ValueMap((("No", False),)) if name == "values" else None)
    target = Column("d", TEXT, "text")

    assert kind.accepts(options)
    assert kind.build(transform, StepContext("m", Side.FINOPS, True, target, TEXT))
    if is_reversible(transform):
        assert kind.build(transform, StepContext("m", Side.DATAVERSE, False, target, TEXT))
    else:
        with pytest.raises(TransformError, match="no inverse to go dataverse->finops"):
            kind.build(transform, StepContext("m", Side.DATAVERSE, False, target, TEXT))


@pytest.mark.parametrize(
    ("rows", "transform", "kinds", "expected"),
    [
        pytest.param(["a", None, ""], ("default", "x"), (TEXT, TEXT), ["a", "x", ""],
                     id="a default fills null alone"),
        pytest.param([1, None], ("default", 3), (WHOLE, WHOLE), [1, 3], id="a number"),
        pytest.param([1, None], ("default", "none"), (WHOLE, TEXT), ["1", "none"],
                     id="a word among numbers"),
        pytest.param([Decimal("1.5"), None], ("default", "0.25"), (MONEY, MONEY),
                     [Decimal("1.5"), Decimal("0.25")], id="a decimal as text"),
        pytest.param([Decimal("1.5"), None], ("default", "0.123456"), (MONEY, MONEY),
                     [Decimal("1.5"), Decimal("0.123456")], id="a default with more digits"),
        pytest.param(["  ä b ", None, " "], ("trim", True), (TEXT, TEXT), ["ä b", None, ""],
                     id="trim"),
        pytest.param(["é1a", None], ("upper", True), (TEXT, TEXT), ["É1A", None], id="upper"),
        pytest.param(["Éa", None], ("lower", True), (TEXT, TEXT), ["éa", None], id="lower"),
        pytest.param(["äöüß", "ab", None], ("truncate", 3), (TEXT, TEXT), ["äöü", "ab", None],
                     id="truncate counts characters"),
        pytest.param(["a-b-c", "a", "", None], ("split", {"separator": "-", "part": 2}),
                     (TEXT, TEXT), ["b", None, None, None], id="the second part"),
        pytest.param(["a-b-c", "a", "", None], ("split", {"separator": "-", "part": -1}),
                     (TEXT, TEXT), ["c", "a", "", None], id="the last part"),
        pytest.param([Decimal("2.5"), Decimal("-3.5"), None], ("round", 0), (MONEY, MONEY),
                     [Decimal(2), Decimal(-4), None], id="round half to even"),
        pytest.param([Decimal("2.25"), Decimal("-2.25")],
                     ("round", {"digits": 1, "mode": "half_up"}), (MONEY, MONEY),
                     [Decimal("2.3"), Decimal("-2.3")], id="round half up"),
        pytest.param([Decimal("2.29"), Decimal("-2.29")],
                     ("round", {"digits": 1, "mode": "down"}), (MONEY, MONEY),
                     [Decimal("2.2"), Decimal("-2.2")], id="round down"),
        pytest.param([Decimal("2.21")], ("round", {"digits": 1, "mode": "up"}), (MONEY, MONEY),
                     [Decimal("2.3")], id="round up"),
        pytest.param(["31.12.2154", "1.2.2020", "30.02.2020", "", None],
                     ("date", {"finops": "%d.%m.%Y"}), (TEXT, pa.date32()),
                     [dt.date(2154, 12, 31), dt.date(2020, 2, 1), None, None, None],
                     id="a date out of text"),
        pytest.param([dt.date(2020, 2, 1), None], ("date", {"dataverse": "%d.%m.%Y"}),
                     (pa.date32(), TEXT), ["01.02.2020", None], id="a date as text"),
        pytest.param(["20200201"], ("date", {"finops": "%Y%m%d", "dataverse": "%d.%m.%Y"}),
                     (TEXT, TEXT), ["01.02.2020"], id="one writing into another"),
    ],
)  # fmt: skip
def test_a_transform_on_the_way_there(rows, transform, kinds, expected):
    sign = "><" if is_reversible(Transform(*transform)) else ">>"

    assert carried(rows, Transform(*transform), sign=sign, kinds=kinds) == expected


def test_rounding_has_room_for_one_more_digit():
    kinds = (pa.decimal128(38, 10), pa.decimal128(38, 0))
    most = Decimal("9" * 28 + ".9999999999")

    assert carried([most], Transform("round", 0), sign=">>", kinds=kinds) == [Decimal(10) ** 28]


def test_a_format_with_a_zone_is_refused():
    with pytest.raises(TransformError, match="a format cannot hold the zone"):
        carried([], Transform("date", {"finops": "%d.%m.%Y %z"}), kinds=(TEXT, INSTANT))


def test_concat_leaves_out_what_has_no_value():
    rows = {"F": ["Ada", "Ada", None, ""], "LAST": ["Lovelace", "", "Lovelace", None]}
    concat = Transform("concat", {"with": ["LAST"], "separator": " "})

    answer = carried(rows, concat, sign=">>", more=(column("LAST"),))

    assert answer == ["Ada Lovelace", "Ada", "Lovelace", None]


def test_split_reads_a_slice_of_rows_right():
    flow = one_column(
        ">>",
        Transform("split", {"separator": "-", "part": 2}),
        finops=column("F"),
        dataverse=column("d"),
    )
    table = pa.table({"F": ["x-y", "a-b", "c-d"]}).slice(1)

    assert translate(table, flow)["d"].to_pylist() == ["b", "d"]


BERLIN = Transform("timezone", {"finops": "Europe/Berlin", "dataverse": "UTC"})


def test_local_time_becomes_an_instant_and_comes_back():
    local = [dt.datetime(2026, 7, 1, 12), dt.datetime(2026, 1, 1), dt.datetime(2154, 12, 31), None]
    kinds = (NAIVE, INSTANT)

    instants = carried(local, BERLIN, kinds=kinds)

    assert instants[:2] == [
        dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC),
        dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC),
    ]
    assert carried(instants, BERLIN, kinds=kinds, source=Side.DATAVERSE) == local


FIRST, SECOND = dt.datetime(2026, 10, 25, 0, 30), dt.datetime(2026, 10, 25, 1, 30)
LOCAL = dt.datetime(2026, 10, 25, 2, 30)


@pytest.mark.parametrize("sign", ["><", ">>"])
def test_the_hour_that_comes_twice_is_the_first_and_one_that_never_comes_has_no_time(sign):
    local = [LOCAL, dt.datetime(2026, 3, 29, 2, 30)]

    assert carried(local, BERLIN, sign=sign, kinds=(NAIVE, NAIVE)) == [FIRST, None]


def test_of_a_repeated_hour_the_second_time_crosses_too_but_not_as_a_key():
    ends = {"finops": column("F", NAIVE), "dataverse": column("d", NAIVE)}
    rows = pa.table({"d": [FIRST, SECOND]})

    for sign, key, found in (("><", False, LOCAL), ("<<", False, LOCAL), ("><", True, None)):
        flow = one_column(sign, BERLIN, **ends, source=Side.DATAVERSE, key=key)
        assert translate(rows, flow)["F"].to_pylist() == [LOCAL, found]


@pytest.mark.parametrize("kind", [NAIVE, INSTANT])
@pytest.mark.parametrize("sign", ["><", ">>"])
def test_the_second_time_of_a_repeated_hour_stays_where_it_was_entered(sign, kind):
    flow = one_column(sign, BERLIN, finops=column("F", NAIVE), dataverse=column("d", kind))
    held = pa.array([FIRST, SECOND, SECOND, None], NAIVE).cast(kind)
    gate = translate(pa.table({"F": [LOCAL, LOCAL, dt.datetime(2026, 10, 25, 3), LOCAL]}), flow)

    kept = keep_equivalent(gate, comparable(pa.table({"d": held}), flow), flow)["d"]

    stays = SECOND if sign == "><" else FIRST
    expected = pa.array([FIRST, stays, dt.datetime(2026, 10, 25, 2), FIRST], NAIVE)
    assert kept.to_pylist() == expected.cast(kind).to_pylist()


FINE = [dt.datetime(1969, 12, 31, 23, 59, 59, 999_999), dt.datetime(2026, 5, 1, 1, 2, 3, 120_000)]
TIMES = ["23:59:59.9", "-838:00:01.000100", "10:00:00", "10:00:00.1204", "", None]


@pytest.mark.parametrize(
    ("rows", "digits", "expected"),
    [
        ([*FINE, None], 0, [*(each.replace(microsecond=0) for each in FINE), None]),
        (FINE, 2, [FINE[0].replace(microsecond=990_000), FINE[1]]),
        (FINE, 6, FINE),
        (TIMES, 0, ["23:59:59", "-838:00:01", "10:00:00", "10:00:00", "", None]),
        (TIMES, 3, ["23:59:59.9", "-838:00:01", "10:00:00", "10:00:00.12", "", None]),
    ],
)
def test_a_time_is_cut_to_so_many_digits_of_a_second(rows, digits, expected):
    kind = TEXT if isinstance(rows[0], str) else NAIVE

    assert carried(rows, Transform("seconds", digits), sign=">>", kinds=(kind, kind)) == expected
    assert carried(rows, Transform("seconds", digits), kinds=(kind, kind)) == expected


@pytest.mark.parametrize("zones", [(), (BERLIN,)], ids=["", "timezone"])
def test_the_side_with_more_digits_of_a_second_keeps_them(zones):
    ends = {"finops": column("F", NAIVE), "dataverse": column("d", NAIVE)}
    fine = pa.array([FINE[1], FINE[1], None, FINE[1]], NAIVE)
    whole = translate(
        pa.table({"F": fine}), one_column("><", *zones, Transform("seconds", 0), **ends)
    )["d"]
    came = pc.add(whole, pa.array([0, 1_000_000, 0, None], pa.duration("us")))
    back = one_column("><", *zones, Transform("seconds", 0), **ends, source=Side.DATAVERSE)
    gate = translate(pa.table({"d": came}), back)

    kept = keep_equivalent(gate, comparable(pa.table({"F": fine}), back), back)["F"]

    assert kept.to_pylist() == [FINE[1], FINE[1].replace(second=4, microsecond=0), None, None]


def test_beside_another_transform_no_digit_of_a_second_is_cut_in_a_two_way_column():
    default = Transform("default", "2026-01-01")
    seconds = Transform("seconds", 0)

    assert carried(FINE, default, seconds, kinds=(NAIVE, NAIVE)) == FINE
    assert carried(FINE, default, seconds, sign=">>", kinds=(NAIVE, NAIVE))[1].microsecond == 0


def test_a_time_zone_that_there_is_not_is_refused():
    zone = Transform("timezone", {"finops": "Europe/Atlantis", "dataverse": "UTC"})

    with pytest.raises(TransformError, match="there is no time zone 'Europe/Atlantis'"):
        carried([], zone, kinds=(NAIVE, INSTANT))


@pytest.mark.parametrize(
    ("rows", "pairs", "kinds", "expected"),
    [
        pytest.param(["No", "yes", None], [("no", False), ("yes", True)], (TEXT, YES_NO),
                     [False, True, None], id="the ERP writes No where the map has no"),
        pytest.param(["no", "No", "NO"], [("no", 1), ("No", 2)], (TEXT, WHOLE), [1, 2, None],
                     id="case decides where the map distinguishes case"),
        pytest.param([1, 0, 2], [(1, "one"), (0, "none")], (WHOLE, TEXT), ["one", "none", None],
                     id="numbers"),
        pytest.param([True, False], [(1, "on"), (0, "off")], (YES_NO, TEXT), ["on", "off"],
                     id="1 and 0 for booleans"),
        pytest.param([1, 0], [(True, "on"), (False, "off")], (WHOLE, TEXT), ["on", "off"],
                     id="true and false for numbers"),
        pytest.param([Decimal("3.0000"), Decimal("3.5")], [(3, "three")], (MONEY, TEXT),
                     ["three", None], id="a decimal that is whole"),
        pytest.param(["a", None, ""], [("a", 1), (None, 0)], (TEXT, WHOLE), [1, 0, 0],
                     id="null is listed, and a blank is no value"),
        pytest.param(["", None], [("", 5)], (TEXT, WHOLE), [5, None], id="a blank that is listed"),
        pytest.param(["none", "a"], [("none", None), ("a", 1)], (TEXT, WHOLE), [None, 1],
                     id="a value that the map makes null"),
        pytest.param(["a"], [], (TEXT, TEXT), [None], id="an empty map"),
    ],
)  # fmt: skip
def test_a_value_map(rows, pairs, kinds, expected):
    assert carried(rows, values(*pairs), sign=">>", kinds=kinds) == expected


@pytest.mark.parametrize(
    ("unmapped", "use", "expected"),
    [
        (Unmapped.REJECT, None, [1, None, None]),
        (Unmapped.PASS, None, [1, 7, None]),
        (Unmapped.USE, 9, [1, 9, None]),
    ],
    ids=["reject", "pass", "use"],
)
def test_what_is_not_listed(unmapped, use, expected):
    value_map = values(("a", 1), unmapped=unmapped, use=use)

    assert carried(["a", "7", None], value_map, sign=">>", kinds=(TEXT, WHOLE)) == expected


def test_a_value_map_goes_back_to_its_own_spelling():
    value_map = values(("no", 1), ("all", 2))
    kinds = (TEXT, WHOLE)

    assert carried([1, 2, 3], value_map, kinds=kinds, source=Side.DATAVERSE) == ["no", "all", None]


PAIRS = st.dictionaries(st.text("abcAB ", min_size=1, max_size=3), st.integers(-9, 9), max_size=5)


@settings(max_examples=50)
@given(pairs=PAIRS.filter(lambda pairs: len(set(pairs.values())) == len(pairs)))
def test_an_invertible_map_there_and_back_changes_nothing(pairs):
    value_map, keys = values(*pairs.items()), [*pairs, None]

    there = carried(keys, value_map, kinds=(TEXT, WHOLE))

    assert there == [*pairs.values(), None]
    assert carried(there, value_map, kinds=(TEXT, WHOLE), source=Side.DATAVERSE) == keys


@settings(max_examples=50)
@given(
    number=st.decimals(-(10**6), 10**6, places=4),
    digits=st.integers(0, 4),
    mode=st.sampled_from(["half_even", "half_up", "up", "down"]),
)
def test_rounding_is_pythons(number, digits, mode):
    step = Transform("round", {"digits": digits, "mode": mode})
    expected = number.quantize(Decimal(1).scaleb(-digits), f"ROUND_{mode.upper()}")

    assert carried([number], step, sign=">>", kinds=(MONEY, MONEY)) == [expected]


def test_a_function_of_the_users_own_goes_both_ways():
    pair = {
        "function": "tests.translate.functions:doubled",
        "inverse": "tests.translate.functions:halved",
    }
    python, kinds = Transform("python", pair), (WHOLE, WHOLE)

    assert carried([1, None], python, kinds=kinds) == [2, None]
    assert carried([2, None], python, kinds=kinds, source=Side.DATAVERSE) == [1, None]


def test_a_function_keeps_decimals_exact():
    money = [Decimal("1234567890123456.0001"), None]
    python = Transform("python", "tests.translate.functions:turned_twice")
    kinds = (MONEY, MONEY)

    assert carried(money, python, sign=">>", kinds=kinds) == money


def test_a_function_of_text():
    python = Transform("python", "tests.translate.functions:shouted")

    assert carried(["a", None], python, sign=">>") == ["A!", None]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("without_first", "gave 1 values for 2"),
        ("turned", "gave the rows back in another order"),
        ("listed", "gave a list, not a Series"),
        ("mixed", "gave values of more than one type"),
        ("broken", "raised KeyError"),
        ("missing", "cannot be imported"),
    ],
)
def test_a_wrong_function_is_refused_without_telling_values(function, reason):
    python = Transform("python", f"tests.translate.functions:{function}")

    with pytest.raises(TransformError) as caught:
        carried(["a", "b"], python, sign=">>")

    assert caught.value.reason == f"tests.translate.functions:{function} {reason}"
    assert "secret" not in str(caught.value)


def test_without_pandas_the_refusal_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(TransformError, match=r"pandas is not installed \(dualwrite\[pandas\]\)"):
        carried(["a"], Transform("python", "tests.translate.functions:shouted"), sign=">>")


def test_a_function_without_an_inverse_does_not_go_back():
    python = Transform("python", "tests.translate.functions:shouted")

    with pytest.raises(TransformError, match="it has no inverse to go dataverse->finops"):
        carried([], python, source=Side.DATAVERSE)


def test_a_mask_is_the_keyed_hash_of_the_canonical_text(monkeypatch):
    monkeypatch.setenv("MASK_KEY", "secret")
    monkeypatch.setenv("OTHER_KEY", "another")

    def masked(values, *, key="MASK_KEY", kind=TEXT, length=64):
        options = {"key": key, "length": length}
        return carried(values, Transform("mask", options), sign=">>", kinds=(kind, TEXT))

    expected = hmac.new(b"secret", "häg".encode(), "sha256").hexdigest()
    assert masked(["häg", None, "häg"]) == [expected, None, expected]
    assert masked(["häg"], length=16) == [expected[:16]]
    assert masked(["häg"], key="OTHER_KEY") != [expected]
    assert masked([7], kind=WHOLE) == masked(["7"])


def test_a_mask_without_its_key_is_refused_and_no_message_shows_the_key(monkeypatch):
    monkeypatch.delenv("MASK_KEY", raising=False)
    with pytest.raises(TransformError, match="variable MASK_KEY is not set"):
        carried(["a"], Transform("mask", {"key": "MASK_KEY"}), sign=">>")

    assert "secret" not in repr(Mask(b"secret", 64))
