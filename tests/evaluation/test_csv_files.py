"""CSV files of several writers, their groups and means by hand; nothing of them is guessed or passed over unsaid."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pyarrow_csv
import pytest

from normwise.errors import InputError
from normwise.evaluation import Evaluation, evaluate
from normwise.evaluation.errors import ColumnError, EmptyInputError, FileError

KEYS = [
    "Smith, John",
    'a "b" c',
    "x;y",
    "two\nlines",
    "007",
    "7",
    "T",
    "t",
    "yes",
    "nan",
    "NA",
    "#1",
    " x ",
    "ü",
    "'q'",
    None,
]
ROWS = {
    "g": [*KEYS, *KEYS],
    "t": [float(i) for i in range(2 * len(KEYS))],
    "p": [i + 0.25 * (i % 7) for i in range(2 * len(KEYS))],
}
Row = tuple[str | None, float, float]


def rows() -> list[Row]:
    return [*zip(ROWS["g"], ROWS["t"], ROWS["p"], strict=True)]


def by_hand(rows: Iterable[tuple[Any, float, float]]) -> dict[Any, tuple[int, float]]:
    """Of each key the number of rows and the mean absolute error."""
    errors: dict[Any, list[float]] = {}
    for key, t, p in rows:
        errors.setdefault(key, []).append(abs(p - t))
    return {key: (len(each), float(np.mean(each))) for key, each in errors.items()}


def groups_of(found: Evaluation) -> dict[Any, tuple[int, float]]:
    return {group.key[0]: (group.rows, group.score("p", "l1").value) for group in found.groups}


def with_the_module(newline: str = "\n", **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator=newline, **options)
        writer.writerows([("g", "t", "p"), *(("" if g is None else g, t, p) for g, t, p in rows())])
        path.write_bytes(text.getvalue().encode())

    return write


def as_r_does(path: Path) -> None:
    """write.csv: rows have names, texts and names are quoted."""
    lines = ['"","g","t","p"']
    for i, (g, t, p) in enumerate(rows(), 1):
        key = "" if g is None else '"' + g.replace('"', '""') + '"'
        lines.append(f'"{i}",{key},{t:.15g},{p:.15g}')
    path.write_text("\n".join(lines) + "\n")


def as_excel_does(path: Path) -> None:
    """With a byte order mark, a line that names the delimiter, and lines that end as on Windows."""
    with_the_module("\r\n", delimiter=";")(path)
    path.write_bytes(b"\xef\xbb\xbfsep=;\r\n" + path.read_bytes())


def compressed(path: Path) -> None:
    plain = path.with_name("plain.csv")
    with_the_module()(plain)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(plain.read_bytes())


WRITERS: Mapping[str, tuple[str, Callable[[Path], Any]]] = {
    "csv": ("a.csv", with_the_module()),
    "csv, Windows": ("a.csv", with_the_module("\r\n")),
    "csv, texts quoted": (
        "a.csv",
        with_the_module(quoting=csv.QUOTE_STRINGS) if hasattr(csv, "QUOTE_STRINGS") else as_r_does,
    ),
    "csv, tabs": ("a.tsv", with_the_module(delimiter="\t")),
    "csv, tabs in a .csv": ("a.csv", with_the_module(delimiter="\t")),
    "csv, bars": ("a.csv", with_the_module(delimiter="|")),
    "pandas": ("a.csv", lambda path: pd.DataFrame(ROWS).to_csv(path, index=False)),
    "pandas, index": ("a.csv", lambda path: pd.DataFrame(ROWS).to_csv(path)),
    "pandas, semicolons": ("a.csv", lambda path: pd.DataFrame(ROWS).to_csv(path, index=False, sep=";")),
    "polars": ("a.csv", lambda path: pl.DataFrame(ROWS).write_csv(path)),
    "polars, mark": (
        "a.csv",
        lambda path: pl.DataFrame(ROWS).write_csv(path, include_bom=True, line_terminator="\r\n"),
    ),
    "pyarrow": ("a.csv", lambda path: pyarrow_csv.write_csv(pa.table(ROWS), path)),
    "R": ("a.csv", as_r_does),
    "Excel": ("a.csv", as_excel_does),
    "gzip": ("a.csv.gz", compressed),
    "zstd": ("a.csv.zst", compressed),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_groups_are_what_each_writer_wrote(tmp_path: Path, writer: str) -> None:
    name, write = WRITERS[writer]
    write(tmp_path / name)
    found = evaluate(tmp_path / name, target="t", prediction="p", by="g", losses="l1")
    expected = by_hand(rows())
    assert {key: n for key, (n, _) in groups_of(found).items()} == {key: n for key, (n, _) in expected.items()}
    means = {key: mean for key, (_, mean) in expected.items()}
    assert {key: mean for key, (_, mean) in groups_of(found).items()} == pytest.approx(means, rel=1e-12)
    assert [group.key[0] for group in found.groups] == [*sorted(key for key in KEYS if key is not None), None]


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("sign", ["#", "'", '""', "//", "%", "NA"])
def test_no_row_is_taken_for_a_comment(tmp_path: Path, sign: str) -> None:
    path = written(
        tmp_path,
        f"id,t,p\n{sign}1,0,10\n2,0,1\n3,0,1\n4,0,1\n" if sign != '""' else 'id,t,p\n"""1",0,10\n2,0,1\n3,0,1\n4,0,1\n',
    )
    score = evaluate(path, target="t", prediction="p", losses="l1").overall.scores[0]
    assert (score.value, score.n) == (3.25, 4)


