"""Rows through a flow: source rows in, target rows out.

`translate` makes the *gate table* (`dualwrite.gate_column`), in which the source columns are
beside the target columns in wide types, for the rules to judge.  `fit` gives the rows that
passed the exact types of the target.  `comparable` makes the target's own rows comparable.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import column_of
from dualwrite.gate_column import UNREADABLE, Role, gate_name
from dualwrite.translate.flow import Flow
from dualwrite.translate.quantities import in_target_units


def translate(rows: pa.Table, flow: Flow) -> pa.Table:
    """Make the gate table of `rows`.

    Shapes: `rows` is (n, c) with every path of `flow.reads` among its columns; the
    result has n rows in the same order.  No value makes it raise: one that cannot be
    converted is null, and the rules find it beside its source.
    """
    gate: dict[str, pa.Array] = {
        gate_name(Role.SOURCE, path): column_of(rows, str(path)) for path in flow.reads
    }
    for column in flow.columns:
        uncast, stepped = column.stepped(rows)
        if column.quantity is not None:
            converted = in_target_units(stepped, rows, column.quantity, flow.units())
            uncast, stepped = converted.uncast, converted.values
            gate[gate_name(Role.UNIT_PROBLEM, column.target)] = converted.problem
            gate[gate_name(Role.RETURNED, column.target)] = converted.returned
        before = column.before_cast
        if column.may_lose and before is not None:
            gate.setdefault(before, uncast)
        gate[str(column.target)] = column.wide(stepped)
    none = pa.nulls(rows.num_rows, pa.string())
    gate[UNREADABLE] = column_of(rows, UNREADABLE) if UNREADABLE in rows.column_names else none
    return pa.table(gate)


def fit(rows: pa.Table, flow: Flow) -> pa.Table:
    """Give rows that passed the gate the target's exact types.

    Only target columns, and of those the ones that `rows` has.

    Raises:
        ValueError: A value does not fit, so some row did not pass the gate.
    """
    fitted: dict[str, pa.Array] = {}
    given = set(rows.column_names)
    for column in flow.columns:
        name, kind = str(column.target), column.target_column.type
        if name not in given:
            continue
        values = column_of(rows, name)
        if column.blank_when_null and values.null_count:
            values = pc.fill_null(values, "")
        try:
            fitted[name] = values.cast(kind)
        except pa.ArrowInvalid as error:
            msg = f"{flow.map}: column {column.target}: a value passed the gate and does not fit"
            raise ValueError(msg) from error
    return pa.table(fitted)


def comparable(rows: pa.Table, flow: Flow) -> pa.Table:
    """The target's own rows, read by target path, in the terms of the gate table.

    Wide types, a value map's values in its spelling, and no value where '' means none, so
    that `differs` finds true differences only.  Columns of other names are left out.
    """
    given = set(rows.column_names)
    return pa.table(
        {
            str(column.target): column.own(column_of(rows, str(column.target)))
            for column in flow.columns
            if str(column.target) in given
        }
    )
