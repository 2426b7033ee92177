"""The columns of losses over a data frame, through Narwhals: the frame's own engine computes them.

A column of 64 bits or more has integers that float64 has not. It is held as its nearest float64 and the rest, so that
the difference of two columns, the residual, is right to the last digit where the columns nearly agree. That of two
columns of decimals is the engine's own, which is exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import narwhals as nw

from normwise.engines.frame_language import FRAMES, lowered
from normwise.engines.question import COLUMN, Question
from normwise.engines.stages import Stages, Term, apply
from normwise.formula import Formula
from normwise.formula.expression import Expression, Number
from normwise.formula.values import Values
from normwise.formula.walk import path, walk

Frame: TypeAlias = "nw.DataFrame[Any] | nw.LazyFrame[Any]"
Columns: TypeAlias = Callable[[str], nw.Expr]

LIMB = 2**32
LIMBS: Mapping[Any, int] = {nw.Int64: 2, nw.UInt64: 2, nw.Int128: 4, nw.UInt128: 4}
"""How many digits of base `LIMB` the integers have that float64 has not all of."""
DECIMALS = 38
"""As many digits the decimals of every engine have."""


@dataclass(frozen=True)
class Inputs:
    """How a question's names are read from a frame."""

    number: Columns
    key: Columns
    dtypes: Mapping[str, Any]
    """The types of the numbers."""
    float_keys: frozenset[str]
    nan_is_null: bool


def inputs_of(frame: Frame, question: Question, number: Columns, key: Columns) -> Inputs:
    """Look up the types of the columns."""
    columns = [*map(number, question.numbers), *map(key, question.by)]
    dtypes = frame.select(**{f"n{i}": column for i, column in enumerate(columns)}).collect_schema().dtypes()
    numbers = dict(zip(question.numbers, dtypes, strict=False))
    keys = zip(question.by, dtypes[len(numbers) :], strict=True)
    float_keys = frozenset(name for name, dtype in keys if dtype.is_float())
    return Inputs(number, key, numbers, float_keys, frame.implementation.is_pandas_like())


@dataclass(frozen=True)
class _Number:
    """A column of numbers."""

    value: Term
    """In float64; null where it is missing."""
    rest: Term | None = None
    """The column less that, where it can be other than 0."""
    decimal: Term | None = None
    """The column itself, where it has decimals."""
    digits: tuple[int, int] = (0, 0)
    """How many they have before and behind the point."""


