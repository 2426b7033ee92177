"""Losses on NumPy arrays, and on the arrays of any namespace of the array API standard.

NumPy's float32 and float64 take the fused kernels; other arrays, and other dtypes, the namespace's own operations.
"""

from __future__ import annotations

import math
from functools import reduce
from operator import attrgetter
from typing import Any

import array_api_compat
import numpy as np

from normwise import fused, plan
from normwise.catalogue import Loss
from normwise.engines import arrays as array_engine
from normwise.engines.cpu.buffers import BUFFERS
from normwise.engines.cpu.source import Real
from normwise.errors import DtypeError
from normwise.fused import Memory
from normwise.sums import Reduction

Arrays = tuple[Any, ...]


def call(
    loss: Loss,
    arrays: Arrays,
    parameters: tuple[float, ...],
    weight: Any | None,
    reduction: Reduction,
    broadcast: bool,
) -> Any:
    """Compute a loss of arrays, weighted and reduced."""
    return _computed(loss, arrays, parameters, weight, reduction, broadcast, ())[0]


def value_and_gradient(
    loss: Loss,
    arrays: Arrays,
    parameters: tuple[float, ...],
    weight: Any | None,
    reduction: Reduction,
    broadcast: bool,
) -> tuple[Any, Any]:
    """Compute a loss and its gradient in the input, in the input's shape and dtype."""
    plan.check_has_gradient(loss, reduction)
    value, gradient = _computed(loss, arrays, parameters, weight, reduction, broadcast, (0,))
    return value, _as_of(arrays[0], gradient)


def _as_of(input: Any, gradient: Any) -> Any:
    """Bring a gradient to the input's shape, summed over what was broadcast, and to its dtype if that has fractions."""
    xp = array_api_compat.array_namespace(input)
    missing = len(gradient.shape) - len(input.shape)
    stretched = [i for i, n in enumerate(gradient.shape) if i < missing or (input.shape[i - missing] == 1 and n != 1)]
    if stretched:
        gradient = xp.reshape(xp.sum(gradient, axis=tuple(stretched)), input.shape)
    return xp.astype(gradient, input.dtype, copy=False) if xp.isdtype(input.dtype, "real floating") else gradient


def _computed(
    loss: Loss,
    arrays: Arrays,
    parameters: tuple[float, ...],
    weight: Any | None,
    reduction: Reduction,
    broadcast: bool,
    wrt: tuple[int, ...],
) -> tuple[Any, Any]:
    xp, arrays, weight, dtype = _prepared(loss, arrays, weight, broadcast)
    if not (array_api_compat.is_numpy_namespace(xp) and arrays[0].dtype in _FUSED):
        return _with_array_operations(xp, loss, arrays, parameters, weight, reduction, dtype, wrt)
    if reduction == "none":
        values = fused.elementwise(_MEMORY, loss.formula, arrays, parameters, weight)
        return values.astype(dtype, copy=False), None
    value, _, gradients = fused.reduced(_MEMORY, loss, arrays, parameters, weight, reduction, wrt)
    return arrays[0].dtype.type(value), next(iter(gradients), None)


def _with_array_operations(
    xp: Any,
    loss: Loss,
    arrays: Arrays,
    parameters: tuple[float, ...],
    weight: Any | None,
    reduction: Reduction,
    dtype: Any,
    wrt: tuple[int, ...],
) -> tuple[Any, Any]:
    formula = loss.formula
    bound = dict(zip(formula.parameters, parameters, strict=True))
    outputs = [formula.derivative(formula.arrays[i]) for i in wrt]
    factor = 1 if weight is None else weight
    values, *gradients = (factor * v for v in array_engine.elementwise(xp, formula, arrays, bound, *outputs))
    if reduction == "none":
        return xp.astype(values, dtype), None
    divisor = xp.ones((), dtype=values.dtype)
    if reduction == "mean":
        by_weight = weight is not None and loss.divisor == "weight"
        divisor = xp.sum(weight) if by_weight else divisor * math.prod(values.shape)
    with array_engine.quiet(xp):
        return xp.sum(values) / divisor, (gradients[0] / divisor if gradients else None)


