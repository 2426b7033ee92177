"""Kernels that reduce along one dimension: a sum, or an extreme, for each row or for each column.

The loops are those of `source`; what differs is where a block leaves its results. Its chunk of a row, or its group of
the rows of a column, gives a partial result of its own, so that few and long rows use all threads too, and the result
does not depend on their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from normwise.engines.cpu.kernel import CHUNK, SHORT, Kernel, direct_operands, strided_words, tile_height
from normwise.engines.cpu.source import BUFFERED, STEP, KernelSpec, element, head, opening, passed, tiles
from normwise.engines.layout import Layout

Axis = Literal["rows", "columns"]
Extreme = Literal["maximum", "minimum"]

LANES = 1 << 10
"""Columns at most whose sums over the rows are kept in the cache together."""

GROUPS = 1 << 6
"""Groups at most that the rows of a column are split into."""

INFINITY = int(np.float64(np.inf).view(np.uint64))


class _Cell(NamedTuple):
    """What a partial result is kept as."""

    dtype: str
    of: str
    """From the value of an element."""
    joined: str
    """Two of them."""


# The bits of numbers that are not negative are in the order of the numbers, with nan at the end: as integers they have
# a maximum that vectorises and that nan wins. Counted back from infinity they are in the reverse order, and nan, which
# is beyond, comes out at the end again.
_CELLS = {
    None: _Cell("np.float64", "np.float64({})", "{0} + {1}"),
    "maximum": _Cell("np.uint64", "np.float64({}).view(np.uint64)", "{1} if {1} > {0} else {0}"),
    "minimum": _Cell(
        "np.uint64", f"np.uint64(np.uint64({INFINITY}) - np.float64({{}}).view(np.uint64))", "{1} if {1} > {0} else {0}"
    ),
}


@dataclass(frozen=True)
class RowSpec(KernelSpec):
    """A `KernelSpec` that reduces along one dimension, in float64.

    Attributes
    ----------
    along : {"rows", "columns"}
        What is reduced: the rows, for each column, or the columns, for each row.
    extreme : {"maximum", "minimum"}, optional
        None for sums. The values of which it is taken are not to be negative; nan wins.
    """

    wide: bool = True
    along: Axis = "columns"
    extreme: Extreme | None = None


def rows_source(spec: RowSpec) -> str:
    """The text of a Python module whose ``kernel`` is the Numba function of a spec."""
    parts = {"rows": _down, "columns": _across}[spec.along](spec)
    return "\n".join([head(spec), *element(spec), *parts]) + "\n"


def _values(spec: RowSpec) -> tuple[str, list[str]]:
    """The call of the element function, and its results as cells."""
    results = [f"value{k}" for k in range(len(spec.sums))]
    elements = ", ".join([*(f"{name}[j]" for name in spec.inputs), *spec.parameters])
    return f"{', '.join(results)}, = element({elements})", [_CELLS[spec.extreme].of.format(r) for r in results]


def _across(spec: RowSpec) -> list[str]:
    """Each row's result: of whole rows at a time where they are short, else a step at a time."""
    cell, sums = _CELLS[spec.extreme], range(len(spec.sums))
    call, cells = _values(spec)
    joined = [cell.joined.format(f"total{k}", f"line{k}[j]") for k in sums]
    block = [
        "",
        '@njit(error_model="numpy", fastmath={"reassoc"}, forceinline=True)',
        f"def block({', '.join(passed(spec))}, width, places, at, across, apart):",
        f"    step = {STEP} // width * width if width <= {STEP} else {STEP}",
        *(f"    whole{k} = {cell.dtype}(0)" for k in sums),
        f"    for i in range(({spec.operands[0]}_.size + step - 1) // step):",
        *(f"        {name} = {name}_[i * step : (i + 1) * step]" for name in spec.operands),
        f"        size = {spec.operands[0]}.size",
        "        for j in range(size):",
        f"            {call}",
        *(f"            values{k}[j] = {cells[k]}" for k in sums),
        f"        if width <= {STEP}:",
        "            for r in range(size // width):",
        *(
            line
            for k in sums
            for line in (
                f"                line{k} = values{k}[r * width : (r + 1) * width]",
                f"                total{k} = {cell.dtype}(0)",
                "                for j in range(width):",
                f"                    total{k} = {joined[k]}",
                f"                places[{k} * apart + at + r * across] = total{k}",
            )
        ),
        "            at += size // width * across",
        "        else:",
        *(
            line
            for k in sums
            for line in (
                f"            line{k} = values{k}[:size]",
                f"            total{k} = whole{k}",
                "            for j in range(size):",
                f"                total{k} = {joined[k]}",
                f"            whole{k} = total{k}",
                f"            places[{k} * apart + at] = total{k}",
            )
        ),
        "",
    ]
    return [
        *block,
        *opening(spec, "{count} * planes * rows * across", cell.dtype, cell.dtype),
        "        apart = planes * rows * across",
        *tiles(spec),
        "            at = (plane * rows + row) * across + column // chunk",
        f"            block({', '.join(passed(spec))}, width, places, at, across, apart)",
    ]


