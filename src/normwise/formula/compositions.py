"""Primitives as expressions of other primitives, for the languages that lack them.

They are right to a few units in the last place in float64, and so in float32. A polynomial is nested as Horner's scheme
has it. Coefficients are those of smallest relative error on the interval named, found by reweighted least squares at
Chebyshev's points in 60 digits; each is named with the error that it leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.formula.expression import Expression, Operand, apply


def sigmoid(a: Expression) -> Expression:
    """Return 1 / (1 + exp(-a)), in which no exponential overflows."""
    shrunk = apply("exp", -abs(a))
    return apply("where", a < 0, shrunk, 1.0) / (1.0 + shrunk)


def softplus(a: Expression) -> Expression:
    """Return log(1 + exp(a)), likewise."""
    return apply("maximum", a, 0.0) + apply("log1p", apply("exp", -abs(a)))


def erf(a: Expression) -> Expression:
    """Return the error function: an odd polynomial up to 1, and beyond it 1 less the complement over a Gaussian."""
    size = abs(a)
    square = a * a
    complement = apply("exp", -square) * _polynomial(_COMPLEMENT, 1.0 / (1.0 + size))
    far = 1.0 - complement
    return apply("where", size < 1.0, a * _polynomial(_ERF, square), apply("where", a < 0, -far, far))


def lgamma(a: Expression) -> Expression:
    """Return the logarithm of the gamma function.

    Up to 3 the roots at 1 and 2 are factors, so that they keep their digits; below 1 by the recurrence, whose arguments
    are written without the sum that would round. Beyond 3 it is Stirling's series, summed.
    """
    below = a < 1.0
    from_one = apply("where", below, a, a - 1.0)  # of 1 + a, where that is below 2
    from_two = apply("where", below, a - 1.0, a - 2.0)
    near = from_one * from_two * _ratio(_LGAMMA, from_one) - apply("where", below, apply("log", a), 0.0)
    half_log_of_two_pi = 0.5 * math.log(2.0 * math.pi)
    far = (a - 0.5) * (apply("log", a) - 1.0) + (half_log_of_two_pi - 0.5) + _ratio(_STIRLING, 1.0 / (a * a)) / a
    return apply("where", a < 3.0, near, far)


def digamma(a: Expression) -> Expression:
    """Return the derivative of lgamma, in the same way: its root is a factor, in two parts."""
    below = a < 1.0
    from_one = apply("where", below, a, a - 1.0)
    # The maximum changes nothing, but keeps XLA from adding the two constants up.
    from_root = apply("maximum", from_one - _ROOT_LESS_1, -1.0) - _REST_OF_ROOT
    near = from_root * _ratio(_DIGAMMA, from_one) - apply("where", below, 1.0 / a, 0.0)
    inverse = 1.0 / a
    far = apply("log", a) - 0.5 * inverse - _ratio(_DIGAMMA_FAR, inverse * inverse) * inverse * inverse
    return _of_positive(a, apply("where", a < 2.0, near, far))


def polygamma(order: Expression, a: Expression) -> Expression:
    """Return the derivative of digamma of an order from 1: terms of its series, and the rest by Euler and Maclaurin.

    All are multiples of the first of the terms, 1 / a ** (n + 1), times a: such powers leave the range of float32 long
    before the result does.
    """
    n = order.value
    assert isinstance(n, int), f"the order of polygamma is {order!r}"
    terms = 10 + n
    far = a + float(terms)
    tail, rising = (0.5 + _EULER_MACLAURIN[0] * (n + 1) / far) / far, float(n + 1)
    for k, coefficient in enumerate(_EULER_MACLAURIN[1:], start=1):
        rising *= (n + 2 * k) * (n + 2 * k + 1)
        tail = tail + coefficient * rising / far ** (2 * k + 2)
    rest = (1.0 / n + tail) * _shrunk(a, terms) ** n
    series = _shrunk(a, terms - 1) ** (n + 1)
    for k in reversed(range(1, terms - 1)):  # the smallest first
        series = series + _shrunk(a, k) ** (n + 1)
    value = math.factorial(n) * (1.0 if n % 2 else -1.0) * ((series + 1.0) / a + rest)
    for _ in range(n):
        value = value / a
    return _of_positive(a, value)


def _shrunk(a: Expression, by: int) -> Expression:
    """Return a / (a + by), which is 0 at 0 and 1 at infinity."""
    return 1.0 - by / (a + float(by))


def _of_positive(a: Expression, value: Expression) -> Expression:
    return apply("where", a < 0, apply("log", a), value)  # which is nan


def _polynomial(coefficients: Sequence[float], a: Expression) -> Expression:
    value: Operand = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = coefficient + a * value
    return apply("add", value, 0)


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], a: Expression) -> Expression:
    return _polynomial(coefficients[0], a) / _polynomial(coefficients[1], a)


_ERF = (
    1.1283791670955126,
    -0.3761263890318352,
    0.11283791670944164,
    -0.026866170643108297,
    0.005223977606093076,
    -0.0008548325928135139,
    0.00012055293542829397,
    -1.4924711670225817e-05,
    1.6447124045759091e-06,
    -1.620625808637939e-07,
    1.3710747589468606e-08,
    -7.77904794852032e-10,
)
"""erf(a) / a, by a^2, for a up to 1; 7.3e-18."""

_COMPLEMENT = (
    -5.728640112165273e-06,
    0.5644294648986126,
    0.5595981285571597,
    0.3352283090955772,
    -0.6956648631712469,
    1.5675088224826903,
    -9.106993519308132,
    26.734844451520377,
    -45.44954723523056,
    49.25312815707681,
    -34.16644615356336,
    14.002232380248511,
    -2.6004407257867865,
)
"""exp(a^2) * (1 - erf(a)), by 1 / (1 + a), for a from 1; 1.5e-17 of the result."""

_LGAMMA = (
    (
        0.5772156649015329,
        1.5933619267176518,
        1.6603800281896934,
        0.8141375322625904,
        0.19076772714429607,
        0.01920192232090338,
        0.000607812149500281,
        1.3302504710673338e-06,
    ),
    (
        1.0,
        3.1853142716663427,
        3.960648654635125,
        2.4350198335073783,
        0.7741960273034274,
        0.1215351185208048,
        0.008119365978774613,
        0.00015692511751543446,
    ),
)
"""lgamma(a) / ((a - 1) (a - 2)), by a - 1, for a from 1 to 3; 1.2e-17."""

_STIRLING = (
    (
        0.08333333333333333,
        1.2215161138178492,
        5.15869796582047,
        7.200854378803624,
        2.815448488409623,
        0.14995664039062073,
    ),
    (
        1.0,
        14.69152669914752,
        62.38456933696208,
        88.35696174507987,
        36.23131366663688,
        2.48590819199563,
    ),
)
"""The correction of Stirling's formula times a, by 1 / a^2, for a from 3; 1.4e-18."""

