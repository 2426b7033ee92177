"""What distinguishes one kernel that reduces along a dimension from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from normwise.engines.cpu.spec import KernelSpec
from normwise.formula import Expression, Formula

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
    finish : Formula, optional
        Of the result of a line, which one block is to hold: what is stored in the last of the operands, beside those of
        `KernelSpec`. Where there are outputs, its factor: of the result, and of the last operand at that line.
    doubt : Formula, optional
        Of the result of a line: what is summed up for each block.
    """

    wide: bool = True
    along: Axis = "columns"
    extreme: Extreme | None = None
    finish: Formula | None = None
    doubt: Formula | None = None

    @property
    def terms(self) -> Sequence[tuple[Expression, ...]]:
        """Each sum's term; in two factors where it is a product, which then meets the sum in one instruction."""
        expressions = [formula.expression for formula in self.sums]
        splits = self.extreme is None
        return [e.arguments if splits and e.primitive == "multiply" else (e,) for e in expressions]


@dataclass(frozen=True)
class SlopeSpec(RowSpec):
    """A `RowSpec` whose outputs are of elements and of the results of their lines."""
