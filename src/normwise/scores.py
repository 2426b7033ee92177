"""Scores: how good predictions are, in one number that says the same in any unit, or that a reader has a feeling for.

Most are fractions explained, one minus what was lost, divided by what a reference would have lost. They are for
evaluation, so everything is computed in float64, and about the mean: data far from 0 lose no digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import array_api_compat

from normwise.catalogue import Loss
from normwise.catalogue.declaration import declare
from normwise.checks import NanPolicy, dimensions_of, reduced_dims
from normwise.engines import arrays as array_engine
from normwise.engines.arrays import quiet
from normwise.engines.dtypes import isdtype, widest
from normwise.errors import InputError
from normwise.functional import function_of
from normwise.libraries.arrays import as_numpy
from normwise.loss_functions.choice import find_loss
from normwise.norms.api import norm

Dim = int | tuple[int, ...] | None


def r2_score(
    input: Any,
    target: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
) -> Any:
    r"""Return the coefficient of determination: the fraction of the targets' variance that is explained.

    .. math:: R^2 = 1 - \frac{\sum_i w_i (x_i - t_i)^2}{\sum_i w_i (t_i - \bar t)^2}

    It is 1 for a perfect prediction, 0 for one no better than the targets' mean, and negative for a worse one.

    Parameters
    ----------
    input, target : torch tensor, NumPy array, or array of the array API standard
        Predictions and true values, of one shape; real.
    weight : array, optional
        Broadcastable to that shape, and 0 or more: scikit-learn's sample_weight.
    mask : array of bool, optional
        Broadcastable to that shape. Where it is False the element does not exist.
    nan_policy : {"propagate", "omit", "raise"}
        What a nan does: show in the score; drop the elements whose target is nan, as a mask does; or raise.
    dim : int or tuple of int, optional
        The dimensions that are reduced: all by default. scikit-learn's ``multioutput="raw_values"`` is ``dim=0``.

    Returns
    -------
    float64 array of the input's kind
        0-d, or of the dimensions that `dim` leaves. Gradients flow to torch tensors. Where the targets are all equal, a
        single one too, it is 1 for a perfect prediction and else 0, as scikit-learn's ``force_finite=True`` has it. Of
        nothing it is nan.

    Raises
    ------
    ShapeMismatchError
        Where the shapes differ, or a weight or a mask does not broadcast.
    DimensionError
        Where `dim` is out of range or names a dimension twice.
    InputError
        Where a weight is negative, or a nan is there and `nan_policy` is ``"raise"``.

    Notes
    -----
    sklearn.metrics.r2_score, whose target comes first, is nan for a single target.

    Examples
    --------
    >>> import numpy, normwise
    >>> target = numpy.array([3.0, -0.5, 2.0, 7.0])
    >>> float(r2_score(numpy.array([2.5, 0.0, 2.0, 8.0]), target))
    0.9486081370449679
    """
    return d2_score(input, target, "mse", weight=weight, mask=mask, nan_policy=nan_policy, dim=dim)


def d2_score(
    input: Any,
    target: Any,
    loss: Any = "mse",
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
    **parameters: Any,
) -> Any:
    r"""Return the fraction of a loss that is explained, compared with the best constant prediction.

    .. math:: D^2 = 1 - \frac{L(x, t)}{\min_c L(c, t)}

    For the squared error it is R2; for the absolute, the pinball and the Tweedie losses it is scikit-learn's
    d2_absolute_error_score, d2_pinball_score and d2_tweedie_score. It makes sense of a loss that is 0 at a perfect
    prediction, and positive elsewhere.

    Parameters
    ----------
    input, target, weight, mask, nan_policy, dim
        As in `r2_score`.
    loss : str, Loss, or function of `normwise.functional`
        The loss, of the catalogue or of one's own.
    **parameters : float, or array
        The loss's parameters, and any further arrays that it reads.

    Returns
    -------
    float64 array of the input's kind
        As in `r2_score`; also where no constant is better than another because the best one loses nothing.

    Raises
    ------
    ShapeMismatchError, DimensionError, InputError
        As in `r2_score`; where there is no such loss; where `dim` is given and the constant is to be sought.
    TypeError
        Where the loss has no such parameter.
    ModuleNotFoundError
        Where the constant is to be sought and SciPy, which does it, is not installed.

    Notes
    -----
    The best constant is the weighted mean, median or quantile where the loss declares that this is its `minimiser`,
    and reads no array beside prediction and target. Otherwise it is sought between the least and the greatest target:
    near the best of 65 quantiles of the targets, so that a loss may have several minima, by scipy.optimize. Where the
    prediction is a logarithm, ``log_input=True``, the constant is the logarithm of that.

    Examples
    --------
    >>> import numpy, normwise
    >>> input, target = numpy.array([2.5, 0.0, 2.0, 8.0]), numpy.array([3.0, -0.5, 2.0, 7.0])
    >>> float(d2_score(input, target, "l1"))
    0.7647058823529411
    >>> round(float(d2_score(input, target, "huber", delta=2.0)), 6)
    0.933333
    """
    found = find_loss(loss)
    sample = _sample(input, target, weight, mask, nan_policy, dim)
    lost = sample.mean(found, sample.input, sample.target, **parameters)
    constant = _best_constant(sample, found, parameters)
    return _explained(sample, lost, sample.mean(found, constant, sample.target, **parameters))


def explained_variance(
    input: Any,
    target: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
) -> Any:
    r"""Return the fraction of the targets' variance that is explained but for a constant: R2 of unbiased predictions.

    .. math:: 1 - \frac{\operatorname{Var}(x - t)}{\operatorname{Var}(t)}

    Arguments, result and errors are those of `r2_score`. As sklearn.metrics.explained_variance_score.

    Examples
    --------
    >>> import numpy, normwise
    >>> target = numpy.array([3.0, -0.5, 2.0, 7.0])
    >>> float(explained_variance(target + 100, target))
    1.0
    """
    sample = _sample(input, target, weight, mask, nan_policy, dim)
    return _explained(sample, sample.variance(sample.residual), sample.variance(sample.target))


def concordance(
    input: Any,
    target: Any,
    *,
    correction: float = 0,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
) -> Any:
    r"""Return Lin's concordance correlation coefficient: how near the points (x, t) are to the line x = t.

    .. math:: \rho_c = \frac{2 \operatorname{Cov}(x, t)}{\operatorname{Var}(x) + \operatorname{Var}(t) + (\bar x - \bar
        t)^2} = 1 - \frac{\operatorname{Var}(x - t) + (\bar x - \bar t)^2}{\operatorname{Var}(x) + \operatorname{Var}(t)
        + (\bar x - \bar t)^2}

    Arguments and errors are those of `r2_score`, and

    Parameters
    ----------
    input, target, weight, mask, nan_policy, dim
        As in `r2_score`.
    correction : float
        The variances and the covariance divide by n less this, where n is the sum of the weights (the count without
        any): 0 is Lin's estimator, 1 that of torchmetrics, which differs by less than 1 / n.

    Returns
    -------
    float64 array of the input's kind
        From -1 to 1. Where prediction and target are both constant it is 1 if they are equal, and else 0.

    Notes
    -----
    Lin, A concordance correlation coefficient to evaluate reproducibility, 1989. Computed in the second form, which
    keeps its digits near 1. torchmetrics.functional.concordance_corrcoef is this with ``correction=1``.

    Examples
    --------
    >>> import numpy, normwise
    >>> input, target = numpy.array([2.5, 0.0, 2.0, 8.0]), numpy.array([3.0, -0.5, 2.0, 7.0])
    >>> float(concordance(input, target, correction=1))
    0.9777...
    """
    sample = _sample(input, target, weight, mask, nan_policy, dim)
    bias, residual, around = sample.mean(_DIFFERENCE, sample.input, sample.target), sample.residual, 1.0
    if correction:
        n = norm(sample.xp.ones_like(residual), 1, dim=dim, weight=sample.weight, mask=sample.mask)
        with quiet(sample.xp):
            around = n / (n - correction)
    expected = around * (sample.variance(sample.input) + sample.variance(sample.target)) + bias**2
    return _explained(sample, around * sample.variance(residual) + bias**2, expected)


def nrmse(
    input: Any,
    target: Any,
    normalize: str = "mean",
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
) -> Any:
    r"""Return the root of the mean squared error as a fraction of the targets' size.

    .. math:: \sqrt{\frac{\sum_i w_i (x_i - t_i)^2}{\sum_i w_i}} \Big/ s(t)

    Parameters
    ----------
    input, target, weight, mask, nan_policy, dim
        As in `r2_score`.
    normalize : {"mean", "range", "std", "l2"}
        The size s: the targets' mean, their greatest less their least, their standard deviation (which divides by n),
        or their `normwise.norm`, which grows with their number. All but the range are weighted.

    Returns
    -------
    float64 array of the input's kind
        0-d, or of the dimensions that `dim` leaves; gradients flow. Where the size is 0 it is infinite, or nan for a
        perfect prediction; where the mean is negative so is it. Of nothing it is nan.

    Raises
    ------
    ShapeMismatchError, DimensionError, InputError
        As in `r2_score`; where `normalize` is none of these words.

    Notes
    -----
    As torchmetrics.NormalizedRootMeanSquaredError.

    Examples
    --------
    >>> import numpy, normwise
    >>> input, target = numpy.array([0.0, 1.0, 2.0, 3.0]), numpy.array([0.0, 1.0, 2.0, 2.0])
    >>> float(nrmse(input, target)), float(nrmse(input, target, "range"))
    (0.4, 0.25)
    """
    size = _SIZES.get(normalize)
    if size is None:
        expected = ", ".join(map(repr, _SIZES))
        raise InputError(f"{normalize!r} is not a valid value for normalize: expected {expected}")
    sample = _sample(input, target, weight, mask, nan_policy, dim)
    with quiet(sample.xp):
        return sample.mean(_RMSE, sample.input, sample.target) / size(sample)


def max_error(
    input: Any,
    target: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
) -> Any:
    r"""Return the greatest absolute error.

    .. math:: \max_{i : w_i > 0} |x_i - t_i|

    Arguments and errors are those of `r2_score`; a weight counts only whether it is 0. The result is float64, in the
    unit of the target, and nan of nothing. As sklearn.metrics.max_error.

    Examples
    --------
    >>> import numpy, normwise
    >>> float(max_error(numpy.array([4.0, 2.0, 7.0, 1.0]), numpy.array([3.0, 2.0, 7.0, 1.0])))
    1.0
    """
    sample = _sample(input, target, weight, mask, nan_policy, dim)
    return sample.greatest(abs(sample.residual))


def median_absolute_error(
    input: Any,
    target: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: Dim = None,
) -> Any:
    r"""Return the weighted median of the absolute errors, which few great errors do not move.

    .. math:: \operatorname{median}_i |x_i - t_i|

    Arguments and errors are those of `r2_score`. The result is float64, in the unit of the target, and nan of nothing.
    Where half the weight lies on either side of a gap it is the gap's middle, as in
    sklearn.metrics.median_absolute_error.

    Examples
    --------
    >>> import numpy, normwise
    >>> float(median_absolute_error(numpy.array([2.5, 0.0, 2.0, 8.0]), numpy.array([3.0, -0.5, 2.0, 7.0])))
    0.5
    """
    sample = _sample(input, target, weight, mask, nan_policy, dim)
    return sample.quantile(abs(sample.residual), 0.5)


def seasonal_scale(
    training: Any,
    season: int = 1,
    *,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    dim: int = -1,
    keepdim: bool = False,
) -> Any:
    r"""Return the mean absolute error of a seasonal naive forecast: the denominator of MASE.

    .. math:: \frac{1}{n - m} \sum_{i = m}^{n - 1} |t_i - t_{i - m}|

    Parameters
    ----------
    training : torch tensor, NumPy array, or array of the array API standard
        The series that was known before the forecast; several make the other dimensions.
    season : int
        After how many steps it is expected to repeat itself: 12 for months, 7 for days, 1 for the last value.
    mask : array of bool, optional
        Of the training's shape. A difference counts where both its ends do.
    nan_policy : {"propagate", "omit", "raise"}
        What a nan does: show; leave its differences out; or raise.
    dim : int
        The dimension of time.
    keepdim : bool
        Whether it stays, with length 1: a scale for each row, as `mase_loss` takes it.

    Returns
    -------
    array of the training's kind
        To be given to `normwise.mase_loss` as its scale. Of a series that is no longer than a season it is nan.

    Raises
    ------
    InputError
        Where `season` is no whole number of 1 or more.

    References
    ----------
    Hyndman and Koehler, Another look at measures of forecast accuracy, 2006.

    Examples
    --------
    >>> import numpy, normwise
    >>> from normwise.scores import seasonal_scale
    >>> scale = seasonal_scale(numpy.array([1.0, 5.0, 2.0, 7.0]), season=2)
    >>> float(scale), float(normwise.mase_loss(numpy.array([3.0, 6.0]), numpy.array([3.0, 9.0]), scale))
    (1.5, 1.0)
    """
    if isinstance(season, bool) or not isinstance(season, int) or season < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"season is to be a whole number of 1 or more, not {season!r}")
    axis = dimensions_of((dim,), len(training.shape))[0]
    before = (slice(None),) * axis
    late, early = (*before, slice(season, None), ...), (*before, slice(None, -season), ...)
    if nan_policy == "omit":
        present = training == training
        mask = present if mask is None else mask & present
        nan_policy = "propagate"
    both = None if mask is None else mask[late] & mask[early]
    absolute = function_of(find_loss("l1"))
    return absolute(training[late], training[early], mask=both, nan_policy=nan_policy, dim=axis, keepdim=keepdim)


def difference(r: Any) -> Any:
    """The residual itself, whose mean is the bias."""
    return r


_DIFFERENCE = declare(difference)
_MSE, _RMSE = find_loss("mse"), find_loss("rmse")


class _Sample(NamedTuple):
    """Predictions, targets and weights in float64, and what counts of them: checked."""

    xp: Any
    """Their namespace."""
    input: Any
    target: Any
    weight: Any
    mask: Any
    """False also where a target is omitted."""
    dim: Dim

    @property
    def residual(self) -> Any:
        """Prediction less target."""
        return self.input - self.target

    def mean(self, loss: Loss, input: Any, target: Any, *, keepdim: bool = False, **parameters: Any) -> Any:
        """The weighted mean of a loss of what counts."""
        function, same = function_of(loss), tuple(input.shape) == tuple(target.shape)
        asked = {"weight": self.weight, "mask": self.mask, "dim": self.dim, "keepdim": keepdim, "reduction": "mean"}
        return function(input, target, broadcast=not same, **asked, **parameters)

    def location(self, a: Any) -> Any:
        """The weighted mean of an array, with the reduced dimensions as 1: of equal numbers exactly that number."""
        first = self.mean(_DIFFERENCE, a, self.number(0.0), keepdim=True)
        return first + self.mean(_DIFFERENCE, a, first, keepdim=True)

    def variance(self, a: Any) -> Any:
        """The weighted mean of the squared deviation from the mean."""
        return self.mean(_MSE, a, self.location(a))

    def number(self, value: float) -> Any:
        """A number as a 0-d array."""
        return self.xp.asarray(value, dtype=self.target.dtype, device=array_api_compat.device(self.target))

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape that `dim` leaves, and the same with the reduced dimensions as 1."""
        shape = tuple(self.target.shape)
        dims = reduced_dims(self.dim, len(shape))
        left = tuple(n for d, n in enumerate(shape) if d not in dims)
        return left, tuple(1 if d in dims else n for d, n in enumerate(shape))

    def lines(self, a: Any) -> tuple[Any, Any]:
        """An array and its weights, what is reduced as the last dimension, after which comes one more of weight 0."""
        xp, shape = self.xp, tuple(a.shape)
        counts = xp.ones_like(a) if self.weight is None else xp.broadcast_to(self.weight, shape)
        if self.mask is not None:
            counts = xp.where(self.mask, counts, xp.zeros_like(a))
        dims = reduced_dims(self.dim, len(shape))
        order = (*(d for d in range(len(shape)) if d not in dims), *dims)
        left, _ = self.shapes
        whole = (*left, math.prod(shape[d] for d in dims))
        nothing = xp.zeros_like(xp.broadcast_to(self.number(0.0), (*left, 1)))
        values, counts = (
            xp.concat([xp.reshape(xp.permute_dims(one, order), whole), nothing], axis=-1) for one in (a, counts)
        )
        return values, counts

    def greatest(self, a: Any) -> Any:
        """The greatest of what counts; nan where nothing does."""
        xp, (values, counts) = self.xp, self.lines(a)
        found = xp.max(xp.where(counts > 0, values, self.number(-math.inf)), axis=-1)
        return xp.where(xp.any(counts > 0, axis=-1), found, self.number(math.nan))

    def quantile(self, a: Any, q: float) -> Any:
        """The weighted quantile of what counts, the middle where it is a gap: Hyndman and Fan's second, 1996."""
        xp, (values, counts) = self.xp, self.lines(a)
        infinite = self.number(math.inf)
        values = xp.where(counts > 0, values, infinite)  # what does not count comes last
        order = xp.argsort(values, axis=-1)  # a nan comes after all and is in the tail whose least is taken: it shows
        rising, counts = (array_engine.gathered(xp, one, order) for one in (values, counts))
        below = xp.cumulative_sum(counts, axis=-1)
        total = below[..., -1:]
        rounding = 1e-12 * total
        first = xp.min(xp.where(below >= q * total - rounding, rising, infinite), axis=-1)
        reached = (below - counts <= q * total + rounding) & (counts > 0)
        last = xp.max(xp.where(reached, rising, -infinite), axis=-1)
        with quiet(xp):
            return xp.where(total[..., 0] > 0, 0.5 * first + 0.5 * last, self.number(math.nan))


