"""Formulas in a computer algebra system: a language of the walker that means SymPy expressions."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import sympy

from normwise.catalogue import Loss
from normwise.formula import Expression, Formula
from normwise.formula.walk import path, walk
from tests.samples import Case


def _choice(condition: Any, a: Any, b: Any) -> Any:
    return sympy.Piecewise((a, condition), (b, True), evaluate=False)


class StopGradient(sympy.Function):
    """Its argument, whose derivative is 0: algebra has no such thing, so it stays a function of its own."""

    _imp_ = staticmethod(lambda a: a)  # what `lambdify` calls

    def fdiff(self, argindex: int = 1) -> Any:
        return sympy.Integer(0)


MEANINGS: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "less": sympy.StrictLessThan,
    "less_equal": sympy.LessThan,
    "greater": sympy.StrictGreaterThan,
    "greater_equal": sympy.GreaterThan,
    "equal": sympy.Eq,
    "not_equal": sympy.Ne,
    "negative": lambda a: -a,
    # As choices, for SymPy differentiates Abs, Max and sign to Heaviside and Dirac functions.
    "absolute": lambda a: _choice(a >= 0, a, -a),
    "sign": lambda a: _choice(a > 0, 1, _choice(a < 0, -1, 0)),
    "where": _choice,
    "minimum": lambda a, b: _choice(a < b, a, b),
    "maximum": lambda a, b: _choice(a > b, a, b),
    "sqrt": sympy.sqrt,
    "exp": sympy.exp,
    "expm1": lambda a: sympy.exp(a) - 1,
    "log": sympy.log,
    "log1p": lambda a: sympy.log(1 + a),
    "tanh": sympy.tanh,
    "cosh": sympy.cosh,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "arctan": sympy.atan,
    "sigmoid": lambda a: 1 / (1 + sympy.exp(-a)),
    "softplus": lambda a: sympy.log(1 + sympy.exp(a)),
    "erf": sympy.erf,
    "lgamma": sympy.loggamma,
    "digamma": sympy.digamma,
    "polygamma": sympy.polygamma,
    "stop_gradient": StopGradient,
}


class SympyLanguage:
    def constant(self, value: float) -> Any:
        return sympy.Rational(value)

    def variable(self, name: str) -> Any:
        return sympy.Symbol(name, real=True)

    def apply(self, expression: Expression, arguments: tuple[Any, ...]) -> Any:
        return MEANINGS[expression.primitive](*arguments)


def sympy_expression(formula: Formula) -> Any:
    [expression] = walk(path([formula.expression]), SympyLanguage())
    return expression


def sympy_derivative(formula: Formula, *names: str) -> Callable[..., Any]:
    """The derivative that SymPy takes of a formula: a function of its arguments, over mpmath numbers."""
    symbols = [sympy.Symbol(name, real=True) for name in (*formula.arrays, *formula.parameters)]
    expression = sympy_expression(formula)
    for name in names:
        expression = sympy.diff(expression, sympy.Symbol(name, real=True))
    return sympy.lambdify(symbols, expression, "mpmath")


@functools.cache
def _of_loss(loss: Loss, names: tuple[str, ...]) -> Callable[..., Any]:
    return sympy_derivative(loss.formula, *names)


def exact(case: Case, names: tuple[str, ...], *arrays: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A loss, or its derivative in `names`, per element: computed to 60 digits, rounded to float64."""
    function = _of_loss(case.loss, names)
    parameters = [mpmath.mpf(value) for value in case.parameters.values()]
    flat = np.broadcast_arrays(*arrays)
    with mpmath.workdps(60):
        values = [
            float(function(*(mpmath.mpf(float(v)) for v in point), *parameters))
            for point in zip(*(a.ravel() for a in flat), strict=True)
        ]
    return np.array(values, np.float64).reshape(flat[0].shape)
