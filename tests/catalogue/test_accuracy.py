"""Every loss, its slope and its curvature, against the textbook in arbitrary precision, where they are hard to compute.

A result passes if it is right, to a few units in the last place, for a prediction (or, where that is not enough, for a
target or a parameter) that is itself up to `MOVED` units in the last place away: no formula in floating point can do
better where the loss is ill-conditioned. At a kink whatever lies between the two sides passes. Near the smallest
numbers an intermediate result may have lost digits that the result could hold: there a few of the smallest count.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from normwise import fused
from normwise.array_calls import MEMORY
from normwise.catalogue import Loss
from normwise.engines import arrays as array_engine
from tests.catalogue.points import points
from tests.oracles.textbook import TEXTBOOK
from tests.oracles.ulp import error_in_ulp
from tests.samples import Array, Case, cases_of, pointwise

REALS = {"float32": np.float32, "float64": np.float64}
MOVED = 4
ULP = {"value": 6, "slope": 12, "curvature": 24}
"""The chain rule multiplies the roundings of a value: twice and four times of them are its derivatives'."""
SMALLEST = 100
"""The number of smallest numbers that an error may be."""
STEP = mpmath.mpf(10) ** -30


def formulas(loss: Loss) -> list[Any]:
    return [loss.formula, loss.formula.derivative("x"), loss.formula.derivative("x", "x")]


def by_kernel(case: Case, arrays: Mapping[str, Array]) -> list[Array]:
    given = [arrays[name] for name in case.loss.formula.arrays]
    results = [np.empty_like(given[0]) for _ in ULP]
    fused.mapping(*formulas(case.loss)).run(MEMORY, given, results, list(map(float, case.parameters.values())), 1.0)
    return results


def by_arrays(case: Case, arrays: Mapping[str, Array]) -> list[Array]:
    value, *others = formulas(case.loss)
    return array_engine.elementwise(np, value, [arrays[name] for name in value.arrays], case.parameters, *others)


class Truth:
    """What the textbook says near a point, to hundreds of digits."""

    def __init__(self, case: Case, point: Mapping[str, Any], real: type) -> None:
        self.case, info = case, np.finfo(real)
        self.point = {name: mpmath.mpf(float(number)) for name, number in point.items()}
        self.parameters = {n: v if isinstance(v, bool) else mpmath.mpf(v) for n, v in case.parameters.items()}
        self.relative = MOVED * float(info.eps)
        self.least = 0.75 * float(info.smallest_normal)
        self.digits = 480 + 2 * int(abs(math.log10(abs(float(point["x"])) or info.smallest_normal)))

    def near(self) -> list[list[Any]]:
        """Value, slope and curvature on both sides of the prediction, and the value at it."""
        with mpmath.workdps(self.digits):
            x = self.point["x"]
            moved = max(abs(x) * self.relative, mpmath.mpf(self.least))
            left, right = (self._derivatives({**self.point, "x": x + side * moved}, {}) for side in (-1, 1))
            here = self._function(self.point, {})(x)
            if left[1] < 0 < right[1]:  # a minimum lies between
                here -= moved**2 * max(left[2], right[2])
            return [[left[0], right[0], here], [left[1], right[1]], [left[2], right[2]]]

    def moved(self) -> list[list[Any]]:
        """The same for other targets, further arrays and parameters."""
        with mpmath.workdps(self.digits):
            factors = (1 - self.relative, 1 + self.relative)
            others = [({n: v * f}, {}) for n, v in self.point.items() if n != "x" for f in factors]
            others += [({}, {n: v * f}) for n, v in self.parameters.items() if not isinstance(v, bool) for f in factors]
            return [
                list(found)
                for found in zip(*(self._derivatives({**self.point, **p}, q) for p, q in others), strict=True)
            ]

    def _function(self, point: Mapping[str, Any], parameters: Mapping[str, Any]) -> Callable[[Any], Any]:
        formula, given = TEXTBOOK[self.case.loss.name], {**self.parameters, **parameters}
        first, *rest = self.case.loss.written.arrays
        if first == "r":
            return lambda x: formula(x - point["t"], *(point[name] for name in rest), **given)
        return lambda x: formula(x, *(point[name] for name in rest), **given)

    def _derivatives(self, point: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[Any]:
        function, x = self._function(point, parameters), point["x"]
        h = (abs(x) or self.least) * STEP
        before, here, after = function(x - h), function(x), function(x + h)
        return [here, (after - before) / (2 * h), (after - 2 * here + before) / h**2]


def outside(value: Any, known: Sequence[Any], absolute: float) -> float:
    """By how many units in the last place a value lies outside the range of what is known."""
    low, high = min(known), max(known)
    if np.isfinite(value) and low - absolute <= mpmath.mpf(float(value)) <= high + absolute:
        return 0.0
    return min(error_in_ulp(value, low), error_in_ulp(value, high))


def faults(case: Case, arrays: Mapping[str, Array], computed: Sequence[Sequence[Array]]) -> Iterator[str]:
    real = arrays["x"].dtype.type
    info = np.finfo(real)
    for i in range(arrays["x"].size):
        point = {name: array[i] for name, array in arrays.items()}
        truth = Truth(case, point, real)
        near = truth.near()
        in_range = True
        for order, (name, limit) in enumerate(ULP.items()):
            allowed = SMALLEST * float(info.smallest_subnormal)
            in_range = in_range and max(map(abs, near[order])) < float(info.max)
            for results in computed:
                value, known = results[order][i], near[order]
                if not in_range and not np.isfinite(value):  # nor is what is derived of what is out of range
                    continue
                error = outside(value, known, allowed)
                if error > limit:
                    known = known + truth.moved()[order]
                    error = outside(value, known, allowed)
                if error > limit:
                    place = ", ".join(f"{n}={v!r}" for n, v in point.items())
                    yield f"{name} of {case} at {place}: {value!r}, not {mpmath.nstr(min(known), 17)}: {error:.3g} ulp"


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("known", [loss for loss in pointwise() if loss.name in TEXTBOOK], ids=lambda loss: loss.name)
def test_value_slope_and_curvature_are_the_books(known: Loss, dtype: str) -> None:
    """By the kernel, which computes all three at once; in float64 by NumPy's operations too."""
    real = REALS[dtype]
    for case in cases_of(known):
        given = Case(known, {n: v if isinstance(v, bool) else float(real(v)) for n, v in case.parameters.items()})
        arrays = points(given, real)
        computed = [by_kernel(given, arrays), *([by_arrays(given, arrays)] if real is np.float64 else [])]
        wrong = list(faults(given, arrays, computed))
        assert not wrong, "\n".join(wrong)
