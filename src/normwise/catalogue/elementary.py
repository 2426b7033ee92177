# pyright: basic
"""Functions that formulas share, where their textbook spelling cancels or leaves the range of floating point."""

import math

from normwise.formula import arctan, exp, expm1, log, log1p, minimum, sqrt, where

TERMS = 20
"""Those of the exponential series that matter within 1 of zero, to the second derivative."""


LEAST_RATIO = 1e-30
"""That of which the inverse, and not much more, is in the range of every precision."""


def by_size(r, c, bound=None):
    """Whether abs(r) is beyond the bound, c unless said; of abs(r) and c what is smaller then, and what is larger.

    Of their ratio q a formula makes what it makes of r / c, which may leave the range. It multiplies with the larger
    one, which is the unit of q's derivative, or with the smaller one, whose ratio to that unit is q again. The smaller
    one has the sign of r where it is r, for abs(r) has no curvature at zero.
    """
    a = abs(r)
    far = a > (c if bound is None else bound)
    return far, where(far, c, r), where(far, a, c)


def log_inverse_ratio(q, c, larger, least=None):
    """log(1 / q) of a ratio q = c / larger, which is in (0, 1]: of one that leaves the range by two logarithms.

    What is to be in the range is the ratio of `least` to the larger, c unless said.
    """
    outside = (c if least is None else least) < LEAST_RATIO * larger
    return where(outside, log(larger) - log(c), -log(where(outside, 1, q)))


def log1p_square(r, c, b):
    """The product b log(1 + z^2 / b) of the ratio z = r / c, whose limit for b = inf is z^2.

    Also whether z^2 > b, the larger of r and c then, and u, the smaller of z^2 / b and b / z^2.
    """
    root = sqrt(b)
    far, smaller, larger = by_size(r, c, c * root)
    z = smaller / larger
    q = z * where(far, root, 1 / root)
    u = q * q
    # Near, z^2 is taken out of the logarithm, for the limit; far, z is, before it overflows.
    share = where(b == math.inf, 1, log1p_ratio(u))
    logarithm = 2 * log_inverse_ratio(where(far, q, 1), c * root, larger, minimum(c, c * root)) + u * share
    return where(far, where(far, b, 1) * logarithm, z * (z * share)), far, larger, u


def arctan_ratio(u):
    """arctan(u) / u, which near its limit 1 at u = 0 is a series."""
    near = abs(u) < 1e-4
    divisor = where(near, 1, u)
    return where(near, 1 - u * u * (1 / 3), arctan(divisor) / divisor)


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
    return where(near, s * (s * growth_series(s)), exp(v) - 1 - where(v > 1000, 1000, v))


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
