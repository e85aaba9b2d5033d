"""How many digits the columns of dataverse keep: what widening them would change, before it does.

Looked at are the decimal columns that a map carries into dataverse.  For each, the rows of
finops are counted that lose digits as it is now, by the very rules that reject them, and
those that would lose some still: an amount of a currency has no more digits than the
currency.  The way back is looked at too: a column is never made so narrow again that a value
it holds by then would lose a digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.app import App
from dualwrite.apps.declaring import why_not
from dualwrite.apps.query import KeyRange, Query
from dualwrite.gate_column import Role, gate_name
from dualwrite.journal.records import HeldRow, Key, MapStatus, Run
from dualwrite.link import Side
from dualwrite.rules import CurrencyPrecision, Scale
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.routes.reading import only_needed, reading
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.flow import FlowColumn
from dualwrite.translate.rows import translate

KIND = "decimals"
"""What the journal calls the runs."""
DIGITS = 10
"""Digits behind the point, where nothing else is asked for."""
MORE_FOR_RATES = 2
"""An exchange rate keeps so many more."""
_MOST = 38
_NAMED = 20
"""So many rows that stand in the way are named."""
_LOST = ("scale", "currency_precision")
"""The rules that reject a row for its digits."""

Progress = Callable[[str, int], None]
"""Told the map and how many of its rows were looked at."""


def silent(name: str, rows: int) -> None:
    """Tell nobody."""
    del name, rows


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
    """Rows that lose digits: of finops as the column is now; on the way back, its own."""
    still: int = 0
    """Rows of finops that would lose some still."""
    rejected: int = 0
    """Rows that wait in the journal for it."""
    rounded: bool = False
    """Whether the map rounds digits away, and rejects nothing."""
    refused: str = ""
    """Why it cannot be done."""
    keys: tuple[Key, ...] = field(default=(), repr=False)
    """The first of the column's own rows that stand in the way."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        told = {
            "table": self.table,
            "column": self.column,
            "maps": list(self.maps),
            "now": spelled(self.now),
            "to": spelled(self.to),
            "rows": self.rows,
            "still": self.still,
            "rejected": self.rejected,
            "rounded": self.rounded,
        }
        if self.refused:
            told["refused"] = self.refused
        if self.keys:
            told["keys"] = [dict(key) for key in self.keys]
        return told


def spelled(kind: Any) -> str:
    """`19, 4`: digits in all, and behind the point."""
    return f"{kind.precision}, {kind.scale}"


def at_work(session: Session) -> list[str]:
    """The maps that are looked at where none is named."""
    return [each.name for each in session.journal.maps.all() if each.status in WORKING]


WORKING = (
    MapStatus.INITIALIZING,
    MapStatus.RUNNING,
    MapStatus.PAUSED,
    MapStatus.RESUMING,
)


def widening(
    session: Session,
    names: Sequence[str],
    *,
    table: str | None = None,
    to: int = DIGITS,
    progress: Progress = silent,
) -> list[Change]:
    """What widening would change, by table and column; columns wide enough are left out.

    Raises:
        UnknownMapError, MapError: A map is not there, or cannot be read.
        TransientError, PermanentError: From the apps.
    """
    found: dict[tuple[str, str], Change] = {}
    for name in names:
        table_map = session.map(name)
        if table not in (None, table_map.end(Side.DATAVERSE).table):
            continue
        for change in _of_map(session, table_map, to, progress):
            at = (change.table, change.column)
            found[at] = _both(found[at], change) if at in found else change
    return [found[at] for at in sorted(found)]


def _both(one: Change, other: Change) -> Change:
    return replace(
        one,
        maps=(*one.maps, *other.maps),
        rows=one.rows + other.rows,
        still=one.still + other.still,
        rejected=one.rejected + other.rejected,
        rounded=one.rounded or other.rounded,
    )


def _of_map(session: Session, table_map: TableMap, to: int, progress: Progress) -> Iterator[Change]:
    if not table_map.flows_from(Side.FINOPS):
        return
    full = compile_route(session, table_map, Side.FINOPS)
    columns = [each for each in full.flow.columns if _is_own_decimal(each)]
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


def waits_for_digits(row: HeldRow, columns: Sequence[str]) -> bool:
    """Whether a held row was rejected because one of these columns keeps too few digits."""
    return (
        row.kind == "rejected"
        and row.direction == Side.FINOPS.direction
        and row.cause in _LOST
        and row.column in columns
    )


def _is_own_decimal(column: FlowColumn) -> bool:
    return not column.target.is_lookup and pa.types.is_decimal(column.target_column.type)


def _wider(column: FlowColumn, to: int) -> Any:
    """The type the column should have, or None where it keeps enough digits."""
    kind: Any = column.target_column.type
    is_rate = "exchangerate" in column.target.column.lower()
    wanted = to + MORE_FOR_RATES if is_rate else to
    if kind.scale >= wanted:
        return None
    # as many digits before the point as there were
    return _Digits(kind.precision - kind.scale + wanted, wanted)


