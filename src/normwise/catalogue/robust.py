# pyright: basic
"""The robust losses, which let go of outliers, as functions of the residual r = prediction - target."""

import math

from normwise.catalogue.declaration import FINITE, Interval
from normwise.catalogue.elementary import (
    LEAST_RATIO,
    arctan_ratio,
    by_size,
    growth_series,
    log1p_ratio,
    log1p_square,
    log_inverse_ratio,
)
from normwise.catalogue.registry import loss
from normwise.formula import exp, expm1, minimum, sin, sqrt, where

ESTIMATE = "M-estimate of location"


@loss(domain={"c": FINITE}, minimiser=ESTIMATE, noise="Cauchy")
def cauchy(r, c=1.0):
    """Logarithm of 1 + (r/c)^2, times c^2 / 2: the Cauchy or Lorentzian loss; Black and Anandan, 1996.

    Half of SciPy's least_squares loss of this name. kornia's log(1 + r^2/2), which is Barron's general loss with
    alpha = 0, is this with c = sqrt(2).
    """
    # log(1 + z^2) = log(z^2) + log(1 + 1/z^2).
    far, smaller, larger = by_size(r, c)
    q = smaller / larger
    u = q * q
    half = 0.5 * log1p_ratio(u)
    return smaller * (smaller * where(far, log_inverse_ratio(where(far, q, 1), c, larger) + u * half, half))


@loss(domain={"c": FINITE}, module="GemanMcClureLoss", minimiser=ESTIMATE)
def geman_mcclure(r, c=1.0):
    """Squared error that saturates at 2, 2 (r/c)^2 / ((r/c)^2 + 4): Geman and McClure, 1985.

    Barron's general loss with alpha = -2, as in kornia.
    """
    far, smaller, larger = by_size(0.5 * r, c)
    q = smaller / larger
    square = q * q
    return 2 * where(far, 1, square) / (1 + square)


@loss(domain={"c": FINITE}, minimiser=ESTIMATE)
def welsch(r, c=1.0):
    """Squared error that saturates at 1, 1 - exp(-(r/c)^2 / 2): Dennis and Welsch, 1978; also Leclerc's.

    Barron's general loss with alpha = -inf, as in kornia. Some books scale it by c^2, and leave out the half.
    """
    # Beyond 40 the exponential is 0, and infinity, times 0, is not met.
    z = where(abs(r) > 40 * c, 40, r / c)
    return -expm1(-0.5 * z * z)


@loss(
    domain={"alpha": Interval(-math.inf, math.inf), "c": FINITE},
    minimiser=ESTIMATE,
    noise="general, of Barron",
    noiseless={"alpha": (Interval(-math.inf, 0, "left"),)},
)
def barron(r, alpha=1.0, c=1.0):
    """General robust loss: Barron, A general and adaptive robust loss function, 2019.

    With z = r/c and b = abs(alpha - 2) it is (b/alpha) ((z^2/b + 1)^(alpha/2) - 1), and its limits: half the square for
    alpha = 2, pseudo-Huber for 1, Cauchy for 0, Geman-McClure for -2, Welsch for minus infinity, exp(z^2/2) - 1 for
    infinity. alpha and c may be learned: give them as arrays. The noise has a density for alpha >= 0.
    """
    # With s = b log(1 + z^2/b) and e = (alpha/b) s/2 it is (s/2) (exp(e) - 1)/e, near e = 0 a series. Far away and
    # rising it is a power of sqrt(1 + z^2/b): where exp(e) leaves the range, the slope and curvature of a power do not.
    alpha = where(alpha > 1e30, 1e30, where(alpha < -1e30, -1e30, alpha))
    b = abs(alpha - 2)
    square = b == 0
    b = where(square, 1, b)
    s, far, larger, u = log1p_square(r, c, b)
    limited = where(s > 1e37, 1e37, s)  # of an infinite residual finite, for alpha may be 0
    e = 0.5 * (alpha / b) * limited
    small = abs(e) < 1
    v = where(small, e, 0)
    rising = where(far, e, 0) > 0
    # Where the ratio leaves the range and its power may not, the residual is raised to it, and the scale.
    bound = c * sqrt(b)
    outside = where(alpha < 2, bound, larger) < LEAST_RATIO * larger
    size = where(outside, larger, larger * sqrt(1 + u) / bound)
    power = where(rising, size, 1) ** alpha / where(outside, bound**alpha, 1) - 1
    power = where(rising, power, expm1(where(rising, 0, e)))
    general = where(small, 0.5 * s + 0.5 * (limited * (v * growth_series(v))), b / where(alpha == 0, 1, alpha) * power)
    z = r / c
    return where(square, 0.5 * z * z, general)


