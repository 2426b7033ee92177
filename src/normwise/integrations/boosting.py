"""Objectives and metrics for XGBoost and LightGBM: gradient and curvature in one pass over the predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from normwise.catalogue import Loss
from normwise.engines import passes
from normwise.engines.cpu.kernel import SERIAL
from normwise.engines.passes import SCALE, Pass
from normwise.errors import InputError, near_names
from normwise.formula import Expression, Formula, where
from normwise.formula.caches import per_formula
from normwise.formula.expression import variable
from normwise.formula.numbers import number_value
from normwise.formula.tangent import scaled
from normwise.integrations.bound import Bound, Outputs, Score, bind_pointwise, bind_two, outputs_of, rows
from normwise.libraries.arrays import MEMORY
from normwise.terms import WEIGHT

Curvature = Literal["positive", "secant", "exact", "unit"]


class Derivatives(NamedTuple):
    """What a curvature is made of: the loss's two derivatives, and prediction - target."""

    first: Expression
    second: Expression
    residual: Expression

    at: Callable[[Any], Expression]
    """The first derivative at another residual of the same target."""


NEAR = "near'"
"""The parameter that says which residuals are near 0: no argument of a formula has such a name."""

SHARE = 0.01
"""Which share of the median residual is near 0."""

STEEPEST = 100.0
"""How many times the secant at `NEAR` the curvature nearer to 0 may be: beyond, the loss is as one with a kink."""

SAMPLE = 4096
"""How many rows are looked at to learn the unit of the residuals and of the curvature."""


def _secant(d: Derivatives) -> Any:
    """Slope over residual; near 0 the second derivative, between the secant at `NEAR` and `STEEPEST` times that.

    So a smooth loss has its own curvature at 0, and one with a kink, where the secant is endless, a large one.
    """
    near = variable(NEAR)
    beside = where(d.residual < 0, -d.at(-near), d.at(near)) / near
    most = beside * STEEPEST
    inner = where(d.second > beside, where(d.second < most, d.second, most), beside)
    secant = where(abs(d.residual) < near, inner, d.first / d.residual)
    return where(secant < 0, 0, secant)


CURVATURES: Mapping[Curvature, Callable[[Derivatives], Any]] = {
    # Not the maximum: the second derivative may be nan where the loss itself is not.
    "positive": lambda d: where(d.second > 1, d.second, 1),
    "secant": _secant,
    "exact": lambda d: d.second,
    "unit": lambda d: 1,
}


