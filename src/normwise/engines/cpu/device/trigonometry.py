"""Sine, cosine and arc tangent that LLVM can inline and vectorise, by the rules of `vector_math`.

An angle is k pi / 2 + r: k tells the quadrant, and r is what the series are of. Near a multiple of pi / 2 nearly all
digits of the angle cancel, so pi / 2 is held in three parts, and what rounds is kept: Cody and Waite, Software Manual
for the Elementary Functions, 1980. float32 is reduced in float64, where two parts are plenty.

The arc tangent of a number above 1 is pi / 2 less that of its inverse. On [0, 1] its expansion in Chebyshev polynomials
is known, 2 sum (-1)^n q^(2n + 1) T_(2n + 1)(t) / (2n + 1) with q = sqrt(2) - 1: Mason and Handscomb, Chebyshev
Polynomials, 2003.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from normwise.engines.cpu.device.builder import FLOAT64, UNSIGNED, copysign, licensed, where

if TYPE_CHECKING:
    from normwise.engines.cpu.device.vector_math import Format

__all__ = ["LARGEST_ANGLE", "angle_functions", "arc_tangent"]

LARGEST_ANGLE = 2.0**48
"""Beyond it `sin` and `cos` are nan, in either dtype: the products with k would no longer be exact."""

# To 60 digits, for three parts of 53 bits.
_HALF_PI = Fraction("1.57079632679489661923132169163975144209858469968755291048747")
# To 40 digits.
_SQRT2 = Fraction(math.isqrt(2 * 10**80), 10**40)

_fused = licensed("contract")


def angle_functions(form: Format, wide: Format) -> dict[str, Callable[[Any], Any]]:
    """Build ``sin`` and ``cos`` for a dtype; `wide` is float64's form, in which angles are reduced."""
    dtype, rounded, polynomial = form.dtype, form.rounded, form.polynomial
    magic, remainder = wide.magic, wide.remainder
    exact_sum, exact_product = wide.exact_sum, wide.exact_product
    zero, half, one, nan, largest = 0.0, 0.5, 1.0, math.nan, LARGEST_ANGLE
    quadrants_per_radian = 2 / math.pi
    quadrant, quadrant_low, quadrant_lowest = _parts(_HALF_PI, 3, wide.rounded)
    last_bit = form.info.bits - 1
    # Highest power first. (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 in powers of r^2, for |r| <= 0.83: pi / 4,
    # and more where rounding takes the next k.
    terms = {32: 4, 64: 8}[form.info.bits]
    sine_series = tuple(rounded((-1) ** n / math.factorial(2 * n + 1)) for n in range(terms, 0, -1))
    cosine_series = tuple(rounded((-1) ** n / math.factorial(2 * n)) for n in range(terms + 1, 1, -1))

    @_fused
    def without_quadrants(x: Any) -> Any:
        # x - k quadrant, which is a number: the bits it has are those from the last of x, or of quadrant, up to 1/2.
        shifted = x * quadrants_per_radian + magic
        k = shifted - magic
        return remainder(x, k, quadrant), k, shifted.bits

    @_fused
    def reduced_to_two(x: Any) -> Any:
        # r as a number and what it lacks, and k in the lowest bits.
        rest, k, counted = without_quadrants(x)
        product, product_low = exact_product(k, quadrant_low)
        # Exact though `product` may be the larger: it is below 1, so its last bit is not above that of `rest`.
        high, low = exact_sum(rest, -product)
        high, low = exact_sum(high, (low - product_low) - k * quadrant_lowest)
        return high, low, counted

    @_fused
    def reduced_in_float64(x: Any) -> Any:
        rest, k, counted = without_quadrants(x.to(FLOAT64))
        r = rest - k * quadrant_low
        high = r.to(dtype)
        return high, (r - high.to(FLOAT64)).to(dtype), counted.to(UNSIGNED[dtype])

    reduced = reduced_to_two if dtype is FLOAT64 else reduced_in_float64

    @_fused
    def sine_after(x: Any, quadrants: Any) -> Any:
        # sin(x + quadrants pi / 2).
        r, low, counted = reduced(x)
        square = r * r
        sine = r + (low + square * (r * polynomial(square, sine_series)))
        halved = half * square
        near = one - halved
        cosine = near + (((one - near) - halved) + (square * square * polynomial(square, cosine_series) - r * low))
        turned = counted + quadrants
        result = where((turned & 1) == 1, cosine, sine)
        sign = turned >> 1 << last_bit
        result = (result.bits ^ sign).as_float(dtype)
        return where(abs(x) <= largest, result, nan)

    @_fused
    def sin(x: Any) -> Any:
        return where(x == zero, x, sine_after(x, 0))

    @_fused
    def cos(x: Any) -> Any:
        return sine_after(x, 1)

    return {"sin": sin, "cos": cos}


