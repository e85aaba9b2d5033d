"""Checks of single column maps: are the columns there, written once, and filled?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dualwrite.link import Side
from dualwrite.money import currencies, near_currency
from dualwrite.tablemap.amounts import COMPANY
from dualwrite.tablemap.checks.context import Context, is_source_of
from dualwrite.tablemap.findings import did_you_mean
from dualwrite.tablemap.functions import FunctionError, functions_of, load_function
from dualwrite.tablemap.model import ColumnMap, Transform, Unmapped
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, type_column
from dualwrite.tablemap.transforms import TRANSFORMS

"""On a key column they may make two values one, but rarely do."""


def check_column_maps(context: Context) -> None:
    """Every line under `columns:`, and the words that name columns elsewhere."""
    for column in context.map.columns:
        for side in Side:
            path = column.end(side)
            if path is not None:
                context.column(side, path, column)
        _check_key_transforms(context, column)
        _check_functions(context, column)
    for side in Side:
        _check_written_once(context, side)
        if context.map.flows_from(side.other):
            _check_read_only(context, side)
            _check_mandatory(context, side)
            _check_numbering(context, side)
    _check_named_columns(context)


def written(context: Context, side: Side) -> Iterator[ColumnMap]:
    """The column maps whose values flow into `side`."""
    for column in context.map.columns:
        if column.flows_from(side.other) and column.end(side) is not None:
            yield column


def _check_written_once(context: Context, side: Side) -> None:
    seen: dict[str, ColumnMap] = {}
    physical: dict[str, ColumnMap] = {}
    for column in written(context, side):
        path = column.end(side)
        assert path is not None
        first = seen.get(str(path))
        # A lookup column takes what its paths find, or a value of its own, not both.
        rival = physical.get(path.column)
        if first is None and rival is not None:
            rival_path = rival.end(side)
            assert rival_path is not None
            first = rival if rival_path.is_lookup != path.is_lookup else None
        if first is not None:
            code = "DW1023" if is_source_of(column, side) else "DW1026"
            context.add(
                code,
                f"{column.notation}: {side.value} column {path.column} is written by "
                f"{first.notation} too (line {first.place.line})",
                column=column,
            )
        seen.setdefault(str(path), column)
        physical.setdefault(path.column, column)


def _check_read_only(context: Context, side: Side) -> None:
    schema = context.schema(side)
    for column in written(context, side):
        path = column.end(side)
        own = schema.columns.get(path.column) if schema and path else None
        if own is not None and own.read_only:
            context.add(
                "DW1011",
                f"{column.notation}: {context.name(side)} column {own.name} is read-only",
                column=column,
            )


def _check_mandatory(context: Context, side: Side) -> None:
    schema = context.schema(side)
    if schema is None:
        return
    by_column: defaultdict[str, list[ColumnMap]] = defaultdict(list)
    for column in written(context, side):
        path = column.end(side)
        assert path is not None
        by_column[path.column].append(column)
        kind = type_column(schema, path.column) if path.targets else None
        if kind is not None:
            by_column[kind].append(column)
    # A key column that is not mapped has findings of its own (DW1004, DW1014).
    key = {path.column for path in context.map.end(side).key}
    for own in schema.columns.values():
        if own.nullable or own.has_default or own.read_only or own.name in key:
            continue
        if own.name not in by_column and schema.made_by_us(own.name):
            continue
        if own.name not in by_column:
            context.add(
                "DW1010",
                f"{context.name(side)} column {own.name} must have a value and gets none",
                cure=f"map it, or give it a constant: {_constant(side, own)}",
            )
            continue
        for column in by_column[own.name]:
            _check_filled(context, side, own, column)


def _check_filled(context: Context, side: Side, own: Column, column: ColumnMap) -> None:
    """A mandatory column whose source may be null."""
    path = column.end(side.other)
    # no end of a dated row has a spelling of its own where null cannot be
    if path is None or _says_until(context, column):
        return
    source = context.column(side.other, path, column)
    if (
        source is None
        or not source.nullable
        or any(_fills_null(step, side) for step in column.transforms)
    ):
        return
    context.add(
        "DW1031",
        f"{column.notation}: {context.name(side)} column {own.name} must have a value, but "
        f"{context.name(side.other)} column {path} may be null",
        column=column,
    )


def _says_until(context: Context, column: ColumnMap) -> bool:
    effective = context.map.effective or {}
    return str(column.end(Side.FINOPS)) == effective.get("to")


def _fills_null(transform: Transform, target: Side) -> bool:
    values = transform.value_map
    if values is None:
        return TRANSFORMS[transform.kind].fills_null
    pairs = values.pairs if target is Side.DATAVERSE else [pair[::-1] for pair in values.pairs]
    return any(source is None and given is not None for source, given in pairs)


def _constant(side: Side, own: Column) -> str:
    if side is Side.DATAVERSE:
        return f"none >> {own.name}: {{default: ...}}"
    return f"{own.name} << none: {{default: ...}}"


def _check_key_transforms(context: Context, column: ColumnMap) -> None:
    is_key = any(column.end(side) in context.map.end(side).key for side in Side)
    if not is_key:
        return
    for transform in column.transforms:
        values = transform.value_map
        severity = TRANSFORMS[transform.kind].merges
        if values is not None and values.unmapped is Unmapped.USE:
            severity = "error"
        if severity is not None:
            context.add(
                "DW1110",
                f"{column.notation}: `{transform.kind}` on a key column may make two keys one",
                column=column,
                severity=severity,
            )


def _check_numbering(context: Context, side: Side) -> None:
    schema = context.schema(side)
    for column in written(context, side):
        path = column.end(side)
        own = schema.columns.get(path.column) if schema and path else None
        if own is not None and own.numbering is not None and not own.numbering.movable:
            sequence = own.numbering.sequence
            context.add(
                "DW1136",
                f"{column.notation}: {sequence} of {side.value} stays behind the numbers that the "
                "map writes: our user may not move it",
                column=column,
                cure=f"grant select, update on sequence {sequence} to our user: without it new "
                "rows of the app are refused where their numbers are taken",
            )


def _check_functions(context: Context, column: ColumnMap) -> None:
    for transform in column.transforms:
        for name in functions_of(transform.options) if transform.kind == "python" else ():
            try:
                load_function(name)
            except FunctionError as error:
                context.add(
                    "DW1128",
                    f"{column.notation}: {name} cannot be imported: {error}",
                    column=column,
                )


def _check_named_columns(context: Context) -> None:
    carried = {str(path) for side in Side for path in _carried(context, side)}
    for word, name in _named(context):
        if name not in carried:
            near = near_currency(name, context.map.own_currencies) if "currency" in word else ""
            context.add(
                "DW1123",
                f"{word}: {name} is not on the map",
                word=word.partition(":")[0],
                cure=did_you_mean(name, carried | ({near} if near else set())),
            )


def _carried(context: Context, side: Side) -> set[ColumnPath]:
    ends = (column.end(side) for column in context.map.columns)
    return {path for path in ends if path is not None}


def _named(context: Context) -> Iterator[tuple[str, str]]:
    table_map = context.map
    yield from (("money", name) for name in table_map.money)
    known = currencies(table_map.own_currencies)
    for column, options in table_map.money.items():
        named = options.get("currency")
        if named is not None and named != COMPANY and named not in known:
            yield f"money: {column}: currency", str(named)
    yield from (("conflicts: columns", name) for name in table_map.conflicts.get("columns", {}))
