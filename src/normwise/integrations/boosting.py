"""Objectives and metrics for XGBoost and LightGBM: gradient and curvature in one pass over the predictions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from normwise import fused
from normwise.array_calls import MEMORY
from normwise.catalogue import Loss
from normwise.engines.cpu.kernel import SERIAL
from normwise.errors import InputError, near_names
from normwise.formula import Expression, Formula, where
from normwise.formula.derivative import scaled
from normwise.formula.expression import variable
from normwise.fused import SCALE, Pass
from normwise.integrations.bound import Bound, Score, bind_pointwise, bind_two, rows
from normwise.terms import WEIGHT

Curvature = Literal["positive", "secant", "exact", "unit"]


class Derivatives(NamedTuple):
    """What a curvature is made of: the loss's two derivatives, and prediction - target."""

    first: Expression
    second: Expression
    residual: Expression


CURVATURES: Mapping[Curvature, Callable[[Derivatives], Any]] = {
    # Not the maximum: the second derivative may be nan where the loss itself is not.
    "positive": lambda d: where(d.second > 1, d.second, 1),
    "secant": lambda d: where(_is_zero(d.residual), d.second, d.first / d.residual),
    "exact": lambda d: d.second,
    "unit": lambda d: 1,
}


def _is_zero(expression: Any) -> Any:
    return expression == 0  # a comparison within a formula


