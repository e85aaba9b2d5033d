"""`values: {No: false, Yes: true}`: one value for another, by the map's pairs.

A value is found by its canonical text.  The apps do not agree on case (the ERP
writes No where the map has no), so text that is not found as written is looked for
without regard to case, but only where that leaves one pair.  A blank that is not
listed is no value.  What is not listed otherwise is null, passed on, or the fallback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text
from dualwrite.link import Side
from dualwrite.tablemap.model import Transform, Unmapped, ValueMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.transforms.kind import StepContext, TransformKind

Value = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Values:
    """The pairs `keys[i] -> outputs[i]`; `absent` is the output for null and an unlisted blank."""

    keys: tuple[str, ...]
    outputs: tuple[Value, ...]
    absent: Value = None
    unmapped: Unmapped = Unmapped.REJECT
    fallback: Value = None

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return ()

    @property
    def makes_nulls(self) -> bool:
        return True

    @property
    def nulls(self) -> tuple[str, ...]:
        """The texts that become null by the map's own pairs."""
        pairs = zip(self.keys, self.outputs, strict=True)
        return tuple(key for key, output in pairs if output is None)

    def then_default(self, value: Value) -> Values:
        """With a default behind it: null becomes `value`, an unlisted value does not."""
        outputs = tuple(value if output is None else output for output in self.outputs)
        absent = value if self.absent is None else self.absent
        return replace(self, outputs=outputs, absent=absent)

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        text = canonical_text(values)
        found = _find(self.keys, text)
        answers = _array((*self.outputs, self.absent, self.fallback), self.unmapped)
        blank, other = len(self.keys), len(self.keys) + 1
        if not found.null_count:
            return answers.take(found)
        empty = pc.or_kleene(text.is_null(), pc.equal(text, ""))
        missing = other if self.unmapped is Unmapped.USE else None
        unlisted = pc.if_else(empty, blank, pa.scalar(missing, pa.int32()))
        mapped = answers.take(pc.coalesce(found, unlisted.cast(pa.int32())))
        if self.unmapped is Unmapped.PASS:
            return pc.if_else(pc.and_(found.is_null(), pc.invert(empty)), text, mapped)
        return mapped

    def respelled(self, values: pa.Array) -> pa.Array:
        """The other side's own values in the map's spelling, so that No and no compare equal."""
        words = tuple(dict.fromkeys(one for one in self.outputs if isinstance(one, str)))
        if not words or not pa.types.is_string(values.type):
            return values
        return pc.coalesce(pa.array(words).take(_find(words, values)), values)


def _find(words: tuple[str, ...], text: pa.Array) -> pa.Array:
    """The place of each text among `words`, in any case where that leaves one; else null."""
    if not words:
        return pa.nulls(len(text), pa.int32())
    found = pc.index_in(text, value_set=pa.array(words), skip_nulls=True)
    if found.null_count == text.null_count:
        return found
    lower = pc.utf8_lower(pa.array(words)).to_pylist()
    times = Counter(lower)
    folded = pa.array([word if times[word] == 1 else None for word in lower], pa.string())
    return pc.coalesce(found, pc.index_in(pc.utf8_lower(text), value_set=folded, skip_nulls=True))


def _array(outputs: Sequence[Value], unmapped: Unmapped) -> pa.Array:
    """The outputs in their own type; as text where they mix, or where values are passed through."""
    kinds = {type(output) for output in outputs if output is not None}
    if len(kinds) == 1 and unmapped is not Unmapped.PASS:
        return pa.array(outputs)
    return pa.array([None if output is None else spell(output) for output in outputs], pa.string())


def spell(value: str | int | bool) -> str:
    """The canonical text of a value of the map file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key(value: str | int | bool, source_type: pa.DataType | None) -> str:
    """How the source app spells it: `true` is 1 in a column of numbers, 1 is `true` in booleans."""
    if isinstance(value, bool) and source_type is not None and not pa.types.is_string(source_type):
        return spell(value) if pa.types.is_boolean(source_type) else str(int(value))
    is_bit = isinstance(value, int) and value in (0, 1)
    if is_bit and source_type is not None and pa.types.is_boolean(source_type):
        return spell(bool(value))
    return spell(value)


def oriented(value_map: ValueMap, context: StepContext) -> Values:
    """The value map for values that leave `context.source`."""
    from_finops = context.source is Side.FINOPS
    pairs = [pair if from_finops else pair[::-1] for pair in value_map.pairs]
    listed: dict[str, Value] = {}
    absent: Value = None
    for value, output in pairs:
        if value is None:
            absent = output if absent is None else absent
        else:
            listed.setdefault(_key(value, context.source_type), output)
    unmapped = value_map.unmapped
    if unmapped is Unmapped.USE and not context.forward:
        unmapped = Unmapped.REJECT
    fallback = value_map.fallback if unmapped is Unmapped.USE else None
    return Values(tuple(listed), tuple(listed.values()), absent, unmapped, fallback)


def _build(transform: Transform, context: StepContext) -> Values:
    if transform.value_map is None:
        raise context.refuse(transform, "its value map is missing")
    return oriented(transform.value_map, context)


def _accepts(options: Any) -> bool:
    return isinstance(options, dict | str)


KINDS = (TransformKind("values", "values: {FINOPS: DATAVERSE, ...}", _accepts, _build),)
