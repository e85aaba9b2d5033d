"""A table of exchange rates, sorted by pair and day, each an exact ratio, found by bisection.

A rate is quoted for as many units of the first currency as its display factor says.  It is
valid from its first day until the next rate of the pair begins, or until its last day if one is
given.  An invalid rate (null, zero or below, an invalid display factor, two on one day) stays in
the table as refused: without it, an older rate would silently stay valid.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, reduce

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import as_decimals, round_to, same, scale_of, times_ten, whole_parts
from dualwrite.money.faults import Faults
from dualwrite.money.precision import has_room

DISPLAY_FACTORS = (1, 10, 100, 1000, 10_000)
MOST_DIGITS = MOST_PLACES = 18
"""Digits of a rate before and after the decimal point; apps have at most 12 after it."""

DAYS = 4_000_000
"""More than any day number; a pair and a day are packed into one number."""
_FIRST_DAY = 719_162
"""Days from 0001-01-01 to 1970-01-01, the epoch of Arrow."""
_WIDE = pa.decimal256(76, 0)
_RATIO = pa.decimal256(2 * MOST_DIGITS, 0)
"""The product of two of these still fits into a decimal."""


@dataclass(frozen=True)
class RateTable:
    """One row for each rate, sorted by `keys`; and the values that the codes stand for."""

    types: pa.StringArray
    currencies: pa.StringArray
    """In alphabetical order."""
    pairs: pa.Int64Array
    """Every pair that has a rate on any day, coded by `pair_codes`."""
    keys: pa.Int64Array
    """The position of the pair in `pairs`, and the first day."""
    last_days: pa.Int64Array
    numerators: pa.Array
    denominators: pa.Array
    reasons: pa.StringArray
    """Why the rate is refused; null for a valid one."""
    problems: pa.Table
    """The numbers of the refused rows (`row`), and why (`reason`)."""

    def type_codes(self, types: pa.Array) -> pa.Array:
        return pc.index_in(types, value_set=self.types)

    def currency_codes(self, currencies: pa.Array) -> pa.Array:
        return pc.index_in(currencies, value_set=self.currencies)

    def pair_codes(self, types: pa.Array, froms: pa.Array, tos: pa.Array) -> pa.Int64Array:
        return _pair_codes(types, froms, tos, len(self.currencies))

    def parts_of(self, pairs: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
        """The type and the two currencies of each pair."""
        count = len(self.currencies)
        both = pc.divide(pairs, count)
        types = pc.divide(both, count)
        return (
            types,
            pc.subtract(both, pc.multiply(types, count)),
            pc.subtract(pairs, pc.multiply(both, count)),
        )

    def find(self, pairs: pa.Array, days: pa.Array) -> pa.Int64Array:
        """The position of the rate that is valid for each pair and day; null where none is."""
        pair = pc.index_in(pairs, value_set=self.pairs).cast(pa.int64())
        if not len(self.keys):
            return pair
        wanted = pc.fill_null(pc.add(pc.multiply(pair, DAYS), days), -1)
        before = pc.search_sorted(self.keys, wanted, side="right").cast(pa.int64())
        place = pc.max_element_wise(pc.subtract(before, 1), 0)
        begun = pc.equal(pc.divide(self.keys.take(place), DAYS), pair)
        holds = pc.and_(begun, pc.less_equal(days, self.last_days.take(place)))
        holds = pc.and_(holds, pc.less_equal(self.keys.take(place), wanted))
        return pc.if_else(pc.fill_null(holds, fill_value=False), place, pa.scalar(None, pa.int64()))

    def find_one(self, pair: int, day: int) -> int | None:
        """The same for one pair and day."""
        place = self._places.get(pair)
        if place is None:
            return None
        keys, last_days = self._lists
        key = place * DAYS + day
        found = bisect_right(keys, key) - 1
        begun = found >= 0 and keys[found] // DAYS == place
        return found if begun and day <= last_days[found] else None

    def near(self, pair: int, day: int) -> list[int]:
        """The positions of the last rate of a pair that began by that day, and of the next."""
        place = self._places.get(pair)
        if place is None:
            return []
        keys, _ = self._lists
        at = bisect_right(keys, place * DAYS + day)
        return [each for each in (at - 1, at) if self._is_of(each, place)]

    def _is_of(self, at: int, place: int) -> bool:
        keys, _ = self._lists
        return 0 <= at < len(keys) and keys[at] // DAYS == place

    def days(self, at: int) -> tuple[int, int | None]:
        """The first and the last day of a rate; None where it has no last day."""
        keys, last_days = self._lists
        last = last_days[at]
        return keys[at] % DAYS, None if last == DAYS else last

    @cached_property
    def _places(self) -> dict[int, int]:
        return {pair: place for place, pair in enumerate(self.pairs.to_pylist())}

    @cached_property
    def _lists(self) -> tuple[list[int], list[int]]:
        return self.keys.to_pylist(), self.last_days.to_pylist()


def days_of(dates: pa.Array) -> pa.Int64Array:
    """Days since 0001-01-01; a timestamp counts as its day."""
    if pa.types.is_timestamp(dates.type):
        dates = pc.floor_temporal(dates, unit="day").cast(pa.timestamp("us"))
    return pc.add(dates.cast(pa.date32()).cast(pa.int32()).cast(pa.int64()), _FIRST_DAY)


def dates_of(days: pa.Array) -> pa.Array:
    """The inverse of `days_of`."""
    return pc.subtract(days, _FIRST_DAY).cast(pa.int32()).cast(pa.date32())


def date_of(day: int) -> dt.date:
    return dt.date.fromordinal(day + 1)


def build(table: pa.Table) -> RateTable:
    """Check and sort the rates of `table`, whose columns `ExchangeRates.from_table` describes."""
    types, froms, tos = (_texts(table, name) for name in ("type", "from", "to"))
    begins, ends = _days(table, "valid_from"), _days(table, "valid_to")
    rates = as_decimals(table["rate"], "exchange rates")
    factors = _factors(table)
    faults = Faults(table.num_rows)
    _check(faults, rates, factors, begins, ends)
    known_types, currencies, pairs, place = _coded(types, froms, tos)
    keys = pc.add(pc.multiply(place, DAYS), begins)
    faults.note(keys.is_null(), "type, from, to and valid_from must all be given")
    trimmed = _trimmed(rates)
    scale = scale_of(trimmed)
    numerators = whole_parts(trimmed).cast(_WIDE)
    denominators = times_ten(factors, scale).cast(_WIDE)
    order = pc.sort_indices(keys)
    order = order.filter(keys.take(order).is_valid())
    faults.note(
        pc.and_(pc.equal(froms, tos), pc.not_equal(numerators, denominators)),
        "the rate of a currency to itself must be 1 and is ",
        rates,
    )
    # a null rate differs from a given one
    quoted = pc.fill_null(numerators, pa.scalar(Decimal(0), _WIDE))
    duplicates = _duplicates(keys.take(order), quoted.take(order), denominators.take(order))
    rows = pa.array(range(table.num_rows), order.type)
    faults.note(
        pc.is_in(rows, value_set=order.filter(duplicates)), "another rate begins on the same day"
    )
    named = (types, froms, tos, begins)
    reasons = faults.reasons(lambda rows: _about(*(column.take(rows) for column in named)))
    sound = reasons.is_null()
    # a refused rate counts as 1, so that it never divides by zero
    one = pa.scalar(Decimal(1), _WIDE)
    numerators, denominators = (
        pc.if_else(sound, each, one).cast(_RATIO) for each in (numerators, denominators)
    )
    forever = pc.fill_null(ends, DAYS)
    return RateTable(
        known_types,
        currencies,
        pairs,
        keys=keys.take(order),
        last_days=forever.take(order),
        numerators=numerators.take(order),
        denominators=denominators.take(order),
        reasons=reasons.take(order),
        problems=faults.table(),
    )


def _coded(
    types: pa.Array, froms: pa.Array, tos: pa.Array
) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """The types, the currencies, the pairs that occur, and the place of each row's own."""
    known_types, currencies = _distinct(types), _distinct(froms, tos)
    codes = _pair_codes(
        pc.index_in(types, value_set=known_types),
        pc.index_in(froms, value_set=currencies),
        pc.index_in(tos, value_set=currencies),
        len(currencies),
    )
    pairs = _distinct(codes)
    return known_types, currencies, pairs, pc.index_in(codes, value_set=pairs).cast(pa.int64())


