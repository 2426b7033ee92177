"""The shape of a formula of one argument, as it is found on a grid: kinks, convexity, symmetry, bounds, ends.

It is looked at where it can be told: at residuals over eighteen orders of magnitude, and on both sides of each place
where a branch of the formula changes. What fails there fails; what holds there is said to hold on that grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from normwise.formula import Expression, Formula
from normwise.formula.expression import apply
from normwise.formula.numbers import number_function, number_value
from normwise.formula.primitives import COMPARISONS

TARGET = 1.0
"""The target, and what further arrays hold, where the residual is not enough to tell the loss."""

TRAITS = ("convex", "symmetric", "bounded", "redescending")
"""The names of the traits."""

GOLDEN = (1 + math.sqrt(5)) / 2


class Point(NamedTuple):
    """The loss at a residual, or at a prediction, with its first and second derivative."""

    at: float
    value: float
    slope: float
    curvature: float


class Kink(NamedTuple):
    """A place where something jumps: the ``value``, the ``slope`` or the ``curvature``."""

    at: float
    jumps: str


class Trait(NamedTuple):
    """Whether the loss has a property, and how one knows."""

    name: str
    holds: bool
    text: str


OTHERS = 99
"""How many others are beside the element along which a loss of means is looked at; the residual of each is 1."""


def among_others(finish: Formula, means: Sequence[Formula], parameters: Mapping[str, float]) -> Formula:
    """Return what is finished of means as a formula of one element, where there are others."""
    name, *further = means[0].arrays
    other = {name: 1.0 if name == "r" else TARGET + 1, **dict.fromkeys(further, TARGET), **parameters}
    whole = OTHERS + 1
    mixed = {
        each: (mean.expression + OTHERS * number_value(mean.expression, other)) / whole
        for each, mean in zip(finish.arrays, means, strict=True)
    }
    return Formula(means[0].name, means[0].arrays, means[0].parameters, finish(**mixed))


class Shape:
    """A loss along the residual, or along the prediction where the target is 1."""

    def __init__(self, formula: Formula, parameters: Mapping[str, float]) -> None:
        name = formula.arrays[0]
        self.name = name
        self.slope = formula.derivative(name)
        self.curvature = formula.derivative(name, name)
        self.centre = 0.0 if name == "r" else TARGET
        self._names = (*formula.arrays, *parameters)
        self._rest = (*[TARGET] * (len(formula.arrays) - 1), *parameters.values())
        formulas = (formula, self.slope, self.curvature)
        self._functions = [number_function(each.expression, *self._names) for each in formulas]
        self.kinks, breaks = self._kinks(formula)
        self.unit = max([1.0, *(abs(kink.at - self.centre) for kink in self.kinks)])
        self.breaks = breaks
        apart = [self.centre + side * self.unit * 10 ** (i / 20) for i in range(-120, 241) for side in (-1, 1)]
        near = [self.centre + self.unit * i / 20 for i in range(-200, 201)]
        sides = [each + side * _step(each) for each in breaks for side in (-1, 1)]
        told = [self.point(place) for place in sorted({*apart, *near, *sides})]
        self.edges = [*self._edges(told)]
        """Where the loss ends to be defined, with the side on which it is: -1 or 1."""
        beside = {edge + side * self.unit * 10**-i for edge, side in self.edges for i in range(1, 13)}
        beside -= {point.at for point in told}
        told = sorted([*told, *map(self.point, beside)], key=lambda point: point.at)
        self._looked = len(told)
        self.grid = [p for p in told if math.isfinite(p.value) and math.isfinite(p.slope)]

    @property
    def defined(self) -> str:
        """Where it is a number, if not everywhere."""
        if not self.edges:
            return "nowhere: it is not a number" if math.isnan(self.point(self.centre + self.unit).value) else ""
        stretches: list[list[str]] = []
        for i, (edge, side) in enumerate(self.edges):
            if side > 0 or i == 0:
                stretches.append([])
            stretches[-1].append(f"{self.name} {'>' if side > 0 else '<'} {number(edge)}")
        return "where " + " or ".join(" and ".join(told) for told in stretches)

    @property
    def overflows(self) -> str:
        """Where it is infinite, if anywhere."""
        told: list[str] = []
        for side in (-1, 1):
            beyond = self.point(self.centre + side * 1e12 * self.unit)
            if not math.isfinite(beyond.slope) and not math.isnan(beyond.value):
                end = self.grid[0 if side < 0 else -1].at if self.grid else 0.0
                told.append(f"{self.name} {'>' if side > 0 else '<'} {end:.3g}")
        if told and not self.grid:
            return "float64, everywhere"
        return "float64, where " + " or ".join(told) if told else ""

    @property
    def extent(self) -> str:
        """Where it has been looked at."""
        of = "residuals" if self.name == "r" else "predictions"
        at = "" if self.name == "r" else f" at the target {number(TARGET)}"
        if not self.grid:
            return f"{self._looked:,} {of}{at}, at none of which it is a finite number"
        low, high = (f"{self.grid[i].at:.3g}" for i in (0, -1))
        found = "and both sides of each jump: a yes is found on them, not proven"
        return f"{len(self.grid):,} {of}{at} from {low} to {high}, {found}"

    def point(self, at: float) -> Point:
        """The loss and its derivatives at a place."""
        return Point(at, *(function(at, *self._rest) for function in self._functions))

    def points(self, residuals: Iterable[float], reach: float) -> tuple[Point, ...]:
        """The loss at residuals and where something jumps, without the places where it is not defined."""
        scale = 10.0 ** round(math.log10(reach / 4))
        places = {*(self.centre + residual * scale for residual in residuals), *(kink.at for kink in self.kinks)}
        told = (self.point(place + 0.0) for place in sorted(places))
        return tuple(point for point in told if not math.isnan(point.value))

    def curve(self, reach: float) -> tuple[Point, ...]:
        """The loss up to so far from the centre."""
        told = (self.point(self.centre + reach * i / 80) for i in range(-80, 81))
        return tuple(point for point in told if math.isfinite(point.value))

    def _edges(self, points: Sequence[Point]) -> Iterable[tuple[float, int]]:
        def undefined(at: float) -> float:
            return 1.0 if math.isnan(self.point(at).value) else -1.0

        for low, high in pairwise(points):
            if math.isnan(low.value) != math.isnan(high.value):
                yield _root(undefined, low.at, high.at), 1 if math.isnan(low.value) else -1

    def _kinks(self, formula: Formula) -> tuple[tuple[Kink, ...], list[float]]:
        breaks = sorted({place for node, _ in formula.path.steps for place in self._breaks(node)})
        return tuple(kink for kink in map(self._kink, breaks) if kink), breaks

    def _breaks(self, node: Expression) -> Iterable[float]:
        """Where the branch that a node takes changes, or it divides by 0."""
        if node.primitive in ("absolute", "sign"):
            apart = node.arguments[0]
        elif node.primitive == "divide":
            apart = node.arguments[1]
        elif node.primitive in ("minimum", "maximum") or node.primitive in COMPARISONS:
            apart = apply("subtract", *node.arguments)
        else:
            return
        function = number_function(apart, *self._names)

        def difference(at: float) -> float:
            return function(at, *self._rest)

        places = [self.centre + side * 10 ** (i / 10) for i in range(-80, 81) for side in (-1, 1)]
        places = sorted({*places, self.centre, 0.0})
        signs = [(place, difference(place)) for place in places]
        for (low, before), (high, after) in pairwise(signs):
            if before == 0 and low != places[0] and after != 0:
                yield low
            elif before * after < 0:
                yield _root(difference, low, high)

    def _kink(self, at: float) -> Kink | None:
        # What jumps is as far apart from near as from afar; what bends comes together.
        near, far = ([self.point(at + side * by * _step(at)) for side in (-1, 1)] for by in (1, 100))
        if math.isinf(self.point(at).value) and all(math.isfinite(point.value) for point in near):
            return Kink(at, "value")
        for jumps in ("value", "slope", "curvature"):
            a, b = (getattr(point, jumps) for point in near)
            apart = abs(a - b)
            bend = abs(getattr(far[0], jumps) - getattr(far[1], jumps))
            if math.isfinite(apart) and apart > max(0.5 * bend, 1e-5 * abs(a), 1e-5 * abs(b)):
                return Kink(at, jumps)
        return None


def _step(at: float) -> float:
    """How far the sides of a place are from it."""
    return 1e-8 * (abs(at) or 1.0)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    below = function(low)
    for _ in range(200):
        middle = (low + high) / 2
        value = function(middle)
        if value == 0 or middle in (low, high):
            low = middle
            break
        low, high = (middle, high) if value * below > 0 else (low, middle)
    near = float(f"{low:.12g}") if abs(low) > 1e-30 else 0.0  # 1 rather than 0.9999999999999999
    return near if abs(function(near)) <= abs(function(low)) + 1e-12 * abs(below) else low


# --- traits -----------------------------------------------------------------------------------------------------------


def traits(shape: Shape) -> dict[str, Trait]:
    """The traits of a loss by name; of one that is a finite number nowhere, none."""
    if _sides(shape):
        found = [trait(shape) for trait in (convex, symmetric, bounded, redescending)]
    else:
        found = [Trait(name, False, "it is no finite number") for name in TRAITS]
    return {trait.name: trait for trait in found}


def convex(shape: Shape) -> Trait:
    """Whether the slope never falls."""
    sides = [abs(shape.point(shape.centre + side * shape.unit).slope) for side in (-1, 1)]
    rounding = 1e-12 * max(slope if math.isfinite(slope) else 0.0 for slope in sides)
    # The fall of an even loss is told of the positive side.
    for points in ([point for point in shape.grid if point.at >= shape.centre], shape.grid):
        falls: list[tuple[float, Point, Point]] = []
        top = next(iter(points), None)
        for point in points:
            top = top if top is not None and point.slope < top.slope else point
            fall = top.slope - point.slope
            if fall > 1e-9 * max(abs(top.slope), abs(point.slope)) + rounding:
                falls.append((fall, top, point))
        if falls:
            most = max(fall for fall, _, _ in falls)
            _, high, low = next(each for each in falls if each[0] >= most / 2)
            told = f"the slope falls from {number(high.slope)} at {shape.name} = {number(high.at)}"
            return Trait("convex", False, f"{told} to {number(low.slope)} at {number(low.at)}")
    return Trait("convex", True, "the slope nowhere falls")


def symmetric(shape: Shape) -> Trait:
    """Whether errors to both sides cost the same."""
    worst, at = 0.0, 0.0
    values = {point.at: point.value for point in shape.grid}
    for point in shape.grid:
        other = values.get(2 * shape.centre - point.at)
        if point.at > shape.centre and other is not None:
            apart = abs(point.value - other) / max(abs(point.value), abs(other), 1e-300)
            if apart > worst and abs(point.at - shape.centre) >= 1e-3 * shape.unit:
                worst, at = apart, point.at
    centre = "0" if shape.name == "r" else f"the target {number(shape.centre)}"
    if worst > 1e-6:
        step = next((s for s in (1.0, 0.5) if math.isfinite(shape.point(shape.centre - s).value)), at - shape.centre)
        below, above = shape.point(shape.centre - step), shape.point(shape.centre + step)
        told = (
            f"{number(below.value)} at {shape.name} = {number(below.at)}, {number(above.value)} at {number(above.at)}"
        )
        return Trait("symmetric", False, told)
    return Trait("symmetric", True, f"the same on both sides of {centre}")


class _Side(NamedTuple):
    """The influence of outliers to one side."""

    largest: float
    at: float
    near: float
    """The largest six orders of magnitude nearer, or that far from where the loss ends to be defined."""
    last: float
    zero: float | None
    """Beyond which it is 0."""
    settled: float
    """How far it is to nine tenths of the largest."""

    @property
    def is_bounded(self) -> bool:
        return self.largest <= 1.001 * self.near

    @property
    def fades(self) -> bool:
        return self.is_bounded and self.largest > 0 and abs(self.last) <= 1e-3 * self.largest


def _side(shape: Shape, side: int) -> _Side | None:
    points = [point for point in shape.grid[::side] if side * (point.at - shape.centre) > 0]
    if len(points) < 2:
        return None
    reach = abs(points[-1].at - shape.centre)
    edge = next((edge for edge, defined in shape.edges if defined != side), None)
    share = 0.1 if reach < 1e11 * shape.unit else 1e-6  # it overflows before the grid ends

    def is_near(point: Point) -> bool:
        if edge is not None:
            return abs(point.at - edge) >= 1e-6 * shape.unit
        return abs(point.at - shape.centre) <= share * reach

    near = max((abs(point.slope) for point in points if is_near(point)), default=0.0)
    most = _peak(shape, points)
    zero = None
    last = [point.at for point in points if point.slope != 0][-1:]
    for place in sorted(shape.breaks, key=abs):
        # It is selected to be 0 there, if it is not 0 a little before: it has not faded.
        inside = shape.point(place - side * 1e-3 * abs(place)).slope
        if last and side * (place - last[0]) >= -10 * _step(last[0]) and abs(inside) > 1e-9 * abs(most.slope):
            zero = place
            break
    # Beside a pole no point of the grid is as steep as the steepest place.
    steep = (p.at for p in (*points, most) if abs(p.slope) >= 0.9 * abs(most.slope))
    settled = abs(next(steep) - shape.centre)
    return _Side(abs(most.slope), most.at, near, points[-1].slope, zero, settled)


def _peak(shape: Shape, points: Sequence[Point]) -> Point:
    """Where the slope is largest, by golden section between the neighbours of the largest on the grid."""
    places = range(len(points))
    i = max(places, key=lambda place: abs(points[place].slope))
    low, high = points[max(i - 1, 0)].at, points[min(i + 1, len(points) - 1)].at
    for _ in range(80):
        a, b = high - (high - low) / GOLDEN, low + (high - low) / GOLDEN
        low, high = (low, b) if abs(shape.point(a).slope) >= abs(shape.point(b).slope) else (a, high)
    found = shape.point((low + high) / 2)
    return found if abs(found.slope) > (1 + 1e-12) * abs(points[i].slope) else points[i]


def reach(shape: Shape) -> float:
    """How far from the centre the loss is worth a look: twice the last kink, or to where its influence is settled."""
    kinks = [abs(kink.at - shape.centre) for kink in shape.kinks]
    if any(kinks):
        return 2 * max(kinks)
    sides = [side for side in _sides(shape).values() if side.is_bounded]
    ends = [1.5 * abs(side.zero) for side in sides if side.zero] or [4 * side.settled for side in sides]
    # What has no scale of its own, as the absolute error, is settled at once.
    return max((end for end in ends if 1e-4 < end < 1e9 and shape.name == "r"), default=3.0)


def _sides(shape: Shape) -> dict[str, _Side]:
    """Both sides; one where the loss is defined to one side only."""
    told = {"below": _side(shape, -1), "above": _side(shape, 1)}
    return {name: side for name, side in told.items() if side is not None}


def bounded(shape: Shape) -> Trait:
    """Whether an outlier's pull has a bound."""
    sides = _sides(shape)
    if all(side.is_bounded for side in sides.values()):
        most = max(side.largest for side in sides.values())
        return Trait("bounded", True, f"an outlier pulls with a slope of {number(most)} at most")
    told = [
        f"{name} {'at most ' + number(side.largest) if side.is_bounded else 'the slope grows without end'}"
        for name, side in sides.items()
    ]
    if not any(side.is_bounded for side in sides.values()):
        told = ["the farther an outlier is, the more it pulls"]
    return Trait("bounded", False, ", ".join(told))


def redescending(shape: Shape) -> Trait:
    """Whether far outliers are let go of."""
    sides = _sides(shape)
    fading = {name: side for name, side in sides.items() if side.fades}
    told: list[str] = []
    for name, side in fading.items():
        gone = f"0 from {number(side.zero)} on" if side.zero is not None else "fades to 0"
        told.append(f"{name}, the pull is largest at {shape.name} = {number(side.at)} and {gone}")
    if len(fading) == len(sides) == 2 and len({(abs(s.at - shape.centre), s.largest) for s in fading.values()}) == 1:
        side = fading["above"]
        gone = f"0 from {number(side.zero)} on" if side.zero is not None else "fades to 0"
        told = [f"the pull is largest at {number(side.at)}, and {gone}"]
    if not fading:
        return Trait("redescending", False, "a far outlier pulls as much as any, or more")
    return Trait("redescending", len(fading) == len(sides), "; ".join(told))


# --- words ------------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """A number with four digits."""
    return f"{value + 0.0:.4g}"
