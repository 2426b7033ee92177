"""Parquet files of several writers, and several files of one table, whose schemas differ."""

import datetime as dt
from collections.abc import Callable, Mapping
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

FOUR = {"t": [1.0, 2.0], "p": [2.0, 4.0]}


def l1(path: Any, **question: Any) -> float:
    return evaluate(path, losses="l1", **({"target": "t", "prediction": "p"} | question)).overall.scores[0].value


@pytest.mark.parametrize("name", ["T", "*", 'a"b', "two\nlines", "", "c0", "it's", "^.*$"])
@pytest.mark.parametrize(
    "write", [lambda frame, path: frame.write_parquet(path), lambda frame, path: pq.write_table(frame.to_arrow(), path)]
)
def test_columns_have_the_names_of_the_file(
    tmp_path: Path, name: str, write: Callable[[pl.DataFrame, Path], None]
) -> None:
    write(pl.DataFrame({"t": [9.0], name: [5.0], "p": [1.0]}), tmp_path / "a.parquet")
    assert l1(tmp_path / "a.parquet", target=name) == 4.0
    assert evaluate(tmp_path / "a.parquet", target="t", prediction="p", by=name).groups[0].key == (5.0,)


def test_columns_of_one_name_are_refused_where_they_are_wanted(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1.0], [2.0], [3.0], [4.0]], names=["t", "p", "x", "x"]), tmp_path / "a.parquet")
    assert l1(tmp_path / "a.parquet") == 1.0
    with pytest.raises(ColumnError, match=r"a.parquet has columns of one name, 'x': rename one"):
        l1(tmp_path / "a.parquet", prediction="x")


def test_columns_beside_nested_ones_are_theirs(tmp_path: Path) -> None:
    nested = {"s": [{"t": 5.0, "u": [{"p": 1.0}]}] * 2, "l": [[{"p": 1.0}]] * 2}
    maps = pa.array([[("p", 1.0)]] * 2, pa.map_(pa.string(), pa.float64()))
    pq.write_table(pa.table({**nested, "t": FOUR["t"], "m": maps, "p": FOUR["p"]}), tmp_path / "a.parquet")
    assert l1(tmp_path / "a.parquet") == 1.5
    for column in ("s", "l", "m"):
        with pytest.raises(ColumnError, match=f"cannot group by column '{column}'"):
            l1(tmp_path / "a.parquet", by=column)
        with pytest.raises(ColumnError, match=f"column '{column}' is not numeric"):
            l1(tmp_path / "a.parquet", target=column)


