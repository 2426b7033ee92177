"""Means and their standard errors in long double, by two passes over the rows."""

from typing import Any

import numpy as np


def mean_and_error(values: Any, weight: Any = None) -> tuple[float, float]:
    """The weighted mean and the standard error of the ratio estimator; rows of weight 0 are not there."""
    values = np.asarray(values, np.longdouble)
    w = np.ones_like(values) if weight is None else np.asarray(weight, np.longdouble)
    values, w = values[w != 0], w[w != 0]
    n = len(values)
    mean = (w * values).sum() / w.sum() if n else np.longdouble("nan")
    spread = np.sqrt(((w * (values - mean)) ** 2).sum() * n / (n - 1)) / w.sum() if n > 1 else np.longdouble("nan")
    return float(mean), float(spread)
