"""scikit-learn's regression metrics with normwise's losses and scores in place of theirs."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.metrics

import normwise
from normwise import scores

LOSSES = (
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "mean_tweedie_deviance",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
)
"""Those that `normwise.convert` knows."""

SCORES: dict[str, Callable[..., Any]] = {
    "d2_absolute_error_score": functools.partial(scores.d2_score, loss="l1"),
    "d2_pinball_score": lambda x, t, alpha=0.5, **about: scores.d2_score(x, t, "quantile", q=alpha, **about),
    "d2_tweedie_score": lambda x, t, power=0, **about: scores.d2_score(x, t, "tweedie_deviance", p=power, **about),
    "explained_variance_score": scores.explained_variance,
    "max_error": scores.max_error,
    "median_absolute_error": scores.median_absolute_error,
    "r2_score": scores.r2_score,
}

ROUNDING = {"mean_tweedie_deviance": 2e-6, "d2_tweedie_score": 2e-6}
"""Theirs cancels where the power is near 1 or 2: at 1 + 1e-10 by 1.4e-6 of mpmath's value, ours by 1e-16."""

OUTSIDE = "be used"
"""In scikit-learn's words where a number leaves the domain of a loss: there ours is not finite, or its limit, 0."""


def replacements() -> dict[str, Callable[..., Any]]:
    """Return the functions that take the place of those of ``sklearn.metrics``, by their names."""
    return {name: _adapted(name) for name in (*LOSSES, *SCORES)}


def _adapted(name: str) -> Callable[..., Any]:
    """One of ours with the arguments of theirs. scikit-learn says first what it has to say of them."""
    theirs = getattr(sklearn.metrics, name)

    @functools.wraps(theirs)
    def ours(*arguments: Any, **keywords: Any) -> Any:
        given = inspect.signature(theirs).bind(*arguments, **keywords).arguments
        try:
            expected = theirs(*arguments, **keywords)
        except ValueError as refusal:
            if name in LOSSES and OUTSIDE in str(refusal):
                found = _computed(name, **given)
                assert found == 0 or not np.isfinite(found), f"{name} of {given} is {found}: {refusal}"
            raise
        if not given.pop("force_finite", True):
            return expected
        found = _computed(name, **given)
        np.testing.assert_allclose(found, expected, rtol=ROUNDING.get(name, 1e-9), atol=1e-12, err_msg=name)
        return found

    return ours


def _computed(
    name: str, y_true: Any, y_pred: Any, sample_weight: Any = None, multioutput: Any = "uniform_average", **further: Any
) -> Any:
    """What normwise makes of it, each output by itself, then combined as scikit-learn does."""
    target, input = (np.asarray(side, float).reshape(len(side), -1) for side in (y_true, y_pred))
    weight = None if sample_weight is None else np.asarray(sample_weight, float)[:, None]
    if name in SCORES:
        found = SCORES[name](input, target, weight=weight, dim=0, **further)
    else:
        found = normwise.convert(f"sklearn.metrics.{name}", **further)(input, target, weight=weight, dim=0)
    if isinstance(multioutput, str) and multioutput == "raw_values":
        return found
    by = None if isinstance(multioutput, str) else multioutput
    if isinstance(multioutput, str) and multioutput == "variance_weighted":
        centred = target - np.average(target, axis=0, weights=None if weight is None else weight[:, 0])
        by = (centred**2 * (1 if weight is None else weight)).sum(0)
        by = by if by.any() else None
    return float(np.average(found, weights=by))
