"""The transforms of a column map, each defined in one module of this package.

From finops to dataverse the transforms of a column apply in the order written; in the other
direction, their inverses in reverse order.  Value maps, time zones and date formats name both
sides, so they are the same in both directions.  A one-way column applies its transforms as
they are written, whatever its direction.

A module defines its kinds in `KINDS`: how their options are written and checked, what is known
of the column behind them, whether they have an inverse, and the step over Arrow arrays.
Nothing else lists them: a new module is found by being here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules

from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.transforms.default import Default
from dualwrite.tablemap.transforms.kind import Step, StepContext, TransformError, TransformKind
from dualwrite.tablemap.transforms.values import Values


def _kinds() -> Mapping[str, TransformKind]:
    modules = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))
    return {kind.name: kind for module in modules for kind in getattr(module, "KINDS", ())}


TRANSFORMS: Mapping[str, TransformKind] = _kinds()
"""Every kind of transform, by its word in the map file."""


def is_reversible(transform: Transform) -> bool:
    """Whether the way back is known.  For a value map see also `valuemaps.ambiguous`."""
    return TRANSFORMS[transform.kind].reversible(transform.options)


def steps_of(transforms: Iterable[Transform], context: StepContext) -> tuple[Step, ...]:
    """The steps in the order in which this direction applies them.

    Raises:
        TransformError: A kind that does not exist, or that has no inverse.
    """
    in_order = tuple(transforms)
    steps: list[Step] = []
    for transform in in_order if context.forward else in_order[::-1]:
        kind = TRANSFORMS.get(transform.kind)
        if kind is None:
            raise context.refuse(transform, "there is no such transform")
        if kind.build is None:
            continue
        step = kind.build(transform, context)
        last = steps[-1] if steps else None
        if isinstance(step, Default) and isinstance(last, Values):
            # An unlisted value must stay unlisted and not take the default of a missing one.
            steps[-1] = last.then_default(step.value)
        else:
            steps.append(step)
    return tuple(steps)


__all__ = [
    "TRANSFORMS",
    "Step",
    "StepContext",
    "TransformError",
    "TransformKind",
    "Values",
    "is_reversible",
    "steps_of",
]
