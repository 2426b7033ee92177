"""How far the losses, their slopes and curvatures are from the books': `python -m tests.catalogue.accuracy FILE`.

An error is a distance in units in the last place from what is right; where that is more than one, from what is right
for a prediction (or, where that is not enough, for a target or a parameter) that is itself up to `MOVED` units in the
last place away: no formula in floating point can do better where the loss is ill-conditioned. At a kink whatever lies
between the two sides is right. Near the smallest numbers an intermediate result may have lost digits that the result
could hold: there errors of a few of the smallest do not count.
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from normwise import losses
from normwise.catalogue import Loss
from normwise.engines import arrays as array_engine
from tests.catalogue.points import parameter_cases, points
from tests.oracles.textbook import TEXTBOOK
from tests.oracles.ulp import error_in_ulp
from tests.samples import Array, Case, cases_of

REALS: Mapping[str, Any] = {"float32": np.float32, "float64": np.float64}
MOVED = 4
ULP = {"value": 6, "slope": 12, "curvature": 24}
"""The chain rule multiplies the roundings of a value: twice and four times of them are its derivatives'."""
SMALLEST = 100
"""The number of smallest numbers that an error may be."""
OF_RATIOS: Mapping[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "welsch": (0, lambda r, c: c),
    "linex": (0, lambda r, c: c),
    "geman_mcclure": (0, max),
    "barron": (0, max),
    "barron_nll": (0, max),
    "charbonnier": (1, max),
    "arctan": (2, min),
    "ramsay": (2, min),
}
"""The losses that are a scale to a power, times a function of the ratio of the residual to it. What the ratio, or its
function, loses below the smallest number counts in units of the scale, or of the larger or the smaller of both."""
OVERFLOWING: Mapping[str, Callable[[Mapping[str, float]], bool]] = {
    "linex": lambda given: True,
    "barron": lambda given: given["alpha"] > 2,
    "barron_nll": lambda given: given["alpha"] > 2,
    "student_t_nll": lambda given: given["df"] == math.inf,
}
"""Where the value overflows, so do the slope and the curvature, though a small factor would bring them back."""
STEP = mpmath.mpf(10) ** -30


@dataclass(frozen=True)
class Error:
    """How far a result is from the truth at a point."""

    case: Case
    order: str
    ulp: float
    point: Mapping[str, Any]
    value: Any
    truth: Any

    def __str__(self) -> str:
        place = ", ".join(f"{n}={v!r}" for n, v in self.point.items())
        given = ", ".join(f"{n}={v!r}" for n, v in self.case.parameters.items())
        truth = mpmath.nstr(self.truth, 17)
        loss = f"{self.case.loss.name}({given})"
        return f"{self.order} of {loss} at {place}: {self.value!r}, not {truth}: {self.ulp:.3g} ulp"


class Truth:
    """What the textbook says near a point, to hundreds of digits."""

    def __init__(self, case: Case, point: Mapping[str, Any], real: type) -> None:
        self.case, info = case, np.finfo(real)
        self.point = {name: mpmath.mpf(float(number)) for name, number in point.items()}
        self.parameters = {n: v if isinstance(v, bool) else mpmath.mpf(v) for n, v in case.parameters.items()}
        self.relative = MOVED * float(info.eps)
        self.least = 0.75 * float(info.smallest_normal)
        numbers = [*self.point.values(), *(v for v in self.parameters.values() if not isinstance(v, bool))]
        sizes = [abs(math.log10(abs(v))) for v in map(float, numbers) if v != 0 and math.isfinite(v)]
        self.digits = (480 if real is np.float64 else 200) + 2 * int(
            sum(sizes) if point["x"] != 0 else sum(sizes) - math.log10(info.smallest_normal)
        )
        with mpmath.workdps(self.digits):
            self.here = self._derivatives(self.point, {})

    def near(self) -> list[list[Any]]:
        """Value, slope and curvature on both sides of the prediction, and the value at it."""
        with mpmath.workdps(self.digits):
            x = self.point["x"]
            moved = max(abs(x) * self.relative, mpmath.mpf(self.least))
            left, right = (self._derivatives({**self.point, "x": x + side * moved}, {}) for side in (-1, 1))
            here = self.here[0]
            if left[1] < 0 < right[1]:  # a minimum lies between
                here = here - moved**2 * max(left[2], right[2])
            return [[left[0], right[0], here], [left[1], right[1]], [left[2], right[2]]]

    def moved(self) -> list[list[Any]]:
        """The same for other targets, further arrays and parameters."""
        with mpmath.workdps(self.digits):
            factors = (1 - self.relative, 1 + self.relative)
            others = [({n: v * f}, {}) for n, v in self.point.items() if n != "x" for f in factors]
            others += [({}, {n: v * f}) for n, v in self.parameters.items() if not isinstance(v, bool) for f in factors]
            found = [self._derivatives({**self.point, **p}, q) for p, q in others]
            return [list(order) for order in zip(self.here, *found, strict=True)]

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


def formulas(loss: Loss) -> list[Any]:
    return [loss.formula, loss.formula.derivative("x"), loss.formula.derivative("x", "x")]


def by_arrays(case: Case, arrays: Mapping[str, Array]) -> list[Array]:
    value, *others = formulas(case.loss)
    return array_engine.elementwise(np, value, [arrays[name] for name in value.arrays], case.parameters, *others)


