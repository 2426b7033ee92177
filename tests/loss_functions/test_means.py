"""Losses that are made of means: RMSE and its kin, of every kind of array, with their gradients."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics

import normwise

rng = np.random.default_rng(11)
T = torch.from_numpy(rng.gamma(2.0, 1.5, size=(8, 4)))
X = T * torch.from_numpy(rng.uniform(0.6, 1.5, size=(8, 4)))
W = torch.from_numpy(rng.uniform(0.1, 2.0, size=(8, 4)))

Eager = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def average(values: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return (values * w).sum() / w.sum()


EAGER: Mapping[str, Eager] = {
    "rmse": lambda x, t, w: average((x - t) ** 2, w).sqrt(),
    "rmsle": lambda x, t, w: average((x.log1p() - t.log1p()) ** 2, w).sqrt(),
    "log_mse": lambda x, t, w: average((x - t) ** 2, w).log(),
    "wmape": lambda x, t, w: ((x - t).abs() * w).sum() / (t.abs() * w).sum(),
}
"""As one writes them in torch."""
SKLEARN: Mapping[str, Callable[..., float]] = {
    "rmse": metrics.root_mean_squared_error,
    "rmsle": metrics.root_mean_squared_log_error,
}

made_of_means = pytest.mark.parametrize("name", [loss.name for loss in normwise.losses.values() if loss.finish])


def function(name: str) -> Any:
    return getattr(normwise, f"{name}_loss")


def test_every_such_loss_is_compared() -> None:
    assert {loss.name for loss in normwise.losses.values() if loss.finish} == set(EAGER)


@made_of_means
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_eager_torch(name: str, weighted: bool, dtype: torch.dtype) -> None:
    w = W if weighted else torch.ones_like(W)
    theirs = X.clone().requires_grad_()
    expected = EAGER[name](theirs, T, w)
    expected.backward()
    expected = expected.detach()
    ours = X.to(dtype, copy=True).requires_grad_()
    given = {"weight": W.to(dtype)} if weighted else {}
    found = function(name)(ours, T.to(dtype), **given)
    found.backward()
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype is torch.float32 else {"rtol": 1e-12, "atol": 1e-14}
    torch.testing.assert_close(found.detach().double(), expected, **tolerance)
    torch.testing.assert_close(ours.grad.double(), theirs.grad, **tolerance)  # type: ignore[union-attr]
    arrays = {n: a.numpy() for n, a in given.items()}
    value, gradient = normwise.value_and_grad(name)(X.to(dtype).numpy(), T.to(dtype).numpy(), **arrays)
    assert value == pytest.approx(float(expected), rel=tolerance["rtol"])
    np.testing.assert_allclose(gradient, theirs.grad, **tolerance)
    assert gradient.dtype == X.to(dtype).numpy().dtype


@pytest.mark.parametrize("name", sorted(SKLEARN))
def test_values_are_scikit_learns(name: str) -> None:
    x, t, w = X.numpy().ravel(), T.numpy().ravel(), W.numpy().ravel()
    assert float(function(name)(x, t)) == pytest.approx(SKLEARN[name](t, x), rel=1e-13)
    assert float(function(name)(x, t, weight=w)) == pytest.approx(SKLEARN[name](t, x, sample_weight=w), rel=1e-13)


def test_the_weighted_percentage_error_is_torchmetrics() -> None:
    from torchmetrics.functional import weighted_mean_absolute_percentage_error as wmape

    torch.testing.assert_close(normwise.wmape_loss(X, T), wmape(X, T))


@pytest.mark.parametrize("name", ["rmse", "rmsle", "log_mse"])
@pytest.mark.parametrize("dim", [None, 1])
def test_a_perfect_fit_has_a_gradient_of_zero_and_never_nan(name: str, dim: Any) -> None:
    x = T.clone().requires_grad_()
    value = function(name)(x, T, dim=dim)
    value.sum().backward()
    assert x.grad is not None
    assert not x.grad.any()
    assert set(value.reshape(-1).tolist()) == {-math.inf if name == "log_mse" else 0.0}
    gradient = torch.func.grad(lambda x: function(name)(x, T))(T)
    assert not gradient.any()
    _, gradient = normwise.value_and_grad(name)(T.numpy(), T.numpy())
    assert not gradient.any()


@made_of_means
def test_every_order_of_gradient_and_transform(name: str) -> None:
    x = X.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: function(name)(x, T), x)
    assert torch.autograd.gradgradcheck(lambda x: function(name)(x, T), x)
    rows = torch.func.vmap(function(name))(X, T)
    torch.testing.assert_close(rows, torch.stack([function(name)(a, b) for a, b in zip(X, T, strict=True)]))
    torch.testing.assert_close(function(name)(X, T, dim=1), rows)
    np.testing.assert_allclose(function(name)(X.numpy(), T.numpy(), dim=1), rows)


@made_of_means
def test_it_compiles_in_one_graph(name: str) -> None:
    x = X.clone().requires_grad_()
    compiled = torch.compile(function(name), fullgraph=True, backend="aot_eager")
    [found] = torch.autograd.grad(compiled(x, T, dim=1).sum(), x)
    [expected] = torch.autograd.grad(function(name)(x, T, dim=1).sum(), x)
    torch.testing.assert_close(found, expected)


@made_of_means
def test_masks_missing_targets_and_empty_means(name: str) -> None:
    mask = W > 1
    x, t = X.clone(), T.clone()
    t[~mask] = torch.nan
    expected = function(name)(X[mask], T[mask])
    torch.testing.assert_close(function(name)(x, t, mask=mask), expected)
    torch.testing.assert_close(function(name)(x, t, nan_policy="omit"), expected)
    assert function(name)(X, T, mask=torch.zeros_like(mask)).isnan()
    assert function(name)(x, t).isnan()


@made_of_means
def test_parts_make_the_whole(name: str) -> None:
    first, second = normwise.Accumulator(name), normwise.Accumulator(name)
    first.update(X[:3], T[:3], weight=W[:3])
    second.update(X[3:].numpy(), T[3:].numpy(), weight=W[3:].numpy())
    loaded = normwise.Accumulator(name)
    loaded.load_state_dict(second.state_dict())
    first.merge(loaded)
    assert first.compute() == pytest.approx(float(function(name)(X, T, weight=W)), rel=1e-13)
    with pytest.raises(normwise.errors.InputError, match="made of a mean"):
        first.compute("sum")


@made_of_means
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_there_is_no_sum_of_it_and_no_value_per_element(name: str, reduction: str) -> None:
    with pytest.raises(normwise.errors.InputError, match=f"{name}_loss is made of a mean.*{reduction}"):
        function(name)(X, T, reduction=reduction)
    with pytest.raises(normwise.errors.InputError, match="value_and_grad"):
        normwise.gradient(name)


@made_of_means
def test_a_module_computes_it(name: str) -> None:
    module = getattr(normwise.nn, normwise.losses[name].module)()
    torch.testing.assert_close(module(X, T, weight=W), function(name)(X, T, weight=W))


def test_a_finish_of_ones_own(catalogue: None) -> None:
    @normwise.loss(finish=lambda m0: m0**3)
    def cubed(r: Any) -> Any:
        return abs(r)

    torch.testing.assert_close(cubed(X, T), (X - T).abs().mean() ** 3)
