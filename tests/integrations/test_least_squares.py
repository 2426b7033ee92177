"""The losses in SciPy's least_squares, beside its own."""

import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.optimize._lsq.least_squares import IMPLEMENTED_LOSSES

import normwise
from normwise.errors import InputError
from normwise.formula import arctan, exp, log1p, sqrt
from normwise.integrations import scipy_loss
from normwise.integrations.bound import Score, bind_two, outputs_of
from tests.samples import every_case

Z = np.array([0.0, 1e-300, 1e-30, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3, 0.1, 0.7, 1.0, 1.4, 30.0, 1e6, 1e20])


def soft_l1_of_theirs(r):
    return r * r / (1 + sqrt(1 + r * r))


def cauchy_of_theirs(r):
    return 0.5 * log1p(r * r)


def arctan_of_theirs(r):
    return 0.5 * arctan(r * r)


THEIRS: dict[str, Any] = {
    "huber": lambda: "huber",
    "soft_l1": lambda: normwise.loss(soft_l1_of_theirs),
    "cauchy": lambda: normwise.loss(cauchy_of_theirs),
    "arctan": lambda: normwise.loss(arctan_of_theirs),
}
"""Half of SciPy's losses: rho(z) = 2 L(sqrt z)."""


def own(name: str) -> Any:
    rho = np.empty((3, len(Z)))
    IMPLEMENTED_LOSSES[name](Z, rho, False)
    return rho


@pytest.mark.parametrize("name", THEIRS)
def test_losses_and_derivatives_are_scipys(name: str, catalogue: None) -> None:
    found, expected = scipy_loss(THEIRS[name]())(Z), own(name)
    assert found.shape == (3, len(Z))
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-12, atol=3e-16)  # theirs cancels in soft_l1
    z = Z
    if name == "huber":  # where the parabola ends, our curvature is that of the straight part, theirs the parabola's
        assert (found[2, Z == 1], expected[2, Z == 1]) == (-0.5, 0.0)
        z, found, expected = (np.delete(a, np.flatnonzero(Z == 1), axis=-1) for a in (Z, found, expected))
    np.testing.assert_allclose(found[2], expected[2], rtol=3e-7, atol=2e-7)
    # What SciPy makes of the second derivative.
    np.testing.assert_allclose(found[1] + 2 * z * found[2], expected[1] + 2 * z * expected[2], rtol=1e-11, atol=1e-15)


SAME = {"huber": "huber", "soft_l1": "pseudo_huber", "cauchy": "cauchy", "arctan": "arctan"}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("f_scale", [1e-3, 1.0, 50.0])
def test_what_the_catalogue_has_of_theirs_is_theirs(name: str, f_scale: float, rng: np.random.Generator) -> None:
    """Also by the conversion of their name, whose parameters are in the residual's unit."""
    np.testing.assert_allclose(scipy_loss(SAME[name])(Z)[:2], own(name)[:2], rtol=1e-12, atol=3e-16)
    converted = normwise.convert("scipy.optimize.least_squares", loss=name, f_scale=f_scale)
    y = f_scale * rng.normal(size=20)
    theirs = least_squares(lambda m: m - y, [0.0], loss=name, f_scale=f_scale, xtol=1e-12, ftol=1e-12, gtol=1e-12)
    ours = least_squares(lambda m: m - y, [0.0], loss=scipy_loss(converted), xtol=1e-12, ftol=1e-12, gtol=1e-12)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-5)
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-9)
    assert float(converted(theirs.x - y, np.zeros(20), reduction="sum")) == pytest.approx(2 * theirs.cost, rel=1e-9)


@pytest.mark.parametrize("f_scale", [1e-3, 1.0, 50.0])
def test_their_linear_loss_has_no_scale(f_scale: float, rng: np.random.Generator) -> None:
    y = rng.normal(size=20)
    converted = normwise.convert("scipy.optimize.least_squares", loss="linear", f_scale=f_scale)
    theirs = least_squares(lambda m: m - y, [0.0], loss="linear", f_scale=f_scale)
    ours = least_squares(lambda m: m - y, [0.0], loss=scipy_loss(converted), f_scale=f_scale)
    np.testing.assert_allclose(scipy_loss("mse")(Z), [Z, np.ones_like(Z), np.zeros_like(Z)], rtol=1e-15)
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-12)
    assert float(converted(theirs.x - y, np.zeros(20), reduction="sum")) == pytest.approx(2 * theirs.cost, rel=1e-12)


def test_a_loss_without_curvature_at_zero_is_taken_as_it_is() -> None:
    found = scipy_loss(normwise.loss("r**4"))(np.array([0.0, 3.0]))
    np.testing.assert_allclose(found, [[0, 18], [0, 12], [4, 4]], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("f_scale", [1.0, 0.1])
def test_fits_are_scipys(name: str, f_scale: float, catalogue: None, rng: np.random.Generator) -> None:
    x = np.linspace(0, 2, 40)
    y = 2.0 * np.exp(-1.3 * x) + 0.05 * rng.normal(size=40) + np.where(np.arange(40) % 9 == 0, 3.0, 0.0)

    def residuals(p: Any) -> Any:
        return p[0] * np.exp(p[1] * x) - y

    ours, theirs = (
        least_squares(residuals, [1.0, -1.0], loss=loss, f_scale=f_scale) for loss in (scipy_loss(THEIRS[name]()), name)
    )
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-6)
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-9)


