"""Expressions as text for people: readable Python, and LaTeX."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from normwise.formula.expression import LANGUAGES, Expression, Number, apply, variable
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


def _called(name: str, arity: int) -> str:
    return f"{name}({', '.join([f'{{{i}}}' for i in range(arity)])})"


@dataclass(frozen=True, slots=True)
class Printer:
    """The language of operators with precedence."""

    templates: Mapping[str, str]
    """What is spelled otherwise than as a call of the primitive's name."""
    function: Callable[[str, int], str]
    """The template of a function, by its name and the number of its arguments."""
    name: Callable[[str], str] = str
    number: Callable[[Number], str] = _python_number
    precedence: Mapping[str, int] = field(default_factory=dict[str, int])
    """How tightly rows bind that bind otherwise than in Python."""

    def template(self, row: Primitive) -> str:
        """The text of a primitive, with a field for each of its arguments."""
        return self.templates.get(row.name) or self.function(row.name, row.arity)

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

_PYTHON = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "negative": "-{0}",
    "absolute": "abs({0})",
}

_LATEX = _PYTHON | {
    "multiply": r"{0} \, {1}",
    "divide": r"\frac{{{0}}}{{{1}}}",
    "power": "{0}^{{{1}}}",
    "less_equal": r"{0} \le {1}",
    "greater_equal": r"{0} \ge {1}",
    "equal": "{0} = {1}",
    "not_equal": r"{0} \ne {1}",
    "absolute": r"\left|{0}\right|",
    "where": r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
    "minimum": r"\min\left({0}, {1}\right)",
    "maximum": r"\max\left({0}, {1}\right)",
    "sqrt": r"\sqrt{{{0}}}",
    "exp": "e^{{{0}}}",
    "log": r"\log\left({0}\right)",
    "tanh": r"\tanh\left({0}\right)",
    "cosh": r"\cosh\left({0}\right)",
    "sin": r"\sin\left({0}\right)",
    "cos": r"\cos\left({0}\right)",
    "arctan": r"\arctan\left({0}\right)",
    # As van den Oord et al., Neural Discrete Representation Learning, 2017, write it.
    "stop_gradient": r"\operatorname{{sg}}\left[{0}\right]",
}


def _latex_called(name: str, arity: int) -> str:
    fields = ", ".join([f"{{{i}}}" for i in range(arity)])
    return rf"\operatorname{{{{{name}}}}}\left({fields}\right)"


PYTHON = Printer(_PYTHON, _called)
LATEX = Printer(
    _LATEX,
    _latex_called,
    lambda name: rf"\{name}" if name in _GREEK else name,
    _latex_number,
    # A fraction or an exponential is an atom but below an exponent; a minus sign stands at the front only.
    {"divide": POWER - 1, "exp": POWER, "negative": PRODUCT},
)


def python_text(expression: Expression) -> str:
    """The expression as one line of Python."""
    [text] = walk(path([expression]), PYTHON)
    return text.text


LANGUAGES["text"] = python_text

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
