"""Checks of types: what can never fit is an error, what may lose something a warning.

A warning is no permission to lose: the gate rejects each row whose value does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.tablemap.checks.column_maps import written
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.codes import Severity
from dualwrite.tablemap.filters.literals import ValueKind, grid_of
from dualwrite.tablemap.model import ColumnMap, Transform, Unmapped
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms import TRANSFORMS

Verdict = tuple[Severity, str]

_PARSED: Verdict = ("warning", "each value is checked, and rejected where it is none")
_DOUBLE_DIGITS = 15
"""Every number of so many digits is a float of 8 bytes and comes back as it was."""
NEVER: Verdict = ("error", "the one can never hold the other")
VERDICTS: dict[tuple[ValueKind, ValueKind], Verdict | None] = {
    **{
        (ValueKind.TEXT, kind): _PARSED
        for kind in ValueKind
        if kind not in (ValueKind.TEXT, ValueKind.OPAQUE)
    },
    **{(kind, ValueKind.TEXT): None for kind in ValueKind if kind is not ValueKind.OPAQUE},
    **{(kind, kind): None for kind in ValueKind},
    (ValueKind.BOOLEAN, ValueKind.INTEGER): None,
    (ValueKind.INTEGER, ValueKind.BOOLEAN): (
        "warning",
        "only 0 and 1 pass, other numbers are rejected",
    ),
    (ValueKind.INTEGER, ValueKind.DECIMAL): None,
    (ValueKind.DECIMAL, ValueKind.INTEGER): ("warning", "values with decimals are rejected"),
    (ValueKind.INTEGER, ValueKind.FLOAT): ("warning", "numbers past 2^53 are rejected"),
    (ValueKind.DECIMAL, ValueKind.FLOAT): (
        "warning",
        "numbers of more than 15 digits are rejected",
    ),
    (ValueKind.FLOAT, ValueKind.DECIMAL): (
        "error",
        "the digits of a binary float are not those meant",
    ),
    (ValueKind.DATE, ValueKind.TIMESTAMP): None,
    (ValueKind.TIMESTAMP, ValueKind.DATE): (
        "warning",
        "the time of day is rejected unless it is midnight",
    ),
}
"""The one table of kinds of values: None is carried exactly, a warning by a rule, or refused."""


def check_types(context: Context) -> None:
    """Check every column map, in each of its directions."""
    warned: list[tuple[ColumnMap, str]] = []
    for target in Side:
        for column in written(context, target):
            for severity, reason in _of_way(context, column, target):
                text = f"{column.notation}: {target.other.direction}: {reason}"
                if severity == "warning":
                    warned.append((column, text))
                else:
                    context.add("DW1030", text, column=column, severity=severity)
    _warn(context, warned)
    _check_money(context)


def _warn(context: Context, warned: list[tuple[ColumnMap, str]]) -> None:
    """Say once for the map in which of its columns a value may not fit."""
    warned.sort(key=lambda each: each[0].place.line)
    first = next((column for column, _ in warned), None)
    texts = [text for _, text in warned]
    if len(texts) > 1:
        names = len(dict.fromkeys(column.notation for column, _ in warned))
        of = "one column" if names == 1 else f"{names} columns"
        head = f"of {of} a value may not fit, and its row is then rejected:"
        texts = ["\n    ".join([head, *texts])]
    for text in texts:
        context.add("DW1030", text, column=first, severity="warning")


def _of_way(context: Context, column: ColumnMap, target: Side) -> Iterator[Verdict]:
    """What a column map's values meet in the target."""
    path, source_path = column.end(target), column.end(target.other)
    assert path is not None
    there = context.column(target, path, column)
    if there is None:
        return
    for transform in column.transforms:
        for value in _constants(transform, target):
            if not _suits(value, there.type):
                shown = _shown_value(value)
                yield "error", f"{transform.kind}: {shown} is no {there.native}"
    source = context.column(target.other, source_path, column) if source_path else None
    arriving = None if source is None else _arriving(source, column, target)
    if arriving is None:
        return
    ends = str(column.end(Side.FINOPS)) == str((context.map.effective or {}).get("to"))
    for verdict in verdicts(arriving, there):
        yield (_of_last_day(context, verdict, arriving, there) if ends else verdict)


