"""What a loss is like, derived from its formula: its slopes, its shape, what it estimates, and what others call it.

A shape is looked at where it can be told: at residuals over eighteen orders of magnitude, and on both sides of each
place where a branch of the formula changes. What fails there fails; what holds there is said to hold on that grid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from normwise import plan
from normwise.catalogue import Interval, Loss, losses
from normwise.catalogue.peers import Peer, peers_of
from normwise.conversion import parameters_of, row_symbols
from normwise.formula import Expression, Formula
from normwise.formula.expression import apply, constant, is_constant
from normwise.formula.primitives import COMPARISON, PRIMITIVES
from normwise.formula.values import number_function

TARGET = 1.0
"""The target, and what further arrays hold, where the residual is not enough to tell the loss."""

LONGEST, WIDEST = 14, 900
"""Of a formula that is shown: lines of Python, characters of LaTeX, the size up to which its parts have no names."""

GOLDEN = (1 + math.sqrt(5)) / 2

TELLING = (-10.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 10.0)
"""The residuals of the table, in powers of ten that suit the loss, beside those where something jumps."""


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


class Alias(NamedTuple):
    """What another library calls the loss."""

    peer: Peer
    call: str
    """Theirs, with its parameters' defaults."""
    ours: str
    """Theirs in terms of ours."""
    note: str


