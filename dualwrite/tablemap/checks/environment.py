"""Checks of a map's environment: companies, other maps, and what only the caller knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dualwrite.link import Side
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.companies import companies_of, unknown_companies
from dualwrite.tablemap.findings import did_you_mean


@dataclass(frozen=True, slots=True)
class Environment:
    """What the caller knows of link and journal; each part may be left out."""

    missing_variables: tuple[str, ...] = ()
    """Environment variables that dualwrite.toml names and that are not set."""
    unfinished_in: str | None = None
    """Another project that has an unfinished run of the map in this journal."""
    other_apps: tuple[Side, ...] = ()
    """Sides whose app is another one than the map last ran against."""
    held_companies: Mapping[Side, frozenset[str]] = field(default_factory=dict)
    """The companies that an app holds."""


def check_environment(
    context: Context, companies: Sequence[str] | None, environment: Environment
) -> None:
    """Checks of the environment of the map."""
    name = context.map.name
    for variable in environment.missing_variables:
        context.add("DW1005", f"dualwrite.toml names ${{{variable}}}, which is not set")
    if environment.unfinished_in is not None:
        context.add(
            "DW1006",
            f"{environment.unfinished_in} has an unfinished run of {name} in this journal",
        )
    for side in environment.other_apps:
        context.add("DW1007", f"{name} last ran against another {side.value} app")
    _check_companies(context, companies, environment)
    _check_depends_on(context)


def _check_companies(
    context: Context, companies: Sequence[str] | None, environment: Environment
) -> None:
    if companies is None:
        return
    if not companies:
        if context.map.is_company_specific():
            context.add(
                "DW1008",
                "the rows of this map belong to companies, and dualwrite.toml names none",
                word="finops",
                cure='name them under [link]: companies = ["USMF"]',
            )
        return
    for company in unknown_companies(context.map, companies):
        context.add(
            "DW1008",
            f"company {company!r} takes no part in the link",
            cure=did_you_mean(company, companies),
        )
    carried = companies_of(context.map, companies) or ()
    for side, held in environment.held_companies.items():
        known = {company.casefold() for company in held}
        for company in carried:
            if company.casefold() not in known:
                context.add("DW1016", f"{side.value} does not hold company {company!r}")


def _check_depends_on(context: Context) -> None:
    catalogue = context.catalogue
    if catalogue is None:
        return
    for name in context.map.depends_on:
        if name not in catalogue:
            context.add(
                "DW1122",
                f"depends_on: there is no map {name!r}",
                cure=did_you_mean(name, catalogue.names()),
            )
