"""The losses on JAX's arrays, through its transformations: their derivatives are the formulas' own."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from array_api_compat import numpy as numpy_namespace

import normwise
from normwise.engines import arrays as array_engine
from normwise.formula import exp, maximum, sqrt, where
from tests.samples import Case, every_case

HARD = [0.0, -0.0, 1.0, -1.0, 2.5, -7.5, 1e-30, -1e-200, 1e30, 800.0, -800.0, np.inf, -np.inf, np.nan]
"""Residuals at kinks, next to them, and where an exponential or a square leaves the range."""

POINTWISE = [case for case in every_case() if case.loss.finish is None]


@pytest.fixture(autouse=True)
def in_double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def arguments(case: Case) -> list[Any]:
    """Predictions and targets, of 0 and of another number, and further arrays; of one length for all cases.

    JAX so compiles each of its operations once.
    """
    own = [sign * value for value in case.parameters.values() for sign in (1.0, -1.0)]
    # A prediction of minus infinity is in the domain of no deviance, and NumPy's root of it is not XLA's.
    hard = [r for r in HARD if case.loss.written.arrays[0] == "r" or r != -np.inf]
    r = np.tile(np.resize(np.array([*hard, *own]), len(HARD) + 8), 2)
    t = np.repeat([0.0, 1.5], len(r) // 2)
    return [t + r, t, *(np.full_like(r, 1.3) for _ in case.loss.further_arrays)]


def agree(found: Any, case: Case, *names: str) -> None:
    """Assert that values, or derivatives in some arrays, are those of the formula as NumPy computes it."""
    formula = case.loss.formula.derivative(*names) if names else case.loss.formula
    [expected] = array_engine.elementwise(numpy_namespace, formula, arguments(case), dict(case.parameters))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("sample", POINTWISE, ids=str)
def test_derivatives_are_the_formulas(sample: Case) -> None:
    given = [jnp.asarray(array) for array in arguments(sample)]
    names = sample.loss.formula.arrays

    def total(*arrays: Any) -> Any:
        return sample(*arrays, reduction="sum")

    value, slopes = jax.vmap(jax.value_and_grad(total, tuple(range(len(names)))))(*given)
    agree(value, sample)
    for i, name in enumerate(names):
        agree(slopes[i], sample, name)
        agree(jax.vmap(jax.grad(jax.grad(total, i), i))(*given), sample, name, name)
    agree(jax.vmap(jax.jacfwd(jax.grad(total), 1))(*given), sample, names[0], names[1])


def test_derivatives_are_the_formulas_when_compiled() -> None:
    sample = next(case for case in POINTWISE if case.loss.name == "huber")
    x, t = map(jnp.asarray, arguments(sample))

    def total(x: Any, t: Any) -> Any:
        return sample(x, t, reduction="sum")

    values = jax.jit(lambda x, t: [jax.vmap(f)(x, t) for f in (total, jax.grad(total), jax.hessian(total))])(x, t)
    for found, names in zip(values, ((), ("x",), ("x", "x")), strict=True):
        agree(found, sample, *names)


@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_the_gradient_of_whole_arrays_without_jit(reduction: str) -> None:
    x, t = jnp.asarray([0.0, 3.0, -0.5]), jnp.zeros(3)
    weight = jnp.asarray([1.0, 2.0, 3.0])

    def total(x: Any) -> Any:
        return normwise.l1_loss(x, t, weight=weight, reduction=reduction).sum()

    divisor = 6.0 if reduction == "mean" else 1.0
    np.testing.assert_allclose(jax.grad(total)(x), np.array([0.0, 2.0, -3.0]) / divisor)
    np.testing.assert_allclose(jax.jit(jax.grad(total))(x), np.array([0.0, 2.0, -3.0]) / divisor)


def test_gradients_flow_to_weights_and_parameters() -> None:
    x, t = jnp.asarray([0.5, 3.0]), jnp.zeros(2)
    by_weight = jax.grad(lambda w: normwise.huber_loss(x, t, weight=w, reduction="sum"))(jnp.ones(2))
    np.testing.assert_allclose(by_weight, [0.125, 2.5])
    by_delta = jax.jit(jax.grad(lambda delta: normwise.huber_loss(x, t, delta=delta, reduction="sum")))(
        jnp.asarray(2.0)
    )
    np.testing.assert_allclose(by_delta, 1.0)


@pytest.mark.parametrize("dropped", ["mask", "nan_policy"])
def test_what_is_dropped_has_no_gradient_whatever_stands_there(dropped: str) -> None:
    x, t = jnp.asarray([1.0, jnp.inf, jnp.nan, 4.0]), jnp.asarray([0.0, jnp.nan, jnp.nan, 0.0])
    options: Any = {"mask": ~jnp.isnan(t)} if dropped == "mask" else {"nan_policy": "omit"}

    def mean(x: Any, t: Any) -> Any:
        return normwise.mse_loss(x, t, weight=jnp.asarray([1.0, 2.0, 3.0, 1.0]), **options)

    for transform in (lambda f: f, jax.jit):
        np.testing.assert_allclose(transform(jax.grad(mean))(x, t), [1.0, 0.0, 0.0, 4.0])
        second = transform(jax.hessian(mean))(x, t)
        np.testing.assert_allclose(second, np.diag([1.0, 0.0, 0.0, 1.0]))


def test_where_everything_is_dropped_the_gradient_is_0() -> None:
    x, t, none = jnp.asarray([1.0, jnp.inf]), jnp.zeros(2), jnp.zeros(2, bool)
    value, gradient = jax.value_and_grad(lambda x: normwise.mse_loss(x, t, mask=none))(x)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, [0.0, 0.0])


def test_no_nan_from_a_branch_not_taken(catalogue: None) -> None:
    @normwise.loss
    def guarded(r):
        return where(r > 0, sqrt(r), where(r > -800, exp(-r), 0))

    r = jnp.asarray([0.0, -900.0, 4.0, -1.0])
    gradient = jax.grad(lambda r: guarded(r, jnp.zeros(4), reduction="sum"))(r)
    np.testing.assert_allclose(gradient, [-1.0, 0.0, 0.25, -np.e])


def test_a_tie_is_shared_at_every_order(catalogue: None) -> None:
    @normwise.loss
    def hinge_squared(r):
        return maximum(r, 0) * maximum(r, 0)

    def total(r: Any) -> Any:
        return hinge_squared(r, jnp.zeros(3), reduction="sum")

    second = jax.vmap(jax.grad(jax.grad(lambda r: hinge_squared(r, jnp.zeros(()), reduction="sum"))))
    r = jnp.asarray([0.0, 2.0, -2.0])
    np.testing.assert_allclose(jax.grad(total)(r), [0.0, 4.0, 0.0])
    np.testing.assert_allclose(second(r), [0.5, 2.0, 0.0])


def test_a_mean_that_is_finished() -> None:
    x, t = jnp.asarray([3.0, -4.0]), jnp.zeros(2)
    np.testing.assert_allclose(jax.jit(jax.grad(normwise.rmse_loss))(x, t), np.array([3.0, -4.0]) / 2 / np.sqrt(12.5))
    np.testing.assert_array_equal(jax.grad(normwise.rmse_loss)(t, t), [0.0, 0.0])
    np.testing.assert_array_equal(jax.grad(normwise.log_mse_loss)(t, t), [0.0, 0.0])


@pytest.mark.parametrize(
    "options",
    [
        lambda w, m, n: {"weight": w},
        lambda w, m, n: {"mask": m},
        lambda w, m, n: {"nan_policy": "omit"},
        lambda w, m, n: {"nan_policy": "raise"},
        lambda w, m, n: {"normalize": n},
        lambda w, m, n: {"delta": n},
        lambda w, m, n: {"dim": 0, "keepdim": True},
    ],
)
def test_checks_that_look_at_values_do_not_break_jit(options: Any) -> None:
    x, t = jnp.asarray([[0.5, 3.0], [1.0, -2.0]]), jnp.zeros((2, 2))
    given = jnp.asarray([[1.0, 2.0]]), jnp.asarray([True, False]), jnp.asarray(2.0)

    def called(x: Any, t: Any, *given: Any) -> Any:
        return normwise.huber_loss(x, t, **options(*given))

    traced, plain = jax.jit(called)(x, t, *given), normwise.huber_loss(
        *map(np.asarray, (x, t)), **options(*map(np.asarray, given))
    )  # fmt: skip
    np.testing.assert_allclose(traced, plain, rtol=1e-12)


def test_value_and_grad_under_jit() -> None:
    x, t = jnp.asarray([0.0, 3.0]), jnp.zeros(2)
    value, gradient = jax.jit(normwise.value_and_grad("l1"))(x, t)
    assert float(value) == 1.5
    np.testing.assert_allclose(gradient, [0.0, 0.5])


def test_a_trace_is_not_traced_again() -> None:
    """Formulas compare by what they say, so that JAX finds its compiled function again."""
    seen: list[None] = []

    def counted(x: Any, t: Any) -> Any:
        seen.append(None)
        return normwise.huber_loss(x, t, delta=2.0)

    compiled = jax.jit(jax.grad(counted))
    for _ in range(3):
        compiled(jnp.ones(3), jnp.zeros(3))
    assert len(seen) == 1
