"""Points at which a loss is hard to compute: near zero, near kinks, far away, and where its formula changes its way."""

import itertools
import math
from collections.abc import Mapping

import numpy as np

from tests.samples import Array, Case

SIZES = [1e-30, 1e-15, 1e-8, 1e-3, 60.0, 800.0, 1e5, 1e15, 1e30]
MIDDLE = np.geomspace(0.03, 30.0, 16)
FURTHER = [1e-3, 40.0]
"""Scales and variances."""

ANY = [-1e15, -30.0, -1.0, 0.0, 1e-8, 0.7, 1e4]
POSITIVE = [1e-15, 0.2, 1.0, 3.0, 1e10]
TARGETS: Mapping[str, list[float]] = {
    "absolute_percentage": [-30.0, 0.0, 0.5, 1.0, 1e10],
    "symmetric_percentage": ANY,
    "msle": [-0.9, 0.0, *POSITIVE],
    "poisson_nll": [0.0, 1.0, 1.5, 4.0],
    "poisson_deviance": [0.0, *POSITIVE],
    "gamma_deviance": POSITIVE,
    "tweedie_deviance": POSITIVE,
}
"""Of the losses that read more of the target than the residual."""


def points(case: Case, real: type) -> dict[str, Array]:
    """Arrays by name, of one size."""
    if case.loss.name in TARGETS:
        pairs = np.array([(x, t) for t in targets(case) for x in predictions(case, t)], real)
        return dict(zip("xt", pairs.T.copy(), strict=True))
    r = residuals(case, real)
    grid = np.array(list(itertools.product(r, *([FURTHER] * len(case.loss.further_arrays)))), real).reshape(-1)
    columns = grid.reshape(-1, 1 + len(case.loss.further_arrays)).T
    return {"x": columns[0].copy(), "t": np.zeros_like(columns[0])} | {
        name: column.copy() for name, column in zip(case.loss.further_arrays, columns[1:], strict=True)
    }


def residuals(case: Case, real: type) -> Array:
    info = np.finfo(real)
    edges = [abs(p) * s for p in case.parameters.values() if 0 < abs(p) < math.inf for s in (1, math.pi)]
    edges = np.array([1.0, *edges], real)
    near = [np.nextafter(edges, real(side)) for side in (0, math.inf)]
    sizes = [info.smallest_subnormal, info.smallest_normal, *SIZES, *([1e150] if real is np.float64 else [])]
    r = np.concatenate([[0.0], sizes, MIDDLE, edges, *near]).astype(real)
    return np.concatenate([r, -r])


def targets(case: Case) -> list[float]:
    p = case.parameters.get("p", 1.0)
    if p < 0 or p >= 2:
        return [*([-2.0, 0.0] if p < 0 else []), 0.2, 1.0, 3.0]
    negative = [-2.0] if p == 0 else []
    if case.parameters.get("eps") == 0:
        return [t for t in TARGETS[case.loss.name] if t != 0]
    return [*negative, *([0.0] if p < 2 and case.loss.name == "tweedie_deviance" else []), *TARGETS[case.loss.name]]


def predictions(case: Case, t: float) -> list[float]:
    """Near the target, and of all sizes; what the loss is defined for."""
    name = case.loss.name
    if case.parameters.get("log_input", False):
        center = math.log(t) if t > 0 else 0.0
        return [*(center + d for d in (0, 1e-6, -1e-3, 0.3, -0.9, 1.1, -5.0, 20.0)), -30.0, 0.0, 1e-8, 3.0]
    near = [t * (1 + d) for d in (0, 1e-7, -1e-6, 1e-3, -0.2, 0.4, -0.49, 0.51, 1.6, -0.7)]
    found = [*near, 1e-15, 1e-3, 0.5, 1.0, 7.0, 1e5, 1e15]
    if name in ("absolute_percentage", "symmetric_percentage"):
        return [*found, 0.0, *(-x for x in found)]
    if name == "msle":
        return [*(x for x in found if x > -0.99), 0.0, -0.5, -0.98]
    # Powers of x, to 2 - p and -1 - p, are to be in the range of float32.
    p = case.parameters.get("p", 0)
    least, most = 1e-8 if p < 0 or p >= 2 else 0, 1e10 if p < 0 else math.inf
    return [x for x in found if least < x < most]
