# pyright: basic
"""The losses of relative errors: percentages, logarithms, errors in units of a scale."""

import math

from normwise.catalogue.declaration import NON_NEGATIVE, POSITIVE
from normwise.catalogue.registry import loss
from normwise.formula import log1p, maximum, where


@loss(domain={"eps": NON_NEGATIVE}, minimiser="median weighted by 1 / abs(t)")
def absolute_percentage(x, t, eps=1.17e-6):
    """Absolute error divided by the target's modulus, or by eps where that is larger: MAPE.

    A fraction, not a percentage: Keras' is 100 times this. The default eps is torchmetrics'; scikit-learn takes
    2.2e-16, Keras 1e-7.
    """
    return abs(x - t) / maximum(abs(t), eps)


@loss(minimiser="M-estimate of location")
def symmetric_percentage(x, t):
    """Absolute error divided by the mean of both moduli, 2 abs(x - t) / (abs(x) + abs(t)): SMAPE; Makridakis, 1993.

    It is 0 where both are 0, and 2 where their signs differ; without the half in the denominator it is half of this.
    torchmetrics raises the denominator to 1.17e-6.
    """
    # By the ratio of the smaller one to the larger, in which the slope far from the target does not cancel.
    below = abs(x) < abs(t)
    larger = where(below, t, x)
    larger = where(larger == 0, 1, larger)
    q = where(below, x, t) / larger
    error = where(q > 0.5, abs(x - t) / abs(larger), 1 - q)
    differ = where(x < 0, t, where(x > 0, -t, 0)) > 0  # in sign, which a ratio loses that underflows
    return where(x == t, 0, where(differ, 2, 2 * error / (1 + abs(q))))


@loss(module="MSLELoss", minimiser="exp(mean(log(1 + t))) - 1", noise="log-normal, of 1 + t")
def msle(x, t):
    """Squared error of log(1 + x): of relative errors, for counts and prices.

    scikit-learn's mean_squared_log_error. Keras raises x and t to 1e-7 first; here numbers below -1 are nan.
    """
    # The difference of the logarithms by that of the numbers, which is exact where they are near.
    above = x >= t
    size = 1 + where(above, t, x)
    d = log1p(where(above, x - t, t - x) / where(size < 0, math.nan, size))
    return d * d


@loss(module="MASELoss", domain={"scale": POSITIVE}, minimiser="median", noise="Laplace")
def mase(r, scale):
    """Absolute error in units of a scale, that of a naive forecast: MASE; Hyndman and Koehler, 2006.

    ``scale`` is the mean absolute error of the seasonal naive forecast on the training data, mean(abs(y[m:] - y[:-m]))
    for a season of m steps: one number for each series.
    """
    return abs(r) / scale
