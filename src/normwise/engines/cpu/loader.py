"""Machine code in memory, as long as somebody holds it.

LLVM loads and unloads one kernel at a time here: whoever asks for it holds the lock of `store`, and a code that nobody
holds any more waits for the next load. So no thread is inside LLVM when the process forks, and no collection of garbage
waits for a lock.
"""

from __future__ import annotations

import weakref
from typing import Any

import llvmlite.binding as llvm

from normwise.engines.cpu.compiler import host_machine
from normwise.engines.cpu.threads import CFunction, Kernel

SESSION = 1 << 6
"""Kernels that one session of LLVM loads. Of what is unloaded a session keeps some 8 KiB, until it ends itself; one for
each kernel would be slow to begin, and larger than most kernels."""


class Code:
    """The machine code at an address, which stays there as long as this lives."""

    __slots__ = ("__weakref__", "address")

    def __init__(self, address: int) -> None:
        self.address = address

    def function(self) -> Kernel:
        """Return what calls it, and holds it."""
        function: Any = CFunction(self.address)
        function.code = self
        return function  # type: ignore[no-any-return]


class Loader:
    """What loads machine code into memory, and unloads what nobody holds. It is to outlive all code."""

    def __init__(self) -> None:
        self._session: Any = None
        self._count = 0
        # A session lives as long as one of its trackers.
        self._trackers: dict[weakref.ref[Code], Any] = {}
        # Appending to a list, a collection of garbage runs no code of Python's, which could be interrupted.
        self._ended: list[weakref.ref[Code]] = []

    def load(self, binary: bytes, symbol: str) -> Code:
        """Load an object file, and return the code of one of its functions."""
        while self._ended:
            self._trackers.pop(self._ended.pop()).close()
        if self._count % SESSION == 0:
            self._session = llvm.create_lljit_compiler(host_machine(), use_jit_link=True)
        # The process has memcpy, to which LLVM turns loops.
        library = llvm.JITLibraryBuilder().add_object_img(binary).add_current_process().export_symbol(symbol)
        self._count += 1  # a name is never used again
        tracker = library.link(self._session, f"{symbol} {self._count}")
        code = Code(tracker[symbol])
        self._trackers[weakref.ref(code, self._ended.append)] = tracker
        return code
