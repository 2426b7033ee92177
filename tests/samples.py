"""Samples of what a loss is called with, drawn from its declaration: parameters, residuals, arrays."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import normwise
from normwise.catalogue import Interval, Loss

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A loss with one choice of its parameters."""

    loss: Loss
    parameters: Mapping[str, float]

    def __str__(self) -> str:
        given = ",".join(f"{name}={value:g}" for name, value in self.parameters.items())
        return f"{self.loss.name}:{given}" if given else self.loss.name

    @property
    def function(self) -> Any:
        return getattr(normwise, self.loss.function)

    def __call__(self, input: Any, target: Any, **keywords: Any) -> Any:
        return self.function(input, target, **self.parameters, **keywords)


def cases() -> list[Case]:
    return [Case(loss, given) for loss in normwise.losses.values() for given in parameter_samples(loss)]


def parameter_samples(loss: Loss) -> list[dict[str, float]]:
    """The defaults, then every combination of a few values of each parameter."""
    values = [interval_samples(loss.domain.get(name, Interval())) for name in loss.parameters]
    given = [dict(zip(loss.parameters, chosen, strict=True)) for chosen in itertools.product(*values)]
    return [dict(loss.parameters), *(g for g in given if g != loss.parameters)]


def interval_samples(interval: Interval) -> list[float]:
    """Points inside, and the finite ends that belong to it."""
    low, high = interval.low, interval.high
    if math.isfinite(low) and math.isfinite(high):
        inside = [low + 0.3 * (high - low)]
    elif math.isfinite(low):
        inside = [low + 0.4, low + 7.5]
    elif math.isfinite(high):
        inside = [high - 0.4, high - 7.5]
    else:
        inside = [-1.5, 0.0, 2.5]
    return [*inside, *(end for end in (low, high) if math.isfinite(end) and end in interval)]


def kinks(case: Case) -> list[float]:
    """Where a loss of the residual may change its branch: at zero, and where it equals a parameter."""
    return [0.0, *(sign * value for value in case.parameters.values() if value for sign in (1, -1))]


def smooth_residuals(case: Case, rng: np.random.Generator, size: int = 12) -> Array:
    """Residuals of several magnitudes, none of them within 1e-3 of a possible kink."""
    r = rng.normal(size=8 * size) * np.resize([0.1, 1.0, 5.0, 30.0], 8 * size)
    away = np.all([np.abs(r - kink) > 1e-3 for kink in kinks(case)], axis=0)
    return r[away][:size]
