"""The additive state of every reduction, and how it becomes a result.

Kernel blocks, threads, chunks of a file, micro-batches and ranks all keep the same few sums, in float64. The sums of
a whole are the sums of its parts added up, so any split of the work gives the same result to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
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

    A sum of squares less the squared mean keeps no digit where the mean is large beside the spread, and a square leaves
    the range of numbers long before the number does. So the deviations are those from a `centre`, any point near the
    mean, and weights and deviations may be in units of their own: whoever sums chooses what keeps the digits.

    Attributes
    ----------
    weight_squared : float
        Sum of the squares of the weights.
    deviation : float
        Sum of weight times deviation.
    weighted_deviation : float
        Sum of weight squared times deviation.
    squared_deviation : float
        Sum of weight squared times deviation squared.
    centre : float
        A deviation is `scale` times the loss less this.
    unit : float
        What each weight was multiplied by, in `total` and `weight` too.
    scale : float
        What each deviation was multiplied by.

    Examples
    --------
    >>> of_1_2_3 = Moments(total=6.0, weight=3.0, count=3.0, weight_squared=3.0, squared_deviation=2.0, centre=2.0)
    >>> of_1_2_3.finish("mean"), round(of_1_2_3.standard_error(), 3)
    (2.0, 0.577)
    """

    weight_squared: float = 0.0
    deviation: float = 0.0
    weighted_deviation: float = 0.0
    squared_deviation: float = 0.0
    centre: float = 0.0
    unit: float = 1.0
    scale: float = 1.0

    def merge(self, other: Self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The sums of both parts together, about a centre between theirs."""
        if not self.count or not other.count:
            return self if self.count else other
        unit, scale = min(self.unit, other.unit), min(self.scale, other.scale)
        a, b = (part._alone()._measured(unit, scale) for part in (self, other))
        if a.centre != b.centre:
            centre = a.centre + (b.centre - a.centre) * quotient(b.weight, a.weight + b.weight)
            a, b = a._about(centre), b._about(centre)
        sums = {name: getattr(a, name) + getattr(b, name) for name in _ADDITIVE}
        return replace(a, **sums)

    def scatter(self) -> float:
        """Sum of the squared, weighted deviations from the mean, in the units of the sums."""
        mean = quotient(self.deviation, self.weight)
        # Not mean * mean, which may leave the range of numbers where the sums do not.
        return self.squared_deviation + mean * (mean * self.weight_squared - 2 * self.weighted_deviation)

    def standard_error(self) -> float:
        """Standard error of the weighted mean; without weights the sample deviation over the root of the count.

        The ratio estimator of survey sampling: sqrt(n / (n - 1) sum(w^2 (loss - mean)^2)) / sum(w); Cochran, Sampling
        Techniques, 1977, section 6.4. It is nan for fewer than two elements.
        """
        if self.count < 2:
            return math.nan
        scatter = self.scatter()
        spread = math.nan if math.isnan(scatter) else max(scatter, 0.0)
        return quotient(quotient(math.sqrt(spread * (self.count / (self.count - 1))), self.weight), self.scale)

    def _alone(self) -> Self:
        """The same sums, of one element about itself."""
        centre = self.finish("mean")
        if self.count != 1 or not math.isfinite(centre):
            return self
        return replace(self, deviation=0.0, weighted_deviation=0.0, squared_deviation=0.0, centre=centre)

    def _measured(self, unit: float, scale: float) -> Self:
        """The same sums in coarser units."""
        if (unit, scale) == (self.unit, self.scale):
            return self
        w, d = unit / self.unit, scale / self.scale
        return replace(
            self,
            total=self.total * w,
            weight=self.weight * w,
            weight_squared=self.weight_squared * w * w,
            deviation=self.deviation * w * d,
            weighted_deviation=self.weighted_deviation * w * d * w,
            squared_deviation=self.squared_deviation * w * d * w * d,
            unit=unit,
            scale=scale,
        )

    def _about(self, centre: float) -> Self:
        """The same sums about another centre."""
        step = (self.centre - centre) * self.scale
        further = step * self.weight_squared
        return replace(
            self,
            deviation=self.deviation + step * self.weight,
            weighted_deviation=self.weighted_deviation + further,
            squared_deviation=self.squared_deviation + step * (2 * self.weighted_deviation + further),
            centre=centre,
        )


_ADDITIVE = tuple(field.name for field in fields(Moments) if field.name not in ("centre", "unit", "scale"))


def quotient(a: float, b: float) -> float:
    """Divide as IEEE arithmetic does: an empty mean, 0 / 0, is nan."""
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b
