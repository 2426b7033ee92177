"""Primitives that data frames lack, or that their engines stop at, in terms of those they have.

A row of the table of primitives names one of these as its ``lowered``. They are expressions, not frame expressions:
what they mention twice is one node, so an engine computes it once. Comparisons are false of nan.
"""

from __future__ import annotations

import math

from normwise.formula.expression import Expression, apply


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