_DIGAMMA = (
    (
        1.2503801375034054,
        1.6688925309003995,
        0.7158771949980974,
        0.11382529679940347,
        0.005419468877504033,
        1.6974612951451545e-05,
    ),
    (
        1.0,
        2.0182549416859152,
        1.3503077749950194,
        0.3709210308416005,
        0.040100820214881136,
        0.0012323977603021607,
    ),
)
"""digamma(a) / (a - its root), by a - 1, for a from 1 to 2; 6.1e-17."""

_DIGAMMA_FAR = (
    (
        0.08333333333333333,
        1.649504615979154,
        10.464231938289842,
        25.97272291718567,
        24.57736606589799,
        7.1467478056834075,
        0.2899166778730135,
    ),
    (
        1.0,
        19.89405539174974,
        127.5125697510767,
        323.5265960035864,
        322.1128195004997,
        107.38638932284775,
        7.499751336478658,
    ),
)
"""(log(a) - 1 / (2 a) - digamma(a)) a^2, by 1 / a^2, for a from 2; 4.8e-17."""

_ROOT_LESS_1, _REST_OF_ROOT = 0.46163177490234375, 3.7006601859126265e-07
"""The root of digamma, 1.46163214496836234126..., less 1: so much as float32 has of it exactly, and the rest."""

_EULER_MACLAURIN = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
    -3617 / 10670622842880000,
)
"""Bernoulli's numbers B_2, B_4, ..., each over the factorial of its number."""
