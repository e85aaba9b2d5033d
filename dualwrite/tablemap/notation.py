"""The column notation: paths through lookups, and the six directions.

A *path* names a value by the way to it.  `accountnumber` is a column of the
table itself.  `msdyn_customergroupid.msdyn_groupid` follows the lookup column
`msdyn_customergroupid` to the row it points at and takes `msdyn_groupid` there;
paths nest.  `customerid.Account(accountnumber).Contact(msdyn_contactpersonid)`
is polymorphic: the lookup points at one of several tables, each named with the
column that identifies a row in it.

The directions are the field's own signs.  A crossed or doubled sign carries a
transform; a plain one must not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from dualwrite.link import Side

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLAIN = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_POLYMORPHIC = re.compile(rf"(?P<lookup>{_NAME})(?P<targets>(?:\.{_NAME}\({_NAME}\))+)")
_TARGET = re.compile(rf"\.({_NAME})\(({_NAME})\)")
_COLUMN = re.compile(r"(?P<finops>\S+)\s+(?P<sign>>>|<<|><|=|>|<)\s+(?P<dataverse>\S+)")


class NotationError(ValueError):
    """A path or a column map that does not follow the notation."""


@dataclass(frozen=True, slots=True, order=True)
class ColumnPath:
    """The way from a table to one value.

    `steps` are the lookup columns to follow, then the column at the end.
    `targets` is empty but for a polymorphic path: then `steps` is the one lookup
    column, and each target is (table, identifying column).
    """

    steps: tuple[str, ...]
    targets: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> ColumnPath:
        """Read a path.

        Raises:
            NotationError: `text` is no path.
        """
        if _PLAIN.fullmatch(text):
            return cls(tuple(text.split(".")))
        if found := _POLYMORPHIC.fullmatch(text):
            return cls((found["lookup"],), tuple(_TARGET.findall(found["targets"])))
        msg = f"{text!r} is not a column, nor a path such as lookup.column or lookup.Table(column)"
        raise NotationError(msg)

    @property
    def is_lookup(self) -> bool:
        """Whether the value lies in another table."""
        return len(self.steps) > 1 or bool(self.targets)

    @property
    def column(self) -> str:
        """The table's own column: the value itself, or the lookup that leads to it."""
        return self.steps[0]

    @property
    def rest(self) -> ColumnPath:
        """The path as seen from the table that the first lookup points at."""
        return ColumnPath(self.steps[1:])

    def __str__(self) -> str:
        text = ".".join(self.steps)
        return text + "".join(f".{table}({column})" for table, column in self.targets)


class Sign(Enum):
    """The six directions of a column map."""

    BOTH = "="
    BOTH_TRANSFORMED = "><"
    TO_DATAVERSE = ">"
    TO_DATAVERSE_TRANSFORMED = ">>"
    TO_FINOPS = "<"
    TO_FINOPS_TRANSFORMED = "<<"

    @property
    def transformed(self) -> bool:
        """Whether a transform belongs to it."""
        return self in _TRANSFORMED

    @property
    def sources(self) -> frozenset[Side]:
        """The sides out of which values flow."""
        if self in (Sign.BOTH, Sign.BOTH_TRANSFORMED):
            return frozenset(Side)
        to_dataverse = self in (Sign.TO_DATAVERSE, Sign.TO_DATAVERSE_TRANSFORMED)
        return frozenset({Side.FINOPS if to_dataverse else Side.DATAVERSE})


_TRANSFORMED = {Sign.BOTH_TRANSFORMED, Sign.TO_DATAVERSE_TRANSFORMED, Sign.TO_FINOPS_TRANSFORMED}


@dataclass(frozen=True, slots=True)
class Notation:
    """`FINOPS_COLUMN sign dataverse_column`; None means `none`."""

    finops: ColumnPath | None
    sign: Sign
    dataverse: ColumnPath | None

    @classmethod
    def parse(cls, text: str) -> Notation:
        """Read a column map without its transform.

        Raises:
            NotationError: The text is not `COLUMN sign COLUMN`, a path is wrong,
                or both ends are `none`.
        """
        found = _COLUMN.fullmatch(text.strip())
        if found is None:
            msg = f"{text!r} is not FINOPS_COLUMN sign dataverse_column, sign one of = >< > >> < <<"
            raise NotationError(msg)
        ends = [
            None if found[side.value] == "none" else ColumnPath.parse(found[side.value])
            for side in (Side.FINOPS, Side.DATAVERSE)
        ]
        if ends == [None, None]:
            msg = f"{text!r} names no column on either side"
            raise NotationError(msg)
        return cls(ends[0], Sign(found["sign"]), ends[1])

    def end(self, side: Side) -> ColumnPath | None:
        """The path on `side`, None for `none`."""
        return self.finops if side is Side.FINOPS else self.dataverse

    def __str__(self) -> str:
        return f"{self.finops or 'none'} {self.sign.value} {self.dataverse or 'none'}"
