"""All pairs of many predictions, over losses that have been fetched.

The differences of n predictions are n (n - 1) / 2 columns, and engines take long to plan queries of thousands of
columns. So where the losses of all rows fit into memory, they are fetched once, and NumPy takes the differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from normwise.engines.frame_losses import Frame, Losses
from normwise.engines.frame_query import Slot, Subject
from normwise.engines.question import Question, jointly
from normwise.engines.stages import Term
from normwise.sums import Moments

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
BLOCK = 1 << 18
"""How many differences are computed at a time."""


@dataclass(frozen=True)
class Table:
    """The losses of all rows, sorted by group."""

    codes: npt.NDArray[np.intp]
    """The group of each row."""
    weight: Array | None
    """A group's greatest is near 1."""
    units: Array
    """What the weights of each group were multiplied by."""
    present: Flags | None
    """Formulas x predictions x rows: whether the row has what the loss needs; None where all have."""
    losses: Array
    """Formulas x predictions x rows."""
    starts: npt.NDArray[np.intp]
    """The first row of each group."""

    def total(self, a: Any) -> Array:
        """Sum over the rows of each group."""
        if len(self.starts) == 1:
            return np.asarray(np.sum(a, axis=-1, keepdims=True, dtype=np.float64))
        return np.add.reduceat(a, self.starts, axis=-1, dtype=np.float64)

    def of_rows(self, a: Array) -> Array:
        """A number of each group for each of its rows."""
        return a if len(self.starts) == 1 else np.repeat(a, np.diff(np.r_[self.starts, len(self.codes)]), axis=-1)


@dataclass(frozen=True)
class TableQuery:
    """A query for the losses themselves: the names of its columns."""

    keys: Sequence[str]
    weight: str | None
    present: Sequence[Sequence[str]]
    losses: Sequence[Sequence[str]]

    @classmethod
    def of(cls, losses: Losses) -> TableQuery:
        """The query for the losses of a question, whose columns it adds to."""
        predictions = range(len(losses.predictions))
        values = [[_name(each) for each in losses.losses(i)] for i in predictions]
        flags: dict[str, str] = {}

        def present(rows: Term) -> str:
            if _name(rows) not in flags:
                flags[_name(rows)] = _name(losses.stages.column(lambda a: ~a.is_null(), rows))
            return flags[_name(rows)]

        rows = [[present(each) for each in losses.rows(i)] for i in predictions]
        return cls(losses.keys, None if losses.weight is None else _name(losses.weight), rows, values)

    def on(self, losses: Losses, frame: Frame) -> Frame:
        """The query on a frame."""
        names = (name for columns in (*self.present, *self.losses) for name in columns)
        weight = () if self.weight is None else (self.weight,)
        return losses.on(frame).select(*dict.fromkeys((*self.keys, *weight, *names)))

    def table(self, columns: Mapping[str, Any], codes: Sequence[int]) -> Table:
        """The fetched columns, with the group of each row."""
        of_rows = np.asarray(codes, np.intp)
        order = np.argsort(of_rows, kind="stable")
        of_rows = of_rows[order]
        weight, units = None, np.ones(1 + max(codes))
        if self.weight is not None:
            weight = np.nan_to_num(np.asarray(columns[self.weight], np.float64)[order], nan=0.0, posinf=np.inf)
            greatest = np.zeros_like(units)
            np.maximum.at(greatest, of_rows, weight)
            units = _unit(greatest)
            weight = weight * units[of_rows]
        present = self._array(self.present, columns, order, np.bool_)
        return Table(
            of_rows,
            weight,
            units,
            None if present.all() else present,
            self._array(self.losses, columns, order, np.float64),
            np.flatnonzero(np.r_[True, of_rows[1:] != of_rows[:-1]]),
        )

    def _array(self, names: Sequence[Sequence[str]], columns: Mapping[str, Any], order: Any, dtype: Any) -> Any:
        """Columns as formulas x predictions x rows; None becomes nan."""
        by_formula = [*zip(*names, strict=True)]
        return np.array([[np.asarray(columns[name], dtype)[order] for name in each] for each in by_formula])


