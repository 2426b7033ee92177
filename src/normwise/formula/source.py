"""Expressions as source: one straight line of assignments, each subexpression once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from normwise.formula.expression import Expression, Number
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.walk import path, walk


def numba_source(expressions: Sequence[Expression], names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Numba statements over scalars that compute the expressions, and the names or literals of the results.

    `names` says what each variable is called there; the statements assign to ``_1``, ``_2``, ...
    """
    language = _Assignments(_numba_spelling, _numba_literal, names)
    results = walk(path(expressions), language)
    return language.lines, results


def number_source(expression: Expression, names: Mapping[str, str]) -> tuple[list[str], str]:
    """Statements over plain numbers that call each primitive by its name, and the name or literal of the result.

    `names` says what each variable is called there; the statements assign to ``_1``, ``_2``, ...
    """
    language = _Assignments(
        lambda node, *arguments: f"{node.primitive}({', '.join(arguments)})",
        lambda value: repr(value) if math.isfinite(value) else f"float('{value}')",
        names,
    )
    [result] = walk(path([expression]), language)
    return language.lines, result


def _numba_literal(value: Number) -> str:
    return f"real({value!r})" if math.isfinite(value) else f"real({'-' if value < 0 else ''}np.{abs(value)})"


def _numba_spelling(expression: Expression, *arguments: str) -> str:
    spelling = PRIMITIVES[expression.primitive].numba
    return spelling.format(*arguments) if isinstance(spelling, str) else spelling(expression, *arguments)


@dataclass(slots=True)
class _Assignments:
    """The language in which every primitive becomes an assignment to a new name."""

    spelling: Callable[..., str]
    literal: Callable[[Number], str]
    names: Mapping[str, str]
    lines: list[str] = field(default_factory=list[str])

    def constant(self, value: Number) -> str:
        return self.literal(value)

    def variable(self, name: str) -> str:
        return self.names[name]

    def apply(self, expression: Expression, arguments: tuple[str, ...]) -> str:
        name = f"_{len(self.lines) + 1}"
        self.lines.append(f"{name} = {self.spelling(expression, *arguments)}")
        return name
