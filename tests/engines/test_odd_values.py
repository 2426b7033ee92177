"""Every loss of odd values in every engine of frames, against NumPy, which says what is correct."""

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import narwhals as nw
import numpy as np
import pytest

from normwise.catalogue import losses
from normwise.engines.arrays import elementwise
from normwise.engines.frames import COLUMN, Question, measure
from normwise.formula import Formula
from normwise.formula.expression import variable
from tests.evaluation.frames import KINDS
from tests.samples import TELLING

VALUES = [-math.inf, -1e200, -3.0, -1.0, -0.25, -0.0, 0.0, 1e-200, 0.25, 1.0, 2.5, 1e200, math.inf]
X, T = (list(each) for each in zip(*product(VALUES, VALUES), strict=True))


def of_columns(formula: Formula) -> Formula:
    """The formula with its further arrays read from columns of their names."""
    names = {name: COLUMN + name for name in formula.arrays[2:]}
    arrays = (*formula.arrays[:2], *names.values())
    return formula.on(arrays, **{name: variable(column) for name, column in names.items()})


FORMULAS = [
    (f"{name} {parameters}", part.formula, {**part.parameters, **parameters})
    for name, loss in losses.items()
    for part in loss.parts
    for parameters in ({}, *TELLING.get(name, [])[:1])
]
FURTHER = sorted({name for _, formula, _ in FORMULAS for name in formula.arrays[2:]})
COLUMNS: Mapping[str, Any] = {"row": range(len(X)), "t": T, "x": X} | {
    name: [0.5 + (i % 3) for i in range(len(X))] for name in FURTHER
}


@pytest.mark.parametrize("kind", KINDS)
def test_odd_values_are_those_of_numpy(kind: str) -> None:
    question = Question("t", ["x"], [(of_columns(f), parameters) for _, f, parameters in FORMULAS], by=["row"])
    by_row = {sums.key[0]: sums for sums in measure(nw.from_native(KINDS[kind](COLUMNS)), question)}
    wrong: list[str] = []
    for i, (label, formula, parameters) in enumerate(FORMULAS):
        arrays = [np.array(COLUMNS[name], np.float64) for name in formula.arrays]
        [expected] = elementwise(np, formula, arrays, parameters)
        values = np.array([by_row[row].scores[0][i].finish("mean") for row in COLUMNS["row"]])
        same = np.isclose(values, expected, rtol=1e-12, atol=1e-300, equal_nan=True)
        wrong += [
            f"{label}: x = {X[row]}, t = {T[row]}: {values[row]}, not {expected[row]}" for row in np.flatnonzero(~same)
        ]
    assert not wrong, wrong[:10]
