"""Kernels that sum formulas over one of three indices, where each array has some of the three: a formula's einsum.

The indices are called by what a kernel does with them: it takes *rows* one by one, *lanes* side by side in vectors, and
what is *summed* in chunks that stay in the cache. A distance of each point from each has the points of one side as
rows, those of the other as lanes, and sums over the features; its gradient has the features as lanes and sums over the
other side's points. All arithmetic is float64, but for `narrow` kernels.

A block is a group of rows and a few lanes. What has lanes is packed once for all rows of a block; what has not is
spread over the lanes. Each sum is complete within a block, in an order that depends on nothing but its length: so the
result neither depends on the number of threads nor on which side is called the rows.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

from normwise.engines.cpu.contraction_spec import BLOCK, HEADER, WORDS, ContractionSpec, Extent, Strides
from normwise.engines.cpu.programs import Program, Programs
from normwise.engines.cpu.store import assembly_of
from normwise.engines.cpu.threads import run_on_threads, thread_count

SERIAL = 1 << 15
"""Terms below which waking a second thread costs more than it saves."""

BLOCKS = 16
"""Blocks that are wanted, for threads to share."""


class ContractionKernel:
    """The machine code of a `ContractionSpec`, and how it is called."""

    def __init__(self, spec: ContractionSpec) -> None:
        self.spec = spec
        self._programs = Programs(spec)

    @property
    def assembly(self) -> str:
        """The kernel's assembly, compiled anew."""
        return assembly_of(self.spec)

    def run(
        self,
        extent: Extent,
        addresses: Sequence[int],
        strides: Sequence[Strides],
        parameters: Sequence[float],
        count: int = 0,
    ) -> None:
        """Run over operands given by address and strides; their memory is to outlive the call.

        With `nearest`, `count` are kept in each row of the two results: the
        values, which begin as nan, and where they were, as float64, which begins as -1.
        """
        self.laid_out(extent, strides, count)(addresses, parameters)

    def laid_out(self, extent: Extent, strides: Sequence[Strides], count: int = 0) -> LaidOut:
        """Return the kernel over operands of these strides, with all its arguments but addresses and parameters."""
        planes, rows, lanes, depth = extent
        spans = 1 if self.spec.nearest else -(-lanes // (self.spec.side * self.spec.span))
        group = BLOCK // self.spec.side
        while group > 8 and planes * -(-rows // group) * spans < BLOCKS:
            group //= 2
        blocks = planes * -(-rows // group) * spans
        operands = [word for steps in strides for word in (0, *steps)]
        words = struct.pack(f"={len(HEADER) + len(operands)}q", 0, blocks, *extent, group, count, *operands)
        work = planes * rows * lanes * depth
        program = self._programs.short if work < SERIAL else self._programs.long
        return LaidOut(program, words, len(self.spec.parameters), work, blocks)


class LaidOut:
    """A kernel over operands of one layout: of its arguments only the addresses and the parameters are to come."""

    def __init__(self, program: Program, words: bytes, parameters: int, work: int, blocks: int) -> None:
        self._program = program
        self._words = words
        self._parameters = parameters
        self._serial = work < SERIAL
        self._work = work
        self._blocks = blocks
        # Arguments that no call uses at the moment; taking from and adding to a list is atomic.
        self._unused: list[_Arguments] = []

    def __call__(self, addresses: Sequence[int], parameters: Sequence[float]) -> None:
        """Run; the memory of the operands is to outlive the call."""
        try:
            arguments = self._unused.pop()
        except IndexError:
            arguments = self._new_arguments()
        words, reals, at = arguments
        words[0] = 0
        place = len(HEADER)
        for address in addresses:
            words[place] = address
            place += WORDS
        for value in parameters:
            reals[place] = value
            place += 1
        if self._serial:
            self._program.call(at)
        else:
            run_on_threads(*self._program, at, self._work, min(thread_count(), self._blocks))
        self._unused.append(arguments)

    def _new_arguments(self) -> _Arguments:
        memory = bytearray(self._words + bytes(8 * self._parameters))
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        view = memoryview(memory)
        return view.cast("q"), view.cast("d"), at


_Arguments = tuple[Any, Any, int]
"""A kernel's arguments: their memory as words, the same as float64, and their address."""
