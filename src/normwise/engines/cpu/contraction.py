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

from normwise.engines.cpu.contraction_spec import BLOCK, HEADER, WORDS, ContractionSpec, Extent, Strides
from normwise.engines.cpu.store import assembly_of, load
from normwise.engines.cpu.threads import run_on_threads, thread_count

SERIAL = 1 << 15
"""Terms below which waking a second thread costs more than it saves."""

BLOCKS = 16
"""Blocks that are wanted, for threads to share."""


class ContractionKernel:
    """The machine code of a `ContractionSpec`: compiled at its first use on a machine, afterwards read from disk."""

    def __init__(self, spec: ContractionSpec) -> None:
        self.spec = spec
        self._code = load(spec)
        self._call = self._code.function()
        words = len(HEADER) + WORDS * len(spec.storage)
        self._layout = struct.Struct(f"={words}q{len(spec.parameters)}d")

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
        planes, rows, lanes, depth = extent
        spans = 1 if self.spec.nearest else -(-lanes // (self.spec.side * self.spec.span))
        group = BLOCK // self.spec.side
        while group > 8 and planes * -(-rows // group) * spans < BLOCKS:
            group //= 2
        blocks = planes * -(-rows // group) * spans
        operands = [word for place, steps in zip(addresses, strides, strict=True) for word in (place, *steps)]
        memory = bytearray(self._layout.size)
        self._layout.pack_into(memory, 0, 0, blocks, *extent, group, count, *operands, *parameters)
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        work = planes * rows * lanes * depth
        threads = 1 if work < SERIAL else min(thread_count(), blocks)
        run_on_threads(self._call, self._code.address, at, work, threads)
        del memory  # until here it had to live
