"""Checks of what is asked of all pairs: the metric, the shapes of the points, the reduction."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from normwise.catalogue import losses, metrics
from normwise.catalogue.metrics import METRICS, Metric, metric_of, metric_of_loss
from normwise.catalogue.registry import ALIASES
from normwise.checks import Shape, broadcast_shape
from normwise.errors import (
    DimensionError,
    InputError,
    ParameterError,
    ShapeMismatchError,
    near_names,
)
from normwise.loss_functions.choice import bind_parameters, find_loss, parse_loss
from normwise.norms.checks import distance_order_of


def find_metric(name: Any, p: Any, parameters: Mapping[str, Any]) -> tuple[Metric, dict[str, float]]:
    """The metric of a name or a loss, and the parameters of the loss."""
    known = metrics.ALIASES.get(name, name) if isinstance(name, str) else name
    if isinstance(known, str) and known in METRICS:
        if parameters:
            raise InputError(f"the metric {name!r} has no parameter {next(iter(parameters))!r}")
        if known == "lp":
            if p is None:
                raise InputError(f"the metric {name!r} needs its order p: a number that is 0 or more, or inf")
            return metric_of("lp", distance_order_of(p)), {}
        _check_no_order(name, p)
        return metric_of(known), {}
    if isinstance(known, str):
        word = known.partition(":")[0].strip().removesuffix("_loss")
        if word.isidentifier() and ALIASES.get(word, word) not in losses:
            names = (*METRICS, *metrics.ALIASES, *losses)
            raise InputError(f"there is no metric {name!r}: {near_names(word, names)}")
        loss, given = parse_loss(known)
    else:
        try:
            loss, given = find_loss(known), {}
        except InputError as error:
            raise InputError(f"a metric is named by a string, as 'l2', or is a loss; {error}") from None
    _check_no_order(loss.name, p)
    if loss.further_arrays:
        raise InputError(f"{loss.name} reads {', '.join(loss.further_arrays)} beside two points: it makes no metric")
    if loss.finish is not None:
        raise InputError(f"{loss.name} is made of a mean: it makes no metric, which is a sum over the features")
    return metric_of_loss(loss), bind_parameters(loss, {**given, **parameters})


def _check_no_order(name: Any, p: Any) -> None:
    if p is not None:
        raise InputError(f"p is the order of the metric 'lp', but the metric is {name!r}")


def pair_shapes(a: Shape, b: Shape) -> tuple[int, ...]:
    """The batch of two sets of points; `ShapeMismatchError` where they make no pairs."""
    a, b = tuple(a), tuple(b)
    for name, shape in (("a", a), ("b", b)):
        if not shape:
            raise ShapeMismatchError(f"{name} is a number: expected points, of the shape (n, d), or one point, (d,)")
    if a[-1] != b[-1]:
        raise ShapeMismatchError(f"a is {a} and b is {b}: their points have {a[-1]} and {b[-1]} features")
    if a[:-2] == b[:-2]:
        return a[:-2]
    try:
        return broadcast_shape(a[:-2], b[:-2])
    except ShapeMismatchError:
        raise ShapeMismatchError(
            f"a is {a} and b is {b}: their batches {a[:-2]} and {b[:-2]} do not broadcast"
        ) from None


def check_features(largest: bool, features: int) -> None:
    """Raise where the largest difference of no features is asked for."""
    if largest and features == 0:
        raise ParameterError("the largest difference has no value for points without features")


def check_feature_weight(shape: Shape, features: int) -> None:
    """Raise `ShapeMismatchError` where a weight is not one for each feature."""
    if tuple(shape) != (features,):
        raise ShapeMismatchError(
            f"weight is {tuple(shape)}: expected one for each of {features} features, ({features},)"
        )


def neighbours_of(k: Any, points: int) -> int:
    """The number of neighbours that are asked for."""
    try:
        count = operator.index(k)
    except TypeError:
        raise InputError(f"k, the number of neighbours, is to be an int, not {k!r}") from None
    if not 1 <= count <= points:
        raise InputError(f"k, the number of neighbours, is {count}, but b has {points} points: expected 1 to {points}")
    return count


PAIR_REDUCTIONS = ("min", "mean", "sum")


def pair_reduction(reduce: Any, dim: Any) -> tuple[str | None, int]:
    """How a matrix of distances is reduced, and over which of its dimensions: -1 or -2."""
    if reduce is not None and reduce not in PAIR_REDUCTIONS:
        expected = ", ".join(map(repr, PAIR_REDUCTIONS))
        raise InputError(f"{reduce!r} is not a valid value for reduce: expected None, {expected}")
    if dim not in (-1, -2):
        raise DimensionError(f"dim is {dim!r}: expected -1, to reduce over the points of b, or -2, over those of a")
    return reduce, int(dim)


def check_reducible(reduce: str, points: tuple[int, int], dim: int) -> None:
    """Raise where the least or the mean of no distances is asked for."""
    if reduce != "sum" and points[1 if dim == -1 else 0] == 0:
        raise ParameterError(f"the {reduce} of no distances has no value: {'b' if dim == -1 else 'a'} has no points")
