"""Expressions as source: one straight line of assignments, each subexpression once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from normwise.formula.expression import Expression, Number
from normwise.formula.walk import path, walk


def number_source(expression: Expression, names: Mapping[str, str]) -> tuple[list[str], str]:
    """Statements over plain numbers that call each primitive by its name, and the name or literal of the result.

    `names` says what each variable is called there; the statements assign to ``_1``, ``_2``, ...
    """
    language = _Assignments(names)
    [result] = walk(path([expression]), language)
    return language.lines, result


@dataclass(slots=True)
class _Assignments:
    """The language in which every primitive becomes an assignment to a new name."""

    names: Mapping[str, str]
    lines: list[str] = field(default_factory=list[str])

    def constant(self, value: Number) -> str:
        return repr(value) if math.isfinite(value) else f"float('{value}')"

    def variable(self, name: str) -> str:
        return self.names[name]

    def apply(self, expression: Expression, arguments: tuple[str, ...]) -> str:
        name = f"_{len(self.lines) + 1}"
        self.lines.append(f"{name} = {expression.primitive}({', '.join(arguments)})")
        return name
