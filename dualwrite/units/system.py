"""Converts quantities between units, whole columns at a time: exact, and rounded once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.errors import PermanentError
from dualwrite.exact import (
    Mode,
    affine,
    as_decimals,
    by_pieces,
    raised,
    round_ratio,
    same,
    scale_of,
    whole_parts,
    wholes_of,
    with_scale,
)
from dualwrite.units.building import Built, build, classes_of
from dualwrite.units.graph import ConversionPath
from dualwrite.units.model import MODES, Formula, Unit, UnitClass

Texts: TypeAlias = str | pa.Array | None

_MOST = 10**70
_NO_TEXT = pa.scalar(None, pa.string())
_CHANGED = pa.scalar("it would come back as another quantity")
_TOO_GREAT = pa.scalar("the converted quantity has more than 38 digits")
_NO_UNIT = "no unit is given"
_Step: TypeAlias = tuple[int | None, int | None, int | None, int | None, int | None, str | None]
_MODES: tuple[Mode, ...] = tuple(MODES.values())


class NotConvertibleError(PermanentError):
    """A quantity cannot be converted to the other unit."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{reason}. Nothing was computed.\n"
            "  Enter or correct the unit or the conversion in the ERP."
        )


class ConvertedQuantities(NamedTuple):
    """A quantity for each row, or the reason why there is none."""

    values: pa.Array
    reasons: pa.StringArray
    """Why a quantity cannot be converted; null where it can."""
    returned: pa.Array
    """What the quantity would come back as, where that differs and `both_ways` is set."""


class _Steps(NamedTuple):
    """(quantity x multiplier + addend) / divisor, then zeros; a row for each conversion."""

    multiplier: pa.Array
    divisor: pa.Array
    addend: pa.Array
    mode: pa.Array
    zeros: pa.Array
    reasons: pa.StringArray


