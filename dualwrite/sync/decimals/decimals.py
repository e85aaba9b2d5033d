"""How many digits the columns of dataverse keep, and what widening or undoing would change.

These are the decimal columns that a map carries into dataverse.  For each, the rows of finops
are counted that lose digits now, by the rules that reject them, and those that would still lose
some: an amount of a currency has no more digits than the currency.  A column is never made so
narrow again that a value it then holds would lose a digit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.declaring import why_not
from dualwrite.gate_column import Role, gate_name
from dualwrite.journal.records import HeldRow, Key, MapStatus, Run
from dualwrite.link import Side
from dualwrite.rules import CurrencyPrecision, Scale
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.routes.reading import batches, only_needed, reading
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.flow import FlowColumn
from dualwrite.translate.rows import translate

KIND = "decimals"
"""The kind of these runs in the journal."""
DIGITS = 10
"""Digits after the point, by default."""
MORE_FOR_RATES = 2
"""An exchange rate keeps two more digits."""
_MOST = 38
_NAMED = 20
"""At most so many rows that would lose digits are named."""
_LOST = ("scale", "currency_precision")
"""The rules that reject a row for its digits."""

Progress = Callable[[str, int], None]
"""Called with a map and how many of its rows were counted."""


@dataclass(frozen=True)
class Change:
    """One column of dataverse with other digits."""

    table: str
    column: str
    maps: tuple[str, ...]
    """Those that carry it."""
    now: Any
    to: Any
    rows: int = 0
    """Rows that lose digits: of finops as the column is now; to undo, the column's own."""
    still: int = 0
    """Rows of finops that would still lose some."""
    rejected: int = 0
    """Rows that are held for this column's digits."""
    rounded: bool = False
    """Whether the map rounds digits away, and rejects nothing."""
    refused: str = ""
    """Why it cannot be done."""
    keys: tuple[Key, ...] = field(default=(), repr=False)
    """The first of the column's own rows that would lose digits."""


def spelled(kind: Any) -> str:
    """`19, 4`: digits in all, and after the point."""
    return f"{kind.precision}, {kind.scale}"


def at_work(session: Session) -> list[str]:
    """The maps that are examined where none is named."""
    maps = session.journal.maps.all()
    return [each.name for each in maps if each.status is not MapStatus.NOT_RUNNING]


def widening(
    session: Session,
    names: Sequence[str],
    *,
    table: str | None = None,
    to: int = DIGITS,
    progress: Progress = lambda _map, _rows: None,
) -> list[Change]:
    """What widening would change, by table and column; columns wide enough are left out."""
    found: dict[tuple[str, str], Change] = {}
    for name in names:
        table_map = session.map(name)
        if table not in (None, table_map.end(Side.DATAVERSE).table):
            continue
        for change in _of_map(session, table_map, to, progress):
            at = (change.table, change.column)
            found[at] = _sum(found[at], change) if at in found else change
    return [found[at] for at in sorted(found)]


def _sum(one: Change, other: Change) -> Change:
    return replace(
        one,
        maps=(*one.maps, *other.maps),
        rows=one.rows + other.rows,
        still=one.still + other.still,
        rejected=one.rejected + other.rejected,
        rounded=one.rounded or other.rounded,
    )


def _of_map(session: Session, table_map: TableMap, to: int, progress: Progress) -> Iterator[Change]:
    columns = _own_decimals(session, table_map)
    wider = {each.target.column: _wider(each, to) for each in columns}
    narrow = [each for each in columns if wider[each.target.column] is not None]
    if not narrow:
        return
    names = {str(each.target) for each in narrow}
    route = compile_route(session, table_map, Side.FINOPS, keep=lambda path: str(path) in names)
    counted = _counted(session, route, wider, progress)
    held = session.journal.held.rejected(table_map.name)
    for each in narrow:
        name = each.target.column
        rows, still = counted.get(name, (0, 0))
        kind = wider[name]
        yield Change(
            table=table_map.end(Side.DATAVERSE).table,
            column=name,
            maps=(table_map.name,),
            now=each.target_column.type,
            to=kind,
            rows=rows,
            still=still,
            rejected=sum(waits_for_digits(row, [name]) for row in held),
            rounded=is_rounded(each),
            refused=why_not(each.target_column) or _too_many(kind),
        )


def waits_for_digits(row: HeldRow, columns: Collection[str]) -> bool:
    """Whether a held row was rejected because one of these columns keeps too few digits."""
    return (
        row.kind == "rejected"
        and row.direction == Side.FINOPS.direction
        and row.cause in _LOST
        and row.column in columns
    )


def _own_decimals(session: Session, table_map: TableMap) -> list[FlowColumn]:
    """The decimal columns of dataverse's own table that a map carries."""
    if not table_map.flows_from(Side.FINOPS):
        return []
    columns = compile_route(session, table_map, Side.FINOPS).flow.columns
    own = (each for each in columns if not each.target.is_lookup)
    return [each for each in own if pa.types.is_decimal(each.target_column.type)]


