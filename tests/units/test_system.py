"""Conversion of quantities: which conversion is used, how it is rounded, what is refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.exact import NotExactError
from dualwrite.units import NotConvertibleError, UnitClass, UnitSystem, convert
from tests.units.tables import conversions, one, system, units

UNITS = units(
    ("pcs*", "count"),
    ("box", "count", 2),
    ("case", "count", 3, "up"),
    ("pallet", "count", 1, "down"),
    ("kg*", "mass", 3),
    ("g", "mass"),
    ("lb", "mass", 2),
)
SIDEWAYS = (
    "the conversion from 'box' to 'pcs' is rounded 'sideways', which must be nearest, up or down"
)
NO_WAY = (
    "nothing converts 'pcs' to 'kg': between count and mass only the product's own "
    "conversion does, and it has none"
)
SHOP = system(
    UNITS,
    one("box>pcs", 4),
    one("case>box", 6),
    one("pallet>case", 10),
    one("kg>g", 1000),
    one("lb>kg", "0.45359237"),
    one("box>pcs", 12, product="P"),
    one("box>pcs", 16, product="P", variant="XL"),
    one("pcs>kg", "0.25", product="P"),
    one("g>pcs", numerator=1, denominator=3, product="Q"),
)


@pytest.mark.parametrize(
    ("quantity", "pair", "owner", "result"),
    [
        pytest.param(2, "box>pcs", (), 8, id="as entered"),
        pytest.param(6, "pcs>box", (), "1.5", id="the way back"),
        pytest.param(1, "pallet>pcs", (), 240, id="over others"),
        pytest.param(1, "g>lb", (), "0", id="back and on"),
        pytest.param(2, "box>pcs", ("P",), 24, id="product before standard"),
        pytest.param(2, "box>pcs", ("P", "XL"), 32, id="variant before product"),
        pytest.param(2, "box>pcs", ("P", "S"), 24, id="a variant without its own"),
        pytest.param(2, "box>pcs", ("Other",), 8, id="a product without its own"),
        pytest.param(1, "case>pcs", ("P",), 72, id="standard, then the product's"),
        pytest.param(8, "pcs>kg", ("P",), 2, id="between classes"),
        pytest.param(1, "box>g", ("P",), 3000, id="between classes and on"),
        pytest.param(1, "box>g", ("P", "XL"), 4000, id="between classes, by the variant"),
        pytest.param(1, "kg>pcs", ("Q",), 333, id="by a fraction"),
        pytest.param(1, "box>box", (), 1, id="the same unit"),
        pytest.param("1.005", "box>box", (), "1.01", id="the same unit has its decimals"),
        pytest.param(1, "pcs>case", (), "0.042", id="rounded up"),
        pytest.param(-1, "pcs>case", (), "-0.042", id="up is away from zero"),
        pytest.param(239, "pcs>pallet", (), "0.9", id="rounded down"),
        pytest.param(-239, "pcs>pallet", (), "-0.9", id="down is towards zero"),
        pytest.param(1, "pcs>box", ("P",), "0.08", id="rounded to the nearest"),
        pytest.param("-0.5", "pcs>pcs", (), -1, id="a half goes up"),
    ],
)
def test_a_quantity_is_converted(quantity, pair, owner, result):
    from_, to = pair.split(">")

    assert convert(Decimal(quantity), from_, to, *owner, system=SHOP) == Decimal(result)
    owners = [pa.array([each]) for each in owner]
    column = pa.array([Decimal(quantity)], pa.decimal128(38, 10))
    found = SHOP.convert(column, pa.array([from_]), to, *owners)
    assert found.values.to_pylist() == [Decimal(result)]
    assert found.reasons.to_pylist() == [None]


def test_the_rounding_of_a_conversion_overrides_that_of_the_unit():
    one_way = system(UNITS, one("pcs>case", "0.1", rounding="Down"))

    assert convert(Decimal("1.2345"), "pcs", "case", system=one_way) == Decimal("0.123")


def test_temperatures_have_offsets_on_both_sides():
    degrees = system(
        units(("K*", "temperature", 2), ("C", "temperature", 2), ("F", "temperature", 2)),
        one("C>K", outer_offset="273.15"),
        one("F>K", numerator=5, denominator=9, inner_offset="459.67"),
    )

    assert degrees.formula("F", "C").of(Fraction(212)) == 100
    assert degrees.formula("C", "F").of(Fraction(-40)) == -40
    found = degrees.convert(pa.array([32, -40, 451]), pa.array(["F"] * 3), "C")
    assert found.values.to_pylist() == [0, -40, Decimal("232.78")]


@pytest.mark.parametrize(
    ("pair", "product", "reason"),
    [
        ("tin>pcs", None, "there is no unit 'tin'"),
        ("pcs>tin", None, "there is no unit 'tin'"),
        (
            "pcs>kg",
            None,
            NO_WAY,
        ),
        (
            "pcs>kg",
            "R",
            NO_WAY,
        ),
    ],
)
def test_a_quantity_that_cannot_be_converted_has_a_reason(pair, product, reason):
    from_, to = pair.split(">")

    with pytest.raises(NotConvertibleError) as caught:
        convert(1, from_, to, product, system=SHOP)
    assert str(caught.value) == (
        f"{reason}. Nothing was computed.\n"
        "  Enter or correct the unit or the conversion in the ERP."
    )
    found = SHOP.convert(pa.array([1, None]), from_, to, product)
    assert found.values.to_pylist() == [None, None]
    assert found.reasons.to_pylist() == [reason, None]


def test_units_without_a_conversion_have_a_reason():
    lonely = system(units(("a", "c"), ("b", "c")))

    with pytest.raises(NotConvertibleError, match=r"^nothing converts 'a' to 'b'\. Nothing"):
        lonely.formula("a", "b")


def test_a_column_has_a_reason_for_each_row_that_is_not_converted():
    quantities = pa.array([Decimal(1), Decimal(2), Decimal(3), None, Decimal(5), Decimal(10) ** 37])

    found = SHOP.convert(
        quantities,
        pa.array(["box", "tin", None, "tin", "", "case"]),
        pa.array(["pcs", "pcs", "pcs", "pcs", "tin", "pcs"]),
    )

    assert found.values.to_pylist() == [4, None, None, None, None, None]
    assert found.reasons.to_pylist() == [
        None,
        "there is no unit 'tin'",
        "no unit is given",
        None,
        "no unit is given",
        "the converted quantity has more than 38 digits",
    ]


def test_a_quantity_that_would_come_back_different_has_a_reason_when_asked():
    kilos = pa.array([Decimal("1.234"), Decimal("1.001"), None], pa.decimal128(10, 3))

    one_way = SHOP.convert(kilos, "kg", "lb")
    both = SHOP.convert(kilos, "kg", "lb", both_ways=True)

    assert one_way.values.to_pylist() == [Decimal("2.72"), Decimal("2.21"), None]
    assert both.values.to_pylist() == [Decimal("2.72"), None, None]
    assert both.reasons.to_pylist() == [None, "it would come back as another quantity", None]
    assert both.returned.to_pylist() == [None, Decimal("1.002"), None]


def test_floats_are_refused_as_quantities():
    with pytest.raises(NotExactError):
        SHOP.convert(pa.array([0.5]), "box", "pcs")


def test_chunks_and_dictionaries_do_not_matter():
    column = pa.chunked_array([[1], [2, None]])
    names = pa.chunked_array([["box", "box"], ["box"]])

    assert SHOP.convert(column, names, "pcs").values.to_pylist() == [4, 8, None]
    codes = pa.array(["box", "box", "box"]).dictionary_encode()
    assert SHOP.convert(column, codes, "pcs").values.to_pylist() == [4, 8, None]
    assert len(SHOP.convert(pa.nulls(0), "box", "pcs").values) == 0


def test_a_class_knows_its_units():
    assert SHOP.classes["mass"] == UnitClass("mass", ("kg", "g", "lb"), base="kg", system=None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (one("box>pcs", 0), "the conversion from 'box' to 'pcs' has a factor of 0"),
        (one("box>pcs", "-1.5"), "the conversion from 'box' to 'pcs' has a factor of -1.5"),
        (
            one("box>pcs", 1, denominator=0),
            "the conversion from 'box' to 'pcs' has a denominator of 0",
        ),
        (
            one("box>pcs", 0, product="P"),
            "the conversion from 'box' to 'pcs' of product 'P' has a factor of 0",
        ),
        (
            one("pcs>kg", 2),
            "the conversion from 'pcs' to 'kg' converts count to mass, which needs a product",
        ),
        (
            one("box>pcs", 2, rounding="sideways"),
            SIDEWAYS,
        ),
    ],
)
def test_an_invalid_conversion_is_refused_without_a_detour(row, reason):
    """The standard box of 4 must not stand in for the product's broken one."""
    shop = system(
        UNITS,
        one("case>box", 6),
        one("kg>g", 1000),
        row,
        *([one("box>pcs", 4)] if "product" in row else []),
    )

    assert shop.problems.to_pylist() == [{"table": "conversions", "row": 2, "reason": reason}]
    with pytest.raises(NotConvertibleError) as caught:
        shop.formula(row["from"], row["to"], row.get("product"))
    assert caught.value.reason == reason
    assert shop.formula("case", "box").factor == 6


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (one("tin>pcs", 2), "there is no unit 'tin'"),
        (one("box>tin", 2), "there is no unit 'tin'"),
        ({"from": None, "to": "pcs"}, "no unit is given"),
        (one("box>pcs", 2, variant="XL"), "variant 'XL' is given without a product"),
        (one("box>box", 2), "the conversion from 'box' to 'box' converts a unit to itself"),
    ],
)
def test_a_conversion_of_unknown_or_equal_units_is_reported(row, reason):
    shop = system(UNITS, one("kg>g", 1000), row)

    assert shop.problems.to_pylist() == [{"table": "conversions", "row": 1, "reason": reason}]
    assert shop.formula("kg", "g").factor == 1000


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("pcs", "count"), "unit 'pcs' is listed twice"),
        (("tin", "count", 13), "decimals must be 0 to 12 and is 13"),
        (("tin", "count", 0, "sideways"), "rounding must be nearest, up or down and is 'sideways'"),
        (("tin", ""), "symbol and class must both be given"),
        (("tin*", "count"), "class 'count' has a base unit already: 'pcs'"),
    ],
)
def test_an_invalid_unit_is_refused(more, reason):
    shop = system(pa.concat_tables([UNITS, units(more)]), one("tin>box", 1), one("pcs>box", 2))

    assert shop.problems.slice(0, 1).to_pylist() == [{"table": "units", "row": 7, "reason": reason}]
    symbol = more[0].rstrip("*")
    if "base unit" in reason:
        assert shop.formula("tin", "box").factor == 1
    else:
        with pytest.raises(NotConvertibleError) as caught:
            shop.formula(symbol, "box")
        assert caught.value.reason == reason


