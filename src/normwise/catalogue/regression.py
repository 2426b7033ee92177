# pyright: basic
"""The losses of regression, as functions of the residual r = prediction - target."""

import math

from normwise.catalogue.declaration import FINITE, NON_NEGATIVE, POSITIVE, Interval
from normwise.catalogue.elementary import by_size, growth_series, log1p_ratio
from normwise.catalogue.registry import loss
from normwise.formula import exp, expm1, log, log1p, sqrt, where


@loss(accepts=("integer", "complex"), minimiser="median", noise="Laplace")
def l1(r):
    """Absolute error: its minimiser is the median.

    The gradient at 0 is 0, as in torch (scikit-learn takes -1). Of complex tensors it is the modulus.
    """
    return abs(r)


@loss(module="MSELoss", minimiser="mean", noise="Gaussian")
def mse(r):
    """Squared error: its minimiser is the mean.

    Not halved: scikit-learn's HalfSquaredError and `optax.l2_loss` are half of it.
    """
    return r * r


@loss(module="HalfMSELoss", minimiser="mean", noise="Gaussian")
def half_mse(r):
    """Half the squared error, whose slope is the residual itself: its minimiser is the mean.

    scikit-learn's HalfSquaredError, `optax.l2_loss`, statsmodels' LeastSquares.
    """
    return 0.5 * r * r


@loss(
    domain={"beta": NON_NEGATIVE},
    minimiser="M-estimate of location",
    noise="Gaussian with Laplace tails",
    noiseless={"beta": (Interval(math.inf, math.inf),)},
)
def smooth_l1(r, beta=1.0):
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015.

    Huber's loss divided by its delta. With beta = 0 it is the absolute error, as in torch (mmdet refuses 0, fvcore
    takes beta < 1e-5 for 0). At abs(r) = beta it is on the straight part, as in torch. detectron2's default beta is
    0.
    """
    a = abs(r)
    quadratic = where(beta > 0, 0.5 * r * (r / beta), a)
    return where(a >= beta, a - 0.5 * beta, quadratic)


@loss(
    domain={"delta": POSITIVE},
    divisor="count",
    minimiser="M-estimate of location",
    noise="Gaussian with Laplace tails",
)
def huber(r, delta=1.0):
    """Half the squared error within delta of zero, straight beyond: Huber, 1964.

    Delta times the smooth L1. At abs(r) = delta it is on the straight part, as in torch (scikit-learn and Keras count
    it to the parabola: the value and the slope are the same, the curvature is not). A weighted mean divides by the
    count, as in torch.
    """
    a = abs(r)
    return where(a >= delta, delta * (a - 0.5 * delta), 0.5 * r * r)


@loss(domain={"delta": POSITIVE}, minimiser="M-estimate of location", noise="hyperbolic")
def pseudo_huber(r, delta=1.0):
    """Huber's loss made smooth, delta^2 (sqrt(1 + (r/delta)^2) - 1): Charbonnier et al., 1997.

    As scipy.special.pseudo_huber. SciPy's soft_l1 is twice this, kornia's Charbonnier loss this with delta = 1, and
    delta^2 times Barron's general loss with alpha = 1 and c = delta.
    """
    # sqrt(1 + q^2) - 1 = q^2 / (1 + sqrt(1 + q^2)), which does not cancel; q is the ratio of r to delta or its inverse.
    far, smaller, larger = by_size(r, delta)
    q = smaller / larger
    share = 1 / (1 + sqrt(1 + q * q))
    return smaller * where(far, (larger - smaller) + smaller * (q * share), smaller * share)


@loss(domain={"eps": POSITIVE}, minimiser="M-estimate of location", noise="hyperbolic")
def charbonnier(r, eps=1e-3):
    """Absolute error with its corner rounded, sqrt(r^2 + eps^2): Charbonnier et al., 1994; of image restoration.

    It is eps, not 0, at r = 0, as in BasicSR (whose own eps is the square of this one); kornia's, from which 1 is
    subtracted, is the pseudo-Huber loss.
    """
    _, smaller, larger = by_size(r, eps)
    q = smaller / larger
    return larger * sqrt(1 + q * q)


@loss(minimiser="M-estimate of location", noise="hyperbolic secant")
def log_cosh(r):
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it.

    Its gradient is tanh(r). It never overflows (torchmetrics' does from 100 on), and near zero it keeps all its digits,
    where the textbook's ``a + log1p(exp(-2 a)) - log(2)`` cancels: cosh(r) - 1 = m^2 / (2 (1 + m)) with m = expm1(r).
    """
    a = abs(r)
    near = a < 1
    # Each side is given a number that is harmless to it where the other is taken.
    m = expm1(where(near, r, 0))
    u = where(near, 0.5 * m * m / (1 + m), 0.5 * exp(where(near, 0, -2 * a)) - 0.5)
    return where(near, 0, a) + log1p(u)


@loss(
    domain={"alpha": FINITE, "gamma": FINITE, "beta": FINITE},
    module="BalancedL1Loss",
    minimiser="M-estimate of location",
)
def balanced_l1(r, alpha=0.5, gamma=1.5, beta=1.0):
    """Absolute error whose slope within beta of zero is logarithmic: Pang et al., Libra R-CNN, 2019.

    Its slope rises as alpha log(b abs(r) + 1), with b = exp(gamma / alpha) - 1, to gamma. For another beta than 1 it
    is mmdet's formula, which then has a corner at zero and another slope at beta.
    """
    # With y = b a / beta = a / k and v = log(1 + y) the book's curve is alpha (a (v - 1) + v / b), which near zero
    # cancels: there it is alpha / b times (1 + y) (exp(-v) - 1 + v), a series of order y^2, and a rest that is 0 for
    # beta = 1. Where b leaves the range, its logarithm does not.
    rate = gamma / alpha
    room = -expm1(-rate)
    inverse = exp(-rate) / room
    a = abs(r)
    k = where(a + beta * inverse > 0, beta * inverse, 1)
    far = a > 1e18 * k
    size = where(far, a, 1)
    straight = size * (gamma + alpha * (log(size) + (log(room) - log(beta) - 1)))
    z = where(far, 0, r / k)
    y = abs(z)
    v = log1p(y)
    curved = k * (alpha * (y * (v - 1) + v / beta))
    near = v < 1
    root = where(near, z, 0)
    y = abs(root)
    ratio = log1p_ratio(y)
    series = (1 + y) * growth_series(-where(near, v, 0))
    bent = r * (root * (ratio * ratio * series / beta)) + (1 - 1 / beta) * (r * (root * ratio) - a)
    inside = where(far, straight, where(near, alpha * bent, curved))
    # gamma / b - alpha beta, whose first term for a small rate is near alpha, and for a large one far below
    slow = where(rate < 1, rate, 0)
    small = -(gamma * growth_series(slow)) * (rate * inverse) + alpha * (1 - beta)
    offset = where(rate < 1, small, gamma * inverse - alpha * beta)
    outside = gamma * a
    return where(a < beta, inside, outside + where(outside == math.inf, 0, offset))
