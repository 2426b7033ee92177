"""Two models trained with torch's losses and with these: after 50 steps their parameters are the same to rounding.

How far rounding may carry them apart is measured, not guessed: the training with torch's losses runs a second time from
parameters that are moved by one unit in the last place. A wrong loss, divisor or gradient is found with certainty, for
it moves the parameters much further; another test makes sure that a thousandth more would be found.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import normwise
from normwise.acceleration import accelerate

STEPS = 50
SLACK = 20.0
"""How many times as far as by one unit in the last place the parameters may be carried apart."""


class Block(nn.Module):
    """Two convolutions beside a connection that skips them.

    Smooth throughout: a ReLU that flips by a last bit would carry float32 away by a thousandth, whatever the loss.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels), nn.SiLU(), convolution(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.body(x))


def convolution(inner: int, outer: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inner, outer, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outer))


def residual_network() -> nn.Module:
    """A small residual network, from images of 3 x 32 x 32 to four numbers."""
    stem = nn.Sequential(convolution(3, 32, stride=2), nn.SiLU())
    head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * 32, 4))
    return nn.Sequential(stem, Block(32), Block(32), head)


def box_head() -> nn.Module:
    """From the features of a region to its box (x, y, width, height)."""
    return nn.Sequential(nn.Linear(24, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 4))


Batch = tuple[Tensor, ...]
Loss = Callable[..., Tensor]


class Task(NamedTuple):
    """What is learned: a model, its batches, and its loss in torch's words and in these."""

    model: Callable[[], nn.Module]
    batch: Callable[[], Batch]
    torchs: Loss
    ours: Loss
    rate: float


def images() -> Batch:
    """Noisy images, and of each the brightness of its four quarters."""
    brightness = torch.randn(8, 4)
    quarters = F.interpolate(brightness.view(8, 1, 2, 2), scale_factor=16)
    return quarters + 0.3 * torch.randn(8, 3, 32, 32), brightness


def boxes() -> Batch:
    """Regions; of each its box, how much it counts, and whether there is a box: where there is none, it is nan."""
    x = torch.randn(64, 24)
    exists = torch.rand(64, 1) < 0.6
    box = torch.where(exists, x[:, :4] * 2 + x[:, 4:8].abs(), torch.nan)
    return x, box, torch.rand(64, 1) + 0.1, exists


def box_loss_of_torch(prediction: Tensor, box: Tensor, weight: Tensor, exists: Tensor) -> Tensor:
    """What is written today: values per element, weighted, selected, and divided by the sum of the weights."""
    chosen, weights = exists.expand_as(box), weight.expand_as(box)
    values = F.smooth_l1_loss(prediction[chosen], box[chosen], reduction="none", beta=0.5) * weights[chosen]
    return values.sum() / weights[chosen].sum()


def box_loss_of_ours(prediction: Tensor, box: Tensor, weight: Tensor, exists: Tensor) -> Tensor:
    return normwise.smooth_l1_loss(prediction, box, beta=0.5, weight=weight, mask=exists)


TASKS = {
    "images, mse": Task(residual_network, images, F.mse_loss, normwise.mse_loss, 0.005),
    "images, huber": Task(residual_network, images, F.huber_loss, normwise.huber_loss, 0.005),
    "boxes": Task(box_head, boxes, box_loss_of_torch, box_loss_of_ours, 0.2),
}


def statistics(model: nn.Module) -> list[Tensor]:
    return [buffer for buffer in model.buffers() if buffer.is_floating_point()]


class Run(NamedTuple):
    parameters: Tensor
    losses: Tensor


def trained(task: Task, loss: Loss, dtype: torch.dtype, *, compiled: bool = False, moved: bool = False) -> Run:
    """Train a model for `STEPS` steps, always from the same seed."""
    torch.manual_seed(7)
    model = task.model().to(dtype)
    if moved:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.nextafter(parameter, torch.full_like(parameter, torch.inf)))
    optimizer = torch.optim.SGD(model.parameters(), lr=task.rate, momentum=0.9)

    def forward(x: Tensor, *truth: Tensor) -> Tensor:
        return loss(model(x), *truth)

    step = torch.compile(forward) if compiled else forward
    losses: list[Tensor] = []
    for _ in range(STEPS):
        x, *truth = (tensor if tensor.dtype is torch.bool else tensor.to(dtype) for tensor in task.batch())
        optimizer.zero_grad()
        value = step(x, *truth)
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    reached = [p.detach().flatten() for p in (*model.parameters(), *statistics(model))]
    return Run(torch.cat(reached), torch.stack(losses))


@functools.cache
def of_torch(name: str, dtype: torch.dtype) -> tuple[Run, float]:
    """The training with torch's loss, and how far rounding may carry another one away."""
    task = TASKS[name]
    expected = trained(task, task.torchs, dtype)
    return expected, SLACK * apart(expected, trained(task, task.torchs, dtype, moved=True))


def apart(a: Run, b: Run) -> float:
    """How far the parameters are from each other, relative to their size."""
    return float((a.parameters - b.parameters).norm() / a.parameters.norm())


def accelerated(loss: Loss) -> Loss:
    def entered(*tensors: Tensor) -> Tensor:
        with accelerate():
            return loss(*tensors)

    return entered


tasks = pytest.mark.parametrize("name", TASKS)
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@tasks
@dtypes
def test_training_is_torchs_to_rounding(name: str, dtype: torch.dtype) -> None:
    task = TASKS[name]
    expected, allowed = of_torch(name, dtype)
    assert 0 < allowed < 1e3 * torch.finfo(dtype).eps
    for loss in (task.ours, accelerated(task.torchs)):
        ours = trained(task, loss, dtype)
        assert apart(expected, ours) <= allowed
        torch.testing.assert_close(ours.losses, expected.losses, rtol=allowed, atol=0)
    assert expected.losses[-5:].mean() < 0.5 * expected.losses[:5].mean()


@tasks
@dtypes
def test_a_loss_that_is_wrong_by_a_thousandth_would_show(name: str, dtype: torch.dtype) -> None:
    task = TASKS[name]
    expected, allowed = of_torch(name, dtype)
    wrong = trained(task, lambda *tensors: task.ours(*tensors) * 1.001, dtype)
    assert apart(expected, wrong) > 5 * allowed


@pytest.mark.long
@pytest.mark.parametrize("name", ["images, mse", "boxes"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_compiled_training_is_torchs_to_rounding(name: str) -> None:
    torch.compiler.reset()
    task, dtype = TASKS[name], torch.float32
    _, allowed = of_torch(name, dtype)
    expected = trained(task, task.torchs, dtype, compiled=True)
    ours = trained(task, task.ours, dtype, compiled=True)
    assert apart(expected, ours) <= allowed
    torch.testing.assert_close(ours.losses, expected.losses, rtol=allowed, atol=0)
