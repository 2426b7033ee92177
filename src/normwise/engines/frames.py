"""Formulas over data frames and SQL engines, through Narwhals: all sums of all losses, in one query where that will do.

The frame's own engine computes them. Where a result has lost its digits (a large mean beside a small spread, squares
out of range), a second query looks closer; where there are very many pairs of predictions, they are fetched.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import narwhals as nw
import numpy as np

from normwise.engines.frame_keys import plain_key
from normwise.engines.frame_losses import Columns, Frame, Inputs, Losses, inputs_of
from normwise.engines.frame_pairs import TableQuery, pair_moments
from normwise.engines.frame_query import Group, Look, Query, Row, Slot, Subject
from normwise.engines.question import COLUMN, Question, jointly
from normwise.engines.watch import Progress, watched
from normwise.errors import InputError
from normwise.sums import Moments

__all__ = ["COLUMN", "Frame", "Question", "Row", "Sums", "jointly", "measure", "rows_of"]

MOMENTS = 128
"""As many moments are summed in one query: an engine's time for planning grows with the square of their number."""
CELLS = 5_000_000
"""As many losses are fetched, rather than summed in queries."""
EAGER_CELLS = 100_000_000
"""As many where they are in memory already."""
LOST = 1024
"""A sum of squares so many times the scatter about the mean has lost too many digits."""
SMALL, LARGE = 2.0**-900, 2.0**900
"""Sums of squares beyond these have lost what left the range of numbers."""
SCALE = 2.0**600
LIGHT, HEAVY = 2.0**-200, 2.0**200
"""Sums of squared weights beyond these may take the squares of weighted deviations out of range."""


@dataclass(frozen=True)
class Sums:
    """The sums of one group of rows; those of a whole are the sums of its parts merged.

    A row is missing what is null or nan in it. A prediction's sums are over the rows that miss neither it nor the
    target nor the weight, a pair's over those that miss neither prediction. A row of weight 0 is in none.
    """

    key: tuple[Any, ...]
    """The values of the columns that the rows are grouped by."""
    rows: int
    missing_target: int
    missing_weight: int
    weightless: int
    """Rows of weight 0: they count nowhere."""
    missing_predictions: tuple[int, ...]
    least_weight: float
    """The smallest weight there is; inf where there is none."""
    scores: tuple[tuple[Moments, ...], ...]
    """Of each prediction, for each formula."""
    differences: tuple[tuple[Moments, ...], ...]
    """Of each pair of predictions (in the order of `itertools.combinations`), for each formula: first less second."""
    joint: tuple[tuple[Moments, ...], ...] = ()
    """Of each prediction, for each of the question's `together` in turn: `jointly` of its formulas."""
    paired: tuple[tuple[Moments, ...], ...] = ()
    """Of each pair of predictions likewise: `jointly` of the formulas of the first, then of the second."""

    def merge(self, other: Sums, key: tuple[Any, ...] = ()) -> Sums:
        """The sums of both groups of rows together, under a key of its own."""
        return Sums(
            key,
            self.rows + other.rows,
            self.missing_target + other.missing_target,
            self.missing_weight + other.missing_weight,
            self.weightless + other.weightless,
            tuple(a + b for a, b in zip(self.missing_predictions, other.missing_predictions, strict=True)),
            min(self.least_weight, other.least_weight),
            _merge(self.scores, other.scores),
            _merge(self.differences, other.differences),
            _merge(self.joint, other.joint),
            _merge(self.paired, other.paired),
        )


def _merge(a: tuple[tuple[Moments, ...], ...], b: tuple[tuple[Moments, ...], ...]) -> tuple[tuple[Moments, ...], ...]:
    return tuple(
        tuple(m.merge(n) for m, n in zip(some, others, strict=True)) for some, others in zip(a, b, strict=True)
    )


def rows_of(frame: Frame, connection: Any = None, progress: Progress | None = None) -> list[Row]:
    """Run a query and fetch its rows; DuckDB's on its `connection`, where that is at hand, and with its progress."""
    if frame.implementation.is_duckdb():  # fetched without the Arrow library that Narwhals collects through
        relation = frame.to_native()
        connection = connection or getattr(relation, "_con", None)  # private to DuckDB, which has no public way to it
        rows = watched(relation.fetchall, connection, progress)
        return [dict(zip(relation.columns, row, strict=True)) for row in rows]
    return [*(frame.collect() if isinstance(frame, nw.LazyFrame) else frame).iter_rows(named=True)]


