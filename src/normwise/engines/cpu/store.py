"""Kernels by what they are compiled from: in memory, on disk, or compiled now.

A kernel is compiled once on a machine. Its key is a hash of what it was compiled from, in LLVM's own language, and of
all else that its code depends on.
"""

from __future__ import annotations

import hashlib
import os
import threading
from weakref import WeakValueDictionary

from normwise.engines.cpu import files
from normwise.engines.cpu.compiler import compiled, platform
from normwise.engines.cpu.loader import Code, Loader

SYMBOL = "normwise_kernel"
"""The name of a kernel's function."""

_loader = Loader()

_codes: WeakValueDictionary[bytes, Code] = WeakValueDictionary()
"""The code that this process has loaded and somebody holds."""

_lock = threading.RLock()
"""Held while a kernel is loaded: threads that want the same one wait for it."""

if hasattr(os, "register_at_fork"):  # a child whose parent was compiling would wait for the lock for ever
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def load(text: str) -> Code:
    """Return the code of a kernel in LLVM's language, from the store where it is there already."""
    key = hashlib.sha256(f"{platform()}\n{text}".encode()).digest()
    with _lock:
        code = _codes.get(key)
        if code is None:
            code = _codes[key] = _loader.load(_binary(text, key), SYMBOL)
    return code


def _binary(text: str, key: bytes) -> bytes:
    binary = files.read(key)
    if binary is None:
        binary = compiled(text)
        files.write(key, binary)
    return binary