def _sample(input: Any, target: Any, weight: Any, mask: Any, nan_policy: NanPolicy, dim: Dim) -> _Sample:
    """What a caller gave, checked as a loss checks it."""
    input, target, weight = (_wide(as_numpy(given)) for given in (input, target, weight))
    mask = as_numpy(mask)
    function_of(_DIFFERENCE)(input, target, weight=weight, mask=mask, nan_policy=nan_policy, dim=dim)
    xp = array_api_compat.array_namespace(input, target)
    if nan_policy == "omit":
        known = ~xp.isnan(target)
        mask = known if mask is None else mask & known
    return _Sample(xp, input, target, weight, mask, dim)


def _wide(given: Any) -> Any:
    """Real numbers in float64, and anything else as it is: a loss says what is wrong with it."""
    if not array_api_compat.is_array_api_obj(given):
        return given
    array, xp = cast("Any", given), array_api_compat.array_namespace(given)
    real = isdtype(xp, array.dtype, ("integral", "real floating"))
    return xp.astype(array, widest(xp), copy=False) if real else array


def _explained(sample: _Sample, lost: Any, reference: Any) -> Any:
    """One minus a ratio; where the reference loses nothing 1 if no more was lost, and else 0."""
    xp = sample.xp
    with quiet(xp):
        own = xp.where(lost == 0, xp.ones_like(lost), lost)
        return 1 - lost / xp.where(reference == 0, own, reference)