@dataclass(frozen=True, eq=False)
class Explanation:
    """What is to be known of a loss with certain parameters; it prints itself.

    Attributes
    ----------
    loss : Loss
    parameters : dict of str to float
    at : str
        What it is told as a function of: the residual ``r``, or the prediction ``x`` at the target 1, further arrays 1.
    formula, slope, curvature : Formula
        The loss as its flags choose it, and its first and second derivative.
    points : tuple of Point
        Values at a few telling places.
    kinks : tuple of Kink
        Where the value, the slope or the curvature jumps.
    traits : dict of str to Trait
        ``convex``, ``symmetric``, ``bounded`` (the influence of an outlier), ``redescending``.
    defined : str
        Where the loss is a number, if not everywhere.
    overflows : str
        Where it is a number but infinite in float64, if anywhere.
    extent : str
        Where that has been looked at.
    aliases : tuple of Alias
        What other libraries call it.
    curve : tuple of Point
        For a plot.
    """

    loss: Loss
    parameters: Mapping[str, float]
    at: str
    formula: Formula
    slope: Formula
    curvature: Formula
    points: tuple[Point, ...]
    kinks: tuple[Kink, ...]
    traits: Mapping[str, Trait]
    defined: str
    overflows: str
    extent: str
    aliases: tuple[Alias, ...]
    curve: tuple[Point, ...]

    @property
    def latex(self) -> str:
        """The formula in LaTeX, for math mode; nothing where it is longer than one reads.

        What a long one mentions more than once has a name.
        """
        whole = self.formula.latex()
        # A name of several words would read as one letter with an index.
        return re.sub(r"\b[A-Za-z]+(?:_[A-Za-z]+)+", _upright, whole) if len(whole) <= WIDEST else ""

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is known of it in words, each with its title."""
        jumps = ", ".join(f"{self.at} = {number(kink.at)} ({kink.jumps})" for kink in self.kinks)
        told = [
            ("parameters", "; ".join(described(self.loss, self.parameters))),
            ("estimates", self.loss.minimiser),
            ("noise", self.loss.noise),
            ("result", finished(self.loss)),
            ("defined", self.defined),
            ("overflows", self.overflows),
            ("jumps", jumps or "nowhere: value, slope and curvature are continuous"),
            *((trait.name, f"{'yes' if trait.holds else 'no'}: {trait.text}") for trait in self.traits.values()),
            ("looked at", self.extent),
        ]
        return tuple((title, text) for title, text in told if text)

    @property
    def usage(self) -> tuple[str, ...]:
        """The lines that use it; none for a loss that has no name of its own, as one that was converted."""
        loss, numbers = self.loss, [f"{name}={plain(value)}" for name, value in self.parameters.items()]
        arrays = ", ".join(("prediction", "target", *loss.further_arrays))
        if loss.name.isidentifier() and losses.get(loss.name) is not loss:
            return ()
        if not loss.name.isidentifier():
            lines = [f"normwise.loss({', '.join([repr(loss.name), *numbers])})({arrays})"]
        else:
            lines = [
                f"normwise.{loss.function}({', '.join([arrays, *numbers])})",
                f"normwise.nn.{loss.module}({', '.join(numbers)})({arrays})",
            ]
        columns = [f"{name}=COLUMN" for name in loss.further_arrays]
        written = ",".join([*columns, *(f"{name}={plain(float(value))}" for name, value in self.parameters.items())])
        text = f"{loss.name}:{written}" if written else loss.name
        quoted = text if loss.name.isidentifier() else f'"{text}"'
        lines.append(f"normwise evaluate FILE -t target -p prediction --loss {quoted}")
        return tuple(lines)

    def __str__(self) -> str:
        table = [(self.at, "loss", "slope", "curvature"), *(tuple(map(number, point)) for point in self.points)]
        blocks = [
            "\n".join(filter(None, [title_of(self), self.loss.documentation.partition("\n")[0]])),
            *(f"{title}\n{text}" for title, text in spellings(self)),
            "\n".join(f"{title:<12}  {text}" for title, text in self.facts),
            _columns(table),
            "\n".join(
                ["Elsewhere", *(f"  {a.call} = {a.ours}{f' ({a.note})' if a.note else ''}" for a in self.aliases)]
            )
            if self.aliases
            else "",
            "\n".join(["Use", *(f"  {line}" for line in self.usage)]) if self.usage else "",
        ]
        return "\n\n".join(filter(None, blocks))

    __repr__ = __str__


def explain(loss: str | Loss | Callable[..., Any], **parameters: float) -> Explanation:
    """Tell what a loss is like: its derivatives, its shape, what it estimates, what other libraries call it.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        A name, a text such as ``"huber:delta=2"`` or ``"log(cosh(r / s)):s=2"``, or the loss itself.
    **parameters : float
        The loss's parameters; the others have their defaults.

    Returns
    -------
    Explanation
        It prints itself. All of it is derived from the formula and its declaration. Convexity and the like are found
        on a grid of residuals, from 1e-6 to 1e12 in size and on both sides of each kink, and say so.

    Raises
    ------
    InputError
        Where there is no such loss or parameter.
    ParameterError
        Where a parameter leaves its domain.

    Examples
    --------
    >>> import normwise
    >>> told = normwise.explain("huber", delta=2.0)
    >>> told.traits["convex"].holds, told.traits["redescending"].holds, told.kinks[-1]
    (True, False, Kink(at=2.0, jumps='curvature'))
    >>> print(told)
    huber: delta=2
    Half the squared error within delta of zero, straight beyond: Huber, 1964.
    ...
    """
    found, bound = _bound(loss, parameters)
    formula = chosen(found.written, {name: bound[name] for name in found.flags})
    shape = Shape(formula, {name: bound[name] for name in formula.parameters})
    even, far = symmetric(shape), reach(shape)
    return Explanation(
        found,
        bound,
        formula.arrays[0],
        formula,
        shape.slope,
        shape.curvature,
        tuple(point for point in shape.points(TELLING, far) if point.at >= shape.centre or not even.holds),
        shape.kinks,
        {trait.name: trait for trait in (convex(shape), even, bounded(shape), redescending(shape))},
        shape.defined,
        shape.overflows,
        shape.extent,
        tuple(map(alias, peers_of(found.name))) if losses.get(found.name) is found else (),
        shape.curve(far),
    )


def _bound(loss: Any, given: Mapping[str, Any]) -> tuple[Loss, dict[str, float]]:
    """The loss and all its parameters; the parameters of a text that is a formula make the formula."""
    if not isinstance(loss, str):
        found = plan.find_loss(loss)
        return found, plan.bind_parameters(found, given)
    name = loss.partition(":")[0].strip()
    if name.isidentifier() or name in losses:
        found, bound = plan.parse_loss(loss)
        return found, {**bound, **plan.bind_parameters(found, {**bound, **given})}
    added = ",".join(f"{parameter}={value}" for parameter, value in given.items())
    return plan.parse_loss(loss + (("," if ":" in loss else ":") + added if added else ""))


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
        places = sorted({*apart, *near, *sides})
        self.edges = [*self._edges(places)]
        """Where the loss ends to be defined, with the side on which it is: -1 or 1."""
        places += [edge + side * self.unit * 10**-i for edge, side in self.edges for i in range(1, 13)]
        told = map(self.point, sorted({*places}))
        self.grid = [p for p in told if math.isfinite(p.value) and math.isfinite(p.slope)]

    @property
    def defined(self) -> str:
        """Where it is a number, if not everywhere."""
        told = (f"{self.name} {'>' if side > 0 else '<'} {number(edge)}" for edge, side in self.edges)
        return "where " + " and ".join(told) if self.edges else ""

    @property
    def overflows(self) -> str:
        """Where it is infinite, if anywhere."""
        told: list[str] = []
        for side, end in ((-1, self.grid[0]), (1, self.grid[-1])):
            beyond = self.point(self.centre + side * 1e12 * self.unit)
            if not math.isfinite(beyond.slope) and not math.isnan(beyond.value):
                told.append(f"{self.name} {'>' if side > 0 else '<'} {end.at:.3g}")
        return "float64, where " + " or ".join(told) if told else ""

    @property
    def extent(self) -> str:
        """Where it has been looked at."""
        low, high = (f"{self.grid[i].at:.3g}" for i in (0, -1))
        of = f"{len(self.grid):,} {'residuals' if self.name == 'r' else 'predictions'}"
        if self.name != "r":
            of += f" at the target {number(TARGET)}"
        return f"{of} from {low} to {high}, and both sides of each jump: a yes is found on them, not proven"

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

    def _edges(self, places: Sequence[float]) -> Iterable[tuple[float, int]]:
        def undefined(at: float) -> float:
            return 1.0 if math.isnan(self.point(at).value) else -1.0

        for low, high in pairwise(places):
            if undefined(low) != undefined(high):
                yield _root(undefined, low, high), 1 if undefined(low) > 0 else -1

    def _kinks(self, formula: Formula) -> tuple[tuple[Kink, ...], list[float]]:
        breaks = sorted({place for node, _ in formula.path.steps for place in self._breaks(node)})
        return tuple(kink for kink in map(self._kink, breaks) if kink), breaks

    def _breaks(self, node: Expression) -> Iterable[float]:
        """Where the branch that a node takes changes."""
        if node.primitive in ("absolute", "sign"):
            apart = node.arguments[0]
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
        for jumps in ("value", "slope", "curvature"):
            a, b = (getattr(point, jumps) for point in near)
            apart = abs(a - b)
            bend = abs(getattr(far[0], jumps) - getattr(far[1], jumps))
            if math.isfinite(apart) and apart > max(0.5 * bend, 1e-5 * abs(a), 1e-5 * abs(b)):
                return Kink(at, jumps)
        return None


COMPARISONS = frozenset(name for name, row in PRIMITIVES.items() if row.precedence == COMPARISON)


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


def convex(shape: Shape) -> Trait:
    """Whether the slope never falls."""
    sides = [abs(shape.point(shape.centre + side * shape.unit).slope) for side in (-1, 1)]
    rounding = 1e-12 * max(slope if math.isfinite(slope) else 0.0 for slope in sides)
    # The fall of an even loss is told of the positive side.
    for points in ([point for point in shape.grid if point.at >= shape.centre], shape.grid):
        falls: list[tuple[float, Point, Point]] = []
        top = points[0]
        for point in points:
            top = top if point.slope < top.slope else point
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

    near = max(abs(point.slope) for point in points if is_near(point))
    most = _peak(shape, points)
    zero = None
    last = [point.at for point in points if point.slope != 0][-1:]
    for place in sorted(shape.breaks, key=abs):
        # It is selected to be 0 there, if it is not 0 a little before: it has not faded.
        inside = shape.point(place - side * 1e-3 * abs(place)).slope
        if last and side * (place - last[0]) >= -10 * _step(last[0]) and abs(inside) > 1e-9 * abs(most.slope):
            zero = place
            break
    settled = next(abs(p.at - shape.centre) for p in points if abs(p.slope) >= 0.9 * abs(most.slope))
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


def alias(peer: Peer) -> Alias:
    """What a row of the table says, in words."""
    path, _, choice = peer.names[0].partition("(")
    theirs = [name if default is None else f"{name}={plain(default)}" for name, default in parameters_of(peer).items()]
    inside = [*filter(None, [choice.rstrip(")")]), *theirs]
    terms = row_symbols(peer)
    ours = ", ".join(f"{name}={plain(value)}" for name, value in terms.parameters.items())
    factor = "" if terms.factor == 1 and not isinstance(terms.factor, Expression) else f"{plain(terms.factor)} * "
    note = "; ".join(filter(None, [peer.note, peer.omits]))
    return Alias(peer, path + (f"({', '.join(inside)})" if inside else ""), f"{factor}{peer.loss}({ours})", note)


def chosen(formula: Formula, flags: Mapping[str, float]) -> Formula:
    """The formula where its flags are these: what they do not choose is left out."""
    made: list[Any] = []
    for node, places in formula.path.steps:
        inner = [made[place] for place in places]
        if node.primitive == "where" and isinstance(inner[0], bool):
            made.append(inner[1] if inner[0] else inner[2])
        elif node.primitive in COMPARISONS and all(map(is_constant, inner)):
            made.append(bool(PRIMITIVES[node.primitive].number(*(each.value for each in inner))))
        elif inner:
            made.append(apply(node.primitive, *inner))
        else:
            made.append(constant(int(flags[str(node.value)])) if node.value in flags else node)
    parameters = {name: value for name, value in formula.parameters.items() if name not in flags}
    return Formula(formula.name, formula.arrays, parameters, made[formula.path.ends[0]])


def _upright(name: re.Match[str]) -> str:
    escaped = name[0].replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def finished(loss: Loss) -> str:
    """What is made of the means, for a loss that is more than a mean."""
    if loss.finish is None:
        return ""
    means = (loss.formula, *loss.beside)
    told = (f"{name} = mean({mean.expression})" for name, mean in zip(loss.finish.arrays, means, strict=True))
    return f"{loss.finish.expression} of {', '.join(told)}; all here is of one element's {loss.formula.expression}"


def described(loss: Loss, parameters: Mapping[str, float]) -> list[str]:
    """Each parameter and further array: its value, its domain, and its default where the value is another."""
    told: list[str] = []
    for name in loss.further_arrays:
        told.append(f"{name}, an array in {loss.domain.get(name, Interval())}")
    for name, value in parameters.items():
        default = loss.parameters.get(name, value)
        among = "True or False" if name in loss.flags else f"in {loss.domain.get(name, Interval())}"
        told.append(
            f"{name} = {plain(value)}, {among}" + ("" if value == default else f", {plain(default)} by default")
        )
    return told


def title_of(told: Explanation) -> str:
    """The loss and the values of its parameters, on a line."""
    numbers = ", ".join(f"{name}={plain(value)}" for name, value in told.parameters.items())
    return f"{told.loss.name}{': ' if numbers else ''}{numbers}"


def spellings(told: Explanation) -> list[tuple[str, str]]:
    """The formula in Python and LaTeX and its derivatives, each where it is no longer than one reads."""
    shown: list[tuple[str, str]] = []
    for title, formula in (("formula", told.formula), ("slope", told.slope), ("curvature", told.curvature)):
        lines = str(formula).splitlines()
        if len(lines) > LONGEST:
            lines = [*lines[:1], f"    ...  # {len(lines) - 1} lines: print(normwise.explain(...).{title})"]
        shown.append((title, "\n".join(lines)))
        if formula is told.formula and told.latex:
            shown.append(("LaTeX", told.latex))
    return shown


def number(value: float) -> str:
    """A number with four digits."""
    return f"{value + 0.0:.4g}"


def plain(value: Any) -> str:
    """A parameter as one writes it."""
    if isinstance(value, (bool, Expression)):
        return str(value)
    return f"{value:g}" if float(f"{value:g}") == value else f"{value:.5g}"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)) for row in rows)
