"""The quick lane of losses on torch's tensors against the ordinary way, bit by bit, and what it is to refuse."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

import normwise
from normwise.catalogue import losses
from normwise.errors import InputError, ParameterError
from normwise.loss_functions import on_kernels, on_torch
from normwise.loss_functions.options import Options
from normwise.loss_functions.torch_lanes import usual

NAMES = ("mse", "huber", "rmse", "wmape", "gaussian_nll", "student_t_nll", "laplace_nll", "poisson_nll")


OPTIONS: dict[str, tuple[str, ...]] = {
    "weight": ("weight",),
    "mask": ("mask",),
    "both": ("weight", "mask"),
    "neither": (),
}
"""The arrays among the options."""


def reductions(name: str) -> tuple[str, ...]:
    return ("mean", "sum") if losses[name].finish is None else ("mean",)


@contextmanager
def the_ordinary_way() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_torch, "usual", lambda *_: None)
        yield


def sample(name: str, shape: tuple[int, ...] = (100,), dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(shape, generator=generator).to(dtype) + 0.1 for _ in losses[name].formula.arrays]


def outcome(name: str, arrays: list[torch.Tensor], learned: tuple[int, ...], factor: float, **options: Any) -> Any:
    """The name of the graph's function, the loss, and the gradients; a last array that no loss reads is the weight."""
    leaves = [each.clone().requires_grad_(i in learned) for i, each in enumerate(arrays)]
    count = len(losses[name].formula.arrays)
    options = options | dict(zip(("weight",), leaves[count:], strict=False))
    value = getattr(normwise, losses[name].function)(*leaves[:count], **options)
    if learned:
        value.backward(torch.tensor(factor, dtype=value.dtype))
    return type(value.grad_fn).__name__, value.detach(), *[each.grad for each in leaves]


def agree(name: str, arrays: list[torch.Tensor], learned: tuple[int, ...], factor: float = 1, **options: Any) -> None:
    found = outcome(name, arrays, learned, factor, **options)
    with the_ordinary_way():
        expected = outcome(name, arrays, learned, factor, **options)
    assert found[0] == expected[0]
    for one, other in zip(found[1:], expected[1:], strict=True):
        if other is None:
            assert one is None
        else:
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_those_of_the_ordinary_way(name: str) -> None:
    count = len(losses[name].formula.arrays)
    for learned in [(), *((i,) for i in range(count)), (0, 1), tuple(range(count))]:
        for factor in (1.0, 0.3, math.inf):
            agree(name, sample(name), learned, factor)
        agree(name, sample(name, (7, 5), torch.float64), learned, reduction=reductions(name)[-1])
        agree(name, sample(name, ()), learned)
        agree(name, sample(name, (0,)), learned)


