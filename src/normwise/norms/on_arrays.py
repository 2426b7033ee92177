"""Norms of NumPy arrays, and of the arrays of any namespace of the array API standard."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import array_api_compat
import numpy as np
import numpy.typing as npt

from normwise.checks import check_broadcasts, check_mask, check_no_nan, check_no_negative_weight
from normwise.engines import arrays as array_engine
from normwise.engines import passes
from normwise.engines.cpu import Arguments, Storage
from normwise.engines.dtypes import is_half, isdtype, widest
from normwise.errors import DtypeError
from normwise.formula import Formula
from normwise.libraries.arrays import MEMORY, address, as_numpy, in_one_piece, namespace_of, whole
from normwise.norms import composed, on_kernels
from normwise.norms.call import USUAL, NormCall, Usual, usual_call
from normwise.norms.flat import whole_norm
from normwise.norms.lines import MANY, line_norms
from normwise.terms import MASK, WEIGHT, nan_count, negatives, weight_term

Array: TypeAlias = npt.NDArray[Any]


class Lane(NamedTuple):
    """What a usual call needs, found by one look-up."""

    run: Callable[..., Arguments | None]
    end: Callable[[Arguments], None]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


_lanes: dict[Hashable, Lane | None] = {}
"""The lanes of calls that were made; None where the ordinary way is to be taken."""

_NEW: Any = object()
"""In the place of a lane, where such a call was not made before."""


def usual_norm(x: Array, p: float, dim: Any, keepdim: bool) -> Any:
    """Compute the norms of a usual call: of lines of a contiguous array of NumPy's. None where it is another."""
    key = (p, p.__class__, dim, dim.__class__, keepdim, x.dtype, x.shape)
    try:
        lane = _lanes.get(key, _NEW)
    except TypeError:  # not to be hashed
        return None
    if lane is _NEW:
        lane = _lane(key, usual_call("norm", (x,), p, dim, keepdim))
    return None if lane is None else _by_lane(lane, x)


def usual_distance(a: Array, b: Array, p: float, dim: Any, keepdim: bool, eps: float) -> Any:
    """Compute the distances of a usual call: of lines of contiguous arrays of NumPy's. None where it is another."""
    if type(b) is not np.ndarray:
        return None
    key = (p, p.__class__, dim, dim.__class__, keepdim, eps, a.dtype, b.dtype, a.shape, b.shape)
    try:
        lane = _lanes.get(key, _NEW)
    except TypeError:
        return None
    if lane is _NEW:
        lane = _lane(key, usual_call("distance", (a, b), p, dim, keepdim, eps))
    return None if lane is None else _by_lane(lane, a, b)


USUAL[np.ndarray] = Usual(usual_norm, usual_distance)


def _by_lane(lane: Lane, *arrays: Array) -> Any:
    if not in_one_piece(arrays):
        return None
    result = np.empty(lane.shape, lane.dtype)
    found = lane.run(*map(address, arrays), address(result))
    if found is None:
        return None
    lane.end(found)
    return result[()]


def _lane(key: Hashable, asked: NormCall | None) -> Lane | None:
    """Find the lane of a call, and keep it; None where there is none."""
    if asked is None:
        return None
    if len(_lanes) >= MANY:
        _lanes.clear()
    lane, shape = None, asked.arrays[0].shape
    if all(a.dtype in MEMORY.storage and a.dtype.kind == "f" and a.shape == shape for a in asked.arrays):
        lane = _new_lane(asked, shape)
    return _lanes.setdefault(key, lane)


def _new_lane(asked: NormCall, shape: tuple[int, ...]) -> Lane | None:
    request = asked.request(shape)
    dtype = np.dtype(np.float64 if any(a.dtype == np.float64 for a in asked.arrays) else np.float32)
    storage: tuple[Storage, ...] = tuple([MEMORY.storage[a.dtype] for a in asked.arrays])
    of_lines = line_norms(request, shape, storage, MEMORY.storage[dtype])
    if of_lines is None:
        return None
    return Lane(of_lines.run, of_lines.end, tuple(asked.shape_of_result(shape, request.dims)), dtype)