def _check(
    faults: Faults, rates: pa.Array, factors: pa.Array, begins: pa.Array, ends: pa.Array
) -> None:
    faults.note(rates.is_null(), "there is no rate")
    faults.note(
        pc.less_equal(rates, pa.scalar(Decimal(0), rates.type)),
        "the rate must be above zero and is ",
        rates,
    )
    great = pc.invert(has_room(rates, MOST_DIGITS))
    faults.note(
        great, f"the rate has more than {MOST_DIGITS} digits before the decimal point: ", rates
    )
    cut = pc.invert(same(round_to(rates, MOST_PLACES, "down"), rates))
    faults.note(
        cut, f"the rate has more than {MOST_PLACES} digits after the decimal point: ", rates
    )
    odd = pc.invert(
        pc.is_in(factors, value_set=pa.array(DISPLAY_FACTORS, pa.int64()).cast(factors.type))
    )
    faults.note(odd, "the display factor must be 1, 10, 100, 1000 or 10000 and is ", factors)
    faults.note(pc.less(ends, begins), "valid_to is before valid_from")


def _trimmed(rates: pa.Array) -> pa.Array:
    """The rates with no more decimal places than needed: small numbers are faster."""

    def suffice(places: int) -> bool:
        return pc.all(same(round_to(rates, places, "down"), rates)).as_py() is not False

    most = min(scale_of(rates), MOST_PLACES)
    places = next((each for each in range(most) if suffice(each)), most)
    return round_to(rates, places, "down").cast(pa.decimal256(76, places), safe=False)


