"""What distinguishes one kernel that reduces along a dimension from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from normwise.engines.cpu.spec import KernelSpec

Axis = Literal["rows", "columns"]
Extreme = Literal["maximum", "minimum"]

INFINITY = int(np.float64(np.inf).view(np.uint64))


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
