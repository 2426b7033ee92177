"""Training of XGBoost and LightGBM with our objectives beside their own: ``python -m benchmarks.boosting``."""

import argparse
import functools
import importlib.metadata
from collections.abc import Callable
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import xgboost
from sklearn.datasets import make_friedman1

from benchmarks.measure import interleaved
from normwise.integrations import lightgbm_objective, xgboost_objective

SHAPE = (200_000, 20)
TREES = 50
ROUNDS = 7


class Rivals(NamedTuple):
    """One training, with an objective of the library's own and with ours of the same gradients."""

    what: str
    train: Callable[[Any], Any]
    own: Any
    ours: Any


def cases(rows: int, trees: int, threads: int) -> list[Rivals]:
    """Return the trainings to measure; the data is brought into the libraries' form beforehand."""
    x, y = make_friedman1(rows, SHAPE[1], noise=1.0, random_state=0)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, rows)
    found: list[Rivals] = []
    for weighted in (False, True):
        word = "weighted" if weighted else "alone"
        theirs = xgboost.DMatrix(x, y, weight=weight if weighted else None)
        bins = lightgbm.Dataset(x, y, weight=weight if weighted else None, free_raw_data=False).construct()
        by_xgboost = functools.partial(train_xgboost, theirs, trees, threads)
        by_lightgbm = functools.partial(train_lightgbm, bins, trees, threads)
        half = {"factor": 0.5}
        found += [
            Rivals(f"XGBoost, squared error, {word}", by_xgboost, "reg:squarederror", xgboost_objective("mse", **half)),
            Rivals(f"LightGBM, squared error, {word}", by_lightgbm, "l2", lightgbm_objective("mse", **half)),
            Rivals(f"LightGBM, Huber, {word}", by_lightgbm, "huber", lightgbm_objective("huber", delta=0.9)),
        ]
    return found


def train_xgboost(data: xgboost.DMatrix, trees: int, threads: int, objective: Any) -> Any:
    """Train XGBoost."""
    parameters: dict[str, Any] = {"max_depth": 6, "learning_rate": 0.1, "base_score": 14.0, "nthread": threads}
    if isinstance(objective, str):
        return xgboost.train({**parameters, "objective": objective}, data, trees)
    return xgboost.train(parameters, data, trees, obj=objective)


def train_lightgbm(data: lightgbm.Dataset, trees: int, threads: int, objective: Any) -> Any:
    """Train LightGBM; Huber's delta is LightGBM's default."""
    parameters = {"verbose": -1, "learning_rate": 0.1, "boost_from_average": False, "num_threads": threads}
    return lightgbm.train({**parameters, "objective": objective}, data, trees)


def main() -> None:
    """Print for each training the medians and the ratio of ours to the library's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=SHAPE[0])
    parser.add_argument("--trees", type=int, default=TREES)
    parser.add_argument("--threads", type=int, default=0, help="of the boosters: all by default")
    given = parser.parse_args()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("xgboost-cpu", "lightgbm"))
    print(f"{given.rows} x {SHAPE[1]}, {given.trees} trees, medians of {ROUNDS} interleaved runs; {versions}")
    for case in cases(given.rows, given.trees, given.threads):
        rivals = {"own": lambda case=case: case.train(case.own), "ours": lambda case=case: case.train(case.ours)}
        seconds = {name: row["median"] for name, row in interleaved(rivals, ROUNDS).items()}
        ratio = seconds["ours"] / seconds["own"]
        print(f"{case.what:36} own {seconds['own']:6.3f} s   ours {seconds['ours']:6.3f} s   ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
