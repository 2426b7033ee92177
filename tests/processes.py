"""The command line as a process of its own: with pipes, in a terminal, interrupted."""

import atexit
import functools
import json
import os
import pty
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = (sys.executable, "-W", "error", "-m", "normwise")
ENVIRONMENT = {"PYTHONUTF8": "1", "COLUMNS": "80"}


def environment(**changed: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return own | ENVIRONMENT | changed


def with_full_disk(size: int, command: Sequence[str]) -> list[str]:
    """The command in a process none of whose files grows beyond `size` bytes.

    The process limits itself: subprocess's `preexec_fn` forks Python, of which JAX warns once it is loaded.
    """
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (int(sys.argv[1]),))"
    return [sys.executable, "-c", f"{limited}; os.execv(sys.argv[2], sys.argv[2:])", str(size), *command]


def run(
    *arguments: object, cwd: Path, launched: Callable[[Sequence[str]], list[str]] = list, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run to the end, with pipes unless `options` say otherwise."""
    words = [each if isinstance(each, (str, bytes)) else str(each) for each in arguments]
    if launched is list and not options and sys.platform == "linux" and environment() == _ready().environment:
        return _ready().run(words, cwd)
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()} | options
    command = [*COMMAND, *words]
    return subprocess.run(launched(command), cwd=cwd, text=True, timeout=60, check=False, **given)


FORKING = """
import json, os, runpy, socket, sys, warnings
import duckdb, normwise.cli

asked = socket.socket(fileno=int(sys.argv[1]))
while True:
    question, streams, _, _ = socket.recv_fds(asked, 1 << 20, 2)
    if not question:
        break
    with warnings.catch_warnings(action="ignore"):  # of threads, which some of Python's versions see in NumPy
        child = os.fork()
    if child == 0:
        asked.close()
        sys.argv[1:], folder = json.loads(question)
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(folder)
        runpy.run_module("normwise", run_name="__main__", alter_sys=True)
    for stream in streams:
        os.close(stream)
    asked.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class _Ready:
    """A process that has imported the command line, most of whose time goes to that, and forks for each run.

    Each run is a process of its own still, with streams of its own, and ends as any does.
    """

    def __init__(self) -> None:
        self.environment = environment()
        self._asks, answers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asks.settimeout(60)
        command = [*COMMAND[:3], "-c", FORKING, str(answers.fileno())]
        # Python asks once whether a stream is a pipe.
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen(command, env=self.environment, pass_fds=[answers.fileno()], **pipes)
        answers.close()
        atexit.register(self._end)

    def run(self, words: Sequence[str | bytes], cwd: Path) -> subprocess.CompletedProcess[str]:
        question = json.dumps(([os.fsdecode(word) for word in words], str(cwd)))
        (stdout, first), (stderr, second) = os.pipe(), os.pipe()
        with ThreadPoolExecutor(2) as pool:
            shown = [pool.submit(_all_of, end) for end in (stdout, stderr)]
            socket.send_fds(self._asks, [question.encode()], [first, second])
            os.close(first)
            os.close(second)
            code = int(self._asks.recv(64))
        return subprocess.CompletedProcess([*COMMAND, *words], code, *(each.result() for each in shown))

    def _end(self) -> None:
        self._asks.close()
        self._process.communicate(timeout=60)


_ready = functools.cache(_Ready)


def _all_of(end: int) -> str:
    with os.fdopen(end, encoding="utf-8") as stream:
        return stream.read()


class Terminal:
    """A terminal whose `end` a process writes to."""

    def __init__(self) -> None:
        self._seen, self.end = pty.openpty()

    def close(self) -> None:
        """Leave the end to the process, so that it is closed with it."""
        os.close(self.end)

    def read(self, last: bytes | None = None) -> bytes:
        """What it was sent until the process closed it, or sent `last`."""
        sent = b""
        with suppress(OSError):  # Linux's way to say that the other end is closed
            while (last is None or last not in sent) and (part := os.read(self._seen, 4096)):
                sent += part
        return sent


class Shown(NamedTuple):
    code: int
    stdout: bytes
    stderr: bytes


def in_terminals(*arguments: str | bytes, cwd: Path | None = None, **changed: str) -> Shown:
    """Run with a terminal for stdout and another for stderr."""
    stdout, stderr = Terminal(), Terminal()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        stdout=stdout.end,
        stderr=stderr.end,
        env=environment(TERM="xterm-256color", **changed),
    )
    stdout.close()
    stderr.close()
    shown, errors = stdout.read(), stderr.read()
    return Shown(process.wait(60), shown, errors)


BLOCKED = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def without(*libraries: str, program: str) -> str:
    """What a process prints in which these libraries cannot be imported, as where they are not installed."""
    code = BLOCKED.format(blocked=libraries) + textwrap.dedent(program)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout
