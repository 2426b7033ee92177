"""Whoever follows torch's operations gets torch's operations: traces, exports and modes, on shapes not seen before."""

import contextlib
import copy
import functools
import io
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

import normwise
from normwise.errors import InputError
from normwise.libraries.torch_watchers import watched

Tensor = torch.Tensor
Function = Callable[..., Any]

pytestmark = pytest.mark.filterwarnings(
    # torch's own tools say so of themselves.
    "ignore:`torch.jit:DeprecationWarning",
    "ignore:.*legacy TorchScript-based ONNX export:DeprecationWarning",
)


def mask_of(t: Tensor) -> Tensor:
    return t > 0.1


def nans(t: Tensor) -> Tensor:
    return torch.where(t > 0.1, torch.nan, t)


def in_accelerate(x: Tensor, t: Tensor) -> Tensor:
    with normwise.accelerate():
        return F.huber_loss(x, t, delta=0.5)


def over_present(values: Tensor, present: Tensor) -> Tensor:
    return torch.where(present, values, 0.0).sum() / present.sum()


CASES: dict[str, tuple[Function, Function]] = {
    "mse": (normwise.mse_loss, F.mse_loss),
    "l1, none": (
        lambda x, t: normwise.l1_loss(x, t, reduction="none"),
        lambda x, t: F.l1_loss(x, t, reduction="none"),
    ),
    "smooth_l1, sum": (
        lambda x, t: normwise.smooth_l1_loss(x, t, reduction="sum"),
        lambda x, t: F.smooth_l1_loss(x, t, reduction="sum"),
    ),
    "halves": (
        lambda x, t: normwise.mse_loss(x.half(), t.half()),
        lambda x, t: F.mse_loss(x.half().float(), t.half().float()),
    ),
    "weight": (
        lambda x, t: normwise.mse_loss(x, t, weight=t * t),
        lambda x, t: (t * t * (x - t) ** 2).sum() / (t * t).sum(),
    ),
    "weight by count": (
        lambda x, t: normwise.mse_loss(x, t, weight=t * t, normalize="count"),
        lambda x, t: (t * t * (x - t) ** 2).mean(),
    ),
    "mask": (
        lambda x, t: normwise.l1_loss(x, t, mask=mask_of(t)),
        lambda x, t: over_present((x - t).abs(), mask_of(t)),
    ),
    "omit": (
        lambda x, t: normwise.l1_loss(x, nans(t), nan_policy="omit"),
        lambda x, t: over_present((x - t).abs(), ~mask_of(t)),
    ),
    "dim": (
        lambda x, t: normwise.l1_loss(x, t, dim=0, keepdim=True),
        lambda x, t: (x - t).abs().mean(0, keepdim=True),
    ),
    "broadcast": (
        lambda x, t: normwise.mse_loss(x, t[:1], broadcast=True),
        lambda x, t: ((x - t[:1]) ** 2).mean(),
    ),
    "a divisor": (
        lambda x, t: normwise.mse_loss(x, t, normalize=t.square().sum().detach()),
        lambda x, t: ((x - t) ** 2).sum() / t.square().sum(),
    ),
    "a parameter": (
        lambda x, t: normwise.huber_loss(x, t, delta=t.abs().amax().detach()),
        lambda x, t: torch.where(
            (x - t).abs() <= t.abs().amax(),
            0.5 * (x - t) ** 2,
            t.abs().amax() * ((x - t).abs() - 0.5 * t.abs().amax()),
        ).mean(),
    ),
    "variance by row": (
        lambda x, t: normwise.gaussian_nll_loss(x, t, t.square().sum(-1)),
        lambda x, t: F.gaussian_nll_loss(x, t, t.square().sum(-1)),
    ),
    "rmse": (normwise.rmse_loss, lambda x, t: F.mse_loss(x, t).sqrt()),
    "in accelerate": (in_accelerate, lambda x, t: F.huber_loss(x, t, delta=0.5)),
    "module": (normwise.nn.LogCoshLoss(), lambda x, t: (x - t).cosh().log().mean()),
    "gradient": (normwise.gradient("mse"), lambda x, t: 2 * (x - t)),
    "norm": (lambda x, t: normwise.norm(x - t), lambda x, t: torch.linalg.vector_norm(x - t)),
    "norm of rows": (
        lambda x, t: normwise.norm(x - t, 3, dim=1),
        lambda x, t: torch.linalg.vector_norm(x - t, 3, dim=1),
    ),
    # What is there is scaled up to stand for all.
    "distance, masked": (
        lambda x, t: normwise.distance(x, t, 1, dim=None, mask=mask_of(t)),
        lambda x, t: over_present((x - t).abs(), mask_of(t)) * x.numel(),
    ),
    "distance": (normwise.distance, lambda x, t: torch.linalg.vector_norm(x - t, dim=-1)),
    "distance, inf": (
        lambda x, t: normwise.distance(x, t, torch.inf),
        lambda x, t: torch.linalg.vector_norm(x - t, torch.inf, dim=-1),
    ),
    "pairwise, linf": (
        lambda x, t: normwise.pairwise(x, t, "linf"),
        lambda x, t: (x[:, None] - t).abs().amax(-1),
    ),
    "pairwise": (normwise.pairwise, lambda x, t: torch.linalg.vector_norm(x[:, None] - t, dim=-1)),
    "pairwise, min": (
        lambda x, t: normwise.pairwise(x, t, "l1", reduce="min"),
        lambda x, t: (x[:, None] - t).abs().sum(-1).amin(-1),
    ),
    "pairwise, mean": (
        lambda x, t: normwise.pairwise(x, t, "l1", reduce="mean"),
        lambda x, t: (x[:, None] - t).abs().sum(-1).mean(-1),
    ),
    "nearest": (
        lambda x, t: normwise.nearest(x, t, 2)[0],
        lambda x, t: torch.linalg.vector_norm(x[:, None] - t, dim=-1).sort(-1).values[:, :2],
    ),
}


