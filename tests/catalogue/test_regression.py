"""The losses against their textbook definitions, at extremes, and by what they promise of one another."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error

import normwise
from normwise.catalogue import Loss
from normwise.engines import arrays as array_engine
from normwise.formula.numbers import number_value
from tests.oracles.mpmath_language import exact_value
from tests.oracles.sympy_language import exact, sympy_derivative
from tests.oracles.textbook import TEXTBOOK
from tests.oracles.ulp import error_in_ulp
from tests.samples import Case, cases, kinks, pointwise, smooth_residuals

DTYPES = {"float32": np.float32, "float64": np.float64}
TEXTBOOK_CASES = [case for case in cases() if case.loss.name in TEXTBOOK]
EXTREMES = [0.0, 5e-324, 2.2e-308, 1e-30, 1e-8, 0.3, 1.0, 90.0, 1e30, 1e150]


def extremes(case: Case, real: type) -> np.ndarray:
    points = [p for p in (*EXTREMES, *map(abs, kinks(case))) if p < float(np.finfo(real).max)]
    near = [np.nextafter(real(p), real(side)) for p in points[3:] for side in (0, math.inf)]
    r = np.array([*points, *near], real)
    return np.concatenate([r, -r])


@pytest.mark.parametrize("known", TEXTBOOK_CASES, ids=str)
def test_the_formula_is_the_textbooks(known: Case) -> None:
    for r in [-1e30, -40.0, -1.5, -0.25, -1e-8, 0.0, 1e-8, 0.25, 0.99, 1.0, 1.5, 40.0, 1e3]:
        with mpmath.workdps(60):
            parameters = {name: mpmath.mpf(value) for name, value in known.parameters.items()}
            expected = TEXTBOOK[known.loss.name](mpmath.mpf(r), **parameters)
            value = exact_value(known.loss.written.expression, {"r": r, **known.parameters}, digits=60)
            assert mpmath.almosteq(value, expected, rel_eps=mpmath.mpf("1e-40"), abs_eps=mpmath.mpf("1e-40"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_are_right_to_a_few_ulp_everywhere(case: Case, dtype: str) -> None:
    x = extremes(case, DTYPES[dtype])
    values = case(x, np.zeros_like(x), reduction="none")
    assert values.dtype == dtype
    parameters = {name: float(DTYPES[dtype](value)) for name, value in case.parameters.items()}
    for r, value in zip(x, values, strict=True):
        truth = exact_value(case.loss.written.expression, {"r": float(r), **parameters})
        assert error_in_ulp(value, truth) <= 4, f"at {r!r}: {value!r}, not {mpmath.nstr(truth, 20)}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_are_right_to_a_few_ulp_everywhere(case: Case, dtype: str) -> None:
    """At a kink, or within the smallest normal number of it: between the slopes on its two sides."""
    x = extremes(case, DTYPES[dtype])
    _, gradient = normwise.value_and_grad(case.loss)(x, np.zeros_like(x), reduction="sum", **case.parameters)
    slope, tiny = sympy_derivative(case.loss.written, "r"), float(np.finfo(x.dtype).smallest_normal)
    parameters = [mpmath.mpf(float(DTYPES[dtype](value))) for value in case.parameters.values()]
    for r, value in zip(x, gradient, strict=True):
        with mpmath.workdps(400):
            step = abs(mpmath.mpf(float(r))) * mpmath.mpf(10) ** -60 if abs(r) >= tiny else mpmath.mpf(tiny)
            left, right = (slope(mpmath.mpf(float(r)) + side * step, *parameters) for side in (-1, 1))
            low, high = min(left, right), max(left, right)
            inside = low <= mpmath.mpf(float(value)) <= high
        nearest = min(error_in_ulp(value, low), error_in_ulp(value, high))
        assert inside or nearest <= 4, f"at {r!r}: {value!r}, not in [{low}, {high}]"


def test_nan_and_infinity_show_in_the_value(case: Case) -> None:
    values = case(np.array([math.nan, math.inf, -math.inf]), np.zeros(3), reduction="none")
    assert math.isnan(values[0])
    for side, value in zip((1, -1), values[1:], strict=True):
        far = exact_value(case.loss.written.expression, {"r": side * mpmath.mpf(10) ** 100, **case.parameters})
        if far > 1e50:
            assert value == math.inf, f"at {side * math.inf}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loss_is_never_negative_and_zero_without_error(case: Case, dtype: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=200).astype(dtype) * np.logspace(-30, 30, 200, dtype=dtype)
    assert case(x, x) == 0
    assert np.min(case(x, np.zeros_like(x), reduction="none")) >= 0


def is_even(loss: Loss) -> bool:
    """Whether swapping prediction and target changes nothing, in exact arithmetic."""
    points = [(1.3, 0.2), (-2.0, 5.0), (0.1, 0.4), (30.0, -3.0)]

    def value(x: float, t: float) -> float:
        return float(exact_value(loss.formula.expression, {"x": x, "t": t, **loss.parameters}, digits=50))

    return all(value(x, t) == value(t, x) for x, t in points)


EVEN = [loss for loss in pointwise() if loss.written.arrays == ("r",) and is_even(loss)]


def test_some_losses_are_even_and_some_are_not() -> None:
    names = {loss.name for loss in EVEN}
    assert {"mse", "log_cosh", "barron", "tukey"} <= names
    assert not names & {"linex"}


@pytest.mark.parametrize("even", EVEN, ids=lambda loss: loss.name)
def test_an_even_loss_does_not_mind_which_is_the_target(even: Loss, rng: np.random.Generator) -> None:
    x, t = rng.normal(size=(2, 300)) * 10.0 ** rng.integers(-5, 5, 300)
    [value], [swapped] = (
        array_engine.elementwise(np, even.formula, pair, even.parameters) for pair in ((x, t), (t, x))
    )
    np.testing.assert_allclose(value, swapped, rtol=1e-15)


numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e3)


@given(numbers, st.integers(0, 64).map(lambda n: n / 64))  # so that 1 - q is exact
def test_swapping_sides_turns_a_quantile_into_the_other(r: float, q: float) -> None:
    pinball = normwise.losses["quantile"].written.expression
    mirrored = number_value(pinball, {"r": -r, "q": 1 - q})
    assert number_value(pinball, {"r": r, "q": q}) == mirrored


@given(numbers, positive)
def test_huber_is_delta_times_smooth_l1(r: float, delta: float) -> None:
    huber, smooth = (normwise.losses[name].written.expression for name in ("huber", "smooth_l1"))
    expected = delta * number_value(smooth, {"r": r, "beta": delta})
    assert number_value(huber, {"r": r, "delta": delta}) == pytest.approx(expected, rel=1e-13, abs=1e-300)


@given(numbers, positive)
def test_losses_scale_with_their_unit(r: float, unit: float) -> None:
    """In another unit, an error of degree one scales with it and one of degree two with its square."""
    assume(abs(r) > 1e-100)

    def value(name: str, r: float, **parameters: float) -> float:
        return number_value(normwise.losses[name].written.expression, {"r": r, **parameters})

    assert value("l1", unit * r) == pytest.approx(unit * value("l1", r))
    assert value("mse", unit * r) == pytest.approx(unit**2 * value("mse", r))
    assert value("quantile", unit * r, q=0.3) == pytest.approx(unit * value("quantile", r, q=0.3))
    assert value("smooth_l1", unit * r, beta=unit) == pytest.approx(unit * value("smooth_l1", r, beta=1.0))
    assert value("huber", unit * r, delta=unit) == pytest.approx(unit**2 * value("huber", r, delta=1.0))


def test_a_mean_is_scikit_learns(rng: np.random.Generator) -> None:
    x, t, w = rng.normal(size=(3, 500))
    w = np.abs(w)
    assert normwise.l1_loss(x, t, weight=w) == pytest.approx(mean_absolute_error(t, x, sample_weight=w))
    assert normwise.mse_loss(x, t, weight=w) == pytest.approx(mean_squared_error(t, x, sample_weight=w))
    for q in (0.0, 0.1, 0.5, 1.0):
        expected = mean_pinball_loss(t, x, alpha=q, sample_weight=w)
        assert normwise.quantile_loss(x, t, q=q, weight=w) == pytest.approx(expected)


def test_sympys_value_is_the_formulas(case: Case, rng: np.random.Generator) -> None:
    r = smooth_residuals(case, rng)
    expected = exact(case, (), r, np.zeros(r.size))
    np.testing.assert_allclose(case(r, np.zeros(r.size), reduction="none"), expected, rtol=1e-14)
