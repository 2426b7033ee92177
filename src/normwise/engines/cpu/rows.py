"""Kernels that reduce along one dimension: a sum, or an extreme, for each row or for each column.

The loops are those of all kernels; what differs is where a block leaves its results. Its chunk of a row, or its group
of the rows of a column, gives a partial result of its own, so that few and long rows use all threads too, and the
result does not depend on their number.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normwise.engines.cpu.kernel import (
    CHUNK,
    SERIAL,
    SHORT,
    Grid,
    Kernel,
    direct_operands,
    strided_words,
    tile_height,
)
from normwise.engines.cpu.programs import Program
from normwise.engines.cpu.row_spec import INFINITY, Extreme, RowSpec, SlopeSpec
from normwise.engines.cpu.spec import BUFFERED, HEADER
from normwise.engines.cpu.threads import run_on_threads, thread_count
from normwise.engines.layout import Layout

LANES = 1 << 10
"""Columns at most whose sums over the rows are kept in the cache together."""

GROUPS = 1 << 6
"""Groups at most that the rows of a column are split into."""


class LineKernel(Kernel):
    """The machine code of a `RowSpec`, of either kind."""

    spec: RowSpec

    def program(self, work: int) -> Program:
        """Return the code for so many elements."""
        return self._programs.short if work < SERIAL else self._programs.long


class RowKernel(LineKernel):
    """What reduces lines."""

    def reduced(self, layout: Layout, addresses: Any, parameters: Any) -> npt.NDArray[np.float64]:
        """Run over a layout; return for each sum the results of the planes x rows, or of the planes x columns."""
        spec, grid = self.spec, grid_of(self.spec, layout)
        planes, rows, columns, group, chunk, _ = grid
        if spec.along == "columns":
            partials = (len(spec.sums), planes, rows, -(-columns // chunk))
        else:
            partials = (len(spec.sums), planes, -(-rows // group), columns)
        cells = np.empty(partials, np.uint64 if spec.extreme else np.float64)
        self.launch(grid, cells, (*strided_words(layout, addresses), *parameters))
        return _joined(cells, spec.extreme, -1 if spec.along == "columns" else -2)


class SlopeKernel(LineKernel):
    """The machine code of a `SlopeSpec`."""

    spec: SlopeSpec  # type: ignore[assignment]  # which nobody changes


def grid_of(spec: RowSpec, layout: Layout) -> Grid:
    """Return the grid of a layout."""
    planes, rows, columns, _ = layout
    height = tile_height(layout)
    if spec.along == "columns":
        direct = all(direct_operands(layout))
        chunk = columns if columns <= SHORT else min(CHUNK if direct else BUFFERED, columns)
        group = max(1, CHUNK // (chunk * height)) * height
    else:
        chunk = columns if columns <= SHORT else min(LANES, columns)
        group = max(1, CHUNK // (chunk * height), -(-rows // (GROUPS * height))) * height
    return planes, rows, columns, min(group, rows), chunk, height


def holds_lines(spec: RowSpec, layout: Layout) -> bool:
    """Whether a block holds the lines of a layout that are reduced whole."""
    _, rows, columns, group, chunk, _ = grid_of(spec, layout)
    return chunk == columns if spec.along == "columns" else group == rows


class Arguments(NamedTuple):
    """A kernel's arguments, with the partial results behind them."""

    words: memoryview
    at: int
    """Their address."""
    partials: int
    """The address of the partial results."""


class PreparedCall:
    """The calls of a kernel over one layout, all words of its arguments at hand but a few.

    Parameters
    ----------
    kernel : LineKernel
    layout : Layout
        Of the operands.
    missing : sequence of int
        Where the words are that each call brings, counted from the first operand's address.
    """

    def __init__(self, kernel: LineKernel, layout: Layout, missing: Sequence[int]) -> None:
        spec, grid = kernel.spec, grid_of(kernel.spec, layout)
        planes, rows, columns, group, chunk, _ = grid
        self.lines = planes * (rows if spec.along == "columns" else columns)
        blocks = planes * -(-rows // group) * -(-columns // chunk)
        operands = strided_words(layout, [0] * len(layout.strides))
        head = array("q", [0, blocks, *grid, 0, *operands, *[0] * len(spec.parameters)])
        self._head = 8 * len(head)
        self._template = head.tobytes() + bytes(8 * (self.lines + blocks))
        self._missing = [len(HEADER) + place for place in missing]
        self._doubts = slice(len(head) + self.lines, len(head) + self.lines + blocks)
        self._work = planes * rows * columns
        self._program = kernel.program(self._work)
        self._blocks = blocks if self._work >= SERIAL else 1
        self._call = self._program.call
        # Arguments that no call uses at the moment; taking from and adding to a list is atomic.
        self._unused: list[Arguments] = []
        self.end: Callable[[Arguments], None] = self._unused.append if self._work < SERIAL else _forget
        """Let another call have the arguments, which nobody is to look at any more."""

    def run(self, *brought: int) -> Arguments:
        """Run with the words that are missing; return the arguments, of which the caller is to say that they `end`."""
        try:
            arguments = self._unused.pop()
        except IndexError:
            arguments = self._fresh()
        words, at, _ = arguments
        words[0] = 0
        missing = self._missing
        if len(brought) == 2:  # a loop would take as long as the kernel does
            words[missing[0]], words[missing[1]] = brought
        elif len(brought) == 3:
            words[missing[0]], words[missing[1]], words[missing[2]] = brought
        else:
            for place, word in zip(missing, brought):  # noqa: B905 - to ask whether they are as many takes time too
                words[place] = word
        if self._blocks == 1:
            self._call(at)
        else:
            run_on_threads(*self._program, at, self._work, min(thread_count(), self._blocks))
        return arguments

    def doubts(self, arguments: Arguments) -> bool:
        """Whether a block summed up doubts."""
        return any(arguments.words[self._doubts])

    def _fresh(self) -> Arguments:
        memory = bytearray(self._template)
        words = memoryview(memory).cast("q")
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        words[PARTIALS] = partials = at + self._head
        return Arguments(words, at, partials)


def _forget(arguments: Arguments) -> None:
    """Let the memory of many lines go."""


PARTIALS = HEADER.index("partials")


def _joined(cells: Any, extreme: Extreme | None, axis: int) -> npt.NDArray[np.float64]:
    """The results, from the partial ones."""
    if extreme is None:
        return cells[..., 0] if axis == -1 and cells.shape[-1] == 1 else cells.sum(axis=axis)  # type: ignore[no-any-return]
    bits = cells.max(axis=axis)
    return (np.uint64(INFINITY) - bits if extreme == "minimum" else bits).view(np.float64)  # type: ignore[no-any-return]
