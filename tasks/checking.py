"""Read-only steps: reconcile, and the quality report."""

from __future__ import annotations

from pathlib import Path

from dualwrite.operations.queries.reconcile import Reconciled, reconcile
from expectations import docs
from expectations.checking import check_tables
from expectations.report import QualityReport
from tasks.sessions import session_of
from tasks.step import step


@step(name="reconcile map", task_run_name="reconcile {map_name}", tags=["reads"])
def reconcile_map(project: Path, map_name: str) -> Reconciled:
    """Compare both sides through a map, row by row."""
    return reconcile(session_of(project), map_name)


@step(name="check map", task_run_name="check {map_name}", tags=["reads"])
def check_map(project: Path, map_name: str, values: bool = False) -> QualityReport:
    """Run the suites of a map over all its rows, on both sides."""
    session = session_of(project)
    return check_tables(session, session.map(map_name), values=values)


@step(name="publish quality", task_run_name="publish {what}", tags=["reports"])
def publish_quality(project: Path, report: QualityReport, what: str, trend: bool = False) -> Path:
    """Write the Data Docs to reports/quality; return the path of the first page."""
    return docs.publish(report, project, what=what, trend=trend)
