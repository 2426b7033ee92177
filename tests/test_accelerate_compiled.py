"""`accelerate` and the compiler: the context around a compiled function, and within it."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.testing import CompileCounterWithBackend

from normwise.acceleration import accelerate
from normwise.errors import ShapeMismatchError
from tests.oracles.torch_losses import TORCH

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

Model = Callable[..., torch.Tensor]


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch.compiler.reset()


def arguments() -> list[torch.Tensor]:
    x, t, w = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(4))
    return [x.requires_grad_(), t, w.abs()]


def is_ours(compiled: Model) -> bool:
    """Whether normwise computes a mean: of halves it does so in float32, and says so in its result."""
    x, t, w = (tensor.detach().half() for tensor in arguments())
    return compiled(x, t, w).dtype is torch.float32


def weighted(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.l1_loss(x, t, weight=w)


def by_module(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.nn.SmoothL1Loss(beta=0.5)(x * w, t)


def all_of_them(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    terms = [F.l1_loss(x, t, weight=w), F.mse_loss(x, t, weight=w), F.huber_loss(x, t, weight=w)]
    terms += [function(x, t) for function in TORCH.values()]
    return torch.stack(terms).sum()


def within(model: Model, *, strict: bool = True) -> Model:
    def entered(*tensors: torch.Tensor) -> torch.Tensor:
        with accelerate(strict=strict):
            return model(*tensors)

    return entered


@pytest.mark.parametrize("model", [weighted, by_module, all_of_them])
@pytest.mark.parametrize("entered", ["within", "around"])
def test_a_compiled_model_is_accelerated(model: Model, entered: str) -> None:
    x, t, w = arguments()
    expected = model(x, t, w)
    [expected_gradient] = torch.autograd.grad(expected, x)
    if entered == "within":
        compiled = torch.compile(within(model), fullgraph=True, backend="aot_eager")
    else:
        compiled = within(torch.compile(model, fullgraph=True, backend="aot_eager"))
    assert is_ours(compiled)
    value = compiled(x, t, w)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, x)[0], expected_gradient)


def test_a_function_compiled_inside_is_torchs_outside_and_neither_is_compiled_twice() -> None:
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(weighted, fullgraph=True, backend=counter)
    kept = accelerate()
    for _ in range(3):
        with kept:
            assert is_ours(compiled)
        assert not is_ours(compiled)
    assert counter.frame_count == 2


def test_contexts_made_anew_for_each_step_do_not_compile_each_time() -> None:
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(weighted, fullgraph=True, backend=counter)
    made = [accelerate() for _ in range(20)]
    for context in made:
        with context:
            compiled(*arguments())
    assert counter.frame_count <= 2


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("entered", ["within", "around"])
def test_shapes_that_differ_are_an_error_when_compiled(dynamic: bool, entered: str) -> None:
    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(x, t)

    if entered == "within":
        compiled = torch.compile(within(model), backend="eager", dynamic=dynamic)
    else:
        compiled = within(torch.compile(model, backend="eager", dynamic=dynamic))
    x, t, _ = arguments()
    with pytest.raises(ShapeMismatchError, match="broadcast=True"):
        compiled(x, t[:1])


@pytest.mark.parametrize("dynamic", [False, True])
def test_shapes_that_differ_warn_when_compiled_where_strict_is_false(dynamic: bool) -> None:
    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(x, t)

    x, t, _ = arguments()
    compiled = torch.compile(within(model, strict=False), fullgraph=True, backend="eager", dynamic=dynamic)
    with pytest.warns(UserWarning, match="that is different to the input size"):
        value = compiled(x, t[:1])
    torch.testing.assert_close(value, model(x, t[:1].expand(5, 4)))


def test_a_function_compiled_where_shapes_may_differ_is_strict_in_a_strict_context() -> None:
    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(x, t)

    x, t, _ = arguments()
    compiled = torch.compile(model, backend="eager")
    with accelerate(strict=False), pytest.warns(UserWarning, match="that is different to the input size"):
        compiled(x, t[:1])
    with accelerate(), pytest.raises(ShapeMismatchError):
        compiled(x, t[:1])


@pytest.mark.parametrize("strict", [True, False])
def test_an_exported_program_keeps_the_weight(strict: bool) -> None:
    """Where torch's own l1_loss, exported, leaves it out."""

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return weighted(x, t, w)

    given = tuple(tensor.detach() for tensor in arguments())
    with accelerate():
        program = torch.export.export(Model(), given, strict=strict)
    torch.testing.assert_close(program.module()(*given), weighted(*given))
