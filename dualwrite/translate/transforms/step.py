"""What a step of a column is, and what it may know of the flow when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from dualwrite.errors import PermanentError
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
        """Source columns it needs beside the column's own."""

    @property
    def silences(self) -> bool:
        """Whether it may turn a value into null by intent, or for a rule of its own to find."""

    def apply(self, values: pa.Array, rows: pa.Table, /) -> pa.Array:
        """The changed values, as many as came; `rows` are named by source path."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way a column goes when its steps are made."""

    where: str
    """The column map, for messages."""
    source: Side
    forward: bool
    """Whether it goes as the transform is written; else the inverse is wanted."""
    target: Column
    source_type: pa.DataType | None

    def refuse(self, transform: Transform, reason: str) -> TransformError:
        return TransformError(where=self.where, kind=transform.kind, reason=reason)

    def no_way_back(self, transform: Transform) -> TransformError:
        return self.refuse(transform, f"it has no inverse to go {self.source.direction}")


@dataclass(frozen=True, slots=True)
class Alone:
    """A step that needs no other column and makes no nulls."""

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return ()

    @property
    def silences(self) -> bool:
        return False
