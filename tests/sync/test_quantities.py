"""Quantities in the unit that each side wants, there and back; units as the ERP keeps them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dualwrite.sync.session import measures
from dualwrite.tablemap.findings import MapError
from tests.sync.stock import D, F, line


def test_boxes_cross_as_pieces_and_pieces_come_back_as_boxes(stock):
    stock.put(F, "Line", line("1", "2"), line("2", "7", "pcs"), line("3"))
    stock.run()

    assert stock.rows(D, "id", "quantity", "unit") == [
        ("1", Decimal("24.00"), "box"),
        ("2", Decimal("7.00"), "pcs"),
        ("3", None, "box"),
    ]
    assert stock.unexplained() == 0

    stock.put(D, "line", {"id": "1", "quantity": Decimal(60)}, {"id": "3", "quantity": Decimal(12)})
    stock.cycle()

    assert stock.rows(F, "ID", "QTY") == [
        ("1", Decimal("5.0000")),
        ("2", Decimal("7.0000")),
        ("3", Decimal("1.0000")),
    ]
    assert stock.held() == []
    assert stock.unexplained() == 0


def test_a_converted_value_that_comes_back_is_no_change(stock):
    stock.put(F, "Line", line("1", "2"))
    stock.run()

    stock.put(D, "line", {"id": "1", "item": "A"})
    counts = stock.cycle().counts

    assert stock.rows(F, "ID", "QTY", "ITEM") == [("1", Decimal("2.0000"), "A")]
    assert counts[D.direction].written == 1
    assert stock.cycle().counts == {}
    assert stock.run(initial_sync=True).counts[F.direction].written == 0


def test_a_change_of_the_unit_alone_is_a_change_of_the_quantity(stock):
    stock.put(F, "Line", line("1", "2"))
    stock.run()

    stock.put(F, "Line", {"ID": "1", "UNIT": "pcs"})
    stock.cycle()

    assert stock.rows(D, "quantity", "unit") == [(Decimal("2.00"), "pcs")]


def test_a_conversion_of_the_product_goes_before_the_standard_one(stock):
    stock.conversion("box", "pcs", "4", product="A")
    stock.put(F, "Line", line("1", "2", ITEM="A"), line("2", "2", ITEM="B"))

    stock.run()

    assert [row[1] for row in stock.rows(D, "id", "quantity")] == [Decimal(8), Decimal(24)]


def test_each_side_may_have_its_own_column_and_one_unit_needs_no_conversion(stock):
    stock.change(("{unit: {finops: UNIT, dataverse: pcs}, product: ITEM}", "{unit: unit}"))
    stock.put(F, "Line", line("1", "1.25"), line("2", "1", "tin"), line("3", "1", ""))

    stock.run()

    assert stock.rows(D, "id", "quantity") == [("1", Decimal("1.25"))]
    assert stock.held() == [
        ("2", "quantity_converts", "QTY is 1 tin: there is no unit 'tin'"),
        ("3", "quantity_converts", "QTY is 1: no unit is given"),
    ]


def test_the_transform_of_a_line_converts_the_same(stock):
    stock.change(
        ("QTY = quantity", "QTY >< quantity: {unit: {finops: box, dataverse: pcs}}"),
        ("quantity: {QTY: {unit: {finops: UNIT, dataverse: pcs}, product: ITEM}}\n", ""),
    )
    stock.put(F, "Line", line("1", "2", "whatever"))

    stock.run()
    stock.put(D, "line", {"id": "1", "quantity": Decimal(36)})
    stock.cycle()

    assert stock.rows(D, "quantity") == [(Decimal(36),)]
    assert stock.rows(F, "QTY") == [(Decimal(3),)]


def test_a_quantity_that_cannot_come_back_is_held_with_both_values_and_its_cure(stock):
    stock.put(F, "Line", line("1", "1"))
    stock.run()

    stock.put(D, "line", {"id": "1", "quantity": Decimal(13)})
    stock.cycle()

    assert stock.held() == [
        (
            "1",
            "quantity_converts",
            "quantity is 13 pcs: it would come back as another quantity, 12",
        )
    ]
    (held,) = stock.journal.held.rejected("lines")
    assert held.cure == "correct the unit in the map, or enter its conversion in the ERP"
    assert stock.rows(F, "QTY") == [(Decimal(1),)]

    stock.put(D, "line", {"id": "1", "quantity": Decimal(24)})
    stock.cycle()

    assert stock.held() == []
    assert stock.rows(F, "QTY") == [(Decimal(2),)]


def test_an_erp_without_units_has_the_standard_ones(new_stock):
    stock = new_stock(units=False)
    stock.put(F, "Line", line("1", "2", "dz"), line("2", "2", "box"))

    stock.run()

    assert stock.rows(D, "id", "quantity") == [("1", Decimal(24))]
    assert [row[2] for row in stock.held()] == ["QTY is 2 box: there is no unit 'box'"]


def test_a_worker_that_stays_sees_a_new_conversion_after_a_while(stock, monkeypatch):
    stock.put(F, "Line", line("1", "1", "kg"))
    stock.run()
    assert len(stock.held()) == 1
    stock.conversion("kg", "pcs", "3", product="A")

    stock.put(F, "Line", {"ID": "1", "ITEM": "A"})
    stock.cycle()
    assert len(stock.held()) == 1

    monkeypatch.setattr(measures.time, "monotonic", lambda: float("inf"))
    stock.put(F, "Line", {"ID": "1", "QTY": Decimal(2)})
    stock.cycle()

    assert stock.held() == []
    assert stock.rows(D, "quantity") == [(Decimal(6),)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{QTY: {unit: UNIT}, COUNT: {unit: UNIT}}",
            (
                "14: DW1130 quantity: COUNT is not on the map\n"
                "  did you mean 'UNIT'? known: CURRENCY, ID, ITEM, PRICE, QTY, UNIT, currency, id, "
                "item, price, quantity, unit"
            ),
        ),
        (
            "{QTY: {unit: UNIT, product: ITEMS}}",
            (
                "10: DW1130 QTY = quantity: product: ITEMS is not on the map\n"
                "  did you mean 'ITEM'? known: CURRENCY, ID, ITEM, PRICE, QTY, UNIT, currency, id, "
                "item, price, quantity, unit"
            ),
        ),
        (
            "{QTY: {unit: COMPANY}}",
            (
                "10: DW1130 QTY = quantity: unit of finops: COMPANY is not on the map\n"
                "  map the column, so that a change of it is noticed"
            ),
        ),
        (
            "{QTY: {}}",
            "14: DW1103 quantity: QTY: `unit:` is missing\n  add `unit:`",
        ),
        (
            "{QTY: {unit: {finops: UNIT}}}",
            "14: DW1103 quantity: QTY: unit: `dataverse:` is missing\n  add `dataverse:`",
        ),
        (
            "{QTY: {unit: [UNIT]}}",
            (
                "14: DW1102 quantity: QTY: unit: neither a unit nor one for each side\n"
                "  write it as unit: COLUMN or unit: {finops: COLUMN, dataverse: pcs}"
            ),
        ),
        (
            "{QTY: {unit: UNIT, scale: 2}}",
            (
                "14: DW1101 quantity: QTY: there is no word 'scale' here\n"
                "  known: product, unit, variant"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_quantity_is_reported_with_its_line(stock, text, message):
    stock.change(("{QTY: {unit: {finops: UNIT, dataverse: pcs}, product: ITEM}}", text))

    with pytest.raises(MapError) as caught:
        stock.run()

    assert [str(each).rpartition("lines.yaml:")[2] for each in caught.value.findings] == [message]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            ("QTY = quantity", "QTY >< quantity: {default: 0}"),
            (
                "QTY >< quantity: a quantity is converted unchanged, but `default` is "
                "applied to it too\n  take `default` out"
            ),
        ),
        (
            ("UNIT = unit", "UNIT >< unit: {trim: true}"),
            (
                "QTY = quantity: unit of finops: UNIT goes through `trim`\n"
                "  carry it as it is: units and products have one name on both sides"
            ),
        ),
        (
            ("UNIT = unit", "UNIT << none: {default: box}"),
            (
                "QTY = quantity: unit of finops: UNIT cannot be read on dataverse\n"
                "  name the dataverse column in UNIT << none"
            ),
        ),
    ],
)
def test_a_column_that_cannot_hold_a_quantity_is_reported(stock, column, message):
    stock.change(column)

    with pytest.raises(MapError) as caught:
        stock.run()

    messages = [str(each).partition(" DW1130 ")[2] for each in caught.value.findings]
    assert message in messages