def _of_last_day(context: Context, verdict: Verdict, source: Column, target: Column) -> Verdict:
    """The verdict on the end of a period, of which a day holds the last second exactly."""
    kinds = (grid_of(source.type).kind, grid_of(target.type).kind)
    inclusive = (context.map.effective or {}).get("end") != "exclusive"
    if inclusive and kinds == (ValueKind.TIMESTAMP, ValueKind.DATE):
        pair = f"{source.native} into {target.native}"
        return "warning", f"{pair}: an end that is not the last second of its day is rejected"
    return verdict


def verdicts(source: Column, target: Column) -> Iterator[Verdict]:
    kinds = (grid_of(source.type).kind, grid_of(target.type).kind)
    verdict = VERDICTS.get(kinds, NEVER)
    if verdict is not None and not _always_fits(source, kinds):
        severity, reason = verdict
        yield severity, f"{source.native} into {target.native}: {reason}"
    match kinds:
        case ValueKind.TEXT, ValueKind.TEXT:
            yield from _length(source, target)
            yield from _spelling(source, target)
        case ((ValueKind.DECIMAL | ValueKind.INTEGER), ValueKind.DECIMAL):
            yield from _digits(source, target)
        case ((ValueKind.INTEGER | ValueKind.DECIMAL), ValueKind.INTEGER):
            yield from _range(source, target)
        case (
            (ValueKind.INTEGER | ValueKind.DECIMAL | ValueKind.FLOAT | ValueKind.TEXT),
            ValueKind.FLOAT,
        ) if target.single and not source.single:
            yield "warning", "numbers that a float of 4 bytes does not hold are rejected"
        case ValueKind.TIMESTAMP, ValueKind.TIMESTAMP:
            yield from _fraction(source, target)
        case _:
            pass


def _always_fits(source: Column, kinds: tuple[ValueKind, ValueKind]) -> bool:
    """Whether the source's type has no value of those that its kind may be rejected for."""
    match kinds:
        case ValueKind.INTEGER, ValueKind.FLOAT:
            least, most = _limits(source)
            return -(2**53) <= least <= most <= 2**53
        case ValueKind.DECIMAL, ValueKind.FLOAT:
            return _size(source.type)[0] <= _DOUBLE_DIGITS
        case ValueKind.DECIMAL, ValueKind.INTEGER:
            return _size(source.type)[1] <= 0
        case _:
            return False


def _limits(source: Column) -> tuple[int, int]:
    """The least and the greatest number that a column of numbers may hold, its fraction cut off."""
    if pa.types.is_decimal(source.type):
        most = 10 ** (source.type.precision - source.type.scale) - 1
        return -most, most
    low, high = map(int, source.range or (-(2**63), 2**63 - 1))
    return low, high


def _length(source: Column, target: Column) -> Iterator[Verdict]:
    if target.length is None or (source.length is not None and source.length <= target.length):
        return
    longest = "text of any length" if source.length is None else f"{source.length} characters"
    yield "warning", f"{longest} into {target.length}: longer text is rejected"


def _spelling(source: Column, target: Column) -> Iterator[Verdict]:
    if target.parsed and source.native != target.native:
        yield "warning", f"{target.native} reads each text: it may reject it, or spell it anew"
    if target.members and not set(source.members or [""]) <= set(target.members):
        yield "warning", f"text into {len(target.members)} listed texts: all others are rejected"


def _range(source: Column, target: Column) -> Iterator[Verdict]:
    if target.range is None:
        return
    low, high = map(int, target.range)
    least, most = _limits(source)
    if least < low or most > high:
        yield "warning", f"numbers not from {low} to {high} are rejected"


