"""The evaluation: what was asked is checked, summed by the frame's own engine, and finished."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from itertools import accumulate, combinations, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from normwise.catalogue import Loss
from normwise.engines.frames import COLUMN, Question, Sums, jointly, measure
from normwise.engines.watch import Progress
from normwise.errors import InputError
from normwise.evaluation import errors, files, finish
from normwise.evaluation.keys import merged
from normwise.evaluation.result import Difference, Evaluation, Group, Missing, Score
from normwise.evaluation.source import InexactError, Source, source_of
from normwise.formula import Formula, where
from normwise.formula.expression import variable
from normwise.loss_functions.choice import bound, find_loss, read_loss
from normwise.sums import Moments

LossChoice: TypeAlias = "str | Loss | Callable[..., Any] | tuple[str | Loss | Callable[..., Any], Mapping[str, Any]]"


class _Chosen(NamedTuple):
    label: str
    loss: Loss
    formulas: tuple[Formula, ...]
    """Those of its means; an array beside prediction and target is a column."""
    parameters: Mapping[str, float]


def evaluate(
    frame: Any,
    *,
    target: str,
    prediction: str | Sequence[str],
    by: str | Sequence[str] | None = None,
    weight: str | None = None,
    losses: LossChoice | Sequence[LossChoice] = ("l1", "mse"),
    progress: Progress | None = None,
) -> Evaluation:
    """Mean losses of predictions, with standard errors, side by side and by group.

    Parameters
    ----------
    frame : data frame, path, or paths
        Any frame that Narwhals knows, eager or lazy (pandas, polars, pyarrow, DuckDB, ...). Or the path of a CSV, TSV,
        Parquet, JSON or JSON-lines file, a pattern such as ``"day-*.parquet"``, or several: DuckDB reads them in pieces
        as one table, columns matched by name; each file must have the columns that are named. Pipes are read too. In a
        file of texts a number is missing that is empty, NA, N/A, #N/A, null, None or nan. Lines of ``# ...`` before the
        header of a CSV file are passed over, and reported in `Evaluation.notes`.
    target : str
        The column of true values.
    prediction : str or sequence of str
        The columns of predictions.
    by : str or sequence of str, optional
        The columns to group by; rows without a key (null or nan) are a group of their own. A key is what the file or
        frame says: in CSV a text, or a number where every key is one. A column that the files do not have may stand in
        the names of their folders, as in ``year=2024/part.parquet``.
    weight : str, optional
        The column of weights, 0 or more; a row of weight 0 counts nowhere. Only their ratios matter.
    losses : sequence
        Each a name, a text such as ``"smooth_l1:beta=10"`` or a formula such as ``"log(cosh(r / s)):s=2"``, a function
        of `normwise.functional`, a `Loss`, or a pair of one of these with a dict of parameters. For an array beside
        prediction and target give the name of a column, or a number: ``"gaussian_nll:var=column"``.
    progress : callable, optional
        Called with the percentage done, again and again, while files are read.

    Returns
    -------
    Evaluation
        For each prediction and loss ``sum(weight * loss) / sum(weight)``, computed in float64 over the rows that miss
        neither prediction, target nor weight, nor a further column of the loss (a value is missing where it is null or
        nan); its standard error; for each pair of predictions the mean difference with its 95% interval (this needs
        SciPy); and how many rows miss what. Of a loss that is made of means, as RMSE is, the standard error is that of
        the delta method. Infinite values propagate.

        The residual of two columns of integers, of integers and floats, or of decimals is taken before they are
        rounded to float64 (of 128 bits to 106, of decimals where 38 digits hold both); decimals beside other numbers,
        and columns that a formula reads apart, are rounded first.

    Raises
    ------
    InputError
        Where a column, file, loss or parameter is not there or not usable, a weight is negative, or no row is complete.

    Examples
    --------
    >>> import polars as pl, normwise
    >>> frame = pl.DataFrame({"y": [1.0, 2.0, 3.0, None], "model": [1.5, 2.0, 2.0, 7.0], "mean": [2.0, 2.0, 2.0, 2.0]})
    >>> print(normwise.evaluate(frame, target="y", prediction=["model", "mean"], losses=["l1", "huber:delta=0.5"]))
    loss                    model         mean  n
    l1               *0.50 ± 0.29  0.67 ± 0.33  3
    huber:delta=0.5  *0.17 ± 0.11  0.25 ± 0.12  3
    <BLANKLINE>
    difference in loss, 95% interval                   l1      huber:delta=0.5
    model - mean                      -0.17 [-0.88, 0.55]  -0.08 [-0.44, 0.28]
    <BLANKLINE>
    1 of 4 rows left out: the target 'y' is missing in 1
    * the lowest loss
    """
    predictions, groups = _names("prediction", prediction), _names("group", () if by is None else by)
    _check_name("target", target)
    if weight is not None:
        _check_name("weight", weight)
    if not predictions:
        raise errors.nothing_given("prediction")
    chosen = _chosen(losses)
    formulas = [(formula, each.parameters) for each in chosen for formula in each.formulas]
    together = [places for each, places in zip(chosen, _places(chosen), strict=True) if each.loss.finish is not None]
    question = Question(target, predictions, formulas, groups, weight, together)
    with _source(frame, question, progress) as source:
        sums = _checked(_sums(source, question), question, source.where)
    return _finished(question, chosen, sums, source.notes)


def _places(chosen: Sequence[_Chosen]) -> list[tuple[int, ...]]:
    """Where each loss's formulas stand among those of the question."""
    ends = [*accumulate(len(each.formulas) for each in chosen)]
    return [tuple(range(end - len(each.formulas), end)) for each, end in zip(chosen, ends, strict=True)]


