"""Formulas in arbitrary precision: a language of the walker that means mpmath numbers."""

from collections.abc import Callable, Mapping
from typing import Any

import mpmath

from normwise.formula import Expression
from normwise.formula.walk import path, walk

MEANINGS: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": mpmath.power,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "negative": lambda a: -a,
    "absolute": abs,
    "sign": mpmath.sign,
    "where": lambda condition, a, b: a if condition else b,
    "minimum": min,
    "maximum": max,
    "sqrt": mpmath.sqrt,
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "cosh": mpmath.cosh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "arctan": mpmath.atan,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
    "erf": mpmath.erf,
    "lgamma": mpmath.loggamma,
    "digamma": mpmath.digamma,
    "polygamma": lambda n, a: mpmath.polygamma(int(n), a),
    "stop_gradient": lambda a: a,
}
"""What each primitive means, for finite arguments in its domain."""

FINITE = mpmath.mpf(10) ** 4000
"""Stands where a branch not taken divides by zero: mpmath would raise."""


class MpmathLanguage:
    """Numbers of the precision that is set when the formula is walked."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables

    def constant(self, value: float) -> Any:
        return mpmath.mpf(value)

    def variable(self, name: str) -> Any:
        return mpmath.mpf(self.variables[name])

    def apply(self, expression: Expression, arguments: tuple[Any, ...]) -> Any:
        if expression.primitive == "divide" and arguments[1] == 0:
            return arguments[0] * FINITE
        return MEANINGS[expression.primitive](*arguments)


def exact_value(expression: Expression, variables: Mapping[str, Any], digits: int = 400) -> Any:
    """An expression at a point, to so many digits: enough for 1 + 1e-300 not to round."""
    with mpmath.workdps(digits):
        [value] = walk(path([expression]), MpmathLanguage(variables))
        return +value
