"""The metrics of pairs of points: for each what is summed over the features, and a finishing formula of the sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from normwise.catalogue.declaration import Loss
from normwise.catalogue.norms import Norm, norm_of
from normwise.formula import Formula, sqrt, trace, where
from normwise.formula.caches import per_formula
from normwise.formula.expression import variable


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric: ``finish`` of sums over the features.

    Attributes
    ----------
    name : str
    sums : tuple of Formula
        Of the features ``x`` of one point and ``t`` of the other, and of the same parameters.
    finish : Formula
        Of the sums ``s0``, ``s1``, ...
    norm : Norm, optional
        That of which it is the norm of the difference.
    """

    name: str
    sums: tuple[Formula, ...]
    finish: Formula
    norm: Norm | None = None

    @property
    def is_extreme(self) -> bool:
        """Whether the largest is taken in place of a sum."""
        return self.norm is not None and self.norm.extreme is not None

    @property
    def is_sum(self) -> bool:
        """Whether it is a sum with which nothing is left to do."""
        return not self.is_extreme and self.finish.expression is variable("s0")


def _difference(norm: Norm) -> Formula:
    return norm.element.on(("x", "t"), x=variable("x") - variable("t"))


def _square(x: Any, t: Any) -> Any:
    return (x - t) * (x - t)


def _canberra(x: Any, t: Any) -> Any:
    size = abs(x) + abs(t)
    return where(size == 0, 0, abs(x - t) / where(size == 0, 1, size))


def _apart(x: Any, t: Any) -> Any:
    return abs(x - t)


def _joined(x: Any, t: Any) -> Any:
    return abs(x + t)


def _ratio(s0: Any, s1: Any) -> Any:
    return where(s0 == 0, 0, s0 / s1)  # points at 0 are not apart


def _product(x: Any, t: Any) -> Any:
    return x * t


def _of_x(x: Any, t: Any) -> Any:
    return x * x


def _of_t(x: Any, t: Any) -> Any:
    return t * t


def _cosine(s0: Any, s1: Any, s2: Any) -> Any:
    # The root of a square is exact, and so is then the 0 of a point from itself; where the product has left the range
    # there are two roots. 0 has no direction: it is apart from all but itself.
    product = s1 * s2
    roots = sqrt(s1) * sqrt(s2)
    length = where(product > 1e-290, where(product < math.inf, sqrt(product), roots), roots)
    apart = 1 - s0 / length
    return where(length == 0, where(s1 + s2 == 0, 0, 1), where(apart < 0, 0, apart))


def _as_it_is(s0: Any) -> Any:
    return s0


_MADE: Mapping[str, tuple[tuple[Callable[..., Any], ...], Callable[..., Any]]] = {
    "sqeuclidean": ((_square,), _as_it_is),
    "canberra": ((_canberra,), _as_it_is),
    "braycurtis": ((_apart, _joined), _ratio),
    "cosine": ((_product, _of_x, _of_t), _cosine),
}
_ORDERS: Mapping[str, float] = {"l1": 1, "l2": 2, "linf": math.inf}
ALIASES: Mapping[str, str] = {
    "cityblock": "l1",
    "manhattan": "l1",
    "euclidean": "l2",
    "chebyshev": "linf",
    "minkowski": "lp",
}
"""What SciPy and scikit-learn call them."""

METRICS = (*_ORDERS, "lp", *_MADE)
"""The names of the metrics that are no losses."""


@per_formula
def metric_of(name: str, p: float | None = None) -> Metric:
    """Return the metric of one of the names in `METRICS`; ``lp`` of an order."""
    order = p if name == "lp" else _ORDERS.get(name)
    if order is not None:
        norm = norm_of(order)
        return Metric(
            name, (_difference(norm),), norm.finish.on(("s0",), **{norm.finish.arrays[0]: variable("s0")}), norm
        )
    sums, finish = _MADE[name]
    return Metric(name, tuple(trace(s) for s in sums), trace(finish))


@per_formula
def metric_of_loss(loss: Loss) -> Metric:
    """Return the metric that sums a loss over the features, of prediction and target."""
    return Metric(loss.name, (loss.formula,), trace(_as_it_is))
