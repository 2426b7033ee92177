"""`accelerate` sends torch's four losses through normwise; that it does shows in the dtype of a mean of halves."""

import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.nn.functional import mse_loss as held
from torch.utils.checkpoint import checkpoint

import normwise
from normwise.acceleration import accelerate
from normwise.errors import ShapeMismatchError
from normwise.loss_functions.signature import TORCH_ORDER
from tests.oracles.torch_losses import TORCH
from tests.samples import Case, cases

# torch itself calls it when forward-mode differentiation is first used.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

TORCHS = [case for case in cases() if case.loss.name in TORCH]
WEIGHTED = [name for name, arguments in TORCH_ORDER.items() if "weight" in arguments]
Function = Callable[..., torch.Tensor]


def drawn(*shape: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    x, t, w = 3 * torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    return x.requires_grad_(), t, w.abs()


def is_ours(function: Function = F.mse_loss) -> bool:
    """Whether normwise computes a loss: it sums halves in float32, and says so in its result."""
    half = torch.ones(3, dtype=torch.float16)
    return function(half, half).dtype is torch.float32


@pytest.mark.parametrize("name", TORCH)
def test_torchs_functions_and_modules_are_sent_through_normwise_within_the_context_only(name: str) -> None:
    function, module = TORCH[name], getattr(torch.nn, normwise.losses[name].module)()
    assert not is_ours(function)
    with accelerate():
        assert is_ours(function)
        assert is_ours(module)
        assert is_ours(held)  # it was imported before
    assert not is_ours(function)
    assert not is_ours(module)


@pytest.mark.parametrize("known", TORCHS, ids=str)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_values_and_gradients_are_torchs(known: Case, strict: bool, reduction: str) -> None:
    x, t, _ = drawn(5, 4)
    function = TORCH[known.loss.name]
    theirs = function(x, t, reduction=reduction, **known.parameters)
    [their_gradient] = torch.autograd.grad(theirs.sum(), x)
    with accelerate(strict=strict):
        ours = function(x, t, reduction=reduction, **known.parameters)
        [gradient] = torch.autograd.grad(ours.sum(), x)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradient, their_gradient)


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("positional", [True, False])
@pytest.mark.parametrize("strict", [True, False])
def test_a_weight_is_never_dropped(name: str, reduction: str, positional: bool, strict: bool) -> None:
    """Not even that of l1_loss, which torch leaves out when it hands a call over."""
    x, t, w = drawn(5, 4)
    given = {"reduction": reduction, "weight": w}
    by_place = [{"delta": 1.0, **given}.get(argument) for argument in TORCH_ORDER[name]]
    expected, unweighted = TORCH[name](x, t, **given), TORCH[name](x, t, reduction=reduction)
    with accelerate(strict=strict):
        ours = TORCH[name](x, t, *by_place) if positional else TORCH[name](x, t, **given)
        torch.testing.assert_close(ours, expected)
        torch.testing.assert_close(TORCH[name](x, t, reduction=reduction), unweighted)


def test_a_gradient_flows_to_a_weight_and_a_weight_may_broadcast() -> None:
    x, t, w = drawn(5, 4)
    w = w[:, :1].clone().requires_grad_()
    [expected] = torch.autograd.grad(F.l1_loss(x, t, weight=w.expand(5, 4)), w)
    with accelerate():
        [gradient] = torch.autograd.grad(F.l1_loss(x, t, weight=w), w)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("legacy", [{"size_average": False}, {"reduce": False}, {"size_average": True, "reduce": True}])
@pytest.mark.parametrize("name", [name for name in TORCH if "reduce" in TORCH_ORDER[name]])
def test_deprecated_arguments_pass_through(name: str, legacy: dict[str, bool]) -> None:
    x, t, _ = drawn(5, 4)
    with pytest.warns(UserWarning, match="please use reduction="):
        expected = TORCH[name](x, t, **legacy)
    with accelerate(), pytest.warns(UserWarning, match="please use reduction="):
        ours = TORCH[name](x, t, **legacy)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("name", TORCH)
