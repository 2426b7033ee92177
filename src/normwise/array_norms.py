"""Norms of NumPy arrays, and of the arrays of any namespace of the array API standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import array_api_compat
import numpy as np

from normwise import composed_norms, fused, fused_norms, plan
from normwise.array_calls import MEMORY, is_array, whole
from normwise.engines import arrays as array_engine
from normwise.errors import DtypeError
from normwise.formula import Formula
from normwise.fused_norms import Request
from normwise.norms import NormCall
from normwise.terms import MASK, WEIGHT, nan_count, negatives, weight_term


def call(asked: NormCall) -> Any:
    """Compute a norm."""
    for name, array in (("x", asked.x), (WEIGHT, asked.weight), (MASK, asked.mask)):
        if (array is not None or name == "x") and not is_array(array):
            raise TypeError(f"norm takes arrays of one library: expected an array for {name}, not a {type(array)}")
    xp = array_api_compat.array_namespace(*(a for a in (asked.x, asked.weight, asked.mask) if a is not None))
    numpy = array_api_compat.is_numpy_namespace(xp)
    x, dtype = _real(xp, asked.x)
    arrays = {"x": x}
    if asked.weight is not None:
        plan.check_broadcasts(WEIGHT, asked.weight.shape, x.shape)
        arrays[WEIGHT] = xp.broadcast_to(_real(xp, asked.weight)[0], x.shape)
    if asked.mask is not None:
        plan.check_mask(asked.mask, xp.isdtype(asked.mask.dtype, "bool"))
        plan.check_broadcasts(MASK, asked.mask.shape, x.shape)
        arrays[MASK] = xp.broadcast_to(asked.mask, x.shape)
    request = Request(asked.p, plan.reduced_dims(asked.dim, len(x.shape)), asked.nan_policy == "omit")
    plan.check_not_empty(asked.p, x.shape, request.dims)
    if numpy:
        arrays = {name: whole(array) for name, array in arrays.items()}

    def compute(formula: Formula, given: Sequence[Any]) -> Any:
        return array_engine.elementwise(xp, formula, given, {})[0]

    def count(formula: Formula, **further: Any) -> float:
        named = {**arrays, **further}
        if numpy:
            return fused.total(MEMORY, formula, {name: named[name] for name in formula.arrays})
        return float(xp.sum(compute(formula, [named[name] for name in formula.arrays])))

    if not any(array_api_compat.is_lazy_array(array) for array in arrays.values()):
        if WEIGHT in arrays:
            plan.check_no_negative_weight(count(negatives(weight_term(MASK in arrays))))
        if asked.nan_policy == "raise":
            plan.check_no_nan("x", count(nan_count(MASK in arrays)))
    if numpy:
        result = fused_norms.norm(MEMORY, request, arrays).value
    else:
        with array_engine.quiet(xp):
            result = composed_norms.norm(xp, compute, lambda a: a, request, arrays)
    left = x.shape if not asked.keepdim else result.shape
    if not asked.keepdim:
        left = tuple(n for i, n in enumerate(x.shape) if i not in request.dims)
    result = xp.reshape(result, left)
    with array_engine.quiet(xp):
        return result.astype(dtype)[()] if numpy else xp.astype(result, dtype, copy=False)


def _real(xp: Any, x: Any) -> tuple[Any, Any]:
    """The array in real numbers with fractions, and the dtype of its norm."""
    numpy = array_api_compat.is_numpy_namespace(xp)
    if xp.isdtype(x.dtype, "complex floating"):
        single = x.dtype == xp.complex64
        return xp.abs(xp.astype(x, xp.complex128)), xp.float32 if single else xp.float64
    if xp.isdtype(x.dtype, ("integral", "bool")):
        return xp.astype(x, xp.float64), xp.float64
    if not xp.isdtype(x.dtype, "real floating") or (numpy and x.dtype.itemsize > 8):
        raise DtypeError(f"a norm is not implemented for {x.dtype}: expected numbers, of 64 bits at most")
    return x, np.float32 if numpy and x.dtype.itemsize == 2 else x.dtype
