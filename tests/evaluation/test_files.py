"""Files of each format against the same rows in memory, several at a time, and each that cannot be read."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from normwise.errors import InputError
from normwise.evaluation import Evaluation, evaluate
from normwise.evaluation.errors import ColumnError, EmptyInputError, FileError

ROWS = pl.DataFrame(
    {
        "t": [1.0, 2.5, None, 4.0, 7.0],
        "p": [2.0, 2.0, 3.0, None, 5.0],
        "g": ["x", "y", "x", "y", None],
        "unread": ["a", "b", "c", "d", "e"],
    }
)
QUESTION: dict[str, Any] = {"target": "t", "prediction": "p", "by": "g"}


def write(frame: pl.DataFrame, path: Path) -> Path:
    match path.name.partition(".")[2]:
        case "csv":
            frame.write_csv(path)
        case "tsv":
            frame.write_csv(path, separator="\t")
        case "csv.gz":
            path.write_bytes(gzip.compress(frame.write_csv().encode()))
        case "parquet":
            frame.write_parquet(path)
        case "json":
            path.write_text(json.dumps(frame.to_dicts()))
        case "jsonl" | "ndjson":
            frame.write_ndjson(path)
    return path


def told(found: Evaluation) -> dict[str, Any]:
    return found.to_dict()


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "parquet", "json", "jsonl", "ndjson", "CSV"])
def test_each_format_reads_as_the_frame(tmp_path: Path, ending: str) -> None:
    path = write(ROWS, tmp_path / f"rows.{ending.lower()}").rename(tmp_path / f"rows.{ending}")
    assert told(evaluate(path, **QUESTION)) == told(evaluate(ROWS, **QUESTION))
    assert told(evaluate(str(path), **QUESTION)) == told(evaluate(ROWS, **QUESTION))


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_several_files_are_one_table_by_column_names(tmp_path: Path, ending: str) -> None:
    write(ROWS[:2], tmp_path / f"a 1.{ending}")
    write(ROWS[2:].select("g", "p", "t"), tmp_path / f"a 2.{ending}")
    whole = told(evaluate(ROWS, **QUESTION))
    assert told(evaluate(str(tmp_path / f"a*.{ending}"), **QUESTION)) == whole
    paths = [tmp_path / f"a 1.{ending}", str(tmp_path / f"a [2-3].{ending}"), tmp_path / f"a 1.{ending}"]
    assert told(evaluate(paths, **QUESTION)) == whole


def test_integers_in_one_file_do_not_round_the_next(tmp_path: Path) -> None:
    for ending in ("parquet", "csv", "jsonl"):
        write(pl.DataFrame({"t": [1], "p": [1]}), tmp_path / f"a.{ending}")
        write(pl.DataFrame({"t": [1.5], "p": [1.0]}), tmp_path / f"b.{ending}")
        found = evaluate(tmp_path / f"*.{ending}", target="t", prediction="p", losses="l1")
        assert found.overall.scores[0].value == 0.25


def test_a_fraction_after_many_integers_is_read(tmp_path: Path) -> None:
    whole, last = '{"t": 1, "p": 1}\n' * 30_000, '{"t": 30001.5, "p": 1}\n'
    (tmp_path / "a.jsonl").write_text(whole + last)
    (tmp_path / "a.csv").write_text("t,p\n" + "1,1\n" * 30_000 + "30001.5,1\n")
    for path in (tmp_path / "a.jsonl", tmp_path / "a.csv"):
        assert evaluate(path, target="t", prediction="p", losses="l1").overall.scores[0].value == 30000.5 / 30001


def test_numbers_after_many_empty_values_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t,p\n" + ",1\n" * 30_000 + "3,1\n")
    found = evaluate(tmp_path / "a.csv", target="t", prediction="p", losses="l1").overall
    assert (found.scores[0].value, found.missing.target) == (2.0, 30_000)


@pytest.mark.parametrize("absent", ["", "NA", "nan", "NaN", "null", "NULL", "None", "N/A"])
def test_the_ways_a_csv_file_writes_a_missing_value(tmp_path: Path, absent: str) -> None:
    (tmp_path / "a.csv").write_text(f"t,p\n1,2\n{absent},3\n4,{absent}\n")
    found = evaluate(tmp_path / "a.csv", target="t", prediction="p").overall
    assert (found.missing.target, found.missing.predictions) == (1, {"p": 1})


@pytest.mark.parametrize("name", ["it's [1].csv", 'quote".csv', "; DROP TABLE.csv", "ünïcode ☃.csv"])
def test_a_name_is_never_a_pattern_or_code(tmp_path: Path, name: str) -> None:
    write(ROWS, tmp_path / "rows.csv").rename(tmp_path / name)
    write(ROWS[:1], tmp_path / "it's 1.csv")  # what the first name would match, were it a pattern
    assert told(evaluate(tmp_path / name, **QUESTION)) == told(evaluate(ROWS, **QUESTION))


@pytest.mark.parametrize("name", ['a "quoted" name', "it's", "naïve; --", "A b"])
def test_columns_of_any_name(tmp_path: Path, name: str) -> None:
    path = write(ROWS.rename({"t": name}), tmp_path / "a.parquet")
    assert (
        evaluate(path, target=name, prediction="p").overall.scores
        == evaluate(ROWS, target="t", prediction="p").overall.scores
    )


def test_the_same_column_may_be_target_and_group_and_prediction(tmp_path: Path) -> None:
    path = write(ROWS, tmp_path / "a.parquet")
    found = evaluate(path, target="t", prediction=["t", "p"], by="t")
    assert [group.score("t", "l1").value for group in found.groups[:4]] == [0.0] * 4


def test_progress_is_told_while_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.sql("SELECT i::DOUBLE AS t, (i % 97)::DOUBLE AS p FROM range(3_000_000) t(i)").write_parquet(str(path))
    told: list[float] = []
    found = evaluate(path, target="t", prediction="p", losses=["l1", "log_cosh"], progress=told.append)
    assert found.overall.rows == 3_000_000
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 100  # it moves


def test_an_error_while_progress_is_told_is_raised(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t,p\n" + "1,1\n" * 30_000 + "one,1\n")
    with pytest.raises(ColumnError, match="column 't' is not numeric: it is 'one' in line 30002 of "):
        evaluate(tmp_path / "a.csv", target="t", prediction="p", progress=lambda percent: None)


FILES: dict[str, str | bytes] = {
    "good.csv": "t,p,g\n1,2,x\n",
    "other.csv": "t,q\n1,2\n",
    "good.jsonl": '{"t": 1, "p": 2}\n',
    "empty.csv": "",
    "header.csv": "t,p\n",
    "late.csv": "t,p\n" + "1,2\n" * 30_000 + "1,two\n",
    "ragged.csv": "t,p\n" + "1,2\n" * 30_000 + "1,2,3,4\n",
    "text.csv": "t,p\n1,two\n",
    "text.jsonl": '{"t": 1, "p": "two"}\n',
    "mixed.jsonl": '{"t": 1, "p": 2}\n{"t": 1, "p": "two"}\n',
    "cut.jsonl": '{"t": 1, "p": 2}\n{"t": 1, "p":\n',
    "cut.json": '[{"t": 1, "p": 2}, {"t": 1,',
    "list.jsonl": '{"t": 1, "p": [1, 2]}\n',
    "not.parquet": "this is not Parquet " * 20,
    "not.csv.gz": b"neither gzip nor text",
    "sheet.xlsx": "PK",
}
BAD: list[tuple[Any, type[InputError], str]] = [
    ("god.csv", FileError, "there is no file .*god.csv: did you mean good.csv"),
    ("none-*.csv", FileError, "no file matches .*none-"),
    ([], InputError, "there is no file to evaluate"),
    (".", FileError, "is a folder: name its files, as in "),
    ("sheet.xlsx", FileError, "none of the files that evaluate reads: .csv, .tsv, .parquet, .jsonl, .ndjson, .json"),
    (["good.csv", "good.jsonl"], FileError, "different formats .*good.csv, .*good.jsonl"),
    (["good.csv", "other.csv"], ColumnError, "no column 'p' in .*other.csv: there are q, t"),
    ("other.csv", ColumnError, "no column 'p' in .*other.csv: there are q, t"),
    ("empty.csv", EmptyInputError, "empty.csv has no rows"),
    ("header.csv", EmptyInputError, "header.csv has no rows"),
    ("late.csv", ColumnError, "column 'p' is not numeric: it is 'two' in line 30002 of .*late.csv"),
    ("text.csv", ColumnError, "column 'p' is not numeric: it is 'two' in line 2 of .*text.csv"),
    ("text.jsonl", ColumnError, "column 'p' is not numeric: it is \"two\" in line 1 of .*text.jsonl"),
    ("mixed.jsonl", ColumnError, "'p' is not numeric: it is \"two\" in line 2 of .*mixed.jsonl"),
    ("list.jsonl", ColumnError, r"column 'p' is not numeric: it is \[1,2\] in line 1 of .*list.jsonl"),
    ("ragged.csv", FileError, "cannot read .*ragged.csv: there are more fields in line 30002 than in the header"),
    ("cut.jsonl", FileError, "cannot read .*cut.jsonl: Malformed JSON"),
    ("cut.json", FileError, "cannot read .*cut.json: "),
    ("not.parquet", FileError, "cannot read .*not.parquet: "),
    ("not.csv.gz", FileError, "cannot read .*not.csv.gz: "),
]


@pytest.mark.parametrize(("names", "kind", "message"), BAD, ids=[str(bad[0]) for bad in BAD])
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, names: Any, kind: type[InputError], message: str) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    os.truncate(tmp_path / "not.parquet", 300)
    paths = [tmp_path / name for name in names] if isinstance(names, list) else tmp_path / names
    with pytest.raises(kind, match=message) as error:
        evaluate(paths, target="t", prediction="p")
    assert len(str(error.value).splitlines()) == 1