def measure(
    frame: Frame,
    question: Question,
    collect: Callable[[Frame], list[Row]] = rows_of,
    number: Columns = nw.col,
    key: Columns = nw.col,
) -> list[Sums]:
    """Answer a question by queries to the frame's engine, by one where that will do.

    Parameters
    ----------
    frame : Narwhals frame
        Eager or lazy; its columns have been checked.
    question : Question
    collect : callable
        What runs a query, in place of `rows_of`: a progress bar, say.
    number, key : callable
        From the name of a column in the question to its expression, as a number and as a key.

    Returns
    -------
    list of Sums
        One for each group, in no order; without groups, one.

    Examples
    --------
    >>> import polars as pl
    >>> from normwise.formula import trace
    >>> squared = trace(lambda x, t: (x - t) * (x - t))
    >>> frame = nw.from_native(pl.DataFrame({"t": [1.0, 2.0, None], "p": [2.0, 4.0, 5.0]}))
    >>> [sums] = measure(frame, Question("t", ["p"], [(squared, {})]))
    >>> sums.rows, sums.missing_target, sums.scores[0][0].finish("mean")
    (3, 1, 2.5)
    """
    # pandas computes with NumPy, which warns of inf and nan; many columns are none of the caller's doing.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="DataFrame is highly fragmented")
        return _Measurement(frame, question, collect, inputs_of(frame, question, number, key)).sums()


