"""Tangents: derivatives along a direction, each in the unit that a division left it in.

The derivative of ``c * (c * f(r / c))`` in r is ``c * f'(r / c)``, and its curvature ``f''(r / c)``, of the size of 1.
By multiplying with ``1 / c`` twice, and then with c twice, the curvature leaves the range of floating point where the
square of c does. So a tangent is a numerator per unit, here 1 per c, and the division waits: a factor that is the unit
ends it, and of a factor whose ratio to the unit the formula has already, the ratio is taken.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import TypeAlias

from normwise.formula.expression import Expression, Operand, apply, as_expression, constant, is_constant

Ratios: TypeAlias = Container[Expression]


def scaled(expression: Expression, factor: Expression) -> Expression:
    """The expression times a factor, within the selections: what is not selected meets no factor, be it infinite."""
    if expression.primitive == "where":
        condition, taken, other = expression.arguments
        return apply("where", condition, scaled(taken, factor), scaled(other, factor))
    return expression * factor


def _multiplied(numerator: Expression, factor: Expression) -> Expression:
    """The product, in which a 0 that a selection has left meets no factor."""
    return scaled(numerator, factor) if _selects_zero(numerator) else numerator * factor


def _divided(numerator: Expression, divisor: Expression) -> Expression:
    """The quotient, in which a 0 that a selection has left stays one: whoever multiplies it next is to see it."""
    if not _selects_zero(numerator):
        return numerator / divisor
    condition, *branches = numerator.arguments
    parts = divisor.arguments if divisor.primitive == "where" and divisor.arguments[0] is condition else [divisor] * 3
    return apply("where", condition, *(_divided(*pair) for pair in zip(branches, parts[1:], strict=True)))


def _selects_zero(expression: Expression) -> bool:
    return expression.primitive == "where" and any(
        is_constant(branch, 0) or _selects_zero(branch) for branch in expression.arguments[1:]
    )


@dataclass(frozen=True, slots=True)
class Tangent:
    """The numerator per unit, or the numerator alone.

    Rules of differentiation add tangents and multiply them by, and divide them by, expressions.
    """

    numerator: Expression
    ratios: Ratios
    """The divisions of the formula whose tangent it is."""
    unit: Expression | None = None
    divisor: Expression | None = None
    """The unit where the numerator counts, something harmless where a selection has left it 0."""

    @property
    def expression(self) -> Expression:
        """The quotient."""
        return self.numerator if self.divisor is None else _divided(self.numerator, self.divisor)

    @property
    def is_zero(self) -> bool:
        """Whether the formula does not change along the direction."""
        return is_constant(self.numerator, 0)

    def __add__(self, other: Tangent) -> Tangent:
        if self.is_zero or other.is_zero:
            return other if self.is_zero else self
        if self.unit is not other.unit:
            return self._plain(self.expression + other.expression)
        divisor = self.divisor if self.divisor is other.divisor else self.unit
        return Tangent(self.numerator + other.numerator, self.ratios, self.unit, divisor)

    def __sub__(self, other: Tangent) -> Tangent:
        return self if other.is_zero else self + -other

    def __neg__(self) -> Tangent:
        return self._per_unit(-self.numerator)

    def __mul__(self, operand: Operand) -> Tangent:
        factor = as_expression(operand)
        if self.unit is not None and not is_constant(factor):
            if factor is self.unit:
                return self._plain(self.numerator)
            ratio = factor / self.unit
            if ratio in self.ratios:
                return self._plain(_multiplied(self.numerator, ratio))
        return self._per_unit(_multiplied(self.numerator, factor))

    def __truediv__(self, operand: Operand) -> Tangent:
        divisor = as_expression(operand)
        if self.is_zero or self.unit is not None or is_constant(divisor):
            return self._per_unit(self.numerator / divisor)
        return Tangent(self.numerator, self.ratios, divisor, divisor)

    def selected(self, condition: Expression, other: Tangent) -> Tangent:
        """Select this tangent where the condition holds, else the other; what is not selected meets no division."""
        if not (self.unit is other.unit or self.is_zero or other.is_zero):
            return self._plain(apply("where", condition, self.expression, other.expression))
        numerator = apply("where", condition, self.numerator, other.numerator)
        unit = other.unit if self.unit is None else self.unit
        taken, left = (constant(1) if each.divisor is None else each.divisor for each in (self, other))
        divisor = None if unit is None else apply("where", condition, taken, left)
        return Tangent(numerator, self.ratios, unit, divisor)

    def _plain(self, numerator: Expression) -> Tangent:
        return Tangent(numerator, self.ratios)

    def _per_unit(self, numerator: Expression) -> Tangent:
        return Tangent(numerator, self.ratios, self.unit, self.divisor)
