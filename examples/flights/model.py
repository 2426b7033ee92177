"""A linear model of the delay of arrival, and its training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from normwise.nn import L1Loss, MSELoss, SmoothL1Loss

NUMBERS = ("dep_delay", "distance", "hour")
CATEGORIES = ("month", "carrier", "origin")

CRITERIA: dict[str, torch.nn.Module] = {
    "mse": MSELoss(),
    "l1": L1Loss(),
    "smooth_l1:beta=10": SmoothL1Loss(beta=10),
}
"""What the model is trained by, under the names that `normwise evaluate` has for the same losses."""

SETTLED = 1e-10
"""Training ends when a round lowers the loss by less than this part of it."""
ROUND, MOST_ROUNDS = 20, 100


class Features:
    """Numbers as they are, and a 0/1 column for each category but the first; all standardised on the training data.

    A row that misses a number, or is of a category that the training data lack, gets nan, and so a nan prediction.
    """

    def __init__(self, training: pd.DataFrame) -> None:
        self._categories = {name: pd.Index(training[name].unique()).sort_values() for name in CATEGORIES}
        columns = self._columns(training)
        self._mean, self._scale = columns.mean(axis=0), columns.std(axis=0)

    def __call__(self, flights: pd.DataFrame) -> torch.Tensor:
        return torch.from_numpy((self._columns(flights) - self._mean) / self._scale)

    def _columns(self, flights: pd.DataFrame) -> np.ndarray:
        columns = [flights[name].to_numpy(np.float64) for name in NUMBERS]
        for name, categories in self._categories.items():
            found = categories.get_indexer(flights[name])
            columns += [np.where(found < 0, np.nan, found == i) for i in range(1, len(categories))]
        return np.column_stack(columns)


def train(
    criterion: torch.nn.Module,
    features: torch.Tensor,
    target: torch.Tensor,
    report: Callable[[float, float], None] = lambda loss, change: None,
) -> torch.nn.Linear:
    """Train the model from zero, until the loss has settled.

    L-BFGS sees all rows at each step. It is made for smooth losses, but the mean of 167,146 absolute errors is smooth
    in all but the last digits: `examples.flights.optimum` tells how near each loss comes to its least value.

    Parameters
    ----------
    criterion : torch.nn.Module
        The loss.
    features, target : torch.Tensor
        Of shapes (rows, columns) and (rows,).
    report : callable
        Told the loss, and the part of it that the last round took off, after each round.
    """
    model = torch.nn.Linear(features.shape[1], 1, dtype=features.dtype)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=ROUND, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def evaluated() -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(predict(model, features), target)
        loss.backward()
        return loss

    before = evaluated().item()
    for _ in range(MOST_ROUNDS):
        optimizer.step(evaluated)
        loss = evaluated().item()
        change = (before - loss) / loss
        report(loss, change)
        if change < SETTLED:
            return model
        before = loss
    raise RuntimeError(f"{criterion} still falls after {MOST_ROUNDS * ROUND} steps, by {change:.1g} of it a round")


def predict(model: torch.nn.Linear, features: torch.Tensor) -> torch.Tensor:
    """The model's predictions, of shape (rows,)."""
    return model(features).squeeze(-1)
