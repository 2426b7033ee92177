"""Kernels that reduce along one dimension: what is left of each row, or of each column."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from normwise.engines.cpu.device.builder import FLOAT64, WORD, Array, Builder, Type, Value, Variable, least, where
from normwise.engines.cpu.device.elements import element
from normwise.engines.cpu.device.tiles import Grid
from normwise.engines.cpu.row_spec import INFINITY, RowSpec
from normwise.engines.cpu.spec import STEP


class Cell(NamedTuple):
    """What a partial result is kept as."""

    dtype: Type
    of: Callable[[Value], Value]
    """From the value of an element, a float64."""
    joined: Callable[[Value, Value], Value]
    """Two of them."""


def _largest(a: Value, b: Value) -> Value:
    return where(b > a, b, a)


# The bits of numbers that are not negative are in the order of the numbers, with nan at the end: as integers they have
# a maximum that vectorises and that nan wins. Counted back from infinity they are in the reverse order, and nan, which
# is beyond, comes out at the end again.
CELLS = {
    None: Cell(FLOAT64, lambda value: value, lambda a, b: a + b),
    "maximum": Cell(WORD, lambda value: value.bits, _largest),
    "minimum": Cell(WORD, lambda value: INFINITY - value.bits, _largest),
}


def build_rows(builder: Builder, spec: RowSpec) -> None:
    """Build the kernel of a spec."""
    grid = Grid(builder, spec, FLOAT64)
    {"rows": _down, "columns": _across}[spec.along](builder, spec, grid)


def _cells(builder: Builder, spec: RowSpec, grid: Grid, elements: list[Array], j: Value) -> list[Value]:
    values, _ = element(builder, spec, grid.arguments.parameters, elements, j)
    return [CELLS[spec.extreme].of(value) for value in values]


def _across(builder: Builder, spec: RowSpec, grid: Grid) -> None:
    """Each row's result: of whole rows at a time where they are short, else a step at a time."""
    cell = CELLS[spec.extreme]
    places = builder.array(grid.arguments.header["partials"], cell.dtype)
    waiting = [builder.buffer(cell.dtype, STEP) for _ in spec.sums]
    apart = grid.planes * grid.rows * grid.across
    with grid.blocks() as block, grid.tiles(block) as tile:
        at = (block.plane * grid.rows + tile.row) * grid.across + block.column // grid.chunk
        short = block.width <= STEP
        rows_at_once = where(short, block.width.like(STEP) // block.width, 1)
        step = where(short, rows_at_once * block.width, STEP)
        whole = [Variable(builder.number(0, cell.dtype)) for _ in spec.sums]
        with builder.loop(tile.size, step=step) as i:
            count = least(tile.size - i, step)
            here = [array.at(i) for array in tile.elements]
            with builder.loop(count) as j:
                for buffer, value in zip(waiting, _cells(builder, spec, grid, here, j), strict=True):
                    buffer[j] = value

            def each_row() -> None:
                first = i // block.width
                with builder.loop(count // block.width) as r:
                    for k, buffer in enumerate(waiting):
                        total = Variable(builder.number(0, cell.dtype))
                        _join(builder, cell, buffer.at(r * block.width), block.width, total)
                        places[apart * k + at + (first + r) * grid.across] = total.value

            def part_of_one() -> None:
                for k, (buffer, total) in enumerate(zip(waiting, whole, strict=True)):
                    _join(builder, cell, buffer, count, total)
                    places[apart * k + at] = total.value

            builder.choose(short, each_row, part_of_one)


def _join(builder: Builder, cell: Cell, values: Array, count: Value, total: Variable) -> None:
    """Join some cells to one, in whatever order is fastest."""
    with builder.licence("reassoc"), builder.loop(count) as j:
        total.value = cell.joined(total.value, values[j])


def _down(builder: Builder, spec: RowSpec, grid: Grid) -> None:
    """Each column's result: the rows of a group one after the other, all columns of a chunk at once."""
    cell = CELLS[spec.extreme]
    places = builder.array(grid.arguments.header["partials"], cell.dtype)
    apart = grid.planes * grid.down * grid.columns
    with grid.blocks() as block:
        at = (block.plane * grid.down + block.first_row // grid.group) * grid.columns + block.column
        lines = [places.at(apart * k + at) for k in range(len(spec.sums))]
        with grid.tiles(block) as tile, builder.loop(tile.depth) as r:
            here = [array.at(r * block.width) for array in tile.elements]
            with builder.loop(block.width) as j:
                found = _cells(builder, spec, grid, here, j)
                for line, value in zip(lines, found, strict=True):
                    line[j] = cell.joined(line[j], value)
