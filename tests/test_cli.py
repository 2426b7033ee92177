"""The command line, run as a process: what it prints and writes, and one line with exit code 2 for each bad input."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from normwise import __version__, cli
from normwise.catalogue import losses
from normwise.catalogue.peers import LIBRARIES, peers_of
from normwise.evaluation import evaluate
from normwise.explanation.explain import explain, plain
from tests.processes import Terminal, environment, in_terminals, run

ROWS = pl.DataFrame(
    {
        "actual": [1.0, 2.0, 3.0, None, 5.0, 6.0],
        "model": [1.1, 2.6, 2.0, 4.0, None, 6.5],
        "mean": [3.0, 3.0, 3.0, 3.0, 3.0, 3.0],
        "place": ["north", "south", "north", "south", "north", None],
        "size": [1, 2, 1, 2, 1, 2],
        "change": [1, -2, 1, 2, 1, 2],
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    ROWS.write_csv(folder / "rows.csv")
    ROWS.write_parquet(folder / "rows.parquet")
    ROWS.write_ndjson(folder / "rows.jsonl")
    ROWS[:3].write_csv(folder / "part-1.csv")
    ROWS[3:].write_csv(folder / "part-2.csv")
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("actual,model\n")
    (folder / "not.parquet").write_text("not Parquet at all" * 20)
    (folder / "cut.jsonl").write_text('{"actual": 1, "model": 2}\n{"actual": 1, "mod')
    return folder


QUESTION = ("--target", "actual", "--prediction", "model", "-p", "mean")


@pytest.mark.parametrize(
    "files", [["rows.csv"], ["rows.parquet"], ["rows.jsonl"], ["part-1.csv", "part-2.csv"], ["part-*.csv"]]
)
def test_json_is_the_evaluation_in_full_precision(folder: Path, files: list[str]) -> None:
    options = ("--by", "place", "--weight", "size", "--loss", "smooth_l1:beta=0.5", "--loss", "l1", "--json", "-")
    done = run("evaluate", *files, *QUESTION, *options, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    expected = evaluate(
        ROWS,
        target="actual",
        prediction=["model", "mean"],
        by="place",
        weight="size",
        losses=["smooth_l1:beta=0.5", "l1"],
    )
    assert approximate(expected.to_dict()) == json.loads(done.stdout)


def approximate(told: Any) -> Any:
    """The same with room for the order of summation."""
    if isinstance(told, dict):
        return {name: approximate(entry) for name, entry in told.items()}
    if isinstance(told, list):
        return [approximate(entry) for entry in told]
    return pytest.approx(told, rel=1e-12) if isinstance(told, float) else told


def test_the_table_sets_predictions_side_by_side(folder: Path) -> None:
    done = run("evaluate", "rows.csv", *QUESTION, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["loss", "model", "mean", "n"] in lines
    assert ["l1", "*0.55", "±", "0.18", "1.60", "±", "0.51", "4", "/", "5"] in lines
    assert "model - mean" in done.stdout
    assert "the target 'actual' is missing in 1, the prediction 'model' in 1" in done.stdout


def test_groups_are_rows_of_a_table_for_each_loss(folder: Path) -> None:
    done = run("evaluate", "rows.csv", *QUESTION, "--by", "place", "--json", "out.json", cwd=folder)
    lines = [line.split() for line in done.stdout.splitlines() if line.split()]
    firsts = [line[0] for line in lines]
    assert [first for first in firsts if first in {"l1", "mse", "north", "south", "(missing)", "all"}] == [
        *("l1", "north", "south", "(missing)", "all"),
        *("mse", "north", "south", "(missing)", "all"),
    ]
    assert json.loads((folder / "out.json").read_text())["groups"][0]["key"] == {"place": "north"}


def test_list_names_every_loss(folder: Path) -> None:
    done = run("list", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    for loss in losses.values():
        [line] = [line for line in done.stdout.splitlines() if line.split()[:1] == [loss.name]]
        assert loss.documentation.splitlines()[0] in line
        assert all(f"{name}={plain(default)}" in line for name, default in loss.parameters.items())
        assert loss.minimiser in line
        assert all(LIBRARIES[peer.library] in line for peer in peers_of(loss.name))


def test_explain_tells_what_is_known_of_a_loss(folder: Path) -> None:
    done = run("explain", "huber", "--delta", 2, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    told = explain("huber", delta=2.0)
    assert done.stdout.startswith("huber: delta=2\n")
    for text in (str(told.formula), told.latex, str(told.slope), str(told.curvature), *told.usage):
        assert text in done.stdout
    lines = {line.rstrip() for line in done.stdout.splitlines()}
    assert {f"{title:<14}{text}" for title, text in told.facts} <= lines
    assert all(any(alias.call in line and alias.ours in line for line in lines) for alias in told.aliases)
    assert ["2", "2", "2", "0"] in [line.split() for line in lines]  # at delta: the loss, its slope, its curvature
    assert "loss, by r" in done.stdout
    assert "slope, by r" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (("huber:delta=0.5",), "huber: delta=0.5"),
        (("quantile", "--q=0.9"), "quantile: q=0.9"),
        (("poisson_nll", "--log-input", "false"), "poisson_nll: log_input=False, full=False, eps=1e-08"),
        (("linex", "--a", "-2"), "linex: a=-2"),
        (("log(cosh(r/s)):s=2",), "log(cosh(r/s)): s=2"),
        (("log(cosh(r/s))", "--s", "3"), "log(cosh(r/s)): s=3"),
    ],
)
def test_parameters_are_options(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], title: str) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["explain", *arguments])
    told = capsys.readouterr()
    assert (left.value.code, told.err) == (0, "")
    assert told.out.splitlines()[0] == title


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hubr",), "there is no loss 'hubr': did you mean huber"),
        (("huber", "--dleta", "2"), "huber has no parameter 'dleta': did you mean delta"),
        (("huber", "--delta", "-2"), "Given delta=-2; expected a number in (0, inf]"),
        (("huber", "--delta", "two"), "--delta is given 'two', which is not a number"),
        (("huber", "--delta"), "--delta needs a value"),
        (("huber", "2"), "'2' is no parameter: give each as --name value"),
    ],
)
def test_what_cannot_be_explained_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["explain", *arguments])
    told = capsys.readouterr()
    assert (left.value.code, told.out) == (2, "")
    [line] = told.err.splitlines()
    assert line.startswith("normwise: ")
    assert message in line


def in_a_terminal(*arguments: str, columns: int) -> str:
    """What a terminal of so many columns is sent."""
    done = in_terminals(*arguments, COLUMNS=str(columns))
    assert (done.code, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_sees_colours_within_its_width(columns: int) -> None:
    told = in_a_terminal("explain", "tukey", columns=columns)
    assert "\x1b[38" in told
    assert not re.search(r"\x1b\[[0-9;]*48;", told)  # what is behind stays the terminal's own
    lines = re.sub(r"\x1b\[[0-9;]*m", "", told).splitlines()
    table = lines[lines.index(next(line for line in lines if line.startswith("parameters"))) :]
    shown = table[: table.index("to use it")]
    assert max(map(len, shown)) == columns  # the plot is as wide as it may be
    lists = re.sub(r"\x1b\[[0-9;]*m", "", in_a_terminal("list", columns=columns)).splitlines()
    assert max(map(len, lists)) <= columns
    assert any(line.split()[:1] == ["tukey"] for line in lists)


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_list_of_losses_is_read_at_any_width(columns: int) -> None:
    told = re.sub(r"\x1b\[[0-9;]*m", "", in_a_terminal("list", columns=columns))
    assert max(map(len, told.splitlines())) <= columns
    paragraphs = re.split(r"\r\n(?=\S)", told)
    assert [words.split()[0] for words in paragraphs] == [*losses]
    for paragraph, loss in zip(paragraphs, losses.values(), strict=True):
        # Every word whole and in its place, on as few lines as their letters need.
        what = loss.documentation.partition("\n")[0]
        assert what in " ".join(paragraph.split())
        assert len(paragraph.splitlines()) <= 4 + 1.5 * len(paragraph) / columns


@pytest.mark.parametrize("arguments", [(), ("evaluate",), ("explain",)])
def test_a_command_alone_shows_its_help_and_nothing_else(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.strip() == run(*arguments, "--help", cwd=folder).stdout.strip()


def test_the_version(folder: Path) -> None:
    done = run("--version", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"normwise {__version__}\n", "")


@pytest.mark.parametrize("columns", ["1", "0", "-5", "wide", "1000"])
def test_no_width_is_too_odd_for_a_terminal(columns: str) -> None:
    for arguments in (("list",), ("explain", "barron")):
        done = in_terminals(*arguments, COLUMNS=columns)
        assert (done.code, done.stderr) == (0, b"")


def test_an_environment_of_nothing(folder: Path) -> None:
    bare = {name: os.environ[name] for name in ("PYTHONPATH", "NORMWISE_CACHE_DIR") if name in os.environ}
    for arguments in (("evaluate", "rows.csv", *QUESTION), ("explain", "huber"), ("list",)):
        done = run(*arguments, cwd=folder, env=bare)
        assert (done.returncode, done.stderr) == (0, "")


LOCALE_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "changed",
    [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252:strict"}, LOCALE_C],
    ids=["ascii", "cp1252", "locale C"],
)
def test_letters_that_stdout_does_not_have_are_no_error(folder: Path, changed: dict[str, str]) -> None:
    pl.DataFrame({"t": [1.0, 2.0], "p": [2.0, 4.0], "g": ["é", "東"]}).write_csv(folder / "letters.csv")
    letters = environment(**changed)
    question = ("evaluate", "letters.csv", "-t", "t", "-p", "p", "--by", "g", "-l", "l1")
    for arguments in (question, ("list",), ("explain", "tukey"), ("--help",)):
        done = run(*arguments, cwd=folder, env=letters, encoding="latin-1")
        assert (done.returncode, done.stderr) == (0, ""), arguments
    shown = run(*question, cwd=folder, env=letters, encoding="latin-1").stdout
    assert r"\u6771" in shown
    if changed.get("PYTHONIOENCODING") != "cp1252:strict":
        assert "1.5000 +- 0.5000" in shown
    # JSON is UTF-8 wherever it goes.
    done = run(*question, "--json", "-", cwd=folder, env=letters, encoding="utf-8")
    assert [group["key"] for group in json.loads(done.stdout)["groups"]] == [{"g": "é"}, {"g": "東"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", b"caf\xe9.csv", *QUESTION),
        ("evaluate", "rows.csv", *QUESTION, "-b", b"caf\xe9"),
        ("evaluate", "rows.csv", *QUESTION, "--json", b"caf\xe9.json"),
        ("explain", b"caf\xe9"),
        (b"\xff\xfe",),
    ],
)
def test_an_argument_that_is_no_text_is_one_line(folder: Path, arguments: tuple[str | bytes, ...]) -> None:
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"normwise: the argument '.*' is not text in utf-8: .*\n", done.stderr)


@pytest.mark.parametrize("name", ["x" * 5000 + ".csv", "x" * 300 + ".csv", "x/" * 2500 + "a.csv"])
def test_a_name_that_is_too_long_is_one_line(folder: Path, name: str) -> None:
    for arguments in ((name, *QUESTION), ("rows.csv", *QUESTION, "--json", name)):
        done = run("evaluate", *arguments, cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        [line] = done.stderr.splitlines()
        assert "File name too long" in line


@pytest.mark.parametrize("arguments", [("--help",), ("evaluate", "--help"), ("explain", "--help")])
def test_help(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert arguments[0].removeprefix("--help") in done.stdout
    assert "Usage" in done.stdout


BAD: dict[str, tuple[tuple[object, ...], str]] = {
    "no such file": (("row.csv", *QUESTION), "there is no file row.csv: did you mean rows.csv"),
    "no match": (("none*.csv", *QUESTION), "no file matches none*.csv"),
    "no such column": (
        ("rows.csv", "-t", "sise", "-p", "model"),
        "no column 'sise' in rows.csv: did you mean size?",
    ),
    "no such group": (("rows.csv", *QUESTION, "--by", "plaice"), "no column 'plaice' in rows.csv: did you mean place?"),
    "text in CSV": (
        ("rows.csv", "-t", "place", "-p", "model"),
        "column 'place' is not numeric: it is 'north' in line 2",
    ),
    "text in Parquet": (("rows.parquet", "-t", "place", "-p", "model"), "column 'place' is not numeric but String"),
    "unknown loss": (("rows.csv", *QUESTION, "--loss", "hubert"), "no loss 'hubert': did you mean huber"),
    "unknown parameter": (("rows.csv", *QUESTION, "-l", "huber:beta=1"), "huber has no parameter 'beta'"),
    "given twice": (
        ("rows.csv", *QUESTION, "-l", "huber:delta=1,delta=2"),
        "'huber:delta=1,delta=2' gives delta twice",
    ),
    "no number": (("rows.csv", *QUESTION, "-l", "huber:delta=one"), "huber takes a real number for delta, not 'one'"),
    "outside the domain": (("rows.csv", *QUESTION, "-l", "quantile:q=2"), "Given q=2; expected a number in [0, 1]"),
    "empty file": (("empty.csv", *QUESTION), "empty.csv has no rows"),
    "header alone": (("header.csv", "-t", "actual", "-p", "model"), "header.csv has no rows"),
    "no complete row": (("rows.csv", "-t", "actual", "-p", "nothing"), "no column 'nothing'"),
    "not Parquet": (("not.parquet", *QUESTION), "cannot read not.parquet: "),
    "cut JSON": (("cut.jsonl", "-t", "actual", "-p", "model"), "cannot read cut.jsonl: "),
    "negative weight": (("rows.csv", *QUESTION, "-w", "change"), "weight 'change' is negative in some row"),
    "mixed formats": (("rows.csv", "rows.parquet", *QUESTION), "different formats"),
    "unwritable": (
        ("rows.csv", *QUESTION, "--json", "no/where.json"),
        "cannot write no/where.json: there is no folder no",
    ),
    "a folder to write": (("rows.csv", *QUESTION, "--json", "."), "cannot write .: it is a folder"),
    "no target": (("rows.csv", "-p", "model"), "Missing option '--target'"),
    "no such option": (("rows.csv", *QUESTION, "--los", "l1"), "No such option: --los"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_one_line_and_exit_code_2(folder: Path, bad: str) -> None:
    arguments, message = BAD[bad]
    done = run("evaluate", *arguments, cwd=folder)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("normwise: ")
    assert message in line
    assert done.stdout == ""


def test_no_complete_row_is_bad_input(folder: Path) -> None:
    (folder / "apart.csv").write_text("actual,model\n1,\n,2\n")
    done = run("evaluate", "apart.csv", "-t", "actual", "-p", "model", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "normwise: none of the 2 rows is complete in the columns 'actual', 'model': each has one missing\n"
    )


@pytest.mark.long
def test_a_terminal_sees_a_progress_bar_where_the_work_is_long(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "long.parquet"
    duckdb.sql("SELECT random() AS t, random() AS p, random() AS q FROM range(12_000_000)").write_parquet(str(path))
    terminal = Terminal()
    soon = "from normwise import cli, terminal; terminal.PATIENCE = 0.05; cli.main()"  # a fast machine is soon done
    call = [sys.executable, "-c", soon, "evaluate", str(path), "-t", "t", "-p", "p", "-p", "q"]
    call += [part for name in ("l1", "mse", "smooth_l1", "huber", "quantile", "log_cosh") for part in ("--loss", name)]
    done = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=terminal.end, env=environment(TERM="xterm"))
    terminal.close()
    told = terminal.read()
    output, _ = done.communicate(timeout=60)
    assert done.returncode == 0
    assert b"reading" in told
    percents = [int(percent) for percent in re.findall(rb"(\d+)%", told)]
    assert percents == sorted(percents)
    assert len(set(percents)) > 5  # it moves
    assert b"log_cosh" in output


def stored(folder: Path, *options: str) -> tuple[dict[str, str], subprocess.CompletedProcess[str]]:
    """What `normwise cache` says of a folder."""
    done = run("cache", *options, cwd=Path(__file__).parent, env=environment(NORMWISE_CACHE_DIR=str(folder)))
    return {line.split()[0]: line.partition(" ")[2].strip() for line in done.stdout.splitlines()}, done


def test_cache_shows_the_kernels_and_clears_them_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    facts, done = stored(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert facts["folder"] == str(folder)
    assert (facts["kernels"], facts["size"]) == ("0", "0.0 MiB of at most 256.0 MiB")
    assert facts["state"].startswith("not there yet")
    assert not folder.exists()
    assert stored(folder, "--clear")[1].stdout == "removed 0 kernels, 0.0 MiB\n"

    folder.mkdir(mode=0o700)
    for i in range(3):
        (folder / f"{i:032x}.kernel").write_bytes(bytes(1 << 20))
    other = folder / "notes.kernel"
    other.write_text("mine")
    facts, _ = stored(folder)
    assert (facts["kernels"], facts["size"], facts["state"]) == ("3", "3.0 MiB of at most 256.0 MiB", "in use")
    done = stored(folder, "--clear")[1]
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed 3 kernels, 3.0 MiB\n", "")
    assert [*folder.iterdir()] == [other]


def test_cache_says_why_a_folder_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    folder.chmod(0o777)
    assert stored(folder)[0]["state"] == "refused: it may be written by other users"
    folder.rmdir()
    folder.write_text("a file")
    folder.chmod(0o600)
    assert stored(folder)[0]["state"] == "none: it is no folder"
    assert stored(folder / "below")[0]["state"] == "none: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_cache_that_is_only_read_cannot_be_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / f"{1:032x}.kernel").write_bytes(b"")
    folder.chmod(0o500)
    assert stored(folder)[0]["state"].startswith("only read")
    done = stored(folder, "--clear")[1]
    assert done.returncode == 2
    assert "1 kernels" in done.stderr
