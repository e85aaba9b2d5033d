"""What an application changes while an initial sync reads and writes its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dualwrite.apps.app import App
from dualwrite.link import Side
from dualwrite.tablemap.model import Master
from tests.sync.tables import D, F
from tests.sync.world import World, cust, customer


class Interrupted:
    """An app of which a user does something before the first transaction that we begin."""

    def __init__(self, app: App, act: Callable[[], None]) -> None:
        self._app, self._act = app, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    @contextmanager
    def writing(self, origin: Any = None) -> Iterator[Any]:
        act, self._act = self._act, lambda: None
        act()
        with self._app.writing(origin) as writing:
            yield writing


@pytest.mark.parametrize(("master", "loser"), [(Master.DATAVERSE, F), (Master.FINOPS, D)])
def test_a_row_that_its_user_changes_meanwhile_takes_the_masters_other_columns(
    world: World, master: Master, loser: Side
) -> None:
    world.put(F, "Cust", *(cust(f"C{n}", "erp", MEMO="m") for n in range(3)))
    world.put(D, "customer", *(customer(f"C{n}", "crm", memo="m") for n in range(3)))

    def edit() -> None:
        if loser is F:
            world.put(F, "Cust", cust("C1", "erp", MEMO="edited"))
        else:
            world.put(D, "customer", customer("C1", "crm", memo="edited"))

    world.run("companies", "groups")
    apps = {}

    def wrap(app: App) -> App:
        # the leg that reads both sides writes in one of them first
        return apps.setdefault(app.side, Interrupted(app, edit if not apps else lambda: None))

    world.wrap = wrap
    world.run("customers", master=master)
    world.wrap = lambda app: app
    world.cycle_until_done()

    name = "crm" if loser is F else "erp"
    wanted = [("C0", name, "m"), ("C1", name, "edited"), ("C2", name, "m")]
    assert world.rows(F, "Cust", "ACCOUNT", "NAME", "MEMO") == wanted
    assert world.rows(D, "customer", "accountnumber", "name", "memo") == wanted
    assert world.unexplained() == {}
