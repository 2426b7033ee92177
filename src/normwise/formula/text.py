"""Expressions as text for people: readable Python, and LaTeX."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from normwise.formula.expression import Expression, Number, apply, variable
from normwise.formula.primitives import ATOM, COMPARISON, NEGATION, POWER, PRIMITIVES, PRODUCT, Primitive
from normwise.formula.walk import Path, path, walk


@dataclass(frozen=True, slots=True)
class Text:
    """A text and how tightly its outermost operator binds."""

    text: str
    precedence: int = ATOM

    def within(self, precedence: int) -> str:
        """The text, in parentheses where it binds less tightly than its surroundings."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def _python_number(value: Number) -> str:
    return repr(value) if math.isfinite(value) else f"float('{value}')"


def _latex_number(value: Number) -> str:
    if not math.isfinite(value):
        return r"\text{nan}" if value != value else "-" * (value < 0) + r"\infty"
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    power = f"10^{{{int(exponent)}}}"
    return {"1": power, "-1": f"-{power}"}.get(digits, rf"{digits} \cdot {power}")


@dataclass(frozen=True, slots=True)
class Printer:
    """The language of operators with precedence; `template` picks a row's spelling."""

    template: Callable[[Primitive], str]
    name: Callable[[str], str] = str
    number: Callable[[Number], str] = _python_number
    precedence: Mapping[str, int] = field(default_factory=dict[str, int])
    """How tightly rows bind that bind otherwise than in Python."""

    def constant(self, value: Number) -> Text:
        return Text(
            self.number(value), ATOM if value >= 0 or value != value else self.precedence.get("negative", NEGATION)
        )

    def variable(self, name: str) -> Text:
        return Text(self.name(name))

    def apply(self, expression: Expression, arguments: tuple[Text, ...]) -> Text:
        row = PRIMITIVES[expression.primitive]
        template = self.template(row)
        precedence = self.precedence.get(row.name, row.precedence)
        if row.precedence == ATOM or template.startswith(r"\frac"):  # they fence their arguments themselves
            return Text(template.format(*(argument.text for argument in arguments)), precedence)
        # a - (b - c) and a / (b / c) need their parentheses, (a - b) - c does not; powers group the other way, and
        # comparisons, which Python would chain, no way.
        first = row.precedence + (row.precedence in (COMPARISON, POWER))
        rest = row.precedence + (row.precedence != POWER)
        texts = [a.within(first if i == 0 and len(arguments) > 1 else rest) for i, a in enumerate(arguments)]
        return Text(template.format(*texts), precedence)


_GREEK = frozenset({"alpha", "beta", "gamma", "delta", "epsilon", "mu", "nu", "sigma", "tau"})

PYTHON = Printer(lambda row: row.python)
LATEX = Printer(
    lambda row: row.latex,
    lambda name: rf"\{name}" if name in _GREEK else name,
    _latex_number,
    # A fraction or an exponential is an atom but below an exponent; a minus sign stands at the front only.
    {"divide": POWER - 1, "exp": POWER, "negative": PRODUCT},
)


def python_text(expression: Expression) -> str:
    """The expression as one line of Python."""
    [printed] = walk(path([expression]), PYTHON)
    return printed.text


SHORT = 40
"""Symbols up to which a formula is printed in one piece."""


def latex_text(expression: Expression) -> str:
    """The expression as LaTeX for math mode; where it is long, what it mentions twice has a line of its own."""
    way = path([expression])
    if _symbols(way) <= SHORT:
        return _latex(expression)
    uses = Counter(place for _, places in way.steps for place in places)
    made: list[Expression] = []
    lines: list[str] = []
    for i, (node, places) in enumerate(way.steps):
        told = apply(node.primitive, *(made[place] for place in places)) if places else node
        if places and uses[i] > 1:
            name = variable(f"u_{{{len(lines) + 1}}}")
            lines.append(f"{name.value} &= {_latex(told)}")
            told = name
        made.append(told)
    lines.append(rf"\ell &= {_latex(made[way.ends[0]])}")
    return "\\begin{aligned} " + r" \\ ".join(lines) + " \\end{aligned}"


def _latex(expression: Expression) -> str:
    [printed] = walk(path([expression]), LATEX)
    return printed.text


def _symbols(way: Path) -> int:
    """How many symbols it takes to write an expression out."""
    sizes: list[int] = []
    for _, places in way.steps:
        sizes.append(1 + sum(sizes[place] for place in places))
    return sizes[way.ends[0]]
