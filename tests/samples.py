"""Samples of what a loss is called with: parameters, residuals, arrays."""

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

REPRESENTATIVE = ("l1", "mse", "smooth_l1", "huber", "log_cosh", "quantile")
"""The losses that tests of the machinery run over: of every shape of formula, with and without parameters."""

TELLING: Mapping[str, list[dict[str, float]]] = {
    "smooth_l1": [{"beta": 0.0}, {"beta": 0.4}, {"beta": 7.5}],
    "huber": [{"delta": 0.4}, {"delta": 7.5}],
    "quantile": [{"q": 0.0}, {"q": 0.3}, {"q": 1.0}],
    "pseudo_huber": [{"delta": 0.4}, {"delta": 1e4}],
    "charbonnier": [{"eps": 2.0}],
    "balanced_l1": [
        {"alpha": 0.25, "gamma": 2.0, "beta": 1.0},
        {"alpha": 0.5, "gamma": 1.5, "beta": 0.4},
        {"alpha": 0.05, "gamma": 1.5, "beta": 1e-6},
    ],
    "huber_quantile": [{"q": 0.0, "delta": 0.4}, {"q": 0.9, "delta": 2.0}],
    "expectile": [{"q": 0.0}, {"q": 0.9}],
    "linex": [{"a": -2.5}, {"a": 0.0}],
    "cauchy": [{"c": 0.4}, {"c": 7.5}],
    "geman_mcclure": [{"c": 0.4}, {"c": 7.5}],
    "welsch": [{"c": 0.4}, {"c": 7.5}],
    "barron": [
        {"alpha": alpha, "c": c}
        for alpha, c in [
            (-math.inf, 1.0),
            (-1e6, 1.0),
            (-2.0, 0.4),
            (-1e-6, 2.0),
            (0.0, 1.0),
            (1e-3, 1.0),
            (0.5, 3.0),
            (1.75, 1.0),
            (2 - 2.0**-20, 1.0),
            (2.0, 3.0),
            (3.5, 1.0),
            (math.inf, 1.0),
        ]
    ],
    "arctan": [{"c": 0.4}, {"c": 7.5}],
    "tukey": [{"c": 0.4}],
    "andrews": [{"a": 0.4}],
    "hampel": [{"a": 0.5, "b": 0.5, "c": 9.0}],
    "ramsay": [{"a": 2.5}],
    "trimmed_mean": [{"c": 0.4}],
    "absolute_percentage": [{"eps": 0.0}, {"eps": 1.0}],
    "gaussian_nll": [{"full": True, "eps": 0.5}],
    "student_t_nll": [{"df": df} for df in (0.01, 1.0, 40.0, 1e12, math.inf)],
    "poisson_nll": [{"log_input": False, "full": False, "eps": 1e-8}, {"log_input": True, "full": True, "eps": 1e-8}],
    "poisson_deviance": [{"log_input": True}],
    "gamma_deviance": [{"log_input": True}],
    "tweedie_deviance": [
        {"p": p, "log_input": log_input}
        for p, log_input in [
            (-1.0, False),
            (0.0, False),
            (1.0, False),
            (1 + 2.0**-20, False),
            (1.5, True),
            (2.0, False),
            (2 - 2.0**-20, True),
            (3.0, False),
        ]
    ],
}
"""Parameters beside the defaults, in which a formula takes another way."""


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

    def of(self, real: Any) -> "Case":
        """The same with its parameters as a dtype has them."""
        given = {n: v if isinstance(v, bool) else float(real(v)) for n, v in self.parameters.items()}
        return Case(self.loss, given)

    def __call__(self, input: Any, target: Any, *further: Any, **keywords: Any) -> Any:
        return self.function(input, target, *further, **self.parameters, **keywords)


def representative() -> list[Loss]:
    return [normwise.losses[name] for name in REPRESENTATIVE]


def pointwise() -> list[Loss]:
    """The losses of which nothing is made but a sum or a mean."""
    return [loss for loss in normwise.losses.values() if loss.finish is None]


def cases() -> list[Case]:
    """The representative losses with every combination of a few values of each parameter."""
    return [Case(loss, given) for loss in representative() for given in parameter_samples(loss)]


def every_case() -> list[Case]:
    """Every loss of the catalogue, with its defaults and with what tells of them."""
    return [case for loss in normwise.losses.values() for case in cases_of(loss)]


def cases_of(loss: Loss) -> list[Case]:
    return [Case(loss, given) for given in (dict(loss.parameters), *TELLING.get(loss.name, []))]


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