def _sums(source: Source, question: Question) -> list[Sums]:
    """The sums of each group."""
    try:
        measured = measure(source.frame, question, source.collect, source.numbers.__getitem__, source.keys.__getitem__)
    except InexactError:
        if source.exact is None:
            raise
        return _sums(source.exact(), question)
    return merged(measured, [source.decoders[name] for name in question.by])


@contextmanager
def _source(frame: Any, question: Question, progress: Progress | None) -> Generator[Source]:
    """The columns of a frame or of files."""
    numbers = _numeric(question)
    paths = _paths(frame)
    if paths is None:
        yield source_of(frame, numbers, question.by)
        return
    with files.opened(paths) as opened:
        yield opened.source(numbers, question.by, progress)


def _paths(frame: object) -> list[str | Path] | None:
    entries = cast("Sequence[object]", frame) if isinstance(frame, (list, tuple)) else [frame]
    paths = [path for path in entries if isinstance(path, (str, Path))]
    return paths if len(paths) == len(entries) else None


def _names(what: str, given: str | Iterable[str]) -> tuple[str, ...]:
    """The names of columns that an argument holds, one or several."""
    several = isinstance(cast(object, given), Iterable) and not isinstance(given, (str, bytes))
    names = tuple(given) if several else (cast(str, given),)
    for name in names:
        _check_name(what, name)
    _check_once(what, names)
    return names


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise errors.not_a_name(what, name)


