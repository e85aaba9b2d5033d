"""The contract of a writing: silent for its own queue, locked, looked at, noted, fenced.

`test_capture_contract.py` runs it against all apps.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, Origin, OvertakenError
from dualwrite.apps.entries import Inbox, Op, changed_text
from dualwrite.apps.transactions import Written
from dualwrite.errors import AppBusyError, RowsRefusedError
from tests.apps.capturing import CAPTURE, G1, OTHER, QUEUE, customer, entries, one_writer, recorded
from tests.apps.hands import Hand
from tests.apps.reading import asking, customers, held, of_customers, paths
from tests.apps.workshops import KEY, Workshop

OURS = Origin("customers.yaml", QUEUE, epoch=1)
BESIDE = Capture(
    "dualwrite_q_customer_beside", "customer", paths(*KEY), ("company", "number", "name", "rank")
)
ONE = {"company": "USMF", "number": "C1"}
"""By a unique index: MariaDB locks whatever a statement of an application looks at."""
THEIRS = "dualwrite_q_accounts_9f8e7d"


class Silence:
    def test_what_we_write_is_not_queued_for_us(self, watched: App) -> None:
        """It would come back for ever."""
        with watched.writing(OURS) as writing:
            assert writing.insert("customer", customers("C1", "C2"), key=KEY) == Written(inserted=2)
            changed = customers("C1", "C2", name=["a", None])
            assert writing.update("customer", changed, key=KEY) == Written(updated=1, unchanged=1)
            assert writing.delete("customer", customers("C2")) == 1

        assert recorded(watched) == []
        assert [row["name"] for row in held(watched, of_customers("name"))] == ["a"]

    def test_other_maps_capture_it(self, watched: App) -> None:
        watched.install(OTHER)
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1", rank=1), key=KEY)

        assert (recorded(watched), recorded(watched, OTHER)) == ([], [("i", "C1")])

    def test_another_map_over_the_same_tables_keeps_what_it_alone_carries(
        self, watched: App
    ) -> None:
        """Or it would take what this map wrote for a change of the application."""
        watched.install(BESIDE)
        ours = replace(OURS, echoes={BESIDE.queue: ("company", "number", "name")})
        with watched.writing(ours) as writing:
            writing.insert("customer", customers("C1", "C2", "C3"), key=KEY)
            writing.update("customer", customers("C1", name="a"), key=KEY)
            writing.update("customer", customers("C2", name="a", rank=2), key=KEY)
            writing.delete("customer", customers("C3"))
        found = entries(watched, BESIDE)
        assert found.keys["number"].to_pylist() == ["C2"]
        assert found.changed.to_pylist() == [changed_text(["rank"])]
        watched.write("customer", customers("C1", name="b"), key=KEY)
        assert [op for op, *_ in recorded(watched, BESIDE)] == ["u", "u"]
        assert [op for op, *_ in recorded(watched)] == ["u"]

    def test_much_of_another_map_over_the_same_tables(self, watched: App) -> None:
        watched.install(BESIDE)
        ours = replace(OURS, echoes={BESIDE.queue: ("company", "number", "name")})
        numbers = [f"C{i:04d}" for i in range(1500)]
        with watched.writing(ours) as writing:
            writing.insert("customer", customers(*numbers), key=KEY, fresh=True)
            writing.update("customer", customers(*numbers, name="a", rank=2), key=KEY)
        found = entries(watched, BESIDE)
        assert found.keys["number"].to_pylist() == numbers
        assert set(found.changed.to_pylist()) == {changed_text(["rank"])}

    def test_a_map_that_captures_nothing_here_is_captured_by_all_others(self, watched: App) -> None:
        with watched.writing(Origin("one-way.yaml", None, epoch=1)) as writing:
            writing.insert("customer", customers("C1"), key=KEY)

        assert recorded(watched) == [("i", "USMF", "C1")]

    def test_much_is_silent_too(self, watched: App) -> None:
        rows = customers(*(f"C{i:04d}" for i in range(3000)), name="a")
        with watched.writing(OURS) as writing:
            assert writing.insert("customer", rows, key=KEY, fresh=True).inserted == 3000

        assert recorded(watched) == []

    def test_a_writing_of_an_application_is_queued(self, watched: App) -> None:
        with watched.writing() as writing:
            writing.insert("customer", customers("C1"), key=KEY)

        assert recorded(watched) == [("i", "USMF", "C1")]

    def test_the_next_use_of_the_connection_is_captured(self, watched: App) -> None:
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)
        watched.write("customer", customers("C2"), key=KEY)
        with watched.writing() as writing:
            writing.insert("customer", customers("C3"), key=KEY)

        assert recorded(watched) == [("i", "USMF", "C2"), ("i", "USMF", "C3")]

    def test_changes_are_captured_after_a_refusal_too(self, watched: App) -> None:
        with pytest.raises(RowsRefusedError), watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1", groupid=G1), key=KEY)
        watched.write("customer", customers("C2"), key=KEY)

        assert recorded(watched) == [("i", "USMF", "C2")]

    def test_changes_are_captured_after_a_writing_that_broke(self, watched: App) -> None:
        def broken() -> None:
            with watched.writing(OURS) as writing:
                writing.insert("customer", customers("C1"), key=KEY)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            broken()
        watched.write("customer", customers("C2"), key=KEY)

        assert recorded(watched) == [("i", "USMF", "C2")]
        assert watched.count(of_customers()) == 1

    def test_a_statement_after_a_refused_one_stays_silent(self, watched: App) -> None:
        with watched.writing(OURS) as writing:
            with pytest.raises(RowsRefusedError):
                writing.insert("customer", customers("C1", groupid=G1), key=KEY)
            writing.insert("customer", customers("C2"), key=KEY)

        assert recorded(watched) == []

    def test_an_application_beside_it_is_captured(self, shop: Workshop, watched: App) -> None:
        one_writer(shop)
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)
            with shop.hand() as hand:
                hand.insert("customer", customer("C2"))

        assert recorded(watched) == [("i", "USMF", "C2")]


class Locking:
    def test_rows_are_read_under_the_lock(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1", name="a", credit=Decimal("1.5")))
        with watched.writing(OURS) as writing:
            if shop.kind != "sqlite":  # there the whole file is ours by now
                with shop.hand() as hand:
                    hand.update("customer", name="b")
            found = writing.lock(of_customers("name", "credit"), customers("C1", "C9"))

        newest = "a" if shop.kind == "sqlite" else "b"
        assert found.rows.select(["number", "name", "credit"]).to_pylist() == [
            {"number": "C1", "name": newest, "credit": Decimal("1.5")}
        ]
        assert found.locked.num_rows == 0
        assert sorted(found.locked.column_names) == sorted(KEY)

    @pytest.mark.parametrize("deleting", [True, False])
    @pytest.mark.parametrize("many", [True, False])
    def test_a_row_that_is_locked_elsewhere_is_left_out(
        self, shop: Workshop, watched: App, deleting: bool, many: bool
    ) -> None:
        """Nobody is waited for, and nobody's newest value is missed."""
        if shop.kind == "sqlite":
            pytest.skip("holds the whole file, not rows")
        watched.write("customer", customers("C1", "C2"), key=KEY)
        wanted = customers("C1", "C2", *(f"N{i}" for i in range(400 if many else 1)))
        holding: AbstractContextManager[Hand | None]
        if shop.kind == "memory":
            holding = shop.memory.hold("customer", customers("C1").select(list(KEY)))
        else:
            holding = shop.hand()
        with holding as hand:
            if hand is not None:
                hand.update("customer", ONE, name="held")
            began = time.monotonic()
            with watched.writing(OURS) as writing:
                found = writing.lock(of_customers("name"), wanted, deleting=deleting)
            took = time.monotonic() - began

        assert found.rows["number"].to_pylist() == ["C2"]
        assert found.locked.select(list(KEY)).to_pylist() == [ONE]
        assert took < 0.9

    def test_lookups_are_read_too(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1", groupid=G1), customer("C2", groupid=None))
        query = asking("customer", "number", "groupid.code", key=("number", "groupid.code"))
        keys = pa.table({"number": ["C1", "C2"], "groupid.code": ["g1", "g1"]})
        with watched.writing(OURS) as writing:
            by_lookup = writing.lock(query, keys)
            every = writing.lock(of_customers("groupid.code"), customers("C1", "C2"))

        assert by_lookup.rows.to_pylist() == [{"number": "C1", "groupid.code": "g1"}]
        assert sorted(every.rows["groupid.code"].to_pylist(), key=str) == [None, "g1"]

    def test_no_keys_lock_nothing(self, watched: App) -> None:
        with watched.writing(OURS) as writing:
            found = writing.lock(of_customers(), customers())

        assert (found.rows.num_rows, found.locked.num_rows) == (0, 0)

    def test_the_look_sees_what_came_after_the_writing_began(
        self, shop: Workshop, watched: App
    ) -> None:
        one_writer(shop)
        with watched.writing(OURS) as writing:
            assert writing.lock(of_customers(), customers("C1", "C2")).rows.num_rows == 0
            assert len(writing.entries(CAPTURE, customers("C1", "C2"))) == 0
            with shop.hand() as hand:
                hand.insert("customer", customer("C2"), customer("C3"))
            found = writing.entries(CAPTURE, customers("C1", "C2"))

        assert found.keys["number"].to_pylist() == ["C2"]
        assert found.keys.schema == entries(watched).keys.schema

    def test_a_look_for_many_keys(self, watched: App) -> None:
        numbers = [f"C{i:04d}" for i in range(1200)]
        watched.write("customer", customers(*numbers), key=KEY)
        with watched.writing(OURS) as writing:
            assert len(writing.entries(CAPTURE, customers(*numbers[5:]))) == 1195
            assert len(writing.entries(CAPTURE, customers("C0000", "C0000", "X"))) == 1
            assert len(writing.entries(CAPTURE, customers())) == 0

    def test_rows_beside_a_held_one_are_written_at_once(self, shop: Workshop, watched: App) -> None:
        one_writer(shop)
        watched.write("customer", customers("C1", "C2", "C3"), key=KEY)
        with shop.hand() as hand:
            hand.update("customer", ONE, name="held")
            hand.insert("customer", customer("C9"))
            with watched.writing(OURS) as writing:
                writing.update("customer", customers("C2", name="a"), key=KEY)
                writing.insert("customer", customers("C4"), key=KEY, fresh=True)
                writing.insert("customer", customers("C2", "C5", name="b"), key=KEY)
                writing.delete("customer", customers("C3"))

        assert [(row["number"], row["name"]) for row in held(watched, of_customers("name"))] == [
            *[("C1", "held"), ("C2", "b"), ("C4", None), ("C5", "b"), ("C9", None)]
        ]

    def test_nobody_waits_for_what_it_acknowledges(self, shop: Workshop, watched: App) -> None:
        one_writer(shop)
        with shop.hand() as hand:
            hand.insert("customer", *(customer(f"C{i}") for i in range(5)))
        ids = entries(watched).id
        with watched.writing(OURS) as writing:
            writing.lock(of_customers(), customers("C0", "X1"))
            writing.entries(CAPTURE, customers("C0", "X1"))
            assert writing.acknowledge(CAPTURE, ids) == 5
            writing.record_applied(THEIRS, ids)
            with shop.hand() as hand:
                hand.insert("customer", customer("X1"))
                hand.update("customer", {"id": customer("C4")["id"]}, name="x")

        assert recorded(watched) == [("i", "USMF", "X1"), ("u", "USMF", "C4")]

    def test_it_waits_for_nobody_long(self, shop: Workshop, watched: App) -> None:
        one_writer(shop)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            began = time.monotonic()
            with pytest.raises(AppBusyError), watched.writing(OURS) as writing:
                writing.insert("customer", customers("C1"), key=KEY, fresh=True)
            took = time.monotonic() - began

        assert took < 3
        assert watched.count(of_customers()) == 1


class Renaming:
    """Rows that get other keys."""

    @pytest.mark.parametrize("count", [1, 1500])
    def test_a_key_is_changed_and_nothing_else(
        self, shop: Workshop, watched: App, count: int
    ) -> None:
        numbers = [f"C{i:04d}" for i in range(count)]
        watched.write("customer", customers(*numbers, "X", name="own"), key=KEY)
        watched.acknowledge(QUEUE, entries(watched).id)
        new = pa.table({"number": [f"N{i:04d}" for i in range(count)]})
        with watched.writing(OURS) as writing:
            assert writing.rename("customer", customers(*numbers).select(list(KEY)), new) == count
            assert (
                writing.rename("customer", customers("Y").select(list(KEY)), new.slice(0, 1)) == 0
            )
            assert writing.rename("customer", customers().select(list(KEY)), new.slice(0, 0)) == 0

        found = held(watched, of_customers("name"))
        assert [row["number"] for row in found] == [*new["number"].to_pylist(), "X"]
        assert {row["name"] for row in found} == {"own"}
        assert recorded(watched) == []

    def test_a_key_that_is_taken_is_refused(self, watched: App) -> None:
        watched.write("customer", customers("C1", "C2"), key=KEY)
        first, second = (customers(number).select(list(KEY)) for number in ("C1", "C2"))
        with watched.writing(OURS) as writing:
            with pytest.raises(RowsRefusedError):
                writing.rename("customer", first, pa.table({"number": ["C2"]}))
            writing.rename("customer", second, pa.table({"number": ["C3"]}))

        assert [row["number"] for row in held(watched, of_customers())] == ["C1", "C3"]

    def test_a_renaming_of_an_application_is_queued(self, watched: App) -> None:
        watched.write("customer", customers("C1"), key=KEY)
        with watched.writing() as writing:
            writing.rename(
                "customer", customers("C1").select(list(KEY)), pa.table({"number": ["C2"]})
            )

        assert recorded(watched)[1:] == [("d", "USMF", "C1"), ("i", "USMF", "C2")]


class Refusals:
    def test_a_fresh_row_that_is_there_is_refused(self, watched: App) -> None:
        """It came between the look and now: the next cycle sees it."""
        watched.write("customer", customers("C2", name="theirs"), key=KEY)
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)
            with pytest.raises(RowsRefusedError):
                writing.insert("customer", customers("C2", "C3"), key=KEY, fresh=True)
            writing.insert("customer", customers("C4"), key=KEY, fresh=True)

        assert [(row["number"], row["name"]) for row in held(watched, of_customers("name"))] == [
            *[("C1", None), ("C2", "theirs"), ("C4", None)]
        ]

    def test_without_fresh_a_row_that_is_there_is_updated(self, watched: App) -> None:
        watched.write("customer", customers("C1", "C2", name="a"), key=KEY)
        with watched.writing(OURS) as writing:
            rows = customers("C1", "C2", "C3", name=["a", "b", "c"])
            assert writing.insert("customer", rows, key=KEY) == Written(1, 1, 1)

        assert [row["name"] for row in held(watched, of_customers("name"))] == ["a", "b", "c"]

    def test_a_refused_update_leaves_the_rest(self, watched: App) -> None:
        watched.write("customer", customers("C1", "C2", name="a"), key=KEY)
        with watched.writing(OURS) as writing:
            writing.update("customer", customers("C1", name="b"), key=KEY)
            bad = customers("C1", "C2", name="c", groupid=[None, G1])
            with pytest.raises(RowsRefusedError):
                writing.update("customer", bad, key=KEY)
            writing.update("customer", customers("C2", name="d"), key=KEY)

        assert [row["name"] for row in held(watched, of_customers("name"))] == ["b", "d"]

    def test_refusals_leave_nothing_in_the_connection(self, watched: App) -> None:
        """What they staged must not meet what the next ones stage."""
        numbers = [f"C{i:03d}" for i in range(300)]
        for _ in range(3):
            with watched.writing(OURS) as writing:
                bad = customers(*numbers, groupid=G1)
                for _ in range(2):
                    with pytest.raises(RowsRefusedError):
                        writing.insert("customer", bad, key=KEY)
                writing.lock(of_customers(), customers(*numbers))

        assert watched.count(of_customers()) == 0

    def test_a_refused_delete_leaves_the_rest(self, watched: App) -> None:
        watched.write("group", pa.table({"id": [G1], "code": ["g1"]}), key=["id"])
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1", groupid=G1), key=KEY)
            with pytest.raises(RowsRefusedError):
                writing.delete("group", pa.table({"code": ["g1"]}))

        assert watched.count(of_customers()) == 1


