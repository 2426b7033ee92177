"""What an evaluation found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from normwise.evaluation.table import plain_text


@dataclass(frozen=True)
class Missing:
    """How many rows miss (are null or nan in) each column."""

    target: int
    weight: int
    predictions: Mapping[str, int]


@dataclass(frozen=True)
class Score:
    """The mean loss of a prediction over the rows that miss neither it nor the target nor the weight."""

    prediction: str
    loss: str
    value: float
    standard_error: float
    n: int


@dataclass(frozen=True)
class Difference:
    """The mean of the first prediction's loss less the second's, over the rows that have both.

    `low` and `high` bound its 95% confidence interval (Student's t, n - 1 degrees of freedom).
    """

    first: str
    second: str
    loss: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Group:
    """A group of rows, or all of them."""

    key: tuple[Any, ...]
    """The group's value in each of the columns it is grouped by; None for rows that miss it."""
    rows: int
    missing: Missing
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    weightless: int = 0
    """Rows of weight 0, which count nowhere."""

    def score(self, prediction: str, loss: str) -> Score:
        """The score of a prediction by a loss's label."""
        for score in self.scores:
            if (score.prediction, score.loss) == (prediction, loss):
                return score
        raise KeyError((prediction, loss))


@dataclass(frozen=True)
class Evaluation:
    """The losses of predictions of a target; print it for a table.

    Attributes
    ----------
    target, weight : str
        The columns; `weight` may be None.
    predictions, by : tuple of str
        The columns of predictions, and those that rows are grouped by.
    losses : tuple of str
        Labels such as ``"smooth_l1:beta=10"``.
    overall : Group
        Of all rows.
    groups : tuple of Group
        Sorted by key, missing keys last; empty where `by` is.
    notes : tuple of str
        What was not read as it might have been expected, such as comments before the header of a CSV file.
    """

    target: str
    predictions: tuple[str, ...]
    losses: tuple[str, ...]
    by: tuple[str, ...]
    weight: str | None
    overall: Group
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything, of the types of JSON.

        JSON has no nan and no infinity: nan (of an empty mean, or the standard error of one row) becomes None, an
        infinity the text ``"Infinity"`` or ``"-Infinity"``. The values of keys that JSON has no type for become text.
        """
        return {
            "target": self.target,
            "predictions": [*self.predictions],
            "losses": [*self.losses],
            "weight": self.weight,
            "by": [*self.by],
            "overall": _group(self.overall),
            "groups": [
                {"key": {name: _json(value) for name, value in zip(self.by, group.key, strict=True)}} | _group(group)
                for group in self.groups
            ],
            "notes": [*self.notes],
        }

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """The scores as a data frame of pandas, polars or pyarrow: a row for each group, loss and prediction."""
        import narwhals as nw

        groups = self.groups if self.by else (self.overall,)
        rows = [(group, score) for group in groups for score in group.scores]
        columns = {name: [group.key[i] for group, _ in rows] for i, name in enumerate(self.by)}
        columns |= {name: [getattr(score, name) for _, score in rows] for name in Score.__dataclass_fields__}
        return nw.from_dict(columns, backend=backend).to_native()

    def __str__(self) -> str:
        """The tables, in plain text."""
        return plain_text(self)


def _group(group: Group) -> dict[str, Any]:
    missing = group.missing
    return {
        "rows": group.rows,
        "missing": {
            "target": missing.target,
            "weight": missing.weight,
            "predictions": dict(missing.predictions),
        },
        "weightless": group.weightless,
        "scores": [{name: _json(value) for name, value in vars(score).items()} for score in group.scores],
        "differences": [{name: _json(value) for name, value in vars(each).items()} for each in group.differences],
    }


def _json(value: Any) -> Any:
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return float(value) if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if hasattr(value, "item"):  # a scalar of NumPy
        return _json(value.item())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
