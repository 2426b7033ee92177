"""Running a kernel on several threads.

Where torch has loaded an OpenMP library, its pool is used: waking it costs about a microsecond, and a pool of our own
would fight torch's threads for the cores. Elsewhere a thread pool of the standard library serves, whose threads cost
more to wake.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

CFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
"""The type of a kernel; calling one releases the interpreter lock."""

_forked = False


def thread_count() -> int:
    """How many threads may work: torch's setting where torch is loaded, else OMP_NUM_THREADS, else the usable cores."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    setting = os.environ.get("OMP_NUM_THREADS", "")
    return int(setting) if setting.isdecimal() and int(setting) > 0 else _cores()


@functools.cache
def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_on_threads(kernel: Callable[[int], None], function: int, arguments: int, threads: int) -> None:
    """Call the kernel at address `function` once on each of `threads` threads, all with the same arguments."""
    openmp = None if _forked else _openmp()
    if openmp is not None:
        openmp(function, arguments, threads, 0)
        return
    pending = [_pool().submit(kernel, arguments) for _ in range(threads - 1)]
    try:
        kernel(arguments)
    finally:
        wait(pending)  # the arguments live until the last thread has left them


@functools.cache
def _openmp() -> Callable[..., Any] | None:
    """GOMP_parallel of the OpenMP library that torch brought, if it did."""
    torch = sys.modules.get("torch")
    if torch is None or torch.__file__ is None:
        return None
    for library in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*")):
        try:
            parallel = ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_NOLOAD).GOMP_parallel
        except (OSError, AttributeError):
            continue
        parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        parallel.restype = None
        return parallel
    return None


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(_cores(), 1), thread_name_prefix="normwise")


def _after_fork() -> None:
    """A child has none of its parent's threads, and GNU OpenMP hangs when it waits for them."""
    global _forked  # noqa: PLW0603 - a fact of the process
    _forked = True
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