def test_a_contradictory_cycle_is_refused_as_a_whole_and_no_more():
    shop = system(
        UNITS,
        one("box>pcs", 4),
        one("case>box", 6),
        one("case>pcs", 25),
        one("pallet>case", 10),
        one("kg>g", 1000),
    )

    reason = (
        "the conversions between 'case' and 'box' disagree: 1 case is 6 box by one path "
        "and 6.25 box by another"
    )
    assert {each["row"] for each in shop.problems.to_pylist()} == {0, 1, 2}
    assert set(shop.problems["reason"].to_pylist()) == {reason}
    for pair in ("box>pcs", "case>pcs", "box>case", "pallet>pcs"):
        with pytest.raises(NotConvertibleError, match="disagree"):
            shop.formula(*pair.split(">"))
    assert shop.formula("pallet", "case").factor == 10
    assert shop.formula("kg", "g").factor == 1000


def test_what_is_refused_does_not_depend_on_the_order_of_the_rows():
    """Two circles share a conversion; which of them is met first must not matter."""
    said = {
        "box>pcs": one("box>pcs", 4),
        "case>box": one("case>box", 6),
        "case>pcs": one("case>pcs", 25),
        "pallet>case": one("pallet>case", 10),
        "pallet>pcs": one("pallet>pcs", 240),
    }

    refused = set()
    for order in permutations(said):
        shop = system(UNITS, *(said[name] for name in order))
        problems = shop.problems.to_pylist()
        refused.add(frozenset((order[each["row"]], each["reason"]) for each in problems))

    assert len(refused) == 1


