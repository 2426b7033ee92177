"""Ctrl-C ends an evaluation at once: a process with exit code 130 and no word, a call with KeyboardInterrupt."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

import duckdb
import pytest

from tests.processes import COMMAND, Terminal, environment

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at the process in /proc")

QUESTION = ("-t", "t", "-p", "p", "-p", "q", *(part for name in ("l1", "log_cosh", "barron") for part in ("-l", name)))
AT_ONCE = 3.0
"""Seconds, where all of the query takes ten times as long."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "rows.parquet"
    columns = "(i % 7) / 7.0 AS t, (i % 11) / 11.0 AS p, (i % 13) / 13.0 AS q"
    duckdb.sql(f"SELECT {columns} FROM range(30_000_000) t(i)").write_parquet(str(path))
    return path


def loading(process: "subprocess.Popen[str]", rows: Path) -> bool:
    """DuckDB is loaded: the question is checked, or the query planned."""
    return "duckdb" in Path(f"/proc/{process.pid}/maps").read_text()


def reading(process: "subprocess.Popen[str]", rows: Path) -> bool:
    """The file is open, and open a while later too: the query runs."""
    links = Path(f"/proc/{process.pid}/fd")

    def opened() -> bool:
        try:
            return any(link.exists() and link.samefile(rows) for link in links.iterdir())
        except FileNotFoundError:  # it was closed since it was listed
            return False

    return opened() and (time.sleep(0.3), opened())[1]


def interrupted(process: "subprocess.Popen[str]", rows: Path, when: Callable[..., bool]) -> float:
    """Press Ctrl-C when the time has come; return how many seconds it took to end."""
    limit = time.monotonic() + 60
    while not when(process, rows):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    process.wait(60)
    return time.monotonic() - start


@pytest.mark.parametrize("when", [loading, reading])
@pytest.mark.parametrize("terminal", [False, True])
def test_the_command_ends_at_once_with_code_130(
    tmp_path: Path, rows: Path, when: Callable[..., bool], terminal: bool
) -> None:
    seen = Terminal() if terminal else None
    command = [*COMMAND, "evaluate", str(rows), *QUESTION, "--json", "result.json"]
    spill = environment(TMPDIR=str(tmp_path), TERM="xterm")
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=PIPE, stderr=PIPE if seen is None else seen.end, text=True, env=spill
    )
    if seen is not None:
        seen.close()
    taken = interrupted(process, rows, when)
    _, errors = process.communicate()
    told = errors if seen is None else seen.read().decode()
    assert process.returncode == 130
    assert taken < AT_ONCE
    assert "Error" not in told
    assert "Interrupt" not in told
    assert [*tmp_path.iterdir()] == []


IN_A_SCRIPT = """
import sys, duckdb, normwise
connection = duckdb.connect()
source = sys.argv[1] if sys.argv[2] == "file" else connection.read_parquet(sys.argv[1])
try:
    normwise.evaluate(source, target="t", prediction=["p", "q"], losses=["l1", "log_cosh", "barron"])
except KeyboardInterrupt:
    print(connection.sql("SELECT 42").fetchall()[0][0])
if sys.argv[2] == "relation":
    print(source.aggregate("count(*)").fetchall()[0][0])
"""


@pytest.mark.parametrize(("kind", "shown"), [("file", ["42"]), ("relation", ["42", "30000000"])])
def test_a_call_raises_at_once_and_leaves_the_connection_usable(rows: Path, kind: str, shown: list[str]) -> None:
    command = [sys.executable, "-c", IN_A_SCRIPT, str(rows), kind]
    process = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=environment())
    taken = interrupted(process, rows, reading)
    output, _ = process.communicate()
    assert (process.returncode, output.split()) == (0, shown)
    assert taken < AT_ONCE


def test_what_progress_raises_ends_the_query(rows: Path) -> None:
    import normwise

    def impatient(percent: float) -> None:
        raise TimeoutError

    start = time.monotonic()
    with pytest.raises(TimeoutError):
        normwise.evaluate(rows, target="t", prediction=["p", "q"], losses=["l1", "barron"], progress=impatient)
    assert time.monotonic() - start < AT_ONCE