def test_a_value_that_is_missing_in_excels_way_is_counted(tmp_path: Path) -> None:
    found = evaluate(written(tmp_path, "t,p\n#N/A,1\n#N/A,2\n1,2\n"), target="t", prediction="p").overall
    assert (found.rows, found.missing.target, found.scores[0].n) == (3, 2, 1)


def test_quotes_after_the_first_rows_are_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, "t,p,g\n" + "1,2,AA\n" * 25_000 + '1,2,"Smith, John"\n1,2,"AA"\n')
    found = evaluate(path, target="t", prediction="p", by="g")
    assert [(group.key[0], group.rows) for group in found.groups] == [("AA", 25_001), ("Smith, John", 1)]


@pytest.mark.parametrize("rows", [1, 30_000])
@pytest.mark.parametrize(
    ("written_keys", "keys"),
    [
        (["T", "F", "t"], ["F", "T", "t"]),
        (["yes", "no"], ["no", "yes"]),
        (["true", "False"], ["False", "true"]),
        (["10115", "SW1A 1AA"], ["10115", "SW1A 1AA"]),
        (["007", "7"], ["007", "7"]),
        (["1", "2", "10"], [1, 2, 10]),
        (["1.50", "2.5", "1.5"], [1.5, 2.5]),
        (["0.0", "-0.0"], [0.0]),
        (["1", "NA", ""], [1, None]),
        (["1.5", "nan", ""], [1.5, None]),
        (["9007199254740993", "9007199254740992"], [9007199254740992, 9007199254740993]),
        (["12e999", "13e999"], ["12e999", "13e999"]),
        (["NA", "x"], ["NA", "x"]),
        (["2013-01-05", "05/01/2013"], ["05/01/2013", "2013-01-05"]),
        (["12:30", "1:00"], ["12:30", "1:00"]),
    ],
)
def test_keys_are_texts_but_where_all_are_numbers(
    tmp_path: Path, written_keys: list[str], keys: list[Any], rows: int
) -> None:
    first, *others = written_keys
    path = written(tmp_path, "t,p,g\n" + f"1,2,{first}\n" * rows + "".join(f"1,2,{key}\n" for key in others))
    found = [group.key[0] for group in evaluate(path, target="t", prediction="p", by="g").groups]
    assert (found, [*map(type, found)]) == (keys, [*map(type, keys)])


