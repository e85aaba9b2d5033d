"""The rounding modes, named as in Python's decimal module.

`half_up` and `up` round away from zero, so that a credit note mirrors its invoice;
`ceiling` and `floor` round up and down the number line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from dualwrite.errors import ConfigError

Mode = Literal["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"]

MODES: tuple[Mode, ...] = get_args(Mode)

ARROW_MODES: Mapping[Mode, str] = {
    "half_even": "half_to_even",
    "half_up": "half_towards_infinity",
    "half_down": "half_towards_zero",
    "up": "towards_infinity",
    "down": "towards_zero",
    "ceiling": "up",
    "floor": "down",
}
"""The names in Arrow; its `up` and `down` are our `ceiling` and `floor`."""


class UnknownModeError(ConfigError):
    """There is no rounding mode of that name."""

    def __init__(self, *, mode: str) -> None:
        self.mode = mode
        super().__init__(
            f"there is no rounding mode {mode!r}. Nothing was rounded.\n"
            f"  There are: {', '.join(MODES)}"
        )


def mode_of(name: str) -> Mode:
    """The mode of that name.

    Raises:
        UnknownModeError: There is none.
    """
    if name not in MODES:
        raise UnknownModeError(mode=name)
    return name


def round_ratio(numerator: int, denominator: int, mode: Mode) -> int:
    """`numerator` / `denominator` as a whole number; the denominator is above zero."""
    quotient, rest = divmod(abs(numerator), denominator)
    positive = numerator >= 0
    match mode:
        case "half_even":
            away = 2 * rest + quotient % 2 > denominator
        case "half_up":
            away = 2 * rest >= denominator
        case "half_down":
            away = 2 * rest > denominator
        case "up":
            away = rest > 0
        case "down":
            away = False
        case "ceiling":
            away = rest > 0 and positive
        case "floor":
            away = rest > 0 and not positive
    return (quotient + away) * (1 if positive else -1)