ROBUST = {"cauchy", "geman_mcclure", "welsch", "barron", "arctan", "tukey", "andrews", "hampel", "ramsay"}


def test_every_loss_of_the_catalogue_is_taken_or_refused() -> None:
    taken, refused = set[str](), set[str]()
    for case in every_case():
        try:
            scipy_loss(case.loss, **case.parameters)
            taken.add(case.loss.name)
        except InputError:
            refused.add(case.loss.name)
    assert ROBUST | {"mse", "huber", "log_cosh", "pseudo_huber", "charbonnier"} <= taken - refused
    # By their parameters these are smooth or not, or even or not.
    assert {"smooth_l1", "balanced_l1", "linex", "expectile", "huber_quantile"} <= taken & refused
    assert {"l1", "quantile", "msle", "poisson_nll", "gaussian_nll", "mase", "rmse"} <= refused - taken


@pytest.mark.parametrize("named", ["huber:delta=0.4", "log_cosh"])
def test_the_cost_is_the_sum_of_the_losses(named: str, rng: np.random.Generator) -> None:
    y, score = rng.normal(size=9), Score(outputs_of(bind_two, named, {}, "SciPy"))
    found = least_squares(lambda m: m - y, [0.3], loss=scipy_loss(named))
    assert found.cost == pytest.approx(9 * score(y, np.repeat(found.x, 9)), rel=1e-12)


def test_derivatives_near_zero_are_exact_to_seven_digits() -> None:
    """log(cosh(sqrt z)), with digits enough for the difference."""
    with mpmath.workdps(80):
        for z in (0.0, *10.0 ** np.arange(-20, 3, 0.5)):
            found = scipy_loss("log_cosh")(np.array([z]))[:, 0]
            at = mpmath.mpf(float(z)) if z else mpmath.mpf("1e-40")
            expected = [
                mpmath.diff(lambda s: 2 * mpmath.log(mpmath.cosh(mpmath.sqrt(s))), at, k, h=at * mpmath.mpf("1e-12"))
                for k in (1, 2)
            ]
            np.testing.assert_allclose(found[1:], [float(e) for e in expected], rtol=3e-7)


def test_a_kink_of_higher_order_at_zero(catalogue: None) -> None:
    """Fair's loss: L'(r) / r = 1 / (1 + |r|), whose derivative in z is infinite at 0."""

    @normwise.loss
    def fair_of_residual(r):
        a = abs(r)
        return a - log1p(a)

    rho = scipy_loss(fair_of_residual)(np.array([0.0, 1e-8, 4.0]))
    assert np.isfinite(rho).all()
    np.testing.assert_allclose(rho[1], [1.0, 1 / 1.0001, 1 / 3], rtol=1e-10)
    np.testing.assert_allclose(rho[2][1:], [-1e4 / 2 / 1.0001**2, -1 / (4 * 9)], rtol=1e-6)


def test_rounding_is_no_curvature() -> None:
    """Of a parabola the second derivative in z is 0, where rounding over 2 z would be huge."""
    z = np.random.default_rng(0).uniform(0.5, 2.0, 1000) * 1e-20
    np.testing.assert_array_equal(scipy_loss("smooth_l1:beta=0.3")(z)[2], 0)


def test_infinite_residuals() -> None:
    rho = scipy_loss("huber", delta=2.0)(np.array([np.inf, np.nan, 16.0]))
    np.testing.assert_allclose(rho[0], [np.inf, np.nan, 12.0])
    np.testing.assert_allclose(rho[1], [0.0, np.nan, 0.5])


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("l1", "l1 has a kink at 0"),
        ("smooth_l1:beta=0", "smooth_l1 with beta=0 has a kink at 0"),
        ("quantile", "quantile with q=0.5 has a kink at 0"),
        (
            "quantile:q=0.9",
            "quantile with q=0.9 is .* at -.* and .* at .*: SciPy's losses are",
        ),
        ("rmse", "rmse is made of a mean"),
        ("nonsense", "there is no loss"),
    ],
)
def test_what_cannot_be_a_loss_of_the_squared_residual(named: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scipy_loss(named)


def test_other_losses_that_are_refused(catalogue: None) -> None:
    @normwise.loss
    def linear_exponential(r):
        return exp(r) - r - 1

    @normwise.loss
    def relative(x, t):
        return (x / t - 1) ** 2

    @normwise.loss
    def cusp(r):
        return abs(r) ** 1.5

    with pytest.raises(ValueError, match="functions of the squared residual"):
        scipy_loss(linear_exponential)
    with pytest.raises(ValueError, match="relative is no function of the residual alone"):
        scipy_loss(relative)
    with pytest.raises(ValueError, match="cusp has a kink at 0"):
        scipy_loss(cusp)


def test_it_is_pickled() -> None:
    loss = pickle.loads(pickle.dumps(scipy_loss("smooth_l1:beta=2")))
    assert repr(loss) == "<smooth_l1 with beta=2, of the squared residual>"
    np.testing.assert_allclose(loss(np.array([1.0]))[:, 0], [1.0, 1.0, 0.0])
