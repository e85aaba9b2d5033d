"""Checksums of both sides: rows that are the same need no second look, all others get one."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.sync.reconcile import checksums, reconcile
from dualwrite.sync.reconcile.checksums import _hashes
from dualwrite.translate.compare import differs
from tests.sync.world import D, F, World, cust, customer

KINDS = (
    pa.string(), pa.decimal128(10, 2), pa.decimal128(20, 6), pa.int64(), pa.bool_(),
    pa.float64(), pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"),
)  # fmt: skip
VALUES = {
    pa.string(): ["", "a", "a\x1fb", "1:a", "\x00"],
    pa.int64(): [0, 1, 10],
    pa.bool_(): [True, False],
    pa.float64(): [0.0, 1.5, float("nan"), float("inf")],
}


def of(kind: pa.DataType) -> st.SearchStrategy[object]:
    """Values of a kind, null among them."""
    if pa.types.is_decimal(kind):
        values = [Decimal(0), Decimal("1.5"), Decimal("-1.50")]
    elif pa.types.is_temporal(kind):
        values = [0, 1, 86_400_000_000] if pa.types.is_timestamp(kind) else [0, 1]
    else:
        values = VALUES[kind]
    return st.sampled_from([None, *values])


def hashed(*columns: pa.Array) -> list[int]:
    return _hashes(list(columns), len(columns[0])).tolist()


@settings(max_examples=200)
@given(st.data())
def test_numbers_are_equal_where_values_are(data: st.DataObject) -> None:
    """As `differs` sees it, whatever the digits and the zone."""
    left, right = (
        data.draw(st.sampled_from([k for k in KINDS if k.id == kind.id]))
        for kind in [data.draw(st.sampled_from(KINDS))] * 2
    )
    ours, theirs = (pa.array([data.draw(of(kind))], kind) for kind in (left, right))
    same = hashed(ours) == hashed(theirs)
    assert same != differs(ours, theirs)[0].as_py()


def test_what_a_text_holds_cannot_pass_for_the_next_column() -> None:
    left = hashed(pa.array(["a\x1f1:b"]), pa.array([""]))
    assert left != hashed(pa.array(["a"]), pa.array(["b"]))


def test_sides_that_are_equal_are_read_once_and_never_by_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(F, "Cust", *(cust(f"C{n}", "one") for n in range(5)))
    world.run()

    def never(*_: object) -> None:
        raise AssertionError("a row was looked up")

    monkeypatch.setattr(reconcile, "counterparts", never)
    assert world.reconcile().same == 5


def test_few_ranges_and_many_find_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(F, "Cust", *(cust(f"C{n}", "one") for n in range(9)))
    world.run()
    for side, table, row in (
        (F, "Cust", cust("C1", "of finops")),
        (F, "Cust", cust("N1", "new")),
        (D, "customer", customer("C2", "of dataverse")),
        (D, "customer", customer("N2", "new")),
    ):
        world.put(side, table, row)
    world.lose_queues()
    many = world.reconcile().as_dict()

    monkeypatch.setattr(checksums, "RANGES", 1)
    assert world.reconcile().as_dict() == many
    assert (many["same"], many["differ"], many["only_finops"], many["only_dataverse"]) == (
        7, 2, 1, 1,
    )  # fmt: skip
