"""Distances of all pairs composed from values per element: for whatever the fused kernels do not take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from normwise.catalogue.metrics import Metric
from normwise.formula import Formula
from normwise.norms import composed
from normwise.norms.on_kernels import Request
from normwise.terms import MASK, MASK_T, MASK_X, SIDES, WEIGHT, PairTerms, difference


def distances(
    xp: Any,
    compute: Callable[[Formula, Sequence[Any]], Any],
    still: Callable[[Any], Any],
    metric: Metric,
    terms: PairTerms,
    omits: bool,
    arrays: Mapping[str, Any],
) -> Any:
    """Compose the distances of all pairs.

    Parameters
    ----------
    xp, compute, still
        As for `normwise.norms.composed.norm`.
    metric, terms : Metric, PairTerms
        What is computed.
    omits : bool
        Whether features that are nan are dropped.
    arrays : mapping of str to array
        As for `normwise.pairs.on_kernels.contracted`.
    """
    wide = {name: spread(xp, array, SIDES[name]) for name, array in arrays.items()}
    whole = (*wide["x"].shape[:-3], wide["x"].shape[-3], *wide["t"].shape[-2:])
    wide = {name: xp.broadcast_to(array, whole) for name, array in wide.items()}
    if metric.norm is not None:
        return _norms(xp, compute, still, metric.norm.p, omits, wide)
    sums = [xp.sum(compute(formula, [wide[n] for n in formula.arrays]), axis=-1) for formula in terms.sums]
    return compute(terms.finish, sums)


def _norms(xp: Any, compute: Any, still: Any, p: float, omits: bool, wide: Mapping[str, Any]) -> Any:
    """Those that are norms of the difference: the distances of the lines."""
    given = {"a": wide["x"], "b": wide["t"]}
    if WEIGHT in wide:
        given[WEIGHT] = wide[WEIGHT]
    masks = [wide[name] for name in (MASK_X, MASK_T) if name in wide]
    if masks:
        given[MASK] = xp.logical_and(masks[0], masks[-1])
    rank = len(given["a"].shape)
    request = Request(difference(), p, (rank - 1,), omits, scales=True)
    found = composed.norm(xp, compute, still, request, given)
    return xp.reshape(found, found.shape[:-1])


def spread(xp: Any, array: Any, indices: str) -> Any:
    """Return the array with all three indices as its last dimensions; what has ``k`` alone broadcasts as it is."""
    if len(indices) == 1:
        return array
    [missing] = (at for at, index in enumerate("ijk") if index not in indices)
    return xp.expand_dims(array, axis=len(array.shape) - 2 + missing)


def may_be_fast(metric: Metric, terms: PairTerms) -> bool:
    """Whether a matrix product gives the distances."""
    return metric.name in _FAST and terms.finish is metric.finish


_FAST = ("l2", "sqeuclidean")


def fast(xp: Any, metric: Metric, arrays: Mapping[str, Any]) -> Any:
    """Compute distances by a matrix product of points less the mean of one side."""
    x, t = arrays["x"], arrays["t"]
    centre = xp.mean(t, axis=-2, keepdims=True)
    x, t = x - centre, t - centre
    if WEIGHT in arrays:
        root = xp.sqrt(arrays[WEIGHT])
        x, t = x * root, t * root
    of_x, of_t = (xp.sum(side * side, axis=-1) for side in (x, t))
    squares = xp.expand_dims(of_x, axis=-1) + xp.expand_dims(of_t, axis=-2) - 2 * xp.matmul(x, xp.matrix_transpose(t))
    apart = squares > 0
    squares = xp.where(apart, squares, xp.zeros_like(squares))
    if metric.name == "sqeuclidean":
        return squares
    return xp.where(apart, xp.sqrt(xp.where(apart, squares, xp.ones_like(squares))), squares)
