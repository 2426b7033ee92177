"""Formulas over data frames and SQL engines, through Narwhals: all sums of all losses in one query.

Nothing is computed here: the frame's own engine does it, when the one result is collected.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np

from normwise.engines.stages import Stages, Term, apply
from normwise.engines.watch import Progress, watched
from normwise.formula import Formula
from normwise.formula.expression import Expression, Number
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.values import frame_values, lowered
from normwise.formula.walk import path, walk
from normwise.sums import Moments

Frame: TypeAlias = "nw.DataFrame[Any] | nw.LazyFrame[Any]"
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What to sum: each formula of each prediction against the target, and each pair's difference.

    All names are those of columns; a formula reads the prediction ``x``, the target ``t`` and, as further arrays,
    columns under their names after `COLUMN`. It comes with its parameters. Of the formulas that `together` names the
    means are to be known jointly, with their covariances.
    """

    target: str
    predictions: Sequence[str]
    formulas: Sequence[tuple[Formula, Mapping[str, float]]]
    by: Sequence[str] = ()
    weight: str | None = None
    together: Sequence[tuple[int, ...]] = ()


COLUMN = "column "
"""What precedes the name of a column among the arrays of a formula."""


@dataclass(frozen=True)
class Sums:
    """The sums of one group of rows; those of a whole are the sums of its parts merged.

    A row is missing what is null or nan in it. A prediction's sums are over the rows that miss neither it nor the
    target nor the weight, a pair's over those that miss neither prediction.
    """

    key: tuple[Any, ...]
    """The values of the columns that the rows are grouped by."""
    rows: int
    missing_target: int
    missing_weight: int
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
            tuple(a + b for a, b in zip(self.missing_predictions, other.missing_predictions, strict=True)),
            min(self.least_weight, other.least_weight),
            _merge(self.scores, other.scores),
            _merge(self.differences, other.differences),
            _merge(self.joint, other.joint),
            _merge(self.paired, other.paired),
        )


def jointly(count: int) -> list[tuple[int, ...]]:
    """What is summed to know so many means jointly: each, and the difference of each two.

    Examples
    --------
    >>> jointly(3)
    [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    """
    return [*((i,) for i in range(count)), *combinations(range(count), 2)]


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


def measure(frame: Frame, question: Question, collect: Callable[[Frame], list[Row]] = rows_of) -> list[Sums]:
    """Answer a question by one query to the frame's engine.

    Parameters
    ----------
    frame : Narwhals frame
        Eager or lazy; its columns have been checked.
    question : Question
    collect : callable
        What runs the query, in place of `rows_of`: a progress bar, say.

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
    query = _Query(question, nan_is_null=frame.implementation.is_pandas_like())
    with np.errstate(all="ignore"):  # pandas computes with NumPy, which warns of inf and nan
        return [query.read(row) for row in collect(query.on(frame))]


@dataclass(frozen=True)
class _Columns:
    """Where one group's `Moments` stand in the row of the result."""

    names: Mapping[str, str]
    present: str | None
    """How many of the losses are not nan, in an engine that skips nan in a sum."""

    def read(self, row: Row) -> Moments:
        sums = {name: float(row[column] or 0.0) for name, column in self.names.items()}
        if self.present is not None and row[self.present] < sums["count"]:
            sums |= dict.fromkeys(("total", "weight_squared_total", "squared_total"), math.nan)
        return Moments(**sums)


