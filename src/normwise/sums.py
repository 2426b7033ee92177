"""The additive state of every reduction, and how it becomes a result.

Kernel blocks, threads, chunks of a file, micro-batches and ranks all keep the same few sums, in float64. The sums of
a whole are the sums of its parts added up, so any split of the work gives the same result to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, Self

Reduction = Literal["none", "sum", "mean"]
Divisor = Literal["weight", "count"]


@dataclass(frozen=True, slots=True)
class State:
    """The sums of a weighted loss.

    Attributes
    ----------
    total : float
        Sum of weight times loss.
    weight : float
        Sum of the weights; the number of elements where there are none.
    count : float
        Number of elements.

    Examples
    --------
    >>> part = State(total=3.0, weight=2.0, count=2.0)
    >>> part.merge(State(total=9.0, weight=1.0, count=1.0)).finish("mean")
    4.0
    """

    total: float = 0.0
    weight: float = 0.0
    count: float = 0.0

    def merge(self, other: Self) -> Self:
        """The sums of both parts together."""
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def divisor(self, reduction: Reduction, by: Divisor = "weight") -> float:
        """What the total is divided by: 1 for a sum."""
        return 1.0 if reduction == "sum" else float(getattr(self, by))

    def finish(self, reduction: Reduction = "mean", by: Divisor = "weight") -> float:
        """The sum, or the mean: nan where nothing was summed."""
        return quotient(self.total, self.divisor(reduction, by))


@dataclass(frozen=True, slots=True)
class Moments(State):
    """The sums that give a weighted mean its standard error too.

    Attributes
    ----------
    weight_squared : float
        Sum of the squares of the weights.
    weight_squared_total : float
        Sum of weight squared times loss.
    squared_total : float
        Sum of weight squared times loss squared.
    """

    weight_squared: float = 0.0
    weight_squared_total: float = 0.0
    squared_total: float = 0.0

    def standard_error(self) -> float:
        """Standard error of the weighted mean; without weights the sample deviation over the root of the count.

        The ratio estimator of survey sampling: sqrt(n / (n - 1) sum(w^2 (loss - mean)^2)) / sum(w); Cochran, Sampling
        Techniques, 1977, section 6.4. It is nan for fewer than two elements.
        """
        if self.count < 2:
            return math.nan
        mean = self.finish("mean")
        scatter = self.squared_total - 2 * mean * self.weight_squared_total + mean * mean * self.weight_squared
        spread = math.nan if math.isnan(scatter) else max(scatter, 0.0)
        return quotient(math.sqrt(spread * self.count / (self.count - 1)), self.weight)


def quotient(a: float, b: float) -> float:
    """Divide as IEEE arithmetic does: an empty mean, 0 / 0, is nan."""
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b