def test_a_conversion_entered_in_both_directions_must_be_its_own_inverse():
    good = system(UNITS, one("box>pcs", 4), one("pcs>box", "0.25"))
    bad = system(UNITS, one("lb>kg", "0.45359237"), one("kg>lb", "2.2046226218"))

    assert good.problems.num_rows == 0
    assert bad.problems.num_rows == 2
    assert bad.problems["reason"][0].as_py() == (
        "the conversions between 'lb' and 'kg' disagree: 1 lb is 0.45359237 kg by one path "
        "and 0.4535923700100354 kg by another"
    )


def test_a_product_may_override_a_standard_conversion():
    assert SHOP.problems.num_rows == 0


def test_a_contradictory_cycle_of_a_product_is_refused_too():
    shop = system(
        UNITS,
        one("box>pcs", 12, product="P"),
        one("case>box", 6, product="P"),
        one("case>pcs", 70, product="P"),
        one("box>pcs", 4),
    )

    assert set(shop.problems["row"].to_pylist()) == {0, 1, 2}
    assert shop.formula("box", "pcs").factor == 4
    with pytest.raises(NotConvertibleError, match="disagree"):
        shop.formula("box", "pcs", "P")


def test_a_conversion_of_too_many_digits_has_a_reason():
    long = "9" * 37
    shop = system(
        units(("a", "c"), ("b", "c"), ("d", "c")),
        {"from": "a", "to": "b", "numerator": long, "denominator": 7},
        {"from": "b", "to": "d", "numerator": long, "denominator": 11},
    )

    found = shop.convert(pa.array([1]), "a", "d")
    assert found.reasons.to_pylist() == ["the conversion from 'a' to 'd' has too many digits"]