class UnitSystem:
    """The units and conversions that two apps share."""

    def __init__(self, built: Built) -> None:
        self.units: Mapping[str, Unit] = built.units
        self.problems: pa.Table = built.problems
        """The refused rows: `table` (units or conversions), `row`, `reason`."""
        self.scale = max((unit.decimals for unit in self.units.values()), default=0)
        """Decimal places of every converted column."""
        self._faults = built.faults
        self._graph = built.graph
        self._lists = (list(self.units), built.graph.products, built.graph.variants)
        self._names = tuple(pa.array(names, pa.string()) for names in self._lists)
        self._ways: dict[tuple[str, str, str | None, str | None], ConversionPath] = {}

    @classmethod
    def from_tables(cls, units: pa.Table, conversions: pa.Table) -> Self:
        """The system of two Arrow tables.  Missing columns have their defaults.

        `units`: `symbol`, `class` (texts), `decimals` (0 to 12), `rounding` (nearest, up or
        down), `base`, `system` (booleans).

        `conversions`: `from`, `to` (symbols); `factor` (decimal), `numerator`,
        `denominator` (whole), all 1; `inner_offset`, `outer_offset` (decimals), 0;
        `product` and `variant` (texts), null for a standard one; `rounding`, null for that
        of the unit.

        Invalid rows are refused and do not affect others: see `problems`.

        Raises:
            NotExactError: A number is a float or a text.
        """
        return cls(build(units, conversions))

    @cached_property
    def classes(self) -> Mapping[str, UnitClass]:
        """The unit classes by name."""
        return classes_of(self.units.values())

    def sound(self, symbols: pa.Array) -> pa.BooleanArray:
        """Which of `symbols` are valid units; false for null."""
        well = [symbol for symbol in self.units if symbol not in self._faults]
        return pc.is_in(symbols, value_set=pa.array(well, pa.string()))

    def formula(
        self, from_: str, to: str, product: str | None = None, variant: str | None = None
    ) -> Formula:
        """The formula that converts one unit to another, without rounding.

        Raises:
            NotConvertibleError: There is no such unit, or no valid conversion between the two.
        """
        way = self.way(from_, to, product, variant)
        if way.formula is None:
            raise NotConvertibleError(reason=way.trouble or "")
        return way.formula

    def convert(
        self,
        quantities: pa.Array,
        from_units: Texts,
        to_units: Texts,
        products: Texts = None,
        variants: Texts = None,
        *,
        both_ways: bool = False,
    ) -> ConvertedQuantities:
        """Convert `quantities` from `from_units` to `to_units`.

        Shapes: `quantities` (n,) decimals or whole numbers; units, products and variants
        (n,) texts, or one for all rows.  Values are (n,) decimal128 of the system's
        `scale`, each rounded once to the decimals of its unit; null where there is a
        reason, and where the quantity is null.

        With `both_ways`, a quantity that would come back as another one has a reason too.

        Raises:
            NotExactError: The quantities are floats or texts.
        """
        quantities = as_decimals(quantities, "quantities")
        columns = [_column(each, len(quantities)) for each in (from_units, to_units)]
        owners = [_column(each, len(quantities)) for each in (products, variants)]
        values, reasons = self._run(quantities, *columns, *owners)
        nothing = pa.nulls(len(values), values.type)
        if not both_ways:
            return ConvertedQuantities(values, reasons, nothing)
        returned, _ = self._run(values, *columns[::-1], *owners)
        changed = pc.and_not(values.is_valid(), same(returned, quantities))
        reasons = pc.coalesce(reasons, pc.if_else(changed, _CHANGED, _NO_TEXT))
        return ConvertedQuantities(
            pc.if_else(changed, pa.scalar(None, values.type), values),
            reasons,
            pc.if_else(changed, returned, pa.scalar(None, values.type)),
        )

    def _run(
        self,
        quantities: pa.Array,
        from_: pa.Array,
        to: pa.Array,
        products: pa.Array,
        variants: pa.Array,
    ) -> tuple[pa.Array, pa.StringArray]:
        wanted = self._codes(from_, to, products, variants).dictionary_encode()
        steps = self._steps(wanted.dictionary.to_pylist(), scale_of(quantities))
        offsets = pc.any(pc.not_equal(steps.addend, _zero(steps.addend))).as_py()
        used = pc.unique(steps.mode.drop_null()).to_pylist() or [0]

        def convert(quantities: pa.Array, place: pa.Array) -> list[pa.Array]:
            mode = steps.mode.take(place)
            masks = {
                _MODES[each]: pc.fill_null(pc.equal(mode, each), fill_value=True)
                for each in (used if len(used) > 1 else ())
            }
            wholes = affine(
                whole_parts(quantities),
                steps.multiplier.take(place),
                steps.divisor.take(place),
                masks or _MODES[used[0]],
                steps.addend.take(place) if offsets else None,
            )
            return [raised(wholes, pc.fill_null(steps.zeros.take(place), 0))]

        values = by_pieces(convert, quantities, wanted.indices)[0]
        reasons = self._trouble(steps.reasons, wanted.indices, from_, to)
        if values.null_count:
            lost = pc.and_(values.is_null(), reasons.is_null())
            reasons = pc.coalesce(reasons, pc.if_else(lost, _TOO_GREAT, _NO_TEXT))
            reasons = pc.if_else(quantities.is_valid(), reasons, _NO_TEXT)
        return with_scale(values, self.scale), reasons

    def _codes(
        self, from_: pa.Array, to: pa.Array, products: pa.Array, variants: pa.Array
    ) -> pa.Int64Array:
        """Pack units, product and variant of each row into one number; null for an unknown unit.

        A product without conversions of its own counts as none.
        """
        units, own_products, own_variants = self._names
        codes = pc.index_in(from_, value_set=units).cast(pa.int64())
        for column, names, missing in (
            (to, units, None),
            (products, own_products, len(own_products)),
            (variants, own_variants, len(own_variants)),
        ):
            code = pc.index_in(column, value_set=names).cast(pa.int64())
            code = code if missing is None else pc.fill_null(code, missing)
            codes = pc.add(pc.multiply(codes, len(names) + 1), code)
        return codes

    def _steps(self, codes: list[int], behind: int) -> _Steps:
        """The formula of each distinct conversion, in whole numbers."""
        rows = [self._step(code, behind) for code in codes]
        *numbers, reasons = zip(*rows, strict=True) if rows else ((),) * 6
        multiplier, divisor, addend, mode, zeros = (wholes_of(each) for each in numbers)
        return _Steps(multiplier, divisor, addend, mode, zeros, pa.array(reasons, pa.string()))

    def _step(self, code: int, behind: int) -> _Step:
        from_, to, product, variant = self._decoded(code)
        way = self.way(from_, to, product, variant)
        if way.formula is None:
            return _no_step(way.trouble)
        unit = self.units[to]
        multiplier, divisor, addend = way.formula.in_wholes(unit.decimals, behind)
        if max(multiplier, divisor, abs(addend)) >= _MOST:
            return _no_step(f"the conversion from {from_!r} to {to!r} has too many digits")
        mode = _MODES.index(MODES[way.rounding or unit.rounding])
        zeros = self.scale - unit.decimals
        return multiplier, divisor, addend, mode, zeros, None

    def _decoded(self, code: int) -> tuple[str, str, str | None, str | None]:
        units, products, variants = self._lists
        code, variant = divmod(code, len(variants) + 1)
        code, product = divmod(code, len(products) + 1)
        from_, to = divmod(code, len(units) + 1)
        return (
            units[from_],
            units[to],
            products[product] if product < len(products) else None,
            variants[variant] if variant < len(variants) else None,
        )

    def way(self, from_: str, to: str, product: str | None, variant: str | None) -> ConversionPath:
        """How one unit converts to another, or why it does not."""
        key = (from_, to, product, variant)
        if key not in self._ways:
            self._ways[key] = self._look(*key)
        return self._ways[key]

    def _look(
        self, from_: str, to: str, product: str | None, variant: str | None
    ) -> ConversionPath:
        for unit in (from_, to):
            if unit not in self.units:
                return ConversionPath(None, f"there is no unit {unit!r}")
            if unit in self._faults:
                return ConversionPath(None, self._faults[unit])
        return self._graph.way(from_, to, product, variant)

    def _trouble(
        self, reasons: pa.Array, place: pa.Array, from_: pa.Array, to: pa.Array
    ) -> pa.StringArray:
        """The reason of each row, that of an unknown unit included."""
        if reasons.null_count == len(reasons):
            reasons = pa.nulls(len(place), pa.string())
        else:
            reasons = reasons.take(place)
        for units in (to, from_) if place.null_count else ():
            unknown = pc.invert(pc.is_in(units, value_set=self._names[0]))
            names = units.filter(unknown)
            texts = pc.binary_join_element_wise("there is no unit '", names, "'", "")
            texts = pc.if_else(pc.equal(names, ""), pa.scalar(_NO_UNIT), texts)
            reasons = pc.replace_with_mask(reasons, unknown, pc.fill_null(texts, _NO_UNIT))
        return reasons


