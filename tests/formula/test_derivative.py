"""Derivatives against SymPy's, and the conventions where there is no derivative."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from normwise.catalogue import Loss
from normwise.formula import Expression, exp, log, maximum, minimum, sign, sqrt, tanh, trace, where
from normwise.formula.numbers import number_value
from normwise.formula.primitives import PRIMITIVES
from tests.formula.test_primitives import EXPRESSIONS
from tests.oracles.mpmath_language import exact_value
from tests.oracles.sympy_language import exact, sympy_derivative
from tests.samples import Case, smooth_residuals

NAN, INF = math.nan, math.inf


def slope(function: Callable[..., Any], order: int = 1) -> Expression:
    return trace(function).derivative(*["r"] * order).expression


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_a_loss_are_sympys(case: Case, order: int, rng: np.random.Generator) -> None:
    r = smooth_residuals(case, rng)
    t = rng.normal(size=r.size)
    x = r + t
    for names in [("x",) * order, ("t", *("x",) * (order - 1))]:
        derivative = case.loss.formula.derivative(*names).expression
        expected = exact(case, names, x, t)
        values = [
            float(exact_value(derivative, {"x": p, "t": q, **case.parameters}, digits=60))
            for p, q in zip(x, t, strict=True)
        ]
        np.testing.assert_allclose(values, expected, rtol=1e-14, atol=1e-300)


def test_the_loss_of_plain_numbers_is_stable(case: Case, rng: np.random.Generator) -> None:
    """The formula of a derivative is as accurate in floating point as it is true: no cancellation."""
    r = smooth_residuals(case, rng)
    for order in (1, 2):
        derivative = case.loss.formula.derivative(*["x"] * order).expression
        values = [number_value(derivative, {"x": p, "t": 0.0, **case.parameters}) for p in r.tolist()]
        expected = exact(case, ("x",) * order, r, np.zeros(r.size))
        np.testing.assert_allclose(values, expected, rtol=2e-14, atol=1e-18)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_derivatives_of_a_primitive_are_sympys(name: str) -> None:
    from normwise.formula import Formula

    formula = Formula(name, ("a", "b"), {}, EXPRESSIONS[name])
    points = [(0.7, 1.9), (2.3, 0.4), (1.2, 3.0)]
    for names in [("a",), ("b",), ("a", "a"), ("a", "b"), ("a", "a", "b")]:
        derivative, oracle = formula.derivative(*names).expression, sympy_derivative(formula, *names)
        for a, b in points:
            with mpmath.workdps(50):
                expected = float(oracle(mpmath.mpf(a), mpmath.mpf(b)))
            assert float(exact_value(derivative, {"a": a, "b": b}, 60)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (abs, 0.0, 0.0),
        (abs, NAN, 0.0),
        (sign, 0.0, 0.0),
        (lambda r: maximum(r, 0), 0.0, 0.5),
        (lambda r: minimum(r, 0), 0.0, 0.5),
        (lambda r: maximum(2 * r, -r), 0.0, 0.5),
        (lambda r: maximum(r, r * r), 1.0, 1.5),
        (lambda r: where(r < 1, r * r, 2 * r - 1), 1.0, 2.0),
        (lambda r: r**2, 0.0, 0.0),
        (lambda r: r**3, 0.0, 0.0),
    ],
)
def test_the_convention_at_a_kink(function: Callable[..., Any], at: float, expected: float) -> None:
    assert number_value(slope(lambda r: function(r)), {"r": at}) == expected  # noqa: PLW0108 - abs has no such name


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda r: where(r > 0, sqrt(r), 0), 0.0, 0.0),
        (lambda r: where(r > 0, log(r), r), -1.0, 1.0),
        (lambda r: where(r > 0, 1 / r, 3 * r), 0.0, 3.0),
        (lambda r: where(r < 100, exp(r * r), r), 1e30, 1.0),
        (lambda r: maximum(exp(r), -1), -INF, 0.0),
        (lambda r: minimum(exp(r), 2), INF, 0.0),
        (lambda r: maximum(1, log(r)), 0.0, 0.0),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_nothing_leaks_from_the_branch_not_taken(
    function: Callable[..., Any], at: float, expected: float, order: int
) -> None:
    value = number_value(slope(function, order), {"r": at})
    assert value == (expected if order == 1 else 0.0)


def test_a_derivative_in_what_a_formula_does_not_read_is_zero() -> None:
    assert trace(lambda r, s: tanh(r)).derivative("s").expression.value == 0


def test_a_derivative_is_named_after_what_it_derives(loss: Loss) -> None:
    assert loss.formula.derivative("x", "t").name == f"d_{loss.name}_x_t"
    assert loss.formula.derivative("x").arrays == loss.formula.arrays


def test_a_power_has_derivatives_in_base_and_exponent() -> None:
    formula = trace(lambda a, b: a**b)
    at = {"a": 2.0, "b": 3.0}
    assert number_value(formula.derivative("a").expression, at) == pytest.approx(12.0)
    assert number_value(formula.derivative("b").expression, at) == pytest.approx(8 * math.log(2))


def test_a_power_that_is_constant_vanishes_in_time() -> None:
    third = trace(lambda r: r**2).derivative("r", "r", "r").expression
    assert number_value(third, {"r": 0.0}) == 0.0
