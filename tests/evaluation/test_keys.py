"""Keys of groups: the same from every kind of frame and file, and what is no key is refused in one line."""

import datetime as dt
import decimal
import json
import math
import uuid
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
from tests.evaluation.frames import KINDS, arrow


def parquet(write: Callable[[pa.Table, Path], None]) -> Callable[[Mapping[str, Any], Path], Any]:
    def frame(columns: Mapping[str, Any], folder: Path) -> Path:
        write(arrow(columns), folder / "a.parquet")
        return folder / "a.parquet"

    return frame


SOURCES: Mapping[str, Callable[[Mapping[str, Any], Path], Any]] = {
    **{kind: lambda columns, folder, make=make: make(columns) for kind, make in KINDS.items()},
    "Parquet of pyarrow": parquet(pq.write_table),
    "Parquet of pandas": parquet(lambda table, path: table.to_pandas().to_parquet(path)),
    "Parquet of polars": parquet(lambda table, path: pl.DataFrame(table).write_parquet(path)),
    "Parquet of DuckDB": parquet(lambda table, path: duckdb.from_arrow(table).write_parquet(str(path))),
}
MOMENT = dt.datetime(2024, 2, 29, 12, 30, 1, 5)
KEYS: Mapping[str, tuple[list[Any], list[tuple[Any, int]]]] = {
    "texts that look missing": (
        ["nan", "NaT", "<NA>", "None", "NA", "", None, "nan"],
        [("", 1), ("<NA>", 1), ("NA", 1), ("NaT", 1), ("None", 1), ("nan", 2), (None, 1)],
    ),
    "texts of truth": (["T", "F", "t", "yes"], [("F", 1), ("T", 1), ("t", 1), ("yes", 1)]),
    "texts of numbers": (["007", "7", "10"], [("007", 1), ("10", 1), ("7", 1)]),
    "zeros, nan, infinities": (
        [0.0, -0.0, math.nan, None, math.inf, -math.inf, math.nan],
        [(-math.inf, 1), (0.0, 2), (math.inf, 1), (None, 3)],
    ),
    "integers": ([2, 1, 2**53 + 1, 2**53], [(1, 1), (2, 1), (2**53, 1), (2**53 + 1, 1)]),
    "booleans": ([True, False, None, True], [(False, 1), (True, 2), (None, 1)]),
    "dates": ([dt.date(2024, 2, 29), None], [(dt.date(2024, 2, 29), 1), (None, 1)]),
    "moments": ([MOMENT, None], [(MOMENT, 1), (None, 1)]),
    "moments of a zone": ([MOMENT.replace(tzinfo=dt.UTC), None], [(MOMENT.replace(tzinfo=dt.UTC), 1), (None, 1)]),
    "durations": ([dt.timedelta(days=1, milliseconds=1), None], [(dt.timedelta(days=1, milliseconds=1), 1), (None, 1)]),
    "decimals": (
        [decimal.Decimal("1.5"), decimal.Decimal("-2.0")],
        [(decimal.Decimal(-2), 1), (decimal.Decimal("1.5"), 1)],
    ),
    "nothing": ([None, None], [(None, 2)]),
    "bytes": ([b"\xff", b"a"], [(b"a", 1), (b"\xff", 1)]),
}


def keys_of(source: Any, by: Any = "g") -> list[Any]:
    return [group.key for group in evaluate(source, target="t", prediction="p", by=by, losses="l1").groups]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KEYS)
def test_keys_are_the_same_from_every_source(tmp_path: Path, kind: str, source: str) -> None:
    values, expected = KEYS[kind]
    columns = {"t": [0.0] * len(values), "p": [1.0 + i for i in range(len(values))], "g": values}
    found = evaluate(SOURCES[source](columns, tmp_path), target="t", prediction="p", by="g", losses="l1")
    assert [(group.key[0], group.rows) for group in found.groups] == expected
    for group in found.groups:
        missing = group.key[0] is None
        own = [i for i, x in enumerate(values) if ((x is None or x != x) if missing else x == group.key[0])]
        assert group.score("p", "l1").value == pytest.approx(np.mean([1.0 + i for i in own]))
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("source", SOURCES)
def test_several_keys_merge_only_where_all_are_equal(tmp_path: Path, source: str) -> None:
    columns = {"t": [0.0] * 4, "p": [1.0, 2.0, 3.0, 4.0], "g": [0.0, -0.0, 0.0, None], "h": ["a", "a", "b", None]}
    found = evaluate(SOURCES[source](columns, tmp_path), target="t", prediction="p", by=["g", "h"], losses="l1")
    means = {group.key: group.score("p", "l1").value for group in found.groups}
    assert means == {(0.0, "a"): 1.5, (0.0, "b"): 3.0, (None, None): 4.0}


