"""Laws that hold for any rows on the two sides."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.tablemap.model import Master
from tests.sync.world import D, F, World, at, cust, customer, make_world

# An example takes half a second, and to shrink one takes hundreds of them.
WITHOUT_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]

ACCOUNTS = st.sampled_from(["C1", "C2", "C3"])
COMPANY = st.sampled_from(["USMF", "DEMF", "FRRT"])
TEXT = st.sampled_from([None, "", "a", "b", "x" * 21])
TIME = st.sampled_from([None, at(1), at(2)])
PARENT = st.sampled_from(["", "C1", "C2", "C9"])

# A column that flows one way is filled in only where it flows from: what becomes of the
# other end of a row that is new over there is tested in test_masters.
OURS = st.fixed_dictionaries(
    {
        "NAME": TEXT,
        "MEMO": TEXT,
        "RATING": st.sampled_from([None, "r"]),
        "HOLD": st.sampled_from([None, "No", "no", "All", "Perhaps"]),
        "GROUPID": st.sampled_from([None, "", "10", "20"]),
        "INVOICEACCOUNT": PARENT,
        "PARTYTYPE": st.sampled_from(["Organization", "Organization", "Person"]),
        "MODIFIED": TIME,
    }
)
THEIRS = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "", "a", "b"]),
        "memo": TEXT,
        "phone": st.sampled_from([None, "2"]),
        "hold": st.sampled_from([None, 0, 2, 7]),
        "custgroup": st.sampled_from([None, "10"]),
        "kind": st.sampled_from([3, 3, 1]),
        "modifiedon": TIME,
    }
)


def rows_of(values):
    return st.dictionaries(st.tuples(ACCOUNTS, COMPANY), values, max_size=5)


@pytest.mark.parametrize("master", Master, ids=lambda master: master.value)
@settings(max_examples=4, phases=WITHOUT_SHRINKING)
@given(ours=rows_of(OURS), theirs=rows_of(THEIRS), partition_rows=st.integers(1, 4))
def test_a_run_leaves_nothing_unexplained_and_a_second_one_writes_nothing(
    empty_journal, master, ours, theirs, partition_rows
):
    assert_settles(empty_journal, master, ours, theirs, partition_rows)


@pytest.mark.slow
@pytest.mark.parametrize("master", Master, ids=lambda master: master.value)
@settings(max_examples=25, phases=WITHOUT_SHRINKING)
@given(ours=rows_of(OURS), theirs=rows_of(THEIRS), partition_rows=st.integers(1, 4))
def test_many_runs_leave_nothing_unexplained(empty_journal, master, ours, theirs, partition_rows):
    assert_settles(empty_journal, master, ours, theirs, partition_rows)


def assert_settles(empty_journal, master, ours, theirs, partition_rows):
    with tempfile.TemporaryDirectory() as folder:
        world = filled(Path(folder), empty_journal, ours, theirs)
        try:
            world.run("customers", master=master, partition_rows=partition_rows)
            compared, after, held = world.reconcile(), world.everything(), world.causes()

            if master is not Master.FILL_BLANKS:
                assert compared.unexplained == 0, compared.rows
            accounts = world.rows(D, "customer", "company.code", "accountnumber")
            assert len(accounts) == len(set(accounts))

            again = world.counts("customers", master=master, initial_sync=True)

            assert world.everything() == after
            assert world.causes() == held
            assert not [c for counts in again.values() for c in counts if "written" in c]
        finally:
            world.close()


def filled(folder: Path, journal: Path, ours, theirs) -> World:
    urls = {side: f"sqlite:///{folder}/{side.value}.db" for side in Side}
    world = make_world(folder / "project", "memory", urls, journal=journal)
    for code in ("USMF", "DEMF", "FRRT"):
        world.put(D, "custgroup", {"company": code, "groupid": "10"})
    if ours:
        world.put(F, "Cust", *(cust(k, company=c, **row) for (k, c), row in ours.items()))
    if theirs:
        world.put(D, "customer", *(customer(k, company=c, **row) for (k, c), row in theirs.items()))
    return world
