"""Every loss at what is no finite number, at a perfect fit, and as a function of its parameters."""

import math
from collections.abc import Sequence

import mpmath
import numpy as np
import pytest

import normwise
from normwise.engines import arrays as array_engine
from normwise.formula import Formula
from tests.oracles.textbook import TEXTBOOK
from tests.samples import Array, Case, cases_of, pointwise

KNOWN = [loss for loss in pointwise() if loss.name in TEXTBOOK]
CASES = [case for loss in KNOWN for case in cases_of(loss)]
OF_RESIDUAL = [case for case in CASES if case.loss.written.arrays[0] == "r"]
BOUNDED = {"geman_mcclure", "welsch", "arctan", "tukey", "andrews", "hampel", "ramsay", "trimmed_mean"}
NOT_ZERO = {"charbonnier", "barron_nll", "gaussian_nll", "laplace_nll", "student_t_nll", "poisson_nll"}
"""The losses that are not 0 at a perfect fit."""


def values(formula: Formula, case: Case, *arrays: Array) -> Array:
    return array_engine.elementwise(np, formula, list(arrays), case.parameters)[0]


@pytest.mark.parametrize("known", CASES, ids=str)
def test_a_nan_in_any_array_shows(known: Case) -> None:
    formula = known.loss.formula
    for hidden in range(len(formula.arrays)):
        arrays = [np.array([value]) for value in (2.0, 1.5, 1.3, 1.1)][: len(formula.arrays)]
        arrays[hidden][:] = math.nan
        assert math.isnan(values(formula, known, *arrays)[0]), formula.arrays[hidden]


@pytest.mark.parametrize("known", [case for case in OF_RESIDUAL if case.parameters.get("alpha") != -1e-6], ids=str)
def test_an_infinite_residual_has_the_limits_of_its_loss_and_slope(known: Case) -> None:
    """But for a Barron loss whose limit is too far away to be looked at."""
    x = np.array([math.inf, -math.inf])
    further = [np.ones(2) for _ in known.loss.further_arrays]
    given = values(known.loss.formula, known, x, np.zeros(2), *further)
    slopes = values(known.loss.formula.derivative("x"), known, x, np.zeros(2), *further)
    for side, value, slope in zip((1, -1), given, slopes, strict=True):
        far = [at(known, side * mpmath.mpf(10) ** n, *[mpmath.mpf(1)] * len(further)) for n in (40, 80)]
        assert [value, slope] == pytest.approx(limits(far), rel=1e-14)
    if known.loss.name in BOUNDED:
        np.testing.assert_array_equal(slopes, 0.0)


