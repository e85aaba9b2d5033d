"""An app that comes back from a backup is noticed, whenever that was, and repaired without loss."""

from __future__ import annotations

import pytest

from dualwrite.errors import AppUnreachableError
from dualwrite.link import Side
from dualwrite.sync.capture.fencing import fence
from dualwrite.sync.cycle.runner import cycle_runner, run_cycle
from dualwrite.sync.health.problems import repair_map
from tests.sync.companies import cycles, fenced, name_it, names, record, reported
from tests.sync.tables import D, F
from tests.sync.world import World


class TestRestored:
    """One app comes back from a backup."""

    @pytest.fixture
    def restored(self, world: World) -> World:
        """finops as it was before the changes that crossed meanwhile."""
        running = world
        running.run("companies")
        app = running.memory[F]
        backup = app._store.state
        name_it(running, F, "later in finops", code="USMF")
        name_it(running, D, "later in dataverse")
        fenced(running)
        cycles(running)
        app._store.change(lambda _: backup)
        return running

    def test_a_worker_that_starts_notices_and_carries_nothing(self, restored: World) -> None:
        faults = fence(restored.session, {"companies": 2**40})

        assert str(faults["companies"]) == (
            "companies: finops has an earlier state: it was restored from a backup, or "
            "is another database. Nothing was carried.\n"
            "  dualwrite check companies --repair compares both sides, and queues what differs."
        )
        assert list(fence(restored.session, {"companies": 2**40})) == ["companies"]

    def test_a_cycle_waits_and_says_so(self, restored: World) -> None:
        name_it(restored, D, "even later")

        [result] = run_cycle(restored.session)

        assert result.note.startswith("companies: finops has an earlier state")
        assert record(restored).waits == result.note
        assert names(restored)[0] != "even later"

    def test_what_the_other_side_holds_comes_back(self, restored: World) -> None:
        assert reported(restored) == [
            (F, "finops has an earlier state: was it restored from a backup?")
        ]

        repair_map(restored.session, record(restored))
        name_it(restored, F, "after", code="NEW")
        cycles(restored)

        assert names(restored) == ["later in dataverse"] * 2
        assert names(restored, "USMF") == ["later in finops"] * 2
        assert names(restored, "NEW") == ["after"] * 2
        assert reported(restored) == []

    def test_a_backup_made_while_one_worker_runs_is_noticed(self, world: World) -> None:
        """No other worker began since: only what was applied tells the copy from the app."""
        world.run("companies")
        app = world.memory[D]
        with cycle_runner(world.session) as (runner, _):
            name_it(world, F, "before the backup")
            runner.run_and_flush()
            backup = app._store.state
            name_it(world, F, "after the backup")
            runner.run_and_flush()
        app._store.change(lambda _: backup)
        name_it(world, D, "edited after the restore", code="USMF")

        [result] = run_cycle(world.session)

        assert result.note.startswith("companies: dataverse has an earlier state")
        assert reported(world) == [
            (D, "dataverse has an earlier state: was it restored from a backup?")
        ]
        repair_map(world.session, record(world))
        cycles(world)
        assert names(world) == ["after the backup"] * 2
        assert names(world, "USMF") == ["edited after the restore"] * 2
        assert reported(world) == []

    def test_a_restored_source_is_noticed_though_nothing_goes_back(self, world: World) -> None:
        """Its inbox is empty for ever: only the ids that its queue gave tell the copy."""
        world.map("companies", ("CODE = code", "CODE > code"), ("NAME = name", "NAME > name"))
        world.run("companies")
        app = world.memory[F]
        with cycle_runner(world.session) as (runner, _):
            backup = app._store.state
            name_it(world, F, "after the backup")
            runner.run_and_flush()
        app._store.change(lambda _: backup)
        name_it(world, F, "after the restore")

        [result] = run_cycle(world.session)

        assert result.note.startswith("companies: finops has an earlier state")
        assert reported(world) == [
            (F, "finops has an earlier state: was it restored from a backup?")
        ]

    def test_what_is_made_anew_after_a_restore_is_a_conflict_with_what_it_was(
        self, world: World
    ) -> None:
        """The key that was lost with the restore is given to another row."""
        world.run("companies")
        app = world.memory[F]
        backup = app._store.state
        name_it(world, F, "one", code="NEW")
        cycles(world)
        name_it(world, D, "newer in dataverse", code="NEW")
        fenced(world)
        cycles(world)
        app._store.change(lambda _: backup)
        name_it(world, F, "another", code="NEW")

        repair_map(world.session, record(world))
        cycles(world)

        (stored,) = world.session.journal.conflicts.find("companies", open_only=False)
        assert {
            row["NAME" if side is F else "name"]
            for side, row in stored.conflict.rows.items()
            if row is not None
        } == {"another", "newer in dataverse"}

    def test_a_loss_that_another_has_noticed_is_looked_into(self, world: World) -> None:
        """Such as the look at the captures, which goes on without a word."""
        world.run("companies")
        app = world.memory[F]
        with cycle_runner(world.session) as (runner, _):
            backup = app._store.state
            name_it(world, F, "after the backup")
            runner.run_and_flush()
            app._store.change(lambda _: backup)
            app.losses += 1
            name_it(world, F, "after the restore")
            [result] = runner.run_and_flush()

        assert result.note.startswith("companies: finops has an earlier state")

    @pytest.mark.parametrize("side", Side)
    def test_a_restore_in_place_is_noticed_by_the_next_cycle(
        self, world: World, side: Side
    ) -> None:
        """No connection ends, and the worker has told the journal nothing yet."""
        world.run("companies")
        app = world.memory[side]
        with cycle_runner(world.session) as (runner, _):
            name_it(world, F, "before the backup")
            runner.run_and_flush()
            backup = app._store.state
            name_it(world, F, "after the backup")
            runner.run_once() if side is D else runner.run_and_flush()
            app._store.change(lambda _: backup)
            name_it(world, F, "after the restore")
            runner.workers[0].directions[F].looks_at = 0.0
            [result] = runner.run_and_flush()
            [result] = runner.run_and_flush()

        assert result.note.startswith(f"companies: {side.value} has an earlier state")

    def test_a_restore_under_a_running_worker_is_noticed(self, world: World) -> None:
        world.run("companies")
        app = world.memory[D]
        with cycle_runner(world.session) as (runner, _):
            name_it(world, F, "before the backup")
            runner.run_and_flush()
            backup = app._store.state
            name_it(world, F, "after the backup")
            runner.run_and_flush()
            app._store.change(lambda _: backup)
            runner.workers[0].fault = AppUnreachableError(app="dataverse", reason="restarted")
            name_it(world, F, "after the restore")
            [result] = runner.run_and_flush()

        assert result.note.startswith("companies: dataverse has an earlier state")
        assert names(world) == ["after the restore", "before the backup"]
