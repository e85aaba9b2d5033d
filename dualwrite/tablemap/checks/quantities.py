"""Checks of quantities: their units, and the product that converts them, are known."""

from __future__ import annotations

from collections.abc import Iterator

from dualwrite.link import Side
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.findings import did_you_mean
from dualwrite.tablemap.model import ColumnMap
from dualwrite.tablemap.quantities import (
    KIND,
    OWNERS,
    columns_named,
    names_of,
    options_of,
    units_of,
)


def check_quantities(context: Context) -> None:
    """Every column that the map declares a quantity."""
    names = {name for column in context.map.columns for name in names_of(column)}
    for name in context.map.quantity:
        if name not in names:
            _add(context, None, f"quantity: {name} is not on the map", did_you_mean(name, names))
    for column in context.map.columns:
        options = options_of(context.map, column)
        if options is None:
            continue
        _check_alone(context, column)
        for side, named in units_of(options).items():
            _check_unit(context, column, side, named, names)
        for word in (each for each in OWNERS if each in options):
            if options[word] not in names:
                _add(
                    context,
                    column,
                    f"{word}: {options[word]} is not on the map",
                    did_you_mean(options[word], names),
                )
            else:
                _check_read(context, column, word, options[word])


def _check_alone(context: Context, column: ColumnMap) -> None:
    """A quantity is converted unchanged: the result of a transform has no unit."""
    declared_twice = any(name in context.map.quantity for name in names_of(column))
    for step in column.transforms:
        if step.kind == KIND and not declared_twice:
            continue
        _add(
            context,
            column,
            f"a quantity is converted unchanged, but `{step.kind}` is applied to it too",
            f"take `{step.kind}` out",
        )


def _check_unit(
    context: Context, column: ColumnMap, side: Side, named: str, names: set[str]
) -> None:
    if named in names:
        _check_read(context, column, f"unit of {side.value}", named)
        return
    schema = context.schema(side)
    if schema is not None and named in schema.columns:
        _add(
            context,
            column,
            f"unit of {side.value}: {named} is not on the map",
            "map the column, so that a change of it is noticed",
        )


def _check_read(context: Context, column: ColumnMap, word: str, named: str) -> None:
    """What decides how a row is converted must be in the row that is read, and unchanged."""
    for held in columns_named(context.map, named):
        for side in _ways(column):
            if held.end(side) is None:
                _add(
                    context,
                    column,
                    f"{word}: {named} cannot be read on {side.value}",
                    f"name the {side.value} column in {held.notation}",
                )
        for step in held.transforms:
            _add(
                context,
                column,
                f"{word}: {named} goes through `{step.kind}`",
                "carry it as it is: units and products have one name on both sides",
            )
        return


def _ways(column: ColumnMap) -> Iterator[Side]:
    return (side for side in Side if column.flows_from(side))


def _add(context: Context, column: ColumnMap | None, message: str, cure: str | None) -> None:
    text = message if column is None else f"{column.notation}: {message}"
    context.add("DW1130", text, column=column, word="quantity", cure=cure)
