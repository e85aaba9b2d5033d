"""The rule over quantities reads what the conversion left beside them."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from dualwrite.rules.quantities import QuantityConverts
from tests.rules.gate import failing, reasons
from tests.units.tables import one, system, units

SHOP = system(
    units(("pcs*", "count"), ("box", "count", 2), ("kg*", "mass", 3), ("lb", "mass", 2)),
    one("box>pcs", 4),
    one("lb>kg", "0.45359237"),
)
RULE = QuantityConverts(
    source="source:QTY", problem="unit:quantity", unit="source:UNIT", returned="back:quantity"
)


def converted(*rows, to="pcs"):
    """The gate table as the translation lays it out."""
    source = pa.array(
        [None if row[0] is None else Decimal(row[0]) for row in rows], pa.decimal128(20, 3)
    )
    symbols = pa.array([row[1] for row in rows], pa.string())
    found = SHOP.convert(source, symbols, to, both_ways=True)
    return pa.table(
        {
            "source:QTY": source,
            "source:UNIT": symbols,
            "quantity": found.values,
            "unit:quantity": found.reasons,
            "back:quantity": found.returned,
        }
    )


def test_a_quantity_that_converts_passes_and_another_is_reported():
    table = converted(("2", "box"), ("2", "tin"), ("2", None), (None, "tin"), ("2", "kg"))

    assert failing(RULE, table) == [False, True, True, False, True]
    assert reasons(RULE, table) == [
        "QTY is 2 tin: there is no unit 'tin'",
        "QTY is 2: no unit is given",
        (
            "QTY is 2 kg: nothing converts 'kg' to 'pcs': between mass and count only the "
            "product's own conversion does, and it has none"
        ),
    ]


def test_a_quantity_that_would_come_back_changed_is_reported_with_both_values():
    table = converted(("1.234", "kg"), ("1.001", "kg"), to="lb")

    assert reasons(RULE, table) == [
        "QTY is 1.001 kg: it would come back as another quantity, 1.002"
    ]


def test_one_unit_may_be_given_for_the_column():
    rule = QuantityConverts(source="source:QTY", problem="unit:quantity", symbol="tin")

    assert reasons(rule, converted(("2", "tin"))) == ["QTY is 2 tin: there is no unit 'tin'"]
    assert rule.cure == "correct the unit in the map, or enter its conversion in the ERP"
    assert RULE.cure == "correct the unit in UNIT, or enter its conversion in the ERP"


def test_the_rule_can_be_written_down_and_made_again():
    assert QuantityConverts.from_kwargs(RULE.to_kwargs()) == RULE
    assert set(RULE.columns) == {"source:QTY", "unit:quantity", "source:UNIT", "back:quantity"}
