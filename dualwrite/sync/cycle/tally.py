"""What one direction of a map did since it was last asked: counts, and how late changes came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import IN_UTC
from dualwrite.journal.lag import added, tally
from dualwrite.journal.records import Counts


@dataclass
class Tally:
    """Counts of rows, and lags in buckets of seconds (`dualwrite.journal.lag`)."""

    counts: Counts = field(default_factory=Counts)
    lags: dict[int, int] = field(default_factory=dict)

    def add(self, counts: Counts, at: pa.Array) -> None:
        """Add a batch; `at` is when the changes that are across were made, in UTC."""
        self.counts += counts
        now = pa.scalar(datetime.now(UTC), IN_UTC)
        late = pc.divide(pc.microseconds_between(at, now).cast(pa.float64()), 1e6)
        self.lags = added([self.lags, tally(late)])
