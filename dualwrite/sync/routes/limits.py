"""How many rows a map may reject before it stops: `max_rejected: 5%`, or a number of rows.

Rejected rows stop no others; but where half of them fail, something is wrong with the map or
the app, and a person should look before the other half is written.

A new initial sync is rehearsed first, without writing, and does not begin where too many rows
would fail.  A cycle counts batch by batch: a batch with too many is rolled back, stays queued,
and its map waits; up to `FEW` rejected rows are allowed by any share.  Parked rows are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from dualwrite.errors import PermanentError
from dualwrite.journal.records import Rejection
from dualwrite.logs import GUARD_MAX_REJECTED
from dualwrite.tablemap.model import Place, TableMap

FEW = 50
"""A share is not applied to a batch of changes with at most so many rejected rows."""
_SHOWN = 5


class TooManyRejectedError(PermanentError):
    """More rows would be rejected than the map allows."""

    def __init__(
        self, limit: Limit, causes: Counter[str], rows: int, *, what: str, safe: str
    ) -> None:
        rejected = causes.total()
        self.map_name, self.rejected, self.rows = limit.map_name, rejected, rows
        share = f"{Decimal(100 * rejected) / rows:.1f}"
        listed = [f"{cause}: {count:,}" for cause, count in causes.most_common(_SHOWN)]
        super().__init__(
            f"{limit.map_name}: {rejected:,} of {rows:,} {what} ({share} %) would be rejected, and "
            f"max_rejected is {limit.text} ({limit.place}). {safe}\n"
            f"  By rule and column: {', '.join(listed)}\n"
            f"  Correct the rows or the map, or allow more with `max_rejected:`, then repeat the "
            "command."
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """The `max_rejected` of a map."""

    map_name: str
    text: str
    place: Place

    @classmethod
    def of(cls, table_map: TableMap) -> Limit | None:
        if table_map.max_rejected is None:
            return None
        place = table_map.places.get("max_rejected", table_map.place)
        return cls(table_map.name, table_map.max_rejected, place)

    def allows(self, rejected: int, rows: int, *, few: int = 0) -> bool:
        """Whether so many of the rows may be rejected; of a share, up to `few` in any case."""
        if not self.text.endswith("%"):
            return rejected <= int(self.text)
        return rejected <= few or 100 * rejected <= Decimal(self.text[:-1]) * rows

    def log_refusal(self, rejected: int, rows: int) -> None:
        """Log that the map stops here."""
        GUARD_MAX_REJECTED.log(map=self.map_name, rejected=rejected, rows=rows, limit=self.text)

    def guard_batch(self, rejected: Iterable[Rejection], rows: int) -> None:
        """Stop a batch of changes, in its transaction.

        Raises:
            TooManyRejectedError: Too many of its rows are rejected.
        """
        causes = causes_of(rejected)
        if not self.allows(causes.total(), rows, few=FEW):
            self.log_refusal(causes.total(), rows)
            safe = "These changes were not written; they stay in the queue."
            raise TooManyRejectedError(self, causes, rows, what="changed rows", safe=safe)


def causes_of(rejected: Iterable[Rejection]) -> Counter[str]:
    """How many rows were rejected, by rule and column."""
    return Counter(
        f"{each.rule} of {each.column}" if each.column else each.rule for each in rejected
    )
