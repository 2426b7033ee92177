"""Formulas on plain Python numbers, as IEEE arithmetic has it: a straight line of assignments, compiled by Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from normwise.formula.caches import per_formula
from normwise.formula.expression import LANGUAGES, Expression, Number, apply, constant, variable
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.rewriting import Composition, Rewriting, composed
from normwise.formula.walk import path, walk


@per_formula
def number_function(expression: Expression, *names: str) -> Callable[..., float]:
    """Return the expression as a function of plain numbers, in the order of `names`."""
    language = _Assignments({name: f"v{i}" for i, name in enumerate(names)})  # no name may be a primitive's
    [result] = walk(path([composed(expression, _composition)]), language)
    text = [f"def function({', '.join(language.names.values())}):", *language.lines, f"return {result}"]
    scope: dict[str, Any] = {name: row.number for name, row in PRIMITIVES.items()}
    exec("\n    ".join(text), scope)
    return scope["function"]


def number_value(expression: Expression, variables: Mapping[str, Number]) -> float:
    """Return the value of an expression over plain numbers."""
    return number_function(expression, *variables)(*variables.values())


def primitive_value(name: str, *arguments: Number) -> Any:
    """Return the value of a primitive for plain numbers."""
    row = PRIMITIVES[name]
    if row.number is not None:
        return row.number(*arguments)
    assert row.composition is not None, f"{name} has neither numbers nor a composition"
    orders, [last] = arguments[: row.orders], arguments[row.orders :]
    [value] = walk(path([row.composition(*map(constant, orders), variable("last"))]), _Numbers(last))
    return value


LANGUAGES["number"] = primitive_value


def decided(expression: Expression, parameters: Mapping[str, Number]) -> Expression:
    """Return the expression without the branches that its parameters rule out."""

    def build(primitive: str, *arguments: Expression) -> Expression:
        if primitive == "where":
            read = {node.value for node, _ in path(arguments[:1]).steps if node.primitive == "variable"}
            if read <= set(parameters):
                return arguments[1] if number_value(arguments[0], parameters) else arguments[2]
        return apply(primitive, *arguments)

    [decision] = walk(path([expression]), Rewriting(build))
    return decision


def _composition(primitive: str) -> Composition | None:
    """Return what computes a primitive that Python has no function for."""
    row = PRIMITIVES.get(primitive)
    return row.composition if row is not None and row.number is None else None


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The language of plain numbers, for those that meet while an expression is built: nothing is compiled."""

    last: Number

    def constant(self, value: Number) -> Number:
        return value

    def variable(self, name: str) -> Number:
        return self.last

    def apply(self, expression: Expression, arguments: tuple[Number, ...]) -> Any:
        return primitive_value(expression.primitive, *arguments)


@dataclass(slots=True)
class _Assignments:
    """The language in which every primitive becomes an assignment to a new name."""

    names: Mapping[str, str]
    lines: list[str] = field(default_factory=list[str])

    def constant(self, value: Number) -> str:
        return repr(value) if math.isfinite(value) else f"float('{value}')"

    def variable(self, name: str) -> str:
        return self.names[name]

    def apply(self, expression: Expression, arguments: tuple[str, ...]) -> str:
        name = f"_{len(self.lines) + 1}"
        self.lines.append(f"{name} = {expression.primitive}({', '.join(arguments)})")
        return name
