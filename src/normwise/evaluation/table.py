"""The tables of an evaluation as texts: what a cell says, how many digits, which is best. No terminal is known here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from normwise.visible import visible

if TYPE_CHECKING:  # an evaluation prints itself with this module
    from normwise.evaluation.result import Difference, Evaluation, Group, Score

MOST_GROUPS = 50
"""More groups than this are not shown: those with the most rows are."""


@dataclass(frozen=True)
class Cell:
    """A text, and whether it stands out."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Cells under a header; the first `labels` columns are names, the others numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    labels: int = 1
    closing: bool = False
    """Whether the last row sums the others up."""


def tables(evaluation: Evaluation) -> list[Table]:
    """The scores, a table for each loss where there are groups, then the differences.

    Names and keys are those of the data, which anybody may have written: they are made visible.
    """
    if evaluation.by:
        shown = _shown(evaluation.groups)
        found = [_by_group(evaluation, shown, loss) for loss in evaluation.losses]
    else:
        found = [_by_loss(evaluation)]
    differences = [_differences(evaluation)] if evaluation.overall.differences else []
    return [_visible(table) for table in (*found, *differences)]


def _visible(table: Table) -> Table:
    return replace(
        table,
        title=visible(table.title),
        header=tuple(map(visible, table.header)),
        rows=tuple(tuple(Cell(visible(cell.text), cell.strong) for cell in row) for row in table.rows),
    )


def notes(evaluation: Evaluation) -> list[str]:
    """What the tables leave out: rows that miss something, groups, what the mark means."""
    overall, missing = evaluation.overall, evaluation.overall.missing
    found = [*evaluation.notes]
    told = [f"the target {evaluation.target!r} is missing in {missing.target:,}"] if missing.target else []
    told += [f"the weight {evaluation.weight!r} in {missing.weight:,}"] if missing.weight else []
    told += [f"the prediction {name!r} in {count:,}" for name, count in missing.predictions.items() if count]
    if told and not missing.target:
        told[0] = told[0].replace(" in ", " is missing in ", 1)
    told += [f"the weight {evaluation.weight!r} is 0 in {overall.weightless:,}"] if overall.weightless else []
    if told:
        complete = {score.n for score in overall.scores}
        out = " to ".join(f"{overall.rows - n:,}" for n in sorted({max(complete), min(complete)}, reverse=True))
        found.append(f"{out} of {overall.rows:,} rows left out: {', '.join(told)}")
    hidden = len(evaluation.groups) - MOST_GROUPS
    if hidden > 0:
        found.append(f"{hidden:,} smaller groups not shown; to_dict() and --json have all")
    if len(evaluation.predictions) > 1:
        found.append("* the lowest loss")
    return [*map(visible, found)]


def plain_text(evaluation: Evaluation) -> str:
    """The tables and notes in columns of plain text."""
    blocks = [_plain(table) for table in tables(evaluation)]
    return "\n\n".join([*blocks, *(["\n".join(notes(evaluation))] if notes(evaluation) else [])])


def _plain(table: Table) -> str:
    lines = [table.header, *(tuple(cell.text for cell in row) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "  ".join(
            text.ljust(width) if i < table.labels else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*([table.title] if table.title else []), *texts])


def _by_loss(evaluation: Evaluation) -> Table:
    overall = evaluation.overall
    rows = [
        (Cell(loss), *_compared(evaluation, overall, loss, [_Digits.of([score]) for score in _scores(overall, loss)]))
        for loss in evaluation.losses
    ]
    return Table("", ("loss", *evaluation.predictions, "n"), tuple(rows))


def _by_group(evaluation: Evaluation, groups: Sequence[Group], loss: str) -> Table:
    columns = zip(*(_scores(group, loss) for group in groups), strict=True)
    digits = [_Digits.of(scores) for scores in columns]
    rows = [
        (
            *(Cell("(missing)" if value is None else str(value)) for value in group.key),
            *_compared(evaluation, group, loss, digits),
        )
        for group in groups
    ]
    blank = [Cell("")] * (len(evaluation.by) - 1)
    rows.append((Cell("all"), *blank, *_compared(evaluation, evaluation.overall, loss, digits)))
    header = (*evaluation.by, *evaluation.predictions, "n")
    return Table(loss, header, tuple(rows), labels=len(evaluation.by), closing=True)


def _shown(groups: Sequence[Group]) -> list[Group]:
    largest = {id(group) for group in sorted(groups, key=lambda group: -group.rows)[:MOST_GROUPS]}
    return [group for group in groups if id(group) in largest]


def _scores(group: Group, loss: str) -> list[Score]:
    return [score for score in group.scores if score.loss == loss]


def _compared(evaluation: Evaluation, group: Group, loss: str, digits: Sequence[_Digits]) -> tuple[Cell, ...]:
    """The cells of all predictions by one loss, and their number of rows."""
    scores = _scores(group, loss)
    values = [score.value for score in scores if not math.isnan(score.value)]
    least = min(values) if len(evaluation.predictions) > 1 and values else None
    counts = [f"{score.n:,}" for score in scores]
    cells = [
        Cell(("*" if score.value == least else "") + written.score(score), score.value == least)
        for score, written in zip(scores, digits, strict=True)
    ]
    return *cells, Cell(counts[0] if len(set(counts)) == 1 else " / ".join(counts))


def _differences(evaluation: Evaluation) -> Table:
    pairs: dict[tuple[str, str], list[Difference]] = {}
    for each in evaluation.overall.differences:
        pairs.setdefault((each.first, each.second), []).append(each)
    rows = [
        (Cell(f"{first} - {second}"), *(Cell(_interval(each), each.low > 0 or each.high < 0) for each in pair))
        for (first, second), pair in pairs.items()
    ]
    return Table("", ("difference in loss, 95% interval", *evaluation.losses), tuple(rows))


def _interval(difference: Difference) -> str:
    if math.isnan(difference.value):
        return _no_number(difference.n)
    # The interval is some two standard errors to each side.
    number = _Digits.fitting([(difference.high - difference.low) / 4], [difference.value]).number
    return f"{number(difference.value)} [{number(difference.low)}, {number(difference.high)}]"


def _no_number(n: int) -> str:
    """What stands for a mean that is none: of no rows, or of losses that are nan, as outside a domain."""
    return "nan" if n else "-"


@dataclass(frozen=True)
class _Digits:
    """How the numbers of a column are written: with so many decimals, or in scientific notation (None)."""

    decimals: int | None

    @classmethod
    def of(cls, scores: Sequence[Score]) -> _Digits:
        return cls.fitting([score.standard_error for score in scores], [score.value for score in scores])

    @classmethod
    def fitting(cls, errors: Sequence[float], values: Sequence[float]) -> _Digits:
        """Two significant digits of the typical standard error; where there is none, five of the values."""
        errors = [error for error in errors if math.isfinite(error) and error > 0]
        sizes = [abs(value) for value in values if math.isfinite(value) and value]
        if not sizes:
            return cls(1)
        last = math.floor(math.log10(median(errors))) - 1 if errors else math.floor(math.log10(median(sizes))) - 4
        return cls(None if last < -9 or max(sizes) >= 1e9 else max(0, -last))

    def number(self, value: float) -> str:
        return f"{value:.4g}" if self.decimals is None else f"{value:,.{self.decimals}f}"

    def score(self, score: Score) -> str:
        error = "?" if math.isnan(score.standard_error) else self.number(score.standard_error)
        return _no_number(score.n) if math.isnan(score.value) else f"{self.number(score.value)} ± {error}"
