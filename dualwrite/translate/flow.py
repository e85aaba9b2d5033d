"""One direction of a table map, compiled: what becomes of each target column.

`compiling` makes a `Flow` from a map and two schemas, `rows` carries rows through it.

Where either end of a column is a lookup, blank text is no value: the ERP writes '' where it
points at nothing.  The gate table holds null there, and the target gets '' again in a text
column that cannot be null.  Everywhere else '' is '' and null is null.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.effective import Periods
from dualwrite.exact.casts import always_converts, convert
from dualwrite.exact.jsons import json_text
from dualwrite.exact.texts import column_of
from dualwrite.gate_column import Role, gate_name
from dualwrite.link import Side
from dualwrite.tablemap.amounts import Money
from dualwrite.tablemap.facts import ColumnFacts, FlowFacts, MoneyFacts, QuantityFacts, ZoneFacts
from dualwrite.tablemap.model import Unmapped
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.quantities import Quantity
from dualwrite.tablemap.schema import Column, TableSchema
from dualwrite.tablemap.transforms import Step, Values
from dualwrite.tablemap.transforms.times import CompanyZone, Zone
from dualwrite.translate.keys import key_text
from dualwrite.units import UnitSystem, standard_units

Books = Callable[[], Mapping[str, str]]
"""The accounting currencies of companies."""

SchemaOf = Callable[[Side, str], TableSchema]
Units = Callable[[], UnitSystem]


@dataclass(frozen=True)
class FlowColumn:
    """One target column: where its value comes from and what is done to it."""

    source: ColumnPath | None
    target: ColumnPath
    steps: tuple[Step, ...]
    target_column: Column
    """The column at the end of the target path."""
    source_type: pa.DataType | None
    money: Money | None = None
    quantity: Quantity | None = None
    json: bool = False
    """Whether its texts are JSON, which the two sides spell in their own ways."""
    caseless: bool = False
    """Whether to both sides texts are equal that differ in letter case alone."""
    respelled: bool = False
    """Whether several texts of the source, as `007` and `7`, become one value of the target."""

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        """The source paths that it is made of."""
        own = () if self.source is None else (self.source,)
        units = () if self.quantity is None else self.quantity.reads
        return own + tuple(path for step in self.steps for path in step.reads) + units

    @property
    def needs(self) -> tuple[ColumnPath, ...]:
        """The source paths that it is made of, and that its rules need."""
        currency = None if self.money is None else self.money.judged_by
        return self.reads if currency is None else (*self.reads, currency)

    @property
    def blank_is_null(self) -> bool:
        """Whether '' means no value, because one end is a lookup."""
        looks_up = self.target.is_lookup or (self.source is not None and self.source.is_lookup)
        return looks_up and pa.types.is_string(self.target_column.type)

    @property
    def blank_when_null(self) -> bool:
        """Whether the target stores no value as ''."""
        return self.blank_is_null and not self.target.is_lookup and not self.target_column.nullable

    @property
    def before_cast(self) -> str | None:
        """The gate column to compare the target with, to see which values were lost.

        It holds the source's value, or the result of the last step that makes nulls on purpose.
        """
        if self.source is None:
            return None
        changed = self._steps_with_nulls or self.quantity is not None
        if changed:
            return gate_name(Role.UNCAST, self.target)
        return gate_name(Role.SOURCE, self.source)

    @cached_property
    def may_lose(self) -> bool:
        """Whether a value can be lost on the way to the target type."""
        if self.source is None or self.source_type is None:
            return False
        changed = self.steps or self.quantity is not None
        return bool(changed) or not always_converts(self.source_type, self.target_column.type)

    @cached_property
    def _steps_with_nulls(self) -> int:
        """The number of steps up to the last one that makes nulls on purpose."""
        return max((at for at, step in enumerate(self.steps, 1) if step.makes_nulls), default=0)

    def stepped(self, rows: pa.Table) -> tuple[pa.Array, pa.Array]:
        """The values to compare the target with, and those after all steps, of whatever type."""
        path = self.source
        values = pa.nulls(len(rows)) if path is None else column_of(rows, str(path))
        for step in self.steps[: self._steps_with_nulls]:
            values = step.apply(values, rows)
        uncast = values
        for step in self.steps[self._steps_with_nulls :]:
            values = step.apply(values, rows)
        return uncast, values

    def wide(self, stepped: pa.Array) -> pa.Array:
        """The stepped values in the wide form of the target type."""
        values = convert(stepped, self.target_column.type)
        if self.json and pa.types.is_string(values.type):
            values = json_text(values)
        return _without_blanks(values) if self.blank_is_null else values

    def own(self, values: pa.Array) -> pa.Array:
        """What the target holds already, in the form that `wide` gives to the source's values."""
        wide = self.wide(values)
        last = self.steps[-1] if self.steps else None
        return last.respelled(wide) if isinstance(last, Values) else wide


