"""One query for many sums of losses: what it aggregates, and how its rows are read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, TypeAlias

import narwhals as nw

from normwise.engines.frame_keys import plain_key
from normwise.engines.frame_losses import Frame, Losses
from normwise.engines.question import jointly
from normwise.engines.stages import Term
from normwise.sums import Moments

Row: TypeAlias = Mapping[str, Any]
Subject: TypeAlias = tuple[int, ...]
"""A prediction, or two whose difference is meant."""


@dataclass(frozen=True, order=True)
class Slot:
    """A place for moments: of a formula of a subject, or of `jointly` of those that are known together."""

    subject: Subject
    together: bool
    place: int


@dataclass(frozen=True)
class Look:
    """How closely a query looks: from where deviations are measured, and in which units."""

    centred: bool = False
    unit: float = 1.0
    scale: float = 1.0


@dataclass
class Group:
    """The sums of a group of rows, as they come in."""

    key: tuple[Any, ...]
    rows: int
    missing_target: int
    missing_weight: int
    weightless: int
    missing_predictions: tuple[int, ...]
    least_weight: float
    greatest_weight: float
    moments: dict[Slot, Moments] = field(default_factory=dict[Slot, Moments])


@dataclass(frozen=True)
class _Columns:
    """Where one group's `Moments` stand in the row of the result."""

    names: Mapping[str, str]
    numbers: Mapping[str, float]
    present: Sequence[tuple[str, tuple[str, ...]]]
    """How many of the losses, or of the deviations, are not nan, and of what they are summed: where nan is skipped."""

    def read(self, row: Row) -> Moments:
        sums = {name: _float(row[column]) for name, column in self.names.items()}
        for present, names in self.present:
            if row[present] < sums["count"]:
                sums |= dict.fromkeys(names, math.nan)
        return Moments(**sums, **self.numbers)


def _limit(value: Any, none: float) -> float:
    """The least or greatest of some numbers; of none, pandas has several ways to say so."""
    limit = plain_key(value)
    return none if limit is None else float(limit)


def _float(value: Any) -> float:
    """A sum: None where there is nothing to sum, the NA of pandas where it is nan."""
    return 0.0 if value is None else math.nan if str(value) == "<NA>" else float(value)


