# pyright: basic
"""The losses of regression, as functions of the residual r = prediction - target."""

from normwise.catalogue.declaration import NON_NEGATIVE, POSITIVE, PROBABILITY
from normwise.catalogue.registry import loss
from normwise.formula import expm1, log1p, where


@loss(accepts=("integer", "complex"))
def l1(r):
    """Absolute error: its minimiser is the median.

    The gradient at 0 is 0, as in torch (scikit-learn takes -1). Of complex tensors it is the modulus.
    """
    return abs(r)


@loss(module="MSELoss")
def mse(r):
    """Squared error: its minimiser is the mean.

    Not halved: scikit-learn's HalfSquaredError and `optax.l2_loss` are half of it.
    """
    return r * r


@loss(domain={"beta": NON_NEGATIVE})
def smooth_l1(r, beta=1.0):
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015.

    Huber's loss divided by its delta. With beta = 0 it is the absolute error, as in torch (mmdet refuses 0, fvcore
    takes beta < 1e-5 for 0). At abs(r) = beta it is on the straight part, as in torch. detectron2's default beta is
    0.
    """
    a = abs(r)
    quadratic = where(beta > 0, 0.5 * r * r / beta, a)
    return where(a >= beta, a - 0.5 * beta, quadratic)


@loss(domain={"delta": POSITIVE}, divisor="count")
def huber(r, delta=1.0):
    """Half the squared error within delta of zero, straight beyond: Huber, 1964.

    Delta times the smooth L1. At abs(r) = delta it is on the straight part, as in torch (scikit-learn and Keras count
    it to the parabola: the value and the slope are the same, the curvature is not). A weighted mean divides by the
    count, as in torch.
    """
    a = abs(r)
    return where(a >= delta, delta * (a - 0.5 * delta), 0.5 * r * r)


@loss
def log_cosh(r):
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it.

    Its gradient is tanh(r). It never overflows (torchmetrics' does from 100 on), and near zero it keeps all its digits,
    where the textbook's ``a + log1p(exp(-2 a)) - log(2)`` cancels: cosh(r) - 1 = m^2 / (2 (1 + m)) with m = expm1(r).
    """
    a = abs(r)
    near = a < 1
    m = expm1(where(near, r, -a))
    # The denominator is safe on both sides: an autograd that multiplies with 0 must find no 0 / 0 on the one not taken.
    return where(near, 0, a) + log1p(where(near, 0.5 * m * m / (1 + where(near, m, 0)), m + 0.5 * m * m))


@loss(domain={"q": PROBABILITY})
def quantile(r, q=0.5):
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978.

    scikit-learn's mean_pinball_loss with alpha = q; pytorch-forecasting and GluonTS take twice this. At zero the two
    slopes share the gradient: 1/2 - q.
    """
    # As maximum(below, above), but with no 0 * inf from the side not taken where q is 0 or 1.
    below, above = -q * r, (1 - q) * r
    return where(r > 0, above, where(r < 0, below, 0.5 * (below + above)))