@dataclass(frozen=True)
class Flow:
    """One direction of a map: all columns that leave `source`."""

    source: Side
    map: str
    columns: tuple[FlowColumn, ...]
    key: tuple[str, ...]
    """Target paths of the target's integration key."""
    source_key: tuple[str, ...]
    """Source paths of the source's integration key, in the same order."""
    units: Units = field(default=standard_units, compare=False)
    """Called for each batch, for quantities."""
    periods: Periods | None = None
    """The gate columns of the periods of dated rows."""
    watched: tuple[ColumnPath, ...] = ()
    """Source paths that only rules need; they are not written."""

    @property
    def target(self) -> Side:
        """The side that is written."""
        return self.source.other

    @cached_property
    def reads(self) -> tuple[ColumnPath, ...]:
        """The source paths to read, each once, in the order of the map."""
        needed = [path for column in self.columns for path in column.needs]
        return tuple(dict.fromkeys((*needed, *self.watched)))

    @cached_property
    def targets(self) -> tuple[ColumnPath, ...]:
        """The target paths, in the order of the map."""
        return tuple(column.target for column in self.columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The target paths as the gate table names them."""
        return tuple(str(path) for path in self.targets)

    @cached_property
    def caseless(self) -> tuple[str, ...]:
        """The target paths of the key whose texts name one row whatever their letter case."""
        return tuple(
            str(column.target)
            for column in self.columns
            if column.caseless and str(column.target) in self.key
        )

    def key_text(self, rows: pa.Table) -> pa.StringArray:
        """The target's key of n rows, named by target path, as one text to match rows by."""
        keys = rows.select(list(self.key))
        for name in self.caseless:
            folded = pc.utf8_lower(column_of(keys, name))
            keys = keys.set_column(keys.column_names.index(name), name, folded)
        return key_text(keys, self.key)

    def facts(self) -> FlowFacts:
        """What the rules are derived from."""
        known = {*self.names, *(gate_name(Role.SOURCE, path) for path in self.watched)}
        periods = self.periods
        if periods is not None and not known.issuperset(
            (*periods.entity, periods.start, periods.end)
        ):
            periods = None
        columns = tuple(_facts(column, self.key) for column in self.columns)
        return FlowFacts(columns, self.key, periods)


def _facts(column: FlowColumn, key: Collection[str]) -> ColumnFacts:
    values = next((step for step in column.steps if isinstance(step, Values)), None)
    total = values is not None and values.unmapped is Unmapped.REJECT and column.source is not None
    described = column.target_column
    return ColumnFacts(
        target=str(column.target),
        origin=None if column.source is None else gate_name(Role.SOURCE, column.source),
        before_cast=column.before_cast if column.may_lose else None,
        type=described.type,
        nullable=described.nullable or column.blank_when_null or column.target.is_lookup,
        length=described.length,
        fraction=described.fraction,
        octets=described.octets,
        padded=described.padded,
        range=described.range,
        members=described.members,
        single=described.single,
        exact=described.exact,
        pattern=described.pattern,
        from_float=column.source_type is not None and pa.types.is_floating(column.source_type),
        spelled=gate_name(Role.SOURCE, column.source)
        if column.respelled and column.source is not None and str(column.target) in key
        else None,
        known=values.keys if values is not None and total else None,
        to_null=values.nulls if values is not None and total else (),
        money=_money_facts(column.money),
        quantity=_quantity_facts(column),
        zones=_zone_facts(column),
    )


def _zone_facts(column: FlowColumn) -> ZoneFacts | None:
    """Of a column whose first step is a zone: the source's own times go through it."""
    step = column.steps[0] if column.steps else None
    if column.source is None or not isinstance(step, Zone | CompanyZone):
        return None
    zone = step if isinstance(step, Zone) else step.zone
    ends = (zone.source, "UTC" if zone.instant else zone.target)
    if isinstance(step, Zone):
        return ZoneFacts(*ends, zone.whole)
    return ZoneFacts(*ends, zone.whole, gate_name(Role.SOURCE, step.company), step.zones)


def _money_facts(money: Money | None) -> MoneyFacts | None:
    if money is None or not money.has_currency:
        return None
    policy = "reject" if money.mode is None else f"round:{money.mode}"
    currency = "" if money.currency is None else gate_name(Role.SOURCE, money.currency)
    company = "" if money.company is None else gate_name(Role.SOURCE, money.company)
    return MoneyFacts(money.kind, policy, money.code, currency, company, money.books, money.own)


def _quantity_facts(column: FlowColumn) -> QuantityFacts | None:
    about = column.quantity
    if about is None:
        return None
    return QuantityFacts(
        problem=gate_name(Role.UNIT_PROBLEM, column.target),
        unit="" if about.has.path is None else gate_name(Role.SOURCE, about.has.path),
        symbol=about.has.symbol,
        returned=gate_name(Role.RETURNED, column.target) if about.two_way else "",
    )


def _without_blanks(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)
