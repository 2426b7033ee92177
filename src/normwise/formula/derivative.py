"""The chain rule: the derivative of an expression is an expression again, to any order."""

from __future__ import annotations

from dataclasses import dataclass

from normwise.formula.expression import Expression, Number, apply, constant, variable
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.walk import path, walk


def derivative(expression: Expression, name: str) -> Expression:
    """The derivative of an expression in the variable `name`.

    It is taken forward, along with the value, so that a selection selects the whole derivative of the branch it takes.
    """
    [tangent] = walk(path([expression]), _Tangent(name))
    return tangent


def scaled(expression: Expression, factor: Expression) -> Expression:
    """The expression times a factor, within the selections: what is not selected meets no factor, be it infinite."""
    if expression.primitive == "where":
        condition, taken, other = expression.arguments
        return apply("where", condition, scaled(taken, factor), scaled(other, factor))
    return expression * factor


def substitute(expression: Expression, replacements: dict[str, Expression]) -> Expression:
    """The expression with each variable that `replacements` names replaced."""
    [replaced] = walk(path([expression]), _Substitution(replacements))
    return replaced


@dataclass(frozen=True, slots=True)
class _Tangent:
    name: str

    def constant(self, value: Number) -> Expression:
        return constant(0)

    def variable(self, name: str) -> Expression:
        return constant(int(name == self.name))

    def apply(self, expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
        return PRIMITIVES[expression.primitive].tangent(expression.arguments, arguments, expression)


@dataclass(frozen=True, slots=True)
class _Substitution:
    replacements: dict[str, Expression]

    def constant(self, value: Number) -> Expression:
        return constant(value)

    def variable(self, name: str) -> Expression:
        return self.replacements.get(name, variable(name))

    def apply(self, expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
        return apply(expression.primitive, *arguments)
