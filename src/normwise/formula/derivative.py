"""The chain rule: the derivative of an expression is an expression again, to any order."""

from __future__ import annotations

from dataclasses import dataclass

from normwise.formula.expression import Expression, Number, constant
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.tangent import Tangent
from normwise.formula.walk import path, walk


def derivative(expression: Expression, name: str) -> Expression:
    """The derivative of an expression in the variable `name`.

    It is taken forward, along with the value, so that a selection selects the whole derivative of the branch it takes.
    """
    way = path([expression])
    ratios = frozenset(node for node, _ in way.steps if node.primitive == "divide")
    [tangent] = walk(way, _Tangents(name, ratios))
    return tangent.expression


@dataclass(frozen=True, slots=True)
class _Tangents:
    name: str
    ratios: frozenset[Expression]

    def constant(self, value: Number) -> Tangent:
        return Tangent(constant(0), self.ratios)

    def variable(self, name: str) -> Tangent:
        return Tangent(constant(int(name == self.name)), self.ratios)

    def apply(self, expression: Expression, arguments: tuple[Tangent, ...]) -> Tangent:
        if all(tangent.is_zero for tangent in arguments):
            return self.constant(0)
        return PRIMITIVES[expression.primitive].tangent(expression.arguments, arguments, expression)
