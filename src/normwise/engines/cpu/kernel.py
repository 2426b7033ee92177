"""A compiled kernel, and how it is called."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.engines.cpu.source import BUFFERED, KernelSpec, kernel_source
from normwise.engines.cpu.store import load
from normwise.engines.cpu.threads import CFunction, run_on_threads, thread_count
from normwise.engines.layout import Layout

CHUNK = 1 << 15
"""Elements in a block. The grid of blocks depends on the shape alone, never on the number of threads."""

SERIAL = 1 << 16
"""Elements below which waking a second thread costs more than it saves."""


class Kernel:
    """The machine code of a `KernelSpec`: compiled at its first use on a machine, afterwards read from disk.

    Both ways to call it return the sum of the weighted values and the sum of the weights (0 where the spec has no
    total or no weight). The operands are those of ``spec.operands``, by address; their memory is to outlive the call.
    """

    def __init__(self, spec: KernelSpec) -> None:
        self._code = load(kernel_source(spec))
        self._call = CFunction(self._code.address)
        format = f"={spec.reals}q{1 + len(spec.parameters)}d"
        self._pack = struct.Struct(format).pack_into
        self._first_sum = struct.calcsize(format) // 8
        # Arguments that no call uses at the moment; taking from and adding to a list is atomic.
        self._unused: list[tuple[bytearray, memoryview, int]] = []

    @property
    def assembly(self) -> str:
        """The kernel's assembly."""
        return self._code.assembly

    def flat(
        self, size: int, addresses: Sequence[int], scale: float, parameters: Sequence[float]
    ) -> tuple[float, float]:
        """Run over `size` contiguous elements; the spec has no `unit`."""
        if size >= SERIAL:
            return self._run(1, size, 1, CHUNK, addresses, scale, parameters)
        # Small arrays, where every microsecond shows: one thread, and the sums stand behind the arguments.
        try:
            arguments = self._unused.pop()
        except IndexError:
            arguments = self._new_arguments()
        memory, sums, at = arguments
        first, blocks = self._first_sum, -(-size // CHUNK)
        self._pack(memory, 0, 0, blocks, 1, size, 1, CHUNK, at + 8 * first, *addresses, scale, *parameters)
        self._call(at)
        if blocks == 1:
            result = sums[first], sums[first + 1]
        else:
            last = first + 2 * blocks
            result = sum(sums[first:last:2]), sum(sums[first + 1 : last : 2])
        self._unused.append(arguments)
        return result

    def strided(
        self, layout: Layout, addresses: Sequence[int], scale: float, parameters: Sequence[float]
    ) -> tuple[float, float]:
        """Run over a layout of rows x columns, whose `unit` is the spec's."""
        rows, columns, strides = layout
        words = [word for address, steps in zip(addresses, strides, strict=True) for word in (address, *steps)]
        chunk = max(1, min(CHUNK if all(layout.unit) else BUFFERED, columns))
        group = max(1, min(rows, CHUNK // chunk))
        return self._run(rows, columns, group, chunk, words, scale, parameters)

    def _run(
        self,
        rows: int,
        columns: int,
        group: int,
        chunk: int,
        words: Sequence[int],
        scale: float,
        parameters: Sequence[float],
    ) -> tuple[float, float]:
        blocks = -(-rows // group) * -(-columns // chunk)
        sums = np.empty((blocks, 2))
        memory, _, at = arguments = self._new_arguments()
        self._pack(memory, 0, 0, blocks, rows, columns, group, chunk, sums.ctypes.data, *words, scale, *parameters)
        threads = 1 if rows * columns < SERIAL else min(thread_count(), blocks)
        if threads <= 1:
            self._call(at)
        else:
            run_on_threads(self._call, self._code.address, at, threads)
        del arguments  # until here they had to live
        total, weight = sums.sum(axis=0).tolist()
        return total, weight

    def _new_arguments(self) -> tuple[bytearray, memoryview, int]:
        memory = bytearray(8 * (self._first_sum + 2 * SERIAL // CHUNK))
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        view: Any = memoryview(memory).cast("d")
        return memory, view, at
