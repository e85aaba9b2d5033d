"""The transforms of the map file, each a small step, with its way back where one exists.

Value maps, time zones and date formats name both sides, so they know by themselves
which way they go.  The others are written for the column's own direction (out of
finops where it goes both ways) and are asked for their inverse on the way back.
`unit` is none of these steps: it needs the units of measure, which are data of the apps
(see `dualwrite.translate.quantities`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dualwrite.tablemap.model import Transform
from dualwrite.translate.transforms import default, joining, python, rounding, text, times, values
from dualwrite.translate.transforms.default import Default
from dualwrite.translate.transforms.step import Step, TransformError, Way
from dualwrite.translate.transforms.values import Values


@dataclass(frozen=True, slots=True)
class TransformKind:
    """What a kind of transform does."""

    build: Callable[[Transform, Way], Step]
    invertible: bool
    """Whether the way back is known: by an inverse, or because doing it again changes nothing."""
    lossy: bool
    """Whether two values may become one."""
    says: str


TRANSFORMS: Mapping[str, TransformKind] = {
    "default": TransformKind(default.build, True, True, "fills null with a value"),
    "values": TransformKind(values.build, True, False, "one value for another"),
    "trim": TransformKind(text.build_spelling, True, True, "no blanks at either end"),
    "upper": TransformKind(text.build_spelling, True, True, "capital letters"),
    "lower": TransformKind(text.build_spelling, True, True, "small letters"),
    "truncate": TransformKind(text.build_truncate, False, True, "at most so many characters"),
    "concat": TransformKind(joining.build_concat, False, True, "several columns in one text"),
    "split": TransformKind(joining.build_split, False, True, "one part of a text"),
    "round": TransformKind(rounding.build, False, True, "so many digits behind the point"),
    "timezone": TransformKind(times.build_zone, True, False, "local time of another zone"),
    "date": TransformKind(times.build_writing, True, False, "a date written in another format"),
    "python": TransformKind(python.build, True, True, "a function of your own"),
}


def steps_of(transforms: Iterable[Transform], way: Way) -> tuple[Step, ...]:
    """The steps in the order in which this way takes them.

    Raises:
        TransformError: A kind that is not offered, or that has no way back.
    """
    in_order = tuple(transforms)
    steps: list[Step] = []
    for transform in in_order if way.forward else in_order[::-1]:
        kind = TRANSFORMS.get(transform.kind)
        if kind is None:
            raise way.refuse(transform, "it is not offered")
        step = kind.build(transform, way)
        last = steps[-1] if steps else None
        if isinstance(step, Default) and isinstance(last, Values):
            # An unlisted value must stay unlisted and not take the default of a missing one.
            steps[-1] = last.then_default(step.value)
        else:
            steps.append(step)
    return tuple(steps)


__all__ = ["TRANSFORMS", "Step", "TransformError", "TransformKind", "Values", "Way", "steps_of"]
