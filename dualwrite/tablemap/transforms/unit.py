"""`unit: {finops: SALESUNIT, dataverse: pcs}`: a quantity, in the unit of each side.

It is the short form of `quantity:` (`dualwrite.tablemap.quantities`) in the column's own line.
"""

from __future__ import annotations

from typing import Any

from dualwrite.link import Side
from dualwrite.tablemap.transforms.kind import TransformKind

OWNERS = {"product", "variant"}


def _accepts(options: Any) -> bool:
    sides = {side.value for side in Side}
    return (
        isinstance(options, dict)
        and sides <= options.keys() <= sides | OWNERS
        and all(isinstance(value, str) for value in options.values())
    )


KINDS = (
    TransformKind(
        "unit",
        "unit: {finops: SALESUNIT, dataverse: pcs}",
        _accepts,
        build=None,
        merges="error",
    ),
)
