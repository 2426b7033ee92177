"""JSON files: keys by the json module, numbers of every spelling, and what is no number named by its line."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from normwise.evaluation import evaluate
from normwise.evaluation.errors import ColumnError, EmptyInputError, FileError

LATE = '{"t": 1, "p": 2}\n' * 30_000


def written(tmp_path: Path, content: str | bytes, name: str = "a.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_keys_are_those_of_the_json_module(tmp_path: Path) -> None:
    keys = [
        '"x"',
        "1",
        "1.0",
        '"1"',
        "true",
        "null",
        '"2020-01-05"',
        "NaN",
        "-0.0",
        "0",
        '"nan"',
        '"\\u00e9"',
        '"é"',
        str(2**53 + 1),
    ]
    path = written(tmp_path, "".join(f'{{"t": 0, "p": 1, "g": {key}}}\n' for key in keys) + '{"t": 0, "p": 1}\n')
    found = evaluate(path, target="t", prediction="p", by="g")
    decoded = [json.loads(key) for key in keys]
    expected: dict[Any, int] = {}
    for key in decoded:
        name = None if key is None or key != key else (type(key) is bool, key)
        expected[name] = expected.get(name, 0) + 1
    expected[None] += 1  # where it is not said
    found_keys = [group.key[0] for group in found.groups]
    counts = {
        None if key is None else (type(key) is bool, key): group.rows
        for key, group in zip(found_keys, found.groups, strict=True)
    }
    assert counts == expected
    assert found_keys[-6:] == ["1", "2020-01-05", "nan", "x", "é", None]


def test_numbers_of_every_spelling(tmp_path: Path) -> None:
    lines = [
        '{"t": 1}',
        '{"t": "2.5"}',
        '{"t": NaN}',
        '{"t": null}',
        "{}",
        '{"t": "nan"}',
        '{"t": "NA"}',
        '{"t": 1e2}',
        '{"t": -4}',
    ]
    found = evaluate(written(tmp_path, "\n".join(lines) + "\n"), target="t", prediction="t", weight=None).overall
    assert (found.rows, found.missing.target, found.scores[0].n) == (9, 5, 4)
    path = written(tmp_path, '{"t": Infinity, "p": 0}\n')
    assert evaluate(path, target="t", prediction="p", losses="l1").overall.scores[0].value == math.inf


@pytest.mark.parametrize("nan", [float("nan"), None])
def test_files_of_pandas_polars_and_json(tmp_path: Path, nan: float | None) -> None:
    rows = [{"t": 1.0, "p": 3.0, "g": "x"}, {"t": nan, "p": 1.0, "g": "007"}, {"t": 2.0, "p": 2.5, "g": None}]
    frame, path = pd.DataFrame(rows), tmp_path / "a.jsonl"
    expected = {"x": (1, 2.0), "007": (1, None), None: (1, 0.5)}
    for write in (
        lambda: frame.to_json(path, orient="records", lines=True),
        lambda: pl.DataFrame(rows).write_ndjson(path),
        lambda: path.write_text("".join(json.dumps(row) + "\n" for row in rows)),
        lambda: path.write_text("\r\n".join(json.dumps(row) for row in rows)),
    ):
        write()
        groups = evaluate(path, target="t", prediction="p", by="g", losses="l1").to_dict()["groups"]
        assert {group["key"]["g"]: (group["rows"], group["scores"][0]["value"]) for group in groups} == expected


def test_a_key_that_comes_late_is_there(tmp_path: Path) -> None:
    found = evaluate(written(tmp_path, LATE + '{"t": 1, "p": 2, "g": "x"}\n'), target="t", prediction="p", by="g")
    assert [(group.key[0], group.rows) for group in found.groups] == [("x", 1), (None, 30_000)]


@pytest.mark.parametrize("name", ["T", "*", 'a"b', "it's", "a.b", "$", "two\nlines", "filename"])
def test_columns_have_the_names_of_the_file(tmp_path: Path, name: str) -> None:
    rows = [{"x": 9.0, name: 5.0, "p": 1.0, "t": 2.0, "a": {"b": 7.0}}, {"p": 1.0, "t": 2.0, name: 5.0}]
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    assert evaluate(path, target=name, prediction="p", losses="l1").overall.scores[0].value == 4.0
    assert evaluate(path, target="p", prediction="p", losses="l1", by=name).groups[0].key == (5,)


def test_integers_beyond_float64_keep_their_digits(tmp_path: Path) -> None:
    lines = [json.dumps({"t": 2**53 + i, "p": str(2**53 + 1 + i)}) for i in range(100)]
    found = evaluate(written(tmp_path, "\n".join(lines)), target="t", prediction="p", losses="l1").overall
    assert (found.scores[0].value, found.scores[0].standard_error) == (1.0, 0.0)


BAD: dict[str, tuple[str | bytes, type[Exception], str]] = {
    "an object for a key": (
        '{"t": 1, "p": 2, "g": {"a": 1}}\n',
        ColumnError,
        "cannot group by column 'g', which holds an object",
    ),
    "an array for a key": (
        '{"t": 1, "p": 2, "g": [1]}\n',
        ColumnError,
        "cannot group by column 'g', which holds an array",
    ),
    "a text": (
        '{"t": 1, "p": 2, "g": 1}\n{"t": 1, "p": "two"}\n',
        ColumnError,
        "'p' is not numeric: it is \"two\" in line 2",
    ),
    "a late text": (
        f'{LATE}{{"t": 1, "p": "two", "g": 1}}\n',
        ColumnError,
        "'p' is not numeric: it is \"two\" in line 30001",
    ),
    "true": ('{"t": 1, "p": 2, "g": 1}\n{"t": true, "p": 2}\n', ColumnError, "'t' is not numeric: it is true in row 2"),
    "late false": (
        f'{LATE}{{"t": false, "p": 2, "g": 1}}\n',
        ColumnError,
        "'t' is not numeric: it is false in row 30,001",
    ),
    "an object": ('{"t": {"a": 1}, "p": 2, "g": 1}\n', ColumnError, "'t' is not numeric: it is .* in line 1"),
    "a date": (
        '{"t": "2020-01-01", "p": 2, "g": 1}\n',
        ColumnError,
        "'t' is not numeric: it is \"2020-01-01\" in line 1",
    ),
    "a key twice": ('{"t": 1, "t": 2, "p": 2, "g": 1}\n', FileError, 'duplicate key "t"$'),
    "a byte that is not UTF-8": ('{"t": 1, "p": 2, "g": "Ä"}\n'.encode("latin-1"), FileError, "invalid UTF-8"),
    "no objects": ("1\n2\n", EmptyInputError, "has no rows"),
    "blank lines": ("\n\n", EmptyInputError, "has no rows"),
    "no such key": ('{"t": 1, "q": 2, "g": 1}\n', ColumnError, "no column 'p' in .*: there are g, q, t"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    content, error, message = BAD[kind]
    with pytest.raises(error, match=message) as raised:
        evaluate(written(tmp_path, content), target="t", prediction="p", by="g")
    assert len(str(raised.value).splitlines()) == 1


def test_names_that_differ_in_case_alone_are_not_confused(tmp_path: Path) -> None:
    path = written(tmp_path, '{"T": 1, "t": 5, "p": 2}\n{"t": 5, "T": 1, "p": 2}\n')
    assert evaluate(path, target="t", prediction="p", losses="l1").overall.scores[0].value == 3.0
    assert evaluate(path, target="T", prediction="p", losses="l1").overall.scores[0].value == 1.0
    with pytest.raises(ColumnError, match=r"the columns 't' and 'T' of .* differ in case alone: rename one"):
        evaluate(path, target="t", prediction="T")
