"""From a map and two schemas to the flow of one direction."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.tablemap.amounts import money_of
from dualwrite.tablemap.model import ColumnMap, TableMap
from dualwrite.tablemap.notation import ColumnPath, Sign
from dualwrite.tablemap.periods import shown_of
from dualwrite.tablemap.quantities import quantity_of
from dualwrite.tablemap.schema import Column, end_of_path
from dualwrite.tablemap.transforms import TRANSFORMS, StepContext, TransformError, steps_of
from dualwrite.tablemap.zones import with_zones
from dualwrite.translate.amounts import RoundMoney, is_exact, scale_of
from dualwrite.translate.flow import Books, Flow, FlowColumn, SchemaOf, Units
from dualwrite.translate.periods import end_step, periods_of
from dualwrite.units import standard_units


def compile_flow(
    table_map: TableMap,
    source: Side,
    schema_of: SchemaOf,
    units: Units = standard_units,
    books: Books = dict,
) -> Flow:
    """Compile what flows out of `source`.

    `units` gives the units of measure of both apps, `books` the companies' accounting currencies.

    Raises:
        TransformError: A transform that cannot go this way, or a constant that does not
            fit its column.
        UnknownPathError, MissingTableError: The map does not fit the schemas.
    """
    columns = tuple(
        _compile(column, table_map, source, schema_of, books)
        for column in table_map.columns
        if column.flows_from(source) and column.end(source.other) is not None
    )
    keys = {side: tuple(str(path) for path in table_map.end(side).key) for side in Side}
    shown = shown_of(table_map, source)
    watched = () if shown is None else (shown.start, shown.end)
    flow = Flow(
        source, table_map.name, columns, keys[source.other], keys[source], units, watched=watched
    )
    return replace(flow, periods=periods_of(table_map, flow, schema_of))


def _compile(
    column: ColumnMap, table_map: TableMap, source: Side, schema_of: SchemaOf, books: Books
) -> FlowColumn:
    def describe(path: ColumnPath, side: Side) -> Column:
        end = table_map.end(side)
        return end_of_path(path, end.table, lambda table: schema_of(side, table), end.lookups)

    target_path, source_path = column.end(source.other), column.end(source)
    assert target_path is not None
    target = describe(target_path, source.other)
    origin = None if source_path is None else describe(source_path, source)
    source_type = None if origin is None else origin.type
    column = with_zones(table_map, column, {source: origin, source.other: target})
    where = f"{column.place}: {column.notation}"
    two_way = len(column.sign.sources) > 1
    is_key = target_path in table_map.end(source.other).key
    # beside other transforms nothing tells which values mean the same
    kinds = (TRANSFORMS.get(step.kind) for step in column.transforms)
    equated = all(kind is not None and kind.equates for kind in kinds)
    whole = is_key or (two_way and not equated)
    context = StepContext(
        where,
        source,
        _is_forward(column.sign, source),
        target,
        source_type,
        two_way,
        table_map.end(source).company,
        table_map.company_zones,
        whole,
    )
    steps = steps_of(column.transforms, context)
    money = money_of(table_map, column, source) if is_exact(target.type) else None
    if money is not None and money.company is not None:
        money = replace(money, books=tuple(sorted(books().items())))
    if money is not None and money.mode is not None:
        steps = (*steps, RoundMoney(money, scale_of(target.type)))
    ending = end_step(table_map, column, source, target)
    if ending is not None:
        steps = (*steps, ending)
    quantity = None if source_path is None else quantity_of(table_map, column, source)
    json = origin is not None and _unlike_json(origin.native, target.native)
    compiled = FlowColumn(
        source_path,
        target_path,
        steps,
        target,
        source_type,
        money,
        quantity,
        json,
        caseless=origin is not None and not steps and origin.caseless and target.caseless,
        respelled=origin is not None and not steps and _respelled(origin, target),
    )
    if source_path is None:
        _check_constant(compiled, where)
    return compiled


def _is_forward(sign: Sign, source: Side) -> bool:
    """A one-way transform is written for its direction, a two-way one for the way out of finops."""
    return source is Side.FINOPS or len(sign.sources) == 1


def _unlike_json(one: str, other: str) -> bool:
    """Whether JSON meets another spelling of it; two columns of one type spell it alike."""
    natives = {one.upper(), other.upper()}
    return len(natives) == 2 and not natives.isdisjoint(("JSON", "JSONB"))


def _respelled(origin: Column, target: Column) -> bool:
    """Whether texts that differ become one value: numbers with leading zeros, identities."""
    if not pa.types.is_string(origin.type):
        return False
    uuid = target.native.upper() == "UUID" and not origin.caseless
    return uuid or not pa.types.is_string(target.type)


def _check_constant(column: FlowColumn, where: str) -> None:
    # A table of no columns has no rows, so one is made to hold the constant.
    _, stepped = column.stepped(pa.table({"": pa.nulls(1)}))
    if column.wide(stepped).null_count:
        reason = f"the constant does not fit {column.target_column.type}"
        if stepped.null_count:
            reason = "there is neither a source column nor a constant"
        raise TransformError(where=where, kind="default", reason=reason)