def pair_moments(question: Question, table: Table) -> Iterator[tuple[int, Slot, Moments]]:
    """The moments of each two predictions in each group: the group's code, the slot, and the moments."""
    count = table.losses.shape[1]
    width = max(1, BLOCK // len(table.codes))
    for first in range(count):
        for begin in range(first + 1, count, width):
            others = slice(begin, min(begin + width, count))
            subjects = [(first, second) for second in range(others.start, others.stop)]
            for place, losses in enumerate(table.losses):
                values = losses[first] - losses[others]
                yield from _moments(table, values, _rows(table, first, others, place), subjects, (False, place))
            yield from _together(question, table, first, others, subjects)


def _together(
    question: Question, table: Table, first: int, others: slice, subjects: Sequence[Subject]
) -> Iterator[tuple[int, Slot, Moments]]:
    slot = 0
    for together in question.together:
        rows = _rows(table, first, others, together[0])
        sides = [table.losses[place, side] for side, place in product((slice(first, first + 1), others), together)]
        for which in jointly(len(sides)):
            values = sides[which[0]] if len(which) == 1 else sides[which[0]] - sides[which[1]]
            shape = (len(subjects), len(table.codes))
            yield from _moments(table, np.broadcast_to(values, shape), rows, subjects, (True, slot))
            slot += 1


def _rows(table: Table, first: int, others: slice, place: int) -> Flags | None:
    return None if table.present is None else table.present[place, first] & table.present[place, others]


def _moments(
    table: Table, values: Array, rows: Flags | None, subjects: Sequence[Subject], slot: tuple[bool, int]
) -> Iterator[tuple[int, Slot, Moments]]:
    """The moments of each subject's values, over its rows and about their mean."""
    total, of_rows = table.total, table.of_rows
    weight, here = table.weight, rows
    if weight is not None:
        here = weight != 0 if rows is None else rows & (weight != 0)
    if here is not None:
        values = np.where(here, values, 0.0)
        weight = np.where(here, 1.0 if weight is None else weight, 0.0)

    def weighted(a: Array) -> Array:
        return a if weight is None else weight * a

    counts = total(np.ones(len(table.codes)) if here is None else here)
    weights, squares = (counts, counts) if weight is None else (total(weight), total(weight * weight))
    totals = total(weighted(values))
    means = np.where(weights > 0, totals / weights, 0.0)
    centres = np.where(np.isfinite(means), means, 0.0)
    deviations = values - of_rows(centres)
    if here is not None:
        deviations = np.where(here, deviations, 0.0)
    scales = _unit(np.maximum.reduceat(np.abs(deviations), table.starts, axis=-1))
    deviations = weighted(deviations * of_rows(scales))
    sums = {
        "total": totals,
        "weight": np.broadcast_to(weights, totals.shape),
        "count": np.broadcast_to(counts, totals.shape),
        "weight_squared": np.broadcast_to(squares, totals.shape),
        "deviation": total(deviations),
        "weighted_deviation": total(weighted(deviations)),
        "squared_deviation": total(deviations * deviations),
        "centre": centres,
        "scale": scales,
    }
    names, columns = [*sums], [array.tolist() for array in sums.values()]
    units = table.units.tolist()
    for subject, *parts in zip(subjects, *columns, strict=True):
        for code, *numbers in zip(table.codes[table.starts].tolist(), *parts, strict=True):
            yield code, Slot(subject, *slot), Moments(**dict(zip(names, numbers, strict=True)), unit=units[code])


def _unit(sizes: Array) -> Array:
    """The power of two that makes each size one near 1; 1 where that is no size."""
    exponents = np.clip(np.frexp(sizes)[1], -1000, 1000)
    return np.where(np.isfinite(sizes) & (sizes > 0), np.ldexp(1.0, -exponents), 1.0)


def _name(term: Term) -> str:
    return str(term.column)
