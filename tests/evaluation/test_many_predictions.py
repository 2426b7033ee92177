"""Many predictions at once: as quick to plan as to compute, and the same numbers as two at a time."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from normwise.catalogue import losses
from normwise.engines import frames
from normwise.engines.frames import Question, measure, rows_of
from normwise.evaluation import evaluate
from tests.evaluation.frames import KINDS

COUNT, ROWS = 24, 60
NAMES = [f"p{i}" for i in range(COUNT)]
rng = np.random.default_rng(20250302)


def table(count: int = COUNT, rows: int = ROWS) -> dict[str, Any]:
    """Predictions with values missing, two that are one another's copies, and one that is infinite somewhere."""
    t = rng.normal(100, 1, rows)
    columns: dict[str, Any] = {"t": t.copy(), "w": rng.integers(0, 4, rows).astype(float)}
    columns["g"] = rng.choice(["a", "b", "c"], rows)
    for i in range(count):
        columns[f"p{i}"] = t + rng.normal(0, 1, rows)
        columns[f"p{i}"][rng.random(rows) < 0.1] = np.nan
    columns["p1"] = columns["p0"].copy()
    columns["p2"][7] = np.inf
    columns["t"][3] = np.nan
    return columns


def numbers(group: Any) -> dict[tuple[str, ...], list[float]]:
    return {
        (each.first, each.second, each.loss): [each.value, each.low, each.high, each.n] for each in group.differences
    }


@pytest.mark.parametrize("fetched", [True, False])
@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb"])
def test_all_pairs_are_as_two_at_a_time(kind: str, fetched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOMENTS", 16)
    for name in () if fetched else ("CELLS", "EAGER_CELLS"):
        monkeypatch.setattr(frames, name, 0)
    frame = KINDS[kind](table(5))
    for by, weight in (("g", "w"), (None, None)):
        question = {"target": "t", "by": by, "weight": weight, "losses": ["l1", "wmape"]}
        found = evaluate(frame, prediction=NAMES[:5], **question)
        assert len(found.overall.differences) == 10 * 2
        for pair in [("p0", "p1"), ("p0", "p2"), ("p3", "p4")]:
            two = evaluate(frame, prediction=pair, **question)
            for group, of_two in zip((found.overall, *found.groups), (two.overall, *two.groups), strict=True):
                many = numbers(group)
                for key, values in numbers(of_two).items():
                    np.testing.assert_allclose(many[key], values, rtol=1e-9, atol=1e-13)


def queries(kind: str, count: int, rows: int) -> list[Any]:
    seen: list[Any] = []

    def collect(frame: Any) -> Any:
        seen.append(frame)
        return rows_of(frame)

    question = Question("t", NAMES[:count], [(losses[n].formula, losses[n].parameters) for n in ("l1", "mse")])
    measure(nw.from_native(KINDS[kind](table(count, rows))), question, collect)
    return seen


def width(query: Any) -> int:
    return len(query.collect_schema())


def test_columns_grow_as_the_predictions_not_as_their_pairs() -> None:
    few, many = (max(map(width, queries("duckdb", count, 20))) for count in (12, 24))
    assert many < 2 * few
    assert len(queries("duckdb", 24, 20)) == 2


def test_queries_that_cannot_fetch_are_of_bounded_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CELLS", 0)
    seen = queries("duckdb", 24, 20)
    assert max(map(width, seen)) < 8 * frames.MOMENTS
    assert len(seen) <= 2 + COUNT * (COUNT - 1) // frames.MOMENTS


@pytest.mark.long
def test_a_grid_of_100_models_takes_seconds(tmp_path: Path) -> None:
    path, names = tmp_path / "grid.parquet", [f"p{i}" for i in range(100)]
    pl.DataFrame(rng.normal(size=(200, 101)), schema=["t", *names], orient="row").write_parquet(path)
    question = f"normwise.evaluate({str(path)!r}, target='t', prediction={names})"
    text = f"import normwise; print(len({question}.overall.differences))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [str(2 * len([*combinations(names, 2)]))]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_number_that_is_a_text_is_planned_once(tmp_path: Path, ending: str) -> None:
    """A test for a missing one that is a join is one each time that the loss uses the number: beyond all memory."""
    path, frame = tmp_path / f"a.{ending}", pl.DataFrame({"t": [1.0, 2.0, 4.0], "p": [1.5, 2.0, 3.0]})
    (frame.write_csv if ending == "csv" else frame.write_ndjson)(path)
    question = f"normwise.evaluate({str(path)!r}, target='t', prediction='p', losses='barron:alpha=0.5')"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))"
    text = f"{limit}; import normwise; print({question})"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["3"]), done.stderr