@pytest.mark.parametrize("given", OPTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_weights_and_masks_are_those_of_the_ordinary_way(name: str, given: str) -> None:
    arrays = sample(name)
    options: dict[str, Any] = {"mask": arrays[0] > 0.4} if "mask" in OPTIONS[given] else {}
    if "weight" in OPTIONS[given]:
        arrays.append(arrays[0].flip(0).square())
    for learned in [(), (0,), (1,), (len(arrays) - 1,), tuple(range(len(arrays)))]:
        for normalize in (None, "weight", "count", 7.0, 0.0):
            agree(name, arrays, learned, 0.3, normalize=normalize, **options)
        for nan_policy in ("omit", "raise"):
            agree(name, arrays, learned, nan_policy=nan_policy, **options)
        for reduction in reductions(name):
            agree(name, [each.double() for each in arrays], learned, math.inf, reduction=reduction, **options)


def test_weights_that_sum_to_nothing_are_those_of_the_ordinary_way() -> None:
    x, t = sample("mse")
    for learned in ((), (0,), (2,), (0, 1, 2)):
        for weight in (torch.zeros(100), torch.full((100,), 1e-45), torch.full((100,), math.inf)):
            agree("mse", [x, t, weight], learned)
            agree("rmse", [x, t, weight], learned)
        agree("mse", [x, t], tuple(i for i in learned if i < 2), mask=torch.zeros(100, dtype=torch.bool))


def test_odd_weights_are_those_of_the_ordinary_way() -> None:
    x, t, w = sample("gaussian_nll")
    for odd in (math.nan, math.inf, -0.0, 3e38):
        w[5] = odd
        for learned in ((), (0,), (2,), (0, 1, 2)):
            for options in ({}, {"normalize": "count"}, {"reduction": "sum"}, {"mask": torch.arange(100) != 5}):
                agree("mse", [x, t, w], learned, **options)


@pytest.mark.parametrize("learned", [(), (0,), (2,)])
@pytest.mark.parametrize("options", [{}, {"normalize": "count"}, {"reduction": "sum"}, {"normalize": 3.0}])
def test_a_negative_weight_is_refused(learned: tuple[int, ...], options: dict[str, Any]) -> None:
    x, t, w = sample("gaussian_nll")
    w[3] = -1
    with pytest.raises(InputError, match="1 of the weights are negative"):
        outcome("mse", [x, t, w], learned, 1, **options)
    w[4] = math.nan
    with pytest.raises(InputError, match="1 of the weights are negative"):
        outcome("mse", [x, t, w], learned, 1, **options)
    with pytest.raises(InputError, match="1 of the weights are negative"):
        outcome("mse", [x, t, w], learned, 1, mask=torch.arange(100) != 4, **options)
    agree("mse", [x, t, w], learned, mask=torch.arange(100) > 4, **options)


@pytest.mark.parametrize("learned", [(), (0,), (2,)])
def test_a_nan_is_refused_where_none_may_be(learned: tuple[int, ...]) -> None:
    arrays = sample("gaussian_nll")
    for i, name in enumerate(("input", "target", "weight")):
        odd = [each.clone() for each in arrays]
        odd[i][3] = math.nan
        with pytest.raises(InputError, match=f"{name} holds 1 nan"):
            outcome("mse", odd, learned, 1, nan_policy="raise")
        agree("mse", odd, learned, nan_policy="raise", mask=torch.arange(100) != 3)
        agree("mse", odd, learned, nan_policy="omit")


@pytest.mark.parametrize("size", [1 << 15, (1 << 15) + 1, 70_000, on_kernels.FAR])
def test_larger_tensors_are_those_of_the_ordinary_way(size: int) -> None:
    arrays = sample("gaussian_nll", (size,))
    for learned in ((), (0,), (0, 2)):
        agree("mse", arrays, learned, 0.3)
        agree("rmse", arrays, learned, 0.3, mask=arrays[0] > 0.2)


def test_a_parameter_may_be_an_array() -> None:
    x, t, delta = sample("gaussian_nll")
    for learned in (True, False):
        leaves = [each.clone().requires_grad_(learned) for each in (x, t, delta)]
        others = [each.clone().requires_grad_(learned) for each in (x, t, delta)]
        found = normwise.huber_loss(leaves[0], leaves[1], delta=leaves[2])
        with the_ordinary_way():
            expected = normwise.huber_loss(others[0], others[1], delta=others[2])
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
        if learned:
            found.backward()
            expected.backward()
            for one, other in zip(leaves, others, strict=True):
                torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=0)


def test_odd_values_are_those_of_the_ordinary_way() -> None:
    for odd in (math.nan, math.inf, -0.0, 3e38, 1e-40):
        x, t, v = sample("gaussian_nll")
        x[3] = odd
        agree("gaussian_nll", [x, t, v], (0, 1, 2))
        agree("gaussian_nll", [t, x, v], (0, 1, 2))