def at(case: Case, first: mpmath.mpf, *others: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    """The book's loss and its slope in the first array."""
    given = {n: v if isinstance(v, bool) else mpmath.mpf(v) for n, v in case.parameters.items()}
    with mpmath.workdps(2000):
        step = first * mpmath.mpf(10) ** -30
        below, here, above = (TEXTBOOK[case.loss.name](first + d, *others, **given) for d in (-step, 0, step))
        return here, (above - below) / (2 * step)


def limits(points: Sequence[Sequence[mpmath.mpf]]) -> list[float]:
    """Of numbers at a point far away, and at one twice as far in digits."""
    return [_limit(first, second) for first, second in zip(*points, strict=True)]


def _limit(first: mpmath.mpf, second: mpmath.mpf) -> float:
    if abs(second) < 1e-15:
        return 0.0
    return float(mpmath.sign(second)) * math.inf if abs(second - first) > 1e-2 or abs(second) > 1e15 else float(second)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_signs_differ_a_symmetric_percentage_is_2_and_flat(dtype: type) -> None:
    """By hand: the moduli of x and t add up to their distance."""
    info = np.finfo(dtype)
    sizes = np.array([info.tiny, 1e-30, 1e-19, 1.0, 1e18, info.max / 2], dtype)
    x, t = (grid.reshape(-1) for grid in np.meshgrid(sizes, -sizes))
    for each in ((x, t), (t, x)):
        np.testing.assert_array_equal(normwise.symmetric_percentage_loss(*each, reduction="none"), 2)
        np.testing.assert_array_equal(normwise.gradient("symmetric_percentage")(*each), 0)
        np.testing.assert_array_equal(normwise.hessian("symmetric_percentage")(*each), 0)


POWERS = (-1.0, 0.5, 1.0, 1.2, 1.5, 1.9, 2.0, 2.5, 3.0, 4.0)
DEVIANCES = [
    (Case(normwise.losses["poisson_deviance"], {"log_input": False}), 1.0),
    (Case(normwise.losses["gamma_deviance"], {"log_input": False}), 2.0),
    *((Case(normwise.losses["tweedie_deviance"], {"p": p, "log_input": False}), p) for p in POWERS),
]


@pytest.mark.parametrize(("known", "p"), DEVIANCES, ids=str)
@pytest.mark.parametrize("t", [-1.0, 0.0, 1.0])
def test_a_deviance_has_its_limits_at_the_ends_of_its_domain(known: Case, p: float, t: float) -> None:
    x = np.array([0.0, -0.0, math.inf] if t != 0 else [math.inf, 0.0, 1.7])
    given = values(known.loss.formula, known, x, np.full_like(x, t))
    slopes = values(known.loss.formula.derivative("x"), known, x, np.full_like(x, t))
    if t < 0 and p >= 1:
        np.testing.assert_array_equal([given, slopes], math.nan)
        return
    for prediction, value, slope in zip(x, given, slopes, strict=True):
        ends = {0.0: -1, math.inf: 1}
        near = [mpmath.mpf(10) ** (ends[prediction] * n) if prediction in ends else mpmath.mpf(1.7) for n in (100, 200)]
        target = [mpmath.mpf(10) ** -n if t == 0 else mpmath.mpf(t) for n in (250, 500)]
        expected = limits([at(known, *point) for point in zip(near, target, strict=True)])
        assert value == pytest.approx(expected[0], rel=1e-14), f"at {prediction}"
        if prediction != 0 or t != 0 or p < 2:  # where it is infinite in every direction it has no slope
            assert slope == pytest.approx(expected[1], rel=1e-14), f"at {prediction}"


@pytest.mark.parametrize(("known", "p"), DEVIANCES, ids=str)
def test_a_deviance_outside_its_domain_is_nan_and_so_is_its_slope(known: Case, p: float) -> None:
    """Nothing is won by a negative prediction."""
    x, t = (grid.reshape(-1) for grid in np.meshgrid([-math.inf, -2.0, -1.0, -1e-300], [-1.0, 0.0, 0.3, 1.0]))
    for formula in (known.loss.formula, known.loss.formula.derivative("x")):
        np.testing.assert_array_equal(values(formula, known, x, t), math.nan)
        np.testing.assert_array_equal(values(formula, known, t, x), math.nan) if p >= 1 else None


@pytest.mark.parametrize("known", [case for case in CASES if case.loss.name not in NOT_ZERO], ids=str)
def test_a_loss_is_never_negative_and_zero_without_error(known: Case, rng: np.random.Generator) -> None:
    size = 400
    t = 10.0 ** rng.uniform(-5, 5, size)
    x = t * (1 + rng.choice([-1, 1], size) * 10.0 ** rng.uniform(-20, -0.01, size))
    logarithm = np.log if known.parameters.get("log_input", False) else np.positive
    further = [np.ones(size) for _ in known.loss.further_arrays]
    assert np.min(values(known.loss.formula, known, logarithm(x), t, *further)) >= 0
    if logarithm is np.positive:
        np.testing.assert_array_equal(values(known.loss.formula, known, t, t, *further), 0.0)
        slope = values(known.loss.formula.derivative("x"), known, t, t, *further)
        np.testing.assert_allclose(slope, _at_zero(known), rtol=1e-15)


def _at_zero(case: Case) -> float:
    """The slope at a perfect fit: that of the pinball loss is the mean of both sides."""
    return 0.5 - case.parameters["q"] if case.loss.name == "quantile" else 0.0


LIMITS = {"alpha": (2.0, math.inf, -math.inf), "p": (0.0, 1.0, 2.0), "df": (math.inf,)}
"""Where a parameter has no derivative: at alpha = 2 it is infinite, and p is no parameter to be learned."""
RESIDUALS = np.array([-30.0, -4.2, -1.3, -0.6, -1e-2, 1e-2, 0.6, 1.3, 4.2, 30.0])
LEARNED = [
    (case, name)
    for case in CASES
    for name, value in case.parameters.items()
    if name not in case.loss.flags and value not in LIMITS.get(name, ()) and (value != 0 or name == "alpha")
]


@pytest.mark.parametrize(("known", "name"), LEARNED, ids=str)
def test_derivatives_in_the_parameters_are_the_books(known: Case, name: str) -> None:
    """Where effects of a parameter cancel, as of alpha near zero, they are right relative to the loss."""
    x = RESIDUALS if known.loss.written.arrays[0] == "r" else np.exp(RESIDUALS / 10)
    x = np.log(x) if known.parameters.get("log_input", False) else x
    t = np.full_like(x, 0.0 if known.loss.written.arrays[0] == "r" else 1.0)
    further = [np.full_like(x, 1.7) for _ in known.loss.further_arrays]
    slopes = values(known.loss.formula.derivative(name), known, x, t, *further)
    losses = values(known.loss.formula, known, x, t, *further)
    for point, slope, loss in zip(x, slopes, losses, strict=True):
        with mpmath.workdps(120):
            truth = float(_slope(known, name, mpmath.mpf(float(point))))
        size = abs(loss / (known.parameters[name] or 1))
        assert slope == pytest.approx(truth, rel=1e-9, abs=1e-13 * size), f"at {point}"


def _slope(case: Case, name: str, x: mpmath.mpf) -> mpmath.mpf:
    given = {n: v if isinstance(v, bool) else mpmath.mpf(v) for n, v in case.parameters.items()}
    arrays = [x] if case.loss.written.arrays[0] == "r" else [x, mpmath.mpf(1)]
    arrays += [mpmath.mpf(1.7) for _ in case.loss.further_arrays]
    h = mpmath.mpf(10) ** -30
    above, below = (TEXTBOOK[case.loss.name](*arrays, **given | {name: given[name] + step}) for step in (h, -h))
    return (above - below) / (2 * h)


@pytest.mark.parametrize(
    "df", [*np.geomspace(0.01, 100.0, 60).tolist(), 19.999, 20.0, 20.001, 1e5, 1e16, 1e100, 1e300, math.inf]
)
def test_the_constant_of_students_t_is_that_of_the_gamma_function(df: float) -> None:
    """The loss without error, of scale 1, for all degrees of freedom: the series ends where its next term is lost."""
    known = Case(normwise.losses["student_t_nll"], {"df": df})
    [value] = values(known.loss.formula, known, np.zeros(1), np.zeros(1), np.ones(1))
    with mpmath.workdps(400):
        truth = TEXTBOOK["student_t_nll"](mpmath.mpf(0), mpmath.mpf(1), df=mpmath.mpf(df))
        assert abs(mpmath.mpf(float(value)) - truth) <= 1e-15 * max(1, abs(truth))
