"""What a kind of transform is, and what a step may know of its column when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa

from dualwrite.errors import PermanentError
from dualwrite.exact.casts.zones import NO_ZONES, CompanyZones
from dualwrite.link import Side
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column


class TransformError(PermanentError):
    """A transform that cannot be carried out in this direction, or not at all."""

    def __init__(self, *, where: str, kind: str, reason: str) -> None:
        self.where, self.kind, self.reason = where, kind, reason
        super().__init__(
            f"{where}: transform {kind!r}: {reason}. Nothing was written.\n"
            "  Correct the map (dualwrite maps check)."
        )


class Step(Protocol):
    """One vectorised change of a column's values."""

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        """Source columns that it needs beside the column's own."""

    @property
    def makes_nulls(self) -> bool:
        """Whether it may turn a value into null on purpose, or for a rule of its own to find."""

    def apply(self, values: pa.Array, rows: pa.Table, /) -> pa.Array:
        """The changed values, as many as came; `rows` are named by source path."""


@runtime_checkable
class Equating(Step, Protocol):
    """A step to which several values of the target may mean one of the source."""

    @property
    def compares(self) -> bool:
        """Whether values are compared by what comes back: in a two-way column of such steps."""

    def back(self, source: pa.DataType, /) -> Step:
        """The step of the other direction, into the type that the source has."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """The column for which a step is made, and the direction in which its values flow."""

    where: str
    """The column map, for messages."""
    source: Side
    forward: bool
    """Whether the transform is applied as it is written; else its inverse is wanted."""
    target: Column
    source_type: pa.DataType | None
    two_way: bool = False
    """Whether the column flows the other way too."""
    company: ColumnPath | None = None
    """The source column of the row's company."""
    zones: CompanyZones = NO_ZONES
    """The zones of companies."""
    whole: bool = False
    """Whether no two values may become one: of a key, and of what cannot be compared otherwise."""

    def refuse(self, transform: Transform, reason: str) -> TransformError:
        """The error of a transform that cannot be applied to this column."""
        return TransformError(where=self.where, kind=transform.kind, reason=reason)

    def no_inverse(self, transform: Transform) -> TransformError:
        """The error of a transform that has no inverse."""
        return self.refuse(transform, f"it has no inverse to go {self.source.direction}")


@dataclass(frozen=True, slots=True)
class ColumnStep:
    """A step that needs no other column and makes no nulls."""

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return ()

    @property
    def makes_nulls(self) -> bool:
        return False


def _always(_options: Any) -> bool:
    return True


def _unknown(_source: Column, _transform: Transform) -> Column | None:
    return None


@dataclass(frozen=True, slots=True)
class TransformKind:
    """One kind of transform, all of it: each module of this package lists its own in `KINDS`."""

    name: str
    """Its word in the map file."""
    shape: str
    """How its options are written, for the cure of a wrong one."""
    accepts: Callable[[Any], bool]
    """Whether options (in Python's own types) are valid."""
    build: Callable[[Transform, StepContext], Step] | None
    """Makes the step that is applied to Arrow arrays; None for `unit`, which needs the apps'
    units of measure and is applied by `dualwrite.translate.quantities`.

    Raises:
        TransformError: It has no inverse, or does not suit the column.
    """
    column_after: Callable[[Column, Transform], Column | None] = _unknown
    """The column as it leaves the step; None where that cannot be known before it runs."""
    reversible: Callable[[Any], bool] = _always
    """Whether the way back is known, by an inverse or because applying it again changes nothing."""
    merges: Literal["error", "warning"] | None = None
    """How severe it is on a key column, where it may make two values one."""
    fills_null: bool = False
    """Whether null may become a value."""
    equates: bool = False
    """Whether several values of one side may mean one of the other, so that a two-way column is
    compared by what would come back.  Its steps are `Equating`."""


def irreversible(_options: Any) -> bool:
    """For `reversible`: what it would need for the way back is lost."""
    return False


def as_text(source: Column, _transform: Transform) -> Column:
    """For `column_after`: text of at most the same length."""
    return replace(source, type=pa.string(), native="text")


def is_whole_number(options: Any) -> bool:
    """Whether an option is a whole number; true and false are none."""
    return isinstance(options, int) and not isinstance(options, bool)
