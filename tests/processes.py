"""The command line as a process of its own: with pipes, in a terminal, interrupted."""

import os
import pty
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = (sys.executable, "-W", "error", "-m", "normwise")
ENVIRONMENT = {"PYTHONUTF8": "1", "COLUMNS": "80"}


def environment(**changed: str) -> dict[str, str]:
    return os.environ | ENVIRONMENT | changed


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
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()} | options
    command = [*COMMAND, *(each if isinstance(each, (str, bytes)) else str(each) for each in arguments)]
    return subprocess.run(launched(command), cwd=cwd, text=True, timeout=60, check=False, **given)


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
