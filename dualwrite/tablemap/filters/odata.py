"""Reading an OData `$filter`."""

from __future__ import annotations

from dataclasses import dataclass, field

from odata_query import ast

from dualwrite.tablemap.notation import ColumnPath


class FilterError(ValueError):
    """A filter with a syntax error, or one that uses what we do not offer."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: its text, its syntax tree, and the paths it uses, in order of first use."""

    text: str
    tree: ast._Node = field(repr=False, compare=False)
    paths: tuple[ColumnPath, ...] = ()
