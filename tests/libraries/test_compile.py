"""torch's compilers and tracers: one graph, one compilation, the same values and gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

import normwise
from normwise.catalogue import Loss
from normwise.errors import ShapeMismatchError

pytestmark = [
    pytest.mark.long,
    # torch's own compiler calls what torch has deprecated.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

Model = Callable[..., torch.Tensor]


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch.compiler.reset()


def arrays(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, t, w = (torch.randn(shape, generator=generator) for _ in range(3))
    return x.requires_grad_(), t, w.abs(), torch.rand(shape, generator=generator) < 0.6


def value_and_slope(model: Model, x: torch.Tensor, *rest: Any) -> tuple[torch.Tensor, torch.Tensor]:
    value = model(x, *rest)
    return value.detach(), torch.autograd.grad(value.sum(), x)[0]


def every_option(loss: Loss) -> Model:
    function = getattr(normwise, loss.function)

    def model(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        reduced = function(x, t) + function(x, t, weight=w, mask=m) + function(x, t, normalize=w.sum(), mask=m)
        by_row = function(x, t, nan_policy="omit", dim=-1, keepdim=True, weight=w[:, :1])
        return reduced + by_row + function(2 * x, t, reduction="none", mask=m).sum()

    return model


@pytest.mark.parametrize("dynamic", [False, True])
def test_one_graph_serves_all_data_of_a_kind(loss: Loss, dynamic: bool) -> None:
    model, counter = every_option(loss), CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(model, fullgraph=True, backend=counter, dynamic=dynamic)
    shapes = [(4, 5), (6, 3), (17, 9)] if dynamic else [(4, 5)] * 3
    counts: list[int] = []
    for seed, shape in enumerate(shapes):
        given = arrays(*shape, seed=seed)
        given[1][0, 0] = float("nan")
        torch.testing.assert_close(value_and_slope(compiled, *given), value_and_slope(model, *given), equal_nan=True)
        counts.append(counter.frame_count)
    # A parameter that is at first taken for a symbol costs a second attempt, as it does in torch's own modules.
    assert counts == [2 if dynamic and loss.parameters else 1] * 3


@pytest.mark.parametrize("name", ["smooth_l1", "log_cosh"])
def test_the_default_compiler_computes_the_same(name: str) -> None:
    model, given = every_option(normwise.losses[name]), arrays(8, 16)
    compiled = torch.compile(model, fullgraph=True)
    torch.testing.assert_close(value_and_slope(compiled, *given), value_and_slope(model, *given))


@pytest.mark.parametrize("dtype", [torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32_when_compiled(loss: Loss, dtype: torch.dtype) -> None:
    criterion = getattr(normwise.nn, loss.module)()
    x, t, *_ = arrays(33)
    x, t = (300 * x).detach().to(dtype).requires_grad_(), t.to(dtype)
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    value, slope = value_and_slope(compiled, x, t)
    assert (value.dtype, slope.dtype) == (torch.float32, dtype)
    torch.testing.assert_close((value, slope), value_and_slope(criterion, x, t))


def test_a_divisor_that_changes_with_each_batch_is_not_compiled_each_time(loss: Loss) -> None:
    function, counter = getattr(normwise, loss.function), CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(lambda x, t, n: function(x, t, normalize=n), fullgraph=True, backend=counter)
    x, t, *_ = arrays(3, 4)
    for count in range(8, 20):
        torch.testing.assert_close(compiled(x, t, count), function(x, t, normalize=count))
        torch.testing.assert_close(compiled(x, t, count + 0.5), function(x, t, normalize=count + 0.5))
    assert counter.frame_count <= 4


def test_a_training_step_is_one_graph() -> None:
    def trained(compile: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model, criterion = torch.nn.Linear(4, 3), normwise.nn.HuberLoss(delta=0.5)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def loss(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return criterion(model(x), t, weight=w)

        if compile:
            loss = torch.compile(loss, fullgraph=True, backend="aot_eager")
        for seed in range(5):
            x, t, w, _ = arrays(7, 4, seed=seed)
            optimizer.zero_grad()
            loss(x.detach(), t[:, :3], w[:, :1]).backward()
            optimizer.step()
        return [p.detach() for p in model.parameters()]

    torch.testing.assert_close(trained(True), trained(False))


TRANSFORMS: dict[str, Callable[[Model], Callable[..., Any]]] = {
    "grad": grad,
    "per sample": lambda f: vmap(grad(f)),
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "hessian": hessian,
    "jvp": lambda f: lambda x, t: jvp(lambda x: f(x, t), (x,), (t,))[1],
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_function_transforms_may_be_compiled(loss: Loss, transform: str) -> None:
    function = getattr(normwise, loss.function)

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return function(x, t, mask=t > -1)

    x, t, *_ = arrays(3, 4)
    transformed = TRANSFORMS[transform](model)
    compiled = torch.compile(transformed, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x.detach(), t), transformed(x.detach(), t))


def test_value_and_grad_may_be_compiled(loss: Loss) -> None:
    function, (x, t, w, _) = normwise.value_and_grad(loss), arrays(3, 4)
    compiled = torch.compile(lambda x, t, w: function(x, t, weight=w), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x.detach(), t, w), function(x.detach(), t, weight=w))


def test_a_loss_that_was_never_called_before_may_be_compiled() -> None:
    @normwise.loss
    def unheard_of(r: Any) -> Any:
        return r * r * r * r

    try:
        x, t, *_ = arrays(3, 4)
        compiled = torch.compile(unheard_of, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(x, t), ((x - t) ** 4).mean())
    finally:
        del normwise.losses["unheard_of"]


def test_shapes_that_differ_raise_their_error_and_other_faults_torchs(loss: Loss) -> None:
    compiled = torch.compile(getattr(normwise, loss.function), backend="aot_eager")
    x, t, *_ = arrays(3, 4)
    with pytest.raises(ShapeMismatchError, match="broadcast=True"):
        compiled(x, t[0])
    with pytest.raises(RuntimeError, match="Dimension out of range"):
        compiled(x, t, dim=7)
    with pytest.raises(RuntimeError, match="expected bool"):
        compiled(x, t, mask=t)


def test_nans_may_be_refused_when_compiled(loss: Loss) -> None:
    function = getattr(normwise, loss.function)
    compiled = torch.compile(lambda x, t: function(x, t, nan_policy="raise"), fullgraph=True, backend="aot_eager")
    x, t, *_ = arrays(3, 4)
    torch.testing.assert_close(compiled(x, t), function(x, t))
    with pytest.raises(RuntimeError, match="target holds nan"):
        compiled(x, t.index_fill(0, torch.tensor([1]), float("nan")))


class Regressor(torch.nn.Module):
    """A model that returns its own loss."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
        self.criterion = getattr(normwise.nn, loss.module)()

    def forward(self, x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return self.criterion(self.linear(x), t, weight=w, mask=t > -1)


@pytest.mark.parametrize("strict", [False, True])
def test_a_model_with_a_loss_is_exported(loss: Loss, strict: bool) -> None:
    model, (x, t, w, _) = Regressor(loss), arrays(5, 4)
    given = (x.detach(), t[:, :2], w[:, :1])
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, given, dynamic_shapes=[{0: batch}] * 3, strict=strict)
    x, t, w, _ = arrays(9, 4, seed=1)
    given = (x.detach(), t[:, :2], w[:, :1])
    torch.testing.assert_close(program.module()(*given), model(*given))


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_make_fx_traces_values_and_gradients(loss: Loss, mode: str) -> None:
    function, (x, t, w, m) = getattr(normwise, loss.function), arrays(3, 4)

    def slope(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(function(x, t, weight=w, mask=m), x)[0]

    graph = make_fx(slope, tracing_mode=mode)(x, t, w, m)
    other = arrays(3, 4, seed=5)
    torch.testing.assert_close(graph(*other), slope(*other))


def test_fx_keeps_a_loss_as_one_call(loss: Loss) -> None:
    model, (x, t, w, _) = Regressor(loss), arrays(5, 4)
    graph = torch.fx.symbolic_trace(model)
    assert [node.target for node in graph.graph.nodes].count(getattr(normwise, loss.function)) == 1
    given = (x, t[:, :2], w[:, :1])
    torch.testing.assert_close(graph(*given), model(*given))