FACTORS = st.fractions(Fraction(1, 1000), 1000, max_denominator=1000)
SYMBOLS = ["u0", "u1", "u2", "u3", "u4"]


@settings(max_examples=50)
@given(
    factors=st.lists(FACTORS, min_size=5, max_size=5),
    rows=st.lists(
        st.tuples(
            st.none() | st.decimals(-(10**12), 10**12, places=4),
            st.sampled_from(SYMBOLS),
            st.sampled_from(SYMBOLS),
        ),
        min_size=1,
        max_size=8,
    ),
    decimals=st.lists(st.integers(0, 6), min_size=5, max_size=5),
    rounding=st.sampled_from(["nearest", "up", "down"]),
)
def test_a_chain_is_exact_and_rounded_once(factors, rows, decimals, rounding):
    """Each unit is told by the one before it; fractions are the oracle."""
    chain = system(
        units(*((u, "c", d, rounding) for u, d in zip(SYMBOLS, decimals, strict=True))),
        *(
            {"from": to, "to": from_, "numerator": f.numerator, "denominator": f.denominator}
            for from_, to, f in zip(SYMBOLS, SYMBOLS[1:], factors[1:], strict=False)
        ),
    )
    worth = [Fraction(1)]
    for factor in factors[1:]:
        worth.append(worth[-1] * factor)

    found = chain.convert(
        pa.array([row[0] for row in rows], pa.decimal128(38, 4)),
        pa.array([row[1] for row in rows]),
        pa.array([row[2] for row in rows]),
    )

    def expected(quantity, from_, to):
        if quantity is None:
            return None
        ratio = worth[SYMBOLS.index(from_)] / worth[SYMBOLS.index(to)]
        digits = decimals[SYMBOLS.index(to)]
        whole, rest = divmod(abs(Fraction(quantity) * ratio * 10**digits), 1)
        away = {"nearest": rest >= Fraction(1, 2), "up": rest > 0, "down": False}[rounding]
        return Decimal((int(whole) + away) * (-1 if quantity < 0 else 1)).scaleb(-digits)

    assert found.values.to_pylist() == [expected(*row) for row in rows]


@settings(max_examples=50)
@given(
    quantities=st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=5),
    per=st.integers(1, 1000),
)
def test_a_round_trip_is_exact_where_the_unit_has_enough_places(quantities, per):
    """So many to a box: back from pieces of enough decimals it is the same number of boxes."""
    shop = system(units(("pcs*", "c", 2), ("box", "c", 2)), one("box>pcs", per))
    boxes = pa.array(quantities, pa.decimal128(38, 2))

    found = shop.convert(boxes, "box", "pcs", both_ways=True)

    assert found.reasons.null_count == len(quantities)
    assert shop.convert(found.values, "pcs", "box").values.to_pylist() == quantities


@settings(max_examples=50)
@given(
    quantities=st.lists(st.decimals(-(10**6), 10**6, places=3), min_size=1, max_size=5),
    factor=FACTORS,
)
def test_a_round_trip_is_within_the_precision_of_the_other_unit(quantities, factor):
    shop = system(
        units(("a", "c", 3), ("b", "c", 3)),
        {"from": "a", "to": "b", "numerator": factor.numerator, "denominator": factor.denominator},
    )

    there = shop.convert(pa.array(quantities, pa.decimal128(38, 3)), "a", "b").values
    back = shop.convert(there, "b", "a").values

    # half a thousandth of b, told in a, and half a thousandth of a for its own rounding
    most = Fraction(1, 2000) / factor + Fraction(1, 2000)
    for before, after in zip(quantities, back.to_pylist(), strict=True):
        assert abs(Fraction(before) - Fraction(after)) <= most


def test_floats_in_master_data_are_refused():
    table = conversions(one("box>pcs", 4)).drop_columns("factor")
    with pytest.raises(NotExactError):
        UnitSystem.from_tables(UNITS, table.append_column("factor", pa.array([4.0])))
