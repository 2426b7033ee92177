"""What a loss is like, derived from its formula: its slopes, its shape, what it estimates, and what others call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from normwise.catalogue import Interval, Loss, losses
from normwise.catalogue.peers import Peer, peers_of
from normwise.explanation.convert import parameters_of, row_symbols
from normwise.explanation.shape import (
    OTHERS,
    Kink,
    Point,
    Shape,
    Trait,
    among_others,
    number,
    reach,
    symmetric,
    traits,
)
from normwise.formula import Expression, Formula
from normwise.formula.expression import apply, constant, is_constant
from normwise.formula.numbers import primitive_value
from normwise.formula.primitives import COMPARISONS
from normwise.loss_functions.choice import bind_parameters, find_loss, parse_loss
from normwise.visible import visible_lines

LONGEST, WIDEST = 14, 900
"""Of a formula that is shown: lines of Python, characters of LaTeX."""

TELLING = (-10.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 10.0)
"""The residuals of the table, in powers of ten that suit the loss, beside those where something jumps."""


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
            ("noise", noise(self.loss, self.parameters)),
            ("result", finished(self.loss)),
            ("defined", self.defined),
            ("overflows", self.overflows),
            ("jumps", jumps or ("nowhere: value, slope and curvature are continuous" if self.curve else "")),
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
            _columns(table) if self.points else "",
            "\n".join(
                ["Elsewhere", *(f"  {a.call} = {a.ours}{f' ({a.note})' if a.note else ''}" for a in self.aliases)]
            )
            if self.aliases
            else "",
            "\n".join(["Use", *(f"  {line}" for line in self.usage)]) if self.usage else "",
        ]
        return visible_lines("\n\n".join(filter(None, blocks)))

    __repr__ = __str__


def explain(loss: str | Loss | Callable[..., Any], /, **parameters: float) -> Explanation:
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
    seen = shape if found.finish is None else _finished_shape(found, found.finish, bound)
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
        traits(seen),
        shape.defined,
        shape.overflows,
        shape.extent,
        tuple(map(alias, peers_of(found.name))) if losses.get(found.name) is found else (),
        shape.curve(far),
    )


def _finished_shape(loss: Loss, finish: Formula, parameters: Mapping[str, float]) -> Shape:
    """The shape of a loss of means, along one element among others."""
    flags = {name: parameters[name] for name in loss.flags}
    written = (loss.formula, *loss.beside) if loss.beside else (loss.written,)
    means = [chosen(mean, flags) for mean in written]
    numbers = {name: parameters[name] for name in means[0].parameters}
    return Shape(among_others(finish, means, numbers), numbers)


def _bound(loss: Any, given: Mapping[str, Any]) -> tuple[Loss, dict[str, float]]:
    """The loss and all its parameters; the parameters of a text that is a formula make the formula."""
    if not isinstance(loss, str):
        found = find_loss(loss)
        return found, bind_parameters(found, given)
    name = loss.partition(":")[0].strip()
    if name.isidentifier() or name in losses:
        found, bound = parse_loss(loss)
        return found, {**bound, **bind_parameters(found, {**bound, **given})}
    added = ",".join(f"{parameter}={value}" for parameter, value in given.items())
    return parse_loss(loss + (("," if ":" in loss else ":") + added if added else ""))


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
            made.append(bool(primitive_value(node.primitive, *(each.value for each in inner))))
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
    one = f"formula, values and jumps here are of one element's {loss.formula.expression}"
    return f"{loss.finish.expression} of {', '.join(told)}; {one}, its traits of one beside {OTHERS} others at 1"


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


def noise(loss: Loss, parameters: Mapping[str, float]) -> str:
    """The noise whose likelihood the loss is with these parameters."""
    for name, intervals in loss.noiseless.items():
        if any(parameters[name] in interval for interval in intervals):
            return f"none: with {name} = {plain(parameters[name])} it is no likelihood ({loss.noise} else)"
    return loss.noise


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


def plain(value: Any) -> str:
    """A parameter as one writes it."""
    if isinstance(value, (bool, Expression)):
        return str(value)
    return f"{value:g}" if float(f"{value:g}") == value else f"{value:.5g}"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)) for row in rows)
