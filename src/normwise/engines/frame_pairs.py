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
BLOCK = 1 << 20
"""How many differences are computed at a time."""


@dataclass(frozen=True)
class Table:
    """The losses of all rows, sorted by group."""

    codes: npt.NDArray[np.intp]
    """The group of each row."""
    weight: Array
    """1 without weights; a group's greatest is near 1."""
    units: Array
    """What the weights of each group were multiplied by."""
    present: npt.NDArray[np.bool_]
    """Rows x predictions x formulas: whether the row has what the loss needs."""
    losses: Array
    """Rows x predictions x formulas."""

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """The first row of each group."""
        return np.flatnonzero(np.r_[True, self.codes[1:] != self.codes[:-1]])


@dataclass(frozen=True)
class TableQuery:
    """A query for the losses themselves: the names of its columns."""

    keys: Sequence[str]
    weight: str | None
    present: Sequence[Sequence[str]]
    losses: Sequence[Sequence[str]]

    @classmethod
    def of(cls, losses: Losses) -> TableQuery:
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
        names = dict.fromkeys(name for columns in (*self.present, *self.losses) for name in columns)
        weight = () if self.weight is None else (self.weight,)
        return losses.on(frame).select(*dict.fromkeys((*self.keys, *weight, *names)))

    def table(self, columns: Mapping[str, Any], codes: Sequence[int]) -> Table:
        """The fetched columns, with the group of each row."""
        order = np.argsort(np.asarray(codes, np.intp), kind="stable")
        sorted_codes = np.asarray(codes, np.intp)[order]

        def floats(name: str) -> Array:
            return np.asarray(columns[name], np.float64)[order]  # None becomes nan

        weight, units = np.ones(len(order)), np.ones(1 + max(codes))
        if self.weight is not None:
            weight = np.nan_to_num(floats(self.weight), nan=0.0, posinf=np.inf)
            greatest = np.zeros_like(units)
            np.maximum.at(greatest, sorted_codes, weight)
            units = _unit(greatest)
            weight = weight * units[sorted_codes]
        present = [np.stack([np.asarray(columns[n], bool)[order] for n in names], 1) for names in self.present]
        losses = [np.stack([floats(name) for name in names], 1) for names in self.losses]
        return Table(sorted_codes, weight, units, np.stack(present, 1), np.stack(losses, 1))


def pair_moments(question: Question, table: Table) -> Iterator[tuple[int, Slot, Moments]]:
    """The moments of each two predictions in each group: the group's code, the slot, and the moments."""
    count = table.losses.shape[1]
    width = max(1, BLOCK // max(1, len(table.codes)))
    for first in range(count):
        for begin in range(first + 1, count, width):
            others = range(begin, min(begin + width, count))
            subjects = [(first, second) for second in others]
            for place in range(table.losses.shape[2]):
                a, b = (_side(table, side, place) for side in ([first], others))
                yield from _moments(table, a - b, _rows(table, first, others, place), subjects, (False, place))
            yield from _together(question, table, first, others, subjects)


def _together(
    question: Question, table: Table, first: int, others: range, subjects: Sequence[Subject]
) -> Iterator[tuple[int, Slot, Moments]]:
    slot = 0
    for together in question.together:
        rows = _rows(table, first, others, together[0])
        sides = [_side(table, side, place) for side, place in product(([first], others), together)]
        for which in jointly(len(sides)):
            values = sides[which[0]] if len(which) == 1 else sides[which[0]] - sides[which[1]]
            yield from _moments(table, np.broadcast_to(values, rows.shape), rows, subjects, (True, slot))
            slot += 1


def _side(table: Table, predictions: Sequence[int], place: int) -> Array:
    return table.losses[:, predictions[0] : predictions[-1] + 1, place]


def _rows(table: Table, first: int, others: range, place: int) -> npt.NDArray[np.bool_]:
    return table.present[:, [first], place] & table.present[:, others[0] : others[-1] + 1, place]


def _moments(
    table: Table, values: Array, rows: npt.NDArray[np.bool_], subjects: Sequence[Subject], slot: tuple[bool, int]
) -> Iterator[tuple[int, Slot, Moments]]:
    """The moments of columns of values, each over its rows, about their means."""
    starts, codes = table.starts, np.repeat(np.arange(len(table.starts)), np.diff(np.r_[table.starts, len(rows)]))

    def total(a: Array) -> Array:
        return np.add.reduceat(a, starts, axis=0)

    values = np.where(rows, values, 0.0)
    weight = np.where(rows, table.weight[:, None], 0.0)
    weights, totals = total(weight), total(weight * values)
    means = np.where(weights > 0, totals / weights, 0.0)
    centres = np.where(np.isfinite(means), means, 0.0)
    deviations = np.where(rows, values - centres[codes], 0.0)
    scales = _unit(np.maximum.reduceat(np.abs(deviations), starts, axis=0))
    weighted = weight * (deviations * scales[codes])
    sums = {
        "total": totals,
        "weight": weights,
        "count": total(rows.astype(np.float64)),
        "weight_squared": total(weight * weight),
        "deviation": total(weighted),
        "weighted_deviation": total(weight * weighted),
        "squared_deviation": total(weighted * weighted),
        "centre": centres,
        "scale": scales,
    }
    lists = {name: array.tolist() for name, array in sums.items()}
    for i, code in enumerate(table.codes[starts].tolist()):
        unit = float(table.units[code])
        for j, subject in enumerate(subjects):
            yield code, Slot(subject, *slot), Moments(**{name: each[i][j] for name, each in lists.items()}, unit=unit)


def _unit(sizes: Array) -> Array:
    """The power of two that makes each size one near 1; 1 where that is no size."""
    exponents = np.clip(np.frexp(sizes)[1], -1000, 1000)
    return np.where(np.isfinite(sizes) & (sizes > 0), np.ldexp(1.0, -exponents), 1.0)


def _name(term: Term) -> str:
    return str(term.column)