def convert(
    quantity: Decimal | int,
    from_: str,
    to: str,
    product: str | None = None,
    variant: str | None = None,
    *,
    system: UnitSystem,
) -> Decimal:
    """One quantity in another unit, rounded as `UnitSystem.convert` does.

    Raises:
        NotConvertibleError: There is no such unit, or no valid conversion between the two.
    """
    way = system.way(from_, to, product, variant)
    if way.formula is None:
        raise NotConvertibleError(reason=way.trouble or "")
    unit = system.units[to]
    exact = way.formula.of(Fraction(quantity)) * 10**unit.decimals
    mode = MODES[way.rounding or unit.rounding]
    whole = round_ratio(exact.numerator, exact.denominator, mode)
    return Decimal(whole).scaleb(-unit.decimals, Context(prec=len(str(whole)) + 1))


def _zero(wholes: pa.Array) -> pa.Scalar:
    return pa.scalar(Decimal(0) if pa.types.is_decimal(wholes.type) else 0, wholes.type)


def _no_step(reason: str | None) -> _Step:
    return None, None, None, None, None, reason


def _column(texts: Texts, rows: int) -> pa.StringArray:
    if isinstance(texts, pa.ChunkedArray):
        return texts.combine_chunks().cast(pa.string())
    if isinstance(texts, pa.Array):
        return texts.cast(pa.string())
    return pa.repeat(pa.scalar(texts, pa.string()), rows)
