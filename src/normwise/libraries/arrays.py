"""Arrays of NumPy, and of the array API standard: which they are, and how NumPy's lie in memory."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import array_api_compat
import numpy as np

from normwise.checks import check_array
from normwise.engines import arrays as array_engine
from normwise.engines.cpu import Storage
from normwise.engines.cpu.buffers import BUFFERS
from normwise.engines.memory import Memory

Arrays = Sequence[Any]


def namespace_of(function: str, named: Mapping[str, Any]) -> Any:
    """Return the namespace of arrays; raise TypeError where an argument is no array, or one of another library."""
    for name, array in named.items():
        check_array(function, name, array, is_array(array), "an array")
    xp = array_api_compat.array_namespace(next(iter(named.values())))
    for name, array in named.items():
        same = array_api_compat.array_namespace(array) is xp
        check_array(function, name, array, same, f"an array of {xp.__name__.rpartition('.')[2]}")
    return xp


def as_numpy(given: Any) -> Any:
    """Return numbers, lists of them, and a series of a data frame as NumPy's array, as NumPy takes them.

    Arrays of any library stay what they are, and so does what is none.
    """
    # The usual ones first: it takes a microsecond to find out what others are.
    if given is None or type(given) is np.ndarray or bool(array_api_compat.is_array_api_obj(given)):
        return given
    is_series = hasattr(given, "__array__") and not hasattr(given, "__torch_function__")
    masked = bool(isinstance(given, np.ma.MaskedArray))
    return np.asarray(given) if isinstance(given, (list, tuple, int, float)) or (is_series and not masked) else given


def is_array(array: object) -> bool:
    """Whether it is an array that is computed with."""
    # A masked array would lose its mask on the way.
    return bool(array_api_compat.is_array_api_obj(array)) and not isinstance(array, np.ma.MaskedArray)


def whole(array: Any) -> Any:
    """Return an array of NumPy in native order, whole elements apart, as a field of a record is not."""
    array = np.asarray(array, array.dtype.newbyteorder("="))
    apart = array.flags.aligned and not any(stride % array.itemsize for stride in array.strides)
    return array if apart else array.copy()


_STORAGE: dict[Any, Storage] = {
    np.dtype(np.bool_): "bool",
    np.dtype(np.float16): "float16",
    np.dtype(np.float32): "float32",
    np.dtype(np.float64): "float64",
}


_IN_ONE_PIECE = 0x101
"""NumPy's flags of an array that is contiguous, the last dimension first, and aligned."""


def in_one_piece(arrays: Arrays) -> bool:
    """Whether they are arrays of NumPy's own type, of a dtype that the kernels know, and lie in memory without gaps."""
    for array in arrays:
        if type(array) is not np.ndarray or array.dtype not in _STORAGE or array.dtype.kind != "f":
            return False
        if array.flags.num & _IN_ONE_PIECE != _IN_ONE_PIECE:
            return False
    return True


_HEAD = object.__basicsize__
_word = ctypes.c_ssize_t.from_address


def address(array: Any) -> int:
    """Where an array of NumPy lies: the first word of its C structure, which its attributes tell ten times slower."""
    return _word(id(array) + _HEAD).value


def _by_attribute(array: Any) -> int:
    return int(array.ctypes.data)


if address(_SAMPLE := np.zeros(1)) != _by_attribute(_SAMPLE):  # an interpreter with structures of its own
    address = _by_attribute


def _contiguous(array: Any) -> bool:
    return bool(array.flags.c_contiguous)


def _strides(array: Any) -> list[int]:
    return [stride // array.itemsize for stride in array.strides]


def _empty_like(array: Any, dtype: Any) -> Any:
    if not array.flags.c_contiguous:
        return np.empty_like(array, dtype, subok=False)
    return _empty(array.shape, dtype or array.dtype)


def _empty(shape: Sequence[int], dtype: Any) -> Any:
    return BUFFERS.empty(math.prod(shape), np.dtype(dtype)).reshape(tuple(shape))


def _multiply(array: Any, factor: float) -> None:
    with array_engine.quiet(np):
        np.multiply(array, factor, out=array)


MEMORY = Memory(
    address=address,
    contiguous=_contiguous,
    strides=_strides,
    dtype=attrgetter("dtype"),
    storage=_STORAGE,
    size=attrgetter("size"),
    copy=np.ascontiguousarray,
    empty_like=_empty_like,
    empty=_empty,
    multiply=_multiply,
    spread=np.broadcast_to,
)
