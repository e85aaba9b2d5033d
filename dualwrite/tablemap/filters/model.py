"""A filter as a tree: what `$filter` may contain, and nothing else.

A literal holds the value as it was written: text, int, Decimal, bool, date or datetime,
never a float.  Comparisons with null have a node of their own.  Null is neither true
nor false, as in SQL: a row is kept when the whole filter is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from dualwrite.tablemap.notation import ColumnPath

Literal = str | int | Decimal | bool | date | datetime


class Operator(Enum):
    """The six comparisons."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


FLIPPED = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
}
"""`5 lt x` is `x gt 5`."""


class Fold(Enum):
    """`tolower` and `toupper`: of the letters A to Z, alike in every app."""

    LOWER = "tolower"
    UPPER = "toupper"


class Part(Enum):
    """Where in a text another is looked for.  Case matters."""

    CONTAINS = "contains"
    STARTS = "startswith"
    ENDS = "endswith"


@dataclass(frozen=True, slots=True)
class Operand:
    """A column, its letters perhaps folded."""

    path: ColumnPath
    fold: Fold | None = None


@dataclass(frozen=True, slots=True)
class IsNull:
    """`x eq null`, or `x ne null` when `negated`."""

    operand: Operand
    negated: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """A column against a literal."""

    operand: Operand
    operator: Operator
    value: Literal


@dataclass(frozen=True, slots=True)
class In:
    """A column against several literals."""

    operand: Operand
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A text within a column."""

    operand: Operand
    part: Part
    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary; of null it is null."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    items: tuple[Node, ...]


Node = IsNull | Compare | In | Match | Not | And | Or


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed `$filter` and its text."""

    text: str
    root: Node

    @property
    def columns(self) -> tuple[ColumnPath, ...]:
        """The columns it looks at, each once, in the order of the text."""
        return tuple(dict.fromkeys(operand.path for operand in self.operands()))

    def operands(self) -> Iterator[Operand]:
        """Every operand, from left to right."""
        return (leaf.operand for leaf in leaves(self.root))

    def __str__(self) -> str:
        return self.text


def leaves(node: Node) -> Iterator[IsNull | Compare | In | Match]:
    """The comparisons of a tree, from left to right."""
    match node:
        case And(items) | Or(items):
            for item in items:
                yield from leaves(item)
        case Not(item):
            yield from leaves(item)
        case _:
            yield node
