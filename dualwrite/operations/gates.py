"""The gate that judges every batch before it is written."""

from __future__ import annotations

from dualwrite.sync.batch.gate import Gate, rules_only

__all__ = ["Gate", "rules_only"]