@dataclass(frozen=True, slots=True)
class _Digits:
    """Digits that may be more than any decimal has."""

    precision: int
    scale: int


def _too_many(kind: Any) -> str:
    if kind.precision <= _MOST:
        return ""
    return f"would have {kind.precision} digits, and {_MOST} is the most"


def _counted(
    session: Session, route: Route, wider: dict[str, Any], progress: Progress
) -> dict[str, tuple[int, int]]:
    """Rows of finops that lose digits in each column, now and with the wider one."""
    of_digits = [rule for rule in route.rules if isinstance(rule, Scale | CurrencyPrecision)]
    rules = [(rule, *_asked(rule, route, wider)) for rule in of_digits if wider.get(rule.column)]
    sums = {rule.column: (0, 0) for rule, _, _ in rules}
    app = session.apps[Side.FINOPS]
    query = reading(session, route.table_map, Side.FINOPS)
    needed = [path for column in route.flow.columns for path in column.needs]
    seen = 0
    for rows in pages_of(session, app, only_needed(query, needed)):
        gate = translate(rows, route.flow)
        for rule, now, then in rules:
            lost, still = (pc.sum(each.failing(gate)).as_py() or 0 for each in (now, then))
            before = sums[rule.column]
            sums[rule.column] = (before[0] + lost, before[1] + still)
        seen += rows.num_rows
        progress(route.table_map.name, seen)
    return sums


def _asked(rule: Any, route: Route, wider: dict[str, Any]) -> tuple[Any, Any]:
    """The rule as it stands and with the wider column; of money that is rounded, the digits."""
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


def pages_of(session: Session, app: App, query: Query) -> Iterator[pa.Table]:
    """The rows of a query, a stretch of the table at a time."""
    size = session.link.partition_rows
    together = session.together(app.side, query)
    ranges: Sequence[KeyRange] = app.partitions(query, size=size, together=together)
    for within in ranges:
        yield app.read(query, within=within)


# The way back


def history(runs: Sequence[Run]) -> dict[tuple[str, str], list[tuple[Any, Any]]]:
    """What was widened and not undone, by table and column: type before and after, in order."""
    steps: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    told = set()
    for run in sorted(runs, key=lambda run: run.id):
        if run.kind != KIND or run.outcome != "done":
            continue
        for column, (p, s, q, t) in run.options["columns"].items():
            at = (run.options["table"], column)
            # a table of many maps is told once for each of them
            if (run.options["change"], *at) in told:
                continue
            told.add((run.options["change"], *at))
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
    progress: Progress = silent,
) -> list[Change]:
    """What undoing the last widening of each column would change; as `widening`."""
    steps = history(session.journal.runs.newest(limit=100_000))
    found: dict[tuple[str, str], Change] = {}
    for name in names:
        table_map = session.map(name)
        own = table_map.end(Side.DATAVERSE).table
        if table not in (None, own):
            continue
        carried = {c.target.column for c in _decimals(session, table_map)}
        for (where, column), stack in steps.items():
            if where != own or column not in carried:
                continue
            at = (where, column)
            if at in found:
                found[at] = replace(found[at], maps=(*found[at].maps, name))
                continue
            before, after = stack[-1]
            found[at] = _back(session, table_map, column, (after, before), progress)
    return [found[at] for at in sorted(found)]


def _decimals(session: Session, table_map: TableMap) -> list[FlowColumn]:
    if not table_map.flows_from(Side.FINOPS):
        return []
    flow = compile_route(session, table_map, Side.FINOPS).flow
    return [each for each in flow.columns if _is_own_decimal(each)]


def _back(
    session: Session, table_map: TableMap, column: str, kinds: tuple[Any, Any], progress: Progress
) -> Change:
    _, to = kinds
    app = session.apps[Side.DATAVERSE]
    query = reading(session, table_map, Side.DATAVERSE, filtered=False)
    query = only_needed(query, [ColumnPath((column,))])
    rule = Scale(column=column, precision=to.precision, scale=to.scale)
    lost, seen = 0, 0
    keys: list[Key] = []
    for rows in pages_of(session, app, query):
        failing = rows.filter(rule.failing(rows))
        lost, seen = lost + failing.num_rows, seen + rows.num_rows
        if len(keys) < _NAMED:
            first = failing.slice(0, _NAMED - len(keys))
            keys += keys_of(first.select([str(path) for path in query.key]))
        progress(table_map.name, seen)
    end = table_map.end(Side.DATAVERSE)
    now = session.schema(Side.DATAVERSE, end.table).columns[column].type
    told = f"{lost:,} rows hold more digits" if lost else ""
    return Change(
        end.table, column, (table_map.name,), now, to, rows=lost, refused=told, keys=tuple(keys)
    )
