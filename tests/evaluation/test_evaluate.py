"""Tables of errors against scikit-learn, SciPy, torch and NumPy, over every kind of frame; and each bad question."""

import json
import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import stats
from sklearn import metrics

import normwise
from normwise.catalogue import declare
from normwise.errors import InputError
from normwise.evaluation import Evaluation, evaluate
from normwise.evaluation.errors import ColumnError, EmptyInputError
from normwise.formula import where
from tests.evaluation.frames import KINDS
from tests.oracles.torch_losses import TORCH

SKLEARN = {
    "l1": metrics.mean_absolute_error,
    "mse": metrics.mean_squared_error,
    "quantile:q=0.3": lambda t, x, **weights: metrics.mean_pinball_loss(t, x, alpha=0.3, **weights),
}
ROWS = 400


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Numbers of several sizes, some missing, in three groups and rows without one."""
    rng = np.random.default_rng(20240708)
    t = rng.normal(50, 20, ROWS)
    found = pd.DataFrame({"t": t, "a": t + rng.normal(0, 3, ROWS), "b": t + rng.standard_t(3, ROWS)})
    found["w"] = rng.uniform(0, 2, ROWS)
    for name in "tabw":
        found.loc[rng.choice(ROWS, 20, replace=False), name] = np.nan
    found["g"] = rng.choice(["north", "south", "west"], ROWS)
    found.loc[rng.choice(ROWS, 30, replace=False), "g"] = None
    return found


def native(table: pd.DataFrame, kind: str) -> Any:
    columns = {name: table[name].tolist() for name in table.columns}
    if "g" in columns:
        columns["g"] = [key if isinstance(key, str) else None for key in columns["g"]]
    return KINDS[kind](columns)


def losses_of(table: pd.DataFrame, name: str, prediction: str) -> Any:
    r = (table[prediction] - table["t"]).abs()
    return {"l1": r, "mse": r * r}[name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("by", [None, "g"])
def test_values_are_those_of_scikit_learn(table: pd.DataFrame, kind: str, weight: str | None, by: str | None) -> None:
    found = evaluate(native(table, kind), target="t", prediction=["a", "b"], by=by, weight=weight, losses=[*SKLEARN])
    groups = [(None, found.overall)] if by is None else [(group.key[0], group) for group in found.groups]
    assert [key for key, _ in groups] == ([None] if by is None else ["north", "south", "west", None])
    for key, group in groups:
        part = table if by is None else table[table["g"].isna() if key is None else table["g"] == key]
        assert group.rows == len(part)
        for score in group.scores:
            rows = part.dropna(subset=["t", score.prediction, *([weight] if weight else [])])
            weights = {"sample_weight": rows["w"]} if weight else {}
            assert score.n == len(rows)
            expected = SKLEARN[score.loss](rows["t"], rows[score.prediction], **weights)
            assert score.value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_and_intervals_are_those_of_scipy(table: pd.DataFrame, kind: str) -> None:
    found = evaluate(native(table[["t", "a", "b"]], kind), target="t", prediction=["a", "b"])
    for score in found.overall.scores:
        sample = losses_of(table, score.loss, score.prediction).dropna()
        assert score.standard_error == pytest.approx(stats.sem(sample), rel=1e-9)
    assert len(found.overall.differences) == 2
    for difference in found.overall.differences:
        both = table.dropna(subset=["t", "a", "b"])
        test = stats.ttest_rel(losses_of(both, difference.loss, "a"), losses_of(both, difference.loss, "b"))
        interval = test.confidence_interval(0.95)
        assert difference.n == len(both)
        assert (difference.low, difference.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_weighted_errors_are_those_of_the_ratio_estimator(table: pd.DataFrame) -> None:
    found = evaluate(table, target="t", prediction=["a", "b"], weight="w", losses=["mse"])

    def error(values: Any, w: Any) -> tuple[float, float]:
        mean = np.average(values, weights=w)
        n = len(w)
        return mean, math.sqrt(n / (n - 1) * np.sum((w * (values - mean)) ** 2)) / np.sum(w)

    for score in found.overall.scores:
        rows = table.dropna(subset=["t", "w", score.prediction])
        expected = error(losses_of(rows, "mse", score.prediction), rows["w"])
        assert (score.value, score.standard_error) == pytest.approx(expected, rel=1e-9)
    [difference] = found.overall.differences
    rows = table.dropna(subset=["t", "w", "a", "b"])
    mean, spread = error(losses_of(rows, "mse", "a") - losses_of(rows, "mse", "b"), rows["w"])
    reach = stats.t.ppf(0.975, len(rows) - 1) * spread
    assert (difference.value, difference.low, difference.high) == pytest.approx((mean, mean - reach, mean + reach))


def test_equal_weights_change_nothing(table: pd.DataFrame) -> None:
    bare = evaluate(table, target="t", prediction=["a", "b"]).overall
    equal = evaluate(table.assign(w=3.0), target="t", prediction=["a", "b"], weight="w").overall
    for some, others in ((bare.scores, equal.scores), (bare.differences, equal.differences)):
        for a, b in zip(some, others, strict=True):
            numbers = [[value for value in vars(each).values() if not isinstance(value, str)] for each in (a, b)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-9)


@pytest.mark.parametrize("name", TORCH)
def test_values_are_those_of_torch(table: pd.DataFrame, name: str) -> None:
    rows = table.dropna(subset=["t", "a"])
    expected = TORCH[name](torch.tensor(rows["a"].to_numpy()), torch.tensor(rows["t"].to_numpy()))
    found = evaluate(table, target="t", prediction="a", losses=name)
    assert found.overall.scores[0].value == pytest.approx(float(expected), rel=1e-12)


def test_a_loss_of_ones_own_works_at_once(table: pd.DataFrame, catalogue: None) -> None:
    def hinge(r, margin=1.0):
        return where(r < margin, margin - r, 0)

    @normwise.loss
    def asymmetric(r, a=2.0):
        return where(r < 0, -a * r, r)

    chosen = [declare(hinge), (declare(hinge), {"margin": 3}), asymmetric, "asymmetric:a=4", normwise.losses["l1"]]
    found = evaluate(table, target="t", prediction="a", losses=chosen)
    r = (table["a"] - table["t"]).dropna()
    expected = [
        np.maximum(1 - r, 0).mean(),
        np.maximum(3 - r, 0).mean(),
        np.where(r < 0, -2 * r, r).mean(),
        np.where(r < 0, -4 * r, r).mean(),
        r.abs().mean(),
    ]
    assert found.losses == ("hinge:margin=1", "hinge:margin=3", "asymmetric:a=2", "asymmetric:a=4", "l1")
    assert [score.value for score in found.overall.scores] == pytest.approx(expected, rel=1e-12)


def test_a_pair_of_a_loss_and_parameters_alone_is_one_loss(table: pd.DataFrame) -> None:
    found = evaluate(table, target="t", prediction="a", losses=("huber", {"delta": 2}))
    assert found.losses == ("huber:delta=2",)


def test_several_groups_are_sorted_and_add_up(table: pd.DataFrame) -> None:
    frame = table.assign(h=np.arange(ROWS) % 3, g=table["g"].fillna("none"))
    found = evaluate(frame, target="t", prediction="a", by=["h", "g"])
    assert [group.key for group in found.groups] == sorted({*zip(frame["h"], frame["g"], strict=True)})
    assert sum(group.rows for group in found.groups) == ROWS
    whole = evaluate(frame, target="t", prediction="a").overall
    assert [s.value for s in found.overall.scores] == pytest.approx([s.value for s in whole.scores], rel=1e-12)


def test_what_is_missing_is_told(table: pd.DataFrame) -> None:
    found = evaluate(table, target="t", prediction=["a", "b"], weight="w")
    missing = found.overall.missing
    assert (missing.target, missing.weight, missing.predictions) == (20, 20, {"a": 20, "b": 20})
    assert "'t' is missing in 20, the weight 'w' in 20, the prediction 'a' in 20, the prediction 'b' in 20" in str(
        found
    )


def test_a_group_without_complete_rows_has_no_value() -> None:
    frame = pl.DataFrame({"t": [1.0, None], "a": [2.0, 1.0], "b": [2.0, 1.0], "g": ["x", "y"]})
    [_, empty] = evaluate(frame, target="t", prediction=["a", "b"], by="g").groups
    assert {score.n for score in empty.scores} == {0}
    assert all(math.isnan(score.value) and math.isnan(score.standard_error) for score in empty.scores)
    assert all(math.isnan(each.low) and math.isnan(each.high) for each in empty.differences)


def test_a_mean_that_is_nan_is_told_from_one_of_no_rows() -> None:
    table = pd.DataFrame({"t": [1.0, 2.0, 3.0], "p": [1.0, -2.0, math.nan], "q": [1.5, 2.0, 3.5], "g": [1, 1, 2]})
    shown = str(normwise.evaluate(table, target="t", prediction=["p", "q"], losses="poisson_deviance", by="g"))
    rows = [line.split() for line in shown.splitlines()]
    assert [row[:2] for row in rows if row and row[0] in ("1", "2")] == [["1", "nan"], ["2", "-"]]


def test_json_holds_everything(table: pd.DataFrame) -> None:
    frame = table.assign(day=pd.to_datetime("2013-01-05"), a=table["a"].where(table.index != 3, math.inf))
    found = evaluate(frame.iloc[:5], target="t", prediction=["a", "b"], by=["day", "g"])
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["overall"]["scores"][0]["value"] == "Infinity"
    assert told["overall"]["scores"][0]["standard_error"] is None
    assert told["overall"]["scores"][2]["value"] == found.overall.score("b", "l1").value
    assert told["groups"][0]["key"] == {"day": "2013-01-05T00:00:00", "g": found.groups[0].key[1]}
    assert set(told["overall"]["differences"][0]) == {"first", "second", "loss", "value", "low", "high", "n"}


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_scores_as_a_frame(table: pd.DataFrame, backend: Any) -> None:
    found = evaluate(table, target="t", prediction=["a", "b"], by="g")
    frame = found.to_frame(backend)
    assert frame.shape == (4 * 2 * 2, 6)


def text_of(found: Evaluation) -> list[str]:
    return [line for line in str(found).splitlines() if line]


def test_the_lowest_is_marked_in_each_row(table: pd.DataFrame) -> None:
    lines = text_of(evaluate(table, target="t", prediction=["a", "b"], losses=["l1", "mse"]))
    assert lines[0].split() == ["loss", "a", "b", "n"]
    assert all(line.count("*") == 1 and line.index("*") > line.index("±") for line in lines[1:3])


def test_many_groups_are_cut_short_and_said_to_be() -> None:
    frame = pl.DataFrame({"t": np.arange(3000.0), "a": np.arange(3000.0) + 1, "g": np.arange(3000) % 1000})
    found = evaluate(frame, target="t", prediction="a", by="g", losses="l1")
    assert len(found.groups) == 1000
    lines = text_of(found)
    assert len(lines) < 60
    assert "950 smaller groups not shown; to_dict() and --json have all" in lines


ONES = pl.DataFrame(
    {"target": [1.0, 2.0], "model": [1.0, 3.0], "word": ["a", "b"], "yes": [True, False], "minus": [1, -1]}
)

BAD: dict[str, tuple[Any, dict[str, Any], type[InputError], str]] = {
    "column": (ONES, {"target": "tarpet"}, ColumnError, "no column 'tarpet' in the data frame: did you mean target?"),
    "group": (ONES, {"by": "wird"}, ColumnError, "no column 'wird' in the data frame: did you mean word?"),
    "text": (ONES, {"prediction": "word"}, ColumnError, "column 'word' is not numeric but String"),
    "boolean": (ONES, {"weight": "yes"}, ColumnError, "column 'yes' is not numeric but Boolean"),
    "negative weight": (ONES, {"weight": "minus"}, ColumnError, "weight 'minus' is negative .* -1"),
    "loss": (ONES, {"losses": "mes"}, InputError, "no loss 'mes': did you mean .*mse"),
    "parameter": (ONES, {"losses": "huber:dleta=1"}, InputError, "huber has no parameter 'dleta': did you mean delta?"),
    "domain": (ONES, {"losses": ("huber", {"delta": -1})}, InputError, "non-positive values for delta"),
    "loss twice": (ONES, {"losses": ["l1", "l1_loss"]}, InputError, "loss 'l1' is given twice"),
    "prediction twice": (ONES, {"prediction": ["model", "model"]}, InputError, "prediction 'model' is given twice"),
    "no prediction": (ONES, {"prediction": []}, InputError, "no prediction to evaluate"),
    "no loss": (ONES, {"losses": []}, InputError, "no loss to evaluate"),
    "no rows": (ONES.clear(), {}, EmptyInputError, "the data frame has no rows"),
    "no group's rows": (ONES.clear(), {"by": "word"}, EmptyInputError, "the data frame has no rows"),
    "no complete row": (
        ONES.with_columns(model=pl.lit(None, pl.Float64)),
        {},
        EmptyInputError,
        "none of the 2 rows is complete in the columns 'target', 'model'",
    ),
    "no frame": (3, {}, InputError, "a data frame that Narwhals knows, or paths of files, not a int"),
    "no loss at all": (ONES, {"losses": [3]}, InputError, "the int 3 is no loss: expected a name"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_question_is_told_in_one_line(bad: str) -> None:
    frame, question, kind, message = BAD[bad]
    with pytest.raises(kind, match=message) as error:
        evaluate(frame, **({"target": "target", "prediction": "model"} | question))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_without_weights_hides_no_other(kind: str) -> None:
    columns = {"t": [0.0] * 3, "p": [1.0, 2.0, 4.0], "g": ["a", "b", "c"]}
    question: Any = {"target": "t", "prediction": "p", "weight": "w", "by": "g", "losses": "l1"}
    found = evaluate(KINDS[kind]({**columns, "w": [None, 3.0, 1.0]}), **question)
    assert found.overall.scores[0].value == 2.5
    assert [group.missing.weight for group in found.groups] == [1, 0, 0]
    with pytest.raises(ColumnError, match="weight 'w' is negative in some row"):
        evaluate(KINDS[kind]({**columns, "w": [None, -3.0, 1.0]}), **question)


def test_a_loss_of_further_arrays_is_refused() -> None:
    def scaled(r, scale):
        return abs(r) / scale

    with pytest.raises(InputError, match="scaled reads scale beside prediction and target"):
        evaluate(ONES, target="target", prediction="model", losses=declare(scaled))


def test_pairs_come_in_order(table: pd.DataFrame) -> None:
    names = ["b", "a", "w"]
    found = evaluate(table, target="t", prediction=names, losses="l1")
    assert [(each.first, each.second) for each in found.overall.differences] == [*combinations(names, 2)]
