"""Exchange rates on a day, one or a million: exact, and a clear word where none holds."""

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
from dualwrite.money.paths import Paths, Step
from dualwrite.money.precision import Kind, has_room, places
from dualwrite.money.rateerrors import RefusedRateError, no_rate
from dualwrite.money.ratetable import DAYS, RateTable, build, dates_of, days_of

Texts: TypeAlias = str | pa.Array
Dates: TypeAlias = dt.date | pa.Array

RATE_PLACES = 12
"""Digits behind the point of a rate that is told as a decimal: as many as the apps keep."""

_WIDE = pa.decimal256(76, 0)


class Quoted(NamedTuple):
    """Values row by row, and why there is none; one of both is null."""

    values: pa.Array
    trouble: pa.StringArray


class _Found(NamedTuple):
    """The distinct questions' answers, and for each row the place of its own among them."""

    place: pa.Int32Array
    """Null where the type or a currency has no rate at all, or something is not given."""
    numerators: pa.Array
    """Null where no rate holds."""
    denominators: pa.Array
    trouble: pa.StringArray


class ExchangeRates:
    """The exchange rates of some types and pairs, each for its days."""

    def __init__(self, table: RateTable, pivots: Mapping[str, str]) -> None:
        self._table = table
        self._paths = Paths(table, pivots)

    @classmethod
    def from_table(cls, table: pa.Table, pivots: Mapping[str, str] | None = None) -> Self:
        """The rates of an Arrow table.

        Columns: `type`, `from`, `to` (texts); `valid_from` (date, or time: its day);
        `rate` (decimal), for `display_factor` (1, 10, 100, 1000 or 10000; 1 where null or
        no column) units of `from`; and perhaps `valid_to` (date; null: until the next).
        `pivots` names, by type, the currency over which two others are preferably compared.

        Rows that cannot be right do not stop the others: see `problems`.

        Raises:
            NotExactError: The rates are floats or texts.
        """
        return cls(build(table), pivots or {})

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
    ) -> Quoted:
        """How many of `tos` one of `froms` is, on each of the days.

        Shapes: each an array (n,) or one value for all rows; values are (n,) decimal128
        of `places` digits behind the point, rounded once.  A date is the day that a time
        falls on.
        """
        columns = _columns(types, froms, tos, dates)
        found = self._find(*columns)
        one = pa.repeat(pa.scalar(Decimal(10) ** places, _WIDE), len(found.numerators))
        values = affine(one, found.numerators, found.denominators, mode)
        trouble = _but_too_great(found.trouble, values.is_null())
        values = pc.if_else(trouble.is_valid(), pa.scalar(None, values.type), values)
        return Quoted(
            with_scale(values.take(found.place), places),
            _with_missing(trouble.take(found.place), found.place, columns),
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
    ) -> Quoted:
        """`amounts` of `froms` in `tos`, by the rate's own ratio and rounded once.

        Shapes: as in `rates`, `amounts` (n,) decimals or whole numbers; values are (n,)
        decimal128 of `scale` digits behind the point, of which an amount uses no more
        than its currency's minor unit.  A null amount is null, without trouble.

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
            digits = _digits(scale, tos, kind)
            below = powers_of_ten(pc.subtract(pa.scalar(behind, pa.int8()), digits))
            divisor = times(denominators, below)
            parts = affine(whole_parts(amounts), numerators, divisor, mode)
            return [raised(parts, pc.subtract(pa.scalar(scale, pa.int8()), digits))]

        values = by_pieces(exchange, amounts, found.place, columns[2])[0]
        trouble = _with_missing(found.trouble.take(found.place), found.place, columns)
        values = pc.if_else(trouble.is_valid(), pa.scalar(None, values.type), values)
        trouble = _but_too_great(trouble, values.is_null())
        trouble = pc.if_else(amounts.is_valid(), trouble, _NO_TEXT)
        return Quoted(with_scale(values, scale), trouble)

    def exact(self, type_: str, from_: str, to: str, *, on: dt.date) -> Fraction:
        """The rate as the ratio that it is.

        Raises:
            NoRateError: None holds on that day, by whatever way.
            RefusedRateError: The one that holds cannot be right.
        """
        found = self._find(*_columns(type_, from_, to, on))
        place = found.place[0].as_py()
        if place is None or not found.numerators[place].is_valid:
            raise no_rate(self._table, type_, from_, to, on)
        reason = found.trouble[place].as_py()
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
        """Every pair and day that occurs is looked for once, however many rows ask for it."""
        table = self._table
        pairs = table.pair_codes(
            table.type_codes(types), table.currency_codes(froms), table.currency_codes(tos)
        )
        asked = pc.add(pc.multiply(pairs, DAYS), days_of(dates)).dictionary_encode()
        pair = pc.divide(asked.dictionary, DAYS)
        day = pc.subtract(asked.dictionary, pc.multiply(pair, DAYS))
        codes = [*table.parts_of(pair), day]
        up, down, trouble = self._answers(codes)
        alike = pc.fill_null(pc.equal(froms, tos), fill_value=False)
        one = pa.array([Decimal(1)], _WIDE)
        return _Found(
            pc.if_else(alike, pa.scalar(len(pair), pa.int32()), asked.indices),
            pa.concat_arrays([up, one]),
            pa.concat_arrays([down, one]),
            pa.concat_arrays([trouble, pa.nulls(1, pa.string())]),
        )

    def _answers(self, codes: list[pa.Array]) -> tuple[pa.Array, pa.Array, pa.StringArray]:
        """Numerators, denominators and trouble; a refused rate has all three."""
        first, second = self._paths.legs(*codes)
        up, down, trouble = self._leg(first)
        if second.null_count < len(second):
            times_up, times_down, worse = self._leg(second)
            one = pa.scalar(Decimal(1), up.type)
            up = pc.multiply(up, pc.fill_null(times_up, one))
            down = pc.multiply(down, pc.fill_null(times_down, one))
            trouble = pc.coalesce(trouble, worse)
        up, down = up.cast(_WIDE), down.cast(_WIDE)
        far = self._far(codes, up.is_null())
        up, down = pc.coalesce(up, far[0]), pc.coalesce(down, far[1])
        none = pc.if_else(up.is_null(), self._no_rate(codes), _NO_TEXT)
        return up, down, pc.coalesce(trouble, far[2], none)

    def _no_rate(self, codes: list[pa.Array]) -> pa.StringArray:
        table = self._table
        type_, from_, to, day = codes
        names = [table.types.take(type_), table.currencies.take(from_), table.currencies.take(to)]
        return _told(names[0], names[1], names[2], dates_of(day))

    def _leg(self, places: pa.Array) -> tuple[pa.Array, pa.Array, pa.StringArray]:
        """What the rates at these places are; turned round where the path says so."""
        table = self._table
        at = pc.shift_right(places, 1)
        up, down = table.numerators.take(at), table.denominators.take(at)
        turned = pc.equal(pc.bit_wise_and(places, 1), 1)
        return pc.if_else(turned, down, up), pc.if_else(turned, up, down), table.told.take(at)

    def _far(
        self, codes: list[pa.Array], missing: pa.BooleanArray
    ) -> tuple[pa.Array, pa.Array, pa.StringArray]:
        """The same where more than two rates are needed; null where none holds at all."""
        found = (pa.nulls(len(missing), _WIDE),) * 2 + (pa.nulls(len(missing), pa.string()),)
        maybe = pc.and_(missing, self._paths.may_be_far(*codes[:3]))
        if not pc.any(maybe).as_py():
            return found
        lists = (code.filter(maybe).to_pylist() for code in codes)
        products = [
            None if steps is None else self._product(steps)
            for steps in (self._paths.far(*row) for row in zip(*lists, strict=True))
        ]
        up, down, told = (
            pc.replace_with_mask(
                each, maybe, pa.array([row and row[part] for row in products], each.type)
            )
            for part, each in enumerate(found)
        )
        return up, down, told

    def _product(self, steps: list[Step]) -> tuple[Decimal, Decimal, str | None]:
        table = self._table
        ratio, told = Fraction(1), None
        for place, turned in steps:
            step = Fraction(
                int(table.numerators[place].as_py()), int(table.denominators[place].as_py())
            )
            told = told or table.told[place].as_py()
            ratio = ratio / step if turned and step else ratio * step
        if max(ratio.numerator, ratio.denominator) >= 10**_MOST_DIGITS:
            return Decimal(1), Decimal(1), "the way between the currencies has too many digits"
        return Decimal(ratio.numerator), Decimal(ratio.denominator), told


def rate(type_: str, from_: str, to: str, *, on: dt.date, rates: ExchangeRates) -> Decimal:
    """How many of `to` one of `from_` is on a day: `ExchangeRates.rate` of `rates`."""
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


def _told(types: pa.Array, froms: pa.Array, tos: pa.Array, dates: pa.Array) -> pa.StringArray:
    """That no rate holds; null where something is not given."""
    days = pc.utf8_slice_codeunits(dates.cast(pa.string()), 0, 10)
    words = ("no rate of type", types, "from", froms, "to", tos, "holds on", days)
    return pc.binary_join_element_wise(*words, " ")


def _with_missing(trouble: pa.Array, place: pa.Array, columns: list[pa.Array]) -> pa.StringArray:
    """The trouble of rows that ask for what no rate is for, or do not ask in full."""
    if not place.null_count:
        return trouble
    rows = place.is_null()
    told = _told(*(column.filter(rows) for column in columns))
    told = pc.fill_null(told, "the rate's type, both currencies and the date must be given")
    return pc.replace_with_mask(trouble, rows, told)


def _digits(scale: int, currencies: pa.Array, kind: Kind) -> pa.Array:
    digits = places(scale, currencies, kind)
    if isinstance(digits, int):
        return pa.repeat(pa.scalar(digits, pa.int8()), len(currencies))
    return pc.fill_null(digits, scale)


def _but_too_great(trouble: pa.Array, lost: pa.BooleanArray) -> pa.StringArray:
    """Trouble, and where a value was lost without any, that it grew too great."""
    told = pc.if_else(lost, pa.scalar("the value has more than 38 digits"), _NO_TEXT)
    return pc.coalesce(trouble, told)
