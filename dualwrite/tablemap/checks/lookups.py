"""Checks of lookups: does the natural key given for one find a single row?

The paths that a map writes through one lookup column make up a key of the table it
points at.  In a map of companies the row's own company belongs to that key without
being mapped, where the table has it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dualwrite.link import Side
from dualwrite.tablemap.checks.column_maps import written
from dualwrite.tablemap.checks.context import Context, is_source_of
from dualwrite.tablemap.findings import did_you_mean
from dualwrite.tablemap.model import ColumnMap, End
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import TableSchema


@dataclass(frozen=True, slots=True)
class _Lookup:
    side: Side
    column: str
    table: str
    parts: frozenset[ColumnPath]
    """By what a row of `table` is found."""
    by: ColumnMap
    """The first column map that goes through it."""


def check_lookups(context: Context) -> None:
    """Every lookup column that the map declares or writes."""
    for side in Side:
        _check_declared(context, side)
        for lookup in _lookups(context, side):
            schema = context.schema(side, lookup.table)
            if schema is not None:
                _check_key(context, lookup, schema)
                _check_later(context, lookup)


def _check_declared(context: Context, side: Side) -> None:
    """Check that what `lookups:` names exists; a table alone means its one primary key column."""
    own = context.schema(side)
    for name, reference in context.map.end(side).lookups.items():
        if own is not None and name not in own.columns:
            context.add(
                "DW1022" if context.is_source(side) else "DW1025",
                f"lookups: {context.name(side)} has no column {name!r}",
                word=side.value,
                cure=did_you_mean(name, own.columns),
            )
        there = context.schema(side, reference.table)
        if there is None:
            continue
        context.check_name(side, reference.table, there)
        where = f"{side.value}.{reference.table}"
        if not reference.column and len(there.primary_key) != 1:
            context.add(
                "DW1120",
                f"lookups: {name}: {where} has no primary key of one column",
                word=side.value,
                cure=f"name the column that it holds: {{{name}: {reference.table}(column)}}",
            )
        elif reference.column and reference.column not in there.columns:
            context.add(
                "DW1120",
                f"lookups: {name}: {where} has no column {reference.column!r}",
                word=side.value,
                cure=did_you_mean(reference.column, there.columns),
            )


def _lookups(context: Context, side: Side) -> Iterator[_Lookup]:
    groups: dict[str, list[ColumnMap]] = {}
    for column in written(context, side):
        path = column.end(side)
        if path is not None and path.is_lookup:
            groups.setdefault(path.column, []).append(column)
    for name, columns in groups.items():
        paths = [path for column in columns if (path := column.end(side)) is not None]
        reference = context.reference(side, name)
        targets = [target for path in paths for target in path.targets]
        for table, identifying in targets:
            parts = frozenset({ColumnPath((identifying,))})
            yield _Lookup(side, name, table.lower(), parts, columns[0])
        if not targets and reference is not None:
            parts = frozenset(path.rest for path in paths)
            yield _Lookup(side, name, reference.table, parts, columns[0])


def _check_key(context: Context, lookup: _Lookup, schema: TableSchema) -> None:
    ends = _filling(context, lookup)
    company = context.map.end(lookup.side).company
    implied = {company} if company and company.column in schema.columns else set()
    given = lookup.parts | implied
    columns = {path.column for path in given}
    sets = [set(unique) for unique in (schema.primary_key, *schema.unique) if unique]
    is_unique = any(unique <= columns for unique in sets)

    lacking = [(frozenset(end.key) - given, end) for end in ends]
    if lacking and not is_unique and all(missing for missing, _ in lacking):
        missing, end = min(lacking, key=lambda each: (len(each[0]), sorted(each[0])))
        _report_lacking(context, lookup, end, missing, wholly=missing == set(end.key) - implied)
    elif not is_unique:
        context.add(
            "DW1115",
            f"{lookup.by.notation}: {lookup.side.value}.{lookup.table} has no unique index over "
            f"{', '.join(sorted(columns))}",
            column=lookup.by,
        )


def _filling(context: Context, lookup: _Lookup) -> list[End]:
    """The ends of the maps that fill the table that the lookup points at."""
    catalogue = context.catalogue
    if catalogue is None:
        return []
    names = catalogue.maps_writing(lookup.side, lookup.table)
    return [catalogue.get(name).end(lookup.side) for name in names]


def _report_lacking(
    context: Context, lookup: _Lookup, end: End, missing: frozenset[ColumnPath], *, wholly: bool
) -> None:
    where = f"{lookup.side.value}.{lookup.table}"
    names = ", ".join(sorted(map(str, missing)))
    if missing == {end.company}:
        # A map with a company on one side only has a finding already (DW1002).
        if all(context.map.end(side).company is None for side in Side):
            context.add(
                "DW1017",
                f"{lookup.by.notation}: {where} belongs to companies and the map does not, so "
                f"{names} is not known",
                column=lookup.by,
            )
    elif wholly:
        context.add(
            "DW1015",
            f"{lookup.by.notation}: {', '.join(sorted(map(str, lookup.parts)))} is no part of "
            f"the key of {where} ({names})",
            column=lookup.by,
        )
    else:
        context.add(
            "DW1028" if is_source_of(lookup.by, lookup.side) else "DW1027",
            f"{lookup.by.notation}: the key of {where} needs {names} too",
            column=lookup.by,
            cure="map through the lookup too: "
            + ", ".join(f"{lookup.column}.{path}" for path in sorted(missing)),
        )


def _check_later(context: Context, lookup: _Lookup) -> None:
    """A table that points at itself: the lookup is filled in by a second pass."""
    end, own = context.map.end(lookup.side), context.schema(lookup.side)
    if own is None or lookup.table.casefold() != end.table.casefold():
        return
    column = own.columns.get(lookup.column)
    if column is not None and not column.nullable:
        context.add(
            "DW1116",
            f"{lookup.by.notation}: {context.name(lookup.side)} column {lookup.column} points at "
            "its own table and does not take null",
            column=lookup.by,
            cure="let the column be null, so that a second pass can fill it in",
        )
