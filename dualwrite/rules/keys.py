"""Key present, key unique: rows find their counterparts by the integration key alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text
from dualwrite.gate_column import TWIN_TARGET, plain_name
from dualwrite.rules.rule import Rule, certain, column_of, given, none_of
from dualwrite.rules.wording import shown


@dataclass(frozen=True)
class KeyPresent(Rule):
    """Every part of the key is there, and not all of them blank."""

    name: ClassVar[str] = "key_present"

    key: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.key

    @property
    def about(self) -> str:
        return ", ".join(self.key)

    @property
    def cure(self) -> str:
        return f"fill in {', '.join(self.key)} at the source"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        parts = [column_of(table, name) for name in self.key]
        blank = reduce(pc.and_, (pc.invert(given(part)) for part in parts))
        return reduce(pc.or_, (part.is_null() for part in parts if part.null_count), blank)

    def reason(self, row: Mapping[str, Any], /) -> str:
        empty = [name for name in self.key if row[name] is None or row[name] == ""]
        return f"the key has no {', '.join(empty)}, so its counterpart cannot be found"


@dataclass(frozen=True)
class KeyUnique(Rule):
    """No other row of the batch has the same key.  A key with a null has no duplicate.

    With `noted` it is that gate column which tells the rows that share a key with another.
    """

    name: ClassVar[str] = "key_unique"

    key: tuple[str, ...] = ()
    noted: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, self.noted) if self.noted else self.key

    @property
    def about(self) -> str:
        return ", ".join(self.key)

    @property
    def cure(self) -> str:
        return "keep one of the rows, or add the column to the key that distinguishes them"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        if self.noted:
            return certain(column_of(table, self.noted))
        return _doubled([column_of(table, name) for name in self.key], table)

    def reason(self, row: Mapping[str, Any], /) -> str:
        key = ", ".join(f"{name} {shown(row[name])}" for name in self.key)
        if self.noted == TWIN_TARGET:
            return f"more than one row that it would be written to has its key ({key})"
        return f"another row has the same key ({key})"


@dataclass(frozen=True)
class KeyExact(Rule):
    """The part `target` of the key comes back as the text of `source`, of which it is made.

    `007` as a number is 7, and so is `7`: two keys would become one.
    """

    name: ClassVar[str] = "key_exact"

    source: str = ""
    target: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.source, self.target)

    @property
    def about(self) -> str:
        return plain_name(self.source)

    @property
    def cure(self) -> str:
        return f"write {plain_name(self.source)} as {self.target} gives it back, or map another key"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        texts = column_of(table, self.source)
        back = canonical_text(column_of(table, self.target))
        if pa.types.is_string(column_of(table, self.target).type):
            back = pc.utf8_lower(back)
        return certain(pc.not_equal(texts, back))

    def reason(self, row: Mapping[str, Any], /) -> str:
        given_, made = row[self.source], row[self.target]
        made = made.lower() if isinstance(made, str) else made
        return (
            f"{plain_name(self.source)} is {shown(given_)}, which {self.target} holds as "
            f"{shown(made)}: it would come back as another key"
        )


def _doubled(parts: Sequence[pa.Array], table: pa.Table) -> pa.BooleanArray:
    """Rows that share all their parts with another row.

    The last part mostly distinguishes the rows, so it is tried alone first;
    then each part is numbered and the numbers are joined, which is exact whatever the parts hold.
    """
    if _unique(parts[-1]):
        return none_of(table)
    codes = _numbered(parts[-1])[0]
    for part in parts[-2::-1]:
        own, count = _numbered(part)
        codes = _numbered(pc.add(pc.multiply(codes, count), own))[0]
    return _repeated(codes)


def _unique(values: pa.Array) -> bool:
    """Proof that no two rows agree; first the cheap one, for rows that come in order."""
    if len(values) < 2:
        return True
    if values.null_count:
        return False
    if pc.all(pc.less(values[:-1], values[1:])).as_py():
        return True
    return len(values.value_counts()) == len(values)


def _numbered(values: pa.Array) -> tuple[pa.Array, int]:
    """A number for each distinct value, null for null, and how many there are."""
    encoded = values.dictionary_encode()
    return encoded.indices.cast(pa.int64()), max(len(encoded.dictionary), 1)


def _repeated(codes: pa.Array) -> pa.BooleanArray:
    counts = codes.value_counts()
    often = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).drop_null()
    return pc.is_in(codes, value_set=often, skip_nulls=True)
