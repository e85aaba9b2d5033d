"""The suite of one direction of a map: every rule before its write, as an expectation.

Nothing is written by hand.  The rules are derived from the map and the two schemas, and
the suite from the rules, so a suite is never older than its map.
"""

from __future__ import annotations

from collections.abc import Iterable

import great_expectations as gx

from dualwrite.rules import Rule
from dualwrite.sync.routes.route import Route
from expectations.catalogue import expectation_of
from expectations.report import SIDES, About


def suite_name(route: Route) -> str:
    """`customers-v3--accounts, finops to dataverse`."""
    return f"{route.table_map.name}, {route.source.value} to {route.target.value}"


def about_of(route: Route) -> About:
    """What the suite of a direction is about."""
    direction = f"{SIDES[route.source]} to {SIDES[route.target]}"
    filled = {str(c.target): str(c.source) for c in route.flow.columns if c.source is not None}
    return About(
        route.table_map.name, route.table_map.title, direction, route.flow.source_key, filled
    )


def suite_of(
    route: Route, rules: Iterable[Rule] | None = None, *, name: str | None = None
) -> gx.ExpectationSuite:
    """The suite of a compiled direction, or of some of its rules only.

    The expectations are in the order of the rules.
    """
    chosen = route.rules if rules is None else rules
    return gx.ExpectationSuite(
        name=name or suite_name(route), expectations=[expectation_of(rule) for rule in chosen]
    )