def _wider(column: FlowColumn, to: int) -> Any:
    """The type the column should have, or None where it keeps enough digits."""
    kind: Any = column.target_column.type
    is_rate = "exchangerate" in column.target.column.lower()
    wanted = to + MORE_FOR_RATES if is_rate else to
    if kind.scale >= wanted:
        return None
    # as many digits before the point as before
    digits = kind.precision - kind.scale + wanted
    return (pa.decimal128 if digits <= _MOST else pa.decimal256)(digits, wanted)


def _too_many(kind: Any) -> str:
    if kind.precision <= _MOST:
        return ""
    return f"would have {kind.precision} digits, and {_MOST} is the most"


def _counted(
    session: Session, route: Route, wider: dict[str, Any], progress: Progress
) -> dict[str, tuple[int, int]]:
    """Rows of finops that lose digits in each column, now and with the wider one."""
    of_digits = [rule for rule in route.rules if isinstance(rule, Scale | CurrencyPrecision)]
    rules = [(rule, *_both(rule, route, wider)) for rule in of_digits if wider.get(rule.column)]
    sums = {rule.column: (0, 0) for rule, _, _ in rules}
    query = reading(session, route.table_map, Side.FINOPS)
    needed = [path for column in route.flow.columns for path in column.needs]
    seen = 0
    for rows in batches(session, Side.FINOPS, only_needed(query, needed)):
        gate = translate(rows, route.flow)
        for rule, now, then in rules:
            lost, still = (pc.sum(each.failing(gate)).as_py() or 0 for each in (now, then))
            before = sums[rule.column]
            sums[rule.column] = (before[0] + lost, before[1] + still)
        seen += rows.num_rows
        progress(route.table_map.name, seen)
    return sums


def _both(rule: Any, route: Route, wider: dict[str, Any]) -> tuple[Any, Any]:
    """The rule for the column as it is, and for the wider one; of rounded money, its digits."""
    kind = wider[rule.column]
    column = next(each for each in route.flow.columns if str(each.target) == rule.column)
    if is_rounded(column):
        rule = replace(rule, column=gate_name(Role.SOURCE, column.source))
        rule = replace(rule, policy="reject") if isinstance(rule, CurrencyPrecision) else rule
    return rule, replace(rule, precision=min(kind.precision, _MOST), scale=kind.scale)


def is_rounded(column: FlowColumn) -> bool:
    """Whether the map rounds digits of a decimal away, and so rejects none for them."""
    rounds = column.money is not None and column.money.mode is not None
    return rounds and column.source_type is not None and pa.types.is_decimal(column.source_type)


def history(runs: Sequence[Run]) -> dict[tuple[str, str], list[tuple[Any, Any]]]:
    """What was widened and not undone, by table and column: type before and after, in order."""
    steps: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    seen = set()
    for run in sorted(runs, key=lambda run: run.id):
        if run.kind != KIND or run.outcome != "done":
            continue
        for column, (p, s, q, t) in run.options["columns"].items():
            at = (run.options["table"], column)
            # a table of many maps has one run for each of them
            if (run.options["change"], *at) in seen:
                continue
            seen.add((run.options["change"], *at))
            stack = steps.setdefault(at, [])
            if run.options["undo"]:
                stack[-1:] = []
            else:
                stack.append((pa.decimal128(p, s), pa.decimal128(q, t)))
    return {at: stack for at, stack in steps.items() if stack}


def narrowing(
    session: Session,
    names: Sequence[str],
    *,
    table: str | None = None,
    progress: Progress = lambda _map, _rows: None,
) -> list[Change]:
    """What undoing the last widening of each column would change; as `widening`."""
    steps = history(session.journal.runs.newest(limit=100_000))
    found: dict[tuple[str, str], Change] = {}
    for name in names:
        table_map = session.map(name)
        own = table_map.end(Side.DATAVERSE).table
        if table not in (None, own):
            continue
        carried = {c.target.column for c in _own_decimals(session, table_map)}
        for at, stack in steps.items():
            if at[0] != own or at[1] not in carried:
                continue
            if at in found:
                found[at] = replace(found[at], maps=(*found[at].maps, name))
            else:
                found[at] = _narrower(session, table_map, at[1], stack[-1][0], progress)
    return [found[at] for at in sorted(found)]


def _narrower(
    session: Session, table_map: TableMap, column: str, to: Any, progress: Progress
) -> Change:
    query = reading(session, table_map, Side.DATAVERSE, filtered=False)
    query = only_needed(query, [ColumnPath((column,))])
    rule = Scale(column=column, precision=to.precision, scale=to.scale)
    lost, seen = 0, 0
    keys: list[Key] = []
    for rows in batches(session, Side.DATAVERSE, query):
        failing = rows.filter(rule.failing(rows))
        lost, seen = lost + failing.num_rows, seen + rows.num_rows
        if len(keys) < _NAMED:
            first = failing.slice(0, _NAMED - len(keys))
            keys += keys_of(first.select([str(path) for path in query.key]))
        progress(table_map.name, seen)
    end = table_map.end(Side.DATAVERSE)
    now = session.schema(Side.DATAVERSE, end.table).columns[column].type
    refused = f"{lost:,} rows hold more digits" if lost else ""
    return Change(
        end.table, column, (table_map.name,), now, to, rows=lost, refused=refused, keys=tuple(keys)
    )
