"""What the engine logs: a line a batch whose counts are those of the journal, and every turn."""

from __future__ import annotations

import logging
from collections import defaultdict
from contextlib import suppress

import pytest

from dualwrite.errors import AppBusyError, DualWriteError
from dualwrite.journal.leases import LeaseLostError
from dualwrite.journal.records import Counts
from dualwrite.logs import JsonFormatter, TextFormatter
from dualwrite.sync.mapstate import mapstate
from dualwrite.sync.session import leases
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer

pytestmark = pytest.mark.usefixtures("engine_loggers")

SECRETS = ("S3CRET-1", "S3CRET-2", "S3CRET-3")


class Lines:
    """The engine's log lines, by event."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def of(self, event: str) -> list[logging.LogRecord]:
        return [each for each in self._caplog.records if getattr(each, "event", "") == event]

    def take(self) -> None:
        self._caplog.clear()

    def counts(self, name: str, *rows_from: str) -> dict[str, Counts]:
        """What the batch lines of a map add up to, by direction, empty ones left out."""
        found: defaultdict[str, Counts] = defaultdict(Counts)
        for line in self.of("batch"):
            if line.map == name and line.rows_from in rows_from:
                found[line.direction] += Counts(**line.counts)
        return {direction: each for direction, each in found.items() if any(each.values())}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    caplog.set_level(logging.DEBUG, logger="dualwrite")
    return Lines(caplog)


@pytest.fixture
def running(world: World) -> World:
    world.put(F, "Cust", cust("C1", "one"), cust("C2", "two"), cust("C3", "three"))
    world.run()
    return world


def test_an_initial_sync_and_its_lines_have_the_same_counts(world, lines):
    world.put(F, "Cust", cust("C1", "one"), cust("C2", None), cust("C3", GROUPID="nowhere"))
    world.put(D, "customer", customer("C1", "other"), customer("C4", "four"))

    results = world.run()

    for name, result in results.items():
        (run,) = world.session.journal.runs.newest(name)
        stored = {
            direction: counts
            for direction, counts in world.session.journal.runs.totals(run.id).items()
            if any(counts.values())
        }
        assert lines.counts(name, "table") == stored
        assert {d: c for d, c in result.counts.items() if any(c.values())} == stored
        mine = [line for line in lines.of("batch") if line.map == name]
        assert {line.run for line in mine if line.rows_from == "table"} <= {run.id}
    assert lines.counts("customers", "table")[TO_D].parked == 1


def test_a_cycle_and_its_lines_have_the_same_counts(running, lines):
    running.map("customers", ("columns:", "conflicts: ask\ncolumns:"))
    running.put(F, "Cust", cust("C1", "asked here"), cust("C4", GROUPID="nowhere"), cust("C5"))
    running.put(D, "customer", customer("C1", "asked there"), customer("C6", "six"))
    running.put(F, "Cust", cust("C7", CREDIT=None, HOLD="Unknown"))
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C2")
    running.put(F, "Cust", {**cust("C3"), "PARTYTYPE": "Person"})
    lines.take()

    counted = running.cycle("customers")
    stored = {d: c for d, (c, _) in running.session.journal.cycles.totals("customers").items()}

    assert lines.counts("customers", "queue") == stored
    assert counted["customers"] == {
        f"{direction} {what}": count
        for direction, counts in stored.items()
        for what, count in counts.as_dict().items()
        if count
    }
    assert stored[TO_D].deleted == 1
    assert min(stored[TO_D].parked, stored[TO_D].rejected) >= 1
    assert stored[TO_D].conflicts + stored[TO_F].conflicts == 1


def test_each_row_of_a_batch_has_one_outcome_in_its_line(running, lines):
    running.put(F, "Cust", cust("C1", "first"), cust("C4", GROUPID="nowhere"))
    lines.take()

    running.cycle()

    for line in lines.of("batch"):
        assert sum(line.outcomes.values()) == line.rows
        assert line.seconds >= 0
        assert line.dry_run is False
    assert {name for line in lines.of("batch") for name in line.outcomes} >= {"written", "parked"}


def test_a_dry_run_says_so(world, lines):
    world.put(F, "Cust", cust("C1"))

    world.run(dry_run=True)

    assert {(line.dry_run, line.run) for line in lines.of("batch")} == {(True, None)}


def test_a_retry_is_logged_with_what_became_of_the_rows(running, lines):
    running.put(F, "Cust", cust("C4", GROUPID="G1"))
    running.cycle()
    running.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "G1", "DESCRIPTION": "one"})
    lines.take()

    running.cycle()

    (line,) = lines.of("retry.held")
    assert (line.map, line.direction, line.rows, line.counts["written"]) == (
        "customers",
        TO_D,
        1,
        1,
    )
    assert lines.counts("customers", "held")[TO_D].written == 1


def test_a_partition_that_is_tried_again_is_logged(world, lines, monkeypatch):
    monkeypatch.setattr("dualwrite.sync.initial.run.time.sleep", lambda _: None)
    world.put(F, "Cust", cust("C1"))
    busy = [AppBusyError(app="finops", table="Cust", reason="a lock")]

    class Busy:
        def __init__(self, app):
            self._app = app

        def __getattr__(self, name):
            return getattr(self._app, name)

        def read(self, query, **more):
            if query.table == "Cust" and more and busy:
                raise busy.pop()
            return self._app.read(query, **more)

    world.wrap = Busy
    world.run("customers")

    (line,) = lines.of("retry.partition")
    assert line.getMessage() == (
        f"customers {TO_D}: partition 0 failed, attempt 1 of 3 (finops.Cust: busy (a lock). "
        "The transaction was rolled back, nothing was lost.); next in 0.5 s"
    )


def test_leases_and_statuses_are_logged(running, lines):
    lines.take()

    mapstate.pause(running.session, ["groups"])
    mapstate.resume(running.session, ["groups"], mapstate.Resume.CATCH_UP)
    running.cycle("groups")
    mapstate.stop(running.session, ["groups"])

    assert [(line.before, line.status, line.reason) for line in lines.of("map.status")] == [
        ("running", "paused", "paused"),
        ("paused", "resuming", "catches up"),
        ("resuming", "running", "caught up"),
        ("running", "not running", "stopped"),
    ]
    taken, released = lines.of("lease.taken"), lines.of("lease.released")
    assert [line.map for line in taken] == [line.map for line in released] == ["groups"] * 2
    assert [line.epoch for line in taken] == [line.epoch for line in released]
    assert taken[0].holder.startswith("sync (process ")


def test_a_lease_that_another_worker_has_is_logged(running, lines):
    with running.session.journal.leases.take("groups", "live", 60):
        running.cycle("groups")

    assert [line.map for line in lines.of("lease.refused")] == ["groups"]


def test_a_lease_that_is_not_renewed_and_then_lost_is_logged(running, lines, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.02)
    errors = [
        LeaseLostError(map_name="groups", epoch=1),
        AppBusyError(app="journal", table=None, reason="a lock"),
    ]

    def renew(_):
        raise errors.pop()

    monkeypatch.setattr("dualwrite.journal.leases.Lease.renew", renew)
    with suppress(LeaseLostError), leases.kept_lease(running.session, "groups", "test"):
        keeper = next(t for t in leases.threading.enumerate() if t.name == "leases")
        keeper.join(10)

    (failed,), (lost,) = lines.of("lease.renewal_failed"), lines.of("lease.lost")
    assert (failed.map, failed.error, lost.map) == ("groups", "AppBusyError", "groups")


def test_the_guard_against_mass_deletes_is_logged(running, lines):
    running.put(F, "Cust", *(cust(f"M{n}") for n in range(60)))
    running.cycle()
    for n in range(60):
        running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT=f"M{n}")

    running.cycle()

    (line,) = lines.of("guard.mass_delete")
    assert (line.map, line.side, line.deletes, line.rows) == ("customers", "dataverse", 60, 63)


def test_the_limit_of_rejected_rows_is_logged(world, lines):
    world.map("customers", ("columns:", "max_rejected: 0\ncolumns:"))
    world.put(F, "Cust", cust("C1", HOLD="Unknown"))

    with suppress(DualWriteError):
        world.run("customers")

    (line,) = lines.of("guard.max_rejected")
    assert (line.map, line.rejected, line.rows, line.limit) == ("customers", 1, 1, "0")


def test_a_map_that_waits_is_logged_and_that_it_goes_on(running, lines):
    text = (running.folder / "maps" / "groups.yaml").read_text(encoding="utf-8")
    (running.folder / "maps" / "groups.yaml").write_text("map: [", encoding="utf-8")
    running.close()
    running.cycle()
    running.cycle()
    (running.folder / "maps" / "groups.yaml").write_text(text, encoding="utf-8")
    running.close()
    running.cycle()

    (waits,), (goes_on,) = lines.of("map.waits"), lines.of("map.goes_on")
    assert (waits.map, waits.stuck, goes_on.map) == ("groups", True, "groups")


def test_no_line_holds_a_value_of_a_row(running, lines, caplog):
    name, memo, group = SECRETS
    running.put(F, "Cust", cust("C1", name, MEMO=memo), cust("C4", name, GROUPID=group))
    running.put(F, "Cust", cust("C5", name, HOLD=memo))
    running.put(D, "customer", customer("C1", memo))
    running.cycle()
    running.cycle_until_done()
    running.run(initial_sync=True)
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    running.cycle()

    written = [
        formatter.format(record)
        for record in caplog.records
        for formatter in (TextFormatter(), JsonFormatter())
    ]
    assert len(written) > 40
    assert [line for line in written if any(secret in line for secret in SECRETS)] == []
