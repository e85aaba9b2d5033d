"""`max_rejected`: too many rejected rows stop a map before anything of it is written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dualwrite.journal.records import MapStatus
from dualwrite.sync.routes.limits import FEW, TooManyRejectedError
from tests.sync.stock import D, F, line


def limited(stock, limit):
    stock.change(("columns:", f"max_rejected: {limit}\ncolumns:"))
    return stock


def lines(good, bad, start=0):
    return [
        line(f"{n:03}", "1", "box" if n < start + good else "tin")
        for n in range(start, start + good + bad)
    ]


@pytest.mark.parametrize(("limit", "bad"), [("10%", 1), ("1", 1), ("0", 0), ("0%", 0)])
def test_as_many_as_are_allowed_may_be_rejected(stock, limit, bad):
    limited(stock, limit).put(F, "Line", *lines(10 - bad, bad))

    result = stock.run()

    assert result.counts[F.direction].rejected == bad
    assert len(stock.rows(D, "id")) == 10 - bad


@pytest.mark.parametrize("limit", ["10%", "1", "0", "19.9%"])
def test_one_rejected_row_too_many_stops_the_initial_sync_before_it_begins(stock, limit):
    limited(stock, limit).put(F, "Line", *lines(8, 2))

    with pytest.raises(TooManyRejectedError) as caught:
        stock.run()

    place = stock.folder / "maps" / "lines.yaml"
    assert str(caught.value) == (
        f"lines: 2 of 10 rows (20.0 %) would be rejected, and max_rejected is {limit} "
        f"({place}:7). Nothing was written.\n"
        "  By rule and column: quantity_converts of QTY: 2\n"
        "  Correct the rows or the map, or allow more with `max_rejected:`, then repeat "
        "the command."
    )
    assert stock.rows(D, "id") == []
    assert stock.held() == []
    assert stock.journal.maps.status("lines") is MapStatus.NOT_RUNNING
    assert stock.journal.runs.newest("lines") == []
    (entry, *_) = stock.journal.activity.newest("lines")
    assert (entry.event, entry.text) == ("waits", str(caught.value))
    (record,) = stock.journal.maps.all()
    assert record.waits == str(caught.value)


def test_when_the_rows_are_corrected_the_same_command_goes_through(stock):
    limited(stock, "10%").put(F, "Line", *lines(8, 2))
    with pytest.raises(TooManyRejectedError):
        stock.run()

    stock.put(F, "Line", {"ID": "009", "UNIT": "box"})
    stock.run()

    assert len(stock.rows(D, "id")) == 9
    assert stock.journal.maps.status("lines") is MapStatus.RUNNING
    (record,) = stock.journal.maps.all()
    assert record.waits is None


def test_both_directions_count(stock):
    limited(stock, "1")
    stock.put(F, "Line", *lines(3, 1))
    stock.put(D, "line", {"id": "100", "quantity": Decimal(1), "unit": "box"})

    with pytest.raises(TooManyRejectedError, match="2 of 5 rows"):
        stock.run()


def test_a_dry_run_counts_and_does_not_stop(stock):
    limited(stock, "10%").put(F, "Line", *lines(8, 2))

    assert stock.run(dry_run=True).counts[F.direction].rejected == 2


def test_too_many_changes_at_once_stay_queued_and_the_map_says_why(stock):
    limited(stock, "10%").put(F, "Line", *lines(300, 0))
    stock.run()

    stock.put(F, "Line", *({"ID": f"{n:03}", "UNIT": "tin"} for n in range(FEW + 1)))
    result = stock.cycle()

    assert result.stuck
    assert result.note.startswith("lines: 51 of 51 changed rows (100.0 %) would be rejected")
    assert "These changes were not written; they stay in the queue." in result.note
    assert stock.held() == []
    assert stock.apps[F].pending([stock.queue()]) == {stock.queue(): FEW + 1}

    stock.put(F, "Line", *({"ID": f"{n:03}", "UNIT": "pcs"} for n in range(FEW + 1)))
    result = stock.cycle()

    assert (result.stuck, result.note) == (False, "")
    assert stock.rows(D, "quantity")[0] == (Decimal(1),)


def test_of_a_few_changes_any_share_may_fail_but_a_number_is_a_number(stock):
    limited(stock, "10%").put(F, "Line", *lines(10, 0))
    stock.run()
    stock.put(F, "Line", {"ID": "000", "UNIT": "tin"})

    assert not stock.cycle().stuck
    assert len(stock.held()) == 1

    limited(stock, "0")
    stock.put(F, "Line", {"ID": "001", "UNIT": "tin"})

    assert stock.cycle().stuck
    assert len(stock.held()) == 1
