"""Large results in torch's own memory, recycled.

The memory is torch's, so that whoever gets a result may do with its storage what he may with any other: sharded
training resizes gradients to nothing, and back.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import ctypes
import functools
import math
import mmap
import sys
from collections.abc import Sequence
from typing import Any

import torch

from normwise.engines.cpu.buffers import BUFFERS
from normwise.libraries.torch_internals import use_count

Tensor = torch.Tensor

_use_count = use_count
_HUGE_PAGES: int | None = getattr(mmap, "MADV_HUGEPAGE", None)
_PAGE = mmap.PAGESIZE


class _TensorLoan:
    """A buffer of torch's; who looks at its storage, tensors or Python's own object of it, is counted by reference."""

    def __init__(self, length: int) -> None:
        self.nbytes = length
        self._owner = torch.empty(length, dtype=torch.uint8, device="cpu")
        self._place = self._owner.data_ptr()
        _advise_huge_pages(self._place, length)
        self._alone = self._users()

    def _users(self) -> tuple[int, int]:
        storage = self._owner.untyped_storage()
        return _use_count(storage._cdata) if _use_count else 0, sys.getrefcount(storage)

    @property
    def ended(self) -> bool:
        return _use_count is not None and self._users() == self._alone

    @property
    def usable(self) -> bool:
        """Whether the storage was neither resized, shared with a process, copied on write, nor fixed for NumPy."""
        storage = self._owner.untyped_storage()
        return (storage.nbytes(), storage.data_ptr(), storage.resizable()) == (self.nbytes, self._place, True)

    def tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Lend the first bytes of it."""
        return torch.empty(0, dtype=dtype, device="cpu").set_(self._owner.untyped_storage(), 0, tuple(shape))  # type: ignore[call-overload, no-any-return]


def empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Return an uninitialised, contiguous tensor, recycled where it is large."""
    length = math.prod(shape) * dtype.itemsize
    if _use_count is None or not BUFFERS.holds(length):
        fresh = torch.empty(tuple(shape), dtype=dtype, device="cpu")
        _advise_huge_pages(fresh.data_ptr(), length)
        return fresh
    return BUFFERS.lend(_TensorLoan, length, lambda loan: loan.tensor(shape, dtype))


_HUGE = 1 << 22
"""Bytes from which NumPy asks for huge pages, which cost a fraction of small ones when they are first touched."""


def _advise_huge_pages(place: int, length: int) -> None:
    """Ask for huge pages, as NumPy does for its arrays and torch does not; an advice that fails changes nothing."""
    if _HUGE_PAGES is None or length < _HUGE:
        return
    first = -(-place // _PAGE) * _PAGE
    _madvise()(first, (place + length - first) // _PAGE * _PAGE, _HUGE_PAGES)


@functools.cache
def _madvise() -> Any:
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return advise
