# pyright: basic
"""Losses that are made of means: a finishing formula of the mean of each of one or more formulas."""

import math

from normwise.catalogue.norms import root
from normwise.catalogue.registry import loss
from normwise.catalogue.relative import msle
from normwise.formula import log, where


def _logarithm(m0):
    # Of a perfect fit it is minus infinity, without a slope: the gradient is 0 there, and not 0 times infinity.
    positive = m0 > 0
    return where(positive, log(where(positive, m0, 1)), where(m0 == m0, -math.inf, m0))


def _ratio(m0, m1):
    return m0 / m1


def _modulus_of_target(x, t):
    return abs(t)


@loss(finish=root, minimiser="mean", module="RMSELoss")
def rmse(r):
    """Root of the mean squared error: in the unit of the target; its minimiser is the mean.

    Its gradient at a perfect fit is 0, where that of torch's sqrt of a mean is nan.
    """
    return r * r


@loss(finish=root, minimiser="exp(mean(log(1 + t))) - 1", module="RMSLELoss")
def rmsle(x, t):
    """Root of the mean squared error of log(1 + x): of relative errors, for counts and prices.

    scikit-learn's root_mean_squared_log_error. Keras raises x and t to 1e-7 first; here numbers below -1 are nan.
    """
    return msle.written(x=x, t=t)


@loss(finish=_logarithm, minimiser="mean", noise="Gaussian, of unknown variance", module="LogMSELoss")
def log_mse(r):
    """Logarithm of the mean squared error: a factor in the errors' scale is a constant, without effect on the gradient.

    Half of it is, but for a constant, the Gaussian negative log-likelihood with the variance that fits best. Of a
    perfect fit it is minus infinity, and the gradient 0.
    """
    return r * r


@loss(finish=_ratio, beside=(_modulus_of_target,), minimiser="median", module="WMAPELoss")
def wmape(x, t):
    """Weighted absolute percentage error: the sum of the absolute errors, divided by that of the absolute targets.

    A fraction, not a percentage; forecasters also call it ND, the normalised deviation. torchmetrics raises the
    denominator to 1.17e-6, here it may be 0 and the result infinite.
    """
    return abs(x - t)