def _down(spec: RowSpec) -> list[str]:
    """Each column's result: the rows of a group one after the other, all columns of a chunk at once."""
    cell, sums = _CELLS[spec.extreme], range(len(spec.sums))
    call, cells = _values(spec)
    block = [
        "",
        '@njit(error_model="numpy", fastmath=False, forceinline=True)',
        f"def block({', '.join(passed(spec))}, width, depth, places, at, apart):",
        "    for r in range(depth):",
        *(f"        {name} = {name}_[r * width : (r + 1) * width]" for name in spec.operands),
        *(f"        line{k} = places[{k} * apart + at : {k} * apart + at + width]" for k in sums),
        "        for j in range(width):",
        f"            {call}",
        *(f"            cell{k} = {cells[k]}" for k in sums),
        *(f"            line{k}[j] = {cell.joined.format(f'line{k}[j]', f'cell{k}')}" for k in sums),
        "",
    ]
    return [
        *block,
        *opening(spec, "{count} * planes * down * columns", cell.dtype, cell.dtype),
        "        apart = planes * down * columns",
        "        at = (plane * down + first_row // group) * columns + column",
        *tiles(spec),
        f"            block({', '.join(passed(spec))}, width, depth, places, at, apart)",
    ]


class RowKernel(Kernel):
    """The machine code of a `RowSpec`."""

    spec: RowSpec
    source = staticmethod(rows_source)  # type: ignore[assignment]

    def reduced(self, layout: Layout, addresses: Any, parameters: Any) -> npt.NDArray[np.float64]:
        """Run over a layout; return for each sum the results of the planes x rows, or of the planes x columns."""
        planes, rows, columns, _ = layout
        spec, height = self.spec, tile_height(layout)
        direct = all(direct_operands(layout))
        if spec.along == "columns":
            chunk = columns if columns <= SHORT else min(CHUNK if direct else BUFFERED, columns)
            group = max(1, CHUNK // (chunk * height)) * height
            partials = (len(spec.sums), planes, rows, -(-columns // chunk))
        else:
            chunk = columns if columns <= SHORT else min(LANES, columns)
            group = max(1, CHUNK // (chunk * height), -(-rows // (GROUPS * height))) * height
            partials = (len(spec.sums), planes, -(-rows // group), columns)
        cells = np.zeros(partials, np.uint64 if spec.extreme else np.float64)
        grid = (planes, rows, columns, min(group, rows), chunk, height)
        self.launch(grid, cells, (*strided_words(layout, addresses), *parameters))
        return _joined(cells, spec.extreme, -1 if spec.along == "columns" else -2)


def _joined(cells: Any, extreme: Extreme | None, axis: int) -> npt.NDArray[np.float64]:
    """The results, from the partial ones."""
    if extreme is None:
        return cells[..., 0] if axis == -1 and cells.shape[-1] == 1 else cells.sum(axis=axis)  # type: ignore[no-any-return]
    bits = cells.max(axis=axis)
    return (np.uint64(INFINITY) - bits if extreme == "minimum" else bits).view(np.float64)  # type: ignore[no-any-return]
