"""A compiled kernel, and how it is called."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normwise.engines.cpu.programs import Programs
from normwise.engines.cpu.spec import BUFFERED, KernelSpec
from normwise.engines.cpu.store import assembly_of
from normwise.engines.cpu.threads import run_on_threads, thread_count
from normwise.engines.layout import Layout
from normwise.formula.caches import computed_once

CHUNK = 1 << 15
"""Elements in a block. The grid of blocks depends on the shape alone, never on the number of threads."""

SERIAL = 1 << 16
"""Elements below which waking a second thread costs more than it saves."""

SHORT = BUFFERED // 8
"""Columns below which a tile holds many rows."""


Grid = tuple[int, int, int, int, int, int]
"""Planes, rows and columns, the rows and the columns of a block, and the rows of a tile."""

_Arguments = tuple[bytearray, memoryview, int, int]
"""A kernel's arguments: their memory, the same as float64, their address, and the address of the sums behind them."""


class Kernel:
    """The machine code of a `KernelSpec`, and how it is called.

    Both ways to call it return the sums, one for each of ``spec.sums``. The operands are those of ``spec.operands``, by
    address; their memory is to outlive the call.
    """

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self._programs = Programs(spec)
        self._sums = len(spec.sums)
        format = f"={spec.reals}q{len(spec.parameters)}d"
        self._pack = struct.Struct(format).pack_into
        self._first_sum = struct.calcsize(format) // 8
        # Arguments that no call uses at the moment; taking from and adding to a list is atomic.
        self._unused: list[_Arguments] = []

    @computed_once
    def _call(self) -> Callable[[int], None]:
        return self._programs.short.call

    @property
    def assembly(self) -> str:
        """The kernel's assembly, compiled anew."""
        return assembly_of(self.spec)

    def flat(self, size: int, *words: float) -> Sequence[float]:
        """Run over `size` contiguous elements; the words are the addresses, then the parameters. No `direct` here."""
        if size >= SERIAL:
            return self._summed((1, 1, size, 1, CHUNK, 1), words)
        # Small arrays, where every microsecond shows: one thread, and the sums stand behind the arguments.
        try:
            arguments = self._unused.pop()
        except IndexError:
            arguments = self._new_arguments()
        memory, sums, at, places = arguments
        blocks = 1 if size <= CHUNK else 2
        self._pack(memory, 0, 0, blocks, 1, 1, size, 1, CHUNK, 1, places, *words)
        self._call(at)
        first, count = self._first_sum, self._sums
        if blocks == 1 == count:
            result = (sums[first],)
        else:
            result = [sum(sums[first + k : first + blocks * count : count]) for k in range(count)]
        self._unused.append(arguments)
        return result

    def strided(self, layout: Layout, addresses: Sequence[int], parameters: Sequence[float]) -> Sequence[float]:
        """Run over a layout; the spec's `direct` is what `direct_operands` says of it."""
        planes, rows, columns, _ = layout
        height = tile_height(layout)
        if height > 1:
            chunk, group = columns, max(1, CHUNK // (columns * height)) * height
        else:
            chunk = min(CHUNK if all(direct_operands(layout)) else BUFFERED, columns)
            group = max(1, CHUNK // chunk)
        grid = (planes, rows, columns, min(group, rows), chunk, height)
        return self._summed(grid, (*strided_words(layout, addresses), *parameters))

    def _summed(self, grid: Grid, words: Sequence[float]) -> Sequence[float]:
        sums = np.empty((_blocks(grid), self._sums))
        self.launch(grid, sums, words)
        return sums.sum(axis=0).tolist()  # type: ignore[no-any-return]

    def launch(self, grid: Grid, places: npt.NDArray[Any], words: Sequence[float]) -> None:
        """Run on as many threads as the grid is worth; the words are the operands', then the parameters."""
        planes, rows, columns, *_ = grid
        blocks = _blocks(grid)
        memory, _, at, _ = arguments = self._new_arguments()
        self._pack(memory, 0, 0, blocks, *grid, places.ctypes.data, *words)
        work = planes * rows * columns
        if work < SERIAL:
            self._call(at)
        else:
            run_on_threads(*self._programs.long, at, work, min(thread_count(), blocks))
        del arguments  # until here they had to live

    def _new_arguments(self) -> _Arguments:
        memory = bytearray(8 * (self._first_sum + self._sums * SERIAL // CHUNK))
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        view: Any = memoryview(memory).cast("d")
        return memory, view, at, at + 8 * self._first_sum


def _blocks(grid: Grid) -> int:
    planes, rows, columns, group, chunk, _ = grid
    return planes * -(-rows // group) * -(-columns // chunk)


def strided_words(layout: Layout, addresses: Sequence[int]) -> list[int]:
    """The words of the operands of a layout: each one's address and strides."""
    return [word for address, steps in zip(addresses, layout.strides, strict=True) for word in (address, *steps)]


def tile_height(layout: Layout) -> int:
    """How many rows make a tile: many where they are short, for a short tile costs as much as a long one."""
    return min(layout.rows, BUFFERED // layout.columns) if layout.columns <= SHORT else 1


def direct_operands(layout: Layout) -> tuple[bool, ...]:
    """For each operand whether its tiles lie in one piece."""
    many = tile_height(layout) > 1
    return tuple(column == 1 and (not many or row == layout.columns) for _, row, column in layout.strides)
