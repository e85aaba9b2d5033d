"""Columns of dataverse are widened, what waited for it crosses, and it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dualwrite.journal.records import MapStatus
from dualwrite.sync.decimals import widening
from dualwrite.sync.decimals.decimals import Change, narrowing
from dualwrite.sync.decimals.decimals import widening as look
from dualwrite.sync.decimals.widening import InitializingError, finish_begun, redeclare
from dualwrite.sync.health.problems import problems
from dualwrite.sync.mapstate import mapstate
from tests.sync.world import TO_D, D, F, World, cust

FINE = Decimal("10.0051")


class Killed(BaseException):
    """The process ends here."""


def kind(world: World) -> Any:
    return world.session.apps[D].schema("customer").columns["credit"].type


def looked(world: World, **asked: Any) -> list[tuple[str, str, int, int, int, str]]:
    found = look(world.open(), ["customers"], **asked)
    return [(c.column, str(c.to.scale), c.rows, c.still, c.rejected, c.refused) for c in found]


def widen(world: World) -> widening.Redeclared:
    return redeclare(world.open(), look(world.open(), ["customers"], to=4))


def back(world: World) -> list[Change]:
    return narrowing(world.open(), ["customers"])


def amounts(world: World) -> list[Any]:
    return [amount for _, amount in world.rows(D, "customer", "accountnumber", "credit")]


@pytest.fixture
def waiting(every_world: World) -> World:
    """The digits of C1 find no room; C2 is across."""
    world = every_world
    world.put(F, "Cust", cust("C1", CREDIT=FINE), cust("C2", CREDIT=Decimal("20.25")))
    world.run()
    assert world.causes("customers") == [(TO_D, "C1", "scale")]
    return world


def test_a_row_that_waited_for_digits_crosses_once_they_are_there(waiting: World) -> None:
    world = waiting
    assert looked(world, to=4) == [("credit", "4", 1, 0, 1, "")]
    assert looked(world, to=3) == [("credit", "3", 1, 1, 1, "")]
    assert looked(world, to=2) == []

    done = widen(world)

    assert kind(world) == pa.decimal128(20, 4)
    assert [each.counts.written for each in done.retried] == [1]
    assert amounts(world) == [FINE, Decimal("20.25")]
    assert world.held("customers") == []
    assert world.status() is MapStatus.RUNNING
    assert looked(world, to=4) == []
    assert world.unexplained() == {}


def test_a_widened_column_is_no_fault_of_the_capture(waiting: World) -> None:
    world = waiting
    widen(world)

    world.put(F, "Cust", cust("C2", CREDIT=FINE))
    world.cycle_until_done()

    assert amounts(world) == [FINE, FINE]
    for record in world.session.journal.maps.all():
        assert problems(world.session, record) == []


def test_what_was_widened_can_be_taken_back_once_no_digit_is_lost(waiting: World) -> None:
    world = waiting
    assert back(world) == []
    widen(world)

    [found] = back(world)

    assert (found.to, found.rows) == (pa.decimal128(18, 2), 1)
    assert [dict(key) for key in found.keys] == [{"company.code": "USMF", "accountnumber": "C1"}]
    assert redeclare(world.open(), [found], undo=True).changes == ()
    assert kind(world) == pa.decimal128(20, 4)

    world.put(F, "Cust", cust("C1", CREDIT=Decimal("10.5")))
    world.cycle_until_done()
    redeclare(world.open(), back(world), undo=True)

    assert kind(world) == pa.decimal128(18, 2)
    assert amounts(world) == [Decimal("10.50"), Decimal("20.25")]
    assert back(world) == []


def test_what_was_widened_twice_goes_back_step_by_step(world: World) -> None:
    world.run()
    for digits in (4, 6):
        redeclare(world.open(), look(world.open(), ["customers"], to=digits))

    redeclare(world.open(), back(world), undo=True)
    assert kind(world) == pa.decimal128(20, 4)
    redeclare(world.open(), back(world), undo=True)
    assert kind(world) == pa.decimal128(18, 2)


def test_digits_that_were_rounded_away_cross_once_there_is_room(every_world: World) -> None:
    """Else the rounded value would look like dataverse's own, and come back one day."""
    world = every_world
    rounding = "money: {CREDIT: {precision: {round: half_even}}}\ncolumns:"
    world.map("customers", ("columns:", rounding))
    world.put(F, "Cust", cust("C1", CREDIT=FINE), cust("C2", CREDIT=Decimal("20.25")))
    world.run()
    assert amounts(world) == [Decimal("10.01"), Decimal("20.25")]
    [found] = look(world.open(), ["customers"], to=4)
    assert (found.rows, found.still, found.rejected, found.rounded) == (1, 0, 0, True)

    done = widen(world)
    world.cycle_until_done()

    assert done.queued == 1
    assert amounts(world) == [FINE, Decimal("20.25")]
    assert world.rows(F, "Cust", "ACCOUNT", "CREDIT")[0] == ("C1", FINE)
    assert world.unexplained() == {}


def test_a_map_that_was_paused_stays_so_and_its_rows_wait(waiting: World) -> None:
    world = waiting
    mapstate.pause(world.open(), ["customers"])

    done = widen(world)

    assert done.retried == ()
    assert world.status() is MapStatus.PAUSED
    assert world.causes("customers") == [(TO_D, "C1", "scale")]


def test_a_map_that_is_being_copied_is_waited_for(world: World) -> None:
    world.run()
    world.session.journal.maps.set_status("customers", MapStatus.INITIALIZING, reason="a test")

    with pytest.raises(InitializingError) as caught:
        widen(world)

    assert str(caught.value) == (
        "customers: its initial sync has not ended, so the columns of customer cannot change now. "
        "Nothing was changed.\n"
        "  Let it end (dualwrite run customers), or give it up: dualwrite stop customers"
    )
    assert kind(world) == pa.decimal128(18, 2)


def dies(after: bool) -> Callable[..., None]:
    alter = widening._alter

    def altered(*given: Any) -> None:
        if after:
            alter(*given)
        raise Killed

    return altered


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_a_process_that_is_killed_at_the_change_leaves_it_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    world.put(F, "Cust", cust("C1", CREDIT=FINE))
    world.run()

    def killed(*given: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(widening, "_alter", dies(after))
        patched.setattr(widening, "_resume", killed)
        with pytest.raises(Killed):
            widen(world)
    assert world.status() is MapStatus.PAUSED

    assert finish_begun(world.open()) == ["customer"]

    assert world.status() is MapStatus.RUNNING
    assert finish_begun(world.open()) == []
    if not after:
        assert back(world) == []
        widen(world)
    assert amounts(world) == [FINE]
    assert world.held("customers") == []
    assert len(back(world)) == 1
