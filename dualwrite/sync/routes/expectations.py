"""The expectations of a map and of the project's folder, as rules of the map's two routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from dualwrite.gate_column import Role, gate_name
from dualwrite.link import Side
from dualwrite.rules import RULES, Rule
from dualwrite.rules.expected import Kinds, UnknownExpectationError, WrongOptionError
from dualwrite.rules.own import OwnCodeError
from dualwrite.tablemap.findings import Finding, MapError, did_you_mean
from dualwrite.tablemap.model import ExpectedRule, TableMap
from dualwrite.tablemap.notation import name_of
from dualwrite.translate.flow import Flow

CODE = "DW1132"
_Named = Callable[[str], str | None]


def expected_of(table_map: TableMap, flow: Flow, project: Path) -> tuple[Rule, ...]:
    """The rules that a map, and the project's folder, expect on one route.

    Raises:
        MapError: An expectation is at fault; a check reports the same before anything runs.
    """
    wanted = [each for each in table_map.expect if each.into in (None, flow.target)]
    if not wanted:
        return ()
    gate = {*flow.names, *(gate_name(Role.SOURCE, path) for path in flow.reads)}
    named = _naming(table_map, flow.source, gate)
    kinds = _kinds(table_map, wanted[0], project)
    rules = [_rule(table_map, each, kinds, named) for each in wanted]
    return tuple(rule for rule in rules if rule is not None)


def expectation_faults(table_map: TableMap, project: Path) -> Iterator[Finding]:
    """What is wrong with the expectations of a map."""
    if not table_map.expect:
        return
    try:
        kinds = _kinds(table_map, table_map.expect[0], project)
    except MapError as error:
        yield from error.findings
        return
    naming = {side: _naming(table_map, side, _gate(table_map, side)) for side in Side}
    for expected in table_map.expect:
        targets = [side for side in Side if expected.into in (None, side)]
        sources = [side.other for side in targets if table_map.flows_from(side.other)]
        try:
            rules = [_rule(table_map, expected, kinds, naming[side]) for side in sources]
        except MapError as error:
            yield from error.findings
            continue
        if all(rule is None for rule in rules):
            yield _finding(
                table_map, expected, "it names a column that the map carries in no direction"
            )


def _kinds(table_map: TableMap, first: ExpectedRule, project: Path) -> Kinds:
    try:
        return Kinds.of(RULES, project)
    except OwnCodeError as error:
        raise _fault(table_map, first, error) from error


def _rule(table_map: TableMap, expected: ExpectedRule, kinds: Kinds, named: _Named) -> Rule | None:
    """An expectation as a rule; None where the route has not all of its columns.

    Raises:
        MapError: It is at fault.
    """
    try:
        return kinds.rule_of(expected, named)
    except UnknownExpectationError as error:
        raise _fault(table_map, expected, error, did_you_mean(error.name, error.known)) from error
    except WrongOptionError as error:
        known = f"known: {', '.join(error.known)}" if error.known else None
        raise _fault(table_map, expected, error, known) from error
    except OwnCodeError as error:
        raise _fault(table_map, expected, error) from error


def _fault(
    table_map: TableMap, expected: ExpectedRule, error: Exception, cure: str | None = None
) -> MapError:
    return MapError(table_map.name, [_finding(table_map, expected, str(error), cure)])


def _finding(
    table_map: TableMap, expected: ExpectedRule, message: str, cure: str | None = None
) -> Finding:
    text = f"expect: {expected.name}: {message}"
    return Finding.of(CODE, text, map_name=table_map.name, place=expected.place, cure=cure)


def _gate(table_map: TableMap, source: Side) -> set[str]:
    """The columns of a route's gate table, as far as the map alone tells."""
    names: set[str] = set()
    for column in table_map.columns:
        if column.flows_from(source) and column.end(source.other) is not None:
            names.add(str(column.end(source.other)))
            if column.end(source) is not None:
                names.add(gate_name(Role.SOURCE, column.end(source)))
    return names


def _naming(table_map: TableMap, source: Side, gate: set[str]) -> _Named:
    """Finds the gate column that a name means: a column may be named by either of its ends."""
    written: dict[str, str] = {}
    for column in table_map.columns:
        target = column.end(source.other)
        if column.flows_from(source) and target is not None:
            for end in (column.end(source), target):
                written.setdefault(str(end), str(target))

    def named(text: str) -> str | None:
        if text in gate:
            return text
        found = written.get(name_of(text))
        return found if found in gate else None

    return named
