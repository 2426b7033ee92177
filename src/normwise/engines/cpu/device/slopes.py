"""Kernels that write the slopes of what is left of each row, or of each column, while the row is in the cache."""

# pyright: basic
from __future__ import annotations

from dataclasses import replace

from normwise.engines.cpu.device.builder import FLOAT64, WORD, Array, Builder, Value, least
from normwise.engines.cpu.device.elements import element
from normwise.engines.cpu.device.numbers import values_of
from normwise.engines.cpu.device.rows import left_of
from normwise.engines.cpu.device.tiles import Block, Grid, Tile
from normwise.engines.cpu.row_spec import RowSpec
from normwise.engines.cpu.spec import STEP


def build_slopes(builder: Builder, spec: RowSpec) -> None:
    """Build the kernel of a spec: take a block, find the factor of each of its lines, write its elements' slopes.

    Behind the operands of the elements are two of the lines: the results, and what comes from upstream, of which the
    step from line to line stands in the place of a row's. The partial results are the lines' factors.
    """
    grid = Grid(builder, spec, FLOAT64)
    elements = replace(spec, storage=spec.storage[:-2])
    results, upstream = grid.operands[-2:]
    with grid.blocks() as block:
        left = left_of(spec, grid, block)
        factors = builder.array(grid.arguments.header["partials"], FLOAT64).at(left.first)
        values = builder.array(results.address, FLOAT64).at(left.first)
        above = builder.array(upstream.address, upstream.stored.raw).at(left.first * upstream.strides[1])
        if spec.sums:
            _count(builder, elements, grid, block, values, factors)
        with builder.loop(left.count) as j:
            counted = factors[j] if spec.sums else values[j]
            factors[j] = _factor(builder, spec, counted, upstream.stored.load(above[j * upstream.strides[1]]))
        with grid.tiles(block) as tile:
            _write(builder, elements, grid, block, tile, factors, values)


def _factor(builder: Builder, spec: RowSpec, value: Value, upstream: Value) -> Value:
    finish = spec.finish
    assert finish is not None
    variables = dict(zip(finish.arrays, (value, upstream.to(FLOAT64)), strict=True))
    return values_of(builder, FLOAT64, [finish.expression], variables)[0]


def _line(spec: RowSpec, block: Block, tile: Tile, row: Value, column: Value) -> Value:
    """Which line of a block an element of a tile belongs to."""
    return tile.row - block.first_row + row if spec.along == "columns" else column


def _count(builder: Builder, spec: RowSpec, grid: Grid, block: Block, values: Array, counts: Array) -> None:
    """Sum up the first formula, of elements and of the result of their line, for each line."""
    with builder.loop(left_of(spec, grid, block).count) as j:
        counts[j] = builder.number(0, FLOAT64)
    with grid.tiles(block) as tile, builder.loop(tile.depth) as r:
        here = [array.at(r * block.width) for array in tile.elements]
        with builder.licence("reassoc"), builder.loop(block.width) as c:
            line = _line(spec, block, tile, r, c)
            [counted], _ = element(builder, spec, [builder.number(0, FLOAT64), values[line]], here, c)
            counts[line] = counts[line] + counted


def _write(
    builder: Builder, spec: RowSpec, grid: Grid, block: Block, tile: Tile, factors: Array, values: Array
) -> None:
    """Write the elements of a tile: of whole rows at a time where they are short, for short loops are slow."""
    width, read = block.width, len(spec.inputs)
    spread = [builder.buffer(FLOAT64, STEP) for _ in spec.formulas[0].parameters]
    lines, across = [factors, values][: len(spread)], spec.along == "columns"

    def written(elements: list[Array], numbers: list[Value], j: Value) -> None:
        _, outputs = element(builder, spec, numbers, elements, j)
        for target, value in zip(elements[read:], outputs, strict=False):
            target[j] = value

    def rows_at_once() -> None:
        depth = builder.number(STEP, WORD) // width
        with builder.loop(tile.depth, step=depth) as first:
            count = least(tile.depth - first, depth)
            with builder.loop(count) as r, builder.loop(width) as c:
                line = _line(spec, block, tile, first + r, c)
                for buffer, array in zip(spread, lines, strict=True):
                    buffer[r * width + c] = array[line]
            here = [array.at(first * width) for array in tile.elements]
            with builder.loop(count * width) as j:
                written(here, [buffer[j] for buffer in spread], j)

    def one_row() -> None:
        with builder.loop(tile.depth) as r:
            here = [array.at(r * width) for array in tile.elements]
            numbers = [array[_line(spec, block, tile, r, r)] for array in lines] if across else []
            with builder.loop(width) as c:
                written(here, numbers or [array[c] for array in lines], c)

    builder.choose(width <= STEP, rows_at_once, one_row)
