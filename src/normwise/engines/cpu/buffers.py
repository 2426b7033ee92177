"""Recycled memory for large results.

Fresh pages cost more than the pass that fills them, so a large buffer whose last user is gone is kept for the next
result of about its size. A buffer is lent as a NumPy array over a lease; whatever looks at the memory (a view, a
torch tensor, a gradient kept by an optimiser) holds the lease, and only its end returns the buffer.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
"""Bytes from which a result is worth recycling."""

KEPT_VARIABLE = "NORMWISE_KEPT_BYTES"
"""The environment variable that bounds the bytes of buffers to recycle: 512 MiB unless it says otherwise."""


class _Loan(NamedTuple):
    """A buffer, and the lease that ends when nobody looks at it any more."""

    memory: npt.NDArray[np.uint8]
    lease: weakref.ref[Any]

    @property
    def ended(self) -> bool:
        return self.lease() is None


class Buffers:
    """Buffers to recycle, lent or unused, at most `bound` bytes of them together.

    A lease is looked at, rather than calling back at its end: Python drops an interrupt that meets a callback
    which the end of an object runs.

    Examples
    --------
    >>> buffers = Buffers(bound=1 << 24)
    >>> first = buffers.empty(1 << 20, np.dtype("float32"))
    >>> place = first.ctypes.data
    >>> del first
    >>> buffers.empty(1 << 20, np.dtype("float32")).ctypes.data == place
    True
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._loans: list[_Loan] = []  # the last lent is the last
        self.lock = threading.RLock()  # a garbage collection may run what asks for a buffer while this thread holds it

    @property
    def kept(self) -> int:
        """The bytes of the unused buffers."""
        with self.lock:
            return sum(loan.memory.nbytes for loan in self._loans if loan.ended)

    def empty(self, size: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return an uninitialised array of one dimension, recycled where it is large."""
        length = size * dtype.itemsize
        if not LARGE <= length <= self.bound:
            return np.empty(size, dtype)
        with self.lock:
            memory = self._take(length)
            lease = (ctypes.c_char * length).from_buffer(memory.data)
            self._loans.append(_Loan(memory, weakref.ref(lease)))
        return np.frombuffer(memoryview(lease), dtype)

    def clear(self) -> None:
        """Forget the unused buffers; those lent come back later."""
        with self.lock:
            self._loans = [loan for loan in self._loans if not loan.ended]

    def _take(self, length: int) -> npt.NDArray[np.uint8]:
        """Return an unused buffer of about a length, or a fresh one and forget what is then too much."""
        fitting = [loan for loan in self._loans if length <= loan.memory.nbytes <= 2 * length and loan.ended]
        if fitting:
            best = min(fitting, key=lambda loan: loan.memory.nbytes)
            self._loans = [loan for loan in self._loans if loan is not best]
            return best.memory
        total = length + sum(loan.memory.nbytes for loan in self._loans)
        while total > self.bound:  # the longest ago lent go first; one that is still looked at then ends by itself
            total -= self._loans.pop(0).memory.nbytes
        return np.empty(length, np.uint8)


BUFFERS = Buffers(int(os.environ.get(KEPT_VARIABLE, "") or 1 << 29))
"""The buffers of the process."""

if hasattr(os, "register_at_fork"):  # a child would wait for a thread that only its parent has
    lock = BUFFERS.lock
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