class _Query:
    """One query, and how its rows are read."""

    def __init__(self, question: Question, nan_is_null: bool) -> None:
        self.nan_is_null = nan_is_null
        self.stages = Stages()
        self.aggregates: dict[str, nw.Expr] = {"rows": nw.len()}
        keep = self.stages.keep
        self.keys = [str(keep(Term(nw.col(name), 0)).column) for name in question.by]
        target = self._number(question.target)
        given = [self._number(name) for name in question.predictions]
        self.target = self._count(target)
        self.given = [self._count(x) for x in given]
        weight = None
        self.weight: tuple[str, str] | None = None
        if question.weight is not None:
            weight = self._number(question.weight)
            self.weight = self._count(weight), self._aggregate(weight.expression.min())
            target = self.stages.column(lambda w, t: nw.when(~w.is_null()).then(t), weight, target)
        # Null where either is, also where the residual of two infinities is nan.
        complete = [self.stages.column(lambda x, t: x.abs() + t.abs(), x, target) for x in given]
        further = {name for formula, _ in question.formulas for name in formula.arrays[2:]}
        self.further = {name: self._number(name.removeprefix(COLUMN)) for name in sorted(further)}
        self.sizes = {name: self.stages.column(lambda a: a.abs(), column) for name, column in self.further.items()}
        self.both: dict[tuple[str | None, str | None], Term] = {}
        # For each prediction: for each loss the rows that have all that it reads, and its values.
        rows = [[self._complete(c, formula) for formula, _ in question.formulas] for c in complete]
        losses = [self._losses(question, x, target, r) for x, r in zip(given, rows, strict=True)]
        pairs = [*combinations(range(len(given)), 2)]
        minus = self._minus
        self.scores = [self._moments(values, r, weight) for values, r in zip(losses, rows, strict=True)]
        self.differences = [
            self._moments([*map(minus, losses[i], losses[j])], [*map(self._both, rows[i], rows[j])], weight)
            for i, j in pairs
        ]
        together = question.together
        self.joint = [
            [m for each in together for m in self._joint([values[k] for k in each], r[each[0]], weight)]
            for values, r in zip(losses, rows, strict=True)
        ]
        self.paired = [
            [
                moments
                for each in together
                for moments in self._joint(
                    [losses[side][k] for side in (i, j) for k in each],
                    self._both(rows[i][each[0]], rows[j][each[0]]),
                    weight,
                )
            ]
            for i, j in pairs
        ]

    def on(self, frame: Frame) -> Frame:
        """The query on a frame, not yet run where the frame is lazy."""
        first, *later = self.stages.stages
        staged = frame.select(**first)
        for columns in later:
            staged = staged.with_columns(**columns)
        aggregates = [expression.alias(name) for name, expression in self.aggregates.items()]
        if not self.keys:
            return staged.select(*aggregates)
        return staged.group_by(*self.keys, drop_null_keys=False).agg(*aggregates)

    def read(self, row: Row) -> Sums:
        """One row of the result."""
        rows = int(row["rows"])
        count, least = (None, None) if self.weight is None else (row[self.weight[0]], row[self.weight[1]])
        return Sums(
            key=tuple(self._key(row[name]) for name in self.keys),
            rows=rows,
            missing_target=rows - int(row[self.target]),
            missing_weight=0 if count is None else rows - int(count),
            missing_predictions=tuple(rows - int(row[name]) for name in self.given),
            least_weight=math.inf if least is None else float(least),
            scores=tuple(tuple(columns.read(row) for columns in each) for each in self.scores),
            differences=tuple(tuple(columns.read(row) for columns in each) for each in self.differences),
            joint=tuple(tuple(columns.read(row) for columns in each) for each in self.joint),
            paired=tuple(tuple(columns.read(row) for columns in each) for each in self.paired),
        )

    def _key(self, value: Any) -> Any:
        """A value of a column to group by: None for the pandas family's many ways to miss one."""
        return None if self.nan_is_null and (value is None or str(value) in ("nan", "NaT", "<NA>")) else value

    def _number(self, name: str) -> Term:
        """A column in float64, null where it is nan."""
        number = self.stages.keep(Term(nw.col(name).cast(nw.Float64), 0))
        return self.stages.column(lambda a: a.fill_nan(None), number)

    def _complete(self, complete: Term, formula: Formula) -> Term:
        """Null where the row is not complete, or misses a further column that the formula reads."""
        for name in formula.arrays[2:]:
            complete = self._both(complete, self.sizes[name])
        return complete

    def _both(self, a: Term, b: Term) -> Term:
        """Null where either is; one column for all who ask."""
        key = a.column, b.column
        if key not in self.both:
            self.both[key] = self.stages.column(lambda a, b: a + b, a, b)
        return self.both[key]

    def _minus(self, a: Term, b: Term) -> Term:
        return self.stages.column(lambda a, b: a - b, a, b)

    def _joint(self, values: list[Term], rows: Term, weight: Term | None) -> list[_Columns]:
        """The moments of values, and of the difference of each two, over some rows."""
        own = [self.stages.keep(_where(rows, value)) for value in values]
        terms = [
            own[which[0]] if len(which) == 1 else self._minus(*(own[k] for k in which)) for which in jointly(len(own))
        ]
        return self._moments(terms, [rows] * len(terms), weight)

    def _losses(self, question: Question, x: Term, t: Term, rows: list[Term]) -> list[Term]:
        """The columns of the losses of one prediction, null where the row is not complete."""
        expressions = [lowered(formula.expression, parameters) for formula, parameters in question.formulas]
        way = path(expressions)
        uses = Counter([way.steps[i][0] for _, arguments in way.steps for i in arguments] + expressions)

        def compute(node: Expression, arguments: tuple[Any, ...]) -> Term:
            row = PRIMITIVES[node.primitive]
            if row.frame is None:
                raise NotImplementedError(
                    f"data frames have no {row.name}: its row in the table of primitives lowers it"
                )
            value = row.frame
            term = apply(lambda *values: value(nw, *values), *arguments)
            return self.stages.keep(term) if uses[node] > 1 else term

        values = frame_values(way, {"x": x, "t": t, **self.further}, compute)
        absent = walk(way, _Absent())
        return [
            self.stages.keep(value if set(formula.arrays) <= needed else _where(complete, value))
            for (formula, _), value, needed, complete in zip(question.formulas, values, absent, rows, strict=True)
        ]

    def _moments(self, losses: list[Term], rows: list[Term], weight: Term | None) -> list[_Columns]:
        """Of the values of losses, each over its rows."""
        column = self.stages.column
        counts: dict[int, str] = {}
        weights: dict[int, tuple[Term, str, str]] = {}
        for complete in rows:
            if id(complete) not in counts:
                counts[id(complete)] = self._count(complete)
                if weight is not None:
                    own = self.stages.keep(_where(complete, weight))
                    weights[id(complete)] = own, self._sum(own), self._sum(column(lambda w: w * w, own))
        found: list[_Columns] = []
        for loss, complete in zip(losses, rows, strict=True):
            count = counts[id(complete)]
            if weight is None:
                found.append(self._columns(loss, loss, column(lambda a: a * a, loss), count, count, count))
                continue
            own, *sums = weights[id(complete)]
            weighted = column(lambda w, a: w * a, own, loss)
            twice, squared = column(lambda w, a: w * a, own, weighted), column(lambda a: a * a, weighted)
            found.append(self._columns(weighted, twice, squared, count, *sums))
        return found

    def _columns(
        self, total: Term, twice: Term, squared: Term, count: str, weight: str, weight_squared: str
    ) -> _Columns:
        sum_of_losses = self._sum(total)
        names = {
            "total": sum_of_losses,
            "weight": weight,
            "count": count,
            "weight_squared": weight_squared,
            "weight_squared_total": sum_of_losses if twice is total else self._sum(twice),
            "squared_total": self._sum(squared),
        }
        return _Columns(names, self._count(total) if self.nan_is_null else None)

    def _count(self, term: Term) -> str:
        return self._aggregate(term.expression.count())

    def _sum(self, term: Term) -> str:
        return self._aggregate(term.expression.sum())

    def _aggregate(self, expression: nw.Expr) -> str:
        name = f"a{len(self.aggregates)}"
        self.aggregates[name] = expression
        return name


def _where(complete: Term, value: Term | Number) -> Term:
    return apply(lambda rows, value: nw.when(~rows.is_null()).then(value), complete, value)


class _Absent:
    """The language of what an expression cannot do without: the variables whose null makes it null.

    A comparison with null selects the other branch, in most engines, so a selection needs what both branches need.
    """

    def constant(self, value: Number) -> frozenset[str]:
        return frozenset()

    def variable(self, name: str) -> frozenset[str]:
        return frozenset([name])

    def apply(self, expression: Expression, arguments: tuple[frozenset[str], ...]) -> frozenset[str]:
        if expression.primitive == "where":
            return arguments[1] & arguments[2]
        return frozenset[str]().union(*arguments)