def _prepared(loss: Loss, arrays: Arrays, weight: Any | None, broadcast: bool) -> tuple[Any, Arrays, Any | None, Any]:
    """Check shapes and dtypes; bring the arrays and the weight to one shape and dtype.

    Returns the namespace, the arrays, the weight, and the dtype of values per element.
    """
    names = ("input", "target", *loss.further_arrays, "weight")
    for name, array in zip(names, (*arrays, weight), strict=True):
        if array is not None or name != "weight":
            plan.check_array(loss, name, array, _is_array(array), "an array")
    given = [array for array in (*arrays, weight) if array is not None]
    xp = array_api_compat.array_namespace(given[0])
    for name, array in zip(names, (*arrays, weight), strict=True):
        same = array is None or array_api_compat.array_namespace(array) is xp
        plan.check_array(loss, name, array, same, f"an array of {xp.__name__.rpartition('.')[2]}")
    if broadcast:
        shape = reduce(plan.broadcast_shape, (array.shape for array in arrays))
        arrays = tuple(xp.broadcast_to(array, shape) for array in arrays)
    for array in arrays[1:]:
        plan.check_shapes(arrays[0].shape, array.shape)
    if weight is not None:
        plan.check_weight(weight.shape, arrays[0].shape)
        weight = xp.broadcast_to(weight, arrays[0].shape)
    dtype = _common_dtype(xp, loss, given)
    # Half precision is computed and summed in float32.
    working = xp.float32 if array_api_compat.is_numpy_namespace(xp) and dtype == np.float16 else dtype
    ready = [array if array is None else _in_dtype(xp, array, working) for array in (*arrays, weight)]
    return xp, tuple(ready[:-1]), ready[-1], dtype


def _is_array(array: object) -> bool:
    # A masked array would lose its mask on the way.
    return bool(array_api_compat.is_array_api_obj(array)) and not isinstance(array, np.ma.MaskedArray)


def _common_dtype(xp: Any, loss: Loss, arrays: list[Any]) -> Any:
    """Return the common dtype of the real floating arrays, which integers and booleans join; else float64."""
    for array in arrays:
        if not xp.isdtype(array.dtype, ("real floating", "integral", "bool")):
            raise DtypeError(plan.dtype_message(loss, array.dtype, "input.real"))
    real = [array.dtype for array in arrays if xp.isdtype(array.dtype, "real floating")]
    return reduce(xp.result_type, real) if real else xp.float64


def _in_dtype(xp: Any, array: Any, dtype: Any) -> Any:
    if not array_api_compat.is_numpy_namespace(xp):
        return array if array.dtype == dtype else xp.astype(array, dtype)
    array = np.asarray(array, dtype)
    whole = array.flags.aligned and not any(stride % array.itemsize for stride in array.strides)
    return array if whole else array.copy()  # a field of a record, say


_FUSED: dict[Any, Real] = {np.dtype(np.float32): "float32", np.dtype(np.float64): "float64"}


def _contiguous(array: Any) -> bool:
    return bool(array.flags.c_contiguous)


def _strides(array: Any) -> list[int]:
    return [stride // array.itemsize for stride in array.strides]


def _empty_like(array: Any) -> Any:
    if not array.flags.c_contiguous:
        return np.empty_like(array, subok=False)
    return BUFFERS.empty(array.size, array.dtype).reshape(array.shape)


_MEMORY = Memory(
    address=lambda array: array.ctypes.data,
    contiguous=_contiguous,
    strides=_strides,
    dtype=attrgetter("dtype"),
    real=_FUSED,
    size=attrgetter("size"),
    copy=np.ascontiguousarray,
    empty_like=_empty_like,
)
