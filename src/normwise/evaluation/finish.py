"""What is made of means: its value, and its standard error by the delta method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from normwise.engines.frames import jointly
from normwise.formula import Formula
from normwise.formula.numbers import number_value
from normwise.sums import Moments

LOST = 1e-10
"""A variance so small beside the terms that it is the sum of has lost its digits."""


class Estimate(NamedTuple):
    """A value and its standard error."""

    value: float
    standard_error: float


def estimate(finish: Formula, joint: Sequence[Moments]) -> Estimate:
    """What is made of means that are known jointly, `jointly` of them.

    The standard error is that of the linear function that touches it at the means: the root of g' C g, with the slopes
    g and the means' covariances C.
    """
    value, slopes = _at_means(finish, joint)
    return Estimate(value, _standard_error(slopes, joint))


def difference(finish: Formula, joint: Sequence[Moments]) -> Estimate:
    """What is made of the means of one prediction less what is made of another's, over the same rows."""
    count = len(finish.arrays)
    first, slopes = _at_means(finish, joint[:count])
    second, others = _at_means(finish, joint[count:])
    return Estimate(first - second, _standard_error([*slopes, *(-slope for slope in others)], joint))


def _at_means(finish: Formula, means: Sequence[Moments]) -> tuple[float, list[float]]:
    values = {name: moments.finish("mean") for name, moments in zip(finish.arrays, means, strict=False)}
    slopes = [number_value(finish.derivative(name).expression, values) for name in finish.arrays]
    return number_value(finish.expression, values), slopes


def _standard_error(slopes: Sequence[float], joint: Sequence[Moments]) -> float:
    """The root of g' C g, from the variances V of the means and of each two's difference.

    As C[i, j] = (V[i] + V[j] - V[i, j]) / 2, it is that of sum(g) sum(g V) - sum over i < j of g[i] g[j] V[i, j]: the
    covariances of two means that nearly agree would cancel. It is nan where these terms do so too.
    """
    errors = {which: moments.standard_error() for which, moments in zip(jointly(len(slopes)), joint, strict=True)}
    unit = max(map(abs, errors.values()), default=0.0) or 1.0  # squares would leave the range of numbers
    variances = {which: (error / unit) ** 2 for which, error in errors.items()}
    terms = [math.fsum(slopes) * math.fsum(g * variances[i,] for i, g in enumerate(slopes))]
    terms += [-slopes[i] * slopes[j] * variances[i, j] for i, j in combinations(range(len(slopes)), 2)]
    variance = math.fsum(terms) if all(map(math.isfinite, terms)) else math.nan
    lost = variance < LOST * max(map(abs, terms))
    return math.nan if lost or math.isnan(variance) else math.sqrt(variance) * unit