def _check_once(what: str, names: Sequence[str]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise errors.named_twice(what, name)


def _chosen(losses: LossChoice | Sequence[LossChoice]) -> list[_Chosen]:
    chosen = [_choose(choice) for choice in _several(losses)]
    if not chosen:
        raise errors.nothing_given("loss")
    _check_once("loss", [each.label for each in chosen])
    return chosen


def _several(losses: LossChoice | Sequence[LossChoice]) -> Sequence[LossChoice]:
    choices = cast("Sequence[LossChoice]", losses)
    one = not isinstance(losses, (list, tuple)) or (len(choices) == 2 and isinstance(choices[1], Mapping))
    return [cast("LossChoice", losses)] if one else choices


def _choose(choice: LossChoice) -> _Chosen:
    loss, given = _read(choice)
    columns = {name: str(given[name]) for name in loss.further_arrays if isinstance(given.get(name), str)}
    loss, parameters = bound(loss, {name: given[name] for name in given if name not in columns})
    absent = [name for name in loss.further_arrays if name not in columns]
    if absent:
        raise errors.further_arrays(loss.name, absent)
    told = [f"{name}={column}" for name, column in columns.items()]
    told += [f"{n}={v:g}" for n, v in parameters.items() if v is not False]
    label = f"{loss.name}:{','.join(told)}" if told else loss.name
    formulas = tuple(_of_columns(_within_domain(loss, part.formula), columns) for part in loss.parts)
    return _Chosen(label, loss, formulas, parameters)


def _read(choice: LossChoice) -> tuple[Loss, Mapping[str, Any]]:
    if isinstance(choice, str):
        return read_loss(choice)
    if isinstance(choice, tuple):
        return find_loss(choice[0]), cast("Mapping[str, Any]", choice[1])
    return find_loss(choice), {}


def _within_domain(loss: Loss, formula: Formula) -> Formula:
    """The formula, but nan where an array beside prediction and target, as a variance, leaves its domain."""
    expression = formula.expression
    for name in formula.arrays[2:]:
        if name in loss.domain:
            interval, array = loss.domain[name], variable(name)
            above = array >= interval.low if interval.low in interval else array > interval.low
            below = array <= interval.high if interval.high in interval else array < interval.high
            expression = where(above, where(below, expression, math.nan), math.nan)
    return replace(formula, expression=expression)


def _of_columns(formula: Formula, columns: Mapping[str, Any]) -> Formula:
    names = {name: COLUMN + columns[name] for name in formula.arrays[2:]}
    arrays = (*formula.arrays[:2], *dict.fromkeys(names.values()))
    return formula.on(arrays, **{name: variable(column) for name, column in names.items()})


def _numeric(question: Question) -> list[str]:
    """The columns of numbers."""
    return [*question.numbers]


def _checked(sums: list[Sums], question: Question, where: str) -> list[Sums]:
    whole = _whole(sums) if sums else None
    if whole is None or whole.rows == 0:
        raise errors.no_rows(where)
    if question.weight is not None and whole.least_weight < 0:
        raise errors.negative_weight(question.weight, whole.least_weight)
    for prediction, scores in zip(question.predictions, whole.scores, strict=True):
        if all(score.count == 0 for score in scores):
            raise errors.no_complete_row(prediction, question.target, question.weight, whole.rows, whole.weightless)
    return sums


def _whole(sums: list[Sums]) -> Sums:
    return reduce(Sums.merge, sums)


def _finished(question: Question, chosen: Sequence[_Chosen], sums: list[Sums], notes: tuple[str, ...]) -> Evaluation:
    return Evaluation(
        target=question.target,
        predictions=tuple(question.predictions),
        losses=tuple(each.label for each in chosen),
        by=tuple(question.by),
        weight=question.weight,
        overall=_group(question, chosen, _whole(sums), ()),
        groups=tuple(_group(question, chosen, each, each.key) for each in (sums if question.by else ())),
        notes=notes,
    )


def _group(question: Question, chosen: Sequence[_Chosen], sums: Sums, key: tuple[Any, ...]) -> Group:
    predictions = question.predictions
    pairs = [*combinations(predictions, 2)]
    missing = dict(zip(predictions, sums.missing_predictions, strict=True))
    return Group(
        key=key,
        rows=sums.rows,
        missing=Missing(sums.missing_target, sums.missing_weight, missing),
        weightless=sums.weightless,
        scores=tuple(
            Score(prediction, label, *found, n)
            for prediction, means, joint in zip(predictions, sums.scores, sums.joint, strict=True)
            for label, found, n in _estimates(chosen, means, joint, finish.estimate, 1)
        ),
        differences=tuple(
            _difference(first, second, label, found, n)
            for (first, second), means, joint in zip(pairs, sums.differences, sums.paired, strict=True)
            for label, found, n in _estimates(chosen, means, joint, finish.difference, 2)
        ),
    )


def _estimates(
    chosen: Sequence[_Chosen],
    means: Sequence[Moments],
    joint: Sequence[Moments],
    finished: Callable[[Formula, Sequence[Moments]], finish.Estimate],
    sides: int,
) -> Iterator[tuple[str, finish.Estimate, int]]:
    """Each loss's label, its value with the standard error, and the number of rows."""
    rest = iter(joint)
    for each, places in zip(chosen, _places(chosen), strict=True):
        moments = means[places[0]]
        if each.loss.finish is None:
            found = finish.Estimate(moments.finish("mean"), moments.standard_error())
        else:
            found = finished(each.loss.finish, [*islice(rest, len(jointly(sides * len(places))))])
        yield each.label, found, int(moments.count)


def _difference(first: str, second: str, label: str, found: finish.Estimate, n: int) -> Difference:
    reach = _student(n - 1) * found.standard_error
    return Difference(first, second, label, found.value, found.value - reach, found.value + reach, n)


def _student(freedom: int) -> float:
    """The 97.5% quantile of Student's t."""
    try:
        from scipy.special import stdtrit
    except ModuleNotFoundError:
        raise InputError("the interval of a difference needs SciPy: pip install 'normwise[cli]'") from None
    return float(stdtrit(freedom, 0.975)) if freedom > 0 else math.nan
