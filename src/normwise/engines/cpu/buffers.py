"""Recycled memory for large results.

Fresh pages cost more than the pass that fills them, so a large buffer whose last user is gone is kept for the next
result of about its size. A NumPy array is lent over a lease: whatever looks at the memory (a view, a memoryview) holds
the lease, and only its end returns the buffer. Other libraries bring a `Loan` of their own.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
"""Bytes from which a result is worth recycling."""

KEPT_VARIABLE = "NORMWISE_KEPT_BYTES"
"""The environment variable that bounds the bytes of buffers to recycle: 512 MiB unless it says otherwise."""


Result = TypeVar("Result")


class Loan(Protocol):
    """A buffer of a library's, lent or unused."""

    nbytes: int

    @property
    def ended(self) -> bool:
        """Whether nobody looks at it any more."""
        ...

    @property
    def usable(self) -> bool:
        """Whether what those who had it left is still the buffer that was lent."""
        ...


Kind = TypeVar("Kind", bound=Loan)


class ArrayLoan:
    """A buffer of NumPy's, and the lease that ends when nobody looks at it any more.

    A lease is looked at, rather than calling back at its end: Python drops an interrupt that meets a callback which the
    end of an object runs.
    """

    usable = True

    def __init__(self, length: int) -> None:
        self.nbytes = length
        self._memory = np.empty(length, np.uint8)
        self._lease: Callable[[], Any] = lambda: None

    @property
    def ended(self) -> bool:
        return self._lease() is None

    def array(self, length: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Lend the first bytes of it."""
        lease = (ctypes.c_char * length).from_buffer(self._memory.data)
        self._lease = weakref.ref(lease)
        return np.frombuffer(memoryview(lease), dtype)


class Buffers:
    """Buffers to recycle, lent or unused, at most `bound` bytes of them together.

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
        self._loans: list[Loan] = []  # the last lent is the last
        self.lock = threading.RLock()  # a garbage collection may run what asks for a buffer while this thread holds it

    @property
    def kept(self) -> int:
        """The bytes of the unused buffers."""
        with self.lock:
            return sum(loan.nbytes for loan in self._loans if loan.ended)

    def empty(self, size: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return an uninitialised array of one dimension, recycled where it is large."""
        length = size * dtype.itemsize
        if not self.holds(length):
            return np.empty(size, dtype)
        return self.lend(ArrayLoan, length, lambda loan: loan.array(length, dtype))

    def holds(self, length: int) -> bool:
        """Whether a result of so many bytes is worth recycling, and can be."""
        return LARGE <= length <= self.bound

    def lend(self, kind: Callable[[int], Kind], length: int, use: Callable[[Kind], Result]) -> Result:
        """Return what is made of an unused buffer of a kind, or of a fresh one where there is none."""
        with self.lock:
            loan = self._unused(kind, length) or self._fresh(kind, length)
            result = use(loan)
            self._loans.append(loan)
        return result

    def clear(self) -> None:
        """Forget the unused buffers; those lent come back later."""
        with self.lock:
            self._loans = [loan for loan in self._loans if not loan.ended]

    def _unused(self, kind: Any, length: int) -> Any:
        """Take the unused buffer that is nearest to a length, if it is near; forget those that are spoilt."""
        self._loans = [loan for loan in self._loans if not loan.ended or loan.usable]
        fitting = [
            loan for loan in self._loans if type(loan) is kind and length <= loan.nbytes <= 2 * length and loan.ended
        ]
        if not fitting:
            return None
        best = min(fitting, key=lambda loan: loan.nbytes)
        self._loans = [loan for loan in self._loans if loan is not best]
        return best if best.ended else None  # a garbage collection may have lent it in between

    def _fresh(self, kind: Callable[[int], Kind], length: int) -> Kind:
        """Allocate a buffer, and forget what is then too much."""
        total = length + sum(loan.nbytes for loan in self._loans)
        while total > self.bound:  # the longest ago lent go first; one that is still looked at then ends by itself
            total -= self._loans.pop(0).nbytes
        return kind(length)


BUFFERS = Buffers(int(os.environ.get(KEPT_VARIABLE, "") or 1 << 29))
"""The buffers of the process."""

if hasattr(os, "register_at_fork"):  # a child would wait for a thread that only its parent has
    lock = BUFFERS.lock
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