def pair(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, t = torch.randn(2, *shape, generator=generator).unbind()
    return x.clone(), t.clone()


def gradient_of(function: Function, x: Tensor, t: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x, t).square().sum(), x)[0]


@pytest.mark.parametrize("name", CASES)
def test_a_trace_holds_for_data_and_shapes_not_seen_before(name: str) -> None:
    ours, theirs = CASES[name]
    trace = torch.jit.trace(ours, pair(4, 3))
    for x, t in (pair(4, 3, seed=1), pair(7, 5, seed=2)):
        torch.testing.assert_close(trace(x, t), theirs(x, t))
        torch.testing.assert_close(gradient_of(trace, x, t), gradient_of(theirs, x, t))


@pytest.mark.parametrize("name", ["mse", "weight", "in accelerate"])
def test_arguments_that_need_a_gradient_are_traced(name: str) -> None:
    ours, theirs = CASES[name]
    x, t = pair(4, 3)
    trace = torch.jit.trace(ours, (x.requires_grad_(), t))
    x, t = pair(7, 5, seed=2)
    torch.testing.assert_close(gradient_of(trace, x, t), gradient_of(theirs, x, t))


def test_a_trace_computes_in_the_dtype_of_what_it_is_given() -> None:
    trace = torch.jit.trace(normwise.mse_loss, pair(4, 3))
    x, t = (a.double() for a in pair(7, 5))
    torch.testing.assert_close(trace(x, t), F.mse_loss(x, t), rtol=1e-14, atol=0)


class Step(torch.nn.Module):
    """A model whose loss is a part of it, as training libraries have it."""

    def __init__(self, criterion: torch.nn.Module) -> None:
        super().__init__()
        self.model, self.criterion = torch.nn.Linear(3, 1), criterion

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.criterion(self.model(x).squeeze(-1), t)  # type: ignore[no-any-return]


def rows(n: int) -> tuple[Tensor, Tensor]:
    x, t = pair(n, 3)
    return x, t[:, 0]


def test_a_traced_step_trains_is_frozen_saved_and_loaded() -> None:
    step = Step(normwise.nn.HuberLoss(delta=0.5))
    trace = torch.jit.trace(step, rows(4))
    x, t = rows(9)
    right = F.huber_loss(step.model(x).squeeze(-1), t, delta=0.5)
    torch.testing.assert_close(trace(x, t), right)
    trace(x, t).backward()
    given = [p.grad for p in step.parameters()]
    torch.testing.assert_close(given, list(torch.autograd.grad(right, [*step.parameters()])))
    file = io.BytesIO()
    torch.jit.save(trace, file)
    file.seek(0)
    for again in (torch.jit.freeze(copy.deepcopy(trace).eval()), torch.jit.load(file)):
        torch.testing.assert_close(again(x, t), right)


def test_a_learned_likelihood_is_traced() -> None:
    criterion = normwise.nn.AdaptiveBarronLoss(3)
    trace = torch.jit.trace(criterion, pair(4, 3))
    x, t = pair(7, 3, seed=1)
    torch.testing.assert_close(trace(x, t), criterion(x, t))


@pytest.mark.parametrize(
    ("function", "mend"),
    [
        (normwise.value_and_grad("mse"), r"trace normwise\.gradient"),
        (lambda x, t: normwise.l1_loss(x, t, nan_policy="raise"), "pass 'propagate' or 'omit'"),
        (lambda x, t: normwise.distance(x, t, nan_policy="raise"), "pass 'propagate' or 'omit'"),
        (lambda x, t: normwise.pairwise(x, t, nan_policy="raise"), "pass 'propagate' or 'omit'"),
    ],
)
def test_what_a_trace_cannot_hold_is_refused(function: Function, mend: str) -> None:
    with pytest.raises(InputError, match=mend):
        torch.jit.trace(function, pair(4, 3))