class Carrying:
    def test_the_inbox_holds_what_was_applied_last(self, watched: App) -> None:
        with watched.writing(OURS) as writing:
            writing.record_applied(THEIRS, pa.array([9, 5, 6, 7, 11, 10**15], pa.int64()))
            writing.record_applied("dualwrite_q_other_1", pa.array([3], pa.int64()))

        assert [*watched.inbox(THEIRS).ranges] == [(5, 7), (9, 9), (11, 11), (10**15, 10**15)]
        with watched.writing(OURS) as writing:
            writing.record_applied(THEIRS, pa.array([20, 21], pa.int64()), 7 << 32)
        assert watched.inbox(THEIRS) == Inbox(((20, 21),), 7 << 32)
        assert [*watched.inbox("dualwrite_q_other_1").ranges] == [(3, 3)]
        assert watched.inbox("dualwrite_q_none") == Inbox()

    def test_rows_and_inbox_commit_together(self, watched: App) -> None:
        watched.write("customer", customers("C0"), key=KEY)
        ids = entries(watched).id

        def carry(*, broken: bool) -> None:
            with watched.writing(OURS) as writing:
                writing.insert("customer", customers("C1"), key=KEY)
                writing.record_applied(THEIRS, pa.array([1], pa.int64()))
                assert writing.acknowledge(CAPTURE, ids) == 1
                if broken:
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            carry(broken=True)

        assert [*watched.inbox(THEIRS).ranges] == []
        assert watched.count(of_customers()) == 1
        assert watched.pending([QUEUE]) == {QUEUE: 1}
        carry(broken=False)
        assert [*watched.inbox(THEIRS).ranges] == [(1, 1)]
        assert watched.count(of_customers()) == 2
        assert watched.pending([QUEUE]) == {QUEUE: 0}

    def test_entries_are_added_to_our_own_queue(self, watched: App) -> None:
        keys = pa.table({"company": ["USMF", "USMF"], "number": ["C1", None]})
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)
            each = pa.array(['"name",', None])
            writing.enqueue(CAPTURE, keys, op=pa.array(["u", "d"]), changed=each)
            writing.enqueue(CAPTURE, keys.select(["number", "company"]), op=Op.REQUEUED)
            writing.enqueue(CAPTURE, keys, op=Op.UPDATE, changed='"name",')
            writing.enqueue(CAPTURE, keys.slice(0, 0), op=Op.UPDATE)

        found = entries(watched)
        assert found.op.to_pylist() == ["u", "d", "c", "c", "u", "u"]
        assert found.changed.to_pylist() == ['"name",', None, None, None, '"name",', '"name",']
        assert found.keys.to_pylist() == keys.to_pylist() * 3
        assert found.at.null_count == 0

    def test_an_older_epoch_is_overtaken(self, watched: App) -> None:
        with watched.writing(replace(OURS, epoch=2)) as writing:
            writing.insert("customer", customers("C1"), key=KEY)

        with pytest.raises(OvertakenError) as caught, watched.writing(OURS) as writing:
            writing.insert("customer", customers("C2"), key=KEY)

        assert str(caught.value) == (
            "customers.yaml: another worker has taken it over (finops has seen a newer one). "
            "This transaction was rolled back; what was committed before stays.\n"
            "  See dualwrite status; nothing needs to be repaired."
        )
        with watched.writing(replace(OURS, map="other.yaml")) as writing:
            writing.insert("customer", customers("C3"), key=KEY)
        assert [row["number"] for row in held(watched, of_customers())] == ["C1", "C3"]

    def test_workers_of_one_epoch_write_side_by_side(self, shop: Workshop, watched: App) -> None:
        """Partitions of an initial sync are written at the same time."""
        one_writer(shop)
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)
        with watched.writing(OURS) as one, watched.writing(OURS) as other:
            one.insert("customer", customers("C2"), key=KEY)
            other.insert("customer", customers("C3"), key=KEY)

        assert watched.count(of_customers()) == 3

    def test_a_fence_shuts_out_and_returns_what_was_before(self, watched: App) -> None:
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)

        assert watched.fence({"customers.yaml": 5, "new.yaml": 1}) == {"customers.yaml": 1}
        assert watched.fence({"customers.yaml": 4, "new.yaml": 2}) == {
            "customers.yaml": 5, "new.yaml": 1,
        }  # fmt: skip
        for epoch in (1, 4):
            late = replace(OURS, epoch=epoch)
            with pytest.raises(OvertakenError), watched.writing(late) as writing:
                writing.insert("customer", customers("C2"), key=KEY)
        with watched.writing(replace(OURS, epoch=5)) as writing:
            writing.insert("customer", customers("C3"), key=KEY)
        assert watched.count(of_customers()) == 2


