"""What a project expects of a map's rows, as rules of its two ways."""

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
from dualwrite.translate.flow import Flow

CODE = "DW1132"
_Named = Callable[[str], str | None]


def expected_of(table_map: TableMap, flow: Flow, project: Path) -> tuple[Rule, ...]:
    """The rules that a map, and the project's folder, expect on one way.

    Raises:
        MapError: An expectation is at fault; a check says the same before anything runs.
    """
    asked = _asked(table_map, flow.target)
    if not asked:
        return ()
    gate = {*flow.names, *(gate_name(Role.SOURCE, path) for path in flow.reads)}
    named = _naming(table_map, flow.source, gate)
    try:
        kinds = Kinds.of(RULES, project)
    except OwnCodeError as error:
        raise MapError(table_map.name, [_finding(table_map, asked[0], str(error))]) from error
    found = (_tried(table_map, each, kinds, named) for each in asked)
    rules = []
    for each in found:
        if isinstance(each, Finding):
            raise MapError(table_map.name, [each])
        rules += [] if each is None else [each]
    return tuple(rules)


def expectation_faults(table_map: TableMap, project: Path) -> Iterator[Finding]:
    """What is wrong with the expectations of a map."""
    if not table_map.expect:
        return
    try:
        kinds = Kinds.of(RULES, project)
    except OwnCodeError as error:
        yield _finding(table_map, table_map.expect[0], str(error))
        return
    for expected in table_map.expect:
        ways = [side.other for side in Side if expected.into in (None, side)]
        ways = [source for source in ways if table_map.flows_from(source)]
        found = [
            _tried(table_map, expected, kinds, _naming(table_map, source, _gate(table_map, source)))
            for source in ways
        ]
        fault = next((each for each in found if isinstance(each, Finding)), None)
        if fault is not None:
            yield fault
        elif all(each is None for each in found):
            yield _finding(table_map, expected, "it names a column that is on no way of the map")


def _asked(table_map: TableMap, target: Side) -> list[ExpectedRule]:
    return [each for each in table_map.expect if each.into in (None, target)]


def _tried(
    table_map: TableMap, expected: ExpectedRule, kinds: Kinds, named: _Named
) -> Rule | Finding | None:
    try:
        return kinds.rule_of(expected, named)
    except UnknownExpectationError as error:
        return _finding(table_map, expected, str(error), did_you_mean(error.name, error.known))
    except WrongOptionError as error:
        cure = f"known: {', '.join(error.known)}" if error.known else None
        return _finding(table_map, expected, str(error), cure)
    except OwnCodeError as error:
        return _finding(table_map, expected, str(error))


def _finding(
    table_map: TableMap, expected: ExpectedRule, message: str, cure: str | None = None
) -> Finding:
    said = f"expect: {expected.name}: {message}"
    return Finding.of(CODE, said, map_name=table_map.name, place=expected.place, cure=cure)


def _gate(table_map: TableMap, source: Side) -> set[str]:
    """The columns that the gate table of a way will have, as far as the map alone tells."""
    names: set[str] = set()
    for column in table_map.columns:
        if column.flows_from(source) and column.end(source.other) is not None:
            names.add(str(column.end(source.other)))
            if column.end(source) is not None:
                names.add(gate_name(Role.SOURCE, column.end(source)))
    return names


def _naming(table_map: TableMap, source: Side, gate: set[str]) -> _Named:
    """A column may be named by either end: what is written is meant."""
    written: dict[str, str] = {}
    for column in table_map.columns:
        target = column.end(source.other)
        if column.flows_from(source) and target is not None:
            for end in (column.end(source), target):
                written.setdefault(str(end), str(target))

    def named(text: str) -> str | None:
        if text in gate:
            return text
        found = written.get(text)
        return found if found in gate else None

    return named
