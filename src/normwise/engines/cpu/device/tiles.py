"""Tiles of the planes x rows x columns grid: where a kernel's operands are at hand, contiguous."""

# pyright: basic
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from normwise.engines.cpu.device.arguments import Arguments, Operand
from normwise.engines.cpu.device.builder import WORD, Array, Builder, Value, ceiling, least
from normwise.engines.cpu.device.storage import STORED
from normwise.engines.cpu.spec import BUFFERED, HEADER, KernelSpec

NARROW = 8
"""Columns below which a buffer is filled column by column."""


class Block(NamedTuple):
    """A group of rows and a chunk of columns of a plane."""

    number: Value
    plane: Value
    first_row: Value
    last_row: Value
    column: Value
    width: Value


class Tile(NamedTuple):
    """Some rows of a block."""

    row: Value
    depth: Value
    size: Value
    elements: tuple[Array, ...]
    """Of each operand, as they are in memory."""


class Grid:
    """What a kernel of a spec runs over."""

    def __init__(self, builder: Builder, spec: KernelSpec, real: Any) -> None:
        self.builder, self.spec = builder, spec
        stored = [STORED[kind] for kind in spec.storage]
        strides = 0 if spec.direct is None else 3
        self.arguments = Arguments(builder, HEADER, stored, strides, len(spec.parameters), real)
        one, none = builder.number(1, WORD), builder.number(0, WORD)
        self.operands = [
            operand if operand.strides else operand._replace(strides=(none, none, one))
            for operand in self.arguments.operands
        ]
        self.direct = spec.direct or (True,) * len(stored)
        self._buffers = [
            None if direct else builder.buffer(each.raw, BUFFERED)
            for each, direct in zip(stored, self.direct, strict=True)
        ]
        header = self.arguments.header
        self.planes, self.rows, self.columns = header["planes"], header["rows"], header["columns"]
        self.group, self.chunk, self.height = header["group"], header["chunk"], header["height"]
        self.across, self.down = ceiling(self.columns, self.chunk), ceiling(self.rows, self.group)

    @contextmanager
    def blocks(self) -> Iterator[Block]:
        """Run what is written within for each block that this thread gets hold of."""
        with self.arguments.blocks() as b:
            first_row = b // self.across % self.down * self.group
            column = b % self.across * self.chunk
            yield Block(
                b,
                b // (self.down * self.across),
                first_row,
                least(first_row + self.group, self.rows),
                column,
                least(self.columns - column, self.chunk),
            )

    @contextmanager
    def tiles(self, block: Block) -> Iterator[Tile]:
        """Run what is written within for each tile of a block; then bring what was written to its place."""
        # A block may be long where it is a group of many rows.
        with self.builder.loop(ceiling(block.last_row - block.first_row, self.height)) as i:
            self.arguments.stop_if_interrupted()
            row = block.first_row + i * self.height
            depth = least(block.last_row - row, self.height)
            places = [operand.at(block.plane, row, block.column) for operand in self.operands]
            read = len(self.spec.inputs)
            elements: list[Array] = []
            for k, (operand, place) in enumerate(zip(self.operands, places, strict=True)):
                buffer = self._buffers[k]
                if buffer is None:
                    elements.append(self.builder.array(place, operand.stored.raw))
                    continue
                elements.append(buffer)
                if k < read:
                    _both_ways(_gather, operand, place, buffer, depth, block.width)
            yield Tile(row, depth, depth * block.width, tuple(elements))
            for operand, place, buffer in [*zip(self.operands, places, self._buffers, strict=True)][read:]:
                if buffer is not None:
                    _both_ways(_scatter, operand, place, buffer, depth, block.width)


def _both_ways(copy: Any, operand: Operand, place: Value, buffer: Array, depth: Value, width: Value) -> None:
    """Copy a tile row by row, or column by column where there are few of those."""
    _, row, column = operand.strides
    one = width.like(1)
    width.builder.choose(
        (width < NARROW) & (width < depth),
        lambda: copy(operand, place, buffer, (width, column, one), (depth, row, width)),
        lambda: copy(operand, place, buffer, (depth, row, width), (width, column, one)),
    )


Steps = tuple[Value, Value, Value]
"""How many there are, how far apart in memory, and how far apart in the buffer."""


def _gather(operand: Operand, place: Value, buffer: Array, outer: Steps, inner: Steps) -> None:
    """Fill a buffer; what repeats along a line is read once for it."""
    builder, (stored, _, _) = place.builder, operand
    count, step, apart = inner
    with builder.loop(outer[0]) as i:
        line_at = place + i * outer[1] * stored.size
        source, line = builder.array(line_at, stored.raw), buffer.at(i * outer[2])

        def repeat() -> None:
            repeated = source[0]
            with builder.loop(count) as j:
                line[j * apart] = repeated

        def copy(step: Any) -> None:
            with builder.loop(count) as j:
                line[j * apart] = source[j * step]

        builder.choose(step == 0, repeat, lambda: builder.choose(step == 1, lambda: copy(1), lambda: copy(step)))


def _scatter(operand: Operand, place: Value, buffer: Array, outer: Steps, inner: Steps) -> None:
    """Bring a buffer to its place."""
    builder, (stored, _, _) = place.builder, operand
    count, step, apart = inner
    with builder.loop(outer[0]) as i:
        target, line = builder.array(place + i * outer[1] * stored.size, stored.raw), buffer.at(i * outer[2])
        with builder.loop(count) as j:
            target[j * step] = line[j * apart]
