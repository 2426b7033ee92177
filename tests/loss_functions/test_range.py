"""A total beyond the range of its dtype is infinite, as in torch: sums are float64 until they become a result."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import normwise

Tensor = torch.Tensor

HUGE = torch.tensor([3e38, 3e38])
ONES = torch.ones(2)


def accelerated(x: Tensor, t: Tensor) -> Tensor:
    with normwise.accelerate():
        return F.l1_loss(x, t, reduction="sum")


# Each with what it is in float64.
TOTALS: dict[str, tuple[Callable[[Tensor, Tensor], Any], float]] = {
    "sum": (lambda x, t: normwise.l1_loss(x, t, reduction="sum"), 6e38),
    "mean": (normwise.l1_loss, 3e38),
    "huber": (lambda x, t: normwise.huber_loss(x, t, reduction="sum"), 6e38),
    "a small divisor": (lambda x, t: normwise.l1_loss(x, t, normalize=0.5), 1.2e39),
    "a learned divisor": (lambda x, t: normwise.l1_loss(x, t, normalize=torch.tensor(0.5, requires_grad=True)), 1.2e39),
    "weight": (lambda x, t: normwise.l1_loss(x, t, reduction="sum", weight=ONES), 6e38),
    "learned weight": (
        lambda x, t: normwise.l1_loss(x, t, reduction="sum", weight=ONES.clone().requires_grad_()),
        6e38,
    ),
    "a dimension": (lambda x, t: normwise.l1_loss(x, t, reduction="sum", dim=0), 6e38),
    "value_and_grad": (lambda x, t: normwise.value_and_grad("l1")(x, t, reduction="sum")[0], 6e38),
    "bfloat16": (lambda x, t: normwise.l1_loss(x.bfloat16(), t.bfloat16(), reduction="sum"), 6e38),
    "accelerate": (accelerated, 6e38),
    "norm": (lambda x, t: normwise.norm(x, 1), 6e38),
    "norm of rows": (lambda x, t: normwise.norm(x, 1, dim=0), 6e38),
    "distance": (lambda x, t: normwise.distance(x, t, 1), 6e38),
    "pairwise": (lambda x, t: normwise.pairwise(x[None], t[None], "l1")[0, 0], 6e38),
}


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("name", TOTALS)
def test_a_total_beyond_the_range_of_float32_is_infinite(name: str, learned: bool) -> None:
    compute, total = TOTALS[name]
    x = HUGE.clone().requires_grad_(learned)
    torch.testing.assert_close(compute(x, torch.zeros(2)).detach(), torch.tensor(total, dtype=torch.float64).float())


def test_a_default_dtype_of_float64_changes_nothing() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        total = normwise.l1_loss(HUGE, torch.zeros_like(HUGE), reduction="sum")
    finally:
        torch.set_default_dtype(torch.float32)
    assert total.dtype is torch.float32
    assert total == torch.inf


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: normwise.l1_loss(x, 0 * x, reduction="sum"),
        lambda x: normwise.value_and_grad("l1")(x, 0 * x, reduction="sum")[0],
        lambda x: normwise.norm(x, 1),
        lambda x: normwise.distance(x, 0 * x, 1),
    ],
)
def test_numpy_gets_infinity_without_a_warning(compute: Callable[[Any], Any]) -> None:
    total = compute(HUGE.numpy())
    assert total.dtype == np.float32
    assert total == np.inf
