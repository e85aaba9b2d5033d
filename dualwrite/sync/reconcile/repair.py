"""Making the two sides of a map equal again, one of them being right.

What the master holds and the other side lacks, or holds differently, is carried across like any
row.  What only the other side holds is deleted there, except rows that the journal holds; but
if that would empty the side, nothing is written at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.query import Query
from dualwrite.errors import PermanentError
from dualwrite.journal.records import Counts, key_text
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, BatchContext, Carrying, RowsFrom
from dualwrite.sync.batch.decide import side_wins
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.way_back import carry_both_ways
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.capture.fencing import fence_one
from dualwrite.sync.reconcile.reconcile import Comparison, Difference, reconcile
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import guard_deletes
from dualwrite.sync.routes.reading import batches, reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import lent_lease
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath


class OneWayError(PermanentError):
    """The map carries nothing out of the side that is to be right."""

    def __init__(self, *, map_name: str, master: Side) -> None:
        super().__init__(
            f"{map_name}: no column flows out of {master.value}, so it cannot be the master. "
            "Nothing was written.\n"
            f"  Run it with --master {master.other.value}."
        )


@dataclass
class Repair:
    """What was found, and what was done about it on the side that is not the master."""

    comparison: Comparison
    counts: Counts = field(default_factory=Counts)


def repair(
    session: Session, table_map: TableMap, master: Side, *, allow_deletes: bool = False
) -> Repair:
    """Compare, then make the other side as `master` is.

    The keys of rows to delete are held in memory; no other rows are.

    Args:
        session: The project.
        table_map: The map.
        master: The side that is right.
        allow_deletes: A person confirmed that the other side may be emptied.

    Raises:
        OneWayError: The map does not flow out of `master`.
        MassDeleteError: More deletes than the guard lets through; nothing was written.
        LeaseHeldError: Another worker has the map.
    """
    if not table_map.flows_from(master):
        raise OneWayError(map_name=table_map.name, master=master)
    with lent_lease(session, table_map.name, "reconcile --repair") as lease:
        fence_one(session, table_map.name, lease.epoch)
        repaired, extra = _compare(session, table_map, master)
        if not allow_deletes:
            compared = repaired.comparison
            guard_deletes(
                map_name=table_map.name,
                side=master.other,
                deletes=sum(rows.num_rows for rows in extra),
                rows=compared.same + compared.differ + compared.only[master.other],
                command=f"dualwrite reconcile {table_map.name} --repair "
                f"--master {master.value} --allow-deletes",
            )
        repaired.counts += _carry(session, table_map, master, lease.epoch)
        for rows in extra:
            repaired.counts += _delete(session, table_map, master.other, rows)
        text = (
            f"{repaired.counts.written:,} rows written and {repaired.counts.deleted:,} deleted "
            f"in {master.other.value}, as {master.value} has them"
        )
        session.journal.activity.log(table_map.name, "repaired", text)
    return repaired


def _compare(session: Session, table_map: TableMap, master: Side) -> tuple[Repair, list[pa.Table]]:
    """The comparison, and the keys of rows that only the other side holds and nothing explains."""
    extra: list[pa.Table] = []
    key = [str(path) for path in table_map.end(master.other).key]
    waiting = session.journal.held.keys(table_map.name, master.other.direction)

    def found(kind: Difference, side: Side, rows: pa.Table) -> None:
        if kind is Difference.ONLY and side is not master:
            keys = rows.select(key)
            held = [key_text(each) in waiting for each in keys_of(keys)]
            extra.append(keys.filter(pc.invert(pa.array(held, pa.bool_()))))

    return Repair(reconcile(session, table_map, found=found)), extra


def _carry(session: Session, table_map: TableMap, master: Side, epoch: int) -> Counts:
    """Carry the master's rows across; those that are equal already stay untouched."""
    routes = {s: compile_route(session, table_map, s) for s in Side if table_map.flows_from(s)}
    captures = installed(session, table_map)
    context = BatchContext(session, Finder(session.apps), captures, epoch)
    carrying = Carrying(side_wins(master), overrides=True)
    pipeline = Pipeline(context, routes[master], routes.get(master.other), carrying)
    total = Counts()
    for rows in batches(session, master, reading(session, table_map, master)):
        totals = carry_both_ways(pipeline, Batch(pipeline.route, rows, RowsFrom.TABLE))
        session.journal.held.record(table_map.name, totals.records(session.journal, table_map.name))
        total += totals.counts.get(master.direction, Counts())
    return total


def _delete(session: Session, table_map: TableMap, side: Side, keys: pa.Table) -> Counts:
    """Delete rows, named by the map's key, by the table's own."""
    end, app = table_map.end(side), session.apps[side]
    own = tuple(ColumnPath((name,)) for name in app.schema(end.table).primary_key)
    columns = tuple(dict.fromkeys([*end.key, *own]))
    rows = app.fetch(Query(end.table, columns, key=end.key, lookups=end.lookups), keys)
    names = [str(path) for path in own or end.key]
    return Counts(deleted=app.delete(end.table, rows.select(names)))
