"""A unit class, a unit, a conversion; and the straight line that a conversion is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import Literal

from dualwrite.exact import Mode

Rounding = Literal["nearest", "up", "down"]
"""As the ERP names them: up and down look from zero, and a half goes up."""

MODES: Mapping[Rounding, Mode] = {"nearest": "half_up", "up": "up", "down": "down"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure."""

    symbol: str
    unit_class: str
    decimals: int
    """Digits behind the point of a quantity in it."""
    rounding: Rounding = "nearest"
    is_base: bool = False
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class UnitClass:
    """The units that measure one thing; any of them converts to any other."""

    name: str
    units: tuple[str, ...]
    base: str | None
    """The unit by which the others are told, where the class has one."""
    system: str | None


@dataclass(frozen=True, slots=True)
class Formula:
    """quantity x `factor` + `offset`, exactly."""

    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def then(self, other: Formula) -> Formula:
        """First this, then the other."""
        if not self.offset and not other.offset:
            return Formula(self.factor * other.factor)
        return Formula(self.factor * other.factor, self.offset * other.factor + other.offset)

    def inverse(self) -> Formula:
        """The way back; the factor is not 0."""
        return Formula(1 / self.factor, -self.offset / self.factor)

    def in_wholes(self, decimals: int, behind: int) -> tuple[int, int, int]:
        """Multiplier, divisor and addend between whole numbers that stand for decimals.

        A quantity with `behind` digits behind the point comes in without its point, one with
        `decimals` goes out: (quantity x multiplier + addend) / divisor.
        """
        over = lcm(self.factor.denominator, self.offset.denominator)
        multiplier = self.factor.numerator * (over // self.factor.denominator) * 10**decimals
        addend = (
            self.offset.numerator * (over // self.offset.denominator) * 10 ** (decimals + behind)
        )
        divisor = over * 10**behind
        least = gcd(multiplier, divisor, addend)
        return multiplier // least, divisor // least, addend // least

    def of(self, quantity: Fraction | int) -> Fraction:
        """What a quantity becomes."""
        return quantity * self.factor + self.offset


@dataclass(frozen=True, slots=True)
class Conversion:
    """to = (from + inner) x factor x numerator / denominator + outer.

    It holds for every product, or for one product, or for one variant of it.
    """

    from_unit: str
    to_unit: str
    factor: Decimal = Decimal(1)
    numerator: int = 1
    denominator: int = 1
    inner_offset: Decimal = Decimal(0)
    outer_offset: Decimal = Decimal(0)
    product: str | None = None
    variant: str | None = None
    rounding: Rounding | None = None
    """How a quantity is rounded that this conversion gave; None: as its unit says."""

    @property
    def formula(self) -> Formula:
        """The same as a straight line; the denominator is not 0."""
        factor = Fraction(self.factor)
        if self.numerator != 1 or self.denominator != 1:
            factor *= Fraction(self.numerator, self.denominator)
        if not self.inner_offset and not self.outer_offset:
            return Formula(factor)
        return Formula(factor, Fraction(self.inner_offset) * factor + Fraction(self.outer_offset))

    @property
    def scope(self) -> tuple[str | None, str | None]:
        """The product and the variant that it holds for."""
        return self.product, self.variant


def told(number: Fraction) -> str:
    """A ratio as a person writes it, with as many digits as tell two apart."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.16f}"
    return text.rstrip("0").rstrip(".")
