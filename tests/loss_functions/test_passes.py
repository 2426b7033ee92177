"""How often a call reads its arrays, and that what one pass computes is what several would."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.engines.cpu import Kernel
from normwise.engines.layout import Layout
from normwise.errors import InputError, ParameterError
from normwise.loss_functions import on_arrays, on_kernels, torch_lanes

Tensor = torch.Tensor
Problem = Callable[..., Tensor]

rng = np.random.default_rng(14)
X, T, W = (torch.from_numpy(rng.uniform(0.5, 2.0, (6, 5))) for _ in range(3))
MASK = torch.from_numpy(rng.uniform(size=(6, 5)) > 0.3)


def _mean(values: Tensor, w: Tensor) -> Tensor:
    return (values * w).sum() / w.sum()


def _gaussian(x: Tensor, t: Tensor, w: Tensor) -> Tensor:
    return torch.nn.functional.gaussian_nll_loss(x, t, w, eps=1e-6)


CALLS: dict[str, tuple[Problem, Problem]] = {
    "rmse": (lambda x, t, w: normwise.rmse_loss(x, t), lambda x, t, w: ((x - t) ** 2).mean().sqrt()),
    "wmape": (lambda x, t, w: normwise.wmape_loss(x, t), lambda x, t, w: (x - t).abs().sum() / t.abs().sum()),
    "weighted": (
        lambda x, t, w: normwise.mse_loss(x, t, weight=w),
        lambda x, t, w: _mean((x - t) ** 2, w),
    ),
    "weighted rmse": (
        lambda x, t, w: normwise.rmse_loss(x, t, weight=w, mask=MASK),
        lambda x, t, w: _mean(((x - t) ** 2)[MASK], w[MASK]).sqrt(),
    ),
    "weighted wmape": (
        lambda x, t, w: normwise.wmape_loss(x, t, weight=w),
        lambda x, t, w: ((x - t).abs() * w).sum() / (t.abs() * w).sum(),
    ),
    "masked": (
        lambda x, t, w: normwise.mse_loss(x, t, mask=MASK),
        lambda x, t, w: ((x - t) ** 2)[MASK].mean(),
    ),
    "omit": (
        lambda x, t, w: normwise.mse_loss(x, torch.where(MASK, t, torch.nan), nan_policy="omit"),
        lambda x, t, w: ((x - t) ** 2)[MASK].mean(),
    ),
    "raise": (
        lambda x, t, w: normwise.mse_loss(x, t, weight=w, nan_policy="raise"),
        lambda x, t, w: _mean((x - t) ** 2, w),
    ),
    "domain": (normwise.gaussian_nll_loss, _gaussian),
}
"""Ours, and as one writes it in torch; of x, t and w."""
INPUT, SIDES, ALL = (True, False, False), (True, True, False), (True, True, True)
READS_WEIGHT = [name for name in CALLS if name.startswith("weighted") or name in ("raise", "domain")]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The numbers of elements of the passes."""
    seen, flat, strided = list[int](), Kernel.flat, Kernel.strided

    def counted_flat(self: Kernel, size: int, *words: float) -> Any:
        seen.append(size)
        return flat(self, size, *words)

    def counted_strided(self: Kernel, layout: Layout, *others: Any) -> Any:
        seen.append(layout.planes * layout.rows * layout.columns)
        return strided(self, layout, *others)

    monkeypatch.setattr(Kernel, "flat", counted_flat)
    monkeypatch.setattr(Kernel, "strided", counted_strided)
    lanes = torch_lanes._lane, on_arrays._lane  # which remember the kernels' methods
    for lane in lanes:
        lane.cache_clear()
    yield seen
    for lane in lanes:
        lane.cache_clear()


