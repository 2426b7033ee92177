"""The numbers of a column: nan that statistics do not know, integers that float64 has not, durations."""

import datetime
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normwise.evaluation import evaluate
from normwise.evaluation.errors import ColumnError
from tests.evaluation.frames import WRITERS, arrow

PARQUET = [name for name in WRITERS if name.endswith(".parquet")]
ROWS = 1000
rng = np.random.default_rng(20250301)


def with_nan(column: str) -> Mapping[str, Any]:
    """Columns with a nan in every twentieth row of one of them."""
    t = rng.normal(5, 1, ROWS)
    columns = {"t": t, "p": t + 0.1 * rng.normal(size=ROWS), "q": t + 0.2 * rng.normal(size=ROWS)}
    columns |= {"w": rng.uniform(1, 2, ROWS), "s": rng.uniform(1, 2, ROWS)}
    columns[column][::20] = math.nan
    return columns


@pytest.mark.parametrize("reader", ["path", "relation"])
@pytest.mark.parametrize("writer", PARQUET)
@pytest.mark.parametrize("column", ["t", "p", "w", "s"])
def test_nan_is_missing_though_statistics_say_there_is_none(
    column: str, writer: str, reader: str, tmp_path: Path
) -> None:
    columns = with_nan(column)
    path = str(tmp_path / writer)
    WRITERS[writer](arrow(columns), path)
    given = path if reader == "path" else duckdb.connect().read_parquet(path)
    losses = ["tukey", "l1", "gaussian_nll:var=s"]
    found = evaluate(given, target="t", prediction=["p", "q"], weight="w", losses=losses).overall
    tukey_label, _, gaussian_label = found_labels = dict.fromkeys(score.loss for score in found.scores)
    assert len(found_labels) == 3
    there = {n: ~(np.isnan(columns["t"] + columns["w"] + columns[n])) for n in "pq"}
    for x in "pq":
        rows = there[x]
        r, w = (columns[x] - columns["t"])[rows], columns["w"][rows]
        assert found.score(x, "l1").n == rows.sum()
        assert found.score(x, "l1").value == pytest.approx(np.average(np.abs(r), weights=w), rel=1e-12)
        c = 4.685
        tukey = np.where(np.abs(r) <= c, c * c / 6 * (1 - (1 - (r / c) ** 2) ** 3), c * c / 6)
        assert found.score(x, tukey_label).value == pytest.approx(np.average(tukey, weights=w), rel=1e-9)
        assert found.score(x, gaussian_label).n == (rows & ~np.isnan(columns["s"])).sum()
    missing = found.missing
    count = {"t": missing.target, "w": missing.weight, "p": missing.predictions["p"], "s": 50}
    assert count[column] == ROWS // 20


READERS: Mapping[str, Callable[[pa.Table, Path], Any]] = {
    "pandas": lambda table, _: table.to_pandas(),
    "pandas arrow": lambda table, _: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda table, _: pl.DataFrame(table),
    "pyarrow": lambda table, _: table,
    "duckdb": lambda table, _: duckdb.from_arrow(table),
    "file": lambda table, folder: pq.write_table(table, folder / "a.parquet") or folder / "a.parquet",
}
BIG = 2**53
INTEGERS: Mapping[str, tuple[list[Any], Any, list[Any], Any]] = {
    "neighbours": ([BIG + 1 + i for i in range(9)], pa.int64(), [BIG + i for i in range(9)], pa.int64()),
    "extremes": ([2**63 - 1, -(2**63)], pa.int64(), [-(2**63), 2**63 - 1], pa.int64()),
    "ends": ([2**63 - 1, -(2**63)], pa.int64(), [2**63 - 2, -(2**63) + 2], pa.int64()),
    "unsigned": ([2**64 - 1, 0], pa.uint64(), [2**64 - 2, 3], pa.uint64()),
    "of either sign": ([2**63 + 1, 2**63 + 5], pa.uint64(), [2**63 - 1, -(2**63)], pa.int64()),
    "a short one": ([BIG + 1, -BIG - 1], pa.int64(), [3, -4], pa.int16()),
    "a float": ([2.0**60, -(2.0**60), 0.25], pa.float64(), [2**60 + 1, -(2**60) - 3, -5], pa.int64()),
    "missing": ([BIG + 2, None, 2**60], pa.int64(), [BIG, BIG, 2**60 - 1], pa.int64()),
    "decimals": (
        [Decimal("9007199254740993.25"), Decimal("0.01")],
        pa.decimal128(18, 2),
        [Decimal("9007199254740992.125"), Decimal("0.002")],
        pa.decimal128(25, 3),
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("integers", INTEGERS)
def test_residuals_are_right_to_the_last_digit(integers: str, reader: str, tmp_path: Path) -> None:
    x, of_x, t, of_t = INTEGERS[integers]
    if integers == "decimals" and reader == "pandas":
        pytest.skip("decimals of pandas without Arrow are objects, which are refused as no numbers")
    given = READERS[reader](pa.table({"x": pa.array(x, of_x), "t": pa.array(t, of_t)}), tmp_path)
    found = evaluate(given, target="t", prediction="x", losses=["l1", "mse", "abs(t - x)"]).overall
    held = [None if a is None else Fraction(a) if of_x != pa.float64() else Fraction(float(a)) for a in x]
    residuals = [a - Fraction(b) for a, b in zip(held, t, strict=True) if a is not None]
    expected = [float(sum(map(abs, residuals)) / len(residuals)), float(sum(r * r for r in residuals) / len(residuals))]
    assert [score.value for score in found.scores] == pytest.approx([*expected, expected[0]], rel=1e-14)


def test_a_difference_of_neighbours_has_no_spread() -> None:
    i = np.arange(5)
    frame = pl.DataFrame({"t": 9007199254740992 + i, "p": 9007199254740993 + i, "w": i + 1})
    for weight in (None, "w"):
        for score in evaluate(frame, target="t", prediction="p", weight=weight, losses=["l1", "mse"]).overall.scores:
            assert (score.value, score.standard_error) == (1, 0)


def test_integers_of_128_bits_are_exact_to_106() -> None:
    relation = duckdb.sql(
        "SELECT (1::HUGEINT << 100) + 3 * i AS p, (1::HUGEINT << 100) + 3 * i - 1 AS t FROM range(5) r(i)"
    )
    for score in evaluate(relation, target="t", prediction="p", losses=["l1", "mse"]).overall.scores:
        assert (score.value, score.standard_error) == (1, 0)


SECONDS = [datetime.timedelta(seconds=i) for i in range(3)]


@pytest.mark.parametrize("reader", sorted(READERS.keys() - {"file"}))
def test_durations_are_no_numbers(reader: str, tmp_path: Path) -> None:
    given = READERS[reader](pa.table({"t": pa.array(SECONDS, pa.duration("us")), "p": [1.0, 2.0, 3.0]}), tmp_path)
    with pytest.raises(ColumnError, match="'t' is not numeric"):
        evaluate(given, target="t", prediction="p")
