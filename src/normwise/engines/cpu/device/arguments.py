"""The arguments of every kernel, and the blocks that its threads share.

A kernel is a C function of one argument, the address of 64-bit words: some that its kind has names for, the first of
which are a counter and the number of blocks; then for each operand its address and its strides, in elements; then the
parameters, as float64. It takes blocks from the counter until none is left, so any number of threads may run it at
once; what a block finds has a place of its own, so the result does not depend on who computed it.
"""

# pyright: basic
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from normwise.engines.cpu.device.builder import FLOAT64, WORD, Builder, Type, Value
from normwise.engines.cpu.device.storage import Stored
from normwise.engines.cpu.threads import STOP


class Operand(NamedTuple):
    """An array that a kernel reads or writes."""

    stored: Stored
    address: Value
    strides: tuple[Value, ...]
    """In elements."""

    def at(self, *indices: Value) -> Value:
        """The address of the element at some indices, one for each stride."""
        steps = [index * stride for index, stride in zip(indices, self.strides, strict=True)]
        return self.address + sum(steps[1:], start=steps[0]) * self.stored.size


class Arguments:
    """What a kernel is called with.

    Parameters
    ----------
    builder : Builder
    header : sequence of str
        The names of the first words.
    operands : sequence of Stored
    strides : int
        How many each operand has.
    parameters : int
        How many there are, in the type of the arithmetic.
    real : FLOAT32 or FLOAT64
    """

    def __init__(
        self,
        builder: Builder,
        header: Sequence[str],
        operands: Sequence[Stored],
        strides: int,
        parameters: int,
        real: Type,
    ) -> None:
        words = builder.array(builder.address, WORD)
        self._builder = builder
        self.header = {name: words[i] for i, name in enumerate(header)}
        self.operands: list[Operand] = []
        for i, stored in enumerate(operands):
            first = len(header) + i * (1 + strides)
            steps = tuple(words[first + 1 + k] for k in range(strides))
            self.operands.append(Operand(stored, words[first], steps))
        first = len(header) + len(operands) * (1 + strides)
        reals = builder.array(builder.address, FLOAT64)
        self.parameters = [reals[first + i].to(real) for i in range(parameters)]

    @contextmanager
    def blocks(self) -> Iterator[Value]:
        """Run what is written within for each block that this thread gets hold of."""
        with self._builder.until_left() as leave:
            block = self._builder.fetch_add_one(self._builder.address)
            leave(block >= self.header["blocks"])
            yield block

    def stop_if_interrupted(self) -> None:
        """End the kernel where it was interrupted: what may take long asks now and then."""
        self._builder.stop_where(self._builder.word_at(self._builder.address) >= STOP)
