# pyright: basic
"""Negative log-likelihoods of one observation: of the target, where the prediction is the location or the rate."""

import math

from normwise.catalogue.declaration import NON_NEGATIVE, POSITIVE
from normwise.catalogue.elementary import log1p_square
from normwise.catalogue.registry import loss
from normwise.formula import exp, log, sqrt, stop_gradient, where

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

_SHIFT = 10
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
_ASYMPTOTIC = tuple((1 - 0.25**k) * b / (k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1))
"""Of log(z)/2 - log(Gamma(z + 1/2) / Gamma(z)), in odd powers of 1/z."""


def _student_constant(df):
    """log(Gamma(df/2)) - log(Gamma((df + 1)/2)) + log(pi df)/2.

    By the recursion of the gamma function up to where its asymptotic series is exact: Abramowitz and Stegun, 6.1.40.
    """
    n = 0.5 * df
    small = n < _SHIFT
    m = where(small, n, 1)
    product = 1
    for k in range(_SHIFT):
        product = product * (1 + 0.5 / (m + k))
    w = 1 / (n + where(small, _SHIFT, 0))
    series = 0
    for coefficient in reversed(_ASYMPTOTIC):
        series = series * (w * w) + coefficient
    return HALF_LOG_2PI + log(where(small, product / sqrt(1 + _SHIFT / m), 1)) + w * series


@loss(module="GaussianNLLLoss", domain={"var": NON_NEGATIVE, "eps": NON_NEGATIVE}, minimiser="mean", noise="Gaussian")
def gaussian_nll(r, var, full=False, eps=1e-6):
    """Gaussian negative log-likelihood of a variance, (log(var) + r^2 / var) / 2: Nix and Weigend, 1994.

    As in torch: a variance below eps counts as eps, but has the gradient of eps; ``full`` adds log(2 pi) / 2.
    """
    var = where(var < eps, var + stop_gradient(eps - var), var)
    return 0.5 * (log(var) + r * (r / var)) + where(full != 0, HALF_LOG_2PI, 0)


@loss(module="LaplaceNLLLoss", domain={"scale": POSITIVE}, minimiser="median", noise="Laplace")
def laplace_nll(r, scale):
    """Laplace negative log-likelihood of a scale, log(2 scale) + abs(r) / scale."""
    return log(2 * scale) + abs(r) / scale


@loss(
    module="StudentTNLLLoss",
    domain={"scale": POSITIVE, "df": POSITIVE},
    minimiser="M-estimate of location",
    noise="Student-t",
)
def student_t_nll(r, scale, df=3.0):
    """Student-t negative log-likelihood of a scale, with df degrees of freedom: Lange, Little and Taylor, 1989.

    (df + 1)/2 log(1 + (r/scale)^2 / df) + log(scale) + log(B(1/2, df/2)) + log(df)/2, all of it. With df = 1 the noise
    is Cauchy's, with df = inf Gaussian.
    """
    s, *_ = log1p_square(r, scale, df)
    return 0.5 * (1 + 1 / df) * s + log(scale) + _student_constant(df)


@loss(
    module="PoissonNLLLoss",
    domain={"eps": NON_NEGATIVE},
    accepts=("count", "complex"),
    minimiser="mean",
    noise="Poisson",
)
def poisson_nll(x, t, log_input=True, full=False, eps=1e-8):
    """Poisson negative log-likelihood of a rate exp(x), or of x itself: exp(x) - t x, or x - t log(x + eps).

    As in torch: the constant log(t!) is left out, or, where ``full``, Stirling's formula stands for it above t = 1.
    Keras takes x for the rate and eps = 1e-7; scikit-learn's HalfPoissonLoss is this one's default.
    """
    count = where(t > 1, t, 1)
    stirling = where(t > 1, count * log(count) - count + 0.5 * log(2 * math.pi * count), 0)
    return where(log_input != 0, exp(x) - t * x, x - t * log(x + eps)) + where(full != 0, stirling, 0)
