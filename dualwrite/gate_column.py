"""The names of the gate table's columns, typed.

The gate table holds the rows of a batch as they would be written, and beside each target column
what the rules need to judge it: the value of the source, the value before its last cast, what a
lookup found.  A target column is named by its path (`creditlimit`); every other column has a
role and the path that it belongs to (`source:CREDITLIMIT`).  Columns of a map never contain a
colon, so the text of a name tells its role.  Nothing else builds or splits these texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a column of the gate table holds."""

    TARGET = ""
    """The value that would be written; the path is the target's."""
    SOURCE = "source"
    """What the source app holds, by source path."""
    UNCAST = "value"
    """The value before it is cast to the target's type, by target path."""
    UNREADABLE = "unreadable"
    """What of a row could not be read: a JSON object of paths and texts.  Without a path of the
    source's row, with the path `target` of its counterpart, where that has such values."""
    TWIN = "twin"
    """Whether another row of its app has the same key.  Without a path of the source's row, with
    the path `target` of its counterpart."""
    UNIT_PROBLEM = "unit"
    """Why a quantity could not be converted, by target path; null where it could."""
    RETURNED = "back"
    """What a converted quantity would come back as, by target path; null where unchanged."""
    REFERENCE = "ref"
    """What a lookup found, by lookup column."""
    AMBIGUOUS = "many"
    """Whether a lookup found more than one row, by lookup column."""
    PREVIOUS = "before"
    """Start or end of the held period at or before a dated row's own, by the row's column."""
    NEXT = "after"
    """Start or end of the held period after a dated row's own, by the row's column."""
    FORMER = "was"
    """The start that a dated row had until now, by the row's column."""


_ROLES = {role.value: role for role in Role if role is not Role.TARGET}


@dataclass(frozen=True, slots=True)
class GateColumn:
    """One column of the gate table; its text is the column's name."""

    role: Role
    path: str

    def __str__(self) -> str:
        return self.path if self.role is Role.TARGET else f"{self.role.value}:{self.path}"

    @classmethod
    def parse(cls, name: str) -> GateColumn:
        """The column of that name; a name without a role is a target column's."""
        prefix, colon, path = name.partition(":")
        role = _ROLES.get(prefix) if colon else None
        return cls(Role.TARGET, name) if role is None else cls(role, path)

    @property
    def plain(self) -> str:
        """The path without any role, for people: FROM of `source:FROM`, or `before:source:FROM`."""
        column = self
        while column.role is not Role.TARGET:
            column = GateColumn.parse(column.path)
        return column.path


def gate_name(role: Role, path: object) -> str:
    """The name of the gate column that has this role for a path."""
    return str(GateColumn(role, str(path)))


UNREADABLE = gate_name(Role.UNREADABLE, "")
"""Rows as they are read have this column too, where any of them has such values."""
UNREADABLE_TARGET = gate_name(Role.UNREADABLE, "target")
TWIN = gate_name(Role.TWIN, "")
"""Rows on their way have this column too, where any of them shares its key."""
TWIN_TARGET = gate_name(Role.TWIN, "target")


def plain_name(name: str) -> str:
    """A gate column's name for people, without its role."""
    return GateColumn.parse(name).plain
