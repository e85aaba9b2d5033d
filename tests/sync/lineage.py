"""What becomes of each value that a user wrote: the oracle of the model and of the torture.

Every write puts a value that is never used twice, and says which one it took the place of: the
writer has seen that.  A value is accounted for where it is on both sides, was
replaced or deleted by a user who saw it, or is named in a conflict or a held row.  Any other
is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from dualwrite.link import Side


@dataclass
class Lineage:
    """The values that users wrote, and what each took the place of.

    It may be recorded in any order: of two users one may commit first and come here second.
    """

    written: dict[str, str] = field(default_factory=dict)
    """Each value, and where it was written, for a message."""
    before: dict[str, str] = field(default_factory=dict)
    """The value in whose place each was put."""
    seen: set[str] = field(default_factory=set)
    """Values that a user replaced, deleted, or took out of the maps."""
    said_anew: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})
    """Values of rows that came into the map again on a side, which nobody watched outside, or
    under another key.
    """

    def wrote(self, value: str, *, where: str, over: object = None) -> None:
        """A user wrote a value over another, or where there was none."""
        self.written[value] = where
        if over is not None:
            self.before[value] = str(over)
            self.seen.add(str(over))

    def dropped(self, values: Iterable[object]) -> None:
        """A user deleted these, or will not have them carried."""
        self.seen.update(str(value) for value in values)

    def entered(self, side: Side, values: Iterable[object]) -> None:
        """A row came into the map, or under a key: its side says all of it anew."""
        self.said_anew[side].update(str(value) for value in values)

    def lost(
        self, standing: Mapping[Side, Collection[object]], named: Collection[object]
    ) -> list[str]:
        """What is accounted for nowhere.

        Args:
            standing: All values that each side holds.
            named: All values of conflicts on record and of held rows.
        """
        both = set.intersection(*(set(values) for values in standing.values()))
        missing = self.written.keys() - self.seen - both - set(named)
        return sorted(f"{value} ({self.written[value]})" for value in missing)

    def ahead(self, one: object, other: object) -> bool:
        """Whether one value was written over the other, or over what was written over it."""
        value: object = one
        while value in self.before:
            value = self.before[str(value)]
            if value == other:
                return True
        return False

    def contested(self, pairs: Iterable[tuple[object, object]]) -> bool:
        """Whether both sides changed a row, given the values of each column, finops' first.

        They did not, where one of them only went on from what the other holds and has not
        recorded again.
        """
        ours = theirs = False
        for one, other in pairs:
            if one == other:
                continue
            again = str(one) in self.said_anew[Side.FINOPS]
            ours = ours or again or not self.ahead(other, one)
            again = str(other) in self.said_anew[Side.DATAVERSE]
            theirs = theirs or again or not self.ahead(one, other)
        return ours and theirs
