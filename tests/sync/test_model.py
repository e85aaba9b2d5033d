"""Users of both sides do what they like, the worker is cut off wherever it may be: a model.

Hypothesis drives two apps in memory: rows made, changed, renamed and deleted, parents and
children, filters left and entered, maps paused, cycles that crash, that meet a fault or a user
in the middle.  What must hold then is simple (`at_rest`), whatever came before.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from dualwrite.errors import AppBusyError
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.sync.batch import optimistic
from dualwrite.sync.cycle.runner import CycleRunner, cycle_runner
from dualwrite.sync.resolve.resolve import resolve_conflict
from dualwrite.sync.retry import retry
from tests.sync.points import pointed
from tests.sync.tables import WITHOUT_SELF
from tests.sync.users import DOING, GROUP, INSIDE, TWO_WAY, Doing, Users
from tests.sync.world import D, F, counts_of, make_world

MODELLED = ("groups", "customers")
POLICIES = (
    "policy: finops",
    "policy: dataverse",
    "policy: newest",
    "policy: merge, then: finops",
    "policy: merge, then: newest",
    "policy: newest, columns: {NAME: dataverse, MEMO: finops}",
    "policy: ask",
)
POINT = st.integers(1, 40)
USUAL = optimistic.AT_LEAST


class CrashError(BaseException):
    """The worker is gone."""


class Model(RuleBasedStateMachine):
    journal: Path

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp())
        self._worker = ExitStack()
        self._cycles: CycleRunner | None = None
        self._point, self._at = 0, 0
        self._act: Callable[[], None] = lambda: None

    @initialize(
        policy=st.sampled_from(POLICIES),
        when_left=st.sampled_from(("keep", "delete")),
        at_least=st.sampled_from((1, 2, USUAL)),
    )
    def start(self, policy: str, when_left: str, at_least: int) -> None:
        optimistic.AT_LEAST = at_least
        urls = {side: f"sqlite:///{self._folder}/{side.value}.db" for side in Side}
        self.world = make_world(self._folder / "p", "memory", urls, journal=self.journal)
        head = f"conflicts: {{{policy}}}\nwhen_left: {when_left}\ncolumns:"
        # rows that point at rows of their own table come in two steps; test_regressions.py
        self.world.map("customers", ("columns:", head), WITHOUT_SELF)
        self.world.run(*MODELLED, initial_sync=False)
        self.users = Users(self.world)

    # What users do

    @rule(doings=st.lists(DOING, min_size=2, max_size=6))
    def work_on_both_sides(self, doings: list[Doing]) -> None:
        for each in doings:
            self.users.do(each)

    # What the worker does

    @rule()
    def cycle(self) -> None:
        self._work(0, lambda: None)

    @rule(point=POINT)
    def crash(self, point: int) -> None:
        def crash() -> None:
            raise CrashError

        self._work(point, crash)

    @rule(point=POINT)
    def meet_a_fault(self, point: int) -> None:
        """An app or the journal is busy at some point; the same worker goes on."""

        def fail() -> None:
            raise AppBusyError(app="dataverse", table=None, reason="a model")

        self._work(point, fail)

    @rule(point=POINT, doing=DOING)
    def meet_a_user(self, point: int, doing: Doing) -> None:
        self._work(point, lambda: self.users.do(doing))

    # What a person at the desk does

    @rule(name=st.sampled_from(MODELLED))
    def pause_or_resume(self, name: str) -> None:
        self._worker.close()
        journal = self.world.session.journal
        paused = journal.maps.status(name) is MapStatus.PAUSED
        status = MapStatus.RESUMING if paused else MapStatus.PAUSED
        journal.maps.set_status(name, status, reason="a model")

    @rule(side=st.sampled_from(Side))
    def resolve(self, side: Side) -> None:
        for stored in self.world.session.journal.conflicts.find()[:1]:
            resolve_conflict(self.world.session, stored.id, side)

    @rule()
    def try_again(self) -> None:
        """As `dualwrite errors retry --all`."""
        self._worker.close()
        retry(self.world.session, self.world.held())

    # What holds

    @rule()
    def at_rest(self) -> None:
        journal = self.world.session.journal
        for name in MODELLED:
            if journal.maps.status(name) is MapStatus.PAUSED:
                journal.maps.set_status(name, MapStatus.RESUMING, reason="a model")
        self._worker.close()
        for _ in range(12):
            self._work(0, lambda: None)
            results = self._results
            self._worker.close()
            if not any(counts_of(each) for each in results):
                break
        else:
            raise AssertionError(results)
        assert [each.note for each in results if each.note] == []
        for side in Side:
            for name in MODELLED:
                assert len(self.world.entries(side, name)) == 0, "a queue is empty"
        held = self.world.held()
        conflicts = journal.conflicts.find(open_only=False)
        waiting = [each for each in conflicts if each.conflict.status == "open"]
        self._nothing_is_lost(held, conflicts, {_last(each.conflict.key) for each in waiting})
        self._no_conflict_is_false(conflicts)
        self._both_sides_agree(
            {_last(each.conflict.key) for each in waiting} | {_last(row.key) for row in held}
        )

    def _nothing_is_lost(self, held: list[Any], conflicts: list[Any], waiting: set[str]) -> None:
        standing = {side: self.users.values(side) for side in Side}
        named = {value for row in held for value in row.row.values()}
        for side in Side:
            inside, yes, _ = INSIDE[side]
            for account, row in self.users.rows(side).items():
                # what waits for a person waits; what left the map is left alone
                if account in waiting or row[inside] != yes:
                    named |= set(row.values())
        for each in conflicts:
            for row in each.conflict.rows.values():
                named |= set((row or {}).values())
        lost = self.users.lineage.lost(standing, named)
        assert lost == [], lost

    def _no_conflict_is_false(self, conflicts: list[Any]) -> None:
        for each in conflicts:
            rows = each.conflict.rows
            if each.map != "customers" or rows[F] is None or rows[D] is None:
                continue
            pairs = [(rows[F][f], rows[D][d]) for f, d in zip(TWO_WAY[F], TWO_WAY[D], strict=True)]
            groups = [rows[side].get(GROUP[side]) or None for side in Side]
            assert self.users.lineage.contested([*pairs, (groups[0], groups[1])]), rows

    def _both_sides_agree(self, excused: set[str]) -> None:
        rows = {side: self.users.rows(side) for side in Side}
        for side in Side:
            for account, count in Counter(self.users.accounts(side)).items():
                assert count == 1, f"{account} is doubled in {side.value}"
        for account in (rows[F].keys() | rows[D].keys()) - excused:
            pair = {side: rows[side].get(account) for side in Side}
            if any(
                row is not None and row[INSIDE[s][0]] != INSIDE[s][1] for s, row in pair.items()
            ):
                continue
            ours, theirs = pair[F], pair[D]
            assert ours is not None, (account, pair)
            assert theirs is not None, (account, pair)
            assert [_blank(ours[n]) for n in (*TWO_WAY[F], GROUP[F], "RATING", "PHONE")] == [
                _blank(theirs[n]) for n in (*TWO_WAY[D], GROUP[D], "rating", "phone")
            ], account
        groups = {side: self.users.groups(side) for side in Side}
        for group in (groups[F].keys() | groups[D].keys()) - excused:
            assert groups[F].get(group) == groups[D].get(group), group

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.at_rest()
        finally:
            optimistic.AT_LEAST = USUAL
            self._worker.close()
            if hasattr(self, "world"):
                self.world.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    # How

    def _work(self, point: int, act: Callable[[], None]) -> None:
        """One cycle; at its so-many-th point something happens.  A crash ends the worker."""
        self._point, self._at, self._act = 0, point, act
        self._results: list[Any] = []
        try:
            if self._cycles is None:
                session = pointed(self.world.session, self._passed)
                self._worker.callback(self._forget_worker)
                self._cycles, _ = self._worker.enter_context(cycle_runner(session))
            self._results = self._cycles.run_and_flush()
        except (CrashError, AppBusyError):
            self._worker.close()

    def _forget_worker(self) -> None:
        self._cycles = None

    def _passed(self, point: str) -> None:
        self._point += 1
        if self._point == self._at:
            self._act()


def _last(key: Mapping[str, Any]) -> str:
    """The part of a key that names a row within its company."""
    return str(list(key.values())[-1])


def _blank(value: Any) -> Any:
    return None if value == "" else value


def run(journal: Path, *, examples: int, steps: int) -> None:
    machine = type("Model", (Model,), {"journal": journal})
    # an example takes half a second, and to shrink one takes hundreds of them
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    few = settings(max_examples=examples, stateful_step_count=steps, phases=phases)
    run_state_machine_as_test(machine, settings=few)


def test_whatever_happens_nothing_is_lost_doubled_or_overwritten_unseen(empty_journal):
    run(empty_journal, examples=8, steps=15)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_whatever_happens_often_nothing_is_lost_doubled_or_overwritten_unseen(empty_journal):
    """Search for hours: HYPOTHESIS_PROFILE=thorough."""
    run(empty_journal, examples=2 * settings().max_examples, steps=30)
