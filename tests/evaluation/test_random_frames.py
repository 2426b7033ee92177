"""Random frames with everything that is odd in them: the same tables from every engine and file, and from NumPy."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from normwise.evaluation import Group, evaluate
from tests.evaluation.frames import WRITERS, source
from tests.evaluation.oracle import mean_and_error

FRAMES, QUICK = 200, 4
ENGINES = ("pandas", "polars", "pyarrow", "duckdb", *WRITERS)
Numbers = list[Any]


def floats(rng: np.random.Generator, rows: int, _: int) -> Numbers:
    """Some of them missing or odd; of any size, or near a large mean."""
    size, mean = 10.0 ** rng.integers(-3, 4), rng.choice([0.0, 0.0, 1e3, 1e9])
    values = [float(x) for x in mean + size * rng.standard_normal(rows)]
    odd = [math.nan, None, math.inf, -math.inf, -0.0, 0.0]
    share = rng.choice([0.0, 0.05, 0.3])
    # One row is complete: without any there is an error.
    return [1.5, *(odd[rng.integers(len(odd))] if rng.random() < share else x for x in values[1:])]


def small_integers(rng: np.random.Generator, rows: int, _: int) -> Numbers:
    return [int(x) for x in rng.integers(-20, 20, rows)]


def big_integers(rng: np.random.Generator, rows: int, middle: int) -> Numbers:
    """Beyond 2^53, and near one another."""
    return [middle + int(x) for x in rng.integers(-100, 100, rows)]


def big_floats(rng: np.random.Generator, rows: int, middle: int) -> Numbers:
    return [float(x) for x in big_integers(rng, rows, middle)]


PAIRS = [(floats, floats), (floats, small_integers), (small_integers, floats), (small_integers, small_integers)]
PAIRS += [(big_integers, big_integers), (big_integers, big_floats)]
"""The kinds of target and prediction."""


def random_frame(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([20250305, seed])
    rows = int(rng.integers(2, 40))
    of_target, of_prediction = PAIRS[rng.integers(len(PAIRS))]
    middle = int(rng.choice([2**53, -(2**53), 2**60, 2**63 - 2000, -(2**63) + 2000]))
    columns = {"t": of_target(rng, rows, middle), "p": of_prediction(rng, rows, middle)}
    columns["q"] = of_prediction(rng, rows, middle) if rng.random() < 0.8 else columns["p"]
    weights = rng.integers(0, 4, rows) * 10.0 ** rng.integers(-250, 250)
    columns["w"] = [1.0, *(None if rng.random() < 0.05 else float(w) for w in weights[1:])]
    keys: list[Any] = [None, "T", "no", "NaT", "x y", "Zoë", "007"] if rng.random() < 0.7 else [0.0, -0.0, 1.5, -2.0]
    columns["g"] = [keys[1], *(keys[i] for i in rng.integers(0, len(keys), rows - 1))]
    return columns


def residual(x: float | None, t: float | None) -> float | None:
    """As exact as the two are; None where either is missing."""
    if x is None or t is None or x != x or t != t:
        return None
    return float(x - t) if isinstance(x, int) == isinstance(t, int) else float(np.longdouble(x) - np.longdouble(t))


class Oracle:
    """The table of some rows, by NumPy."""

    def __init__(self, columns: Mapping[str, Any], rows: list[int], weighted: bool) -> None:
        self.weights = {i: columns["w"][i] if weighted else 1.0 for i in rows}
        rows = [i for i in rows if self.weights[i]]
        both = {x: {i: residual(columns[x][i], columns["t"][i]) for i in rows} for x in "pq"}
        self.residuals = {x: {i: r for i, r in by_row.items() if r is not None} for x, by_row in both.items()}

    def values(self, loss: str, x: str) -> dict[int, float]:
        with np.errstate(all="ignore"):
            return {i: abs(r) if loss == "l1" else float(np.float64(r) * r) for i, r in self.residuals[x].items()}

    def mean(self, values: Mapping[int, float]) -> tuple[float, float]:
        with np.errstate(all="ignore"):
            return mean_and_error([*values.values()], [self.weights[i] for i in values])

    def check(self, group: Group, label: str) -> None:
        for score in group.scores:
            values = self.values(score.loss, score.prediction)
            self._check(score.value, score.standard_error, score.n, values, f"{label} {score}")
        for each in group.differences:
            first, second = self.values(each.loss, each.first), self.values(each.loss, each.second)
            values = {i: first[i] - second[i] for i in first if i in second}
            reach = stats.t.ppf(0.975, each.n - 1) if each.n > 1 else math.nan
            self._check(each.value, (each.high - each.value) / reach, each.n, values, f"{label} {each}")

    def _check(self, value: float, error: float, n: int, values: Mapping[int, float], label: str) -> None:
        assert n == len(values), label
        expected = self.mean(values)
        size = max((abs(v) for v in values.values() if math.isfinite(v)), default=0.0)
        close = np.isclose(np.array([value, error]), expected, rtol=1e-12, atol=1e-15 * size, equal_nan=True)
        assert close.all(), f"{label}: {value} ± {error}, not {expected}"


@pytest.mark.parametrize(
    "seed", [seed if seed < QUICK else pytest.param(seed, marks=pytest.mark.long) for seed in range(FRAMES)]
)
def test_every_engine_and_file_says_what_numpy_says(seed: int, tmp_path: Path) -> None:
    columns = random_frame(seed)
    rows = range(len(columns["t"]))
    weighted = seed % 2 == 0
    question = {"target": "t", "prediction": ["p", "q"], "losses": ["l1", "mse"], "by": "g"}
    whole = Oracle(columns, [*rows], weighted)
    for name in ENGINES:
        found = evaluate(source(name, columns, tmp_path), weight="w" if weighted else None, **question)
        whole.check(found.overall, name)
        assert {group.key[0] for group in found.groups} == {*columns["g"]}
        for group in found.groups:
            Oracle(columns, [i for i in rows if columns["g"][i] == group.key[0]], weighted).check(group, name)
        missing = found.overall.missing
        absent = {x: sum(v is None or v != v for v in columns[x]) for x in "tpqw"}
        assert (missing.target, missing.predictions) == (absent["t"], {"p": absent["p"], "q": absent["q"]})
        assert missing.weight == (absent["w"] if weighted else 0)
        assert found.overall.weightless == (columns["w"].count(0.0) if weighted else 0)
