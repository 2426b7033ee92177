"""Expressions as text for people: readable Python, and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from normwise.formula.expression import Expression, Number
from normwise.formula.primitives import ATOM, COMPARISON, NEGATION, POWER, PRIMITIVES, PRODUCT, Primitive
from normwise.formula.walk import path, walk


@dataclass(frozen=True, slots=True)
class Text:
    """A text and how tightly its outermost operator binds."""

    text: str
    precedence: int = ATOM

    def within(self, precedence: int) -> str:
        """The text, in parentheses where it binds less tightly than its surroundings."""
        return self.text if self.precedence >= precedence else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Printer:
    """The language of operators with precedence; `template` picks a row's spelling."""

    template: Callable[[Primitive], str]
    name: Callable[[str], str] = str
    precedence: Mapping[str, int] = field(default_factory=dict[str, int])
    """How tightly rows bind that bind otherwise than in Python."""

    def constant(self, value: Number) -> Text:
        text = repr(value) if math.isfinite(value) else f"float('{value}')"
        return Text(text, ATOM if value >= 0 or value != value else self.precedence.get("negative", NEGATION))

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
    # A fraction or an exponential is an atom but below an exponent; a minus sign stands at the front only.
    {"divide": POWER - 1, "exp": POWER, "negative": PRODUCT},
)


def python_text(expression: Expression) -> str:
    """The expression as one line of Python."""
    [printed] = walk(path([expression]), PYTHON)
    return printed.text


def latex_text(expression: Expression) -> str:
    """The expression as LaTeX for math mode."""
    [printed] = walk(path([expression]), LATEX)
    return printed.text
