"""The two sides of a link, and the titles under which people know them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Side(Enum):
    """One of the two apps of a link.  Code takes a `Side`; no code exists once for each."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"

    @property
    def other(self) -> Side:
        """The other side."""
        return Side.DATAVERSE if self is Side.FINOPS else Side.FINOPS

    @property
    def direction(self) -> str:
        """`finops->dataverse`: the name of the direction out of this side."""
        return f"{self.value}->{self.other.value}"


# What is matched as `kept` holds the word of a side for a program, not for a person: an option,
# a direction, a setting, a path, or a text in quotes.
_SIDE_IN_TEXT = re.compile(
    r"""(?P<kept>
          --[\w-]+[ =]\S+                       # --take finops|dataverse
        | \w+->\w+                             # finops->dataverse
        | \[[^\]\s]*\]                         # [apps.finops]
        | \([a-z]+\)                           # Contoso ERP (finops), titled already
        | `[^`]*` | "[^"]*" | '[^']*'
        | [\w.-]*/\S*                          # ./finops.db, sqlite:///finops.db
        | (?:finops|dataverse)\.(?:db|toml|yaml|csv|json)\b
      )
      | (?<![\w.$-])(?P<side>finops|dataverse)(?![\w-])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class AppNames:
    """How people know the two apps: `Contoso ERP (finops)`, or `finops` where it has no title."""

    titles: Mapping[Side, str] = field(default_factory=dict)

    def of(self, side: Side) -> str:
        """The title of a side with its word, or its word alone."""
        title = self.titles.get(side, "")
        return f"{title} ({side.value})" if title else side.value

    def heading(self, side: Side) -> str:
        """The same as the head of a column or the start of a sentence."""
        return self.of(side) if self.titles.get(side) else side.value.capitalize()

    def in_text(self, text: str) -> str:
        """A message with the title at every word of a side that is meant for a person.

        Words in options, directions, settings, paths and quotes stay as they are.  A text that
        has its titles already is not changed.
        """
        if not self.titles:
            return text

        def replaced(found: re.Match[str]) -> str:
            side = found["side"]
            return found[0] if side is None else self.of(Side(side))

        return _SIDE_IN_TEXT.sub(replaced, text)
