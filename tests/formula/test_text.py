"""Formulas as readable Python, which means the same formula again, and as LaTeX."""

from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import normwise.formula
from normwise.catalogue import Loss
from normwise.formula import Expression, Formula, exp, log1p, maximum, sqrt, trace, where
from normwise.formula.expression import apply, variable
from normwise.formula.primitives import PRIMITIVES
from tests.formula.test_primitives import COMPARISONS, EXPRESSIONS


def read_again(formula: Formula) -> Formula:
    """The formula of its own text."""
    names = {name: getattr(normwise.formula, name) for name in normwise.formula.__all__}
    before = set(names)
    exec(str(formula), names)
    [function] = [value for name, value in names.items() if name not in before and name != "__builtins__"]
    return trace(function)


def as_formula(expression: Expression) -> Formula:
    return Formula("formula", ("a", "b"), {}, expression)


def expressions() -> st.SearchStrategy[Expression]:
    constants = st.sampled_from([2, 3, -2, 0.5, -0.5, 1e-30, 1e30, 10**20])
    leaves = st.one_of(st.sampled_from([variable("a"), variable("b")]), constants.map(lambda c: c * variable("a")))
    unary, binary = ([n for n, row in PRIMITIVES.items() if row.arity == k and not row.orders] for k in (1, 2))

    def grown(smaller: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        comparison = st.builds(apply, st.sampled_from(COMPARISONS), smaller, smaller)
        return st.one_of(
            st.builds(apply, st.sampled_from(unary), smaller),
            st.builds(apply, st.sampled_from(binary), smaller, st.one_of(smaller, constants)),
            st.builds(apply, st.sampled_from(binary), constants, smaller),
            st.builds(where, comparison, smaller, smaller),
        )

    return st.recursive(leaves, grown, max_leaves=12)


def test_a_loss_reads_again_as_itself(every_loss: Loss) -> None:
    loss = every_loss
    assert read_again(loss.written) == loss.written
    assert read_again(loss.formula) == loss.formula
    for order in (1, 2, 3):
        derivative = loss.formula.derivative(*["x"] * order)
        assert read_again(derivative) == derivative


@hypothesis.given(expressions())
def test_any_expression_reads_again_as_itself(expression: Expression) -> None:
    assert read_again(as_formula(expression)).expression is expression


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a - (b - a),
        lambda a, b: a / (b / a),
        lambda a, b: (a**b) ** a,
        lambda a, b: a ** (b**a),
        lambda a, b: (-a) ** b,
        lambda a, b: -(a**b),
        lambda a, b: a ** (-b),
        lambda a, b: -(-a),  # noqa: B002 - twice the minus
        lambda a, b: (-2) ** a,
        lambda a, b: a - -2,
        lambda a, b: where((a < b) == (b < 1), a, b),
        lambda a, b: where(a < b, a, float("inf")),
        lambda a, b: where(a < b, a, -float("inf")),
        lambda a, b: where(a < b, a, float("nan")),
        lambda a, b: np.float64(2.5) * a,
        lambda a, b: a * np.float64(2.5),
    ],
)
def test_what_needs_care_reads_again_as_itself(function: Callable[..., Any]) -> None:
    formula = trace(function)
    assert read_again(formula).expression is formula.expression, str(formula)


def test_what_is_used_twice_is_named_once() -> None:
    assert str(trace(lambda r: exp(r * r) + sqrt(r * r))).splitlines()[1:] == [
        "    _1 = r * r",
        "    return exp(_1) + sqrt(_1)",
    ]


def test_every_primitive_has_latex() -> None:
    for expression in EXPRESSIONS.values():
        text = as_formula(expression).latex()
        assert text.count("{") == text.count("}"), text


def test_a_loss_has_latex(every_loss: Loss) -> None:
    text = every_loss.written.latex()
    assert text.count("{") == text.count("}"), text
    assert every_loss.written.arrays[0] in text


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda r, delta=1.0: abs(r) / delta, r"\frac{\left|r\right|}{\delta}"),
        (lambda r: r**2, "r^{2}"),
        (lambda r: (r + 1) ** 2, "(r + 1)^{2}"),
        (lambda r: 2 * (r + 1), r"2 \, (r + 1)"),
        (lambda r: sqrt(1 + exp(-r)), r"\sqrt{1 + e^{-r}}"),
        (lambda r: log1p(maximum(r, 0)), r"\operatorname{log1p}\left(\max\left(r, 0\right)\right)"),
        (lambda r: (r / 2) ** 2, r"(\frac{r}{2})^{2}"),
        (lambda r: r * -2, r"r \, (-2)"),
        (lambda r: exp(r) ** 2, r"(e^{r})^{2}"),
    ],
)
def test_latex(function: Callable[..., Any], text: str) -> None:
    assert trace(function).latex() == text
