"""What the profiler, anomaly mode and ``grad_fn`` call a loss."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import normwise

Tensor = torch.Tensor

NAMES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "L1Loss": normwise.l1_loss,
    "MseLoss": lambda x, t: normwise.mse_loss(x, t, weight=t * t),
    "SmoothL1Loss": lambda x, t: normwise.smooth_l1_loss(x, t, reduction="none").sum(),
    "HuberLoss": lambda x, t: normwise.huber_loss(x, t, dim=1).sum(),
    "RmseLoss": normwise.rmse_loss,
    "L2Norm": lambda x, t: normwise.norm(x),
    "L3Norm": lambda x, t: normwise.norm(x, 3, dim=1).sum(),
    "L1Distance": lambda x, t: normwise.distance(x, t, 1).sum(),
    "L2Distances": lambda x, t: normwise.pairwise(x, t).sum(),
    "HuberMin": lambda x, t: normwise.pairwise(x, t, "huber", reduce="min").sum(),
}


def pair(value: float = 1.0) -> tuple[Tensor, Tensor]:
    x, t = torch.linspace(-value, value, 24).reshape(2, 4, 3).unbind()
    return x.clone().requires_grad_(), t.clone()


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_and_the_profiler_name_what_is_computed(name: str) -> None:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        value = NAMES[name](*pair())
        value.backward()
    seen = {event.key for event in profile.key_averages()}
    assert {name, f"{name}Backward"} <= seen
    nodes: list[Any] = [value.grad_fn]
    for node in nodes:
        nodes += [following for following, _ in node.next_functions if following is not None]
    assert f"{name}Backward" in [node.name() for node in nodes]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own use of it
@pytest.mark.parametrize("transform", [torch.func.grad, lambda f: lambda x: torch.func.jvp(f, (x,), (x,))[1]])
def test_function_transforms_name_it_too(transform: Callable[..., Any]) -> None:
    x, t = pair()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        transform(lambda x: normwise.mse_loss(x, t))(x.detach())
    assert any("MseLoss" in event.key for event in profile.key_averages())


@pytest.mark.filterwarnings(
    "ignore:Anomaly Detection has been enabled:UserWarning", "ignore:Error detected:UserWarning"
)
def test_anomaly_mode_names_the_loss_whose_gradient_is_nan() -> None:
    x, t = pair(torch.inf)
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="MseLossBackward' returned nan values"):
        normwise.mse_loss(x, t).backward()