@pytest.mark.parametrize("name", ["mse", "weight", "rmse", "pairwise", "norm of rows"])
def test_onnx_gets_a_graph_of_the_formula(name: str) -> None:
    """The graph is run where there is a runtime for it; what it is made of is looked at everywhere."""
    ours, theirs = CASES[name]
    wrapped = torch.nn.Module()
    wrapped.forward = ours  # type: ignore[method-assign]
    from torch.onnx._internal.torchscript_exporter import utils

    graph, _, output = utils._model_to_graph(wrapped, pair(4, 3))
    torch.testing.assert_close(output, theirs(*pair(4, 3)))
    read = {value.debugName() for node in graph.nodes() for value in node.inputs()}
    assert {value.debugName() for value in graph.inputs()} <= read
    onnx = {node.kind().partition("::")[0] for node in graph.nodes()}
    assert onnx <= {"onnx", "prim"}


# Everyone there is.


class Mode(TorchDispatchMode):
    """It counts the operations that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


def quietly(function: Function) -> Function:
    def run(*arguments: Any) -> Any:
        with warnings.catch_warnings(action="ignore"):
            return function(*arguments)

    return run


def by(follow: Callable[[Function], Function]) -> Callable[[Function], None]:
    return lambda look: (quietly(follow(lambda x: (look(), x * 1)[1]))(torch.ones(3)), None)[1]


def within(context: Callable[[], Any]) -> Callable[[Function], None]:
    def follow(look: Function) -> None:
        with context():
            look()

    return follow


@contextlib.contextmanager
def legacy_vmap() -> Iterator[None]:
    torch._C._vmapmode_increment_nesting()
    try:
        yield
    finally:
        torch._C._vmapmode_decrement_nesting()


@contextlib.contextmanager
def functionalization() -> Iterator[None]:
    torch._enable_functionalization()
    try:
        yield
    finally:
        torch._disable_functionalization()


FOLLOWERS: dict[str, Callable[[Function], None]] = {
    "jit.trace": by(lambda f: torch.jit.trace(f, torch.ones(3), check_trace=False)),
    "vmap": by(torch.func.vmap),
    "grad": by(lambda f: torch.func.grad(lambda x: f(x).sum())),
    "jvp": by(lambda f: lambda x: torch.func.jvp(f, (x,), (x,))),
    "functionalize": by(torch.func.functionalize),
    "make_fx": by(make_fx),
    "make_fx before autograd": by(lambda f: make_fx(f, pre_dispatch=True)),
    "dispatch mode": within(Mode),
    "fake tensors": within(FakeTensorMode),
    "forward mode": within(forward_ad.dual_level),
    "legacy vmap": within(legacy_vmap),
    "functionalization": within(functionalization),
}

OTHERS: dict[str, Callable[[], Any]] = {
    "nobody": contextlib.nullcontext,
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": functools.partial(torch.autocast, "cpu"),
    "profiler": torch.profiler.profile,
    "saved tensors": torch.autograd.graph.save_on_cpu,
}


@pytest.mark.parametrize("name", FOLLOWERS)
def test_who_follows_is_seen(name: str) -> None:
    seen: list[bool] = []
    FOLLOWERS[name](lambda: seen.append(watched()))
    assert seen
    assert all(seen)


@pytest.mark.parametrize("name", OTHERS)
def test_who_does_not_follow_costs_no_kernel(name: str) -> None:
    with OTHERS[name]():
        assert not watched()


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("name", ["mse", "weight", "rmse", "pairwise", "norm", "distance, inf"])
def test_fx_graphs_hold_for_other_data(name: str, early: bool) -> None:
    ours, theirs = CASES[name]

    def function(x: Tensor, t: Tensor) -> Tensor:  # of two arguments: make_fx takes no defaults
        return ours(x, t)  # type: ignore[no-any-return]

    graph = make_fx(function, pre_dispatch=early)(*pair(4, 3))
    x, t = pair(4, 3, seed=1)
    torch.testing.assert_close(graph(x, t), theirs(x, t))


@pytest.mark.parametrize(
    "follow", [torch.func.functionalize, lambda f: lambda x, t: torch.func.jvp(f, (x, t), (x, t))[0]]
)
@pytest.mark.parametrize("name", ["distance, inf", "pairwise, linf"])
def test_the_largest_difference_is_seen_to_be_it_in_float32(name: str, follow: Any) -> None:
    """It is one in float32, and was none in float64."""
    ours, theirs = CASES[name]
    torch.testing.assert_close(follow(ours)(*pair(7, 5)), theirs(*pair(7, 5)))


def test_a_dispatch_mode_sees_the_operations() -> None:
    with Mode() as mode:
        normwise.mse_loss(*pair(4, 3))
    assert "aten.mean.default" in mode.seen


WITHOUT_PRIVATE_NAMES = """
import torch
from torch.autograd import forward_ad
for name in ("_dispatch_tls_local_include_set", "_parse_dispatch_key", "_len_torch_function_stack"):
    delattr(torch._C, name)
del forward_ad._current_level
import normwise
x, t = torch.tensor([1.0, 4.0], requires_grad=True), torch.tensor([0.0, 1.0])
value = normwise.mse_loss(x, t)
value.backward()
assert (value.item(), x.grad.tolist()) == (5.0, [1.0, 3.0])
assert normwise.norm(torch.tensor([3.0, 4.0])).item() == 5.0
"""


def test_without_torchs_private_names_it_is_slower_and_right() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_PRIVATE_NAMES], check=True, timeout=120)
