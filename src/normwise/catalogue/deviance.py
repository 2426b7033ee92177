# pyright: basic
"""Unit deviances: twice the log-likelihood that a prediction of the mean lacks to that of the target itself.

They are those of sklearn.metrics; with ``log_input`` the prediction is the logarithm of the mean, and scikit-learn's
HalfPoissonLoss, HalfGammaLoss and HalfTweedieLoss are half of them, but for what does not depend on the prediction.

A deviance and its slope are nan outside the domain: of a negative mean, and of a negative target where none can be. At
the ends of the domain, a mean of 0 or infinity or a target of 0, they are their limits, which may be infinite.
"""

import math

from normwise.catalogue.declaration import Interval
from normwise.catalogue.elementary import growth, growth_series, log_ratio
from normwise.catalogue.registry import loss
from normwise.formula import exp, log, where


def _mean(x, log_input):
    """The mean that a prediction says; a negative one is nan, and so are its derivatives."""
    # Of -0.0, whose inverse is minus infinity, the sum is 0.
    return where(log_input != 0, exp(x), x * where(x < 0, math.nan, 1) + where(x == 0, 0.0, -0.0))


def _finite(w):
    """A logarithm that is subtracted from what is infinite where it is."""
    return where(w > 2000, 2000, w)


@loss(minimiser="mean", noise="Poisson")
def poisson_deviance(x, t, log_input=False):
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972.

    x is not negative, or any number where it is the logarithm of the mean; t is not negative. It is nan where one is.
    """
    # With w = log(x/t) it is 2 t (exp(w) - 1 - w), which near w = 0 is a series.
    mean = _mean(x, log_input)
    count = where(t == 0, 1, where(t < 0, math.nan, t))
    w = where(log_input != 0, x - log(count), log_ratio(mean, count))
    near = abs(w) < 1
    s = where(near, w, 0)
    deviance = where(near, count * s * s * growth_series(s), mean - count - count * _finite(w))
    return 2 * where(t == 0, mean, deviance)


@loss(minimiser="mean", noise="gamma")
def gamma_deviance(x, t, log_input=False):
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983.

    x is positive, or any number where it is the logarithm of the mean; t is positive. It is nan where one is negative,
    infinite where one is 0.
    """
    # With w = log(t/x) it is 2 (exp(w) - 1 - w), which near w = 0 is a series.
    mean, t = _mean(x, log_input), where(t < 0, math.nan, t)
    y = where(t == 0, 1, t)
    ratio = where(log_input != 0, y * exp(-x), y / mean)
    w = where(log_input != 0, log(y) - x, -log_ratio(mean, y))
    near = abs(w) < 1
    s = where(near, w, 0)
    deviance = where(near, s * s * growth_series(s), ratio - 1 - _finite(w))
    return 2 * where(t == 0, math.inf - where(abs(w) == math.inf, 0, w), deviance)


def _integral(w, k, at_x, at_t):
    """(at_x - at_t) / k, where at_x = exp(k w) at_t, and its limit at k = 0."""
    near = abs(k * w) < 1
    return where(near, at_t * growth(where(near, w, 0), k), (at_x - at_t) / where(k == 0, 1, k))


@loss(
    domain={"p": Interval(-math.inf, math.inf, "neither")},
    minimiser="mean",
    noise="Tweedie, of power p",
    noiseless={"p": (Interval(0, 1, "neither"),)},
)
def tweedie_deviance(x, t, p=1.5, log_input=False):
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987.

    2 (t^(2-p) / ((1-p)(2-p)) - t x^(1-p) / (1-p) + x^(2-p) / (2-p)) and its limits: the squared error for p = 0,
    Poisson for 1, gamma for 2, inverse Gaussian for 3. Where p < 0 and t < 0 the first term is 0, as in scikit-learn;
    no distribution has 0 < p < 1, which scikit-learn refuses. It is nan where x is negative, or t with p >= 1, and
    infinite at t = 0 with p >= 2.
    """
    # It is twice the integral of (u - t) / u^p over u from t to x; with u = t exp(w) the integrand is t^(2-p) times
    # exp((1-p) w) (exp(w) - 1), near w = 0 a series.
    mean = _mean(x, log_input)
    y = where(t <= 0, 1, t)
    w = where(log_input != 0, x - log(y), log_ratio(mean, y))
    near = abs(w) * (1 + abs(1 - p)) < 1
    s = where(near, w, 0)
    at_x = where(log_input != 0, exp((2 - p) * x), mean ** (2 - p))
    lower = where(log_input != 0, exp((1 - p) * x), mean ** (1 - p))
    at_t = y ** (2 - p)
    far = _integral(w, 2 - p, at_x, at_t) - _integral(w, 1 - p, lower * t, at_t)
    inside = where(near, at_t * (s * s * growth_series(s, 1 - p)), far)
    # The integrals themselves, each without its lower end: with it they are infinite at both, but have their slopes.
    upper_part = where(p == 2, w, at_x / where(p == 2, 1, 2 - p))
    lower_part = where(p == 1, w, lower / where(p == 1, 1, 1 - p))
    small = mean < 1
    largest = where(small, where(p < 1, 0, abs(lower_part)), where(p > 2, 0, abs(upper_part)))
    limit = math.inf + where(small, -t * lower_part, upper_part)
    positive = where(largest == math.inf, limit, inside)
    zero = where(p < 2, upper_part, math.inf + where(abs(upper_part) == math.inf, 0, upper_part))
    negative = where(p < 1, upper_part - t * lower_part, mean * where(t < 0, math.nan, 1))
    error = where(log_input != 0, mean, x) - t
    return where(p == 0, error * error, 2 * where(t == 0, zero, where(t < 0, negative, positive)))
