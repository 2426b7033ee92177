"""What is made of means: its value, and its standard error by the delta method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normwise.engines.frames import jointly
from normwise.formula import Formula
from normwise.formula.values import number_value
from normwise.sums import Moments

Array = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A value and its standard error."""

    value: float
    standard_error: float


def estimate(finish: Formula, joint: Sequence[Moments]) -> Estimate:
    """What is made of means that are known jointly, `jointly` of them.

    The standard error is that of the linear function that touches it at the means: the root of g' C g, with the slopes
    g and the means' covariances C.
    """
    covariances = _covariances(joint, len(finish.arrays))
    value, slopes = _at_means(finish, joint)
    return Estimate(value, _root(slopes @ covariances @ slopes))


def difference(finish: Formula, joint: Sequence[Moments]) -> Estimate:
    """What is made of the means of one prediction less what is made of another's, over the same rows."""
    count = len(finish.arrays)
    covariances = _covariances(joint, 2 * count)
    first, slopes = _at_means(finish, joint[:count])
    second, others = _at_means(finish, joint[count:])
    signed = np.concatenate([slopes, -others])
    return Estimate(first - second, _root(signed @ covariances @ signed))


def _at_means(finish: Formula, means: Sequence[Moments]) -> tuple[float, Array]:
    values = {name: moments.finish("mean") for name, moments in zip(finish.arrays, means, strict=False)}
    slopes = [number_value(finish.derivative(name).expression, values) for name in finish.arrays]
    return number_value(finish.expression, values), np.array(slopes, np.float64)


def _covariances(joint: Sequence[Moments], count: int) -> Array:
    """The covariances of means, from the variances of each and of each two's difference."""
    variances = {which: moments.standard_error() ** 2 for which, moments in zip(jointly(count), joint, strict=True)}
    found = np.empty((count, count))
    for i in range(count):
        for j in range(count):
            apart = variances[min(i, j), max(i, j)] if i != j else 0.0
            found[i, j] = 0.5 * (variances[i,] + variances[j,] - apart)
    return found


def _root(variance: Any) -> float:
    return math.sqrt(max(float(variance), 0.0)) if variance == variance else math.nan