NANOSECONDS = [1, 2, 1]


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("source", ["pandas", "polars", "polars lazy", "pyarrow", "duckdb", "Parquet of pyarrow"])
def test_nanoseconds_tell_moments_apart(tmp_path: Path, source: str, zone: str | None) -> None:
    table = pa.table({"t": [1.0] * 3, "p": [2.0] * 3, "g": pa.array(NANOSECONDS, pa.timestamp("ns", tz=zone))})
    makers: Mapping[str, Callable[[], Any]] = {
        "pandas": table.to_pandas,
        "polars": lambda: pl.DataFrame(table),
        "polars lazy": lambda: pl.DataFrame(table).lazy(),
        "pyarrow": lambda: table,
        "duckdb": lambda: duckdb.from_arrow(table),
        "Parquet of pyarrow": lambda: pq.write_table(table, tmp_path / "a.parquet") or tmp_path / "a.parquet",
    }
    found = evaluate(makers[source](), target="t", prediction="p", by="g")
    assert [group.rows for group in found.groups] == [2, 1]
    texts = [group["key"]["g"] for group in found.to_dict()["groups"]]
    assert texts == [f"1970-01-01T00:00:00.00000000{i}{'+00:00' if zone else ''}" for i in (1, 2)]


def frame_of(values: Any) -> pd.DataFrame:
    return pd.DataFrame({"t": [1.0] * len(values), "p": [2.0] * len(values), "g": values})


def test_keys_of_mixed_types_are_sorted_by_their_types() -> None:
    zoned = MOMENT.replace(tzinfo=dt.UTC)
    values = ["b", 2, None, MOMENT, "a", 1.5, dt.date(2024, 1, 1), zoned, (1, "x"), (1, 2), 1j, math.nan]
    keys = [key for (key,) in keys_of(frame_of(pd.Series(values, dtype=object)))]
    assert len(keys) == len(values) - 1
    assert keys[-1] is None
    assert {*keys} == {*values[:-1]}
    assert [key for (key,) in keys_of(frame_of(pd.Series([2, "b", 1.5, None, "a"], dtype=object)))] == [
        1.5,
        2,
        "a",
        "b",
        None,
    ]


def test_keys_of_other_types() -> None:
    identity = uuid.uuid4()
    assert keys_of(frame_of(pd.Categorical(["b", None, "a"], categories=["b", "a", "z"]))) == [("a",), ("b",), (None,)]
    assert keys_of(frame_of(pd.period_range("2020-01", periods=2, freq="M"))) == [
        (x,) for x in pd.period_range("2020-01", periods=2, freq="M")
    ]
    assert keys_of(frame_of(np.array([1, 2], np.float16))) == [(1.0,), (2.0,)]
    assert keys_of(frame_of([identity])) == [(identity,)]
    enum = pl.Series(["b", "a", None], dtype=pl.Enum(["b", "a"]))
    assert keys_of(pl.DataFrame({"t": [1.0] * 3, "p": [2.0] * 3, "g": enum})) == [("a",), ("b",), (None,)]
    assert keys_of(duckdb.sql("SELECT 1 AS t, 2 AS p, 'a'::ENUM('b', 'a') AS g")) == [("a",)]


@pytest.mark.parametrize("values", [["b", None, "a", "b"], [2, None, 1, 2], ["b", "c", "a", "b"]])
def test_keys_of_a_dictionary_of_arrow(values: list[Any]) -> None:
    columns = {"t": [0.0] * 4, "p": [1.0, 2.0, 3.0, 4.0]}
    halves = [pa.array(half).dictionary_encode() for half in (values[:1], values[1:])]
    encoded = pa.table({**columns, "g": pa.chunked_array(halves)})
    expected = evaluate(arrow({**columns, "g": values}), target="t", prediction="p", by="g")
    assert evaluate(encoded, target="t", prediction="p", by="g") == expected


