"""How low a linear model's mean loss can get at all: a bound from below, by duality.

A convex loss f lies above its tangents: f(r) >= u r - f*(u) for any slope u, where f* is its conjugate. Take one slope
for each row such that they are orthogonal to every column of the features. Then the weights drop out of the mean of
u r, with r = features @ weights - target, and

    mean f(r)  >=  mean(-u * target - f*(u))

whatever the weights are. The slopes of the loss at its least value make this an equality. So the slopes at a trained
model, made orthogonal, prove how near to the least value it is. (Rockafellar, Convex Analysis, 1970, section 31.)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.optimize import linprog
from torch import Tensor


def least_mse(features: Tensor, residual: Tensor, target: Tensor) -> float:
    """Bound the mean of r^2 from below."""
    slopes = _orthogonal(features, 2 * residual, torch.ones_like(residual, dtype=torch.bool))
    return (-slopes * target - slopes**2 / 4).mean().item()


def least_smooth_l1(features: Tensor, residual: Tensor, target: Tensor, beta: float = 10.0) -> float:
    """Bound the mean of r^2 / (2 beta), or |r| - beta / 2 beyond beta, from below. Its slopes are within 1."""
    slopes = (residual / beta).clamp(-1, 1)
    slopes = _orthogonal(features, slopes, slopes.abs() < 0.9)
    slopes /= slopes.abs().max().clamp(min=1)
    return (-slopes * target - beta * slopes**2 / 2).mean().item()


def least_l1(features: Tensor, residual: Tensor, target: Tensor) -> float:
    """Bound the mean of |r| from below.

    Its slope is the sign of r, but anything within 1 at the kink. So the signs are kept where r is far from 0, and a
    linear programme finds the best slopes of the rows near 0: some thousands of them, not all.
    """
    columns, reach = _with_constant(features), 0.5
    while True:
        near = residual.abs() < reach
        slopes = residual.sign()
        found = linprog(
            target[near].numpy(),
            A_eq=columns[near].T.numpy(),
            b_eq=-(slopes[~near] @ columns[~near]).numpy(),
            bounds=(-1, 1),
            method="highs",
        )
        if found.success:
            slopes[near] = torch.from_numpy(found.x)
            return (-slopes * target).mean().item()
        if near.all():
            raise RuntimeError(found.message)
        reach *= 4


LEAST: dict[str, Callable[[Tensor, Tensor, Tensor], float]] = {
    "mse": least_mse,
    "l1": least_l1,
    "smooth_l1:beta=10": least_smooth_l1,
}
"""By the names of `examples.flights.model.CRITERIA`."""


def _orthogonal(features: Tensor, slopes: Tensor, free: Tensor) -> Tensor:
    """Change the free slopes, as little as it takes, so that all are orthogonal to the features and the constant."""
    columns = _with_constant(features)
    movable = columns[free]
    slopes = slopes.clone()
    slopes[free] -= movable @ torch.linalg.solve(movable.T @ movable, slopes @ columns)
    return slopes


def _with_constant(features: Tensor) -> Tensor:
    return torch.column_stack([features, torch.ones_like(features[:, :1])])
