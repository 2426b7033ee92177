"""Where files are: pipes and links are read, names are never patterns or protocols, and the rest is named truly."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normwise
from normwise.evaluation import Evaluation, evaluate
from normwise.evaluation.errors import ColumnError, EmptyInputError, FileError

ROWS = pl.DataFrame({"t": [1.0, 3.0], "p": [2.0, 5.0], "g": ["x", "y"]})
CSV = ROWS.write_csv().encode()


def check(found: Evaluation) -> None:
    assert found.to_dict() == evaluate(ROWS, target="t", prediction="p", by="g").to_dict()


def evaluated(path: Any) -> Evaluation:
    return evaluate(path, target="t", prediction="p", by="g")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "a[1].csv",
        "a*.csv",
        "a?.csv",
        "**.csv",
        "{}.csv",
        "%s.csv",
        " .csv",
        "\n.csv",
        "it's.csv",
        "-.csv",
        "s3:x.csv",
        "hf:x.csv",
        "\udcff.csv",
        "b\u202e.csv",
    ],
)
def test_a_name_of_a_file_is_never_a_pattern_or_a_protocol(folder: Path, name: str) -> None:
    (folder / "a1.csv").write_text("t,p,g\n100,0,z\n")  # what some of the names match, were they patterns
    (folder / name).write_bytes(CSV)
    check(evaluated(name))


@pytest.mark.parametrize("scheme", ["s3:", "http:", "hf:", "file:"])
def test_a_folder_of_a_protocols_name_is_a_folder(folder: Path, scheme: str) -> None:
    (folder / scheme / "bucket").mkdir(parents=True)
    (folder / scheme / "bucket" / "rows.parquet").write_bytes(b"")
    ROWS.write_parquet(folder / scheme / "bucket" / "rows.parquet")
    check(evaluated(f"{scheme}//bucket/rows.parquet"))
    check(evaluated(f"{scheme}//bucket/*.parquet"))


def test_no_extension_is_fetched(folder: Path) -> None:
    from normwise.evaluation.files import opened

    (folder / "a.csv").write_bytes(CSV)
    with opened(["a.csv"]) as files:
        settings = "autoinstall_known_extensions", "autoload_known_extensions"
        [row] = files.rows(f"SELECT {', '.join(f'current_setting({name!r})' for name in settings)}")
    assert row == (False, False)


def test_links_are_followed(folder: Path) -> None:
    (folder / "rows.csv").write_bytes(CSV)
    for link in ("other.csv", "without ending"):
        (folder / link).symlink_to("rows.csv")
        check(evaluated(link))


def parquet() -> bytes:
    path = Path("rows.parquet")
    ROWS.write_parquet(path)
    return path.read_bytes()


CONTENTS: dict[str, Callable[[], bytes]] = {
    "CSV": lambda: CSV,
    "CSV with comments": lambda: b"# note\n" + CSV.replace(b",", b";"),
    "CSV, compressed": lambda: gzip.compress(CSV),
    "JSON lines": lambda: ROWS.write_ndjson().encode(),
    "JSON lines, compressed": lambda: gzip.compress(ROWS.write_ndjson().encode()),
    "JSON": lambda: ROWS.write_json().encode(),
    "Parquet": parquet,
}


@pytest.mark.parametrize(
    ("content", "name"), [*((content, "pipe") for content in CONTENTS), ("CSV", "pipe.csv"), ("JSON", "pipe.json")]
)
def test_pipes_are_read(folder: Path, content: str, name: str) -> None:
    os.mkfifo(name)
    written = CONTENTS[content]()
    thread = threading.Thread(target=lambda: (folder / name).write_bytes(written))
    thread.start()
    found = evaluated(name)
    thread.join()
    assert found.to_dict() | {"notes": []} == evaluate(ROWS, target="t", prediction="p", by="g").to_dict()
    assert all(f" {name}:" in note for note in found.notes)
    assert len(found.notes) == (content == "CSV with comments")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", EmptyInputError, "^pipe has no rows"),
        (b"t,p,g\n1,two,x\n", ColumnError, "'p' is not numeric: it is 'two' in line 2 of pipe"),
        (b"\xff\xfe\x00\x00", FileError, "cannot read pipe: it is not UTF-8"),
    ],
)
def test_errors_name_the_pipe(folder: Path, content: bytes, error: type[Exception], message: str) -> None:
    os.mkfifo("pipe")
    thread = threading.Thread(target=lambda: (folder / "pipe").write_bytes(content))
    thread.start()
    with pytest.raises(error, match=message):
        evaluated("pipe")
    thread.join()


COMMANDS = [
    "{normwise} <(zcat rows.csv.gz)",
    "zcat rows.csv.gz | {normwise} /dev/stdin",
    "{normwise} /dev/stdin < rows.csv",
    "{normwise} - < rows.csv",
    "{normwise} /proc/self/fd/0 < rows.csv",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_shell_hands_over_is_read(folder: Path, command: str) -> None:
    (folder / "rows.csv").write_bytes(CSV)
    (folder / "rows.csv.gz").write_bytes(gzip.compress(CSV))
    program = f"{sys.executable} -W error -m normwise.cli evaluate"
    line = command.replace("{normwise}", program) + " -t t -p p -l l1"
    environment = os.environ | {"PYTHONPATH": str(Path(normwise.__file__).parents[1])}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ["l1", "1.50", "±", "0.50", "2"] in [line.split() for line in done.stdout.splitlines()]


def test_a_file_is_read_once_however_it_is_spelled(folder: Path) -> None:
    (folder / "a.csv").write_bytes(CSV)
    check(evaluated(["a.csv", "./a.csv", "*.csv", folder / "a.csv", f"../{folder.name}/a.csv"]))


def test_two_pipes_are_two_files(folder: Path) -> None:
    threads = []
    for name in ("one", "two"):
        os.mkfifo(name)
        threads.append(threading.Thread(target=lambda name=name: (folder / name).write_bytes(CSV)))
        threads[-1].start()
    assert evaluated(["one", "two"]).overall.rows == 4
    for thread in threads:
        thread.join()


BAD = [
    ("loop.csv", FileError, "cannot open loop.csv: Too many levels of symbolic links"),
    ("dangling.csv", FileError, "dangling.csv is a link to gone.csv, which is not there"),
    ("folder.csv", FileError, "folder.csv is a folder"),
    ("x" * 5000 + ".csv", FileError, r"cannot open x{100}\.\.\. \(5,004 characters\): File name too long"),
    ("a\0.csv", FileError, "cannot open .*null"),
    ("/dev/null", FileError, "/dev/null is a device: name a file or a pipe"),
    ("rows.csv/x.csv", FileError, "there is no file rows.csv/x.csv"),
    ("nowhere/x.csv", FileError, "there is no file nowhere/x.csv"),
    ("http://nowhere/x.csv", FileError, "there is no file http://nowhere/x.csv"),
    ("", FileError, "there is no file"),
]


@pytest.mark.parametrize(("name", "error", "message"), BAD, ids=[bad[0][:20] for bad in BAD])
def test_what_cannot_be_opened_is_named_truly(folder: Path, name: str, error: type[Exception], message: str) -> None:
    (folder / "rows.csv").write_bytes(CSV)
    (folder / "loop.csv").symlink_to("loop.csv")
    (folder / "dangling.csv").symlink_to("gone.csv")
    (folder / "folder.csv").mkdir()
    with pytest.raises(error, match=message):
        evaluated(name)


def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "rows.csv").write_bytes(CSV)
    folder.chmod(0o755)
    (folder / "rows.csv").chmod(0)
    nobody = 65534
    program = (
        "import os, sys; os.chdir(sys.argv[1]); import duckdb; from normwise.evaluation import evaluate\n"
        f"if os.geteuid() == 0: os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})\n"
        "try: evaluate('/proc/self/cwd/rows.csv', target='t', prediction='p')\n"
        "except ValueError as error: print(error)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(normwise.__file__).parents[1])}
    call = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(call, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stdout == "cannot open /proc/self/cwd/rows.csv: Permission denied\n"