NO_KEYS: Mapping[str, Callable[[], Any]] = {
    "structs of polars": lambda: pl.DataFrame({"t": [1.0], "p": [2.0], "g": [{"a": 1}]}),
    "structs of pyarrow": lambda: arrow({"t": [1.0], "p": [2.0], "g": [{"a": 1}]}),
    "lists of polars": lambda: pl.LazyFrame({"t": [1.0], "p": [2.0], "g": [[1]]}),
    "lists of pyarrow": lambda: arrow({"t": [1.0], "p": [2.0], "g": [[1]]}),
    "lists of pandas": lambda: frame_of([[1], [2]]),
    "sets of pandas": lambda: frame_of([{1}, {2}]),
    "objects of polars": lambda: pl.DataFrame({"t": [1.0], "p": [2.0], "g": pl.Series([[1]], dtype=pl.Object)}),
    "maps of DuckDB": lambda: duckdb.sql("SELECT 1 AS t, 2 AS p, map([1], [2]) AS g"),
    "structs of DuckDB": lambda: duckdb.sql("SELECT 1 AS t, 2 AS p, {'a': 1} AS g"),
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_single_value_is_no_key(kind: str) -> None:
    with pytest.raises(
        ColumnError, match=r"cannot group by column 'g', which holds .*: name a column of single values"
    ):
        keys_of(NO_KEYS[kind]())


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("name", ["*", "^.*$", '"', 'a"b', "two\nlines", "c1", "v0", "a0", "it's", "{}", "\\", "ü"])
def test_a_name_in_a_frame_is_never_a_pattern(kind: str, name: str) -> None:
    frame = KINDS[kind]({name: [1.0, 2.0], "p": [2.0, 4.0], "other": [5.0, 5.0]})
    found = evaluate(frame, target=name, prediction="p", by=name, losses="l1")
    assert {group.key[0]: group.score("p", "l1").value for group in found.groups} == {1.0: 1.0, 2.0: 2.0}


BAD: Mapping[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "a number": (lambda: frame_of([1]), {"prediction": 1}, r"prediction names a column by a text, not by 1 \(int\)"),
    "a number among names": (lambda: frame_of([1]), {"prediction": ["p", 1]}, "prediction names a column by a text"),
    "bytes": (lambda: frame_of([1]), {"target": b"t"}, "target names a column by a text, not by b't'"),
    "several targets": (lambda: frame_of([1]), {"target": ["t"]}, "target names a column by a text, not by"),
    "a number for a group": (lambda: frame_of([1]), {"by": 0}, "group names a column by a text, not by 0"),
    "a number for a weight": (lambda: frame_of([1]), {"weight": 1}, "weight names a column by a text, not by 1"),
    "a MultiIndex": (
        lambda: pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_tuples([("a", "t"), ("a", "p")])),
        {},
        "no column 't' in the data frame: there are .*; names of columns are texts: rename them",
    ),
    "numbers as names": (lambda: pd.DataFrame([[1.0, 2.0]]), {}, "there are 0, 1; names of columns are texts"),
    "one name in pandas": (
        lambda: pd.DataFrame([[1.0, 2.0, 3.0]], columns=["t", "p", "p"]),
        {},
        "columns of one name, 'p'",
    ),
    "one name in pyarrow": (
        lambda: pa.table([[1.0], [2.0], [3.0]], names=["t", "p", "p"]),
        {},
        "columns of one name, 'p'",
    ),
    "one name in DuckDB": (lambda: duckdb.sql("SELECT 1 AS t, 2 AS p, 3 AS p"), {}, "columns of one name, 'p'"),
}


@pytest.mark.parametrize("kind", BAD)
def test_names_that_name_no_column_are_told_in_one_line(kind: str) -> None:
    frame, question, message = BAD[kind]
    with pytest.raises(ColumnError, match=message) as raised:
        evaluate(frame(), **({"target": "t", "prediction": "p"} | question))
    assert len(str(raised.value).splitlines()) == 1
