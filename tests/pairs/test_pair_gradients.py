"""Gradients of all pairs' distances: both orders, transforms, memory, missing features, reductions."""

from pathlib import Path
from typing import Any

import pytest
import torch

import normwise
from normwise.pairs import blocks
from tests.pair_samples import SCIPY, order, points

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


@pytest.mark.parametrize(
    ("metric", "d"),
    [*((metric, 2) for metric in (*SCIPY, "huber", "quantile")), ("l2", 35), ("linf", 35), ("cosine", 35)],
)
def test_gradients_of_both_orders_to_both_sides_and_the_weight(metric: str, d: int) -> None:
    a, b = points(3, d).requires_grad_(), points(4, d, 2).requires_grad_()
    weight = torch.rand(d, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    keywords = order(metric) if metric in SCIPY else {}

    def distances(a: Any, b: Any, weight: Any) -> Any:
        return normwise.pairwise(a, b, metric, weight=weight, **keywords)

    fast = d > 2
    given = (a, b, None) if metric == "linf" else (a, b, weight)
    assert torch.autograd.gradcheck(distances, given, fast_mode=fast)
    assert torch.autograd.gradgradcheck(distances, given, fast_mode=fast)


@pytest.mark.parametrize("metric", [*SCIPY, "huber"])
def test_the_gradient_at_equal_points_is_0_and_never_nan(metric: str) -> None:
    a = torch.tensor([[1.0, -2.0], [1.0, -2.0], [0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    keywords = order(metric) if metric in SCIPY else {}
    found = normwise.pairwise(a, a.detach().clone(), metric, **keywords)
    found.diagonal().sum().backward()
    assert a.grad is not None
    torch.testing.assert_close(a.grad, torch.zeros_like(a), rtol=0, atol=1e-12)


@pytest.mark.parametrize("metric", ["l1", "l2", "cosine", "linf"])
def test_transforms_the_compiler_and_forward_mode_agree(metric: str) -> None:
    a, b = points(3, 4), points(5, 4, 2)

    def total(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (normwise.pairwise(a, b, metric) ** 2).sum()

    leaf = a.clone().requires_grad_()
    [expected] = torch.autograd.grad(total(leaf, b), leaf)
    torch.testing.assert_close(torch.func.grad(total)(a, b), expected)
    many = torch.func.vmap(torch.func.grad(total), in_dims=(0, None))(torch.stack([a, a]), b)
    torch.testing.assert_close(many, torch.stack([expected, expected]))
    _, along = torch.func.jvp(lambda a: total(a, b), (a,), (torch.ones_like(a),))
    torch.testing.assert_close(along, expected.sum())
    compiled = torch.compile(total, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(torch.autograd.grad(compiled(leaf, b), leaf)[0], expected)
    rows = torch.autograd.grad(
        normwise.pairwise(leaf, b, metric).sum(1), leaf, torch.eye(3, dtype=a.dtype), is_grads_batched=True
    )
    one = torch.autograd.grad(normwise.pairwise(leaf, b, metric).sum(1)[1], leaf)
    torch.testing.assert_close(rows[0][1], one[0])


def test_no_gradient_needs_memory_of_all_three_indices() -> None:
    n, d = 400, 400
    a, b = (points(n, d, seed, torch.float32).requires_grad_() for seed in (1, 2))

    def twice() -> None:
        [slope] = torch.autograd.grad(normwise.pairwise(a, b).sum(), a, create_graph=True)
        torch.autograd.grad(slope.square().sum(), (a, b))

    twice()  # kernels, threads and autograd are there afterwards
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = kilobytes("VmRSS")
    twice()
    assert (kilobytes("VmHWM") - before) * 1024 < 4 * n * n * d // 4


def kilobytes(what: str) -> int:
    """What the system says of this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


@pytest.mark.parametrize("metric", ["l1", "lp", "cosine", "linf"])
def test_gradients_of_missing_features(metric: str) -> None:
    a, b = points(3, 5).requires_grad_(), points(4, 5, 2).requires_grad_()
    generator = torch.Generator().manual_seed(5)
    masks = tuple(torch.rand(n, 5, generator=generator) < 0.8 for n in (3, 4))
    for mask in masks:
        mask[:, 0] = True
    weight = torch.rand(5, dtype=torch.float64, generator=generator).requires_grad_()

    def distances(a: Any, b: Any, weight: Any) -> Any:
        return normwise.pairwise(a, b, metric, mask=masks, weight=weight, **order(metric))

    given = (a, b, weight.detach()) if metric == "linf" else (a, b, weight)
    assert torch.autograd.gradcheck(distances, given)
    assert torch.autograd.gradgradcheck(distances, given)


@pytest.mark.parametrize("reduce", ["min", "mean", "sum"])
@pytest.mark.parametrize("dim", [-1, -2])
def test_gradients_of_reductions(reduce: str, dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WIDE", 3)
    monkeypatch.setattr(blocks, "BLOCK", 6)
    a, b = points(7, 2).requires_grad_(), points(5, 2, 2).requires_grad_()
    weight = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)

    def value(a: Any, b: Any, weight: Any) -> Any:
        return normwise.pairwise(a, b, weight=weight, reduce=reduce, dim=dim)

    assert torch.autograd.gradcheck(value, (a, b, weight))
    assert torch.autograd.gradgradcheck(value, (a, b, weight))


def test_ties_of_the_least_share_the_gradient() -> None:
    a = torch.zeros(1, 1, requires_grad=True)
    b = torch.tensor([[1.0], [-1.0], [1.0], [3.0]], requires_grad=True)
    normwise.pairwise(a, b, "l1", reduce="min").backward(torch.ones(1))
    assert b.grad is not None
    assert b.grad.flatten().tolist() == pytest.approx([1 / 3, -1 / 3, 1 / 3, 0])
    assert a.grad is not None
    assert a.grad.item() == pytest.approx(-1 / 3)


@pytest.mark.parametrize("reduce", [None, "sum", "min"])
@pytest.mark.parametrize("metric", ["sqeuclidean", "l2", "linf", "cosine"])
def test_a_set_with_itself_has_the_gradients_of_both_roles_once(metric: str, reduce: Any) -> None:
    a = points(5, 3).requires_grad_()
    apart, itself = a.detach().clone().requires_grad_(), a.detach().clone().requires_grad_()
    expected = sum(torch.autograd.grad(normwise.pairwise(apart, itself, metric, reduce=reduce).sum(), (apart, itself)))
    for given in ((a,), (a, a)):
        for create_graph in (False, True):
            value = normwise.pairwise(*given, metric=metric, reduce=reduce).sum()  # type: ignore[call-overload]
            torch.testing.assert_close(torch.autograd.grad(value, a, create_graph=create_graph)[0], expected)


@pytest.mark.parametrize("reduce", ["sum", "mean", "min"])
def test_reductions_have_second_derivatives_beside_a_constant_side(reduce: Any) -> None:
    a, b = points(4, 3).requires_grad_(), points(5, 3, 2)
    assert torch.autograd.gradgradcheck(lambda a: normwise.pairwise(a, b, reduce=reduce), (a,))


def test_a_pair_that_has_nothing_in_common_leaves_the_gradients_of_others_alone() -> None:
    a = torch.tensor([[0.0, 1.0], [5.0, 1.0], [2.0, 2.0]], requires_grad=True)
    b = torch.tensor([[1.0, 1.0]])
    mask = torch.tensor([[False, False], [True, False], [True, True]]), torch.tensor([[True, True]])
    found = normwise.pairwise(a, b, mask=mask, reduce="min")
    assert found.isnan().tolist() == [True, False, False]
    found[1:].sum().backward()
    assert a.grad is not None
    assert a.grad[1:].isfinite().all()
    assert a.grad[1, 1] == 0 != a.grad[1, 0]


def test_what_is_returned_may_be_edited() -> None:
    a = points(700, 2, dtype=torch.float32).requires_grad_()
    for n in (10, 700):  # 700 x 700 is large enough for recycled memory
        given = a[:n]
        found = normwise.pairwise(given)
        found.fill_diagonal_(0.0)
        normwise.nearest(given, given, 2).distances.add_(1.0)
        [gradient] = torch.autograd.grad(found.sum(), a)
        expected = torch.autograd.grad(torch.cdist(a[:n].double(), a[:n].double()).sum(), a)[0]
        torch.testing.assert_close(gradient, expected.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("metric", ["l1", "huber", "l2"])
def test_hessians_by_transforms_are_ordinary_ones(metric: str) -> None:
    a, b = points(3, 2), points(4, 2, 2)

    def total(a: torch.Tensor) -> torch.Tensor:
        return (normwise.pairwise(a, b, metric) ** 2).sum()

    torch.testing.assert_close(torch.func.hessian(total)(a), torch.autograd.functional.hessian(total, a))
