"""The suite of a way: every rule that stands before its write, as an expectation.

Nothing is written by hand.  What the map and the two schemas say becomes the way's
rules, and these become the suite; so a suite is never older than its map.
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
    """What the suite of a way is about."""
    told = f"{SIDES[route.source]} to {SIDES[route.target]}"
    filled = {str(c.target): str(c.source) for c in route.flow.columns if c.source is not None}
    return About(route.table_map.name, route.table_map.title, told, route.flow.source_key, filled)


def suite_of(
    route: Route, rules: Iterable[Rule] | None = None, *, name: str | None = None
) -> gx.ExpectationSuite:
    """The suite of a compiled way; of some of its rules only, if given.

    Expectations stand in the order of the rules.
    """
    chosen = route.rules if rules is None else rules
    return gx.ExpectationSuite(
        name=name or suite_name(route), expectations=[expectation_of(rule) for rule in chosen]
    )