class Query:
    """A query for the moments of some subjects, and for what the rows miss.

    Parameters
    ----------
    losses : Losses
        Columns that are this query's own: it adds to them.
    subjects : sequence of Subject
    look : Look
    centres : mapping
        Where there are no groups, the point near the mean that each slot's deviations are measured from.
    """

    def __init__(
        self, losses: Losses, subjects: Sequence[Subject], look: Look, centres: Mapping[Slot, float] | None = None
    ) -> None:
        self.losses, self.look, self.centres = losses, look, centres or {}
        self.column = losses.stages.column
        self.aggregates: dict[str, nw.Expr] = {"rows": nw.len()}
        self.of_columns: dict[tuple[str, str | None], str] = {}
        self.target = self._count(losses.target)
        self.predictions = [self._count(each) for each in losses.predictions]
        self.weights: tuple[str, ...] = ()
        self.weight = losses.weight
        if losses.weights is not None and losses.weight is not None:
            raw, weight = losses.weights, losses.weight
            limits = self._aggregate("min", raw), self._aggregate("max", raw)
            self.weights = self._count(raw), self._count(weight), *limits
            if look.unit != 1.0:
                self.weight = self.column(lambda w: w * look.unit, weight)
        self.row_sums: dict[str | None, tuple[Term, dict[str, str]]] = {}
        self.slots: dict[Slot, _Columns] = {}
        for subject in subjects:
            self._add(subject)

    def on(self, frame: Frame) -> Frame:
        """The query on a frame, not yet run where the frame is lazy."""
        staged = self.losses.on(frame)
        aggregates = [expression.alias(name) for name, expression in self.aggregates.items()]
        if not self.losses.keys:
            return staged.select(*aggregates)
        return staged.group_by(*self.losses.keys, drop_null_keys=False).agg(*aggregates)

    def read(self, row: Row) -> Group:
        """One row of the result."""
        rows = int(row["rows"])
        weights, positive, least, greatest = (
            (row[name] for name in self.weights) if self.weights else (rows, rows, 1, 1)
        )
        return Group(
            key=tuple(plain_key(row[name]) for name in self.losses.keys),
            rows=rows,
            missing_target=rows - int(row[self.target]),
            missing_weight=rows - int(weights),
            weightless=int(weights) - int(positive),
            missing_predictions=tuple(rows - int(row[name]) for name in self.predictions),
            least_weight=_limit(least, math.inf),
            greatest_weight=_limit(greatest, -math.inf),
            moments={slot: columns.read(row) for slot, columns in self.slots.items()},
        )

    def _add(self, subject: Subject) -> None:
        """The moments of a subject: each formula's, then those that are known together."""
        losses, minus = self.losses, self._minus
        values = [losses.losses(prediction) for prediction in subject]
        rows = [self._both(each) for each in zip(*map(losses.rows, subject), strict=True)]
        for place, each in enumerate(zip(*values, strict=True)):
            self._moments(Slot(subject, False, place), each[0] if len(each) == 1 else minus(*each), rows[place])
        slot = 0
        for together in losses.question.together:
            common = rows[together[0]]
            sides = [losses.where(common, values[side][k]) for side, k in product(range(len(subject)), together)]
            for which in jointly(len(sides)):
                term = sides[which[0]] if len(which) == 1 else minus(*(sides[k] for k in which))
                self._moments(Slot(subject, True, slot), term, common)
                slot += 1

    def _moments(self, slot: Slot, loss: Term, rows: Term) -> None:
        """The moments of the values of a loss over some rows."""
        column, weight = self.column, self.weight
        own, names = self._row_sums(rows)
        weighted = loss if weight is None else column(lambda w, a: w * a, own, loss)
        total = self._sum(weighted)
        present: list[tuple[str, tuple[str, ...]]] = []
        if self.losses.inputs.nan_is_null:
            present.append((self._count(weighted), ("total",)))
        numbers = {"unit": self.look.unit, "scale": self.look.scale}
        if self.look.centred:
            loss, centre = self._deviation(slot, loss, weighted, own)
            weighted = loss if weight is None else column(lambda w, a: w * a, own, loss)
            deviation = self._sum(weighted)
            if isinstance(centre, str):
                names = names | {"centre": centre}
            else:
                numbers["centre"] = centre
        else:
            deviation = total
        twice = deviation if weight is None else self._sum(column(lambda w, a: w * a, own, weighted))
        names = names | {"total": total, "deviation": deviation, "weighted_deviation": twice}
        names["squared_deviation"] = self._sum(column(lambda a: a * a, weighted))
        if present:
            present.append((self._count(weighted), ("deviation", "weighted_deviation", "squared_deviation")))
        self.slots[slot] = _Columns(names, numbers, present)

    def _row_sums(self, rows: Term) -> tuple[Term, dict[str, str]]:
        """The weights in some rows (without weights, what is null elsewhere), and their sums."""
        if rows.column not in self.row_sums:
            count = self._count(rows)
            if self.weight is None:
                self.row_sums[rows.column] = rows, dict.fromkeys(("count", "weight", "weight_squared"), count)
            else:
                own = self.losses.where(rows, self.weight)
                squared = self._sum(self.column(lambda w: w * w, own))
                names = {"count": count, "weight": self._sum(own), "weight_squared": squared}
                self.row_sums[rows.column] = own, names
        return self.row_sums[rows.column]

    def _deviation(self, slot: Slot, loss: Term, weighted: Term, own: Term) -> tuple[Term, str | float]:
        """How far a loss is from a centre near its mean in the group, and the centre, or the column of it."""
        keys, scale = self.losses.keys, self.look.scale
        if not keys:
            centre = self.centres[slot]
            return self.column(lambda a: (a - centre) * scale, loss), centre

        def mean(total: nw.Expr, rows: nw.Expr) -> nw.Expr:
            divisor = rows.count() if self.weight is None else rows.sum()
            return total.sum().over(*keys) / divisor.over(*keys)

        centres = self.column(mean, weighted, own)
        return self.column(lambda a, c: (a - c) * scale, loss, centres), self._aggregate("max", centres)

    def _both(self, rows: Sequence[Term]) -> Term:
        return rows[0] if len(rows) == 1 else self.losses.both(*rows)

    def _minus(self, a: Term, b: Term) -> Term:
        return self.column(lambda a, b: a - b, a, b)

    def _count(self, term: Term) -> str:
        return self._aggregate("count", term)

    def _sum(self, term: Term) -> str:
        return self._aggregate("sum", term)

    def _aggregate(self, function: Literal["count", "max", "min", "sum"], term: Term) -> str:
        """The name of an aggregate: of a column each is asked once, which dask insists on."""
        known = self.of_columns.get((function, term.column)) if term.column else None
        if known is not None:
            return known
        name = self.of_columns[function, term.column] = f"a{len(self.aggregates)}"
        self.aggregates[name] = getattr(term.expression, function)()
        return name
