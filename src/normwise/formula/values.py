"""The language of values: a formula computed on whatever an engine computes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from normwise.formula.expression import Expression, Number
from normwise.formula.numbers import primitive_value


@dataclass(frozen=True, slots=True)
class Values:
    """What depends on plain numbers alone is computed on plain numbers; `compute` is given the rest, node by node."""

    variables: Mapping[str, Any]
    compute: Callable[[Expression, tuple[Any, ...]], Any]

    def constant(self, value: Number) -> Any:
        return value

    def variable(self, name: str) -> Any:
        return self.variables[name]

    def apply(self, expression: Expression, arguments: tuple[Any, ...]) -> Any:
        if all(map(is_number, arguments)):
            return primitive_value(expression.primitive, *arguments)
        if expression.primitive == "where" and isinstance(arguments[0], bool):
            return arguments[1] if arguments[0] else arguments[2]
        return self.compute(expression, arguments)


def is_number(value: object) -> bool:
    """Whether a value is a plain number."""
    return isinstance(value, (float, int))
