"""Expressions as text for people: readable Python, and LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from normwise.formula.expression import Expression, Number
from normwise.formula.primitives import ATOM, NEGATION, PRIMITIVES, Primitive
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

    def constant(self, value: Number) -> Text:
        return Text(repr(value), ATOM if value >= 0 else NEGATION)

    def variable(self, name: str) -> Text:
        return Text(self.name(name))

    def apply(self, expression: Expression, arguments: tuple[Text, ...]) -> Text:
        row = PRIMITIVES[expression.primitive]
        template = self.template(row)
        if row.precedence == ATOM or template.startswith(r"\frac"):
            return Text(template.format(*(argument.text for argument in arguments)))
        # a - (b - c) and a / (b / c) need their parentheses, (a - b) - c does not; powers group the other way.
        first = row.precedence + (row.name == "power")
        rest = row.precedence + (row.name != "power")
        texts = [a.within(first if i == 0 and len(arguments) > 1 else rest) for i, a in enumerate(arguments)]
        return Text(template.format(*texts), row.precedence)


_GREEK = frozenset({"alpha", "beta", "gamma", "delta", "epsilon", "mu", "nu", "sigma", "tau"})

PYTHON = Printer(lambda row: row.python)
LATEX = Printer(lambda row: row.latex, lambda name: rf"\{name}" if name in _GREEK else name)


def python_text(expression: Expression) -> str:
    """The expression as one line of Python."""
    [printed] = walk(path([expression]), PYTHON)
    return printed.text


def latex_text(expression: Expression) -> str:
    """The expression as LaTeX for math mode."""
    [printed] = walk(path([expression]), LATEX)
    return printed.text