class Branches:
    """Transactions that two apps take part in; an app that prepares none writes as ever."""

    def test_a_branch_is_silent_and_commits(self, watched: App) -> None:
        with watched.branch(OURS, "dualwrite_b1") as writing:
            writing.insert("customer", customers("C1"), key=KEY)

        assert (recorded(watched), watched.count(of_customers())) == ([], 1)
        watched.write("customer", customers("C2"), key=KEY)
        assert recorded(watched) == [("i", "USMF", "C2")]

    def test_a_branch_that_breaks_is_rolled_back(self, watched: App) -> None:
        def broken() -> None:
            with watched.branch(OURS, "dualwrite_b2") as writing:
                writing.insert("customer", customers("C1"), key=KEY)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            broken()

        assert watched.count(of_customers()) == 0
        watched.write("customer", customers("C2"), key=KEY)
        assert recorded(watched) == [("i", "USMF", "C2")]

    def test_a_refused_row_leaves_the_rest_of_a_branch(self, watched: App) -> None:
        with watched.branch(OURS, "dualwrite_b3") as writing:
            with pytest.raises(RowsRefusedError):
                writing.insert("customer", customers("C1", groupid=G1), key=KEY)
            writing.insert("customer", customers("C2"), key=KEY)

        assert [row["number"] for row in held(watched, of_customers())] == ["C2"]

    def test_nothing_is_left_of_a_branch_that_never_was(self, watched: App) -> None:
        assert watched.resolve_prepared("dualwrite_none", commit=True)
        assert watched.resolve_prepared("dualwrite_none", commit=False)


