"""The gate: what judges a batch before it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from dualwrite.rules import Rule, Verdict, judge
from dualwrite.sync.routes.route import Route

Gate = Callable[[Route, pa.Table, Sequence[Rule]], Verdict]
"""Judges a batch before it is written; the flows put Great Expectations here."""


def rules_only(route: Route, rows: pa.Table, rules: Sequence[Rule]) -> Verdict:
    """The plain gate: the rules themselves."""
    del route
    return judge(rows, [rule for rule in rules if not rule.reported_only])
