"""Opening a project: what every operation but a few works with."""

from __future__ import annotations

from dualwrite.sync.session import Session, open_session

__all__ = ["Session", "open_session"]
