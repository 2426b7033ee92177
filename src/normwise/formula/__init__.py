"""What a loss is: one short function, traced into an expression that prints, differentiates and evaluates itself.

A formula combines its arguments with ``+ - * / ** abs``, comparisons, and the functions here. Given plain numbers they
compute; given the arguments of a formula that is being traced they record.
"""

from __future__ import annotations

from typing import Any

from normwise.errors import FormulaError
from normwise.formula.expression import Expression, apply
from normwise.formula.numbers import primitive_value
from normwise.formula.primitives import LARGEST_ORDER, is_order
from normwise.formula.trace import Formula, trace

__all__ = [
    "Expression",
    "Formula",
    "arctan",
    "cos",
    "cosh",
    "digamma",
    "erf",
    "exp",
    "expm1",
    "lgamma",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "polygamma",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "stop_gradient",
    "tanh",
    "trace",
    "where",
]


def _primitive(name: str, *arguments: Any) -> Any:
    if any(isinstance(argument, Expression) for argument in arguments):
        return apply(name, *arguments)
    return primitive_value(name, *arguments)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return `a` where the condition holds, else `b`; the gradient is selected likewise."""
    if isinstance(condition, bool):
        return a if condition else b
    return _primitive("where", condition, a, b)


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller of two; nan if either is; a tie shares the gradient equally."""
    return _primitive("minimum", a, b)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two; nan if either is; a tie shares the gradient equally."""
    return _primitive("maximum", a, b)


def sign(a: Any) -> Any:
    """Return 1, -1, or 0 at zero and nan."""
    return _primitive("sign", a)


def sqrt(a: Any) -> Any:
    """Return the square root."""
    return _primitive("sqrt", a)


def exp(a: Any) -> Any:
    """Return e to the power of `a`."""
    return _primitive("exp", a)


def expm1(a: Any) -> Any:
    """Return e to the power of `a`, minus 1, accurate near 0."""
    return _primitive("expm1", a)


def log(a: Any) -> Any:
    """Return the natural logarithm."""
    return _primitive("log", a)


def log1p(a: Any) -> Any:
    """Return the natural logarithm of 1 + `a`, accurate near 0."""
    return _primitive("log1p", a)


def tanh(a: Any) -> Any:
    """Return the hyperbolic tangent."""
    return _primitive("tanh", a)


def cosh(a: Any) -> Any:
    """Return the hyperbolic cosine."""
    return _primitive("cosh", a)


def sin(a: Any) -> Any:
    """Return the sine of an angle in radians; kernels give nan for angles beyond 2^48."""
    return _primitive("sin", a)


def cos(a: Any) -> Any:
    """Return the cosine of an angle in radians; kernels give nan for angles beyond 2^48."""
    return _primitive("cos", a)


def arctan(a: Any) -> Any:
    """Return the angle between -pi/2 and pi/2, in radians, whose tangent is `a`."""
    return _primitive("arctan", a)


def sigmoid(a: Any) -> Any:
    """Return 1 / (1 + exp(-a)), the logistic function."""
    return _primitive("sigmoid", a)


def softplus(a: Any) -> Any:
    """Return log(1 + exp(a)); nothing overflows."""
    return _primitive("softplus", a)


def erf(a: Any) -> Any:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to `a`."""
    return _primitive("erf", a)


def lgamma(a: Any) -> Any:
    """Return the logarithm of the gamma function of a positive number; infinite at 0, nan below."""
    return _primitive("lgamma", a)


def digamma(a: Any) -> Any:
    """Return the derivative of `lgamma`."""
    return _primitive("digamma", a)


def polygamma(order: int, a: Any) -> Any:
    """Return the derivative of `digamma` of an order from 1 to 20."""
    if not is_order(order):
        raise FormulaError(f"polygamma(): the order is a plain integer from 1 to {LARGEST_ORDER}, not {order!r}")
    return _primitive("polygamma", order, a)


def stop_gradient(a: Any) -> Any:
    """Return `a`, as a constant: its derivative is 0."""
    return _primitive("stop_gradient", a)