class Objective:
    """The gradient and the curvature of a loss, as XGBoost and LightGBM call for them.

    See `xgboost_objective` and `lightgbm_objective`, which make one.
    """

    def __init__(self, outputs: Outputs, curvature: Curvature | None, factor: float | None) -> None:
        self.outputs, self.bound = outputs, outputs.bounds[0]
        self.__name__ = self.bound.loss.name
        least = all(map(_is_least_at_target, outputs.bounds))
        self.curvature: Curvature = curvature or ("secant" if least else "positive")
        self.factor = factor if factor is None else float(factor)
        if self.curvature not in CURVATURES:
            raise InputError(f"there is no curvature {curvature!r}: {near_names(str(curvature), get_args(Curvature))}")
        if curvature == "secant" and not least:
            raise InputError(
                f"{self.bound.loss.name} is not least where the prediction is the target, as it is to be for "
                "curvature='secant': take 'positive' or 'exact'"
            )
        if self.factor is not None and not 0 < self.factor < np.inf:
            raise InputError(f"factor is {factor!r}: expected a positive number")

    def __call__(self, first: Any, second: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return gradient and curvature, of ``(y_true, y_pred, sample_weight)`` or ``(predictions, data)``."""
        arrays = rows(*_in_order(first, second, sample_weight))
        prediction = arrays[0]
        results = np.empty((2, *prediction.shape), np.float32)
        if prediction.ndim == 1 and len(self.outputs.bounds) == 1:
            results[:] = self._of_output(self.bound, *arrays)
            return results[0], results[1]
        for i, bound in enumerate(self.outputs.of(prediction.shape)):
            results[:, :, i] = self._of_output(bound, *(a if a is None else a[:, i] for a in arrays))
        return results[0], results[1]

    def _of_output(self, bound: Bound, prediction: Any, target: Any, weight: Any) -> Any:
        """Return gradient and curvature of one output, whose unit is its own."""
        near = factor = 1.0
        if self.curvature == "secant":
            there = slice(None) if weight is None or np.all(weight) else weight != 0
            counted = prediction[there], target[there]
            step = max(1, len(counted[0]) // SAMPLE)
            sample = [array[::step] for array in counted]
            near = _unit(SHARE * abs(np.subtract(*sample, dtype=np.float64)))
            _, curvature = _written(bound, "secant", sample, near, 1.0)
            factor = _unit(1 / curvature[curvature > 0], np.mean)
        arrays = [prediction, target] if weight is None else [prediction, target, weight]
        return _written(bound, self.curvature, arrays, near, factor if self.factor is None else self.factor)

    def __deepcopy__(self, memo: Any) -> Objective:
        return self

    def __repr__(self) -> str:
        return f"Objective({self.outputs.text}, curvature={self.curvature!r}, factor={self.factor!r})"


def _unit(sizes: Any, *summaries: Callable[[Any], Any]) -> float:
    """Return the first of the summaries that is a positive number, of the sizes that are numbers; 1 if none is."""
    known = sizes[np.isfinite(sizes)].astype(np.float64)
    found = (float(summary(known)) for summary in summaries or (np.median, np.mean) if known.size)
    return next((value for value in found if value > 0), 1.0)


def _written(bound: Bound, curvature: Curvature, arrays: list[Any], near: float, factor: float) -> Any:
    results = np.empty((2, len(arrays[0])), np.float32)
    both, parameters = derivatives(bound.loss, curvature, len(arrays) == 3), (*bound.parameters.values(), near)
    # In pieces that take one thread: the booster's own threads are still spinning for their next work, and another
    # would wait for one of their cores longer than the whole pass takes.
    for at in range(0, len(arrays[0]), SERIAL - 1):
        given, written = ([array[at : at + SERIAL - 1] for array in part] for part in (arrays, results))
        both.run(MEMORY, given, written, parameters, factor)
    return results


PROBES = (0.5, 2.0, 7.0)
"""Targets at which a loss is seen to be least where the prediction is the target."""


def _is_least_at_target(bound: Bound) -> bool:
    slope = bound.loss.slope.formula.expression

    def at(x: float, t: float) -> float:
        return number_value(slope, {"x": x, "t": t, **bound.parameters})

    return all(at(t * (1 - 1e-4), t) <= 0 <= at(t * (1 + 1e-4), t) for t in PROBES)


def _in_order(first: Any, second: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return prediction, target and weight: the second argument is XGBoost's or LightGBM's data, or the predictions."""
    if hasattr(second, "get_label"):
        return first, second.get_label(), second.get_weight()
    return second, first, weight


@per_formula
def derivatives(loss: Loss, curvature: Curvature, weighted: bool) -> Pass:
    """Return the pass that writes a loss's gradient and curvature, times the weight and `SCALE`."""
    formula = loss.formula
    x, t = formula.arrays
    parameters = {**formula.parameters, NEAR: 1.0}
    slope = formula.derivative(x)

    def at(residual: Any) -> Expression:
        if loss.written.arrays == ("r",):  # t + residual - t would not be the residual
            return loss.written.derivative("r")(r=residual)
        return slope(x=variable(t) + residual)

    given = Derivatives(slope.expression, slope.derivative(x).expression, variable(x) - variable(t), at)
    by = variable(WEIGHT) * variable(SCALE) if weighted else variable(SCALE)
    arrays = (x, t, WEIGHT) if weighted else (x, t)

    def written(name: str, expression: Any) -> Formula:
        # A plain number is one of every element.
        times = scaled(expression, by) if isinstance(expression, Expression) else by * expression
        return Formula(name, arrays, parameters, times)

    return passes.mapping(written("gradient", given.first), written("curvature", CURVATURES[curvature](given)))


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
    loss: Any, *, curvature: Curvature | None = None, factor: float | None = None, **parameters: float | Sequence[float]
) -> Objective:
    r"""Return a loss as an objective for XGBoost.

    XGBoost fits each tree to the sums of gradient g and curvature h, to which a leaf's step is

    .. math:: -\frac{\sum g}{\sum h + \lambda} \quad g = f w \, L'(x, t), \quad h = f w \, L''(x, t).

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    curvature : {"secant", "positive", "exact", "unit"}
        What h is. A booster needs it positive, which the second derivative of many losses is not: it is 0 for the
        absolute error, and negative for a loss that flattens out.

        - ``"secant"``, the default: L'(x) / (x - t), the curvature of the parabola that touches the loss at x and has
          its lowest point at the target, as in iteratively reweighted least squares. Its steps are as long as the
          residuals, whatever the unit of the targets, and do not overshoot where the loss is concave in the squared
          residual. At residual 0 it is the second derivative; at a kink there, where it is endless, it is that at a
          hundredth of the median residual. It is for losses that are least where the prediction is the target, which
          all but `poisson_nll` of a logarithm are; for others the default is ``"positive"``.
        - ``"positive"``: the second derivative, but 1 at least. This is what XGBoost gives its absolute and its
          quantile loss, and LightGBM these and Huber's. As no step is longer than the gradient, none overshoots: of
          targets far from 0 it takes as many trees as they are far.
        - ``"exact"``: the second derivative as it is. Right for losses that curve everywhere; where others are nearly
          straight, steps are endless or `min_child_weight` forbids every split.
        - ``"unit"``: 1 everywhere.
    factor : float, optional
        What gradient and curvature are multiplied with. By default 1; with ``"secant"`` what makes the harmonic mean of
        the curvatures 1, which that of XGBoost's squared error is, so that `reg_lambda` and `min_child_weight` are
        numbers of rows as there, whatever the unit of the targets. The steps depend on it by these alone.
    **parameters : float, or sequence of float
        The loss's parameters. With a sequence, as in ``q=[0.1, 0.5, 0.9]``, there is an output for each.

    Returns
    -------
    callable
        For ``xgboost.train(..., obj=...)``, of ``(predictions, DMatrix)``, and for ``XGBRegressor(objective=...)``, of
        ``(y_true, y_pred, sample_weight=None)``. It returns gradient and curvature, float32 and of the predictions'
        shape, which one pass over the data has written. It can be pickled and cloned. Of several outputs each has the
        targets' column of its own, or all have the one there is: for those give XGBoost as many columns of targets.

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
    objective: with ``"positive"`` each tree moves a prediction by `learning_rate` times the largest slope at most.

    Examples
    --------
    >>> import numpy, normwise.integrations
    >>> objective = normwise.integrations.xgboost_objective("huber", delta=2.0, factor=1.0)
    >>> gradient, curvature = objective(numpy.array([0.0, 0.0]), numpy.array([1.0, 8.0]))
    >>> gradient.tolist(), curvature.tolist()
    ([1.0, 2.0], [1.0, 0.25])

    Give it as ``xgboost.train({"base_score": 140.0}, data, obj=objective)``, or as
    ``XGBRegressor(objective=objective, base_score=140.0)``.
    """
    return Objective(outputs_of(bind_pointwise, loss, parameters, "XGBoost"), curvature, factor)