def arc_tangent(form: Format) -> Callable[[Any], Any]:
    """Build ``atan`` for a dtype."""
    rounded, two_polynomials, exact_sum, remainder = form.rounded, form.two_polynomials, form.exact_sum, form.remainder
    zero, quarter, half, one = 0.0, 0.25, 0.5, 1.0
    # From here on what the inverse lacks is nothing beside pi / 2; for infinity it would be nan.
    far = 2.0 ** (form.info.nmant + 4)
    right_angle, right_angle_low = _parts(_HALF_PI, 2, rounded)
    series = [rounded(c) for c in _arctan_series({32: 10, 64: 22}[form.info.bits])]
    even_series, odd_series = tuple(series[::2][::-1]), tuple(series[1::2][::-1])

    @_fused
    def atan(x: Any) -> Any:
        a = abs(x)
        inverted = a > one
        inverse = one / a
        t = where(inverted, inverse, a)
        t_low = where(inverted & (a < far), remainder(one, inverse, a) * inverse, zero)
        square = t * t
        cube = t * square
        # What t lacks is scaled by 1 / (1 + t^2), which the parabola is close enough to.
        smaller = t_low * (one - half * square) - quarter * cube
        curved = cube * two_polynomials(square - half, odd_series, even_series) + smaller
        high, low = exact_sum(right_angle, -t)
        result = where(inverted, high + (low + (right_angle_low - curved)), t + curved)
        return copysign(result, x)

    return atan


def _parts(number: Fraction, count: int, rounded: Callable[[Any], float]) -> list[float]:
    """A number as a sum of numbers of a dtype: it rounded, what that lacks rounded, and so on."""
    parts: list[float] = []
    for _ in range(count):
        parts.append(rounded(number))
        number -= Fraction(parts[-1])
    return parts


def _arctan_series(count: int) -> list[Fraction]:
    """Return c such that arctan t = t - t^3 / 4 + t^3 (c[0] + c[1] u + c[2] u^2 + ...) with u = t^2 - 1/2.

    It is the expansion in Chebyshev polynomials, cut after that of degree 2 `count` + 1; the coefficient of t itself is
    near 1, and taken as 1. Most of what is added to t is in the quarter, which is a number, and in powers of u, unlike
    those of t^2, nothing cancels near t = 1: so little rounds.
    """
    zero, q = Fraction(0), _SQRT2 - 1
    # T_(2n - 1)(t) / t and T_(2n + 1)(t) / t in powers of t^2.
    before, chebyshev = [Fraction(1)], [Fraction(1)]
    total = [zero] * (count + 1)
    for n in range(count + 1):
        factor = 2 * (-1) ** n * q ** (2 * n + 1) / (2 * n + 1)
        total = [a + factor * b for a, b in zip(total, [*chebyshev, *[zero] * (count - n)], strict=True)]
        shifted = zip([zero, *chebyshev], [*chebyshev, zero], [*before, *[zero] * 2][: n + 2], strict=True)
        before, chebyshev = chebyshev, [4 * a - 2 * b - c for a, b, c in shifted]
    total[1] += Fraction(1, 4)
    return [
        sum((math.comb(n, k) * c / 2 ** (n - k) for n, c in enumerate(total[k + 1 :], k)), zero) for k in range(count)
    ]
