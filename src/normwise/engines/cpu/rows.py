"""Kernels that reduce along one dimension: a sum, or an extreme, for each row or for each column.

The loops are those of all kernels; what differs is where a block leaves its results. Its chunk of a row, or its group
of the rows of a column, gives a partial result of its own, so that few and long rows use all threads too, and the
result does not depend on their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from normwise.engines.cpu.kernel import CHUNK, SHORT, Kernel, direct_operands, strided_words, tile_height
from normwise.engines.cpu.row_spec import INFINITY, Extreme, RowSpec
from normwise.engines.cpu.spec import BUFFERED
from normwise.engines.layout import Layout

LANES = 1 << 10
"""Columns at most whose sums over the rows are kept in the cache together."""

GROUPS = 1 << 6
"""Groups at most that the rows of a column are split into."""


class RowKernel(Kernel):
    """The machine code of a `RowSpec`."""

    spec: RowSpec

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