@pytest.mark.parametrize("name", ["gaussian_nll", "mse", "rmse", "wmape"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_second_derivative_is_that_of_the_ordinary_way(name: str, weighted: bool) -> None:
    def second() -> list[torch.Tensor]:
        leaves = [each.double().requires_grad_() for each in sample(name)]
        weight = [each.double().flip(0).requires_grad_() for each in sample(name)[:1] if weighted]
        value = getattr(normwise, losses[name].function)(*leaves, **dict(zip(["weight"], weight, strict=False)))
        first = torch.autograd.grad(value, [*leaves, *weight], create_graph=True)
        return [*torch.autograd.grad(sum(each.square().sum() for each in first), [*leaves, *weight])]

    found = second()
    with the_ordinary_way():
        expected = second()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", ["gaussian_nll", "mse", "rmse", "wmape"])
@pytest.mark.parametrize("learned", [(0,), (0, -1)])
def test_a_second_pass_computes_the_gradients_again(name: str, learned: tuple[int, ...]) -> None:
    arrays = [*sample(name), sample(name)[0].flip(0)]
    leaves = [arrays[i].requires_grad_() for i in learned]
    value = getattr(normwise, losses[name].function)(*arrays[:-1], weight=arrays[-1])
    first = torch.autograd.grad(value, leaves, retain_graph=True)
    for one, other in zip(torch.autograd.grad(value, leaves), first, strict=True):
        torch.testing.assert_close(one, other)


def test_a_domain_is_looked_at() -> None:
    x, t, v = sample("gaussian_nll")
    with pytest.raises(ParameterError, match="negative"):
        normwise.gaussian_nll_loss(x, t, -v)


def test_further_arrays_of_other_kinds_are_refused() -> None:
    x, t, v = sample("gaussian_nll")
    loss = losses["gaussian_nll"]
    parameters = tuple(loss.parameters.values())
    others = {
        "strided": torch.ones(200)[::2],
        "double": torch.zeros(100, dtype=torch.float64),
        "other shape": torch.ones(1),
        "subclass": v.as_subclass(type("Subclass", (torch.Tensor,), {})),
        "negated": torch._neg_view(v),
        "meta": v.to("meta"),
        "number": 1.0,
        "array": v.numpy(),
    }

    def quick(*arrays: Any, **options: Any) -> Any:
        return usual(loss, arrays, parameters, "mean", Options(**options) if options else None)

    assert quick(x, t, v) is not None
    assert quick(x, t, v, weight=v) is not None
    for refused in others.values():
        assert quick(x, t, refused) is None
        assert quick(x, t, v, weight=refused) is None
        assert quick(x, t, v, mask=refused) is None
    mask = x > 0
    assert quick(x, t, v, mask=mask) is not None
    assert quick(x, t, v, weight=mask, mask=mask) is None
    for refused in (mask.as_subclass(type("Subclass", (torch.Tensor,), {})), mask[:1], mask.expand(1, 100)):
        assert quick(x, t, v, mask=refused) is None
    for options in ({"dim": (0,)}, {"keepdim": True}, {"normalize": torch.tensor(2.0)}):
        assert quick(x, t, v, **options) is None
    with torch.device("cpu"):
        assert quick(x, t, v) is None
        assert quick(x, t, v, weight=v) is None


def test_transforms_see_the_operations() -> None:
    arrays = [each[None].repeat(3, 1) for each in sample("gaussian_nll")]
    batched = torch.func.vmap(normwise.gaussian_nll_loss)(*arrays)
    torch.testing.assert_close(batched, normwise.gaussian_nll_loss(*sample("gaussian_nll")).repeat(3))


def test_transforms_see_the_operations_of_weights() -> None:
    def loss(*each: torch.Tensor) -> torch.Tensor:
        return normwise.mse_loss(*each[:2], weight=each[2])

    arrays = sample("gaussian_nll")
    leaves = [each.clone().requires_grad_() for each in arrays]
    expected = torch.autograd.grad(loss(*leaves), leaves)
    found = torch.func.vmap(torch.func.grad(loss, (0, 1, 2)))(*[each[None].repeat(3, 1) for each in arrays])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other.repeat(3, 1))


def test_a_batch_of_gradients_from_upstream() -> None:
    x, t, w = (each.requires_grad_() for each in sample("gaussian_nll"))
    for value, leaves in ((normwise.mse_loss(x, t, weight=w), (x, w)), (normwise.mse_loss(x, t, weight=t), (x,))):
        once = torch.autograd.grad(value, leaves, retain_graph=True)
        batch = torch.autograd.grad(value, leaves, torch.tensor([1.0, 2.0]), is_grads_batched=True)
        for one, other in zip(once, batch, strict=True):
            torch.testing.assert_close(torch.stack([one, 2 * one]), other)
