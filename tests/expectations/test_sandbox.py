"""The faulty rows of a sandbox: both gates hold back the same ones, in every map and direction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dualwrite.link import Side
from dualwrite.rules import judge
from dualwrite.sandbox.faults import (
    ACCOUNTS,
    CURRENCIES,
    GROUPS,
    ORDER_LINES,
    ORDERS,
    PARTIES,
    PRODUCTS,
    QUOTATIONS,
    VENDORS,
)
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session, open_session
from dualwrite.translate.rows import translate
from expectations.gate import GreatExpectationsGate
from tests.expectations.test_gate import as_data


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder: Path = tmp_path_factory.mktemp("faults") / "box"
    create_sandbox(folder, rows=100)
    with open_session(folder) as opened:
        yield opened


@pytest.mark.parametrize(
    "name",
    [
        ACCOUNTS,
        CURRENCIES,
        GROUPS,
        ORDERS,
        ORDER_LINES,
        PARTIES,
        PRODUCTS,
        QUOTATIONS,
        VENDORS,
    ],
)
def test_faulty_rows_are_held_back_alike(session, name):
    table_map = session.catalogue.get(name)
    failures = []
    for side in (side for side in Side if table_map.flows_from(side)):
        route = compile_route(session, table_map, side)
        rows = session.apps[side].read(reading(session, table_map, side))
        ready = Finder(session.apps).fill_in(translate(rows, route.flow), route)

        by_rules = judge(ready, route.rules)

        assert as_data(GreatExpectationsGate()(route, ready, route.rules)) == as_data(by_rules)
        failures += by_rules.failures
    assert failures