def grid(loss: Loss, real: type) -> Iterator[tuple[Case, Mapping[str, Array]]]:
    """Every case of a loss with the points where it is hard to compute, its parameters as that dtype has them."""
    for case in cases_of(loss):
        rounded = case.of(real)
        yield rounded, points(rounded, real)
    yield from parameter_cases(loss, real)


def unit_of(case: Case, point: Mapping[str, Any], order: int) -> Any:
    """What a ratio's smallest number is to be multiplied with."""
    if case.loss.name not in OF_RATIOS:
        return 1
    degree, unit = OF_RATIOS[case.loss.name]
    r = abs(mpmath.mpf(float(point["x"])))
    a, c, eps = (mpmath.mpf(case.parameters.get(name, 1)) for name in ("a", "c", "eps"))
    size = unit(r, c * eps / abs(a) if a else mpmath.inf)
    return size ** (degree - order) if size else 1


def errors(case: Case, arrays: Mapping[str, Array], computed: Sequence[Sequence[Array]]) -> Iterator[Error]:
    """The largest error of each result at each point, where there is any."""
    real = arrays["x"].dtype.type
    info = np.finfo(real)
    for i in range(arrays["x"].size):
        point = {name: array[i] for name, array in arrays.items()}
        truth = Truth(case, point, real)
        overflow = False
        for order, name in enumerate(ULP):
            if case.loss.name == "balanced_l1" and point["x"] == 0 and abs(truth.here[order]) > float(info.max):
                continue
            allowed = SMALLEST * mpmath.mpf(float(info.smallest_subnormal)) * max(1, unit_of(case, point, order))
            excused = order > 0 and (overflow or abs(truth.here[order]) > float(info.max))
            beyond = abs(truth.here[order]) > float(info.max)
            overflow = overflow or (beyond and OVERFLOWING.get(case.loss.name, lambda _: False)(case.parameters))
            if mpmath.isnan(truth.here[order]):  # the slope of what is infinite for any residual
                continue
            for value in {results[order][i].tobytes(): results[order][i] for results in computed}.values():
                if excused and not np.isfinite(value):
                    continue
                error, known = outside(value, [truth.here[order]], allowed), [truth.here[order]]
                for further in (truth.near, truth.moved):
                    if error > 1:
                        known = known + further()[order]
                        error = outside(value, known, allowed)
                if error > 0:
                    yield Error(case, name, error, point, value, truth.here[order])


def worst(loss: Loss, real: type) -> dict[str, float]:
    """The largest error of the value, the slope and the curvature by NumPy's operations."""
    found = dict.fromkeys(ULP, 0.0)
    for case, arrays in grid(_of_elements(loss), real):
        for error in errors(case, arrays, [by_arrays(case, arrays)]):
            found[error.order] = max(found[error.order], error.ulp)
    return found


def _of_elements(loss: Loss) -> Loss:
    """The loss itself, or the one whose mean it is made of."""
    if loss.finish is None:
        return loss
    return next(o for o in losses.values() if o.finish is None and o.formula.expression is loss.formula.expression)


HEAD = """\
# How accurate the losses are

This page is written by `make accuracy`: each loss, its slope and its curvature, by NumPy's operations, against the
textbook's formula in hundreds of digits. The residuals are 0, the smallest and the largest numbers, those near the
kinks, and those from 1e-30 to 1e30, in proportion to the parameters and not. The parameters are at the ends of their
domains, near them, and from 1e-30 to 1e30 (in float64 from 1e-300 to 1e300), each alone and all scales together.

The numbers are the worst errors in units in the last place (ulp). An error of more than 1 is counted from what is right
for a prediction, a target or a parameter within 4 ulp: no formula can do better where the loss is ill-conditioned. The
tests allow a value 6, a slope 12 and a curvature 24.

What is not promised:

- The least parameter of a scale that is looked at is the smallest normal number. Errors of up to 100 of the smallest
  numbers do not count; where a loss is a function of a ratio, those of the ratio do not.
- A slope or a curvature that is itself beyond the largest number may be nan. Where the value is beyond it, they may be
  so for `linex`, for `barron` with alpha > 2, and for `student_t_nll` with df = inf.
- `balanced_l1` is looked at with parameters from 1e-30 to 1e30. Its curvature at 0 is wrong where it is infinite.
- `poisson_deviance` is not looked at with means below 1e-20 in float32, where its curvature may be nan or infinite.
- `tweedie_deviance` is looked at where its powers are in the range. Near p = 0, but not at it, its curvature loses the
  digits that 1 - p does.
- The row of a loss that is made of means is that of the elements they are of.
"""


def page() -> str:
    """Return the text of docs/accuracy.md."""
    rows = [f"| `{loss.name}` | {' | '.join(_row(loss))} |" for loss in losses.values()]
    header = [f"{order}, {dtype}" for dtype in REALS for order in ULP]
    return "\n".join([HEAD, f"| loss | {' | '.join(header)} |", "|-|" + "-|" * len(header), *rows, ""])


def _row(loss: Loss) -> Iterator[str]:
    for real in REALS.values():
        yield from (f"{error:.1f}" for error in worst(loss, real).values())


if __name__ == "__main__":
    [file] = sys.argv[1:]
    Path(file).write_text(page(), encoding="utf-8")
