"""Money that the map rounds, in both directions.

Where one side holds 10.005 and the other, rounded, 10.00, nothing has changed when the
10.00 comes back: the 10.005 stays.  A value that is itself rounded on its way replaces what
is there: after a change of currency both sides hold 10.57, and one is to hold 11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import alike, as_decimals
from dualwrite.exact.casts.numbers import to_decimal
from dualwrite.exact.texts import column_of
from dualwrite.gate_column import Role, gate_name
from dualwrite.money import accounting_currencies, rounded, same_after_rounding
from dualwrite.money.precision import Currencies
from dualwrite.tablemap.amounts import Money
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.flow import Flow, FlowColumn
from dualwrite.translate.periods import keep_equivalent_ends
from dualwrite.translate.times import keep_equivalent_times


@dataclass(frozen=True, slots=True)
class RoundMoney:
    """The last step of a money column under `precision: {round: MODE}`."""

    money: Money
    scale: int

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return () if self.money.judged_by is None else (self.money.judged_by,)

    @property
    def makes_nulls(self) -> bool:
        return False

    def apply(self, values: pa.Array, rows: pa.Table, /) -> pa.Array:
        exact = to_decimal(values, pa.decimal128(38, self.scale))
        codes = _codes(self.money, rows, str)
        assert self.money.mode is not None
        money = self.money
        return rounded(exact, self.scale, self.money.mode, codes, money.kind, money.own)


def keep_equivalent(translated: pa.Table, held: pa.Table, flow: Flow) -> pa.Table:
    """Translated rows, but what the target holds wherever only its rounding came back, or
    its own notation for a period without an end, its own letter case of a key, or a time that the
    source cannot tell from its own.

    Shapes: `translated` is (n, c), the gate table of `flow`; `held` (n, d) the result of
    `comparable` for the target's own rows, aligned, null throughout where it has none.
    """
    translated = keep_equivalent_ends(translated, held, flow)
    translated = keep_equivalent_times(translated, held, flow)
    for name in flow.caseless:
        sent, came = column_of(held, name), column_of(translated, name)
        same = pc.equal(pc.utf8_lower(sent), pc.utf8_lower(came))
        kept = pc.if_else(pc.fill_null(same, fill_value=False), sent, came)
        translated = translated.set_column(translated.column_names.index(name), name, kept)
    for column in flow.columns:
        money, name = column.money, str(column.target)
        if money is None or money.mode is None or column.source_type is None:
            continue
        if name not in held.column_names or not is_exact(column.source_type):
            continue
        sent, came = column_of(held, name), column_of(translated, name)
        codes, scale = _codes(money, translated, _source_name), scale_of(column.source_type)
        same = same_after_rounding(sent, came, scale, money.mode, codes, money.kind, money.own)
        same = pc.and_(same, _came_whole(column, translated, came))
        kept = pc.if_else(same, *alike(as_decimals(sent, name), came))
        translated = translated.set_column(translated.column_names.index(name), name, kept)
    return translated


def _came_whole(column: FlowColumn, translated: pa.Table, came: pa.Array) -> pa.Array:
    """Where the rounding of this direction took no digit off the source's value."""
    if column.source is None or any(not isinstance(s, RoundMoney) for s in column.steps):
        return pa.repeat(pa.scalar(value=True), len(came))
    own = column_of(translated, gate_name(Role.SOURCE, column.source))
    return pc.fill_null(pc.equal(*alike(as_decimals(own, str(column.source)), came)), True)


def is_exact(kind: pa.DataType) -> bool:
    """Whether a column of that type can hold money."""
    return bool(pa.types.is_decimal(kind) or pa.types.is_integer(kind))


def scale_of(kind: pa.DataType) -> int:
    """Its digits behind the point."""
    return int(kind.scale) if pa.types.is_decimal(kind) else 0


def _source_name(path: ColumnPath) -> str:
    return gate_name(Role.SOURCE, path)


def _codes(money: Money, rows: pa.Table, name_of: Callable[[ColumnPath], str]) -> Currencies:
    if money.company is not None:
        companies = column_of(rows, name_of(money.company))
        return accounting_currencies(companies, dict(money.books))
    if money.currency is None:
        return money.code or None
    return column_of(rows, name_of(money.currency)).cast(pa.string())
