"""Parameters that are arrays: per element, per row, of several quantiles at once, and learned."""

from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue.declaration import NON_NEGATIVE
from normwise.formula import log, where

rng = np.random.default_rng(7)
X, T = (torch.from_numpy(rng.normal(size=(6, 3))) for _ in range(2))
BETA = torch.tensor([0.2, 0.7, 1.5], dtype=torch.float64)


def columns(reduction: str = "mean") -> torch.Tensor:
    """torch's smooth L1 with a beta for each column, one call for each."""
    values = [
        torch.nn.functional.smooth_l1_loss(X[:, j], T[:, j], beta=float(BETA[j]), reduction="none") for j in range(3)
    ]
    stacked = torch.stack(values, 1)
    return stacked if reduction == "none" else getattr(stacked, reduction)()


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("given", [BETA, [0.2, 0.7, 1.5], (0.2, 0.7, 1.5), BETA.expand(6, 3)], ids=str)
def test_a_beta_for_each_box_coordinate(given: Any, reduction: str) -> None:
    found = normwise.smooth_l1_loss(X, T, beta=given, reduction=reduction)
    torch.testing.assert_close(found, columns(reduction))


@pytest.mark.parametrize("kind", [np.asarray, lambda a: array_api_strict.asarray(a.numpy())], ids=["numpy", "strict"])
def test_arrays_of_any_kind_may_be_parameters(kind: Any) -> None:
    found = normwise.smooth_l1_loss(kind(X), kind(T), beta=kind(BETA))
    assert float(found) == pytest.approx(float(columns()), rel=1e-14)
    value, gradient = normwise.value_and_grad("smooth_l1")(np.asarray(X), np.asarray(T), beta=[0.2, 0.7, 1.5])
    x = X.clone().requires_grad_()
    normwise.smooth_l1_loss(x, T, beta=BETA).backward()
    assert value == pytest.approx(float(columns()), rel=1e-14)
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_of_all_orders_flow_to_parameters(reduction: str) -> None:
    x, delta = X.clone().requires_grad_(), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)

    def loss(x: Any, delta: Any) -> Any:
        return normwise.huber_loss(x, T, delta=delta, reduction=reduction)

    assert torch.autograd.gradcheck(loss, (x, delta))
    assert torch.autograd.gradgradcheck(loss, (x, delta))
    batched = torch.func.vmap(torch.func.grad(lambda d: normwise.huber_loss(X, T, delta=d)))(torch.rand(4, 3).double())
    assert batched.shape == (4, 3)


def test_a_parameter_is_learned() -> None:
    """The quantile loss cannot learn q, but the Huber's delta falls where a smaller one costs less."""
    criterion = normwise.nn.HuberLoss(delta=torch.nn.Parameter(torch.tensor(3.0)))
    assert [name for name, _ in criterion.named_parameters()] == ["delta"]
    before = criterion(X.float(), 5 * T.float()).item()
    optimiser = torch.optim.SGD(criterion.parameters(), lr=0.01)
    for _ in range(20):
        optimiser.zero_grad()
        criterion(X.float(), 5 * T.float()).backward()
        optimiser.step()
    assert criterion.delta.item() < 3.0  # type: ignore[arg-type]
    assert criterion(X.float(), 5 * T.float()).item() < before


def test_several_quantiles_in_one_call() -> None:
    from sklearn.metrics import mean_pinball_loss

    q, x, t = [0.1, 0.5, 0.9], X.numpy(), T.numpy()[:, :1]
    found = normwise.quantile_loss(x, t, q=q, broadcast=True, dim=0)
    np.testing.assert_allclose(found, [mean_pinball_loss(t[:, 0], x[:, j], alpha=q[j]) for j in range(3)], rtol=1e-13)
    module = normwise.nn.QuantileLoss(q=torch.tensor(q, dtype=torch.float64))
    assert float(module(X, T[:, :1], broadcast=True)) == pytest.approx(float(np.mean(found)), rel=1e-13)


def test_a_parameter_may_be_compiled_and_is_the_same() -> None:
    beta = BETA.clone().requires_grad_()
    compiled = torch.compile(lambda x, t, b: normwise.smooth_l1_loss(x, t, beta=b), fullgraph=True, backend="aot_eager")
    [found] = torch.autograd.grad(compiled(X, T, beta), beta)
    [expected] = torch.autograd.grad(normwise.smooth_l1_loss(X, T, beta=beta), beta)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", [lambda a: a, np.asarray], ids=["torch", "numpy"])
