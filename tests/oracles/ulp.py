"""Distances in units in the last place."""

from typing import Any

import mpmath
import numpy as np


def error_in_ulp(value: np.floating[Any], truth: Any) -> float:
    """Distance in units of the truth's last place; infinity stands for the first power of 2 out of range."""
    info = np.finfo(value.dtype)
    limit = mpmath.mpf(2) ** info.maxexp
    if np.isnan(value):
        return float("inf")
    given = mpmath.sign(float(value)) * limit if np.isinf(value) else mpmath.mpf(float(value))
    truth = max(-limit, min(limit, mpmath.mpf(truth)))
    # frexp: |truth| = m 2^exponent with m in [1/2, 1)
    exponent = max(min(mpmath.frexp(truth)[1] - 1, info.maxexp - 1), info.minexp)
    return float(mpmath.ldexp(abs(given - truth), info.nmant - exponent))
