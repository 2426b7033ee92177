# pyright: basic
"""Unit deviances: twice the log-likelihood that a prediction of the mean lacks to that of the target itself.

They are those of sklearn.metrics; with ``log_input`` the prediction is the logarithm of the mean, and scikit-learn's
HalfPoissonLoss, HalfGammaLoss and HalfTweedieLoss are half of them, but for what does not depend on the prediction.
"""

import math

from normwise.catalogue.declaration import Interval
from normwise.catalogue.elementary import growth, growth_series, log_ratio
from normwise.catalogue.registry import loss
from normwise.formula import exp, log, where


@loss(minimiser="mean", noise="Poisson")
def poisson_deviance(x, t, log_input=False):
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972.

    x is positive, or any number where it is the logarithm of the mean; t is not negative.
    """
    # With w = log(x/t) it is 2 t (exp(w) - 1 - w), which near w = 0 is a series.
    mean = where(log_input != 0, exp(x), x)
    count = where(t == 0, 1, t)
    w = where(log_input != 0, x - log(count), log_ratio(x, count))
    near = abs(w) < 1
    s = where(near, w, 0)
    deviance = where(near, count * s * s * growth_series(s), mean - count - count * w)
    return 2 * where(t == 0, mean, deviance)


@loss(minimiser="mean", noise="gamma")
def gamma_deviance(x, t, log_input=False):
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983.

    x is positive, or any number where it is the logarithm of the mean; t is positive.
    """
    # With w = log(t/x) it is 2 (exp(w) - 1 - w), which near w = 0 is a series.
    ratio = where(log_input != 0, t * exp(-x), t / x)
    w = where(log_input != 0, log(t) - x, log_ratio(t, x))
    near = abs(w) < 1
    s = where(near, w, 0)
    return 2 * where(near, s * s * growth_series(s), ratio - 1 - w)


def _integral(w, k, at_x, at_t):
    """(at_x - at_t) / k, where at_x = exp(k w) at_t, and its limit at k = 0."""
    near = abs(k * w) < 1
    return where(near, at_t * growth(where(near, w, 0), k), (at_x - at_t) / where(k == 0, 1, k))


@loss(
    domain={"p": Interval()},
    minimiser="mean",
    noise="Tweedie, of power p",
    noiseless={"p": (Interval(0, 1, "neither"),)},
)
def tweedie_deviance(x, t, p=1.5, log_input=False):
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987.

    2 (t^(2-p) / ((1-p)(2-p)) - t x^(1-p) / (1-p) + x^(2-p) / (2-p)) and its limits: the squared error for p = 0,
    Poisson for 1, gamma for 2, inverse Gaussian for 3. Where p < 0 and t < 0 the first term is 0, as in scikit-learn;
    no distribution has 0 < p < 1, which scikit-learn refuses.
    """
    # It is twice the integral of (u - t) / u^p over u from t to x; with u = t exp(w) the integrand is t^(2-p) times
    # exp((1-p) w) (exp(w) - 1), near w = 0 a series.
    mean = where(log_input != 0, exp(x), x)
    y = where(t <= 0, 1, t)
    w = where(log_input != 0, x - log(y), log_ratio(x, y))
    near = abs(w) * (1 + abs(1 - p)) < 1
    s = where(near, w, 0)
    at_x = where(log_input != 0, exp((2 - p) * x), mean ** (2 - p))
    lower = where(log_input != 0, exp((1 - p) * x), mean ** (1 - p))
    at_t = y ** (2 - p)
    far = _integral(w, 2 - p, at_x, at_t) - _integral(w, 1 - p, lower * t, at_t)
    whole = where(near, at_t * (s * s * growth_series(s, 1 - p)), far)
    # Without a positive target, or one that matters, the first term is left out; one that cannot be is infinitely far.
    impossible = where(mean == mean, math.inf, mean)
    none = where(p < 2, at_x / where(p < 2, 2 - p, 1), impossible)
    rest = where(p < 1, at_x / where(p < 1, 2 - p, 1) - lower * t / where(p < 1, 1 - p, 1), impossible)
    unit = where(t == 0, none, where(where(t <= 0, math.inf, at_x) == math.inf, rest, whole))
    error = mean - t
    return where(p == 0, error * error, 2 * unit)
