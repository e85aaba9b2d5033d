"""What became of each row of a batch: exactly one outcome, set once.

A row on its way has none yet.  Once it has one, no later stage touches the row, and at the end
every row has one; the counts of a batch are counts of this column.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Mask = Any
"""A boolean Arrow array of the rows' length without nulls."""


class Outcome(Enum):
    """What became of a row; the value is its code in the column."""

    WRITTEN = 1
    DELETED = 2
    UNCHANGED = 3
    """Both sides agree already, or the decision leaves the target as it is."""
    NOT_WANTED = 4
    """The job leaves such rows to another: the target holds the row, or does not hold it."""
    SUPERSEDED = 5
    """Only we asked for it, and the target has deleted the row meanwhile."""
    REJECTED = 6
    PARKED = 7
    WAITS_FOR_PERSON = 8
    """A conflict whose policy is `ask`: neither side is written."""
    LOCKED = 9
    """An application holds the row, or inserted it at the same moment."""
    NEEDS_WIDER_ROUTE = 10
    """The route carries too few columns for this row; it is tried again at once."""
    STAYS_HELD = 11
    """A held row whose other side has changed meanwhile: a cycle decides the conflict."""


DECIDED = (Outcome.WRITTEN, Outcome.DELETED, Outcome.UNCHANGED, Outcome.WAITS_FOR_PERSON)
"""The decision over the row was carried out: a dispute among them is a conflict on record."""

ENDED_WELL = (*DECIDED, Outcome.SUPERSEDED)
"""The row's entry is applied: the target's inbox records it."""

ACKNOWLEDGED = (*ENDED_WELL, Outcome.NOT_WANTED, Outcome.REJECTED, Outcome.PARKED)
"""The row's entry is acknowledged: it is across, or its record is in the journal."""

STAYS = (Outcome.LOCKED, Outcome.NEEDS_WIDER_ROUTE, Outcome.STAYS_HELD)
"""The row's entry, or held row, stays where it is."""


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of n rows: `codes` (n,) is null for a row that is still on its way."""

    codes: pa.Array

    @classmethod
    def none(cls, n: int) -> Outcomes:
        """Of n rows that are all on their way."""
        return cls(pa.nulls(n, pa.int8()))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def open(self) -> Mask:
        """The rows that are still on their way."""
        return self.codes.is_null()

    def end(self, where: Mask, outcome: Outcome) -> Outcomes:
        """With this outcome for the rows of `where` (n,) that are still on their way."""
        where = flat(where)
        if not where.true_count:
            return self
        code = pa.scalar(outcome.value, pa.int8())
        return Outcomes(pc.if_else(pc.and_(where, self.open), code, self.codes))

    def end_rest(self, outcome: Outcome) -> Outcomes:
        """With this outcome for every row that is still on its way."""
        return Outcomes(pc.fill_null(self.codes, pa.scalar(outcome.value, pa.int8())))

    def among(self, *outcomes: Outcome) -> Mask:
        """The rows that ended in one of these."""
        codes = pa.array([each.value for each in outcomes], pa.int8())
        return pc.is_in(self.codes, value_set=codes)

    def count(self, *outcomes: Outcome) -> int:
        """How many rows ended in one of these."""
        return int(flat(self.among(*outcomes)).true_count)

    def by_name(self) -> dict[str, int]:
        """How many rows ended in each outcome that occurs: `{"written": 2, "locked": 1}`."""
        found = self.codes.value_counts().to_pylist()
        codes = {each["values"]: each["counts"] for each in found}
        return {each.name.lower(): codes[each.value] for each in Outcome if each.value in codes}

    def check(self) -> None:
        """Every row has an outcome.

        Raises:
            AssertionError: One has none: a stage let go of it.
        """
        assert self.codes.null_count == 0, f"{self.codes.null_count} rows have no outcome"


def constant(value: bool, n: int) -> Mask:
    """The same answer for n rows."""
    return pa.repeat(pa.scalar(value), n)


def flat(mask: Mask) -> pa.Array:
    """A mask in one piece."""
    return mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask


def some(mask: Mask) -> bool:
    """Whether the mask holds for any row."""
    return bool(pc.any(mask).as_py())


def marked(numbers: pa.Array, n: int) -> Mask:
    """The mask of n rows that holds for those of these numbers."""
    if not len(numbers):
        return constant(False, n)
    mask = np.zeros(n, np.bool_)
    mask[numbers.to_numpy(zero_copy_only=False)] = True
    return pa.array(mask)