def call(asked: NormCall) -> Any:
    """Compute a norm or a distance."""
    if asked.is_plain:
        value = _of_all(asked)
        if value is not None:
            return value
    given = tuple(map(as_numpy, asked.arrays))
    asked = asked._replace(arrays=given, weight=as_numpy(asked.weight), mask=as_numpy(asked.mask))
    named = asked.named
    xp = namespace_of(asked.function, named)
    numpy = array_api_compat.is_numpy_namespace(xp)
    arrays, dtype = _real(xp, asked, {name: named[name] for name in asked.of.arrays})
    shape = asked.common_shape({name: array.shape for name, array in arrays.items()})
    if asked.weight is not None:
        check_broadcasts(WEIGHT, asked.weight.shape, shape)
        arrays |= _real(xp, asked, {WEIGHT: asked.weight})[0]
    if asked.mask is not None:
        check_mask(asked.mask, isdtype(xp, asked.mask.dtype, "bool"))
        check_broadcasts(MASK, asked.mask.shape, shape)
        arrays[MASK] = asked.mask
    arrays = {name: array if array.shape == shape else xp.broadcast_to(array, shape) for name, array in arrays.items()}
    request = asked.request(shape)
    if numpy:
        arrays = {name: whole(array) for name, array in arrays.items()}

    def compute(formula: Formula, given: Sequence[Any]) -> Any:
        [values] = array_engine.elementwise(xp, formula, given, {})
        return xp.astype(values, widest(xp)) if xp.isdtype(values.dtype, "bool") else values

    def count(formula: Formula, **further: Any) -> float:
        named = {**arrays, **further}
        if numpy:
            return passes.total(MEMORY, formula, {name: named[name] for name in formula.arrays})
        return float(xp.sum(compute(formula, [named[name] for name in formula.arrays])))

    if not any(array_api_compat.is_lazy_array(array) for array in arrays.values()):
        if WEIGHT in arrays:
            check_no_negative_weight(count(negatives(weight_term(MASK in arrays))))
        if asked.nan_policy == "raise":
            for name in asked.of.arrays:
                check_no_nan(name, count(nan_count(MASK in arrays, WEIGHT in arrays), x=arrays[name]))
    if numpy:
        result = on_kernels.norm(MEMORY, request, arrays).value
    else:
        with array_engine.quiet(xp):
            result = composed.norm(xp, compute, lambda a: a, request, arrays)
    left = result.shape if asked.keepdim else tuple(n for i, n in enumerate(shape) if i not in request.dims)
    result = xp.reshape(result, left)
    with array_engine.quiet(xp):
        return result.astype(dtype)[()] if numpy else xp.astype(result, dtype, copy=False)


def _of_all(asked: NormCall) -> Any:
    """Compute the norm of all elements of NumPy's arrays in one piece; None where these are others."""
    arrays = asked.arrays
    for array in arrays:
        usual = type(array) is np.ndarray and array.dtype in MEMORY.storage and array.dtype.kind == "f"
        if not (usual and array.flags.c_contiguous and array.shape == arrays[0].shape and array.size):
            return None
    lane = whole_norm(asked.of, asked.p, tuple([MEMORY.storage[a.dtype] for a in arrays]))
    found = lane.value(arrays[0].size, [a.ctypes.data for a in arrays])
    if found is None:
        return None
    single = all(a.dtype.itemsize < 8 for a in arrays)
    value = np.float32(math.inf if found > _LARGEST else found) if single else np.float64(found)
    return np.full((1,) * arrays[0].ndim, value) if asked.keepdim else value


_LARGEST = float(np.finfo(np.float32).max) * (1 + 2.0**-25)
"""Up to here a number is rounded to the largest of float32."""


def _real(xp: Any, asked: NormCall, arrays: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The arrays in real numbers with fractions, and the dtype of their norm."""
    if any(isdtype(xp, x.dtype, "complex floating") for x in arrays.values()):
        return _moduli(xp, asked, arrays)
    return real(xp, asked.function, arrays)


def real(xp: Any, function: str, arrays: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return arrays of real numbers with fractions, and the dtype of what is computed of them."""
    numpy = array_api_compat.is_numpy_namespace(xp)
    found: dict[str, Any] = {}
    for name, x in arrays.items():
        if isdtype(xp, x.dtype, ("integral", "bool")):
            found[name] = xp.astype(x, widest(xp))
        elif not isdtype(xp, x.dtype, "real floating") or (numpy and x.dtype.itemsize > 8):
            raise DtypeError(f"{function} is not implemented for {x.dtype}: expected real numbers, of 64 bits at most")
        elif is_half(xp, x.dtype) and not (numpy and x.dtype in MEMORY.storage):
            found[name] = xp.astype(x, xp.float32)
        else:
            found[name] = x
    dtypes = [xp.float32 if is_half(xp, x.dtype) else x.dtype for x in found.values()]
    return found, dtypes[0] if len(dtypes) == 1 else xp.result_type(*dtypes)


def _moduli(xp: Any, asked: NormCall, arrays: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The moduli of complex numbers; of two, that of their difference and 0, of which it is the difference."""
    single = all(x.dtype in (xp.complex64, xp.float32) for x in arrays.values())
    dtype = xp.float32 if single else widest(xp)
    first, *others = (xp.astype(x, xp.complex128) for x in arrays.values())
    if not others:
        return {name: xp.abs(first) for name in arrays}, dtype
    asked.common_shape({name: x.shape for name, x in arrays.items()})
    found = xp.abs(first - others[0] + asked.eps)
    return {"a": found, "b": xp.full_like(found, asked.eps)}, dtype
