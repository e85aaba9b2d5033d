"""What is read of a table: its columns by path, its rows by filter, companies, key or range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dualwrite.tablemap.filters import Filter
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference


@dataclass(frozen=True, slots=True)
class Query:
    """What to read of a table.

    `columns` are distinct; the result has them in this order, each named
    `str(path)`.  `key` names a row (the integration key) and is a subset of
    `columns`.  `companies` limits the rows to those whose `company` value is one
    of them; an empty tuple gives no rows.  `lookups` are the references that the
    database does not declare.  Of `ends`, until when rows are valid, infinity is read as null,
    which is no end too; of any other column it cannot be read.
    """

    table: str
    columns: tuple[ColumnPath, ...]
    key: tuple[ColumnPath, ...] = ()
    filter: Filter | None = None
    company: ColumnPath | None = None
    companies: tuple[str, ...] | None = None
    lookups: Mapping[str, Reference] = field(default_factory=dict)
    ends: tuple[ColumnPath, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyRange:
    """A stretch of a table in the order of `columns`: from `low` (with) to `high` (without).

    None is an open end.  Values are text in the canonical form, so that a range can
    rest in the journal; the app knows the columns' types.
    """

    columns: tuple[str, ...]
    low: tuple[str, ...] | None
    high: tuple[str, ...] | None