@dataclass
class Losses:
    """The losses of each prediction as columns of stages; null in a row that misses something they need."""

    question: Question
    inputs: Inputs
    stages: Stages = field(default_factory=Stages)

    def __post_init__(self) -> None:
        question = self.question
        self.keys = [str(self._key(name).column) for name in question.by]
        self._given = {name: self._number(name) for name in question.numbers}
        self.target, self.weights = self._given[question.target].value, None
        self.predictions = [self._given[name].value for name in question.predictions]
        self.weight: Term | None = None
        target = self.target
        if question.weight is not None:
            self.weights = self._given[question.weight].value
            # A row of weight 0 is not there; a negative weight will be refused.
            self.weight = self.stages.column(lambda w: nw.when(w != 0).then(w), self.weights)
            target = self.stages.column(lambda w, t: nw.when(~w.is_null()).then(t), self.weight, target)
        self._target = target
        further = {name for formula, _ in question.formulas for name in formula.arrays[2:]}
        self._further = {name: self._given[name.removeprefix(COLUMN)] for name in sorted(further)}
        self._sizes = {name: self.stages.column(lambda a: a.abs(), each.value) for name, each in self._further.items()}
        self._both: dict[tuple[str | None, str | None], Term] = {}
        self._rows: dict[int, list[Term]] = {}
        self._losses: dict[int, list[Term]] = {}

    def rows(self, prediction: int) -> list[Term]:
        """For each formula a column that is null in the rows that do not have all that it reads."""
        if prediction not in self._rows:
            # Null where either is, also where the residual of two infinities is nan.
            complete = self.stages.column(lambda x, t: x.abs() + t.abs(), self.predictions[prediction], self._target)
            formulas = [formula for formula, _ in self.question.formulas]
            self._rows[prediction] = [self._complete(complete, formula) for formula in formulas]
        return self._rows[prediction]

    def losses(self, prediction: int) -> list[Term]:
        """For each formula its values, null where the row is not complete."""
        if prediction not in self._losses:
            self._losses[prediction] = self._computed(prediction)
        return self._losses[prediction]

    def both(self, a: Term, b: Term) -> Term:
        """Null where either is; one column for all who ask."""
        key = a.column, b.column
        if key not in self._both:
            self._both[key] = self.stages.column(lambda a, b: a + b, a, b)
        return self._both[key]

    def where(self, rows: Term, value: Term | Number) -> Term:
        """The value in some rows, else null."""
        return self.stages.keep(apply(lambda rows, value: nw.when(~rows.is_null()).then(value), rows, value))

    def on(self, frame: Frame) -> Frame:
        """The frame with all the columns so far, not yet computed where it is lazy."""
        first, *later = self.stages.stages
        staged = frame.select(**first)
        for columns in later:
            staged = staged.with_columns(**columns)
        return staged

    def _key(self, name: str) -> Term:
        """A column to group by. Some engines tell -0.0 from 0.0, and most nan from null: here they are the same."""
        key = self.stages.keep(Term(self.inputs.key(name), 0))
        return self.stages.column(lambda a: _unless_nan(a, a + 0.0), key) if name in self.inputs.float_keys else key

    def _number(self, name: str) -> _Number:
        column, dtype = self.inputs.number(name), self.inputs.dtypes[name]
        limbs = next((count for kind, count in LIMBS.items() if dtype == kind), 0)
        if limbs:
            return self._integer(column, dtype, limbs)
        value = self.stages.keep(Term(column.cast(nw.Float64), 0))
        if dtype == nw.Decimal:
            return _Number(value, None, self.stages.keep(Term(column, 0)), (dtype.precision - dtype.scale, dtype.scale))
        if not dtype.is_float():
            return _Number(value)
        return _Number(self.stages.column(lambda a: _unless_nan(a, a), value))

    def _integer(self, column: nw.Expr, dtype: Any, count: int) -> _Number:
        stages = self.stages
        whole = stages.keep(Term(column, 0))
        # A column, not a literal, which pandas takes for a signed integer beside Arrow's unsigned ones.
        base = stages.keep(Term(nw.lit(LIMB, dtype), 0))
        limbs: list[Term] = []
        for _ in range(count - 1):
            high = stages.column(lambda a, base: a // base, whole, base)
            limbs.append(stages.column(lambda a, b, base: (a - b * base).cast(nw.Float64), whole, high, base))
            whole = high
        limbs.append(stages.column(lambda a: a.cast(nw.Float64), whole))
        value = limbs[-1]
        for limb in limbs[-2::-1]:
            value = apply(lambda a, b: a * float(LIMB) + b, value, limb)
        value = stages.keep(value)
        # From the highest limb on each sum is exact: it has fewer digits than the value is apart from it.
        rest = apply(lambda a, b: a * float(LIMB ** (count - 1)) - b, limbs[-1], value)
        for power, limb in zip(range(count - 2, -1, -1), limbs[-2::-1], strict=True):
            rest = apply(lambda a, b, unit=float(LIMB**power): a + b * unit, rest, limb)
        return _Number(value, stages.keep(rest))

    def _complete(self, complete: Term, formula: Formula) -> Term:
        """Null where the row is not complete, or misses a further column that the formula reads."""
        for name in formula.arrays[2:]:
            complete = self.both(complete, self._sizes[name])
        return complete

    def _computed(self, prediction: int) -> list[Term]:
        """The columns of the losses of one prediction."""
        formulas, rows = self.question.formulas, self.rows(prediction)
        variables = {"x": self._given[self.question.predictions[prediction]], "t": self._given[self.question.target]}
        variables |= self._further
        # Numbers, but no constants, of which a formula would lose 0 times what may be infinite.
        numbers = {f"{name} = {value!r}": value for _, parameters in formulas for name, value in parameters.items()}
        expressions = [
            lowered(formula.expression, {name: f"{name} = {value!r}" for name, value in parameters.items()})
            for formula, parameters in formulas
        ]
        values = {name: number.value for name, number in variables.items()} | {"t": self._target} | numbers
        steps = path(expressions)
        uses = Counter([steps.steps[i][0] for _, arguments in steps.steps for i in arguments] + expressions)

        def compute(node: Expression, arguments: tuple[Any, ...]) -> Term:
            value = FRAMES[node.primitive]
            term = apply(lambda *values: value(nw, *values), *arguments)
            if node.primitive == "subtract" and all(each.value in variables for each in node.arguments):
                term = _exact(term, *(variables[str(each.value)] for each in node.arguments))
            return self.stages.keep(term) if uses[node] > 1 else term

        computed = walk(steps, Values(values, compute))
        absent = walk(steps, _Absent())
        return [
            self.stages.keep(value) if set(formula.arrays) <= needed else self.where(complete, value)
            for (formula, _), value, needed, complete in zip(formulas, computed, absent, rows, strict=True)
        ]


def _exact(difference: Term, a: _Number, b: _Number) -> Term:
    """The difference of two columns with what float64 has left of them; null where it is null."""
    if a.decimal is not None and b.decimal is not None:
        if sum(map(max, a.digits, b.digits)) >= DECIMALS:
            return difference
        return apply(
            lambda d, a, b: nw.when(~d.is_null()).then((a - b).cast(nw.Float64)), difference, a.decimal, b.decimal
        )
    if a.rest is not None and b.rest is not None:
        return apply(lambda d, a, b: d + (a - b), difference, a.rest, b.rest)
    if a.rest is not None:
        return apply(lambda d, a: d + a, difference, a.rest)
    return difference if b.rest is None else apply(lambda d, b: d - b, difference, b.rest)


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


def _unless_nan(a: nw.Expr, value: nw.Expr) -> nw.Expr:
    """The value, or null where `a` is nan.

    Not by is_nan: DuckDB takes it for false where the statistics of a Parquet file, which know no nan, say so.
    """
    return nw.when(a.is_finite() | (a.abs() == math.inf)).then(value)