def test_shapes_that_differ_are_an_error(name: str) -> None:
    x, t, _ = drawn(5, 1)
    module = getattr(torch.nn, normwise.losses[name].module)()
    for function in (TORCH[name], module):
        with accelerate(), pytest.raises(ShapeMismatchError, match=r"input is \(5, 1\) but target is \(5,\): squeeze"):
            function(x, t[:, 0])


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("shapes", [((5, 1), (5,)), ((4,), (5, 4)), ((1, 4), (5, 1))])
def test_shapes_that_differ_warn_and_broadcast_as_torchs_where_strict_is_false(
    name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    x, t = (drawn(*shape)[i] for i, shape in enumerate(shapes))

    def warned(function: Function) -> tuple[list[Any], torch.Tensor, torch.Tensor]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = function(x, t)
        return (
            [(w.category, str(w.message), w.filename, w.lineno) for w in caught],
            value,
            *torch.autograd.grad(value, x),
        )

    for function in (TORCH[name], getattr(torch.nn, normwise.losses[name].module)()):
        expected, expected_value, expected_gradient = warned(function)
        with accelerate(strict=False):
            found, value, gradient = warned(function)
        assert len(found) == 1
        assert found == expected
        torch.testing.assert_close(value, expected_value)
        torch.testing.assert_close(gradient, expected_gradient)


@pytest.mark.parametrize("name", TORCH)
def test_shapes_that_do_not_broadcast_raise_as_torchs_where_strict_is_false(name: str) -> None:
    def words(function: Function) -> str:
        with (
            pytest.warns(UserWarning, match=r"size \(torch.Size\(\[4\]\)\) that is different to the input size"),
            pytest.raises(RuntimeError, match="must match the size of tensor b") as raised,
        ):
            function(torch.ones(3), torch.ones(4))
        return str(raised.value)

    with accelerate(strict=False):
        found = words(TORCH[name])
    assert found == words(TORCH[name])


def test_contexts_nest_and_the_innermost_rules() -> None:
    x, t = torch.ones(3, 1), torch.ones(3)
    loose, strict = accelerate(strict=False), accelerate()
    with strict:
        with loose, pytest.warns(UserWarning, match="that is different to the input size"):
            F.mse_loss(x, t)
        with loose, strict, strict, pytest.raises(ShapeMismatchError):
            F.mse_loss(x, t)
        with pytest.raises(ShapeMismatchError):
            F.mse_loss(x, t)
    assert not is_ours()


def test_an_object_may_be_entered_again_and_an_error_leaves_it() -> None:
    context = accelerate()
    with context, context:
        assert is_ours()
    assert not is_ours()
    with pytest.raises(ZeroDivisionError), context:
        raise ZeroDivisionError
    assert not is_ours()
    with context:
        assert is_ours()


def test_another_mode_around_it_or_within_it_does_not_hide_it() -> None:
    x, t, w = drawn(5, 4)
    expected = normwise.l1_loss(x, t, weight=w)
    with torch.device("cpu"), accelerate():
        torch.testing.assert_close(F.l1_loss(x, t, weight=w), expected)
        assert is_ours()
    with accelerate(), torch.device("cpu"), torch.device("cpu"):
        torch.testing.assert_close(F.l1_loss(x, t, weight=w), expected)
        torch.testing.assert_close(F.l1_loss(x, t), normwise.l1_loss(x, t))
        assert is_ours()


def test_a_context_belongs_to_its_thread() -> None:
    found: dict[str, bool] = {}

    def inside() -> None:
        with accelerate():
            found["inside"] = is_ours()

    def outside() -> None:
        found["outside"] = is_ours()

    with accelerate():
        for target in (inside, outside):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        assert is_ours()
    assert found == {"inside": True, "outside": False}


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_no_graph_is_kept_where_none_is_wanted(context: Any) -> None:
    x, t, _ = drawn(5, 4)
    expected = F.mse_loss(x, t)
    with accelerate(), context():
        assert is_ours()
        value = F.mse_loss(x, t)
    assert not value.requires_grad
    torch.testing.assert_close(value, expected.detach())


@pytest.mark.parametrize("name", TORCH)
def test_function_transforms_go_through_it(name: str) -> None:
    x, t, w = drawn(5, 4)
    x, tangent = x.detach(), w
    gradient, curvature = torch.func.grad(TORCH[name])(x, t), torch.func.jacrev(torch.func.grad(TORCH[name]))(x, t)
    with accelerate():
        torch.testing.assert_close(torch.func.grad(TORCH[name])(x, t), gradient)
        torch.testing.assert_close(torch.func.hessian(TORCH[name])(x, t), curvature)
        torch.testing.assert_close(torch.func.vmap(TORCH[name])(x, t), TORCH[name](x, t, reduction="none").mean(1))
        along = torch.func.jvp(lambda x: TORCH[name](x, t), (x,), (tangent,))[1]
    torch.testing.assert_close(along, (gradient * tangent).sum())


def entering(model: Function) -> Function:
    def entered(*tensors: torch.Tensor) -> torch.Tensor:
        with accelerate():
            return model(*tensors)

    return entered


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("how", ["entered, reentrant", "entered", "context_fn", "around it, reentrant"])
def test_a_checkpointed_loss_may_be_repeated(name: str, how: str) -> None:
    x, t, _ = drawn(5, 4)
    seen: list[bool] = []

    def model(x: torch.Tensor) -> torch.Tensor:
        seen.append(is_ours(TORCH[name]))
        return TORCH[name](x.sin(), t)  # sin keeps its argument, so that a repetition is asked for

    [expected] = torch.autograd.grad(model(x), x)
    if how == "context_fn":
        value = checkpoint(model, x, use_reentrant=False, context_fn=lambda: (accelerate(), accelerate()))
    elif how.startswith("entered"):
        value = checkpoint(entering(model), x, use_reentrant="reentrant" in how)
    else:
        value = entering(lambda x: checkpoint(model, x, use_reentrant=True))(x)
    value.backward()
    torch.testing.assert_close(x.grad, expected)
    assert seen == [False, True, not how.startswith("around")]


class Tagged(torch.Tensor):
    """A subclass that keeps its type."""


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_subclass_stays_one_and_keeps_its_weight(name: str) -> None:
    x, t, w = drawn(5, 4)
    expected = TORCH[name](x.detach(), t, weight=w)
    with accelerate():
        value = TORCH[name](x.detach().as_subclass(Tagged), t, weight=w)
    assert type(value) is Tagged
    torch.testing.assert_close(value.as_subclass(torch.Tensor), expected)


class Other:
    """Not a tensor, but known to torch's functions by their protocol."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func


def test_what_is_not_a_tensor_keeps_its_own_meaning() -> None:
    with accelerate():
        assert F.mse_loss(Other(), torch.ones(3)) is F.mse_loss  # type: ignore[arg-type]


def test_other_functions_are_left_alone() -> None:
    x, t, _ = drawn(5, 4)
    expected = F.cross_entropy(x, t.softmax(1)), x @ t.T, normwise.log_cosh_loss(x, t)
    with accelerate():
        found = F.cross_entropy(x, t.softmax(1)), x @ t.T, normwise.log_cosh_loss(x, t)
    torch.testing.assert_close(found, expected)
