"""Exact values in Arrow: arithmetic of decimals, conversion of types, one text for each value.

No float comes in and none is made on the way.  Each computation keeps all its digits
and is rounded once, in a named mode, at the end.  `casts` converts any app's type to a
target type without losing a row, `texts` writes a value alike whatever its type.
"""

from dualwrite.exact.modes import MODES, Mode, UnknownModeError, mode_of, round_ratio
from dualwrite.exact.numbers import (
    NotExactError,
    TooManyDigitsError,
    alike,
    as_decimals,
    greatest,
    minus,
    narrow,
    powers_of_ten,
    raised,
    rescaled,
    scale_of,
    times,
    times_ten,
    whole_parts,
    wholes_of,
    with_scale,
)
from dualwrite.exact.pieces import by_pieces
from dualwrite.exact.ratios import affine
from dualwrite.exact.rounding import round_to, round_to_step, same

__all__ = [
    "MODES",
    "Mode",
    "NotExactError",
    "TooManyDigitsError",
    "UnknownModeError",
    "affine",
    "alike",
    "as_decimals",
    "by_pieces",
    "greatest",
    "minus",
    "mode_of",
    "narrow",
    "powers_of_ten",
    "raised",
    "rescaled",
    "round_ratio",
    "round_to",
    "round_to_step",
    "same",
    "scale_of",
    "times",
    "times_ten",
    "whole_parts",
    "wholes_of",
    "with_scale",
]
