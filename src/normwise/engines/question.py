"""What is to be summed over a data frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from normwise.formula import Formula


@dataclass(frozen=True)
class Question:
    """What to sum: each formula of each prediction against the target, and each pair's difference.

    All names are those of columns; a formula reads the prediction ``x``, the target ``t`` and, as further arrays,
    columns under their names after `COLUMN`. It comes with its parameters. Of the formulas that `together` names the
    means are to be known jointly, with their covariances.
    """

    target: str
    predictions: Sequence[str]
    formulas: Sequence[tuple[Formula, Mapping[str, float]]]
    by: Sequence[str] = ()
    weight: str | None = None
    together: Sequence[tuple[int, ...]] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers."""
        further = [name.removeprefix(COLUMN) for formula, _ in self.formulas for name in formula.arrays[2:]]
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((self.target, *self.predictions, *weight, *further)))


COLUMN = "column "
"""What precedes the name of a column among the arrays of a formula."""


def jointly(count: int) -> list[tuple[int, ...]]:
    """What is summed to know so many means jointly: each, and the difference of each two.

    Examples
    --------
    >>> jointly(3)
    [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    """
    return [*((i,) for i in range(count)), *combinations(range(count), 2)]
