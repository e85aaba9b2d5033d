"""Plans: legs, phases, the order of related maps, and what is refused before a write."""

from __future__ import annotations

import os

import pytest

from dualwrite.journal.leases import LeaseHeldError
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.routes.plan import Leg, MapPlan, MassDeleteError, guard_deletes
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import Master
from tests.sync.world import MAPS, D, F, cust


def plans(world, *names, **options) -> dict[str, MapPlan]:
    planned = make_plan(world.session, names or MAPS, **options)
    return {each.table_map.name: each for each in planned.maps}


def test_a_two_way_map_brings_across_what_one_side_has_and_then_reconciles_the_rest(world):
    plan = plans(world, "groups")["groups"]

    assert plan.legs == (Leg(D, 1, insert_only=True), Leg(F, 1))
    assert plan.phases == (1,)


@pytest.mark.parametrize(("sign", "source"), [(" > ", F), (" < ", D)])
def test_a_one_way_map_reads_one_side(world, sign, source):
    world.map("groups", (" = ", sign))

    assert plans(world, "groups")["groups"].legs == (Leg(source, 1),)


def test_a_lookup_into_its_own_table_comes_in_a_second_phase(world):
    plan = plans(world, "customers")["customers"]

    assert plan.deferred == {D: frozenset({"billto"})}
    assert plan.phases == (1, 2)
    assert plan.legs[2:] == (Leg(F, 2),)


def test_maps_run_after_those_they_need(world):
    order = list(plans(world, *reversed(MAPS)))

    assert order[0] == "companies"
    assert order.index("groups") < order.index("customers")


def test_of_two_maps_that_need_each_other_one_lookup_waits(world):
    planned = make_plan(world.session, ["customers", "vendors"])

    waiting = {each.table_map.name: each.deferred.get(D, frozenset()) for each in planned.maps}
    assert waiting["customers"] | waiting["vendors"] in (
        {"billto", "vendor"},
        {"billto", "customer"},
    )
    assert planned.why == (
        "second pass: customers.billto (dataverse)",
        "second pass: customers.vendor (dataverse)",
    )


def test_related_maps_are_taken_in(world):
    assert set(plans(world, "customers", with_related=True)) == set(MAPS)
    assert set(plans(world, "groups", with_related=True)) == {"companies", "groups"}


def test_the_master_of_a_run_takes_precedence_over_the_maps(world):
    world.map("groups", ("publisher: tests", "publisher: tests\nmaster: finops"))

    assert plans(world, "groups")["groups"].master is Master.FINOPS
    assert plans(world, "groups", master=Master.DATAVERSE)["groups"].master is Master.DATAVERSE


def test_a_map_with_faults_is_refused_before_anything_is_written(world):
    world.map("customers", ("MEMO = memo", "MEMO = nemo"))
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10"})
    world.put(F, "Cust", cust("C1"))
    before = world.everything()

    with pytest.raises(MapError) as refusal:
        world.run("groups", "customers")

    assert "nemo" in str(refusal.value)
    assert "Nothing was run" in str(refusal.value)
    assert world.everything() == before
    assert world.session.journal.maps.all() == []


def test_an_unknown_map_is_refused(world):
    with pytest.raises(UnknownMapError, match="there is no map 'custmers'"):
        make_plan(world.session, ["custmers"])


def test_a_map_that_another_worker_has_is_left_alone(world):
    world.put(F, "Cust", cust("C1"))

    with (
        world.session.journal.leases.take("customers", "somebody else", 60.0),
        pytest.raises(LeaseHeldError, match=f"its lease [(]process {os.getpid()}"),
    ):
        world.run("customers")

    assert world.rows(D, "customer", "accountnumber") == []
    assert world.session.journal.runs.newest() == []


GUARD = {"map_name": "customers", "side": D, "command": "dualwrite run customers --allow"}


@pytest.mark.parametrize(
    ("deletes", "rows"),
    [(0, 0), (50, 50), (51, 255), (200, 1000), (1_000_000, 5_000_000)],
)
def test_a_few_deletes_are_no_reason_to_stop(deletes, rows):
    guard_deletes(deletes=deletes, rows=rows, **GUARD)


@pytest.mark.parametrize(("deletes", "rows"), [(51, 254), (201, 1000), (1_000, 1_000)])
def test_deleting_more_than_a_fifth_is_refused(deletes, rows):
    with pytest.raises(MassDeleteError):
        guard_deletes(deletes=deletes, rows=rows, **GUARD)


def test_the_guard_says_what_to_do():
    with pytest.raises(MassDeleteError) as refusal:
        guard_deletes(deletes=1_201, rows=2_000, **GUARD)

    assert str(refusal.value) == (
        "customers: this would delete 1,201 of 2,000 rows in dataverse. Nothing was written.\n"
        "  If finops is really right, run: dualwrite run customers --allow\n"
        "  If not, check the credentials, the companies and the filter of finops."
    )
