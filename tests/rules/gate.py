"""A gate table written out in a test."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from dualwrite.rules import Rule

_PREFIX = re.compile("^(source|value|ref|many)_")


def gate(**columns: Any) -> pa.Table:
    """Columns by name; `source_X` stands for `source:X`, and so on for the other prefixes."""
    return pa.table({_PREFIX.sub(r"\1:", name): values for name, values in columns.items()})


def failing(rule: Rule, table: pa.Table) -> list[bool]:
    """The mask, which must be what every rule promises."""
    mask = rule.failing(table)
    assert isinstance(mask, pa.BooleanArray)
    assert mask.null_count == 0
    assert len(mask) == table.num_rows
    return mask.to_pylist()


def reasons(rule: Rule, table: pa.Table) -> list[str]:
    rows = table.to_pylist()
    return [
        rule.reason(row) for row, fails in zip(rows, failing(rule, table), strict=True) if fails
    ]
