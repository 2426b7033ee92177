"""The quick lane of losses on torch's tensors against the ordinary way, bit by bit, and what it is to refuse."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

import normwise
from normwise import torch_calls
from normwise.catalogue import losses
from normwise.errors import ParameterError
from normwise.torch_autograd import usual

NAMES = ("mse", "huber", "gaussian_nll", "student_t_nll", "laplace_nll", "poisson_nll")


@contextmanager
def the_ordinary_way() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_calls, "usual", lambda *_: None)
        yield


def sample(name: str, shape: tuple[int, ...] = (100,), dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(shape, generator=generator).to(dtype) + 0.1 for _ in losses[name].formula.arrays]


def outcome(name: str, arrays: list[torch.Tensor], learned: tuple[int, ...], factor: float, **options: Any) -> Any:
    leaves = [each.clone().requires_grad_(i in learned) for i, each in enumerate(arrays)]
    value = getattr(normwise, losses[name].function)(*leaves, **options)
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
        agree(name, sample(name, (7, 5), torch.float64), learned, reduction="sum")
        agree(name, sample(name, ()), learned)
        agree(name, sample(name, (0,)), learned)


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


def test_a_second_derivative_is_that_of_the_ordinary_way() -> None:
    def second() -> list[torch.Tensor]:
        leaves = [each.double().requires_grad_() for each in sample("gaussian_nll")]
        first = torch.autograd.grad(normwise.gaussian_nll_loss(*leaves), leaves, create_graph=True)
        return [*torch.autograd.grad(sum(each.square().sum() for each in first), leaves)]

    found = second()
    with the_ordinary_way():
        expected = second()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_second_pass_computes_the_gradients_again() -> None:
    leaves = [each.requires_grad_() for each in sample("gaussian_nll")]
    value = normwise.gaussian_nll_loss(*leaves)
    first = torch.autograd.grad(value, leaves, retain_graph=True)
    for one, other in zip(torch.autograd.grad(value, leaves), first, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


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
    assert usual(loss, (x, t, v), parameters, True) is not None
    assert {n: usual(loss, (x, t, each), parameters, True) for n, each in others.items()} == dict.fromkeys(others)
    with torch.device("cpu"):
        assert usual(loss, (x, t, v), parameters, True) is None


def test_transforms_see_the_operations() -> None:
    arrays = [each[None].repeat(3, 1) for each in sample("gaussian_nll")]
    batched = torch.func.vmap(normwise.gaussian_nll_loss)(*arrays)
    torch.testing.assert_close(batched, normwise.gaussian_nll_loss(*sample("gaussian_nll")).repeat(3))