_SIZES: Mapping[str, Callable[[_Sample], Any]] = {
    "mean": lambda s: s.xp.reshape(s.location(s.target), s.shapes[0]),
    "range": lambda s: s.greatest(s.target) + s.greatest(-s.target),
    "std": lambda s: s.mean(_RMSE, s.target, s.location(s.target)),
    "l2": lambda s: norm(s.target, 2, dim=s.dim, weight=s.weight, mask=s.mask),
}

_CENTRES: Mapping[str, Callable[[_Sample, Mapping[str, Any]], Any]] = {
    "mean": lambda s, parameters: s.location(s.target),
    "median": lambda s, parameters: s.xp.reshape(s.quantile(s.target, 0.5), s.shapes[1]),
    "quantile q": lambda s, parameters: s.xp.reshape(s.quantile(s.target, parameters["q"]), s.shapes[1]),
}
"""The best constants that are known, by what a declaration calls its minimiser."""


def _best_constant(sample: _Sample, loss: Loss, given: Mapping[str, Any]) -> Any:
    """The constant prediction of the least mean loss."""
    parameters: dict[str, Any] = {**loss.parameters, **given}
    xp, known = sample.xp, _CENTRES.get(loss.minimiser)

    def prediction(centre: Any) -> Any:
        return xp.log(centre) if parameters.get("log_input") else centre

    with quiet(xp):
        if known is not None and all(isinstance(value, (int, float)) for value in parameters.values()):
            return prediction(known(sample, parameters))
        return prediction(sample.number(_sought(sample, loss, prediction, given)))


