"""A view, or a table without a key, as the side that a one-way map comes from."""

from __future__ import annotations

import pytest

from dualwrite.tablemap.findings import MapError
from tests.sync.conftest import WorldMaker
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer

SEEN = """\
map: seen
title: Customers as a view shows them
finops: {table: Seen, key: [DATAAREAID, ACCOUNT], company: DATAAREAID}
dataverse: {table: customer, key: [company.code, accountnumber], company: company.code}
columns:
  - DATAAREAID > company.code
  - ACCOUNT > accountnumber
  - NAME > name
"""
_SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("postgresql", "mariadb")]


def create(world: World, view: str, select: str) -> None:
    """A view of finops over customers; `select` names columns in double quotes."""
    text = f'CREATE {view} AS SELECT {select} FROM "Cust"'
    world.execute(F, text.replace('"', "`") if world.kind == "mariadb" else text)


def with_map(world: World, text: str = SEEN) -> None:
    (world.folder / "maps" / "seen.yaml").write_text(text, encoding="utf-8")
    world.map("seen")  # the open project takes notice of it


@pytest.mark.parametrize("kind", ["sqlite", *_SLOW])
@pytest.mark.parametrize("what", ['VIEW "Seen"', 'TABLE "Seen"'])
def test_rows_without_a_primary_key_are_carried_by_the_keys_of_the_map(
    new_world: WorldMaker, kind: str, what: str
) -> None:
    world = new_world(kind)
    with_map(world)
    world.put(F, "Cust", *(cust(f"F{number}") for number in range(7)))
    create(world, what, '"DATAAREAID", "ACCOUNT", "NAME"')

    counts = world.counts("seen", partition_rows=2)

    assert counts == {"seen": {f"{TO_D} read": 7, f"{TO_D} written": 7}}
    assert world.rows(D, "customer", "accountnumber") == [(f"F{number}",) for number in range(7)]
    assert (world.reconcile("seen").same, world.reconcile("seen").unexplained) == (7, 0)
    again = world.counts("seen", initial_sync=True, partition_rows=2)
    assert again == {"seen": {f"{TO_D} read": 7, f"{TO_D} unchanged": 7}}


def test_rows_of_a_view_that_share_a_key_are_rejected_together(new_world: WorldMaker) -> None:
    world = new_world("sqlite")
    with_map(world)
    world.put(F, "Cust", cust("F1"), cust("F2"), cust("F3"))
    create(world, 'VIEW "Seen"', "DATAAREAID, 'F' AS ACCOUNT, NAME")

    world.run("seen", partition_rows=1)

    assert world.rows(D, "customer", "accountnumber") == []
    assert {cause for _, _, cause in world.causes("seen")} == {"key_unique"}


def test_a_view_of_dataverse_serves_as_well(new_world: WorldMaker) -> None:
    world = new_world("sqlite")
    with_map(
        world,
        SEEN.replace(">", "<")
        .replace("table: Seen", "table: Cust")
        .replace("table: customer", "table: Seen")
        .replace("company.code", "code")
        + "  - PARTYTYPE << none: {default: Organization}\n"
        "  - INVOICEACCOUNT << none: {default: ''}\n",
    )
    world.put(D, "customer", customer("D1"), customer("D2"))
    world.execute(
        D,
        "CREATE VIEW Seen AS SELECT c.code, accountnumber, customer.name "
        "FROM customer JOIN company c ON c.companyid = customer.company",
    )

    assert world.counts("seen") == {"seen": {f"{TO_F} read": 2, f"{TO_F} written": 2}}
    assert world.reconcile("seen").unexplained == 0


def test_a_table_with_no_key_that_a_map_writes_is_refused(new_world: WorldMaker) -> None:
    world = new_world("sqlite")
    with_map(world, SEEN.replace(">", "="))
    create(world, 'TABLE "Seen"', '"DATAAREAID", "ACCOUNT", "NAME"')

    with pytest.raises(MapError) as refused:
        world.run("seen")

    assert "DW1019" in [finding.code for finding in refused.value.findings]
