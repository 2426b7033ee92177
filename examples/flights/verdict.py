"""What the table of errors says, in words, and whether each loss's own model is the best by that loss."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from normwise.evaluation import Evaluation

TARGET, NAIVE = "arr_delay", "naive"
TRAINED_BY = {"fit_mse": "mse", "fit_l1": "l1", "fit_smooth_l1": "smooth_l1:beta=10"}
"""The columns of the models' predictions, and the loss that each was trained by."""


class Verdict(NamedTuple):
    """Whether the claim holds, and sentences that tell what the table shows."""

    holds: bool
    sentences: list[str]


def verdict(evaluation: Evaluation) -> Verdict:
    """Compare the models by each loss: is the one that was trained by it the best of them?"""
    holds, sentences = True, []
    for own, loss in TRAINED_BY.items():
        means = {model: evaluation.overall.score(model, loss).value for model in TRAINED_BY}
        rival = min((model for model in TRAINED_BY if model != own), key=means.__getitem__)
        won = means[own] < means[rival]
        holds &= won
        rank = "the best of the three" if won else "NOT the best of the three"
        sentences.append(f"By {loss}, {own} is {rank}: {_margin(evaluation, rival, own, loss)}")
    return Verdict(holds, sentences)


def centres(predictions: pd.DataFrame) -> list[str]:
    """Sentences that tell why: which centre of the delays each prediction aims at."""
    error = {name: predictions[TARGET] - predictions[name] for name in (NAIVE, *TRAINED_BY)}
    early, median = -error[NAIVE].mean(), -error[NAIVE].median()
    made_up = f"{early:.1f} minutes earlier in the mean and {median:g} in the median than"
    return [
        f"The naive forecast, to arrive as late as it left, ignores the air: flights arrive {made_up} they left.",
        f"Squared error seeks the mean: fit_mse is off by {error['fit_mse'].mean():+.1f} minutes in the mean, "
        f"{error['fit_mse'].median():+.1f} in the median; absolute error seeks the median: fit_l1 is off by "
        f"{error['fit_l1'].mean():+.1f} and {error['fit_l1'].median():+.1f}.",
    ]


def _margin(evaluation: Evaluation, rival: str, own: str, loss: str) -> str:
    """How far a model's mean loss lies below its rival's, and whether that is more than chance."""
    [found] = [
        each
        for each in evaluation.overall.differences
        if each.loss == loss and {each.first, each.second} == {rival, own}
    ]
    below, low, high = (
        (found.value, found.low, found.high) if found.first == rival else (-found.value, -found.high, -found.low)
    )
    side = "below" if below > 0 else "above"
    told = f"{abs(below):.2g} {side} {rival}, the next best"
    if low <= 0 <= high:
        return f"{told}; the 95% interval, {low:.2g} to {high:.2g}, has zero in it, so these two are all but equal."
    return f"{told} (95% interval {min(abs(low), abs(high)):.2g} to {max(abs(low), abs(high)):.2g})."
