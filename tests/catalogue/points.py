"""Points at which a loss is hard to compute: near zero, near kinks, far away, and where its formula changes its way."""

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from normwise.catalogue import Interval, Loss
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
    return _with_further(case, residuals(case, real), real)


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


SCALES = [1e-30, 1e-15, 1e-3, 1e15, 1e30]
FAR_SCALES = {np.float32: [], np.float64: [1e-300, 1e300]}
PROPORTIONS = [1e-30, 1e-9, 1e-3, 0.3, 0.9, 1.0, 1.7, 6.0, 60.0, 1e9, 1e25]
"""Of the residual to the scale that a parameter sets."""
SHAPES: Mapping[str, list[float]] = {
    "q": [0.0, 1e-30, 1e-6, 0.5, 1 - 2.0**-20, 1.0],
    "alpha": [-math.inf, -1e30, -1e5, -1e-5, -1e-30, 1e-30, 1e-5, 1 - 2.0**-20, 2.0, 2 + 2.0**-20, 1e5, 1e30, math.inf],
    "df": [1e-30, 1e-5, 1e5, 1e12, 1e30, math.inf],
    "p": [-3.0, 0.01, 0.5, 1 - 2.0**-20, 2 + 2.0**-20, 4.0],
}
"""Parameters without a unit."""
SCALED = {("balanced_l1", "alpha")}
"""Those that are called as one of them and have one."""
WITHIN_SCALES = {"balanced_l1"}
"""Those of which an exponential of two parameters leaves the range before they do."""
RATES = {"linex": "a", "ramsay": "a"}
"""The parameters that are in units of an inverse residual."""


def parameter_cases(loss: Loss, real: type) -> Iterator[tuple[Case, dict[str, Array]]]:
    """Each parameter at the ends of its domain, near them, and at all scales, with residuals in proportion and not.

    Several scales go up and down together, and each by itself.
    """
    info = np.finfo(real)
    ends = [float(info.smallest_normal), float(info.max)]
    shapes = {
        name: values for name, values in SHAPES.items() if name in loss.parameters and (loss.name, name) not in SCALED
    }
    scales = [name for name in loss.parameters if name not in loss.flags and name not in shapes]
    given = [({name: value}, 1.0) for name, values in shapes.items() for value in values]
    for name in scales:
        interval = loss.domain.get(name, Interval())
        values = [*SCALES, *FAR_SCALES[real], *ends, *(e for e in (interval.low, interval.high) if e in interval)]
        values = SCALES if loss.name in WITHIN_SCALES else values
        given += [({name: value}, value) for value in values]
    if len(scales) > 1:
        given += [({n: loss.parameters[n] * value for n in scales}, value) for value in SCALES]
    for changed, unit in given:
        parameters = {
            n: v if isinstance(v, bool) else float(real(v)) for n, v in {**loss.parameters, **changed}.items()
        }
        if loss.name == "hampel" and not parameters["a"] <= parameters["b"] < parameters["c"]:
            continue
        case = Case(loss, parameters)
        yield (
            case,
            points(case, real) if loss.name in TARGETS else _with_further(case, _in_proportion(loss, unit, real), real),
        )


def _in_proportion(loss: Loss, unit: float, real: type) -> Array:
    info = np.finfo(real)
    unit = 1.0 if unit in (0.0, math.inf) else 1 / unit if loss.name in RATES else unit
    absolute = [0.0, info.smallest_subnormal, info.smallest_normal, info.max, *SCALES, 1.0, 300.0]
    with np.errstate(over="ignore", under="ignore"):
        r = np.array([*(float(p) * unit for p in PROPORTIONS), *absolute], np.float64).astype(real)
    r = r[np.isfinite(r)]
    return np.unique(np.concatenate([r, -r]))


def _with_further(case: Case, r: Array, real: type) -> dict[str, Array]:
    grid = np.array(list(itertools.product(r, *([FURTHER] * len(case.loss.further_arrays)))), real).reshape(-1)
    columns = grid.reshape(-1, 1 + len(case.loss.further_arrays)).T
    return {"x": columns[0].copy(), "t": np.zeros_like(columns[0])} | {
        name: column.copy() for name, column in zip(case.loss.further_arrays, columns[1:], strict=True)
    }
