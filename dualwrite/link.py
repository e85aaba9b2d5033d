"""The link: two apps, the companies that take part, and our journal.

Everything a project folder says in `dualwrite.toml`.  Words that the file does
not know are refused with their line, so a typing error never turns into a
default.  `${NAME}` is filled in from the environment when the file is read;
the filled-in text never leaves this object (its `repr` hides it).
"""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """One of the two apps of a link.  Code takes a `Side`; nothing is written twice."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"

    @property
    def other(self) -> Side:
        """The side across."""
        return Side.DATAVERSE if self is Side.FINOPS else Side.FINOPS

    @property
    def direction(self) -> str:
        """`finops->dataverse`, the name of the way out of this side."""
        return f"{self.value}->{self.other.value}"
