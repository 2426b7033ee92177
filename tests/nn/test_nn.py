"""The modules: torch's own classes, extended."""

import copy
import io
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import normwise
from normwise import nn
from normwise.catalogue import Loss
from tests.oracles.torch_losses import TORCH

TORCH_MODULES = [normwise.losses[name].module for name in TORCH]


def module_of(loss: Loss, **arguments: Any) -> torch.nn.Module:
    return getattr(nn, loss.module)(**arguments)


def test_a_module_computes_its_function(loss: Loss) -> None:
    x, t, w = torch.randn(3, 6).unbind()
    w = w.abs()
    for reduction in ("none", "sum", "mean"):
        module, function = module_of(loss, reduction=reduction), getattr(normwise, loss.function)
        torch.testing.assert_close(module(x, t), function(x, t, reduction=reduction))
        torch.testing.assert_close(module(x, t, weight=w), function(x, t, weight=w, reduction=reduction))
    with pytest.raises(normwise.ShapeMismatchError):
        module_of(loss)(x, t[:, None])
    assert module_of(loss, reduction="none")(x, t[:, None], broadcast=True).shape == (6, 6)


@pytest.mark.parametrize("name", TORCH_MODULES)
def test_torchs_modules_are_subclasses_and_look_the_same(name: str) -> None:
    ours, theirs = getattr(nn, name), getattr(torch.nn, name)
    assert issubclass(ours, theirs)
    assert repr(ours()) == repr(theirs())
    assert ours.__name__ == name
    x, t = torch.randn(2, 5)
    torch.testing.assert_close(ours()(x, t), theirs()(x, t))


def test_a_module_has_no_state_and_survives_copying(loss: Loss) -> None:
    module = module_of(loss, reduction="sum")
    for name in loss.parameters:
        setattr(module, name, 0.75)
    assert len(module.state_dict()) == 0
    assert len(list(module.parameters())) == 0
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    for other in (
        pickle.loads(pickle.dumps(module)),
        copy.deepcopy(module),
        torch.load(buffer, weights_only=False),
    ):
        assert type(other) is type(module)
        assert other.reduction == "sum"
        assert repr(other) == repr(module)
        assert all(getattr(other, name) == 0.75 for name in loss.parameters)


def test_attributes_may_be_changed(loss: Loss) -> None:
    x, t = torch.full((4,), 3.0), torch.zeros(4)
    module, function = module_of(loss), getattr(normwise, loss.function)
    module.reduction = "sum"  # type: ignore[assignment]
    assert module(x, t) == function(x, t, reduction="sum")
    for name in loss.parameters:
        setattr(module, name, 0.75)
        assert module(x, t) == function(x, t, reduction="sum", **{name: 0.75})


def test_parameters_show_in_the_repr_of_our_own(loss: Loss) -> None:
    if loss.module not in TORCH_MODULES:
        shown = ", ".join(f"{name}={value!r}" for name, value in loss.parameters.items())
        assert repr(module_of(loss)) == f"{loss.module}({shown})"
        with pytest.raises(TypeError, match=f"{loss.module} has no argument 'nonsense'"):
            module_of(loss, nonsense=1.0)


def outcome(action: Callable[[], Any]) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = action()
        except Exception as error:
            kinds = (TypeError, ValueError, RuntimeError, Exception)
            return next(kind for kind in kinds if isinstance(error, kind)), []
    return result, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", TORCH_MODULES)
@pytest.mark.parametrize(
    "arguments",
    [
        ((), {}),
        (("sum",), {}),
        ((0,), {}),
        ((None, False), {}),
        ((True, True), {}),
        ((), {"size_average": False}),
        ((), {"reduce": False}),
        ((), {"size_average": True, "reduction": "none"}),
        ((), {"reduction": "none"}),
        (("none", 2.0), {}),
    ],
    ids=str,
)
def test_constructors_are_torchs(name: str, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    x, t = torch.tensor([1.0, 4.0]), torch.zeros(2)

    def made(namespace: Any) -> Any:
        module = getattr(namespace, name)(*arguments[0], **arguments[1])
        return module.reduction, module(x, t).tolist()

    assert outcome(lambda: made(nn)) == outcome(lambda: made(torch.nn))


@pytest.mark.parametrize("name", TORCH_MODULES)
def test_an_odd_reduction_is_torchs_at_the_call(name: str) -> None:
    x = torch.ones(2)
    with pytest.raises(ValueError, match=r"^foo is not a valid value for reduction"):
        getattr(nn, name)(reduction="foo")(x, x)
    module = getattr(nn, name)(reduction="elementwise_mean")
    with pytest.warns(UserWarning, match="reduction='mean'"):
        assert module(x, torch.zeros(2)) == getattr(torch.nn, name)()(x, torch.zeros(2))


def test_ranges_are_checked_at_the_call_not_by_the_constructor() -> None:
    x = torch.ones(2)
    smooth, huber = nn.SmoothL1Loss(beta=-1.0), nn.HuberLoss(delta=0.0)
    with pytest.raises(RuntimeError, match=r"^smooth_l1_loss does not support negative values for beta\."):
        smooth(x, x)
    with pytest.raises(RuntimeError, match=r"^huber_loss does not support non-positive values for delta\."):
        huber(x, x)


@pytest.mark.parametrize("beta", [0, 0.0, -0.0, math.inf, 1e-50, 1e-30, 5e-324, 1e-8, torch.tensor(0.5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_smooth_l1_with_an_odd_beta_is_torchs(beta: Any, dtype: torch.dtype) -> None:
    gradients = []
    for namespace in (nn, torch.nn):
        x = torch.tensor([0.0, 1e-30, -1e-8, 0.3, -2.0, 1e5], dtype=dtype, requires_grad=True)
        module = namespace.SmoothL1Loss(beta=beta, reduction="none")
        value = module(x, torch.zeros_like(x))
        value.sum().backward()
        gradients.append((value, x.grad))
    torch.testing.assert_close(*gradients)


def test_a_tensor_for_a_parameter_moves_with_the_module_where_torch_refuses_it() -> None:
    with pytest.raises(TypeError):
        torch.nn.HuberLoss(delta=torch.tensor(1.0))  # type: ignore[arg-type]
    module = nn.HuberLoss(delta=torch.tensor([1.0, 2.0]))
    assert module.double().delta.dtype is torch.float64
    assert module.state_dict() == {}
    x = torch.tensor([1.5, 1.5], dtype=torch.float64)
    torch.testing.assert_close(module(x, torch.zeros_like(x)), torch.tensor((1.0 + 1.125) / 2).double())


def test_a_model_learns_with_a_module(loss: Loss) -> None:
    torch.manual_seed(0)
    features, truth = torch.randn(200, 3), torch.tensor([1.0, -2.0, 0.5])
    target, model = features @ truth, torch.nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    criterion = module_of(loss)
    for _ in range(300):
        optimiser.zero_grad()
        criterion(model(features).squeeze(-1), target).backward()
        optimiser.step()
    torch.testing.assert_close(model.weight.detach()[0], truth, atol=0.05, rtol=0)
