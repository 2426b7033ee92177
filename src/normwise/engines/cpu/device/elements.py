"""Kernels over elements: what is summed over all of them, and what is written for each."""

# pyright: basic
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from normwise.engines.cpu.device.builder import FLOAT32, FLOAT64, Array, Builder, Truth, Value, Variable, least
from normwise.engines.cpu.device.numbers import values_of
from normwise.engines.cpu.device.storage import STORED
from normwise.engines.cpu.device.tiles import Grid
from normwise.engines.cpu.spec import STEP, KernelSpec

REALS = {"float32": FLOAT32, "float64": FLOAT64}


def element(
    builder: Builder, spec: KernelSpec, parameters: Sequence[Value], elements: Sequence[Array], at: Any
) -> tuple[list[Value], list[Value]]:
    """The formulas at one element: what is summed, and what is written, as it is stored."""
    expressions = [formula.expression for formula in spec.formulas]
    values = values_of(builder, REALS[spec.real], expressions, variables_at(builder, spec, parameters, elements, at))
    count = len(spec.sums)
    written = zip([STORED[kind] for kind in spec.storage[len(spec.inputs) :]], values[count:], strict=True)
    return values[:count], [each.store(value) for each, value in written]


def variables_at(
    builder: Builder, spec: KernelSpec, parameters: Sequence[Value], elements: Sequence[Array], at: Any
) -> dict[str, Value]:
    """What the formulas read at one element, by its name."""
    real = REALS[spec.real]
    variables = dict(zip(spec.formulas[0].parameters, parameters, strict=True))
    stored = [STORED[kind] for kind in spec.storage]
    for name, each, array in zip(spec.inputs, stored, elements, strict=False):
        value = each.load(array[at])
        variables[name] = value.to(real) if value.is_float else Truth(builder, value.of, real)
    return variables


def build_elements(builder: Builder, spec: KernelSpec) -> None:
    """Build the kernel of a spec: take a block, walk its tiles, leave its sums."""
    grid = Grid(builder, spec, REALS[spec.real])
    places = builder.array(grid.arguments.header["partials"], FLOAT64)
    waiting = [] if spec.wide else [builder.buffer(REALS[spec.real], STEP) for _ in spec.sums]
    with grid.blocks() as block:
        sums = [Variable(builder.number(0, FLOAT64)) for _ in spec.sums]
        with grid.tiles(block) as tile:
            totals = _in_steps(builder, spec, grid, tile.elements, tile.size, waiting)
            for total, part in zip(sums, totals, strict=True):
                total.value = total.value + part.value
        for k, total in enumerate(sums):
            places[block.number * len(sums) + k] = total.value


def _in_steps(
    builder: Builder, spec: KernelSpec, grid: Grid, elements: Sequence[Array], size: Value, waiting: Sequence[Array]
) -> list[Variable]:
    """The loops over contiguous elements, in steps that stay in the innermost cache; return the sums.

    What is summed waits in a buffer for a loop of its own: widened to float64 where it is computed, it would halve the
    vectors of the whole formula; and a sum has the same bits whether something is written beside it or not. What is
    wide anyway, and has nothing beside it, as a norm, is added at once.
    """
    totals = [Variable(builder.number(0, FLOAT64)) for _ in spec.sums]
    with builder.loop(size, step=STEP) as i:
        count = least(size - i, STEP)
        here = [array.at(i) for array in elements]
        with builder.loop(count) as j:
            summed, written = element(builder, spec, grid.arguments.parameters, here, j)
            for buffer, value in zip(waiting, summed, strict=False):
                buffer[j] = value
            if not waiting:
                for total, value in zip(totals, summed, strict=True):
                    add(builder, total, value)
            for target, value in zip(here[len(spec.inputs) :], written, strict=True):
                target[j] = value
        for buffer, total in zip(waiting, totals, strict=False):
            add_up(builder, buffer, count, total)
    return totals


def add(builder: Builder, total: Variable, value: Value) -> None:
    """Add to a sum of float64, in whatever order is fastest."""
    with builder.licence("reassoc"):
        total.value = total.value + value.to(FLOAT64)


def add_up(builder: Builder, values: Array, count: Value, total: Variable) -> None:
    """Add some values to a sum of float64."""
    with builder.loop(count) as j:
        add(builder, total, values[j])
