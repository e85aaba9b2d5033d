"""Checks of whole tables: every row of a map, on both sides, and nothing is written.

A side that the map reads from is checked by all rules of that direction.  The other side of a
one-way map is checked by those that need no counterpart: keys, periods, digits, what must
be there.  Rows that are judged together (of one key, of one history) are never separated, so
the verdict does not depend on how the table was cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.rules import Rule
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath, name_of
from dualwrite.translate.rows import comparable, translate
from expectations.gate import GreatExpectationsGate
from expectations.report import SIDES, About, QualityReport
from expectations.suite import suite_of


def check_tables(session: Session, table_map: TableMap, *, values: bool = False) -> QualityReport:
    """Run the suites of a map over all rows that it takes part in, on both sides.

    With `values` the report also says why rows failed, which shows values of theirs.

    Memory depends on the partition size (`[engine] partition_rows`), not on the table's.

    Raises:
        NotEvaluatedError: An expectation raised instead of answering.
        TransientError, PermanentError: From the apps.
    """
    gate = GreatExpectationsGate(values=values)
    for side in Side:
        if table_map.flows_from(side):
            _check_source(session, table_map, side, gate)
        else:
            _check_target(session, table_map, side, gate)
    return gate.report


def _check_source(
    session: Session, table_map: TableMap, side: Side, gate: GreatExpectationsGate
) -> None:
    route = compile_route(session, table_map, side)
    rules, finder = _whole(route.rules), Finder(session.apps)
    for rows in _pages(session, table_map, side):
        gate(route, finder.fill_in(translate(rows, route.flow), route), rules)


def _check_target(
    session: Session, table_map: TableMap, side: Side, gate: GreatExpectationsGate
) -> None:
    route = compile_route(session, table_map, side.other)
    there = {str(path) for path in route.flow.targets}
    rules = [rule for rule in _whole(route.rules) if there.issuperset(rule.columns)]
    if not rules:
        return
    name = f"{table_map.name}, {side.value} as it stands"
    suite = suite_of(route, rules, name=name)
    about = About(table_map.name, table_map.title, f"{SIDES[side]}, as it stands", route.flow.key)
    for rows in _pages(session, table_map, side):
        gate.judge(comparable(rows, route.flow), suite, route.flow.key, about, rules)


def _whole(rules: Sequence[Rule]) -> list[Rule]:
    """The rules for whole tables: no row of a history is anywhere else."""
    found: list[Rule] = []
    for rule in rules:
        dated: Any = rule
        found.append(replace(dated, held=False) if rule.name == "periods_sound" else rule)
    return found


def _pages(session: Session, table_map: TableMap, side: Side) -> Any:
    query, app = reading(session, table_map, side), session.apps[side]
    together = _together(session, table_map, query, side)
    for within in app.partitions(query, size=session.link.partition_rows, together=together):
        rows: pa.Table = app.read(query, within=within)
        yield rows


def _together(session: Session, table_map: TableMap, query: Query, side: Side) -> tuple[str, ...]:
    """The table's own columns that rows of one key, or of one history, agree on.

    None where one of them may be null: a range would leave those rows out.  The table is then
    cut as it lies, and a key that is there twice is seen where both rows lie together.
    """
    key = [path.column for path in query.key]
    if table_map.effective is not None:
        entity = [name_of(str(name)) for name in table_map.effective.get("entity", ())]
        paths = [_end(table_map, name, side) for name in entity]
        key = [path.column for path in paths if path is not None] or key
    columns = session.schema(side, query.table).columns
    if all(name in columns and not columns[name].nullable for name in key):
        return tuple(dict.fromkeys(key))
    return session.together(side, query)


def _end(table_map: TableMap, name: str, side: Side) -> ColumnPath | None:
    """The path on `side` of the column that the map names by either of its ends."""
    for column in table_map.columns:
        if name in {str(column.end(each)) for each in Side}:
            return column.end(side)
    return None