NO_NUMBERS: Mapping[str, Any] = {
    "bool": pa.array([True, False]),
    "text": pa.array(["1", "2"]),
    "date": pa.array([dt.date(2020, 1, 1)] * 2),
    "moment": pa.array([dt.datetime(2020, 1, 1)] * 2),
    "moment of a zone": pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * 2),
    "time": pa.array([dt.time(1)] * 2),
    **{f"duration in {unit}": pa.array([1, 2], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
    "bytes": pa.array([b"1", b"2"]),
    "list": pa.array([[1.0], [2.0]]),
    "dictionary of texts": pa.array(["1", "2"]).dictionary_encode(),
}
WRITERS: Mapping[str, Callable[[pa.Table, Path], Any]] = {
    "pyarrow": pq.write_table,
    "pandas": lambda table, path: table.to_pandas().to_parquet(path),
    "polars": lambda table, path: pl.DataFrame(table).write_parquet(path),
    "DuckDB": lambda table, path: duckdb.from_arrow(table).write_parquet(str(path)),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_files_and_frames_refuse_the_same_kinds(tmp_path: Path, kind: str, writer: str) -> None:
    table = pa.table({"x": [1, 2], "d": NO_NUMBERS[kind], **FOUR})
    WRITERS[writer](table, tmp_path / "a.parquet")
    for source in (tmp_path / "a.parquet", table, pl.DataFrame(table), pl.DataFrame(table).lazy()):
        for question in ({"target": "d"}, {"prediction": "d"}, {"weight": "d"}):
            with pytest.raises(ColumnError, match=r"column 'd' is not numeric but .*: cast it, or name another"):
                l1(source, **question)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_keys(tmp_path: Path, unit: str) -> None:
    key = dt.timedelta(days=400, seconds=1)
    values = pa.array([np.timedelta64(key).astype(f"timedelta64[{unit}]"), None], pa.duration(unit))
    pq.write_table(pa.table({**FOUR, "é": [1, 2], "g": values}), tmp_path / "a.parquet")
    assert [g.key for g in evaluate(tmp_path / "a.parquet", target="t", prediction="p", by="g").groups] == [
        (key,),
        (None,),
    ]


def write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case _:
            frame.to_parquet(path)


ENDINGS = ["csv", "jsonl", "parquet"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_of_other_orders_and_types_are_one_table(tmp_path: Path, ending: str) -> None:
    write(pd.DataFrame({"t": [1, 2], "p": [2, 4], "g": [1, 2]}), tmp_path / f"a.{ending}")
    write(pd.DataFrame({"g": [1.0, None], "p": [2.5, 4.0], "x": ["a", "b"], "t": [1.0, 2.0]}), tmp_path / f"b.{ending}")
    found = evaluate(tmp_path / f"*.{ending}", target="t", prediction="p", by="g", losses="l1")
    means = {group.key[0]: group.score("p", "l1").value for group in found.groups}
    assert means == {1: (1.0 + 1.5) / 2, 2: 2.0, None: 2.0}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_key_stands_in_the_names_of_folders(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"t": [0.0, 0.0], "p": [1.0, 3.0]})
    for i, year in enumerate(["2024", "007", "a b", "%2F=", "__HIVE_DEFAULT_PARTITION__"]):
        write(frame + i, tmp_path / f"year={year}" / f"part.{ending}")
    found = evaluate(tmp_path / f"*/*.{ending}", target="t", prediction="p", by="year")
    assert [(group.key[0], group.rows) for group in found.groups] == [
        ("/=", 2),
        ("007", 2),
        ("2024", 2),
        ("a b", 2),
        (None, 2),
    ]
    found = evaluate(tmp_path / "year=2024" / f"*.{ending}", target="t", prediction="p", by="year")
    assert found.groups[0].key == (2024,)
    with pytest.raises(ColumnError, match="no column 'year'"):
        evaluate(tmp_path / f"*/*.{ending}", target="year", prediction="p")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_column_of_the_file_goes_before_its_folders_name(tmp_path: Path, ending: str) -> None:
    write(pd.DataFrame({**FOUR, "g": ["u", "v"]}), tmp_path / "g=5" / f"part.{ending}")
    found = evaluate(tmp_path / "g=5" / f"part.{ending}", target="t", prediction="p", by="g")
    assert [group.key[0] for group in found.groups] == ["u", "v"]


@pytest.mark.parametrize("writer", ["pandas", "polars"])
def test_data_sets_of_others_are_read(tmp_path: Path, writer: str) -> None:
    keys = ["a/b", "ü ", "="]
    columns = {"t": [0.0, 0.0, 0.0], "p": [1.0, 2.0, 3.0], "g": keys}
    if writer == "pandas":
        pd.DataFrame(columns).to_parquet(tmp_path / "set", partition_cols=["g"])
    else:
        pl.DataFrame(columns).write_parquet(tmp_path / "set", partition_by="g", mkdir=True)
    found = evaluate(tmp_path / "set/*/*.parquet", target="t", prediction="p", by="g", losses="l1")
    assert {group.key[0]: group.score("p", "l1").value for group in found.groups} == dict(
        zip(keys, [1.0, 2.0, 3.0], strict=True)
    )


def test_keys_whose_types_do_not_agree_are_refused(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 1, 1)
    for name, key in (("a", moment), ("b", moment.replace(tzinfo=dt.UTC))):
        pq.write_table(pa.table({**FOUR, "g": [key] * 2}), tmp_path / f"{name}.parquet")
    with pytest.raises(ColumnError, match="column 'g' is of several types in the 2 files: cast it to one"):
        evaluate(tmp_path / "*.parquet", target="t", prediction="p", by="g")