def test_the_domain_is_that_of_each_number(kind: Any) -> None:
    with pytest.raises(normwise.errors.ParameterError, match=r"q.* not in \[0, 1\]"):
        normwise.quantile_loss(kind(X), kind(T), q=kind(torch.tensor([0.1, 0.5, 1.5]).double()))
    hidden = kind(torch.tensor([True, True, False]).expand(6, 3))
    found = normwise.quantile_loss(kind(X), kind(T), q=kind(torch.tensor([0.1, 0.5, 1.5]).double()), mask=hidden)
    assert np.isfinite(float(found))


def test_a_parameter_of_another_shape_is_refused() -> None:
    with pytest.raises(normwise.ShapeMismatchError, match=r"beta is \(2,\), which does not broadcast to \(6, 3\)"):
        normwise.smooth_l1_loss(X, T, beta=[1.0, 2.0])
    with pytest.raises(normwise.ShapeMismatchError, match=r"for a beta per row use beta\[:, None\]"):
        normwise.smooth_l1_loss(X, T, beta=torch.ones(6))


@pytest.fixture
def gaussian(catalogue: None) -> Any:
    @normwise.loss(domain={"v": NON_NEGATIVE})
    def gaussian(r: Any, v: Any, full: Any = False) -> Any:
        return (log(v) + r * r / v) / 2 + where(full != 0, 0.9189385332046727, 0)

    return gaussian


V = torch.from_numpy(rng.uniform(0.3, 2.0, size=(6, 3)))


@pytest.mark.parametrize(
    "v", [V, V[:, :1], V[:, 0], V[0, :1], 0.7, np.float64(0.7)], ids=["all", "column", "row", "one", "number", "numpy"]
)
@pytest.mark.parametrize("full", [False, True])
def test_a_further_array_has_the_shapes_that_torch_gives_a_variance(gaussian: Any, v: Any, full: bool) -> None:
    given = torch.full((6, 1), v, dtype=torch.float64) if isinstance(v, float) else v
    if given.shape == (1,):
        given = given.expand(6, 1)
    expected = torch.nn.functional.gaussian_nll_loss(X, T, given.double(), full=full)
    torch.testing.assert_close(gaussian(X, T, v, full=full), expected)
    found = gaussian(X.numpy(), T.numpy(), np.asarray(v) if isinstance(v, torch.Tensor) else v, full=full)
    assert float(found) == pytest.approx(float(expected), rel=1e-14)


def test_gradients_flow_to_a_further_array_and_are_summed_where_it_broadcasts(gaussian: Any) -> None:
    ours, theirs = (V[:, 0].clone().requires_grad_() for _ in range(2))
    gaussian(X, T, ours).backward()
    torch.nn.functional.gaussian_nll_loss(X, T, theirs).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    x = X.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(gaussian, (x, T, ours))


def test_a_further_array_outside_its_domain_is_refused_but_where_a_mask_hides_it(gaussian: Any) -> None:
    v = V.clone()
    v[2] = -1
    for arrays in ((X, T, v), (X.numpy(), T.numpy(), v.numpy())):
        with pytest.raises(normwise.errors.ParameterError, match="negative values for v"):
            gaussian(*arrays)
    mask = v > 0
    torch.testing.assert_close(gaussian(X, T, v, mask=mask), gaussian(X[mask], T[mask], V[mask]))
    with pytest.raises(normwise.errors.ParameterError, match="negative values for v"):
        gaussian(X, T, -0.5)


@pytest.mark.parametrize("value", [2, "yes", None, 0.5])
def test_a_flag_is_true_or_false(gaussian: Any, value: Any) -> None:
    with pytest.raises(normwise.errors.InputError, match="True or False for full"):
        gaussian(X, T, V, full=value)


def test_a_formula_that_does_not_read_the_prediction_leaves_the_target_alone(catalogue: None) -> None:
    @normwise.loss
    def of_target(x: Any, t: Any) -> Any:
        return abs(t)

    x, t = X.clone().requires_grad_(), T.clone()
    value = of_target(x, t)
    value.backward()
    assert value.item() == pytest.approx(float(T.abs().mean()))
    assert torch.equal(t, T)
    assert not x.grad.any()  # type: ignore[union-attr]
