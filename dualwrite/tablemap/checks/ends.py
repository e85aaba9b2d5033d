"""Checks of a map's two ends: tables, integration key, company, filter, who is newest."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.filters import FilterError, parse_filter
from dualwrite.tablemap.filters.literals import type_faults
from dualwrite.tablemap.model import ColumnMap, Master
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, TableSchema


def check_ends(context: Context) -> None:
    """Checks that are not about single columns."""
    for side in Side:
        _check_table(context, side)
        _check_key_there(context, side)
        _check_filter(context, side)
    _check_company(context)
    _check_key_mapped(context)
    _check_newest(context)


def _check_table(context: Context, side: Side) -> None:
    schema = context.schema(side)
    if schema is None:
        return
    _check_told_apart(context, side, schema)
    context.check_name(side, context.map.end(side).table, schema)
    if schema.read_only and context.map.flows_from(side.other):
        context.add(
            "DW1011",
            f"{context.name(side)} takes no writes: it is {schema.read_only}",
            cure="map the table below it, or make every column one-way out of it",
        )


def _check_told_apart(context: Context, side: Side, schema: TableSchema) -> None:
    """A side that is only read needs no key of its own where the map's key can replace it."""
    is_written = context.map.flows_from(side.other)
    if is_written and not schema.primary_key and not schema.unique:
        context.add("DW1019", f"{context.name(side)} has no primary key and no unique index")
        return
    never_null = [
        names for names in schema.unique if not any(schema.columns[name].nullable for name in names)
    ]
    whole = [names for names in (schema.primary_key, *never_null) if names]
    if whole and not any(_spelled(schema, names) for names in whole):
        context.add(
            "DW1019",
            f"{context.name(side)} is keyed by {whole[0][0]} alone, which is binary: rows are "
            "counted and cut into ranges by keys that can be spelled",
            cure="add a unique index over columns of texts or numbers that are never null",
        )
        return
    behind = [str(path) for path in context.map.end(side).key if path.is_lookup]
    if behind and not schema.primary_key and not any(never_null):
        context.add(
            "DW1019",
            f"{context.name(side)} has no primary key, and {behind[0]} of the map's key lies in "
            "another table",
            cure="add a primary key, or name columns of the table or view itself in `key:`",
        )


def _spelled(schema: TableSchema, names: Sequence[str]) -> bool:
    return not any(pa.types.is_binary(schema.columns[name].type) for name in names)


def _check_key_type(context: Context, side: Side, path: ColumnPath, column: Column) -> None:
    """A key is found again by how it is spelled: some types have no exact spelling."""
    if pa.types.is_binary(column.type):
        reason = "is binary, and has no spelling as text"
    elif pa.types.is_floating(column.type):
        reason = f"is {column.native}, whose values are not found again by their digits"
    elif pa.types.is_int64(column.type) and column.native.lower().startswith("bit"):
        reason = f"is {column.native}, which is not found again by its number"
    else:
        return
    context.add(
        "DW1019",
        f"key column {path} of {context.name(side)} {reason}",
        cure="name a key of texts, whole numbers, decimals or dates in `key:`",
    )


def _check_key_there(context: Context, side: Side) -> None:
    end = context.map.end(side)
    if not end.key:
        context.add("DW1003", f"{side.value}: no integration key")
    for path in end.key:
        column = context.column(side, path, _mapped_by(context, side, path))
        if column is not None:
            _check_key_type(context, side, path, column)
    for other in (end.company, end.modified):
        if other is not None:
            context.column(side, other, _mapped_by(context, side, other))


def _check_company(context: Context) -> None:
    without = [side for side in Side if context.map.end(side).company is None]
    if len(without) == 1:
        side = without[0]
        context.add(
            "DW1002",
            f"{context.name(side.other)} belongs to companies, {context.name(side)} does not",
            cure=f"give `company:` under {side.value} too, or take it away under "
            f"{side.other.value}",
        )


def _check_key_mapped(context: Context) -> None:
    """Each key column answers a key column of the other side, in each direction of rows."""
    for side in Side:
        end, other = context.map.end(side), context.map.end(side.other)
        for path in end.key:
            carrying = [
                column
                for column in context.map.columns
                if column.end(side) == path and column.end(side.other) in other.key
            ]
            if not carrying:
                context.add(
                    "DW1014",
                    f"key column {path} of {context.name(side)} is mapped onto no key column "
                    f"of {context.name(side.other)}",
                    cure=f"map it: {_example(side, path)}, and name both in `key:`",
                )
            elif side is Side.FINOPS:
                _check_key_ways(context, path, carrying)


def _check_key_ways(context: Context, path: ColumnPath, carrying: list[ColumnMap]) -> None:
    for source in Side:
        carried = any(column.flows_from(source) for column in carrying)
        if context.map.flows_from(source) and not carried:
            context.add(
                "DW1004",
                f"{carrying[0].notation}: key column {path} does not go {source.direction}, "
                "but other columns do",
                column=carrying[0],
            )


def _check_newest(context: Context) -> None:
    missing = [side.value for side in Side if context.map.end(side).modified is None]
    if context.map.master is Master.NEWEST and missing:
        context.add(
            "DW1117",
            f"master is newest, but there is no `modified:` under {' and '.join(missing)}",
        )


def _check_filter(context: Context, side: Side) -> None:
    end = context.map.end(side)
    if end.filter is None:
        return
    try:
        parsed = parse_filter(end.filter)
    except FilterError as error:
        context.add("DW1012", f"{side.value}: filter: {error}")
        return
    for fault in type_faults(parsed.root, context.types(side, parsed.columns)):
        context.add("DW1119", f"{side.value}: filter: {fault}")
    for path in parsed.columns:
        if path not in end.key and _mapped_by(context, side, path) is None:
            context.add(
                "DW1118",
                f"{side.value}: filter: {path} is not on the map, so a change of it alone "
                "goes unnoticed",
                cure=f"map it: {_example(side, path)}",
            )


def _mapped_by(context: Context, side: Side, path: ColumnPath) -> ColumnMap | None:
    return next((column for column in context.map.columns if column.end(side) == path), None)


def _example(side: Side, path: ColumnPath) -> str:
    own = path.written
    return f"{own} = column" if side is Side.FINOPS else f"COLUMN = {own}"
