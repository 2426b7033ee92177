"""Formulas in data frames: how Narwhals' expressions spell primitives, and what stands for those they lack.

A frame's engine computes `FRAMES`, and an expression is brought to these by `lowered`. What stands for others are
expressions, not frame expressions: what they mention twice is one node, so an engine computes it once. Comparisons are
false of nan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from normwise.formula.expression import Expression, apply, variable
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.rewriting import Composition, composed, rewritten, substitute


def lowered(expression: Expression, renamed: Mapping[str, str]) -> Expression:
    """Return the expression in primitives that data frames have, some of its variables under other names."""
    renaming = {name: variable(other) for name, other in renamed.items()}
    return rewritten(composed(substitute(expression, renaming), _composition), LOWERED.get)


def _composition(primitive: str) -> Composition | None:
    return None if primitive in FRAMES or primitive in LOWERED else PRIMITIVES[primitive].composition


def where(condition: object, a: object, b: object) -> Expression:
    """Return `a` where the condition holds, else `b`."""
    return apply("where", condition, a, b)


def minimum(a: Expression, b: Expression) -> Expression:
    """Return the smaller of two."""
    return where(_is_nan(a), a, where(a < b, a, b))


def maximum(a: Expression, b: Expression) -> Expression:
    """Return the larger of two."""
    return where(_is_nan(a), a, where(a > b, a, b))


def sign(a: Expression) -> Expression:
    """Return 1, -1, or 0 at zero and nan."""
    return where(a < 0, -1.0, where(-a < 0, 1.0, 0.0))


def log1p(a: Expression) -> Expression:
    """Return log(1 + a), with the rounding error of u = 1 + a made good: the logarithm's derivative is 1 / u."""
    u = 1.0 + a
    error = ((u - 1.0) - a) / u
    # It is nan at u = 0 and u = inf, where there is nothing to make good.
    finite = _equal(error - error, 0.0)
    return apply("log", u) - where(finite, error, 0.0)


def expm1(a: Expression) -> Expression:
    """Return exp(a) - 1: Kahan saw that the rounding error of u = exp(a) cancels in (u - 1) / log(u)."""
    u = apply("exp", a)
    kahan = (u - 1.0) * (a / apply("log", u))
    # Beyond 40 either the 1 or exp(a) is lost in rounding, and log(u) of 0 and inf is not asked.
    return where(-abs(a) < -40.0, u - 1.0, where(_equal(u, 1.0), a, kahan))


def _is_nan(a: Expression) -> Expression:
    return apply("not_equal", a, a)


def _equal(a: Expression, number: float) -> Expression:
    return apply("equal", a, number)  # what == says too, but reads unlike a comparison of objects


def tanh(a: Expression) -> Expression:
    """Return the hyperbolic tangent, from expm1 of a number that is not positive: it never overflows."""
    t = expm1(-2.0 * abs(a))
    size = t / (-2.0 - t)
    return where(a < 0, -size, size)


def cosh(a: Expression) -> Expression:
    """Return the hyperbolic cosine; half of exp(a) overflows later than exp(a)."""
    half = apply("exp", 0.5 * abs(a))
    return 0.5 * half * half + 0.5 / half / half


def sin(a: Expression) -> Expression:
    """Return the sine; the one of infinity is not asked, where DuckDB before 2.0 stops with an error."""
    return apply("sin", _finite_or_nan(a))


def cos(a: Expression) -> Expression:
    """Return the cosine, likewise."""
    return apply("cos", _finite_or_nan(a))


def _finite_or_nan(a: Expression) -> Expression:
    return where(_equal(a - a, 0.0), a, a - a)


def arctan(a: Expression) -> Expression:
    """Return the arc tangent, of every number to a few units in the last place.

    Of a number above 1 it is pi / 2 less that of the inverse. Half the angle of t has the tangent
    t / (1 + sqrt(1 + t^2)): of a quarter of it the power series needs few terms.
    """
    size = abs(a)
    t = where(size > 1.0, 1.0 / size, size)
    for _ in range(2):
        t = t / (1.0 + apply("sqrt", 1.0 + t * t))
    square = t * t
    series = 1.0 / 23 - square / 25
    for n in range(21, 0, -2):
        series = 1.0 / n - square * series
    quadrupled = 4.0 * t * series
    angle = where(size > 1.0, 0.5 * math.pi - quadrupled, quadrupled)
    return where(a < 0, -angle, angle)


LOWERED = dict[str, Composition](
    sign=sign,
    minimum=minimum,
    maximum=maximum,
    expm1=expm1,
    log1p=log1p,
    tanh=tanh,
    cosh=cosh,
    sin=sin,
    cos=cos,
    arctan=arctan,
    stop_gradient=lambda a: a,
)
"""What stands for a primitive, in those of `FRAMES`: one that it has not, or one that it guards."""


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    def spelling(_: Any, *arguments: Any) -> Any:
        return function(*arguments)

    return spelling


def _comparison(compare: Callable[[Any, Any], Any], greatest: int) -> Callable[..., Any]:
    """A comparison that is false of nan, which polars and DuckDB take for greater than all and equal to itself.

    `greatest` says which argument, being nan, makes theirs true.
    """

    def frame(_: Any, *arguments: Any) -> Any:
        greater = arguments[greatest]
        ordered = True if isinstance(greater, (float, int)) else greater <= math.inf
        result = compare(*arguments)
        return result if ordered is True else result & ordered

    return frame


def _not_equal(_: Any, a: Any, b: Any) -> Any:
    numbers = [each for each in (a, b) if isinstance(each, (float, int))]
    # Of nan, which nullable columns of pandas take for null, it is true.
    return a != b if numbers else a.is_null() | (a != b) | ~(a <= math.inf)


def _where(nw: Any, condition: Any, a: Any, b: Any) -> Any:
    # Data frames are stricter than arrays about mixing integers and floats.
    a, b = (float(branch) if isinstance(branch, int) else branch for branch in (a, b))
    return nw.when(condition).then(a).otherwise(b)


FRAMES = dict[str, Callable[..., Any]](
    add=_operator(operator.add),
    subtract=_operator(operator.sub),
    multiply=_operator(operator.mul),
    divide=_operator(operator.truediv),
    power=_operator(operator.pow),
    less=_comparison(operator.lt, greatest=1),
    less_equal=_comparison(operator.le, greatest=1),
    greater=_comparison(operator.gt, greatest=0),
    greater_equal=_comparison(operator.ge, greatest=0),
    equal=_comparison(operator.eq, greatest=0),
    not_equal=_not_equal,
    negative=lambda _, a: a * -1.0,  # Narwhals has no unary minus
    absolute=lambda _, a: a.abs(),
    where=_where,
    # Narwhals guards the square root and the logarithm where SQL stops with an error.
    sqrt=lambda _, a: a.sqrt(),
    exp=lambda _, a: a.exp(),
    log=lambda _, a: a.log(),
    sin=lambda _, a: a.sin(),
    cos=lambda _, a: a.cos(),
)
"""The values of primitives for Narwhals' expressions, each mentioned once; ``nw`` is the narwhals module."""
