"""Lookups: which row of another table a natural key means.

All target paths through one lookup column form one lookup, so a key of several parts
finds one row.  In a map of companies the row's own company belongs to the key wherever
the other table has it too.  A polymorphic lookup has several candidates, tried in order.
Reading the other tables is the caller's work; here rows and their indexes are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import column_of, plain
from dualwrite.gate_column import Role, gate_name
from dualwrite.tablemap.facts import LookupFacts
from dualwrite.tablemap.model import End, TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import TableSchema, type_column
from dualwrite.translate.flow import Flow, SchemaOf
from dualwrite.translate.keys import duplicates, key_text, row_of

Part = tuple[str, ColumnPath]


@dataclass(frozen=True, slots=True)
class Lookup:
    """One table that a lookup column may point at.

    `column` is the target table's own; it will hold `returns` of the row of `table`
    whose `parts` (gate column, path there) and `company` are those of our row.
    """

    column: str
    table: str
    returns: str
    parts: tuple[Part, ...]
    company: Part | None = None
    type_column: str | None = None
    type_value: str | None = None
    required: bool = False
    """Whether `column` cannot be null."""

    @property
    def key(self) -> tuple[Part, ...]:
        """Company and own parts together."""
        return self.parts if self.company is None else (self.company, *self.parts)

    @property
    def paths(self) -> tuple[ColumnPath, ...]:
        """What to read of `table`: the key's paths, then `returns`."""
        return (*dict.fromkeys([*(path for _, path in self.key), ColumnPath((self.returns,))]),)


def lookups_of(
    flow: Flow, table_map: TableMap, schema_of: SchemaOf
) -> tuple[tuple[Lookup, ...], ...]:
    """The lookups of a flow, one group a lookup column, in the order of the map."""
    side = flow.target
    end = table_map.end(side)

    def schema(table: str) -> TableSchema:
        return schema_of(side, table)

    paths: dict[str, list[ColumnPath]] = {}
    for path in flow.targets:
        if path.is_lookup:
            paths.setdefault(path.column, []).append(path)
    company = end.company if table_map.is_company_specific() else None
    return tuple(
        _candidates(column, group, end, company, schema) for column, group in paths.items()
    )


def _candidates(
    column: str,
    paths: Sequence[ColumnPath],
    end: End,
    company: ColumnPath | None,
    schema_of: Callable[[str], TableSchema],
) -> tuple[Lookup, ...]:
    own = schema_of(end.table)
    required = not own.columns[column].nullable
    if paths[0].targets:
        kind = type_column(own, column)
        candidates = [
            Lookup(
                column=column,
                table=schema.name,
                returns=_identity(schema, identifying),
                parts=((str(paths[0]), ColumnPath((identifying,))),),
                type_column=kind,
                type_value=schema.name if kind is not None else None,
                required=required,
            )
            for schema, identifying in (
                (schema_of(table.lower()), identifying) for table, identifying in paths[0].targets
            )
        ]
    else:
        reference = end.lookups.get(column) or own.columns[column].references
        assert reference is not None, "compile_flow has followed the path already"
        parts = tuple((str(path), path.rest) for path in paths)
        candidates = [Lookup(column, reference.table, reference.column, parts, required=required)]
    return tuple(_with_company(lookup, company, schema_of) for lookup in candidates)


def _identity(schema: TableSchema, otherwise: str) -> str:
    """What a polymorphic lookup holds: the one primary key column of the table it points at."""
    return schema.primary_key[0] if len(schema.primary_key) == 1 else otherwise


def _with_company(
    lookup: Lookup, company: ColumnPath | None, schema_of: Callable[[str], TableSchema]
) -> Lookup:
    """With the row's own company in the key, where the other table has it and no part maps it."""
    if company is None or company.column == lookup.column:
        return lookup
    mapped = any(path.column == company.column for _, path in lookup.parts)
    if mapped or company.column not in schema_of(lookup.table).columns:
        return lookup
    return replace(lookup, company=(str(company), company))


def lookup_facts(groups: Sequence[Sequence[Lookup]]) -> tuple[LookupFacts, ...]:
    """What the rules are derived from."""
    return tuple(
        LookupFacts(
            reference=gate_name(Role.REFERENCE, group[0].column),
            ambiguous=gate_name(Role.AMBIGUOUS, group[0].column),
            parts=tuple(name for name, _ in group[0].parts),
            tables=tuple(lookup.table for lookup in group),
            required=group[0].required,
        )
        for group in groups
    )


def attach(rows: pa.Table, group: Sequence[Lookup], indexes: Sequence[pa.Table]) -> pa.Table:
    """Add what the lookup column of `group` will hold.

    Args:
        rows: The gate table.
        group: The candidates of one lookup column.
        indexes: For each candidate the rows of its table, named by the paths of its key,
            with its `returns`.

    Returns:
        The table with `ref:<column>` (null: not given, not found or not one row),
        `many:<column>` (more than one row has the key) and, where the candidates tell
        their type, `ref:<type column>`.
    """
    first = group[0]
    found: pa.Array | None = None
    kinds = pa.nulls(len(rows), pa.string())
    many = pa.repeat(pa.scalar(value=False), len(rows))
    for lookup, index in zip(group, indexes, strict=True):
        reference, doubled = _find(rows, lookup, index)
        if found is None:
            is_new, found = reference.is_valid(), reference
        else:
            is_new = pc.and_(found.is_null(), reference.is_valid())
            found = pc.coalesce(found, reference.cast(found.type))
        kinds = pc.if_else(is_new, pa.scalar(lookup.type_value, pa.string()), kinds)
        many = pc.or_(many, doubled)
    assert found is not None, "a lookup has at least one candidate"
    rows = rows.append_column(gate_name(Role.REFERENCE, first.column), found)
    rows = rows.append_column(
        gate_name(Role.AMBIGUOUS, first.column), pc.and_(many, found.is_null())
    )
    if first.type_column is not None:
        rows = rows.append_column(gate_name(Role.REFERENCE, first.type_column), kinds)
    return rows


def _find(rows: pa.Table, lookup: Lookup, index: pa.Table) -> tuple[pa.Array, pa.Array]:
    """The reference of each row, and whether the index holds its key twice."""
    keys = key_text(rows, [name for name, _ in lookup.key])
    known = key_text(index, [str(path) for _, path in lookup.key])
    place = row_of(keys, known)
    returns = plain(column_of(index, lookup.returns))
    twice = duplicates(known)
    doubled = pc.fill_null(twice.take(place), fill_value=False)
    reference = returns.take(pc.if_else(doubled, pa.scalar(None, place.type), place))
    return reference, doubled
