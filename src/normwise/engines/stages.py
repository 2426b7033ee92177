"""Stages of a query over a data frame: what a later stage mentions is a column of an earlier one.

An engine that knows no common subexpressions (SQL has none inside CASE) so computes each once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw


@dataclass(frozen=True)
class Term:
    """An expression, and the first stage at which the columns it mentions are there."""

    expression: nw.Expr
    stage: int
    column: str | None = None


@dataclass
class Stages:
    """The columns that each stage of the query adds."""

    stages: list[dict[str, nw.Expr]] = field(default_factory=list[dict[str, nw.Expr]])
    count: int = 0

    def keep(self, term: Term) -> Term:
        """The term as a column, which is computed once however often it is mentioned."""
        if term.column is not None:
            return term
        while len(self.stages) <= term.stage:
            self.stages.append({})
        self.count += 1
        name = f"c{self.count}"
        self.stages[term.stage][name] = term.expression
        return Term(nw.col(name), term.stage + 1, name)

    def column(self, function: Callable[..., nw.Expr], *terms: Term) -> Term:
        """The column of a function of terms."""
        return self.keep(apply(function, *terms))


def apply(function: Callable[..., nw.Expr], *arguments: Any) -> Term:
    """A function of terms and plain numbers, not yet a column."""
    stage = max(a.stage for a in arguments if isinstance(a, Term))
    return Term(function(*(a.expression if isinstance(a, Term) else a for a in arguments)), stage)
