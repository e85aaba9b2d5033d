"""Lookups decide which map needs which; circles are opened where a column may wait."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.tablemap.dependencies import CircleError, order, related
from dualwrite.tablemap.schema import Reference
from tests.tablemap.samples import made

ACCOUNTS = "accounts"


def a_map(name, lookups=(), *, key="id", sign="=", extra=""):
    """Fills the table of its own name on both sides; `lookups` are tables it points at."""
    lines = "".join(f"  - TO{t.upper()} {sign} to{t}.id\n" for t in lookups)
    text = (
        f"map: {name}\ntitle: M\n"
        f"finops: {{table: F{name}, key: [ID]}}\n"
        f"dataverse: {{table: {name}, key: [{key}]}}\n"
        f"columns:\n  - ID = {key}\n{lines}{extra}"
    )
    return made(text, name)


def reference_of(side, table, column):
    is_lookup = side is Side.DATAVERSE and column.startswith("to")
    return Reference(column.removeprefix("to"), "id") if is_lookup else None


def test_what_is_pointed_at_comes_first():
    maps = [a_map("orders", ["accounts", "units"]), a_map("accounts", ["units"]), a_map("units")]

    found = order(maps, reference_of)

    assert found.levels == (("units",), ("accounts",), ("orders",))
    assert found.sequence == ("units", "accounts", "orders")
    assert found.deferred == {}
    assert found.why("orders") == (
        "orders after accounts: dataverse toaccounts points at accounts",
        "orders after units: dataverse tounits points at units",
    )


def test_a_lookup_into_a_table_that_no_map_fills_is_no_dependency():
    found = order([a_map("orders", ["elsewhere"])], reference_of)

    assert found.sequence == ("orders",)
    assert found.needs == ()


def test_a_lookup_that_is_only_read_is_no_dependency():
    """Going to finops, the dataverse lookup is followed and not written."""
    maps = [a_map("a", ["b"], sign="<"), a_map("b")]

    assert order(maps, reference_of).needs == ()


def test_a_table_that_points_at_itself_is_filled_in_later():
    found = order([a_map("accounts", ["accounts"])], reference_of)

    assert found.sequence == ("accounts",)
    assert found.deferred == {"accounts": {(Side.DATAVERSE, "toaccounts")}}
    assert found.why("accounts") == (
        (
            "accounts after accounts: dataverse toaccounts points at accounts, "
            "filled in by a second pass"
        ),
    )


def test_a_circle_is_loosened_at_a_column_that_may_be_null():
    maps = [a_map("a", ["b"]), a_map("b", ["a"])]

    found = order(maps, reference_of, lambda _side, table, _column: table == "b")

    assert found.sequence == ("b", "a")
    assert found.deferred == {"b": {(Side.DATAVERSE, "toa")}}


def test_a_key_column_never_waits():
    maps = [a_map("a", key="tob.id"), a_map("b", ["a"])]

    assert order(maps, reference_of).deferred == {"b": {(Side.DATAVERSE, "toa")}}


def test_a_circle_that_nothing_may_loosen_is_refused():
    maps = [a_map("a", ["b"]), a_map("b", extra="depends_on: [a]\n")]

    with pytest.raises(CircleError) as refused:
        order(maps, reference_of, lambda *_: False)

    assert str(refused.value) == (
        "a, b: the maps wait for each other. Nothing was written.\n"
        "  b after a: it has depends_on\n"
        "  a after b: dataverse tob points at b\n"
        "  Let one of these columns be null, or take a depends_on away."
    )


def test_depends_on_adds_what_no_lookup_shows():
    maps = [a_map("a", extra="depends_on: [z, gone]\n"), a_map("z")]

    assert order(maps, reference_of).sequence == ("z", "a")


def test_a_polymorphic_lookup_needs_every_table_it_may_point_at():
    orders = a_map("orders", extra="  - CUSTOMER = customerid.Account(id).Contact(id)\n")

    found = order([orders, a_map("account"), a_map("contact")], reference_of)

    assert found.levels == (("account", "contact"), ("orders",))


def test_references_of_the_map_itself_count():
    text = (
        "map: m\ntitle: M\nfinops: {table: F, key: [ID]}\n"
        "dataverse: {table: m, key: [id], lookups: {parent: z}}\n"
        "columns:\n  - ID = id\n  - PARENT = parent.id\n"
    )

    assert order([made(text), a_map("z")], reference_of).sequence == ("z", "m")


def test_related_maps_are_all_that_are_needed():
    maps = [
        a_map("orders", ["accounts"]),
        a_map("accounts", ["units"]),
        a_map("units"),
        a_map("vendors", ["units"]),
    ]

    assert related(["orders"], maps, reference_of) == ("accounts", "orders", "units")


names = ["a", "b", "c", "d", "e"]
links = st.sets(st.sampled_from([*itertools.product(names, names)]), max_size=12)


@given(links=links)
def test_any_maps_have_an_order_that_heeds_all_but_the_deferred(links):
    maps = [a_map(name, sorted(to for of, to in links if of == name)) for name in names]

    found = order(maps, reference_of)

    assert sorted(found.sequence) == names
    place = {name: position for position, name in enumerate(found.sequence)}
    for of, to in links:
        waits = (Side.DATAVERSE, f"to{to}") in found.deferred.get(of, ())
        assert waits or place[to] < place[of]
    assert order(reversed(maps), reference_of) == found


@given(links=links)
def test_nothing_is_deferred_without_a_circle(links):
    downward = [(of, to) for of, to in links if of < to]
    maps = [a_map(name, sorted(to for of, to in downward if of == name)) for name in names]

    assert order(maps, reference_of).deferred == {}
