"""Reading the dated rows of a map on one side: as of a moment, over a range, or all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

import pyarrow as pa

from dualwrite.effective import history
from dualwrite.errors import PermanentError
from dualwrite.exact.casts import convert
from dualwrite.link import Side
from dualwrite.sync.routes.reading import clocks_of, reading, together_of
from dualwrite.sync.routes.validity import both, valid_between, valid_now
from dualwrite.sync.session import Session
from dualwrite.tablemap.filters.model import And, Compare, Filter, IsNull, Node, Operand, Operator
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import path_of
from dualwrite.tablemap.periods import DatedEnd, dated_of
from dualwrite.tablemap.schema import UnknownPathError, end_of_path
from dualwrite.translate.periods import kind_of, periods_on


class NotDatedError(PermanentError):
    """Rows were asked for by date where there are no dates."""

    def __init__(self, *, map_name: str, side: Side, shown: bool) -> None:
        self.map_name, self.side = map_name, side
        why = f"{side.value} has no dates: it shows what is valid now"
        if not shown:
            why = "the map does not say that its rows are dated"
        cure = f"ask the other side: dualwrite rows {map_name} --side {side.other.value}"
        if not shown:
            cure = "say so in the map: effective: {entity: [COLUMN], from: COLUMN, to: COLUMN}"
        super().__init__(f"{map_name}: {why}. Nothing was read.\n  {cure}")


class NoSuchKeyError(PermanentError):
    """A row was asked for by a column that is not there, or a value that it cannot hold."""

    def __init__(self, *, map_name: str, side: Side, column: str, reason: str) -> None:
        self.map_name, self.side, self.column = map_name, side, column
        super().__init__(f"{map_name}: {side.value} column {column}: {reason}. Nothing was read.")


@dataclass(frozen=True, slots=True)
class Range:
    """From one moment to another, both within."""

    first: datetime
    last: datetime


When = datetime | Range | Literal["now"] | None
"""A moment, a range, now by the clock of each row's company, or all."""


def dated_rows(
    session: Session,
    table_map: TableMap,
    side: Side,
    when: When,
    *,
    keys: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> pa.Table:
    """The rows of one side that are valid then, by entity, each from its first period on.

    Shapes: (n, c), the map's columns of that side, named by path.  The map's filter and
    companies hold.  `keys` are values of columns as texts; `limit` is the most rows.

    Raises:
        NotDatedError: That side has no dates.
        NoSuchKeyError: `keys` names no column, or no value of it.
        TransientError, PermanentError: From the app.
    """
    dated = dated_of(table_map)
    ends = None if dated is None else dated.on(side)
    if ends is None:
        raise NotDatedError(map_name=table_map.name, side=side, shown=dated is not None)
    query = reading(session, replace(table_map, effective=None), side)
    columns = tuple(dict.fromkeys((*ends.paths, *query.columns)))
    asked = _asked(session, table_map, side, keys or {})
    kept = query.filter if asked is None else both(query.filter, asked)
    query = replace(
        query, columns=columns, filter=_when(session, table_map, side, ends, kept, when)
    )
    periods = periods_on(ends, kind_of(session.schema(side, query.table), ends), "forbid")
    together = together_of(session, table_map, side, query)
    found: list[pa.Table] = []
    count = 0
    for within in session.apps[side].partitions(query, size=25_000, together=together):
        rows = history(session.apps[side].read(query, within=within), periods)
        found.append(rows if limit is None else rows.slice(0, limit - count))
        count += found[-1].num_rows
        if limit is not None and count >= limit:
            break
    return pa.concat_tables(found)


def _when(
    session: Session,
    table_map: TableMap,
    side: Side,
    ends: DatedEnd,
    kept: Filter | None,
    when: When,
) -> Filter | None:
    kind = session.schema(side, table_map.end(side).table).columns[ends.start.column].type
    match when:
        case datetime():
            return valid_now(kept, ends, kind, when)
        case "now":
            clocks = clocks_of(session, table_map, side)
            return valid_now(kept, ends, kind, session.now(), clocks)
        case Range(first, last):
            return both(kept, valid_between(ends, kind, first, last))
        case None:
            return kept


def _asked(
    session: Session, table_map: TableMap, side: Side, keys: Mapping[str, str]
) -> Filter | None:
    """A filter of columns that equal values given as texts."""
    end = table_map.end(side)
    nodes: list[Node] = []
    for name, text in keys.items():
        refused = partial(NoSuchKeyError, map_name=table_map.name, side=side, column=name)
        try:
            path = path_of(name)
            column = end_of_path(
                path, end.table, lambda table: session.schema(side, table), end.lookups
            )
        except UnknownPathError as error:
            raise refused(reason=error.reason) from error
        if not text:
            nodes.append(IsNull(Operand(path), negated=False))
            continue
        value: Any = convert(pa.array([text]), column.type)[0].as_py()
        if value is None:
            raise refused(reason=f"it cannot hold {text!r}")
        nodes.append(Compare(Operand(path), Operator.EQ, value))
    if not nodes:
        return None
    text = " and ".join(f"{name} eq {value}" for name, value in keys.items())
    return Filter(text, And(tuple(nodes)) if len(nodes) > 1 else nodes[0])