def test_an_empty_key_is_missing_and_a_quoted_one_is_not(tmp_path: Path) -> None:
    pl.DataFrame({"t": [1.0, 1.0], "p": [2.0, 2.0], "g": ["", None]}).write_csv(tmp_path / "a.csv")
    assert [g.key for g in evaluate(tmp_path / "a.csv", target="t", prediction="p", by="g").groups] == [("",), (None,)]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("t,T,p", "t"),
        ("t,T,p", "T"),
        ("*,x,p", "*"),
        ('"a""b",x,p', 'a"b'),
        ('"two\nlines",x,p', "two\nlines"),
        ("x, t,p", " t"),
        (",t,p", ""),
        ("^.*$,x,p", "^.*$"),
    ],
)
def test_columns_have_the_names_that_the_file_gives_them(tmp_path: Path, header: str, target: str) -> None:
    names = next(csv.reader(io.StringIO(header)))
    values = [10.0, 20.0, 0.0]
    path = written(tmp_path, f"{header}\n10,20,0\n")
    score = evaluate(path, target=target, prediction="p", losses="l1").overall.scores[0]
    assert score.value == values[names.index(target)]


PREAMBLES = {
    "comments": '# written by a model\n# 5 "inches", it\'s\n#\nt,p\n1,3\n',
    "after a mark": "\ufeff# written by a model\r\nt,p\r\n1,3\r\n",
    "blank lines": "\n# written by a model\n\nt,p\n\n1,3\n\n",
    "other columns": "# t,x\n#a\tb\nt;p\n1;3\n",
    "names over two lines": '# note\n"two\nlines",t,p\nx,1,3\n',
}


@pytest.mark.parametrize("kind", PREAMBLES)
def test_comments_before_the_header_are_told(tmp_path: Path, kind: str) -> None:
    found = evaluate(written(tmp_path, PREAMBLES[kind]), target="t", prediction="p", losses="l1")
    assert (found.overall.scores[0].value, found.overall.rows) == (2.0, 1)
    [note] = found.notes
    assert PREAMBLES[kind].lstrip("\ufeff\n").splitlines()[0].split("\t")[0] in note
    assert note in str(found).splitlines()
    assert found.to_dict()["notes"] == [note]


@pytest.mark.parametrize("header", ["t,p", "of a model\n\nt,p"])
@pytest.mark.parametrize("comments", ["# ", "#"])
def test_a_header_of_savetxt_is_read(tmp_path: Path, header: str, comments: str) -> None:
    path = tmp_path / "savetxt.csv"
    np.savetxt(path, [[1.0, 2.0], [3.0, 6.0]], delimiter=",", header=header, comments=comments)
    found = evaluate(path, target="t", prediction="p", losses="l1")
    assert (found.overall.scores[0].value, found.overall.rows) == (2.0, 2)


def test_a_header_may_begin_as_a_comment_does(tmp_path: Path) -> None:
    found = evaluate(written(tmp_path, "#t,p\n1,3\n#2,3\n"), target="p", prediction="p", by="#t")
    assert (found.notes, [group.key for group in found.groups]) == ((), [("#2",), ("1",)])
    found = evaluate(written(tmp_path, "# a title\n#chrom,t,p\n1,1,3\n"), target="t", prediction="p", losses="l1")
    assert found.overall.scores[0].value == 2.0


