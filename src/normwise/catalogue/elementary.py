# pyright: basic
"""Functions that formulas share, where their textbook spelling cancels or leaves the range of floating point."""

import math

from normwise.formula import exp, expm1, log, log1p, where

TERMS = 20
"""Those of the exponential series that matter within 1 of zero, to the second derivative."""


def smaller_ratio(r, c):
    """Whether abs(r) > c, where c is positive, and then c / r, else r / c.

    Of its square a formula makes what it makes of (r / c)^2, which may overflow. It has the sign of r, for abs(r) has
    no curvature at zero.
    """
    far = abs(r) > c
    return far, where(far, c, r) / where(far, r, c)


def growth_series(v, s: float = 0):
    """The integral of exp(s u) (exp(u) - 1) over u from 0 to v, divided by v^2, for abs(v) (1 + abs(s)) < 1.

    With s = 0 it is (exp(v) - 1 - v) / v^2. The coefficients (s + 1)^n - s^n obey the recursion whose roots these are.
    """
    before, coefficient, series = 0, 1, []
    for k in range(2, TERMS + 1):
        series.append(coefficient * (1 / math.factorial(k)))
        before, coefficient = coefficient, (2 * s + 1) * coefficient - s * (s + 1) * before
    total = series.pop()
    while series:
        total = total * v + series.pop()
    return total


def exp_remainder(v):
    """exp(v) - 1 - v: by its series near zero, where the difference cancels."""
    near = abs(v) < 1
    s = where(near, v, 0)
    # Where exp overflows there is nothing left to subtract, infinity least of all.
    return where(near, s * s * growth_series(s), exp(v) - 1 - where(v > 1000, 1000, v))


def growth(v, s):
    """(exp(s v) - 1) / s, and its limit v at s = 0."""
    return where(s == 0, v, expm1(s * v) / where(s == 0, 1, s))


def log1p_ratio(u):
    """log(1 + u) / u, which near its limit 1 at u = 0 is a series."""
    near = abs(u) < 1e-6
    divisor = where(near, 1, u)
    return where(near, 1 - u * (1 / 2 - u * (1 / 3 - u / 4)), log1p(divisor) / divisor)


def log_ratio(x, t):
    """log(x / t): by their difference where they are near, by two logarithms where the quotient may leave the range."""
    near = abs(x - t) < 0.5 * t
    quotient = x / t
    divisor = where(quotient < 1e-12, 1, where(quotient > 1e12, 1, t))
    return where(near, log1p(where(near, (x - t) / t, 0)), log(x / divisor) - log(t / divisor))