def _duplicates(keys: pa.Array, *quoted: pa.Array) -> pa.BooleanArray:
    """Which of the sorted rates have a neighbour of the same pair and day, with another value."""
    rows = len(keys)
    if rows < 2:
        return pa.repeat(pa.scalar(value=False), rows)
    alike = pc.equal(keys.slice(1), keys.slice(0, rows - 1))
    other = reduce(
        pc.or_, (pc.not_equal(each.slice(1), each.slice(0, rows - 1)) for each in quoted)
    )
    after = pc.and_(alike, other)
    nothing = pa.array([False])
    return pc.or_(pa.concat_arrays([nothing, after]), pa.concat_arrays([after, nothing]))


def _about(types: pa.Array, froms: pa.Array, tos: pa.Array, begins: pa.Array) -> pa.StringArray:
    dates = dates_of(begins).cast(pa.string())
    words = (types, "rate from", froms, "to", tos, "of", dates)
    named = [pc.fill_null(each, "?") if isinstance(each, pa.Array) else each for each in words]
    return pc.binary_join_element_wise(*named, " ")


def _pair_codes(types: pa.Array, froms: pa.Array, tos: pa.Array, currencies: int) -> pa.Int64Array:
    types, froms, tos = (each.cast(pa.int64()) for each in (types, froms, tos))
    pairs = pc.add(pc.multiply(types, currencies), froms)
    return pc.add(pc.multiply(pairs, currencies), tos)


def _distinct(*columns: pa.Array) -> pa.Array:
    """The distinct values of the columns, sorted."""
    values = pc.unique(pa.concat_arrays(columns)).drop_null()
    return values.take(pc.sort_indices(values))


def _texts(table: pa.Table, name: str) -> pa.StringArray:
    return table[name].combine_chunks().cast(pa.string())


def _days(table: pa.Table, name: str) -> pa.Int64Array:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.int64())
    return days_of(table[name].combine_chunks())


def _factors(table: pa.Table) -> pa.Array:
    one = pa.scalar(Decimal(1), pa.decimal128(20, 0))
    if "display_factor" not in table.column_names:
        return pa.repeat(one, table.num_rows)
    given = as_decimals(table["display_factor"], "display factors")
    return pc.fill_null(round_to(given, 0, "up").cast(one.type, safe=False), one)
