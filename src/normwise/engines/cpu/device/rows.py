"""Kernels that reduce along one dimension: what is left of each row, or of each column."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from normwise.engines.cpu.device.builder import (
    FLOAT64,
    WORD,
    Array,
    Builder,
    Type,
    Value,
    Variable,
    fused,
    least,
    where,
)
from normwise.engines.cpu.device.elements import element, variables_at
from normwise.engines.cpu.device.numbers import values_of
from normwise.engines.cpu.device.tiles import Block, Grid
from normwise.engines.cpu.row_spec import INFINITY, RowSpec
from normwise.engines.cpu.spec import STEP


class Cell(NamedTuple):
    """What a partial result is kept as."""

    dtype: Type
    of: Callable[[Value], Value]
    """From the value of an element, a float64."""
    value: Callable[[Value], Value]
    """What it stands for."""
    joined: Callable[[Value, Value], Value]
    """Two of them."""

    def met(self, cell: Value, value: Value, factor: Value | None = None) -> Value:
        """One of them and the value of an element, which may be in two factors."""
        return self.joined(cell, self.of(value)) if factor is None else fused(value, factor, cell)


def _largest(a: Value, b: Value) -> Value:
    return where(b > a, b, a)


# The bits of numbers that are not negative are in the order of the numbers, with nan at the end: as integers they have
# a maximum that vectorises and that nan wins. Counted back from infinity they are in the reverse order, and nan, which
# is beyond, comes out at the end again.
CELLS = {
    None: Cell(FLOAT64, lambda value: value, lambda cell: cell, lambda a, b: a + b),
    "maximum": Cell(WORD, lambda value: value.bits, lambda cell: cell.as_float(FLOAT64), _largest),
    "minimum": Cell(
        WORD, lambda value: INFINITY - value.bits, lambda cell: (INFINITY - cell).as_float(FLOAT64), _largest
    ),
}


def build_rows(builder: Builder, spec: RowSpec) -> None:
    """Build the kernel of a spec: take a block, join its elements, and finish what is left where that is wanted."""
    grid = Grid(builder, spec, FLOAT64)
    elements = replace(spec, storage=spec.storage[: len(spec.inputs)])
    with grid.blocks() as block:
        {"rows": _down, "columns": _across}[spec.along](builder, elements, grid, block)
        if spec.finish is not None:
            _finish(builder, spec, grid, block)


class Left(NamedTuple):
    """What is left of a block that holds its lines whole."""

    first: Value
    count: Value
    everywhere: Value
    """How many there are in all blocks."""


def left_of(spec: RowSpec, grid: Grid, block: Block) -> Left:
    """Return which lines a block holds."""
    if spec.along == "columns":
        first, count, each = block.first_row, block.last_row - block.first_row, grid.rows
    else:
        first, count, each = block.column, block.width, grid.columns
    return Left(block.plane * each + first, count, grid.planes * each)


def _finish(builder: Builder, spec: RowSpec, grid: Grid, block: Block) -> None:
    """What becomes of the result of each line of a block; the result itself is left as a float64."""
    cell, left, partials = CELLS[spec.extreme], left_of(spec, grid, block), grid.arguments.header["partials"]
    cells = builder.array(partials, cell.dtype).at(left.first)
    values = builder.array(partials, FLOAT64)
    operand, finish = grid.operands[-1], spec.finish
    finished = builder.array(operand.address, operand.stored.raw).at(left.first)
    assert finish is not None
    [name] = finish.arrays
    doubts = Variable(builder.number(0, FLOAT64))
    with builder.loop(left.count) as j:
        value = cell.value(cells[j])
        values.at(left.first)[j] = value
        wanted = [each.expression for each in (finish, spec.doubt) if each is not None]
        result, *doubt = values_of(builder, FLOAT64, wanted, {name: value})
        finished[j] = operand.stored.store(result)
        with builder.licence("reassoc"):
            for each in doubt:
                doubts.value = doubts.value + each
    if spec.doubt is not None:
        values[left.everywhere + block.number] = doubts.value


def _cells(builder: Builder, spec: RowSpec, grid: Grid, elements: list[Array], j: Value) -> list[Value]:
    values, _ = element(builder, spec, grid.arguments.parameters, elements, j)
    return [CELLS[spec.extreme].of(value) for value in values]


def _terms(builder: Builder, spec: RowSpec, grid: Grid, elements: list[Array], j: Value) -> list[list[Value]]:
    """For each sum the value of an element, or the two factors of it."""
    variables = variables_at(builder, spec, grid.arguments.parameters, elements, j)
    values = iter(values_of(builder, FLOAT64, [each for term in spec.terms for each in term], variables))
    return [[next(values) for _ in term] for term in spec.terms]


def _across(builder: Builder, spec: RowSpec, grid: Grid, block: Block) -> None:
    """Each row's result: of whole rows at a time where they are short, else a step at a time."""
    cell = CELLS[spec.extreme]
    places = builder.array(grid.arguments.header["partials"], cell.dtype)
    waiting = [builder.buffer(cell.dtype, STEP) for _ in spec.sums]
    apart = grid.planes * grid.rows * grid.across
    with grid.tiles(block) as tile:
        at = (block.plane * grid.rows + tile.row) * grid.across + block.column // grid.chunk

        def whole_rows() -> None:
            step = block.width.like(STEP) // block.width * block.width
            with builder.loop(tile.size, step=step) as i:
                count = least(tile.size - i, step)
                here = [array.at(i) for array in tile.elements]
                with builder.loop(count) as j:
                    for buffer, value in zip(waiting, _cells(builder, spec, grid, here, j), strict=True):
                        buffer[j] = value
                first = i // block.width
                with builder.loop(count // block.width) as r:
                    for k, buffer in enumerate(waiting):
                        total = Variable(builder.number(0, cell.dtype))
                        _join(builder, cell, buffer.at(r * block.width), block.width, total)
                        places[apart * k + at + (first + r) * grid.across] = total.value

        def part_of_one() -> None:
            totals = [Variable(builder.number(0, cell.dtype)) for _ in spec.sums]
            with builder.loop(tile.size) as j:
                terms = _terms(builder, spec, grid, [*tile.elements], j)
                with builder.licence("reassoc"):
                    for total, term in zip(totals, terms, strict=True):
                        total.value = cell.met(total.value, *term)
            for k, total in enumerate(totals):
                places[apart * k + at] = total.value

        builder.choose(block.width <= STEP, whole_rows, part_of_one)


def _join(builder: Builder, cell: Cell, values: Array, count: Value, total: Variable) -> None:
    """Join some cells to one, in whatever order is fastest."""
    with builder.licence("reassoc"), builder.loop(count) as j:
        total.value = cell.joined(total.value, values[j])


def _down(builder: Builder, spec: RowSpec, grid: Grid, block: Block) -> None:
    """Each column's result: the rows of a group one after the other, all columns of a chunk at once."""
    cell = CELLS[spec.extreme]
    places = builder.array(grid.arguments.header["partials"], cell.dtype)
    apart = grid.planes * grid.down * grid.columns
    at = (block.plane * grid.down + block.first_row // grid.group) * grid.columns + block.column
    lines = [places.at(apart * k + at) for k in range(len(spec.sums))]
    for line in lines:
        with builder.loop(block.width) as j:
            line[j] = builder.number(0, cell.dtype)
    with grid.tiles(block) as tile, builder.loop(tile.depth) as r:
        here = [array.at(r * block.width) for array in tile.elements]
        with builder.loop(block.width) as j:
            for line, term in zip(lines, _terms(builder, spec, grid, here, j), strict=True):
                line[j] = cell.met(line[j], *term)
