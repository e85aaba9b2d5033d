"""Quantities into the unit that the other side wants.

A quantity that both sides hold in one unit is not touched: there is nothing to convert,
so nothing is rounded.  What cannot be converted is null, and the reason is put beside it
for the rules.  A quantity that flows both ways must come back as what it was.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import alike
from dualwrite.exact.casts.numbers import to_decimal
from dualwrite.exact.texts import canonical_text, column_of
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.quantities import Measure, Quantity
from dualwrite.units import UnitSystem

_FINEST = 12
"""Digits behind the point that are looked for in a text or a float."""


class TranslatedQuantities(NamedTuple):
    """n quantities in the unit of the target."""

    values: pa.Array
    problem: pa.StringArray
    """Why one could not be converted; null where it could."""
    returned: pa.Array
    """What would come back, where that is another quantity."""
    uncast: pa.Array
    """What the target is compared with: the converted value, or the text that is no number."""


def in_target_units(
    values: pa.Array, rows: pa.Table, about: Quantity, system: UnitSystem
) -> TranslatedQuantities:
    """Quantities as the source holds them, converted to the unit of the target.

    Shapes: (n,) of any type; `rows` (n, c) are named by source path.
    """
    exact = _exact(values)
    n = len(exact)
    has, wants = _units(about.has, rows, n), _units(about.wants, rows, n)
    same = pc.fill_null(pc.and_(pc.equal(has, wants), system.sound(has)), fill_value=False)
    if pc.all(same).as_py():
        nothing = pa.nulls(n, pa.string())
        return TranslatedQuantities(
            exact, nothing, pa.nulls(n, exact.type), _uncast(values, exact, exact, nothing)
        )
    found = system.convert(
        exact,
        has,
        wants,
        _texts(about.product, rows),
        _texts(about.variant, rows),
        both_ways=about.two_way,
    )
    problem = pc.if_else(same, pa.scalar(None, pa.string()), found.reasons)
    returned = pc.if_else(same, pa.scalar(None, found.returned.type), found.returned)
    kept = _either(same, exact, found.values)
    return TranslatedQuantities(kept, problem, returned, _uncast(values, exact, kept, problem))


def _exact(values: pa.Array) -> pa.Array:
    kind = values.type
    scale = _FINEST
    if pa.types.is_decimal(kind):
        scale = kind.scale
    elif pa.types.is_integer(kind):
        scale = 0
    return to_decimal(values, pa.decimal128(38, scale))


def _units(unit: Measure, rows: pa.Table, n: int) -> pa.StringArray:
    found = _texts(unit.path, rows)
    return pa.repeat(pa.scalar(unit.symbol), n) if found is None else found


def _texts(path: ColumnPath | None, rows: pa.Table) -> pa.StringArray | None:
    return None if path is None else canonical_text(column_of(rows, str(path))).cast(pa.string())


def _either(mask: pa.BooleanArray, left: pa.Array, right: pa.Array) -> pa.Array:
    """The left decimal where the mask is true, else the right one."""
    if not pc.any(mask).as_py():
        return right
    if pc.all(mask).as_py():
        return left
    return pc.if_else(mask, *alike(left, right))


def _uncast(values: pa.Array, exact: pa.Array, found: pa.Array, problem: pa.Array) -> pa.Array:
    if exact.null_count == values.null_count:
        return found
    # what is no number, or a float that is no decimal, is reported as the source holds it
    original = pc.if_else(exact.is_valid(), pa.scalar(None, pa.string()), values.cast(pa.string()))
    return pc.if_else(problem.is_valid(), None, pc.coalesce(original, canonical_text(found)))
