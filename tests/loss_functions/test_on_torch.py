"""torch's autograd, transforms and compiler, and torch's own losses as the oracle for its four."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from normwise.engines.cpu.buffers import BUFFERS
from normwise.errors import DtypeError
from normwise.libraries import torch_graph
from normwise.loss_functions import on_torch
from tests.oracles.torch_losses import TORCH
from tests.samples import Case, cases, smooth_residuals

# torch itself calls it when forward-mode differentiation is first used.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

INF, NAN = math.inf, math.nan
TORCHS = [case for case in cases() if case.loss.name in TORCH]


def smooth_pair(case: Case, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """A prediction and a target in float64, away from all kinks."""
    rng = np.random.default_rng(5)
    r = smooth_residuals(case, rng, size)
    t = rng.normal(size=size)
    return torch.tensor(r + t, requires_grad=True), torch.tensor(t)


def torchs(case: Case) -> Callable[..., torch.Tensor]:
    return lambda x, t, **keywords: TORCH[case.loss.name](x, t, **case.parameters, **keywords)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", ["", "weight that needs a gradient"])
def test_gradcheck_and_gradgradcheck(case: Case, reduction: str, weighted: str) -> None:
    x, t = smooth_pair(case, 4)
    t.requires_grad_()
    weight = torch.tensor([0.5, 1.0, 2.0, 0.7], dtype=torch.float64) if weighted else None
    arguments = [x, t]
    if weighted.endswith("gradient") and weight is not None:
        arguments.append(weight.requires_grad_())

    def function(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor | None = weight) -> torch.Tensor:
        return case(x, t, weight=w, reduction=reduction)

    assert torch.autograd.gradcheck(function, arguments, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(function, arguments, check_fwd_over_rev=True)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_may_be_batched(loss: Loss, reduction: str, weighted: bool) -> None:
    """As `torch.autograd.functional.jacobian(vectorize=True)` does."""
    x, t = smooth_pair(Case(loss, loss.parameters), 4)
    weight = torch.rand(4, dtype=torch.float64) + 0.5 if weighted else None
    value = getattr(normwise, loss.function)(x, t, weight=weight, reduction=reduction)
    upstream = torch.stack([torch.ones_like(value), torch.full_like(value, -2.0)])
    [batched] = torch.autograd.grad(value, x, upstream, is_grads_batched=True, retain_graph=True)
    singly = [torch.autograd.grad(value, x, each, retain_graph=True)[0] for each in upstream]
    torch.testing.assert_close(batched, torch.stack(singly))


@pytest.mark.parametrize("known", TORCHS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_values_and_gradients_at_kinks_and_beyond_are_torchs(known: Case, dtype: torch.dtype, reduction: str) -> None:
    ends = [p for v in known.parameters.values() for p in (v, -v)]
    points = [0.0, -0.0, 1.0, -1.0, *ends, 1e-30, 1e-8, 1e30, 3.5, INF, -INF, NAN]
    expected_x, x = (torch.tensor(points, dtype=dtype, requires_grad=True) for _ in range(2))
    expected_t, t = (torch.zeros(len(points), dtype=dtype, requires_grad=True) for _ in range(2))
    theirs = torchs(known)(expected_x, expected_t, reduction=reduction)
    ours = known(x, t, reduction=reduction)
    torch.testing.assert_close(ours, theirs, equal_nan=True)
    theirs.sum().backward()
    ours.sum().backward()
    torch.testing.assert_close(x.grad, expected_x.grad, equal_nan=True)
    torch.testing.assert_close(t.grad, expected_t.grad, equal_nan=True)


@pytest.mark.parametrize("known", TORCHS, ids=str)
def test_infinity_less_infinity_is_torchs(known: Case) -> None:
    expected_x, x = (torch.tensor([INF, -INF, INF], requires_grad=True) for _ in range(2))
    t = torch.tensor([INF, -INF, -INF])
    torchs(known)(expected_x, t, reduction="sum").backward()
    known(x, t, reduction="sum").backward()
    torch.testing.assert_close(x.grad, expected_x.grad, equal_nan=True)


@pytest.mark.parametrize("known", TORCHS, ids=str)
def test_the_second_derivative_at_a_kink_is_torchs(known: Case) -> None:
    points = [0.0, *(p for v in known.parameters.values() for p in (v, -v)), 0.3, -9.0]

    def curvature(function: Callable[..., torch.Tensor]) -> torch.Tensor:
        x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
        [slope] = torch.autograd.grad(function(x, torch.zeros_like(x), reduction="sum"), x, create_graph=True)
        if not slope.requires_grad:
            return torch.zeros_like(x)
        return torch.autograd.grad(slope.sum(), x)[0]

    torch.testing.assert_close(curvature(known), curvature(torchs(known)))


@pytest.mark.parametrize("name", ["l1", "mse", "huber"])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weights", [[0.5, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, NAN, 1.0]])
@pytest.mark.parametrize("learned", [False, True])
def test_a_weight_means_what_it_means_in_torch(name: str, reduction: str, weights: list[float], learned: bool) -> None:
    def computed(function: Callable[..., torch.Tensor]) -> list[torch.Tensor | None]:
        x, w = (
            torch.tensor([1.0, -3.0, 0.5], requires_grad=True),
            torch.tensor(weights, requires_grad=learned),
        )
        value = function(x, torch.zeros(3), reduction=reduction, weight=w)
        value.sum().backward()
        return [value, x.grad, *([w.grad] if learned else [])]

    ours, theirs = computed(getattr(normwise, f"{name}_loss")), computed(TORCH[name])
    torch.testing.assert_close(ours, theirs, equal_nan=True)


def test_a_second_backward_pass_gives_the_same(case: Case) -> None:
    x, t = smooth_pair(case)
    value = case(x, t)
    [first] = torch.autograd.grad(value, x, retain_graph=True)
    kept = first.clone()
    [second] = torch.autograd.grad(value, x, grad_outputs=torch.tensor(3.0, dtype=torch.float64), retain_graph=True)
    [third] = torch.autograd.grad(value, x)
    torch.testing.assert_close(second, 3 * kept)
    torch.testing.assert_close(third, kept)
    torch.testing.assert_close(first, kept)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(value, x)


@pytest.mark.parametrize("upstream", [0.0, 1.0, -2.5, INF, NAN])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_upstream_gradient_scales(case: Case, upstream: float, weighted: bool) -> None:
    x, t = smooth_pair(case)
    weight = torch.rand(6, dtype=torch.float64) + 0.5 if weighted else None
    [one] = torch.autograd.grad(case(x, t, weight=weight), x)
    [scaled] = torch.autograd.grad(case(x, t, weight=weight) * upstream, x)
    torch.testing.assert_close(scaled, one * upstream, equal_nan=True)


def test_gradients_accumulate_and_are_not_shared(case: Case) -> None:
    x, t = smooth_pair(case)
    case(x, t).backward()
    assert x.grad is not None
    first, kept = x.grad, x.grad.clone()
    case(x, t).backward()
    torch.testing.assert_close(x.grad, 2 * kept)
    x.grad = None
    case(x, t).backward()
    assert x.grad is not None
    assert x.grad.data_ptr() != first.data_ptr()
    torch.testing.assert_close(x.grad, kept)


def test_a_gradient_in_both_arguments_is_two_tensors(case: Case) -> None:
    x, t = smooth_pair(case)
    t.requires_grad_()
    case(x, t).backward()
    assert x.grad is not None
    assert t.grad is not None
    torch.testing.assert_close(t.grad, -x.grad)
    assert x.grad.data_ptr() != t.grad.data_ptr()


def test_one_tensor_may_be_both_arguments(loss: Loss) -> None:
    x = torch.randn(5, requires_grad=True)
    getattr(normwise, loss.function)(x, x).backward()
    torch.testing.assert_close(x.grad, torch.zeros(5))


@pytest.mark.parametrize("edited", ["input", "target", "weight"])
@pytest.mark.parametrize("passes", [1, 2])
def test_an_edit_after_the_forward_pass_is_refused_or_without_effect(case: Case, edited: str, passes: int) -> None:
    leaf, t = smooth_pair(case)
    x, w = leaf * 1, torch.rand(6, dtype=torch.float64) + 0.5
    value = case(x, t, weight=w)
    [expected] = torch.autograd.grad(case(leaf, t, weight=w), leaf)
    if passes == 2:
        torch.autograd.grad(value, leaf, retain_graph=True)
    with torch.no_grad():
        {"input": x, "target": t, "weight": w}[edited].mul_(torch.linspace(-3, 2, 6))
    try:
        [gradient] = torch.autograd.grad(value, leaf)
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
    else:
        torch.testing.assert_close(gradient, expected)


def test_no_graph_is_kept_where_none_is_wanted(case: Case) -> None:
    x, t = smooth_pair(case)
    expected = case(x, t).detach()
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            for reduction in ("none", "sum", "mean"):
                assert not case(x, t, reduction=reduction).requires_grad
            torch.testing.assert_close(case(x, t), expected)
    assert not case(x.detach(), t).requires_grad


def test_tensors_made_in_inference_mode_are_read(loss: Loss) -> None:
    with torch.inference_mode():
        t = torch.zeros(4)
    x = torch.ones(4, requires_grad=True)
    value = getattr(normwise, loss.function)(x.detach(), t)
    assert value.isfinite()


HALVES = [torch.float16, torch.bfloat16]


@pytest.mark.parametrize(("dtype", "weighted"), [(torch.float16, False), (torch.bfloat16, True)], ids=str)
def test_half_precision_is_computed_in_float32(loss: Loss, dtype: torch.dtype, weighted: bool) -> None:
    case = Case(loss, loss.parameters)
    wide, target = smooth_pair(case, 12)
    x, t = wide.detach().to(dtype).requires_grad_(), target.to(dtype)
    weight = (torch.rand(12) + 0.5).to(dtype) if weighted else None
    x32 = x.detach().float().requires_grad_()
    w32 = None if weight is None else weight.float()
    for reduction in ("none", "sum", "mean"):
        value, expected = (
            case(x, t, weight=weight, reduction=reduction),
            case(x32, t.float(), weight=w32, reduction=reduction),
        )
        assert value.dtype == (dtype if reduction == "none" else torch.float32)
        torch.testing.assert_close(value.float(), expected.to(value.dtype).float(), rtol=1e-5, atol=1e-5)
        [gradient] = torch.autograd.grad(value.sum(), x)
        [expected_gradient] = torch.autograd.grad(expected.sum(), x32)
        assert gradient.dtype == dtype
        torch.testing.assert_close(gradient, expected_gradient.to(dtype))


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_the_mean_of_half_precision_neither_overflows_nor_loses_its_gradient(dtype: torch.dtype) -> None:
    x = torch.full((1 << 17,), 300.0, dtype=dtype, requires_grad=True)
    value = normwise.mse_loss(x, torch.zeros_like(x))
    assert value == 90000.0 if dtype is torch.float16 else value.isfinite()
    value.backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad[0].float(), torch.tensor(2 * 300.0 / (1 << 17)), rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        (torch.float32, torch.float64, torch.float64),
        (torch.float64, torch.float32, torch.float64),
        (torch.float16, torch.float32, torch.float32),
        (torch.float16, torch.bfloat16, torch.float32),
        (torch.float32, torch.int64, torch.float32),
        (torch.uint8, torch.float64, torch.float64),
    ],
)
@pytest.mark.parametrize("name", ["mse", "huber"])
def test_mixed_dtypes_promote_and_gradients_come_back_in_their_own(
    name: str, first: torch.dtype, second: torch.dtype, result: torch.dtype
) -> None:
    x, t = torch.tensor([1, 2, 3]).to(first), torch.tensor([2, 2, 7]).to(second)
    for tensor in (x, t):
        tensor.requires_grad_(tensor.is_floating_point())
    value = getattr(normwise, f"{name}_loss")(x, t)
    assert value.dtype == result
    value.backward()
    for tensor in (x, t):
        if tensor.requires_grad:
            assert tensor.grad is not None
            assert tensor.grad.dtype == tensor.dtype


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.bool, torch.complex64], ids=str)
def test_other_dtypes_raise_what_torch_raises(loss: Loss, dtype: torch.dtype) -> None:
    x = torch.ones(3).to(dtype)
    if dtype is not torch.bool and loss.accepts:
        assert getattr(normwise, loss.function)(x, x, reduction="sum") == 0
        return
    with pytest.raises(NotImplementedError, match=rf"{loss.function} is not implemented for {dtype}") as raised:
        getattr(normwise, loss.function)(x, x)
    assert isinstance(raised.value, DtypeError | ValueError)


def test_a_parameter_or_a_view_of_one_is_as_good_as_a_tensor(loss: Loss) -> None:
    function, weights = getattr(normwise, loss.function), torch.nn.Parameter(torch.randn(4, 3))
    value = function(weights, torch.zeros(4, 3))
    assert type(value) is torch.Tensor
    value.backward()
    assert weights.grad is not None
    [of_view] = torch.autograd.grad(function(weights.T, torch.zeros(3, 4)), weights)
    torch.testing.assert_close(of_view, weights.grad)


class Tagged(torch.Tensor):
    """A subclass that keeps its type."""


def test_a_subclass_stays_one_and_keeps_its_weight(loss: Loss) -> None:
    function = getattr(normwise, loss.function)
    x, w = torch.randn(4).as_subclass(Tagged), torch.tensor([1.0, 0.0, 2.0, 3.0])
    for reduction in ("none", "sum", "mean"):
        value = function(x, torch.zeros(4), weight=w, reduction=reduction)
        assert type(value) is Tagged
        plain = function(torch.Tensor(x), torch.zeros(4), weight=w, reduction=reduction)
        torch.testing.assert_close(value.as_subclass(torch.Tensor), plain)


def test_meta_tensors_have_shapes(loss: Loss) -> None:
    x = torch.empty(4, 3, device="meta", requires_grad=True)
    value = getattr(normwise, loss.function)(x, torch.empty(4, 3, device="meta"))
    assert value.device.type == "meta"
    assert value.shape == ()
    value.backward()
    assert x.grad is not None
    assert x.grad.shape == x.shape


def test_function_transforms_agree_with_autograd(case: Case) -> None:
    x, t = smooth_pair(case, 5)
    value = case(x, t)
    [slope] = torch.autograd.grad(value, x, create_graph=True)
    rows = torch.stack([torch.autograd.grad(slope[i], x, retain_graph=True)[0] for i in range(5)])
    x = x.detach()
    tangent = torch.arange(5.0, dtype=torch.float64)

    def function(x: torch.Tensor) -> torch.Tensor:
        return case(x, t)

    torch.testing.assert_close(torch.func.grad(function)(x), slope.detach())
    torch.testing.assert_close(torch.func.hessian(function)(x), rows)
    torch.testing.assert_close(torch.func.jvp(function, (x,), (tangent,))[1], slope.detach() @ tangent)
    torch.testing.assert_close(torch.func.vjp(function, x)[1](value.detach())[0], slope.detach() * value.detach())
    per_row = torch.func.vmap(case)(x.reshape(5, 1), t.reshape(5, 1))
    torch.testing.assert_close(per_row, case(x, t, reduction="none"))
    per_row_slope = torch.func.vmap(torch.func.grad(case))(x.reshape(5, 1), t.reshape(5, 1))
    torch.testing.assert_close(per_row_slope.ravel() / 5, slope.detach())


def test_the_transforms_gradients_are_right_far_away_too(case: Case) -> None:
    """No nan leaks from a branch that is not taken, where torch itself differentiates the formula."""
    x = torch.tensor([-1e4, -100.0, -0.0, 1e-9, 0.5, 100.0, 1e4], dtype=torch.float64)
    t = torch.zeros_like(x)
    _, expected = normwise.value_and_grad(case.loss)(x.numpy(), t.numpy(), **case.parameters)
    gradient = torch.func.grad(lambda x: case(x, t))(x)
    torch.testing.assert_close(gradient, torch.tensor(expected))


@pytest.mark.long
@pytest.mark.parametrize("name", ["smooth_l1", "log_cosh"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_compiled_calls_agree_with_eager(name: str) -> None:
    function = getattr(normwise, f"{name}_loss")

    def model(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return function(2 * x, t) + function(x, t, weight=w, reduction="sum")

    x, t, w = torch.randn(3, 64).unbind()
    w = w.abs()
    x.requires_grad_()
    expected = model(x, t, w)
    [expected_gradient] = torch.autograd.grad(expected, x)
    value = torch.compile(model, fullgraph=True, backend="aot_eager")(x, t, w)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, x)[0], expected_gradient)


def test_plain_tensors_take_the_fused_path(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        pytest.fail("the fused kernel was not taken")

    monkeypatch.setattr(torch_graph, "with_operations", refuse)
    function, x = getattr(normwise, loss.function), torch.randn(3, 4, requires_grad=True)
    for reduction in ("none", "mean"):
        for weight in (None, torch.ones(3, 4)):
            function(x, torch.zeros(3, 4), weight=weight, reduction=reduction).sum().backward()
        monkeypatch.setattr(on_torch, "_composed", refuse)  # a mean is one kernel: nothing per element, no sums


def test_a_large_gradient_is_not_copied_and_its_memory_is_recycled() -> None:
    x = torch.randn(1 << 19, requires_grad=True)
    t = torch.zeros_like(x)
    BUFFERS.clear()
    places = set[int]()
    for _ in range(4):
        normwise.mse_loss(x, t).backward()
        assert x.grad is not None
        places.add(x.grad.data_ptr())
        x.grad = None
    assert len(places) == 1


def test_values_that_are_kept_are_never_overwritten(loss: Loss) -> None:
    function, x = getattr(normwise, loss.function), torch.randn(1 << 18, dtype=torch.float64)
    t = torch.zeros_like(x)
    kept = function(x, t, reduction="none")
    view, copied = kept[5:], kept.clone()
    del kept
    for _ in range(3):
        function(3 * x, t, reduction="none")
    torch.testing.assert_close(view, copied[5:])


def test_a_loss_may_be_copied_pickled_and_saved_with_its_graph_gone(loss: Loss) -> None:
    value = getattr(normwise, loss.function)(torch.ones(3), torch.zeros(3))
    assert copy.deepcopy(value) == value


def test_saved_tensor_hooks_are_called_where_autograd_saves(loss: Loss) -> None:
    seen: list[torch.Size] = []
    x = torch.randn(7, requires_grad=True)

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        seen.append(tensor.shape)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = getattr(normwise, loss.function)(x, torch.zeros(7))
    value.backward()
    assert torch.Size([7]) in seen
