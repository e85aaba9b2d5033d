"""Exchange rates on a day, for one row or a million: exact, or a reason why there is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import (
    Mode,
    affine,
    as_decimals,
    by_pieces,
    powers_of_ten,
    raised,
    round_ratio,
    scale_of,
    times,
    whole_parts,
    with_scale,
)
from dualwrite.money.currencies import Own
from dualwrite.money.paths import RatePaths, Step
from dualwrite.money.precision import Kind, has_room, places
from dualwrite.money.rateerrors import RefusedRateError, no_rate
from dualwrite.money.ratetable import DAYS, RateTable, build, dates_of, days_of

Texts: TypeAlias = str | pa.Array
Dates: TypeAlias = dt.date | pa.Array

RATE_PLACES = 12
"""Decimal places of a rate as a decimal: as many as the apps store."""

_WIDE = pa.decimal256(76, 0)


class RateResult(NamedTuple):
    """A value for each row, or the reason why there is none; one of the two is null."""

    values: pa.Array
    reasons: pa.StringArray


class _Found(NamedTuple):
    """The rates of the distinct pairs and days, and for each row the position of its own."""

    place: pa.Int32Array
    """Null where the type or a currency has no rate at all, or an argument is null."""
    numerators: pa.Array
    """Null where no rate is valid."""
    denominators: pa.Array
    reasons: pa.StringArray


class ExchangeRates:
    """Exchange rates by rate type, currency pair and period of validity."""

    def __init__(self, table: RateTable, pivots: Mapping[str, str], own: Own = ()) -> None:
        self._table, self._own = table, own
        self._paths = RatePaths(table, pivots)

    @classmethod
    def from_table(
        cls, table: pa.Table, pivots: Mapping[str, str] | None = None, own: Own = ()
    ) -> Self:
        """The rates of an Arrow table.

        Columns: `type`, `from`, `to` (texts); `valid_from` (date, or time: its day);
        `rate` (decimal), for `display_factor` (1, 10, 100, 1000 or 10000; 1 where null or
        no column) units of `from`; and perhaps `valid_to` (date; null: until the next).
        `pivots` names, by type, the preferred common currency for pairs without a rate; `own`
        are the currencies that the project defines beside ISO 4217.

        Invalid rows are refused and do not affect others: see `problems`.

        Raises:
            NotExactError: The rates are floats or texts.
        """
        return cls(build(table), pivots or {}, own)

    @property
    def problems(self) -> pa.Table:
        """The rows of the table that were refused: `row` (its number), `reason`."""
        return self._table.problems

    def rates(
        self,
        types: Texts,
        froms: Texts,
        tos: Texts,
        dates: Dates,
        places: int = RATE_PLACES,
        mode: Mode = "half_even",
    ) -> RateResult:
        """The exchange rates from `froms` to `tos` on the given days.

        Shapes: each an array (n,) or one value for all rows; values are (n,) decimal128
        with `places` decimal places, rounded once.  A timestamp counts as its day.
        """
        columns = _columns(types, froms, tos, dates)
        found = self._find(*columns)
        one = pa.repeat(pa.scalar(Decimal(10) ** places, _WIDE), len(found.numerators))
        values = affine(one, found.numerators, found.denominators, mode)
        reasons = _with_too_great(found.reasons, values.is_null())
        values = pc.if_else(reasons.is_valid(), pa.scalar(None, values.type), values)
        return RateResult(
            with_scale(values.take(found.place), places),
            _with_missing(reasons.take(found.place), found.place, columns),
        )

    def convert(  # noqa: PLR0913 - four of them name the rate, as in `rates`
        self,
        amounts: pa.Array,
        types: Texts,
        froms: Texts,
        tos: Texts,
        dates: Dates,
        *,
        scale: int,
        mode: Mode = "half_even",
        kind: Kind = "amount",
    ) -> RateResult:
        """Convert `amounts` from `froms` to `tos` with the exact rate, rounded once.

        Shapes: as in `rates`, `amounts` (n,) decimals or whole numbers; values are (n,)
        decimal128 with `scale` decimal places, of which an amount uses no more than its
        currency's minor unit.  A null amount gives null without a reason.

        Raises:
            NotExactError: The amounts are floats or texts.
        """
        amounts = as_decimals(amounts, "amounts")
        if scale_of(amounts) < scale:
            narrow_enough = pc.all(has_room(amounts, 38 - scale)).as_py() is not False
            wide = pa.decimal128(38, scale) if narrow_enough else pa.decimal256(76, scale)
            amounts = amounts.cast(wide)
        behind = scale_of(amounts)

        columns = _columns(types, froms, tos, dates, rows=len(amounts))
        found = self._find(*columns)

        def exchange(amounts: pa.Array, place: pa.Array, tos: pa.Array) -> list[pa.Array]:
            numerators, denominators = (
                each.take(place) for each in (found.numerators, found.denominators)
            )
            digits = _digits(scale, tos, kind, self._own)
            below = powers_of_ten(pc.subtract(pa.scalar(behind, pa.int8()), digits))
            divisor = times(denominators, below)
            parts = affine(whole_parts(amounts), numerators, divisor, mode)
            return [raised(parts, pc.subtract(pa.scalar(scale, pa.int8()), digits))]

        values = by_pieces(exchange, amounts, found.place, columns[2])[0]
        reasons = _with_missing(found.reasons.take(found.place), found.place, columns)
        values = pc.if_else(reasons.is_valid(), pa.scalar(None, values.type), values)
        reasons = _with_too_great(reasons, values.is_null())
        reasons = pc.if_else(amounts.is_valid(), reasons, _NO_TEXT)
        return RateResult(with_scale(values, scale), reasons)

    def exact(self, type_: str, from_: str, to: str, *, on: dt.date) -> Fraction:
        """The rate as an exact ratio.

        Raises:
            NoRateError: No rate is valid on that day, not even over other currencies.
            RefusedRateError: The rate that is valid was refused.
        """
        found = self._find(*_columns(type_, from_, to, on))
        place = found.place[0].as_py()
        if place is None or not found.numerators[place].is_valid:
            raise no_rate(self._table, type_, from_, to, on)
        reason = found.reasons[place].as_py()
        if reason is not None:
            raise RefusedRateError(reason=reason)
        up, down = found.numerators[place].as_py(), found.denominators[place].as_py()
        return Fraction(int(up), int(down))

    def rate(
        self,
        type_: str,
        from_: str,
        to: str,
        *,
        on: dt.date,
        places: int = RATE_PLACES,
        mode: Mode = "half_even",
    ) -> Decimal:
        """The rate as a decimal; rounded only where it has more than `places` digits.

        Raises:
            NoRateError, RefusedRateError: As `exact`.
        """
        exact = self.exact(type_, from_, to, on=on)
        whole = round_ratio(exact.numerator * 10**places, exact.denominator, mode)
        return Decimal(whole).scaleb(-places, Context(prec=len(str(whole)) + 1))

    def _find(self, types: pa.Array, froms: pa.Array, tos: pa.Array, dates: pa.Array) -> _Found:
        """Look up each distinct pair and day once."""
        table = self._table
        pairs = table.pair_codes(
            table.type_codes(types), table.currency_codes(froms), table.currency_codes(tos)
        )
        wanted = pc.add(pc.multiply(pairs, DAYS), days_of(dates)).dictionary_encode()
        pair = pc.divide(wanted.dictionary, DAYS)
        day = pc.subtract(wanted.dictionary, pc.multiply(pair, DAYS))
        codes = [*table.parts_of(pair), day]
        up, down, reasons = self._answers(codes)
        alike = pc.fill_null(pc.equal(froms, tos), fill_value=False)
        one = pa.array([Decimal(1)], _WIDE)
        return _Found(
            pc.if_else(alike, pa.scalar(len(pair), pa.int32()), wanted.indices),
            pa.concat_arrays([up, one]),
            pa.concat_arrays([down, one]),
            pa.concat_arrays([reasons, pa.nulls(1, pa.string())]),
        )

    def _answers(self, codes: list[pa.Array]) -> tuple[pa.Array, pa.Array, pa.StringArray]:
        """Numerators, denominators and reasons; a refused rate has all three."""
        first, second = self._paths.legs(*codes)
        up, down, reasons = self._leg(first)
        if second.null_count < len(second):
            times_up, times_down, worse = self._leg(second)
            one = pa.scalar(Decimal(1), up.type)
            up = pc.multiply(up, pc.fill_null(times_up, one))
            down = pc.multiply(down, pc.fill_null(times_down, one))
            reasons = pc.coalesce(reasons, worse)
        up, down = up.cast(_WIDE), down.cast(_WIDE)
        far = self._far(codes, up.is_null())
        up, down = pc.coalesce(up, far[0]), pc.coalesce(down, far[1])
        none = pc.if_else(up.is_null(), self._no_rate_on(codes), _NO_TEXT)
        return up, down, pc.coalesce(reasons, far[2], none)

    def _no_rate_on(self, codes: list[pa.Array]) -> pa.StringArray:
        table = self._table
        type_, from_, to, day = codes
        names = [table.types.take(type_), table.currencies.take(from_), table.currencies.take(to)]
        return _no_rate(names[0], names[1], names[2], dates_of(day))

    def _leg(self, places: pa.Array) -> tuple[pa.Array, pa.Array, pa.StringArray]:
        """The rates at these positions, or their reciprocals where the path says so."""
        table = self._table
        at = pc.shift_right(places, 1)
        up, down = table.numerators.take(at), table.denominators.take(at)
        reversed_ = pc.equal(pc.bit_wise_and(places, 1), 1)
        return (
            pc.if_else(reversed_, down, up),
            pc.if_else(reversed_, up, down),
            table.reasons.take(at),
        )

    def _far(
        self, codes: list[pa.Array], missing: pa.BooleanArray
    ) -> tuple[pa.Array, pa.Array, pa.StringArray]:
        """The same where more than two rates are needed; null where there is no path."""
        found = (pa.nulls(len(missing), _WIDE),) * 2 + (pa.nulls(len(missing), pa.string()),)
        maybe = pc.and_(missing, self._paths.may_be_far(*codes[:3]))
        if not pc.any(maybe).as_py():
            return found
        lists = (code.filter(maybe).to_pylist() for code in codes)
        products = [
            None if steps is None else self._product(steps)
            for steps in (self._paths.far(*row) for row in zip(*lists, strict=True))
        ]
        up, down, reasons = (
            pc.replace_with_mask(
                each, maybe, pa.array([row and row[part] for row in products], each.type)
            )
            for part, each in enumerate(found)
        )
        return up, down, reasons

    def _product(self, steps: list[Step]) -> tuple[Decimal, Decimal, str | None]:
        table = self._table
        ratio, reason = Fraction(1), None
        for place, reversed_ in steps:
            step = Fraction(
                int(table.numerators[place].as_py()), int(table.denominators[place].as_py())
            )
            reason = reason or table.reasons[place].as_py()
            ratio = ratio / step if reversed_ and step else ratio * step
        if max(ratio.numerator, ratio.denominator) >= 10**_MOST_DIGITS:
            return Decimal(1), Decimal(1), "the rate over several currencies has too many digits"
        return Decimal(ratio.numerator), Decimal(ratio.denominator), reason


def rate(type_: str, from_: str, to: str, *, on: dt.date, rates: ExchangeRates) -> Decimal:
    """The exchange rate from `from_` to `to` on a day; see `ExchangeRates.rate`."""
    return rates.rate(type_, from_, to, on=on)


_NO_TEXT = pa.scalar(None, pa.string())
_MOST_DIGITS = 72


def _columns(
    types: Texts, froms: Texts, tos: Texts, dates: Dates, rows: int | None = None
) -> list[pa.Array]:
    """All as arrays of one length."""
    given = (types, froms, tos, dates)
    if rows is None:
        rows = next((len(each) for each in given if isinstance(each, _ARRAYS)), 1)
    columns = []
    for each in given:
        if isinstance(each, pa.ChunkedArray):
            columns.append(each.combine_chunks())
        elif isinstance(each, pa.Array):
            columns.append(each)
        else:
            columns.append(pa.repeat(pa.scalar(each), rows))
    return [*(column.cast(pa.string()) for column in columns[:3]), columns[3]]


_ARRAYS = (pa.Array, pa.ChunkedArray)


def _no_rate(types: pa.Array, froms: pa.Array, tos: pa.Array, dates: pa.Array) -> pa.StringArray:
    """The reason that no rate is valid; null where an argument is null."""
    days = pc.utf8_slice_codeunits(dates.cast(pa.string()), 0, 10)
    words = ("no rate of type", types, "from", froms, "to", tos, "is valid on", days)
    return pc.binary_join_element_wise(*words, " ")


def _with_missing(reasons: pa.Array, place: pa.Array, columns: list[pa.Array]) -> pa.StringArray:
    """Add the reasons of rows with an unknown type or currency, or with a null argument."""
    if not place.null_count:
        return reasons
    rows = place.is_null()
    texts = _no_rate(*(column.filter(rows) for column in columns))
    texts = pc.fill_null(texts, "the rate's type, both currencies and the date must be given")
    return pc.replace_with_mask(reasons, rows, texts)


def _digits(scale: int, currencies: pa.Array, kind: Kind, own: Own) -> pa.Array:
    digits = places(scale, currencies, kind, own)
    if isinstance(digits, int):
        return pa.repeat(pa.scalar(digits, pa.int8()), len(currencies))
    return pc.fill_null(digits, scale)


def _with_too_great(reasons: pa.Array, lost: pa.BooleanArray) -> pa.StringArray:
    """Add the reason for values that are lost because they have too many digits."""
    reason = pc.if_else(lost, pa.scalar("the value has more than 38 digits"), _NO_TEXT)
    return pc.coalesce(reasons, reason)