def lightgbm_objective(
    loss: Any, *, curvature: Curvature | None = None, factor: float | None = None, **parameters: float | Sequence[float]
) -> Objective:
    r"""Return a loss as an objective for LightGBM.

    A leaf's step is minus the sum of the gradients over the sum of the curvatures and lambda, as in XGBoost.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    curvature : {"secant", "positive", "exact", "unit"}
        What LightGBM calls the hessian: see `xgboost_objective`. With ``"positive"`` the gradients and the curvatures
        of `l1`, `quantile` and `huber` are those of LightGBM's own.
    factor : float, optional
        What both are multiplied with, by default as in `xgboost_objective`.
    **parameters : float, or sequence of float
        The loss's parameters. With a sequence, as in ``q=[0.1, 0.5, 0.9]``, there is an output for each: give LightGBM
        their number as ``num_class``.

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
    LightGBM counts the rows of a leaf by their curvature: with ``"secant"`` rows with large residuals count little, so
    give it a `min_data_in_leaf` of 1 where they are to have leaves of their own.

    It leaves the weights to the objective, which multiplies with them, and starts from 0: ``boost_from_average`` is for
    its own objectives, for others give the data an ``init_score``. It renews the leaves of its own L1 and quantile loss
    to medians and quantiles, which it does for no other objective.

    Examples
    --------
    >>> import numpy, normwise.integrations
    >>> objective = normwise.integrations.lightgbm_objective("quantile:q=0.9", curvature="positive")
    >>> gradient, curvature = objective(numpy.array([0.0, 0.0]), numpy.array([1.0, -8.0]), numpy.array([1.0, 2.0]))
    >>> gradient.round(2).tolist(), curvature.tolist()
    ([0.1, -1.8], [1.0, 2.0])
    """
    return Objective(outputs_of(bind_pointwise, loss, parameters, "LightGBM"), curvature, factor)


def xgboost_metric(loss: Any, **parameters: float | Sequence[float]) -> XGBoostMetric:
    """Return the mean of a loss as a metric for XGBoost.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    **parameters : float, or sequence of float
        The loss's parameters. With a sequence there is an output for each, and the mean is that over all of them.

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
    return XGBoostMetric(outputs_of(bind_two, loss, parameters, "XGBoost"))


def lightgbm_metric(loss: Any, **parameters: float | Sequence[float]) -> LightGBMMetric:
    """Return the mean of a loss as a metric for LightGBM.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    **parameters : float, or sequence of float
        The loss's parameters. With a sequence there is an output for each, and the mean is that over all of them.

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
    return LightGBMMetric(outputs_of(bind_two, loss, parameters, "LightGBM"))
