"""What a job reads of a map on one side, and how it is cut into ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import pyarrow as pa

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.sync.routes.validity import Clocks, valid_now
from dualwrite.sync.session import Session
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import dated_of, shown_of
from dualwrite.tablemap.zones import by_company


def reading(session: Session, table_map: TableMap, side: Side, *, filtered: bool = True) -> Query:
    """The query that reads a map's rows on one side, every mapped path of that side among them.

    Without `filtered` neither the filter nor the companies hold rows back, so that every
    counterpart is found by its key.  With it the rows of a projection are those valid now.
    """
    end = table_map.end(side)
    kept = parse_filter(end.filter) if filtered and end.filter else None
    dated, shown = dated_of(table_map), shown_of(table_map, side)
    ends = None if dated is None else dated.on(side)
    if shown is not None and filtered:
        schema = session.schema(side, end.table)
        kind = schema.columns[shown.start.column].type
        kept = valid_now(kept, shown, kind, session.now(), clocks_of(session, table_map, side))
    paths = [path for column in table_map.columns if (path := column.end(side)) is not None]
    paths += [*end.key, *([end.modified] if end.modified else [])]
    paths += [] if shown is None else [shown.start, shown.end]
    paths += [end.company] if end.company is not None and by_company(table_map) else []
    return Query(
        table=end.table,
        columns=tuple(dict.fromkeys(paths)),
        key=end.key,
        filter=kept,
        company=end.company,
        companies=_spelled(session.companies(table_map)) if filtered else None,
        lookups=end.lookups,
        ends=() if ends is None else (ends.end,),
    )


def clocks_of(session: Session, table_map: TableMap, side: Side) -> Clocks:
    """The clocks by which the days of a map's rows begin on one side."""
    link, companies = session.link, session.companies(table_map)
    if companies is None:
        return Clocks(link.zone)
    zones = [(link.zone_of(each), _spelled((each,)) or ()) for each in companies]
    return Clocks(link.zone, table_map.end(side).company, zones)


def _spelled(companies: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Companies as the link and as exports spell them: `usmf` is read, and judged, as any row."""
    if companies is None:
        return None
    return tuple(dict.fromkeys(each for c in companies for each in (c, c.upper(), c.lower())))


def together_of(session: Session, table_map: TableMap, side: Side, query: Query) -> tuple[str, ...]:
    """Own columns whose equal rows must stay in one partition: those of a dated entity.

    For other tables, the columns that partition a table without a key.  A row without its entity
    lies in no range, so a table that may have such rows is partitioned by its own key.
    """
    dated = dated_of(table_map)
    ends = None if dated is None else dated.on(side)
    names = () if ends is None else tuple(dict.fromkeys(path.column for path in ends.entity))
    columns = [session.schema(side, query.table).columns[name] for name in names]
    if any(column.nullable or pa.types.is_binary(column.type) for column in columns):
        names = ()
    return names or session.together(side, query)


def only_needed(query: Query, paths: Collection[ColumnPath]) -> Query:
    """A query of the key and these paths alone."""
    wanted = {*paths, *query.key}
    return replace(query, columns=tuple(path for path in query.columns if path in wanted))


def batches(session: Session, side: Side, query: Query) -> Iterator[pa.Table]:
    """The rows of a query, a range at a time."""
    size, together = session.link.partition_rows, session.together(side, query)
    for within in session.apps[side].partitions(query, size=size, together=together):
        yield session.apps[side].read(query, within=within)
