"""The judges of `public`, of both files."""

from __future__ import annotations

from tests.cases.judges import public_flow, public_values

JUDGES = public_flow.JUDGES | public_values.JUDGES
