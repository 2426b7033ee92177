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
from typing import Any

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
"""Bytes from which a result is worth recycling."""

KEPT_VARIABLE = "NORMWISE_KEPT_BYTES"
"""The environment variable that sets how many bytes of unused buffers are kept: 512 MiB unless it says otherwise."""


class Buffers:
    """Unused buffers, at most `bound` bytes of them.

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
        self.kept = 0
        self._unused: list[npt.NDArray[np.uint8]] = []
        self._lock = threading.RLock()  # a lease may end, in a garbage collection, while this very thread holds it

    def empty(self, size: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return an uninitialised array of one dimension, recycled where it is large."""
        length = size * dtype.itemsize
        if length < LARGE:
            return np.empty(size, dtype)
        memory = self._take(length)
        lease = (ctypes.c_char * length).from_buffer(memory.data)
        weakref.finalize(lease, self._give_back, memory).atexit = False
        return np.frombuffer(memoryview(lease), dtype)

    def clear(self) -> None:
        """Forget the unused buffers; those lent come back later."""
        with self._lock:
            self._unused.clear()
            self.kept = 0

    def _take(self, length: int) -> npt.NDArray[np.uint8]:
        with self._lock:
            fitting = [b for b in self._unused if length <= b.nbytes <= 2 * length]
            if fitting:
                best = min(fitting, key=lambda b: b.nbytes)
                self._unused = [b for b in self._unused if b is not best]
                self.kept -= best.nbytes
                return best
        return np.empty(length, np.uint8)

    def _give_back(self, memory: npt.NDArray[np.uint8]) -> None:
        with self._lock:
            if memory.nbytes > self.bound:
                return
            self._unused.append(memory)
            self.kept += memory.nbytes
            while self.kept > self.bound:  # the longest unused go first
                self.kept -= self._unused.pop(0).nbytes


BUFFERS = Buffers(int(os.environ.get(KEPT_VARIABLE, "") or 1 << 29))
"""The buffers of the process."""