@loss(domain={"c": FINITE}, minimiser=ESTIMATE)
def arctan_loss(r, c=1.0):
    """Arc tangent of (r/c)^2, times c^2, which saturates at c^2 pi / 2: of SciPy's least_squares."""
    far, smaller, larger = by_size(r, c)
    q = smaller / larger
    u = q * q
    share = arctan_ratio(u)
    return smaller * (smaller * where(far, 0.5 * math.pi - u * share, share))


@loss(domain={"c": FINITE}, minimiser=ESTIMATE)
def tukey(r, c=4.685):
    """Tukey's biweight, c^2/6 (1 - (1 - (r/c)^2)^3), constant from c on: Beaton and Tukey, 1974.

    As statsmodels' TukeyBiweight. With c = 4.685 it is 95% efficient for Gaussian noise of unit scale.
    """
    inside = where(abs(r) >= c, c, r)
    z = inside / c
    u = z * z
    v = (1 - z) * (1 + z)
    return where(u < 0.5, inside * (inside * (0.5 - u * (0.5 - u * (1 / 6)))), c * (c * ((1 - v * v * v) * (1 / 6))))


@loss(domain={"a": FINITE}, minimiser=ESTIMATE)
def andrews(r, a=1.339):
    """Andrews' wave, a^2 (1 - cos(r/a)), constant from a pi on: Andrews et al., 1972.

    As statsmodels' AndrewWave. With a = 1.339 it is 95% efficient for Gaussian noise of unit scale.
    """
    # A small angle, which may leave the range, is its sine.
    z = where(abs(r) >= math.pi * a, math.pi, r / a)
    wave = where(abs(r) < 1e-8 * a, 0.5 * r, a * sin(0.5 * z))
    return 2 * wave * wave


@loss(domain={"a": FINITE, "b": FINITE, "c": FINITE}, minimiser=ESTIMATE)
def hampel(r, a=2.0, b=4.0, c=8.0):
    """Hampel's three-part loss: its slope rises to a, stays, and falls from b to 0 at c; Hampel, 1974.

    As statsmodels' Hampel; a <= b < c. At abs(r) = a and b it is on the inner side, as there.
    """
    z = minimum(abs(r), c)
    beyond = z - b
    falling = a * (b - 0.5 * a) + a * (beyond * (1 - 0.5 * (beyond / (c - b))))
    return where(z <= a, 0.5 * r * r, where(z <= b, a * (z - 0.5 * a), falling))


@loss(domain={"a": FINITE}, minimiser=ESTIMATE)
def ramsay(r, a=0.3):
    """Ramsay's E_a, (1 - exp(-a abs(r)) (1 + a abs(r))) / a^2: its slope is r exp(-a abs(r)); Ramsay, 1977.

    As statsmodels' RamsayE.
    """
    # Near zero by exp(-y) (exp(y) - 1 - y), whose series keeps what the difference cancels; from 800 on exp(-y) is 0.
    c = 1 / a
    y = abs(r / c)
    y = where(y > 800, 800, y)
    near = y < 1
    s = where(near, y, 0)
    return where(near, r * (r * (exp(-s) * growth_series(s))), c * (c * (1 - exp(-y) * (1 + y))))


@loss(domain={"c": FINITE}, minimiser=ESTIMATE, module="TrimmedMeanLoss")
def trimmed_mean(r, c=2.0):
    """Half the squared error, constant beyond c: of the trimmed mean; also Talwar's loss, 1975.

    As statsmodels' TrimmedMean. At abs(r) = c it is on the parabola, as there.
    """
    return where(abs(r) > c, 0.5 * c * c, 0.5 * r * r)
