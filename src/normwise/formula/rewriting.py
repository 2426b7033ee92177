"""Expressions that are built anew: with other variables, or in other primitives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from normwise.formula.caches import per_formula
from normwise.formula.expression import Expression, Number, apply, constant, variable
from normwise.formula.walk import path, walk

Composition: TypeAlias = Callable[..., Expression]


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """Return the expression with each variable that `replacements` names replaced."""
    [replaced] = walk(path([expression]), Rewriting(apply, replacements))
    return replaced


def rewritten(expression: Expression, composition: Callable[[str], Composition | None]) -> Expression:
    """Return the expression with the primitives replaced that have a composition, which is taken as it is."""

    def build(primitive: str, *arguments: Expression) -> Expression:
        others = composition(primitive)
        return apply(primitive, *arguments) if others is None else others(*arguments)

    [replaced] = walk(path([expression]), Rewriting(build))
    return replaced


@per_formula
def composed(expression: Expression, composition: Callable[[str], Composition | None]) -> Expression:
    """Return an expression in the primitives that a language has.

    Parameters
    ----------
    expression : Expression
    composition : callable
        For the name of a primitive what it is in others, or None where the language has it.
    """
    while any(node.arguments and composition(node.primitive) is not None for node, _ in path([expression]).steps):
        expression = rewritten(expression, composition)
    return expression


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The language in which an expression means another; `build` is given a primitive and its new arguments."""

    build: Callable[..., Expression]
    variables: Mapping[str, Expression] = field(default_factory=dict[str, Expression])

    def constant(self, value: Number) -> Expression:
        return constant(value)

    def variable(self, name: str) -> Expression:
        return self.variables[name] if name in self.variables else variable(name)

    def apply(self, expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
        return self.build(expression.primitive, *arguments)