class Prepared:
    """Branches of an app that can prepare them."""

    def test_what_is_prepared_commits_at_the_end(self, watched: App) -> None:
        with watched.branch(OURS, "dualwrite_p1") as writing:
            writing.insert("customer", customers("C1"), key=KEY)
            assert writing.preparable
            writing.prepare()

        assert (recorded(watched), watched.count(of_customers())) == ([], 1)
        watched.write("customer", customers("C2"), key=KEY)
        assert recorded(watched) == [("i", "USMF", "C2")]

    @pytest.mark.parametrize("commit", [True, False])
    def test_what_was_prepared_outlives_its_block(self, watched: App, commit: bool) -> None:
        def broken() -> None:
            with watched.branch(OURS, "dualwrite_p2") as writing:
                writing.insert("customer", customers("C1"), key=KEY)
                writing.prepare()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            broken()

        assert watched.count(of_customers()) == 0
        assert watched.resolve_prepared("dualwrite_p2", commit=commit)
        assert watched.count(of_customers()) == int(commit)
        assert watched.resolve_prepared("dualwrite_p2", commit=commit)

    def test_two_branches_stand_side_by_side(self, watched: App) -> None:
        with watched.branch(None, "dualwrite_p3") as one:
            one.insert("customer", customers("C1"), key=KEY)
            with watched.branch(None, "dualwrite_p4") as two:
                two.insert("customer", customers("C2"), key=KEY)
                two.prepare()
            one.prepare()

        assert watched.count(of_customers()) == 2
