"""Losses of means, of further columns and given as text, in tables: against a bootstrap, torch and scikit-learn."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics

from normwise.catalogue.declaration import NON_NEGATIVE
from normwise.errors import InputError
from normwise.evaluation import Evaluation, evaluate
from normwise.evaluation.finish import difference, estimate
from normwise.formula import log, trace
from normwise.sums import Moments
from tests.evaluation.frames import KINDS

N = 300
rng = np.random.default_rng(20241125)
T = rng.gamma(2.0, 1.5, N)
COLUMNS: Mapping[str, Any] = {
    "t": T,
    "a": T * rng.uniform(0.6, 1.5, N),
    "b": np.abs(T + rng.normal(0, 0.4, N)),
    "s": rng.uniform(0.5, 2.0, N),
    "w": rng.uniform(0.1, 2.0, N),
}


def holes(name: str) -> Any:
    """A column with a few missing values, others in each."""
    values = COLUMNS[name].copy()
    values[np.arange(7) * 31 + len(name) * 5 + ord(name[0]) % 13] = np.nan
    return values


WITH_HOLES = {name: holes(name) for name in COLUMNS}
SCORES: Mapping[str, Callable[..., float]] = {
    "rmse": metrics.root_mean_squared_error,
    "rmsle": metrics.root_mean_squared_log_error,
    "wmape": lambda t, x, sample_weight: np.sum(np.abs(x - t) * sample_weight) / np.sum(np.abs(t) * sample_weight),
    "log_mse": lambda t, x, sample_weight: np.log(metrics.mean_squared_error(t, x, sample_weight=sample_weight)),
}


def tables(kind: str, columns: Mapping[str, Any], losses: list[Any], **keywords: Any) -> Evaluation:
    frame = KINDS[kind]({name: values.tolist() for name, values in columns.items()})
    return evaluate(frame, target="t", losses=losses, **keywords)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [None, "w"])
def test_values_are_scikit_learns_over_the_rows_that_are_complete(kind: str, weight: str | None) -> None:
    found = tables(kind, WITH_HOLES, [*SCORES], prediction=["a", "b"], weight=weight)
    for x in "ab":
        own = {n: WITH_HOLES[n] for n in ("t", x, *([weight] if weight else []))}
        there = np.all([~np.isnan(values) for values in own.values()], axis=0)
        w = (own[weight] if weight else np.ones(N))[there]
        for name, score in SCORES.items():
            expected = score(own["t"][there], own[x][there], sample_weight=w)
            assert found.overall.score(x, name).value == pytest.approx(expected, rel=1e-9), (x, name)
            assert found.overall.score(x, name).n == there.sum()


def test_standard_errors_and_intervals_are_those_of_a_bootstrap() -> None:
    names = ["rmse", "wmape"]
    found = tables("polars", COLUMNS, names, prediction=["a", "b"], weight="w").overall
    t, w, drawn = COLUMNS["t"], COLUMNS["w"], np.random.default_rng(5).integers(0, N, (4000, N))
    resampled = {
        (x, name): np.array([SCORES[name](t[i], COLUMNS[x][i], sample_weight=w[i]) for i in drawn])
        for x in "ab"
        for name in names
    }
    for x in "ab":
        for name in names:
            assert found.score(x, name).standard_error == pytest.approx(np.std(resampled[x, name]), rel=0.06)
    for each in found.differences:
        apart = resampled["a", each.loss] - resampled["b", each.loss]
        assert each.value == pytest.approx(found.score("a", each.loss).value - found.score("b", each.loss).value)
        reach = (each.high - each.low) / 2
        assert reach == pytest.approx(stats.t.ppf(0.975, N - 1) * np.std(apart), rel=0.06)


EIGHTS = Moments(32.0, 4.0, 4.0, 4.0, deviation=32.0, weighted_deviation=32.0, squared_deviation=280.0)


def test_the_root_of_one_mean_has_the_textbooks_standard_error() -> None:
    found = estimate(trace(lambda m0: m0**0.5), [EIGHTS])
    assert found.value == pytest.approx(8.0**0.5)
    assert found.standard_error == pytest.approx(EIGHTS.standard_error() / (2 * 8.0**0.5))


def test_a_prediction_does_not_differ_from_itself() -> None:
    nothing = Moments(weight=4.0, count=4.0, weight_squared=4.0)
    assert difference(trace(lambda m0: m0 * m0), [EIGHTS, EIGHTS, nothing]) == (0.0, 0.0)


def test_groups_merge_to_the_whole() -> None:
    columns = {**WITH_HOLES, "g": np.arange(N) % 3}
    grouped = tables("polars", columns, ["wmape", "mse", "rmse"], prediction=["a", "b"], by="g").overall
    whole = tables("polars", WITH_HOLES, ["wmape", "mse", "rmse"], prediction=["a", "b"]).overall
    for each, other in zip(grouped.scores + grouped.differences, whole.scores + whole.differences, strict=True):
        for name, value in vars(other).items():
            assert getattr(each, name) == (value if isinstance(value, str) else pytest.approx(value, rel=1e-12))


@pytest.mark.parametrize("kind", KINDS)
def test_a_further_array_is_a_column_or_a_number(kind: str, catalogue: None) -> None:
    import normwise

    @normwise.loss(domain={"v": NON_NEGATIVE})
    def gaussian(r: Any, v: Any) -> Any:
        return (log(v) + r * r / v) / 2

    losses: list[Any] = ["gaussian:v=s", ("gaussian", {"v": 2.0}), "l1"]
    found = tables(kind, WITH_HOLES, losses, prediction=["a", "b"], weight="w").overall
    t, x, s, w = (torch.from_numpy(WITH_HOLES[n]) for n in "tasw")
    for label, v in (("gaussian:v=s", s), ("gaussian:v=2", torch.full_like(s, 2.0))):
        there = ~(t + x + v + w).isnan()
        values = torch.nn.functional.gaussian_nll_loss(x[there], t[there], v[there], reduction="none")
        expected = float((values * w[there]).sum() / w[there].sum())
        assert found.score("a", label).value == pytest.approx(expected, rel=1e-9)
        assert found.score("a", label).n == int(there.sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chosen", ["gaussian_nll:var=s", "laplace_nll:scale=s", "mase:scale=s"])
def test_a_further_array_outside_its_domain_has_no_loss(kind: str, chosen: str) -> None:
    """As the functions refuse it: a negative variance is no small one."""
    s = np.where(np.arange(N) == 3, -1.0, COLUMNS["s"])
    groups = np.where(np.arange(N) == 3, "out", "in")
    found = tables(kind, {**COLUMNS, "s": s, "g": groups}, [chosen], prediction="a", by="g")
    within = tables(kind, {name: values[groups == "in"] for name, values in COLUMNS.items()}, [chosen], prediction="a")
    assert found.groups[0].scores[0].value == pytest.approx(within.overall.scores[0].value, rel=1e-12)
    for group in (found.overall, found.groups[1]):
        assert np.isnan(group.scores[0].value)


@pytest.mark.parametrize("kind", ["polars", "pandas", "duckdb"])
def test_a_formula_is_given_as_text(kind: str) -> None:
    found = tables(kind, COLUMNS, ["log(cosh(r/s)):s=2", "abs(r) / v:v=s", "abs(x - t)"], prediction="a").overall
    r = COLUMNS["a"] - COLUMNS["t"]
    assert found.score("a", "log(cosh(r/s)):s=2").value == pytest.approx(np.mean(np.log(np.cosh(r / 2))), rel=1e-12)
    assert found.score("a", "abs(r) / v:v=s").value == pytest.approx(np.mean(np.abs(r) / COLUMNS["s"]), rel=1e-12)
    assert found.score("a", "abs(x - t)").value == pytest.approx(np.mean(np.abs(r)), rel=1e-12)


def test_what_cannot_be_read_is_said(catalogue: None) -> None:
    import normwise

    @normwise.loss
    def scaled(r: Any, v: Any) -> Any:
        return abs(r) / v

    for losses, words in [
        ("scaled", r"reads v beside prediction and target: name a column"),
        ("scaled:v=nowhere", r"nowhere"),
        ("huber:delta=s", r"huber.* takes a real number for delta, not 's'"),
        ("log(cosh(r/k))", r"unknown name 'k'.* at column 12"),
        ("rmse:p=2", r"rmse has no parameter 'p'"),
    ]:
        with pytest.raises(InputError, match=words):
            tables("polars", COLUMNS, [losses], prediction="a")