def _fraction(source: Column, target: Column) -> Iterator[Verdict]:
    finest = 6 if source.fraction is None else source.fraction
    if target.fraction is not None and finest > target.fraction:
        kept = f"{target.fraction} digits" if target.fraction else "none"
        cure = f"unless {{seconds: {target.fraction}}} cuts them"
        yield (
            "warning",
            f"{finest} digits of a second into {kept}: finer times are rejected, {cure}",
        )


def _digits(source: Column, target: Column) -> Iterator[Verdict]:
    precision, scale = _size(source.type)
    room, room_behind = _size(target.type)
    if scale > room_behind:
        yield (
            "warning",
            f"{scale} decimals into {room_behind}: values that need more are rejected",
        )
    # A whole number may be as large as 64 bits hold, but hardly ever is: the gate checks it.
    if pa.types.is_decimal(source.type) and precision - scale > room - room_behind:
        room_before = room - room_behind
        reason = f"{precision - scale} digits before the point into {room_before}"
        yield "warning", f"{reason}: larger values are rejected"


def _size(kind: pa.DataType) -> tuple[int, int]:
    return (kind.precision, kind.scale) if pa.types.is_decimal(kind) else (19, 0)


def _arriving(source: Column, column: ColumnMap, target: Side) -> Column | None:
    """The column as its transforms return it; None where that cannot be known."""
    forward = target is Side.DATAVERSE or len(column.sign.sources) == 1
    found: Column | None = source
    for transform in column.transforms if forward else column.transforms[::-1]:
        found = None if found is None else TRANSFORMS[transform.kind].column_after(found, transform)
    return found


def _constants(transform: Transform, target: Side) -> Iterator[Any]:
    """The values that a transform may put into the target."""
    if transform.kind == "default":
        yield transform.options
    values = transform.value_map
    if values is not None:
        position = 0 if target is Side.FINOPS else 1
        yield from (pair[position] for pair in values.pairs)
        if values.unmapped is Unmapped.USE:
            yield values.fallback


def _suits(value: Any, kind: pa.DataType) -> bool:
    """Whether a constant of a map file is a value of the type."""
    read = _READERS.get(grid_of(kind).kind)
    if value is None or read is None:
        return True
    try:
        read(value)
    except (ValueError, InvalidOperation):
        return False
    return True


def _truth(value: Any) -> None:
    if str(value).casefold() not in ("0", "1", "true", "false"):
        raise ValueError


def _number(value: Any) -> None:
    if isinstance(value, bool) or not Decimal(str(value)).is_finite():
        raise ValueError


_READERS: Mapping[ValueKind, Callable[[Any], object]] = {
    ValueKind.BOOLEAN: _truth,
    ValueKind.INTEGER: lambda value: int(value if isinstance(value, bool) else str(value)),
    ValueKind.DECIMAL: _number,
    ValueKind.FLOAT: _number,
    ValueKind.DATE: lambda value: date.fromisoformat(str(value)),
    ValueKind.TIMESTAMP: lambda value: datetime.fromisoformat(str(value)),
}


def _shown_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _check_money(context: Context) -> None:
    """An amount must not pass through a column that bends digits."""
    for column in context.map.columns:
        is_money = str(column.end(Side.FINOPS)) in context.map.money
        for side in Side:
            path = column.end(side)
            found = context.column(side, path, column) if path is not None else None
            if found is None or found.exact:
                continue
            is_float = grid_of(found.type).kind is ValueKind.FLOAT
            if is_money or (column.flows_from(side.other) and not is_float):
                context.add(
                    "DW1030",
                    f"{column.notation}: {context.name(side)} column {path} ({found.native}) "
                    "bends digits",
                    column=column,
                    cure="keep the amount in an exact decimal column",
                    severity="error" if is_money else "warning",
                )