@pytest.fixture(params=[0, 1 << 62], ids=["far", "near"])
def far(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Arrays beyond the caches, and within."""
    monkeypatch.setattr(on_kernels, "FAR", request.param)
    return int(request.param)


def leaves(needed: tuple[bool, ...] = INPUT, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    return [a.to(dtype, copy=True).requires_grad_(need) for a, need in zip((X, T, W), needed, strict=True)]


@pytest.mark.parametrize("name", CALLS)
def test_the_value_is_one_pass(name: str, passes: list[int]) -> None:
    CALLS[name][0](X, T, W)
    assert len(passes) == 1


@pytest.mark.parametrize("name", CALLS)
def test_the_gradient_needs_none_or_a_divisor_before_it(name: str, far: int, passes: list[int]) -> None:
    x, t, w = leaves()
    CALLS[name][0](x, t, w).backward()
    before = far and name in ("weighted", "masked", "omit", "raise")
    assert len(passes) == 1 + bool(before)


@pytest.mark.parametrize(
    ("name", "needed", "dtype"),
    [("wmape", SIDES, torch.float32), ("weighted", ALL, torch.float32), ("rmse", INPUT, torch.float16)],
)
def test_a_gradient_of_several_factors_or_in_half_precision_is_a_second_pass(
    name: str, needed: tuple[bool, ...], dtype: torch.dtype, passes: list[int]
) -> None:
    CALLS[name][0](*leaves(needed, dtype)).backward()
    assert len(passes) == 2


def test_numpy_reads_as_often(passes: list[int]) -> None:
    x, t = X.numpy(), T.numpy()
    for function in (normwise.rmse_loss, normwise.wmape_loss):
        normwise.value_and_grad(function)(x, t)
    normwise.value_and_grad(normwise.mse_loss)(x, t, nan_policy="raise")
    normwise.gaussian_nll_loss(x, t, W.numpy())
    assert len(passes) == 4


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize(
    ("name", "needed"),
    [*((name, sides) for name in CALLS for sides in (INPUT, SIDES)), *((name, ALL) for name in READS_WEIGHT)],
)
@pytest.mark.parametrize("upstream", [1.0, -3.0])
def test_values_and_gradients_are_those_of_eager_torch(name: str, needed: tuple[bool, ...], upstream: float) -> None:
    ours, theirs = leaves(needed), leaves(needed)
    values = [call(*given) for call, given in zip(CALLS[name], (ours, theirs), strict=True)]
    for value in values:
        (upstream * value).backward(retain_graph=True)
        (upstream * value).backward()  # a second one finds no gradient waiting
    torch.testing.assert_close(values[0], values[1], rtol=1e-13, atol=1e-13)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("name", CALLS)
def test_gradients_have_gradients_and_come_in_batches(name: str) -> None:
    given = leaves(ALL if name in READS_WEIGHT else SIDES)
    wanted = [a for a in given if a.requires_grad]

    def of(*moving: Tensor) -> Tensor:
        return CALLS[name][0](*moving, *given[len(moving) :])

    assert torch.autograd.gradgradcheck(of, wanted, atol=1e-4)
    factors = torch.tensor([1.0, -2.0], dtype=torch.float64)
    batched = torch.autograd.grad(of(*wanted), wanted, factors, is_grads_batched=True)
    for k, factor in enumerate(factors):
        for found, expected in zip(batched, torch.autograd.grad(of(*wanted), wanted, factor), strict=True):
            torch.testing.assert_close(found[k], expected)


@pytest.mark.parametrize("name", ["weighted", "masked", "omit"])
def test_gradients_in_float32_are_the_same_however_the_divisor_is_summed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Tensor] = []
    for elements in (0, 1 << 62):
        monkeypatch.setattr(on_kernels, "FAR", elements)
        x, t, w = leaves(dtype=torch.float32)
        CALLS[name][0](x, t, w).backward()
        assert x.grad is not None
        found.append(x.grad)
    assert torch.equal(*found)


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("upstream", [1.0, torch.inf, torch.nan])
@pytest.mark.parametrize("function", [normwise.mse_loss, normwise.rmse_loss, normwise.wmape_loss])
@pytest.mark.parametrize("scale", [0.0, 1e-42, 1.0])
def test_what_was_dropped_has_no_gradient_whatever_the_factor(function: Any, upstream: float, scale: float) -> None:
    x, t, w = leaves(dtype=torch.float32)
    with torch.no_grad():
        x[0], t[1] = torch.inf, torch.nan
    there = torch.arange(6)[:, None].expand(6, 5) > 1
    value = function(x, t, weight=w * scale, mask=there)
    value.backward(torch.tensor(upstream))
    assert x.grad is not None
    assert torch.equal(x.grad[:2], torch.zeros(2, 5))


REFUSED: dict[str, tuple[Callable[[Any, Any, Any], Any], type[Exception], str]] = {
    "weights": (lambda x, t, w: normwise.mse_loss(x, t, weight=-w), InputError, "30 of the weights are negative"),
    "weights of rmse": (
        lambda x, t, w: normwise.rmse_loss(x, t, weight=-w),
        InputError,
        "30 of the weights are negative",
    ),
    "nans": (
        lambda x, t, w: normwise.mse_loss(x, t, weight=w * np.nan, nan_policy="raise"),
        InputError,
        "weight holds 30 nan",
    ),
    "nans before weights": (
        lambda x, t, w: normwise.mse_loss(x, t * np.nan, weight=-w, nan_policy="raise"),
        InputError,
        "target holds 30 nan",
    ),
    "domain": (lambda x, t, w: normwise.gaussian_nll_loss(x, t, -w), ParameterError, "Some of var are not in"),
}


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("needed", [INPUT, (False, False, False)], ids=["gradient", "value"])
@pytest.mark.parametrize("face", ["torch", "numpy"])
def test_what_is_refused_is_refused_by_the_one_pass(name: str, needed: tuple[bool, ...], face: str) -> None:
    call, error, message = REFUSED[name]
    given: Any = leaves(needed) if face == "torch" else [X.numpy(), T.numpy(), W.numpy()]
    with pytest.raises(error, match=message):
        call(*given)


def test_a_weight_that_learns_changes_no_value() -> None:
    x, t, w = leaves(dtype=torch.float32)
    huge = (w.detach() * 1e37).requires_grad_()  # the sum of the weights is beyond float32
    value = normwise.mse_loss(x, t, weight=huge)
    assert torch.equal(value, normwise.mse_loss(x, t, weight=huge.detach()))
    assert value.isfinite()
