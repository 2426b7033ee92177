"""Running a kernel on several threads, so that an interrupt ends it.

Where torch has loaded GNU's OpenMP library, its pool is used: waking it costs about a microsecond, and threads of our
own would fight torch's for the cores. That library does not survive a fork, so its threads are let go before one. In
a process that was forked without that, and where torch is not, a few threads of Python's wait for work.

A kernel that may take long runs on those threads alone, while the thread that called waits where an interrupt finds it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any, TypeAlias

CFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
"""The type of a kernel; calling one releases the interpreter lock."""

LONG = 1 << 25
"""Elements, or terms, from which a kernel may take a good part of a second."""

STOP = 1 << 62
"""What the counter of blocks, a kernel's first word, is set to for the kernel to end as soon as it can."""

Kernel: TypeAlias = Callable[[int], None]


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


def run_on_threads(kernel: Kernel, function: int, arguments: int, work: int, threads: int) -> None:
    """Call the kernel at address `function` once on each of `threads` threads, all with the same arguments.

    Where `work`, the number of its elements or terms, is large, an interrupt ends it within a fraction of a second.
    """
    if work >= LONG and threading.current_thread() is threading.main_thread() and not sys.is_finalizing():
        _pool.run(kernel, arguments, threads)
    elif threads <= 1:
        kernel(arguments)
    elif (parallel := _openmp().parallel) is not None:
        parallel(function, arguments, threads, 0)
    else:
        _pool.join(kernel, arguments, threads)


# --- threads of Python ------------------------------------------------------------------------------------------------

Place: TypeAlias = Any
"""A thread's place in a call, a lock: who holds it is inside the kernel, or keeps others from entering."""


class Pool:
    """Threads that wait for work, as many as were ever wanted at once. They end with the process.

    Who calls a kernel takes all places before the arguments end: those that nobody came for at once, the others when
    their threads have left. So a thread that is late, or that the end of the interpreter has stopped, is not waited
    for.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._size = 0

    def join(self, kernel: Kernel, arguments: int, threads: int) -> None:
        """Call a kernel here, and on other threads as far as they come in time."""
        places = [threading.RLock() for _ in range(threads - 1)]
        try:
            self._send(places, kernel, arguments, SimpleQueue())
            kernel(arguments)
        finally:
            _close(places, arguments)

    def run(self, kernel: Kernel, arguments: int, threads: int) -> None:
        """Call a kernel on other threads; what interrupts this one stops it."""
        ended: SimpleQueue[None] = SimpleQueue()
        places = [threading.RLock() for _ in range(threads)]
        try:
            if self._send(places, kernel, arguments, ended):
                ended.get()  # one thread that finds no more blocks is enough
            else:
                kernel(arguments)
        except BaseException:
            _stop(arguments)
            raise
        finally:
            _close(places, arguments)

    def _send(self, places: Sequence[Place], kernel: Kernel, arguments: int, ended: SimpleQueue[None]) -> int:
        """Send threads to their places; return how many there are to be had."""
        while self._size < len(places):
            try:
                threading.Thread(target=_serve, args=(self._jobs,), name="normwise", daemon=True).start()
            except RuntimeError:  # the interpreter is about to end, or the system has no more
                break
            self._size += 1
        for place in places[: self._size]:
            self._jobs.put(functools.partial(_enter, place, kernel, arguments, ended))
        return min(self._size, len(places))


def _serve(jobs: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        jobs.get()()


def _enter(place: Place, kernel: Kernel, arguments: int, ended: SimpleQueue[None]) -> None:
    if place.acquire(blocking=False):
        try:
            kernel(arguments)
        finally:
            place.release()
            ended.put(None)


def _close(places: Sequence[Place], arguments: int) -> None:
    """Let no thread enter any more, and wait until all have left, whatever interrupts: they use the caller's memory."""
    interrupt = None
    while True:
        try:
            for place in places:
                place.acquire()  # one that is ours already is so again
            break
        except BaseException as error:  # raised below
            interrupt = error
            _stop(arguments)
    if interrupt is not None:
        raise interrupt


def _stop(arguments: int) -> None:
    ctypes.c_int64.from_address(arguments).value = STOP


_pool = Pool()


# --- torch's OpenMP ---------------------------------------------------------------------------------------------------


class _OpenMP:
    """GNU's OpenMP library as torch brought it, if it did."""

    def __init__(self, torch: ModuleType | None) -> None:
        self.parallel: Callable[..., Any] | None = None
        """GOMP_parallel."""
        self.pause: Callable[[int], int] | None = None
        """omp_pause_resource_all."""
        if torch is None or torch.__file__ is None:
            return
        for path in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*")):
            try:
                library = ctypes.CDLL(str(path), mode=os.RTLD_NOW | os.RTLD_NOLOAD)
            except OSError:
                continue
            self.pause = getattr(library, "omp_pause_resource_all", None)
            self.parallel = getattr(library, "GOMP_parallel", None)
            if self.parallel is not None:
                self.parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)  # type: ignore[attr-defined]
                self.parallel.restype = None  # type: ignore[attr-defined]
                return

    def rest(self) -> bool:
        """End the threads that this one has in the library's pool; return whether it has none then."""
        return self.parallel is None or (self.pause is not None and self.pause(1) == 0)


_NONE = _OpenMP(None)
_library = functools.cache(_OpenMP)


def _openmp() -> _OpenMP:
    return _library(sys.modules.get("torch")) if _forks.whole else _NONE


class _Forks:
    """Whether GNU's OpenMP is whole: a process that was forked waits for ever for threads that only its parent has."""

    def __init__(self) -> None:
        self.whole = not _was_forked()

    def before(self) -> None:
        self._rests = _library(sys.modules.get("torch")).rest() if self.whole else False

    def in_child(self) -> None:
        global _pool  # noqa: PLW0603 - a child has none of its parent's threads
        _pool = Pool()
        self.whole = self.whole and self._rests


def _was_forked() -> bool:
    """Whether the process was forked, and runs the program of its parent; False where the system does not tell."""
    try:
        flags = int(Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()[6])
    except (OSError, ValueError, IndexError):
        return False
    return bool(flags & 0x40)  # PF_FORKNOEXEC


_forks = _Forks()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_forks.before, after_in_child=_forks.in_child)
