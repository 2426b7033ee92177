# pyright: basic
"""The losses with unequal sides: their minimisers are quantiles, expectiles and their like."""

import math

from normwise.catalogue.declaration import POSITIVE, PROBABILITY, Interval
from normwise.catalogue.elementary import exp_remainder
from normwise.catalogue.registry import loss
from normwise.formula import where

ONE_SIDED = {"q": (Interval(0, 0), Interval(1, 1))}
"""Where errors to one side cost nothing."""


def _side(r, q):
    """What a prediction too high, too low, and right is weighted with."""
    return where(r > 0, 1 - q, where(r < 0, q, 0.5))


def _counted(r, factor):
    """The residual, but 0 for an infinite one that counts for nothing: its limit, where its product is nan."""
    return where(factor == 0, where(abs(r) == math.inf, 0, r), r)


@loss(domain={"q": PROBABILITY}, minimiser="quantile q", noise="asymmetric Laplace", noiseless=ONE_SIDED)
def quantile(r, q=0.5):
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978.

    scikit-learn's mean_pinball_loss with alpha = q; pytorch-forecasting and GluonTS take twice this. At zero the two
    slopes share the gradient: 1/2 - q.
    """
    # As maximum(below, above), but with no 0 * inf where q is 0 or 1.
    size = _counted(r, _side(r, q))
    below, above = -q * size, (1 - q) * size
    return where(r > 0, above, where(r < 0, below, 0.5 * (below + above)))


@loss(
    domain={"q": PROBABILITY, "delta": POSITIVE},
    minimiser="M-quantile q",
    noise="asymmetric, Gaussian with Laplace tails",
    noiseless=ONE_SIDED,
)
def huber_quantile(r, q=0.5, delta=1.0):
    """Huber's loss with each side weighted as by the pinball loss: Breckling and Chambers, M-quantiles, 1988.

    As neuralforecast's HuberQLoss and statsmodels' MQuantileNorm; QR-DQN (Dabney et al., 2018) divides by delta. Twice
    this is Huber's loss for q = 1/2. At abs(r) = delta it is on the straight part.
    """
    side = _side(r, q)
    r = _counted(r, side)
    a = abs(r)
    return where(a >= delta, delta * (side * (a - 0.5 * delta)), 0.5 * side * r * r)


@loss(domain={"q": PROBABILITY}, minimiser="expectile q", noise="asymmetric Gaussian", noiseless=ONE_SIDED)
def expectile(r, q=0.5):
    """Squared error with each side weighted as by the pinball loss: Newey and Powell, 1987.

    Its minimiser is the expectile q: the mean for q = 1/2, where it is half the squared error. statsmodels'
    MQuantileNorm of LeastSquares is half of it.
    """
    side = _side(r, q)
    r = _counted(r, side)
    return side * r * r


@loss(
    domain={"a": Interval(-math.inf, math.inf, "neither")},
    minimiser="-log(mean(exp(-a t))) / a",
    noise="Gumbel",
    noiseless={"a": (Interval(0, 0),)},
)
def linex(r, a=1.0):
    """Exponential on one side, linear on the other, exp(a r) - a r - 1: Varian, 1975; Zellner, 1986.

    A prediction too high costs more if a > 0, one too low if a < 0; near zero it is (a r)^2 / 2. With a = 0 it is 0.
    """
    return exp_remainder(a * _counted(r, a))
