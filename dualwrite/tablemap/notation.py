"""The column notation: paths through lookups, and the six directions.

A *path* names a value by the way to it.  `accountnumber` is a column of the
table itself.  `msdyn_customergroupid.msdyn_groupid` follows the lookup column
`msdyn_customergroupid` to the row it points at and takes `msdyn_groupid` there;
paths nest.  `customerid.Account(accountnumber).Contact(msdyn_contactpersonid)`
is polymorphic: the lookup points at one of several tables, each named with the
column that identifies a row in it; a table of another schema is `sales.Account(accountnumber)`.

A name of letters, digits and `_` that begins with no digit stands as it is.  Any other stands
in double quotes, a quote inside doubled: `"order no"`, `customerid."20% off"`.

The directions are the field's own signs.  A crossed or doubled sign carries a
transform; a plain one must not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from dualwrite.gate_column import GateColumn, Role
from dualwrite.link import Side
from dualwrite.tablemap.names import NotationError, TableName, quoted, unquoted

_BARE = re.compile(r"[^\W\d]\w*")
_QUOTED = r'"(?:[^"\x00-\x1f]|"")+"'
_NAME = rf"(?:{_BARE.pattern}|{_QUOTED})"
_TABLE = rf"(?:(?:\w+|{_QUOTED})\.)?(?:\w+|{_QUOTED})"
_PLAIN = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_POLYMORPHIC = re.compile(rf"(?P<lookup>{_NAME})(?P<targets>(?:\.{_TABLE}\({_NAME}\))+)")
_TARGET = re.compile(rf"\.({_TABLE})\(({_NAME})\)")
_STEP = re.compile(_NAME)
_REFERENCE = re.compile(rf"(?P<table>{_TABLE})(?:\((?P<column>{_NAME})\))?")
_NOTHING = "none"
"""The end of a column map that has no column."""
_END = r'(?:"(?:[^"]|"")*"|[^\s"])+'
_COLUMN = re.compile(rf"(?P<finops>{_END})\s+(?P<sign>>>|<<|><|=|>|<)\s+(?P<dataverse>{_END})")


@dataclass(frozen=True, slots=True, order=True)
class ColumnPath:
    """The way from a table to one value.

    `steps` are the lookup columns to follow, then the column at the end.
    `targets` is empty but for a polymorphic path: then `steps` is the one lookup
    column, and each target is (table, identifying column).  Names stand in them as the app has
    them, without quotes.

    The text of a path names its value among the columns of rows: the own column of a table by
    its name as it is, a path through lookups as `written`.
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
            return cls(tuple(_own(step) for step in _STEP.findall(text)))
        if found := _POLYMORPHIC.fullmatch(text):
            targets = _TARGET.findall(found["targets"])
            return cls(
                (_own(found["lookup"]),),
                tuple((str(TableName.parse(table)), _own(column)) for table, column in targets),
            )
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

    @property
    def written(self) -> str:
        """The path as a map file has it, which `parse` reads."""
        targets = (f".{_target(table)}({_written(column)})" for table, column in self.targets)
        return ".".join(map(_written, self.steps)) + "".join(targets)

    def __str__(self) -> str:
        return self.written if self.is_lookup else self.column


def path_of(text: str) -> ColumnPath:
    """What a map file calls a column; a text that follows no notation is a column's bare name."""
    try:
        return ColumnPath.parse(text)
    except NotationError:
        return ColumnPath((text,))


def name_of(text: str) -> str:
    """The same as the text of its path."""
    return str(path_of(text))


def parse_reference(text: str) -> tuple[str, str]:
    """Read `table` or `table(column)`: the table and the column, which may be empty.

    Raises:
        NotationError: `text` is neither.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        msg = f"{text!r} is no table, nor table(column)"
        raise NotationError(msg)
    return str(TableName.parse(found["table"])), _own(found["column"] or "")


def _own(text: str) -> str:
    """A name without its quotes.

    Raises:
        NotationError: The columns that the gate adds are named so.
    """
    name = unquoted(text)
    if GateColumn.parse(name).role is not Role.TARGET:
        msg = f"{text} begins with the word {name.partition(':')[0]}:, which is kept for ourselves"
        raise NotationError(msg)
    return name


def _written(name: str) -> str:
    return name if _BARE.fullmatch(name) and name != _NOTHING else quoted(name)


def _target(table: str) -> str:
    name = TableName.parse(table)
    parts = (name.table,) if name.schema is None else (name.schema, name.table)
    return ".".join(map(_written, parts))


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
            None if found[side.value] == _NOTHING else ColumnPath.parse(found[side.value])
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
        ends = (_NOTHING if end is None else end.written for end in (self.finops, self.dataverse))
        return f" {self.sign.value} ".join(ends)