@dataclass(frozen=True)
class _Measurement:
    """The queries for one question."""

    frame: Frame
    question: Question
    collect: Callable[[Frame], list[Row]]
    inputs: Inputs

    def sums(self) -> list[Sums]:
        """All sums of all groups."""
        predictions = range(len(self.question.predictions))
        single: list[Subject] = [(i,) for i in predictions]
        pairs: list[Subject] = [*combinations(predictions, 2)]
        first, *later = self._parts(single, pairs)
        answers = self._answers(first, Look())
        groups = {group.key: group for group in answers}
        if len(groups) < len(answers):  # of nanoseconds, say, where the engine hands out microseconds
            raise InputError("some keys differ by less than Python's values do: cast the columns to group by to texts")
        if later:
            self._add_pairs(groups, later)
        self._look_closer(groups)
        return [self._sums(group, single, pairs) for group in groups.values()]

    def _parts(self, single: Sequence[Subject], pairs: Sequence[Subject]) -> list[list[Subject]]:
        """The subjects of each query, if each were to have its moments summed by the engine."""
        parts: list[list[Subject]] = [[]]
        size = 0
        for subject in (*single, *pairs):
            size += self._moments(subject)
            if size > MOMENTS and len(subject) > 1:
                parts.append([])
                size = self._moments(subject)
            parts[-1].append(subject)
        return parts

    def _moments(self, subject: Subject) -> int:
        together = sum(len(jointly(len(each) * len(subject))) for each in self.question.together)
        return len(self.question.formulas) + together

    def _answers(
        self, subjects: Sequence[Subject], look: Look, centres: Mapping[Slot, float] | None = None
    ) -> list[Group]:
        query = Query(Losses(self.question, self.inputs), subjects, look, centres)
        return [query.read(row) for row in self.collect(query.on(self.frame))]

    def _add_pairs(self, groups: Mapping[Any, Group], parts: Sequence[Sequence[Subject]]) -> None:
        """The pairs that were too many for the first query."""
        rows = sum(group.rows for group in groups.values())
        cells = rows * len(self.question.predictions) * len(self.question.formulas)
        if 0 < cells <= (EAGER_CELLS if isinstance(self.frame, nw.DataFrame) else CELLS):
            self._add_fetched_pairs(groups)
            return
        for subjects in parts:
            for answer in self._answers(subjects, Look()):
                groups[answer.key].moments.update(answer.moments)

    def _add_fetched_pairs(self, groups: Mapping[Any, Group]) -> None:
        losses = Losses(self.question, self.inputs)
        query = TableQuery.of(losses)
        columns = self._fetched(query.on(losses, self.frame))
        keys = [[*map(plain_key, columns[name])] for name in losses.keys]
        codes = {key: code for code, key in enumerate(groups)}
        count = sum(group.rows for group in groups.values())
        of_row = [codes[key] for key in zip(*keys, strict=True)] if keys else [0] * count
        members = [*groups.values()]
        for code, slot, moments in pair_moments(self.question, query.table(columns, of_row)):
            members[code].moments[slot] = moments

    def _fetched(self, frame: Frame) -> Mapping[str, Any]:
        """The columns of a query."""
        if isinstance(frame, nw.DataFrame):
            keys = range(len(self.question.by))
            return {c.name: c.to_list() if i in keys else c.to_numpy() for i, c in enumerate(frame.iter_columns())}
        rows = self.collect(frame)
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _look_closer(self, groups: Mapping[Any, Group]) -> None:
        """Sum again what has lost its digits: from near the mean, and in units that keep squares in range."""
        seen: set[tuple[Look, Slot]] = set()
        while True:
            wanted: dict[Look, dict[Slot, list[Group]]] = {}
            for group in groups.values():
                for slot, look in _closer(group).items():
                    if (look, slot) not in seen:
                        wanted.setdefault(look, {}).setdefault(slot, []).append(group)
            if not wanted:
                return
            for look, slots in wanted.items():
                seen |= {(look, slot) for slot in slots}
                self._sum_again(groups, look, slots)

    def _sum_again(self, groups: Mapping[Any, Group], look: Look, slots: Mapping[Slot, Sequence[Group]]) -> None:
        centres: dict[Slot, float] = {}
        if not self.question.by:
            [group] = groups.values()
            centres = {slot: _centre(moments) for slot, moments in group.moments.items()}
        subjects = dict.fromkeys(slot.subject for slot in slots)
        for part in self._parts([s for s in subjects if len(s) == 1], [s for s in subjects if len(s) == 2]):
            if not part:
                continue
            for answer in self._answers(part, look, centres):
                group = groups[answer.key]
                for slot, moments in answer.moments.items():
                    if any(each is group for each in slots.get(slot, ())):
                        group.moments[slot] = moments

    def _sums(self, group: Group, single: Sequence[Subject], pairs: Sequence[Subject]) -> Sums:
        formulas = range(len(self.question.formulas))

        def means(subjects: Sequence[Subject]) -> tuple[tuple[Moments, ...], ...]:
            return tuple(tuple(group.moments[Slot(each, False, place)] for place in formulas) for each in subjects)

        def joint(subjects: Sequence[Subject]) -> tuple[tuple[Moments, ...], ...]:
            return tuple(
                tuple(group.moments[Slot(each, True, place)] for place in range(self._moments(each) - len(formulas)))
                for each in subjects
            )

        return Sums(
            group.key,
            group.rows,
            group.missing_target,
            group.missing_weight,
            group.weightless,
            group.missing_predictions,
            group.least_weight,
            scores=means(single),
            differences=means(pairs),
            joint=joint(single),
            paired=joint(pairs),
        )


def _closer(group: Group) -> dict[Slot, Look]:
    """How to look at those of a group's moments that have lost digits."""
    found: dict[Slot, Look] = {}
    tiny = any(abs(m.squared_deviation) < SMALL and m.total for m in group.moments.values())
    for slot, moments in group.moments.items():
        look = _look(moments, group.greatest_weight, tiny)
        if look is not None:
            found[slot] = look
    return found


def _look(moments: Moments, greatest_weight: float, tiny: bool) -> Look | None:
    """How to look at moments that have lost digits."""
    if not moments.count:
        return None
    unit, scale, centred = moments.unit, moments.scale, moments.centre != 0
    if 0 < greatest_weight < math.inf and not LIGHT < moments.weight_squared < HEAVY:
        unit = 2.0 ** -max(math.frexp(greatest_weight)[1], -1000)
    elif moments.count < 2 or not math.isfinite(moments.total):
        return None
    elif not moments.squared_deviation < LARGE:
        scale = 1 / SCALE
    elif moments.squared_deviation < SMALL and tiny:
        scale = SCALE
    look = Look(True, unit, scale)
    if look != Look(True, moments.unit, moments.scale):
        return look
    lost = moments.squared_deviation > LOST * moments.scatter()
    return look if lost and not centred else None


def _centre(moments: Moments) -> float:
    mean = moments.finish("mean")
    return mean if math.isfinite(mean) else 0.0
