"""What a result is written to: whole or not at all, and never over its sources."""

import functools
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from normwise.errors import InputError
from normwise.explanation import page
from normwise.output import check_output, draft, write_output
from tests.processes import COMMAND, environment, run, with_full_disk

ROWS = "t,p\n1,2\n2,4\n"
QUESTION = ("rows.csv", "-t", "t", "-p", "p")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


@pytest.mark.parametrize("name", ["rows.csv", "./rows.csv", "symbolic.json", "hard.json", "../{}/rows.csv"])
def test_an_input_is_never_overwritten(folder: Path, name: str) -> None:
    (folder / "symbolic.json").symlink_to("rows.csv")
    (folder / "hard.json").hardlink_to(folder / "rows.csv")
    done = run("evaluate", "*.csv", *QUESTION[1:], "--json", name.format(folder.name), cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "it is rows.csv, which is read: name another file" in done.stderr
    assert (folder / "rows.csv").read_text() == ROWS


def test_stdout_is_not_appended_to_an_input(folder: Path) -> None:
    with (folder / "rows.csv").open("a") as stdout:
        done = run("evaluate", *QUESTION, cwd=folder, stdout=stdout)
    assert done.returncode == 2
    assert "cannot write stdout: it is rows.csv, which is read" in done.stderr
    assert (folder / "rows.csv").read_text() == ROWS


filled_disk = functools.partial(with_full_disk, 100)


def test_an_old_result_outlives_a_full_disk(folder: Path) -> None:
    (folder / "result.json").write_text("old")
    done = run("evaluate", *QUESTION, "--json", "result.json", cwd=folder, launched=filled_disk)
    assert done.returncode == 2
    assert done.stderr == "normwise: cannot write result.json: File too large\n"
    assert (folder / "result.json").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["result.json", "rows.csv"]


def test_a_full_disk_leaves_no_torso_of_a_new_result(folder: Path) -> None:
    done = run("evaluate", *QUESTION, "--json", "result.json", cwd=folder, launched=filled_disk)
    assert done.returncode == 2
    assert [path.name for path in folder.iterdir()] == ["rows.csv"]


def test_the_page_of_losses_outlives_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "losses.md").write_text("old")
    command = filled_disk([sys.executable, "-m", page.__name__, "losses.md"])
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert done.returncode != 0
    assert (tmp_path / "losses.md").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["losses.md"]


def test_a_device_that_is_full_is_named(folder: Path) -> None:
    done = run("evaluate", *QUESTION, "--json", "/dev/full", cwd=folder)
    assert (done.returncode, done.stderr) == (2, "normwise: cannot write /dev/full: No space left on device\n")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "all.txt"])
def test_stdout_by_another_name_is_written_after_the_table(folder: Path, name: str) -> None:
    with (folder / "all.txt").open("w") as stdout:
        done = run("evaluate", *QUESTION, "--json", name, cwd=folder, stdout=stdout)
    assert (done.returncode, done.stderr) == (0, "")
    table, _, content = (folder / "all.txt").read_text().partition("\n{")
    assert "1.50" in table
    assert json.loads("{" + content)["overall"]["rows"] == 2


def test_stderr_and_further_descriptors_are_written_to(folder: Path) -> None:
    done = run("evaluate", *QUESTION, "--json", "/dev/stderr", cwd=folder)
    assert json.loads(done.stderr)["overall"]["rows"] == 2
    with (folder / "third.json").open("w") as third:
        third.write("before\n")
        third.flush()
        name = f"/dev/fd/{third.fileno()}"
        done = run("evaluate", *QUESTION, "--json", name, cwd=folder, pass_fds=[third.fileno()])
    assert (done.returncode, done.stderr) == (0, "")
    before, _, content = (folder / "third.json").read_text().partition("\n")
    assert before == "before"
    assert json.loads(content)["overall"]["rows"] == 2


def test_a_pipe_with_a_name_is_written_to(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((folder / "pipe").read_text()))
    reader.start()
    done = run("evaluate", *QUESTION, "--json", "pipe", cwd=folder)
    reader.join(30)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(read[0])["overall"]["rows"] == 2
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("old")
    (tmp_path / "result.json").chmod(0o640)
    (tmp_path / "link.json").symlink_to("result.json")
    check_output(tmp_path / "link.json")
    write_output(tmp_path / "link.json", "new é\n")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "result.json").read_bytes() == "new é\n".encode()
    assert stat.S_IMODE((tmp_path / "result.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_that_any_has(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_output(tmp_path / "new.json", "new")
        (tmp_path / "any").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "new.json").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_link_to_nothing_makes_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("new.json")
    check_output(tmp_path / "link.json")
    write_output(tmp_path / "link.json", "new")
    assert (tmp_path / "new.json").read_text() == "new"


def test_what_fails_within_a_draft_leaves_all_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("old")

    def interrupted() -> None:
        with draft(tmp_path / "result.json") as beside:
            beside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result.json", "old")]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is a folder"),
        ("folder", "it is a folder"),
        ("none/new.json", "there is no folder .*none"),
        ("to_nowhere.json", "there is no folder .*nowhere"),
        ("loop.json", "Too many levels of symbolic links"),
        ("old.json/new.json", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("x/" * 2500, "File name too long"),
    ],
)
def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.json").touch()
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "to_nowhere.json").symlink_to("nowhere/new.json")
    with pytest.raises(InputError, match=f"^cannot write .*: {why}"):
        check_output(tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may become somebody else, who may not write everywhere")
@pytest.mark.parametrize("name", ["closed/old.json", "closed/new.json", "read-only.json"])
def test_what_may_not_be_written_is_refused_before_the_work(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "closed").mkdir(mode=0o755)
    for each in ("closed/old.json", "read-only.json"):
        (tmp_path / each).write_text("old")
    (tmp_path / "closed/old.json").chmod(0o666)
    code = f"import os; from normwise.output import check_output; os.setuid(65534); check_output({name!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert f"InputError: cannot write {name}: " in done.stderr


def test_no_reader_of_stdout_is_no_error(folder: Path) -> None:
    for arguments in (
        ("list",),
        ("--help",),
        ("--version",),
        ("explain", "tukey"),
        ("evaluate", *QUESTION, "--json", "-"),
    ):
        reader, writer = os.pipe()
        os.close(reader)
        done = run(*arguments, cwd=folder, stdout=writer)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, ""), arguments


@pytest.mark.parametrize(
    "arguments", [("list",), ("--help",), ("explain", "tukey"), ("evaluate", *QUESTION), (*QUESTION, "--json", "-")]
)
def test_a_full_stdout_is_one_line(folder: Path, arguments: tuple[str, ...]) -> None:
    command = arguments if arguments[0] != QUESTION[0] else ("evaluate", *arguments)
    with Path("/dev/full").open("w") as full:
        done = run(*command, cwd=folder, stdout=full)
    assert (done.returncode, done.stderr) == (2, "normwise: cannot write stdout: No space left on device\n")


@pytest.mark.parametrize(
    ("closed", "code", "message"),
    [
        ("list >&-", 2, "normwise: stdout is closed: there is nowhere to write to\n"),
        ("list >&- 2>&-", 2, ""),
        ("lost 2>&-", 2, ""),
        ("lost 2>/dev/full", 2, ""),
        ("list 2>&- <&- >/dev/null", 0, ""),
    ],
)
def test_closed_streams(folder: Path, closed: str, code: int, message: str) -> None:
    done = subprocess.run(
        f"{' '.join(COMMAND)} {closed}",
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)
