"""Distances of all pairs of NumPy's points, and of those of any namespace of the array API standard."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import array_api_compat
import numpy as np

from normwise.catalogue.metrics import Metric
from normwise.checks import check_no_nan, check_no_negative_weight
from normwise.engines import arrays as array_engine
from normwise.engines import passes
from normwise.engines.dtypes import widest
from normwise.formula import Formula
from normwise.libraries.arrays import MEMORY, address, as_numpy, in_one_piece, namespace_of, whole
from normwise.norms.on_arrays import real
from normwise.pairs import blocks, composed, on_kernels
from normwise.pairs.call import Nearest, PairCall, Pairs, prepared, sides
from normwise.pairs.checks import check_reducible, neighbours_of
from normwise.pairs.lanes import lane_of
from normwise.pairs.on_kernels import Contraction
from normwise.terms import MASK, SIDES, UNIT, WEIGHT, nan_count, negatives, weight_term


def usual(metric: Metric, parameters: tuple[float, ...], a: Any, b: Any) -> Any:
    """Compute the distances of NumPy's arrays in one piece, without weight or mask. None where they are others."""
    if not in_one_piece((a, b)):
        return None
    lane = lane_of(metric, MEMORY.storage[a.dtype], MEMORY.storage[b.dtype], a.shape, b.shape)
    if lane is None:
        return None
    value = MEMORY.empty(lane.shape, lane.result)
    sides, place = (address(a), address(b)), address(value)
    lane.run((*sides, place), parameters)
    if lane.largest is not None and lane.in_doubt(sides, place):
        return None
    return value if lane.shape else value[()]


def call(asked: PairCall) -> Any:
    """Compute what is asked."""
    pair = isinstance(asked.mask, (tuple, list))
    mask: Any = tuple(map(as_numpy, asked.mask)) if pair else as_numpy(asked.mask)
    asked = asked._replace(a=as_numpy(asked.a), b=as_numpy(asked.b), weight=as_numpy(asked.weight), mask=mask)
    named = asked.named
    xp = namespace_of(asked.function, named)
    made = prepared(xp, asked, functools.partial(real, xp))
    if array_api_compat.is_numpy_namespace(xp):
        made = made._replace(arrays={name: whole(array) for name, array in made.arrays.items()})
    if not any(array_api_compat.is_lazy_array(array) for array in made.arrays.values()):
        _check_values(xp, asked, made)
    with array_engine.quiet(xp):
        if asked.function == "nearest":
            return _nearest(xp, asked, made)
        if asked.reduce is None:
            found = _matrix(xp, asked, made, made.arrays)
        else:
            check_reducible(asked.reduce, made.points, asked.dim)
            found = _reduced(xp, asked, made)
        found = xp.astype(found, made.dtype, copy=False)
    left = list(found.shape)
    for at, single in zip((-2, -1), made.single, strict=True):
        if single and (asked.reduce is None or at != asked.dim):
            del left[at if asked.reduce is None else -1]
    found = xp.reshape(found, tuple(left))
    return found[()] if array_api_compat.is_numpy_namespace(xp) else found


def _matrix(xp: Any, asked: PairCall, made: Pairs, arrays: Mapping[str, Any], dtype: Any = None) -> Any:
    """The distances of all pairs of some arrays of a call."""
    dtype = dtype or made.dtype
    if asked.fast and composed.may_be_fast(asked.metric, made.terms):
        wide = {name: xp.astype(array, made.dtype, copy=False) for name, array in arrays.items()}
        return composed.fast(xp, asked.metric, wide)
    if array_api_compat.is_numpy_namespace(xp):
        return _fused(asked, made, arrays, np.dtype(dtype))

    def compute(formula: Formula, given: Sequence[Any]) -> Any:
        named = dict(zip(formula.parameters, asked.parameters, strict=True)) if formula.parameters else {}
        [values] = array_engine.elementwise(xp, formula, given, named)
        return xp.astype(values, widest(xp)) if xp.isdtype(values.dtype, "bool") else values

    wide = {n: a if xp.isdtype(a.dtype, "bool") else xp.astype(a, widest(xp), copy=False) for n, a in arrays.items()}
    omits = asked.nan_policy == "omit"
    return composed.distances(xp, compute, lambda a: a, asked.metric, made.terms, omits, wide)


def _fused(asked: PairCall, made: Pairs, arrays: Mapping[str, Any], dtype: Any) -> Any:
    terms, extreme = made.terms, asked.metric.is_extreme
    float64 = np.dtype(np.float64)
    unit = on_kernels.unit(MEMORY, asked.metric, terms, arrays, float64)
    if unit is None or terms.measured is None:
        contraction = Contraction(terms.sums, "ij", (terms.finish,), extreme)
        return on_kernels.contracted(MEMORY, contraction, SIDES, arrays, asked.parameters, [dtype])[0]
    measured = Contraction(terms.measured.sums, "ij", (terms.finish,))
    [relative] = on_kernels.contracted(MEMORY, measured, SIDES, {**arrays, UNIT: unit}, (), [float64])
    return relative * unit


def _reduced(xp: Any, asked: PairCall, made: Pairs) -> Any:
    (n, m), x = made.points, made.arrays["x"]
    batch = int(np.prod(x.shape[:-2], dtype=int))
    dtype = made.dtype if asked.reduce == "min" else widest(xp)

    def block(i: slice, j: slice) -> Any:
        return _matrix(xp, asked, made, made.part(i, j), dtype)

    return blocks.reduced(xp, block, n, m, batch, str(asked.reduce), asked.dim, made.present)


def _nearest(xp: Any, asked: PairCall, made: Pairs) -> Nearest:
    count = neighbours_of(asked.k, made.points[1])

    def sort(distances: Any) -> tuple[Any, Any]:
        order = xp.argsort(distances, axis=-1, stable=True)[..., :count]
        return array_engine.gathered(xp, distances, order), order

    def block(i: slice, j: slice) -> Any:
        return _matrix(xp, asked, made, made.part(i, j), widest(xp))

    if not array_api_compat.is_numpy_namespace(xp):
        values, indices = sort(_matrix(xp, asked, made, made.arrays))
    elif on_kernels.keeps_nearest(MEMORY, asked.metric, made.arrays, count):
        given = (MEMORY, asked.metric, made.terms, made.arrays, asked.parameters, count, np.dtype(np.float64))
        values, indices = on_kernels.nearest(*given)
    else:
        batch = int(np.prod(made.arrays["x"].shape[:-2], dtype=int))
        values, indices = blocks.nearest(xp, block, *made.points, batch, sort)
    values, indices = (
        xp.astype(values, made.dtype, copy=False),
        blocks.neighbour_indices(xp, indices, made.present),
    )
    if made.single[0]:
        values, indices = (xp.reshape(a, (*a.shape[:-2], count)) for a in (values, indices))
    return Nearest(values, indices)


def _check_values(xp: Any, asked: PairCall, made: Pairs) -> None:
    """Check what can only be seen in the elements."""
    arrays = made.arrays

    def count(formula: Formula, **named: Any) -> float:
        given = {name: named[name] for name in formula.arrays}
        if array_api_compat.is_numpy_namespace(xp):
            return passes.total(MEMORY, formula, given)
        return float(xp.sum(array_engine.elementwise(xp, formula, [*given.values()], {})[0]))

    if WEIGHT in arrays:
        check_no_negative_weight(count(negatives(weight_term(masked=False)), weight=arrays[WEIGHT]))
    if asked.nan_policy == "raise":
        for name, further in sides(xp, arrays):
            check_no_nan(name, count(nan_count(MASK in further, WEIGHT in further), **further))
