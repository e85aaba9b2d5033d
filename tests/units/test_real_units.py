"""73 real conversions, in both directions and combined."""

from __future__ import annotations

import csv
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest

from tests.real.data import data_folder, read
from tests.units.tables import system, units

OFFSETS = {
    "degree_Celsius": {"outer_offset": "273.15"},
    "degree_Fahrenheit": {"inner_offset": "459.67"},
}


@pytest.fixture(scope="module")
def listed():
    path = data_folder() / "iso-units-currencies" / "unit_conversions.csv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def everything(listed):
    return system(
        units(
            *(
                (row["unit"] + "*" * (row["unit"] == row["base_unit"]), row["unit_class"], 12)
                for row in listed
            )
        ),
        *(
            {
                "from": row["unit"],
                "to": row["base_unit"],
                "numerator": row["numerator"],
                "denominator": row["denominator"],
                **OFFSETS.get(row["unit"], {}),
            }
            for row in listed
            if row["unit"] != row["base_unit"]
        ),
    )


def test_all_73_real_conversions_are_accepted(listed, everything):
    assert len(listed) == 73
    assert everything.problems.num_rows == 0


def test_each_unit_converts_exactly_to_its_base_unit_and_back(listed, everything):
    for row in listed:
        ratio = Fraction(int(row["numerator"]), int(row["denominator"]))
        there = everything.formula(row["unit"], row["base_unit"])
        back = everything.formula(row["base_unit"], row["unit"])

        assert there.factor == ratio
        assert abs(there.offset - Fraction(row["offset_to_base"])) < Fraction(1, 10**36)
        assert there.then(back).of(Fraction(355, 113)) == Fraction(355, 113)


def test_conversions_within_a_class_agree_with_python(listed, everything):
    pairs = [
        (one, other)
        for one in listed
        for other in listed
        if one["unit_class"] == other["unit_class"]
    ]

    found = everything.convert(
        pa.array([Decimal("12.5")] * len(pairs)),
        pa.array([one["unit"] for one, _ in pairs]),
        pa.array([other["unit"] for _, other in pairs]),
    )

    assert found.reasons.null_count == len(pairs)
    for (one, other), value in zip(pairs, found.values.to_pylist(), strict=True):
        exact = everything.formula(one["unit"], other["unit"]).of(Fraction("12.5"))
        assert abs(Fraction(value) - exact) <= Fraction(1, 2 * 10**12)


def test_a_factor_that_is_not_a_finite_decimal_is_exact(everything):
    assert everything.formula("degree_Fahrenheit", "degree_Celsius").of(Fraction(451)) == Fraction(
        2095, 9
    )
    assert everything.formula("foot", "inch").factor == 12


def test_padded_symbols_are_unknown_until_they_are_trimmed():
    """AdventureWorks pads its unit codes: a map trims them, nothing guesses."""
    codes = read(data_folder() / "adventureworks", "Production.UnitMeasure")["UnitMeasureCode"]
    trimmed = {code.strip(): code for code in codes.to_pylist()}
    shop = system(
        units(("EA*", "count"), ("DZ", "count")), {"from": "DZ", "to": "EA", "factor": 12}
    )

    found = shop.convert(pa.array([1, 1]), pa.array(["DZ", trimmed["DZ"]]), "EA")
    assert found.values.to_pylist() == [12, None]
    assert found.reasons.to_pylist() == [None, "there is no unit 'DZ '"]
