"""The rules that every map has, derived from the facts of its flow.

A column that cannot be null needs a value even where the app has a default for it:
a mapped column is always written, and a null that is written is not replaced by a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from dualwrite.rules.capacity import FloatDigits, Length, Scale, SecondFraction, WholeNumberRange
from dualwrite.rules.conversion import Convertible, Finite, ValueMapTotal
from dualwrite.rules.keys import KeyExact, KeyPresent, KeyUnique
from dualwrite.rules.periods import PeriodsSound
from dualwrite.rules.precision import CurrencyPrecision, MoneyExact
from dualwrite.rules.presence import Required
from dualwrite.rules.quantities import QuantityConverts
from dualwrite.rules.references import Resolvable
from dualwrite.rules.rule import Rule
from dualwrite.rules.times import LocalTime
from dualwrite.rules.values import Between, Matches, OneOf
from dualwrite.tablemap.facts import ColumnFacts, FlowFacts, LookupFacts, MoneyFacts


def derive(flow: FlowFacts, lookups: Iterable[LookupFacts] = ()) -> tuple[Rule, ...]:
    """The rules of one direction of a map, the most specific first.

    The first rule that a row fails gives the row its reason.
    """
    rules: list[Rule] = [*_local_times(flow)]
    if flow.key:
        rules.append(KeyPresent(key=flow.key))
    if flow.periods is not None:
        rules.append(PeriodsSound.of(flow.periods))
    if flow.key:
        rules.append(KeyUnique(key=flow.key))
    for column in flow.columns:
        rules += _of_column(column)
    for lookup in lookups:
        if lookup.required:
            rules += [Required(column=part) for part in lookup.parts]
        rules.append(
            Resolvable(
                column=lookup.reference,
                ambiguous=lookup.ambiguous,
                parts=lookup.parts,
                tables=lookup.tables,
            )
        )
    return tuple(dict.fromkeys(rules))


def _local_times(flow: FlowFacts) -> Iterator[Rule]:
    """Before the rules of the key: a time that is none leaves the key without its part."""
    for column in flow.columns:
        zones = column.zones
        if zones is not None and column.origin is not None:
            companies = zones.companies
            yield LocalTime(
                source=column.origin,
                zone=zones.source,
                into=zones.target,
                whole=zones.whole,
                company=zones.company,
                companies=tuple(company for company, _ in companies.zones),
                zones=tuple(zone for _, zone in companies.zones),
                otherwise=companies.default,
            )


def _of_column(column: ColumnFacts) -> Iterator[Rule]:
    if column.known is not None and column.origin is not None:
        yield ValueMapTotal(
            source=column.origin, target=column.target, known=column.known, to_null=column.to_null
        )
    if column.money is not None and column.origin is not None:
        yield MoneyExact(column=column.origin, scale=_digits(column.type)[1])
    if column.from_float and column.origin is not None:
        yield Finite(column=column.origin)
    if column.quantity is not None and column.origin is not None:
        about = column.quantity
        yield QuantityConverts(
            source=column.origin,
            problem=about.problem,
            unit=about.unit,
            symbol=about.symbol,
            returned=about.returned,
        )
    if column.before_cast is not None:
        yield Convertible(
            source=column.before_cast, target=column.target, type=_called(column.type)
        )
    if column.spelled is not None:
        yield KeyExact(source=column.spelled, target=column.target)
    if not column.nullable:
        yield Required(column=column.target)
    yield from _room(column)


def _room(column: ColumnFacts) -> Iterator[Rule]:
    kind = column.type
    text = pa.types.is_string(kind)
    if column.length is not None and text:
        yield Length(column=column.target, length=column.length)
    if column.octets is not None and (text or pa.types.is_binary(kind)):
        least = column.octets if column.padded and not text else 0
        yield Length(column=column.target, length=column.octets, unit="bytes", least=least)
    if text:
        yield from _spelling(column)
    if column.fraction is not None:
        yield SecondFraction(column=column.target, digits=column.fraction)
    if column.money is not None:
        yield from _money(column, column.money)
    elif pa.types.is_decimal(kind):
        yield Scale(column=column.target, precision=kind.precision, scale=kind.scale)
    if column.single and pa.types.is_floating(kind):
        yield FloatDigits(column=column.target)
    if not column.exact and pa.types.is_decimal(kind):
        yield FloatDigits(column=column.target, octets=8)
    yield from _range(column)


def _spelling(column: ColumnFacts) -> Iterator[Rule]:
    """What a column does not keep letter by letter."""
    if column.members:
        yield OneOf(column=column.target, values=column.members)
    if column.pattern is not None:
        yield Matches(column=column.target, pattern=column.pattern)
    if column.padded:
        yield Matches(column=column.target, pattern="[^ ]$|^$")


def _range(column: ColumnFacts) -> Iterator[Rule]:
    kind = column.type
    if column.range is not None:
        low, high = column.range
        if pa.types.is_integer(kind):
            yield WholeNumberRange(column=column.target, low=int(low), high=int(high))
        else:
            yield Between(column=column.target, low=low, high=high)
    elif pa.types.is_integer(kind) and kind.bit_width < 64:
        signed = pa.types.is_signed_integer(kind)
        bits = kind.bit_width - signed
        yield WholeNumberRange(column=column.target, low=-(2**bits) * signed, high=2**bits - 1)


def _money(column: ColumnFacts, money: MoneyFacts) -> Iterator[Rule]:
    """The digits of the currency and of the column, in one rule."""
    precision, scale = _digits(column.type)
    yield CurrencyPrecision(
        column=column.target,
        code=money.code,
        currency=money.currency,
        company=money.company,
        companies=tuple(company for company, _ in money.books),
        accounting=tuple(code for _, code in money.books),
        own=tuple(code for code, _ in money.own),
        own_digits=tuple(digits for _, digits in money.own),
        precision=precision,
        scale=scale,
        kind=money.kind,
        policy=money.policy,
    )


def _digits(kind: pa.DataType) -> tuple[int, int]:
    """The digits of a decimal or whole number, and those behind the point among them."""
    return (kind.precision, kind.scale) if pa.types.is_decimal(kind) else (38, 0)


def _called(kind: pa.DataType) -> str:
    """The type in a person's words."""
    if pa.types.is_integer(kind):
        return "a whole number"
    if pa.types.is_decimal(kind):
        return f"a decimal({kind.precision}, {kind.scale})"
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_date(kind):
        return "a date"
    if pa.types.is_timestamp(kind):
        return "a date and time"
    return "text" if pa.types.is_string(kind) else str(kind)
