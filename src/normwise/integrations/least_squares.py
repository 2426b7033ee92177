"""The losses as SciPy's `least_squares` wants them: functions of the squared residual."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from normwise.catalogue import Loss
from normwise.engines import passes
from normwise.engines.passes import Pass
from normwise.errors import InputError
from normwise.formula.caches import per_formula
from normwise.formula.numbers import number_value
from normwise.integrations.bound import Bound, bind_pointwise
from normwise.libraries.arrays import MEMORY

NEAR = 2.0**-300
"""A residual that stands for 0, with both its square and the square's reciprocal in the range of float64."""

SMALL = 1e-8
"""Up to which relative change of the slope its Taylor series serves: as exact as the difference is from there on, of
which rounding takes 1e-16 of 1e-8."""

NOISE = 8 * np.finfo(np.float64).eps
"""Relative difference of slopes below which it is rounding alone."""

FINITE = 2.0**128
"""What no curvature of a loss that is smooth at 0 reaches; that of one with a kink or a cusp does, at `NEAR`. There the
odd derivatives of a smooth one are below its reciprocal."""

PROBES = [2.0**k for k in range(-30, 31, 4)]
"""Residuals at which a loss is seen to be even."""


class SquaredResidualLoss:
    """A loss as a function of the squared residual, with two derivatives; see `scipy_loss`."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._check()
        self.curvature, third, fourth = (self._at(NEAR, order) for order in (2, 3, 4))
        if not (abs(self.curvature) < FINITE and abs(self._at(NEAR, 1)) < 1 / FINITE):
            raise InputError(
                f"{self._told()} has a kink at 0, where its derivative in the squared residual is infinite: "
                "take a loss that is smooth there, such as huber, smooth_l1 or log_cosh"
            )
        # L'(r) / r = L''(0) + z L''''(0) / 6 + ...; a loss with a third derivative at 0 has no such series.
        has_series = abs(third) < 1 / FINITE < abs(fourth)
        self.limit = fourth / 6 if has_series else 0.0
        self.series = SMALL * abs(self.curvature / self.limit) if has_series else 0.0
        # A loss that is flatter at 0 than any parabola has no unit there.
        self.unit = self.curvature if self.curvature > 1 / FINITE else 1.0

    def __call__(self, z: Any) -> Any:
        """Return rho, its first and its second derivative, of shape ``(3, *z.shape)``, at squared residuals."""
        z = np.asarray(z, np.float64)
        r = np.sqrt(z)
        rho = np.empty((3, *z.shape))
        values = derivatives(self.bound.loss)
        values.run(MEMORY, [np.ascontiguousarray(r)], [*rho], tuple(self.bound.parameters.values()), 1.0)
        with np.errstate(all="ignore"):  # the branches that are not taken
            rho[0] *= 2
            rho[1] = np.where(r == 0, self.curvature, rho[1] / r)
            change = rho[2] - rho[1]
            change = np.where(abs(change) <= NOISE * abs(rho[1]), 0, change)
            rho[2] = np.where(z <= self.series, self.limit, np.where(r == 0, 0, change / (2 * z)))
        return rho / self.unit

    def _check(self) -> None:
        """Raise where the loss is no even function of the residual."""
        if self.bound.loss.written.arrays != ("r",):
            raise InputError(f"{self._told()} is no function of the residual alone, of whose square SciPy's losses are")
        for r in PROBES:
            below, above = self._at(-r, 0), self._at(r, 0)
            if not math.isclose(below, above, rel_tol=1e-9):
                raise InputError(
                    f"{self._told()} is {below:g} at -{r:g} and {above:g} at {r:g}: "
                    "SciPy's losses are functions of the squared residual, which does not know its sign"
                )

    def _at(self, r: float, order: int) -> float:
        """A derivative of the loss at one residual."""
        formula = self.bound.loss.written.derivative(*["r"] * order)
        return number_value(formula.expression, {"r": r, **self.bound.parameters})

    def _told(self) -> str:
        given = ", ".join(f"{name}={value:g}" for name, value in self.bound.parameters.items())
        return f"{self.bound.loss.name} with {given}" if given else self.bound.loss.name

    def __repr__(self) -> str:
        return f"<{self._told()}, of the squared residual>"


@per_formula
def derivatives(loss: Loss) -> Pass:
    """Return the pass that writes the values of a loss of the residual, its slopes and its curvatures."""
    return passes.mapping(loss.written, loss.written.derivative("r"), loss.written.derivative("r", "r"))


def scipy_loss(loss: Any, **parameters: float) -> Callable[[Any], Any]:
    r"""Return a loss for SciPy's ``least_squares(loss=...)``.

    SciPy minimises half the sum of :math:`C^2 \rho(f^2 / C^2)`, where C is its `f_scale`. Its own losses have a slope
    of 1 at 0, so that a small residual counts as it does without a loss. A loss L of the residuals is brought to that:

    .. math:: \rho(z) = \frac{2 L(r)}{L''(0)}, \quad \rho'(z) = \frac{L'(r)}{r L''(0)}, \quad
        \rho''(z) = \frac{L''(r) - L'(r) / r}{2 z L''(0)} \quad \text{where } r = \sqrt z,

    so that `cost` is the sum of L over L''(0). At z = 0 and near it the derivatives are their limits. A loss whose
    curvature at 0 is 0 is taken as it is: :math:`\rho = 2 L`.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself: an even
        function of the residual, smooth at 0.
    **parameters : float
        The loss's parameters, in units of `f_scale`.

    Returns
    -------
    callable
        Of an array z of squared residuals; it returns an array of float64 whose first dimension holds rho and its first
        two derivatives. ``"huber"``, ``"cauchy"`` and ``"arctan"`` are SciPy's own, ``"pseudo_huber"`` is its
        ``"soft_l1"``, and ``"mse"`` its ``"linear"``.

    Raises
    ------
    InputError
        Where there is no such loss or parameter; where the loss is not even, or not of the residual alone, is made of
        means, or has a kink at 0, as `l1` has.

    Examples
    --------
    >>> import numpy
    >>> from scipy.optimize import least_squares
    >>> from normwise.integrations import scipy_loss
    >>> y = numpy.array([1.0, 1.1, 0.9, 30.0])
    >>> least_squares(lambda m: m - y, [0.0], loss=scipy_loss("log_cosh"), f_scale=0.1).x.round(2)
    array([1.06])
    """
    return SquaredResidualLoss(bind_pointwise(loss, parameters, "SciPy"))
