"""Unit classes, units, conversions, and the linear formula of a conversion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import Literal

from dualwrite.exact import Mode

Rounding = Literal["nearest", "up", "down"]
"""As in the ERP: up is away from zero, down towards zero, and halves are rounded up."""

MODES: Mapping[Rounding, Mode] = {"nearest": "half_up", "up": "up", "down": "down"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure."""

    symbol: str
    unit_class: str
    decimals: int
    """Decimal places of a quantity in this unit."""
    rounding: Rounding = "nearest"
    is_base: bool = False
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class UnitClass:
    """The units of one physical quantity, such as length; any of them converts to any other."""

    name: str
    units: tuple[str, ...]
    base: str | None
    """The unit in which the others are defined, if the class has one."""
    system: str | None


@dataclass(frozen=True, slots=True)
class Formula:
    """quantity x `factor` + `offset`, exactly."""

    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def then(self, other: Formula) -> Formula:
        """This formula followed by another."""
        if not self.offset and not other.offset:
            return Formula(self.factor * other.factor)
        return Formula(self.factor * other.factor, self.offset * other.factor + other.offset)

    def inverse(self) -> Formula:
        """The inverse formula; the factor is not 0."""
        return Formula(1 / self.factor, -self.offset / self.factor)

    def in_wholes(self, decimals: int, behind: int) -> tuple[int, int, int]:
        """The formula in whole numbers: multiplier, divisor and addend.

        It takes a quantity with `behind` decimal places without its decimal point, and gives
        one with `decimals` places: (quantity x multiplier + addend) / divisor.
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
        """The converted quantity."""
        return quantity * self.factor + self.offset


@dataclass(frozen=True, slots=True)
class Conversion:
    """to = (from + inner) x factor x numerator / denominator + outer.

    It is valid for all products, for one product, or for one variant of a product.
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
    """How the converted quantity is rounded; None: as the unit says."""

    @property
    def formula(self) -> Formula:
        """The conversion as a linear formula; the denominator is not 0."""
        factor = Fraction(self.factor)
        if self.numerator != 1 or self.denominator != 1:
            factor *= Fraction(self.numerator, self.denominator)
        if not self.inner_offset and not self.outer_offset:
            return Formula(factor)
        return Formula(factor, Fraction(self.inner_offset) * factor + Fraction(self.outer_offset))

    @property
    def scope(self) -> tuple[str | None, str | None]:
        """The product and the variant that it is valid for."""
        return self.product, self.variant


def decimal_text(number: Fraction) -> str:
    """A ratio as a decimal with up to 16 places."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.16f}"
    return text.rstrip("0").rstrip(".")