def _sought(sample: _Sample, loss: Loss, prediction: Callable[[Any], Any], given: Mapping[str, Any]) -> float:
    """The best constant between the least and the greatest target, near the best of some of their quantiles."""
    if sample.dim is not None:
        raise InputError(f"the best constant of {loss.name} is sought for all elements at once: leave dim out")
    try:
        from scipy import optimize
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the best constant of {loss.name} is sought by SciPy, which is not installed: pip install scipy"
        ) from error
    # At the minimum the loss does not change with the constant: no gradient is lost.
    sample = sample._replace(target=_still(sample.target), weight=_still(sample.weight))
    given = {name: _still(value) for name, value in given.items()}

    def lost(centre: float) -> float:
        value = float(sample.mean(loss, prediction(sample.number(centre)), sample.target, **given))
        return math.inf if math.isnan(value) else value

    values, counts = sample.lines(sample.target)
    there = counts > 0
    values = sample.xp.sort(sample.xp.where(there, values, sample.number(math.inf)))
    last = int(sample.xp.sum(sample.xp.astype(there, sample.xp.int64))) - 1
    grid = sorted({float(values[round(last * i / 64)]) for i in range(65)}) if last >= 0 else [math.nan]
    losses = [lost(centre) for centre in grid]
    at = losses.index(min(losses))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    if low == high or not math.isfinite(losses[at]):
        return grid[at]
    # Of the distance from the lower end, for a search is only as exact as its variable is small.
    near = optimize.minimize_scalar(
        lambda distance: lost(low + distance),
        bounds=(0, high - low),
        method="bounded",
        options={"xatol": 1e-9 * (high - low)},
    )
    return min(grid[at], low + float(cast("Any", near).x), key=lost)


def _still(given: Any) -> Any:
    """The same outside autograd."""
    return given.detach() if hasattr(given, "detach") else given
