"""Both sides in different databases: what one of them spells in its own way means the same."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.sync.world import D, F, World, cust, customer, make_world


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("sqlite", "postgresql"), ("postgresql", "mariadb"), ("mariadb", "sqlite")],
)
def test_changes_cross_both_ways(
    request: pytest.FixtureRequest, tmp_path: Path, empty_journal: Path, ours: str, theirs: str
) -> None:
    pairs = request.getfixturevalue("app_pair_urls")
    urls = {F: pairs(ours)[0], D: pairs(theirs)[1]}
    world: World = make_world(tmp_path / "project", ours, urls, journal=empty_journal)
    world.put(F, "Cust", *(cust(f"C{n}", "one", CREDIT=Decimal("1.50")) for n in range(4)))
    world.run()

    world.put(F, "Cust", cust("C1", "of finops", CREDIT=Decimal("2.25")))
    world.put(D, "customer", customer("C2", "of dataverse"), customer("N1", "new"))
    world.remove(D, "customer", accountnumber="C3")
    world.cycle_until_done()

    wanted = [("C0", "one"), ("C1", "of finops"), ("C2", "of dataverse"), ("N1", "new")]
    assert world.rows(F, "Cust", "ACCOUNT", "NAME") == wanted
    assert world.rows(D, "customer", "accountnumber", "name") == wanted
    assert world.rows(D, "customer", "accountnumber", "credit")[1] == ("C1", Decimal("2.25"))
    assert world.unexplained() == {}
    assert world.cycle() == {}
    world.close()
