"""Kernels by what they are compiled from: in memory, on disk, or compiled now.

A kernel is compiled once on a machine. Its key is a hash of its spec and of all else that its code depends on: every
file of the folders that build kernels, LLVM, and the processor. So a kernel that is there needs no building, and none
is stale.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from pathlib import Path
from typing import TypeAlias
from weakref import WeakValueDictionary

from normwise.engines.cpu import files
from normwise.engines.cpu.compiler import assembly, compiled, platform
from normwise.engines.cpu.contraction_spec import ContractionSpec
from normwise.engines.cpu.loader import Code, Loader
from normwise.engines.cpu.spec import KernelSpec, identity

Spec: TypeAlias = KernelSpec | ContractionSpec

SYMBOL = "normwise_kernel"
"""The name of a kernel's function."""

_loader = Loader()

_codes: WeakValueDictionary[bytes, Code] = WeakValueDictionary()
"""The code that this process has loaded and somebody holds."""

_lock = threading.RLock()
"""Held while a kernel is loaded: threads that want the same one wait for it."""

if hasattr(os, "register_at_fork"):  # a child whose parent was compiling would wait for the lock for ever
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def load(spec: Spec) -> Code:
    """Return the code of a kernel, from the store where it is there already."""
    with _lock:
        key = hashlib.sha256(f"{_foundation()}\n{identity(spec)}".encode()).digest()
        code = _codes.get(key)
        if code is None:
            code = _codes[key] = _loader.load(_binary(key, spec), SYMBOL)
    return code


def assembly_of(spec: Spec) -> str:
    """Return the assembly of a kernel, compiled for it."""
    return assembly(_text(spec))


def _binary(key: bytes, spec: Spec) -> bytes:
    binary = files.read(key)
    if binary is None:
        binary = compiled(_text(spec))
        files.write(key, binary)
    return binary


def _text(spec: Spec) -> str:
    from normwise.engines.cpu.device.kernels import kernel_text  # of no use where all kernels are there

    return kernel_text(spec, SYMBOL)


@functools.cache
def _foundation() -> str:
    """What all kernels depend on beside their specs."""
    package = Path(__file__).parents[2]
    paths = [path for folder in ("formula", "engines/cpu") for path in sorted((package / folder).rglob("*.py"))]
    # Of a package without sources nobody knows what is stale.
    sources = hashlib.sha256(b"" if paths else os.urandom(32))
    for path in paths:
        sources.update(f"\n{path.relative_to(package)}\n".encode() + path.read_bytes())
    return f"{sources.hexdigest()}\n{platform()}"
