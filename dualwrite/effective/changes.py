"""The changes that a write makes to a dated table, as data, for dry and real runs alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa

from dualwrite.effective.periods import Periods, Ticks, begins_of, in_line, numbered

_REJECTED = pa.schema(
    {
        "row": pa.int64(),
        "rule": pa.string(),
        "period": pa.string(),
        "other": pa.string(),
        "reason": pa.string(),
        "cure": pa.string(),
    }
)


@dataclass(frozen=True)
class Refusal:
    """Why an incoming row is not written; a row of `rejected` in the changes."""

    row: int
    """Its number among the incoming rows."""
    rule: str
    period: str
    other: str | None
    """The period that it conflicts with."""
    reason: str
    cure: str


@dataclass(frozen=True)
class PeriodChanges:
    """Rows to insert, to update and to delete, and the incoming ones that are refused.

    Shapes: `inserts` has the columns of the incoming rows; `updates` has them too, whole rows,
    and `was:<start>`, which with the entity names the row as it stands now; `deletes` has
    entity and start.  `rejected` has the fields of `Refusal`.  The first three belong together:
    carry them out in one transaction, deletes first, then updates, then inserts.
    """

    inserts: pa.Table
    updates: pa.Table
    deletes: pa.Table
    rejected: pa.Table

    def moved(self, periods: Periods) -> pa.Table:
        """Entity and present start of the rows whose start changes.

        Where the start is part of the app's key, that is a delete of these before the row is
        written at its new place.
        """
        new, _ = begins_of(self.updates, periods)
        old, _ = begins_of(self.updates, periods, periods.was)
        return _present_keys(self.updates, periods).filter(pa.array(new != old))

    def apply(self, existing: pa.Table, periods: Periods) -> pa.Table:
        """The content of the table after the changes, in their columns.

        Raises:
            KeyError, TypeError: As `place`.
        """
        held = existing.select(self.inserts.column_names)
        gone = pa.concat_tables([_present_keys(self.updates, periods), self.deletes])
        line, gone_line = lines([held, gone], periods)
        stays = held.filter(pa.array(~np.isin(line, gone_line)))
        return pa.concat_tables([stays, self.updates.drop_columns([periods.was]), self.inserts])


def _present_keys(updates: pa.Table, periods: Periods) -> pa.Table:
    names = [*periods.entity, periods.start]
    return updates.select([*periods.entity, periods.was]).rename_columns(names)


def lines(tables: list[pa.Table], periods: Periods) -> list[Ticks]:
    """A number for each row, equal only where entity and start are equal, across the tables."""
    codes, _ = numbered(tables, periods.entity)
    begins = [begins_of(table, periods)[0] for table in tables]
    line = in_line(np.concatenate(codes), np.concatenate(begins))
    return np.split(line, np.cumsum([len(each) for each in begins])[:-1])


def rejected(refusals: Iterable[Refusal]) -> pa.Table:
    """Refusals as a table, in the order of the incoming rows."""
    rows = [astuple(each) for each in sorted(refusals, key=lambda each: each.row)]
    columns = zip(*rows, strict=True) if rows else [()] * len(_REJECTED)
    return pa.table([list(column) for column in columns], schema=_REJECTED)
