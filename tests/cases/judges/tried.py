"""The judges of `tried`."""

from __future__ import annotations

from tests.cases.judges.table import Judge

JUDGES: dict[str, Judge] = {}
