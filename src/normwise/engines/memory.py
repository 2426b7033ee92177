"""How the arrays of a library lie in memory: what the engines on raw buffers must know of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from normwise.engines.cpu import Storage


class Memory(NamedTuple):
    """How the arrays of a library lie in memory."""

    address: Callable[[Any], int]
    contiguous: Callable[[Any], bool]
    strides: Callable[[Any], Sequence[int]]
    """In elements."""
    size: Callable[[Any], int]
    """The number of elements."""
    dtype: Callable[[Any], Any]
    storage: Mapping[Any, Storage]
    """The dtypes that the kernels know."""
    copy: Callable[[Any], Any]
    """A contiguous copy."""
    empty_like: Callable[[Any, Any], Any]
    """Memory for a result of an array's shape and a dtype: dense, and contiguous if the array is."""
    empty: Callable[[Sequence[int], Any], Any]
    """Contiguous memory for a result of a shape and a dtype."""
    multiply: Callable[[Any, float], Any]
    """Multiply an array by a finite number where it lies."""
    spread: Callable[[Any, Sequence[int]], Any]
    """An array of the library over NumPy's memory, repeated to a shape."""
