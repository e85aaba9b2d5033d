"""Checking tables as they stand: every row of a map, both ways, and nothing is written."""

from __future__ import annotations

from dualwrite.apps.base import Query
from dualwrite.link import Side
from dualwrite.sync.lookups import Finder
from dualwrite.sync.session import Session
from dualwrite.sync.way import compile_way, reading
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.flow import translate
from expectations.gate import GreatExpectationsGate
from expectations.report import Report


def check_tables(session: Session, table_map: TableMap) -> Report:
    """Run the suites of both ways over all rows that the map takes part in.

    Memory depends on the partition size (`[engine] partition_rows`), not on the table's.

    Raises:
        NotEvaluatedError: An expectation raised instead of answering.
        TransientError, PermanentError: From the apps.
    """
    gate = GreatExpectationsGate()
    finder = Finder(session.apps)
    for side in (each for each in Side if table_map.flows_from(each)):
        way = compile_way(session, table_map, side)
        query: Query = reading(session, table_map, side)
        app = session.apps[side]
        for within in app.partitions(query, size=session.link.partition_rows):
            rows = translate(app.read(query, within=within), way.flow)
            gate(way, finder.fill_in(rows, way), way.rules)
    return gate.report