class Objective:
    """The gradient and the curvature of a loss, as XGBoost and LightGBM call for them.

    See `xgboost_objective` and `lightgbm_objective`, which make one.
    """

    def __init__(self, bound: Bound, curvature: Curvature, factor: float) -> None:
        self.bound, self.curvature, self.factor = bound, curvature, float(factor)
        self.__name__ = bound.loss.name
        if curvature not in CURVATURES:
            raise InputError(f"there is no curvature {curvature!r}: {near_names(str(curvature), get_args(Curvature))}")
        if curvature == "secant" and bound.loss.written.arrays[0] != "r":
            raise InputError(f"{bound.loss.name} is no function of the residual, which curvature='secant' is made for")
        if not 0 < self.factor < np.inf:
            raise InputError(f"factor is {factor!r}: expected a positive number")

    def __call__(self, first: Any, second: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return gradient and curvature, of ``(y_true, y_pred, sample_weight)`` or ``(predictions, data)``."""
        prediction, target, weight = rows(*_in_order(first, second, sample_weight))
        arrays = [prediction, target] if weight is None else [prediction, target, weight]
        results = [np.empty(prediction.shape, np.float32), np.empty(prediction.shape, np.float32)]
        both = derivatives(self.bound.loss, self.curvature, weight is not None)
        parameters = tuple(self.bound.parameters.values())
        # In pieces that take one thread: the booster's own threads are still spinning for their next work, and another
        # would wait for one of their cores longer than the whole pass takes.
        step = max(1, (SERIAL - 1) * len(prediction) // max(1, prediction.size))
        for at in range(0, len(prediction), step):
            given, written = ([array[at : at + step] for array in part] for part in (arrays, results))
            both.run(MEMORY, given, written, parameters, self.factor)
        return results[0], results[1]

    def __deepcopy__(self, memo: Any) -> Objective:
        return self

    def __repr__(self) -> str:
        parameters = "".join(f", {name}={value!r}" for name, value in self.bound.parameters.items())
        return f"Objective({self.bound.loss.name!r}{parameters}, curvature={self.curvature!r}, factor={self.factor!r})"


def _in_order(first: Any, second: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return prediction, target and weight: the second argument is XGBoost's or LightGBM's data, or the predictions."""
    if hasattr(second, "get_label"):
        return first, second.get_label(), second.get_weight()
    return second, first, weight


@functools.cache
def derivatives(loss: Loss, curvature: Curvature, weighted: bool) -> Pass:
    """Return the pass that writes a loss's gradient and curvature, times the weight and `SCALE`."""
    formula = loss.formula
    x, t = formula.arrays
    slope = formula.derivative(x)
    given = Derivatives(slope.expression, slope.derivative(x).expression, variable(x) - variable(t))
    by = variable(WEIGHT) * variable(SCALE) if weighted else variable(SCALE)
    arrays = (x, t, WEIGHT) if weighted else (x, t)

    def written(name: str, expression: Any) -> Formula:
        # A plain number is one of every element.
        times = scaled(expression, by) if isinstance(expression, Expression) else by * expression
        return Formula(name, arrays, formula.parameters, times)

    return fused.mapping(written("gradient", given.first), written("curvature", CURVATURES[curvature](given)))


class XGBoostMetric(Score):
    """The mean loss, as XGBoost calls for it; see `xgboost_metric`."""

    def __call__(self, first: Any, second: Any, sample_weight: Any = None) -> Any:
        prediction, target, weight = _in_order(first, second, sample_weight)
        value = super().__call__(target, prediction, weight)
        return (self.__name__, value) if hasattr(second, "get_label") else value


class LightGBMMetric(Score):
    """The mean loss, as LightGBM calls for it; see `lightgbm_metric`."""

    def __call__(self, first: Any, second: Any, sample_weight: Any = None) -> Any:
        prediction, target, weight = _in_order(first, second, sample_weight)
        return self.__name__, super().__call__(target, prediction, weight), False


def xgboost_objective(
    loss: Any, *, curvature: Curvature = "positive", factor: float = 1.0, **parameters: float
) -> Objective:
    r"""Return a loss as an objective for XGBoost.

    XGBoost fits each tree to the sums of gradient g and curvature h, to which a leaf's step is

    .. math:: -\frac{\sum g}{\sum h + \lambda} \quad g = f w \, L'(x, t), \quad h = f w \, L''(x, t).

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    curvature : {"positive", "secant", "exact", "unit"}
        What h is. A booster needs it positive, which the second derivative of many losses is not: it is 0 for the
        absolute error, and negative for a loss that flattens out.

        - ``"positive"``: the second derivative, but 1 at least. This is what XGBoost gives its absolute and its
          quantile loss, and LightGBM these and Huber's. As no step is longer than the gradient, none overshoots.
        - ``"secant"``: L'(r) / r, for losses of the residual: the curvature of the parabola that touches the loss at r
          and has its lowest point at 0, as in iteratively reweighted least squares. Choose it for robust losses of
          targets in their natural unit: its steps are as long as the residuals, and do not overshoot where the loss is
          concave in the squared residual. It is small where residuals are large: give `factor` their size, or lower
          `min_child_weight` and `reg_lambda`. At a kink at 0 it is infinite, so that a loss that is smooth there does
          better than `l1`.
        - ``"exact"``: the second derivative as it is. Right for losses that curve everywhere; where others are nearly
          straight, steps are endless or `min_child_weight` forbids every split.
        - ``"unit"``: 1 everywhere.
    factor : float
        What gradient and curvature are multiplied with. XGBoost's squared error is half of `mse`: with ``factor=0.5``
        the two are one, and `reg_lambda`, `min_child_weight` and `gamma` mean the same.
    **parameters : float
        The loss's parameters.

    Returns
    -------
    callable
        For ``xgboost.train(..., obj=...)``, of ``(predictions, DMatrix)``, and for ``XGBRegressor(objective=...)``, of
        ``(y_true, y_pred, sample_weight=None)``. It returns gradient and curvature, float32 and of the predictions'
        shape, which one pass over the data has written. It can be pickled and cloned.

    Raises
    ------
    InputError
        Where there is no such loss, parameter or curvature; where the loss reads further arrays, such as a variance, or
        is made of means.

    Notes
    -----
    XGBoost leaves the weights to the objective, which multiplies with them. With an objective that is not its own it
    starts from ``base_score=0.5``, not from the targets' mean or median: give it one where the targets are far from 0.
    It also renews the leaves of its absolute and its quantile loss to medians and quantiles, which it does for no other
    objective: with ``"positive"`` each tree then moves a prediction by `learning_rate` times the largest slope at most,
    so scale the targets, or choose ``"secant"``.

    Examples
    --------
    >>> import numpy, normwise.integrations
    >>> objective = normwise.integrations.xgboost_objective("huber", delta=2.0, curvature="secant")
    >>> gradient, curvature = objective(numpy.array([0.0, 0.0]), numpy.array([1.0, 8.0]))
    >>> gradient.tolist(), curvature.tolist()
    ([1.0, 2.0], [1.0, 0.25])

    Give it as ``xgboost.train({"base_score": 140.0}, data, obj=objective)``, or as
    ``XGBRegressor(objective=objective, base_score=140.0)``.
    """
    return Objective(bind_pointwise(loss, parameters, "XGBoost"), curvature, factor)


def lightgbm_objective(
    loss: Any, *, curvature: Curvature = "positive", factor: float = 1.0, **parameters: float
) -> Objective:
    r"""Return a loss as an objective for LightGBM.

    A leaf's step is minus the sum of the gradients over the sum of the curvatures and lambda, as in XGBoost.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    curvature : {"positive", "secant", "exact", "unit"}
        What LightGBM calls the hessian: see `xgboost_objective`. With ``"positive"`` the gradients and the curvatures
        of `l1`, `quantile` and `huber` are those of LightGBM's own.
    factor : float
        What both are multiplied with. LightGBM's L2 is half of `mse`: with ``factor=0.5`` the two are one.
    **parameters : float
        The loss's parameters.

    Returns
    -------
    callable
        For ``lightgbm.train({"objective": ...}, ...)``, of ``(predictions, Dataset)``, and for
        ``LGBMRegressor(objective=...)``, of ``(y_true, y_pred, weight)``. It returns gradient and curvature, float32
        and of the predictions' shape. It can be pickled and cloned.

    Raises
    ------
    InputError
        Where there is no such loss, parameter or curvature; where the loss reads further arrays, such as a variance, or
        is made of means.

    Notes
    -----
    LightGBM leaves the weights to the objective, which multiplies with them, and starts from 0: ``boost_from_average``
    is for its own objectives, for others give the data an ``init_score``. It renews the leaves of its own L1 and
    quantile loss to medians and quantiles, which it does for no other objective.

    Examples
    --------
    >>> import numpy, normwise.integrations
    >>> objective = normwise.integrations.lightgbm_objective("quantile:q=0.9")
    >>> gradient, curvature = objective(numpy.array([0.0, 0.0]), numpy.array([1.0, -8.0]), numpy.array([1.0, 2.0]))
    >>> gradient.round(2).tolist(), curvature.tolist()
    ([0.1, -1.8], [1.0, 2.0])
    """
    return Objective(bind_pointwise(loss, parameters, "LightGBM"), curvature, factor)


def xgboost_metric(loss: Any, **parameters: float) -> XGBoostMetric:
    """Return the mean of a loss as a metric for XGBoost.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    **parameters : float
        The loss's parameters.

    Returns
    -------
    callable
        For ``xgboost.train(..., custom_metric=...)``, of ``(predictions, DMatrix)``, which returns the loss's name and
        the mean; and for ``XGBRegressor(eval_metric=...)``, of ``(y_true, y_pred, sample_weight=None)``, which returns
        the mean. It divides by the sum of the weights.

    Raises
    ------
    InputError
        Where there is no such loss or parameter; where the loss reads further arrays.

    Examples
    --------
    >>> import numpy, normwise.integrations
    >>> metric = normwise.integrations.xgboost_metric("rmse")
    >>> metric(numpy.array([1.0, 2.0]), numpy.array([4.0, 6.0])), metric.__name__
    (3.54, 'rmse')
    """
    return XGBoostMetric(bind_two(loss, parameters, "XGBoost"))


def lightgbm_metric(loss: Any, **parameters: float) -> LightGBMMetric:
    """Return the mean of a loss as a metric for LightGBM.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    **parameters : float
        The loss's parameters.

    Returns
    -------
    callable
        For ``lightgbm.train(..., feval=...)``, of ``(predictions, Dataset)``, and for
        ``LGBMRegressor.fit(..., eval_metric=...)``, of ``(y_true, y_pred, weight)``. It returns the loss's name, the
        mean, and False, for it is not better when higher. It divides by the sum of the weights.

    Raises
    ------
    InputError
        Where there is no such loss or parameter; where the loss reads further arrays.

    Examples
    --------
    >>> import numpy, normwise.integrations
    >>> metric = normwise.integrations.lightgbm_metric("l1")
    >>> metric(numpy.array([1.0, 2.0]), numpy.array([4.0, 6.0]), numpy.array([3.0, 1.0]))
    ('l1', 3.25, False)
    """
    return LightGBMMetric(bind_two(loss, parameters, "LightGBM"))