LATE = "1,2,x\n" * 30_000
BAD: dict[str, tuple[str | bytes, type[InputError], str]] = {
    "a short row": ("t,p,g\n1,2,x\n1,2\n", FileError, "fewer fields in line 3 than in the header"),
    "a long row": ("t,p,g\n1,2,x\n1,2,x,y\n", FileError, "more fields in line 3 than in the header"),
    "a long first row": ("t,p\n1,2,3\n", FileError, "more fields in line 2 than in the header"),
    "a short late row": (f"t,p,g\n{LATE}1,2\n", FileError, "fewer fields in line 30002 than in the header"),
    "twice": ("t,p,p\n1,2,3\n", ColumnError, "columns of one name, 'p'"),
    "twice the target": ("t,t,p\n1,2,3\n", ColumnError, "columns of one name, 't'"),
    "other case": ("T,p\n1,2\n", ColumnError, "no column 't' in .*: there are T, p"),
    "a blank in a name": ("t, p\n1,2\n", ColumnError, "no column 'p' in .*: did you mean ' p'"),
    "a title": ("Report\n\nt,p\n1,2\n", FileError, "the columns are named in line 3 of .*: delete the lines before it"),
    "decimal commas": ("t;p\n1,5;2\n", ColumnError, "'t' is not numeric: it is '1,5' in line 2"),
    "a late text": (f"t,p,g\n{LATE}1,two,x\n", ColumnError, "'p' is not numeric: it is 'two' in line 30002"),
    "an error of Excel": ("t,p\n#N/A,1\n#DIV/0!,2\n", ColumnError, "'t' is not numeric: it is '#DIV/0!' in line 3"),
    "a text of two lines": ('t,p\n1,2\n"a\nb",2\n', ColumnError, r"'t' is not numeric: it is 'a\\nb' in line 3"),
    "true": ("t,p\ntrue,2\n", ColumnError, "'t' is not numeric: it is 'true' in line 2"),
    "not UTF-8": ("t,p,g\n1,2,x\n1,2,Ä\n".encode("latin-1"), FileError, "it is not UTF-8 in line 3"),
    "not UTF-8, late": (f"t,p,g\n{LATE}1,Ä,x\n".encode("latin-1"), FileError, "it is not UTF-8 in line 30002"),
    "names that are not UTF-8": ("t,p,Ä\n1,2,x\n".encode("latin-1"), FileError, "it is not UTF-8"),
    "UTF-16": ("t,p\n1,2\n".encode("utf-16"), FileError, "it is not UTF-8"),
    "no end of a quote": ('t,p,g\n1,2,"x\n1,2,y\n', FileError, "cannot read .* Line: 2"),
    "two ends of lines": ("t,p\r\n1,2\n3,4\r\n", FileError, "its lines end in different ways"),
    "a header alone": ("t,p", EmptyInputError, "has no rows"),
    "blank lines alone": ("\n\n", EmptyInputError, "has no rows"),
    "tabs": ("t\tp\n1\tx\n", ColumnError, "'p' is not numeric: it is 'x' in line 2"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    content, error, message = BAD[kind]
    with pytest.raises(error, match=message) as raised:
        evaluate(written(tmp_path, content), target="t", prediction="p")
    assert len(str(raised.value).splitlines()) == 1
    assert str(tmp_path / "a.csv") in str(raised.value)


@pytest.mark.parametrize("line", ["1," + "x" * 20_000 + ",2", "1,2," + "x" * 3_000_000])
def test_an_error_does_not_repeat_a_long_field(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r"in line 2|Line: 2") as raised:
        evaluate(written(tmp_path, f"t,p,g\n{line}\n"), target="t", prediction="p")
    assert len(str(raised.value)) < 1000 + len(str(tmp_path))


@pytest.mark.parametrize("late", [False, True])
def test_integers_beyond_float64_keep_their_digits(tmp_path: Path, late: bool) -> None:
    whole = [9007199254740992 + i for i in range(100)]
    lines = [*(["1,1"] * 30_000 if late else []), *(f"{n},{n + 1 + (n % 3)}" for n in whole)]
    found = evaluate(written(tmp_path, "t,p\n" + "\n".join(lines) + "\n"), target="t", prediction="p", losses="l1")
    assert found.overall.scores[0].value == sum(1 + n % 3 for n in whole) / len(lines)


def test_integers_and_fractions_are_float64(tmp_path: Path) -> None:
    path = written(tmp_path, f"t,p,q\n{2**53 + 1},{2**53 + 3},1.5\nNA,1.5,{2**53 + 1}\n 0 ,1.5,1\n")
    found = evaluate(path, target="t", prediction=["p", "q"], losses="l1").overall
    assert found.score("p", "l1").value == (float(2**53 + 4 - (2**53 + 1)) + 1.5) / 2
