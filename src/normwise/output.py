"""Results are written whole or not at all, and never over what they were computed from."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from normwise.errors import InputError

STDOUT = "-"
"""The name of stdout."""

_STREAMS = {"/dev/stdin": 0, STDOUT: 1, "/dev/stdout": 1, "/dev/stderr": 2}
"""The numbers of the open streams that have names."""


def check_output(path: str | Path, sources: Iterable[str | Path] = ()) -> None:
    """Check, before work that may be long, that a result can be written to a path.

    Parameters
    ----------
    path : str or Path
        A file, a device or pipe, or ``"-"`` for stdout.
    sources : iterable of str or Path
        The files that the result is computed from.

    Raises
    ------
    InputError
        Where it is a folder, has none, may not be written, or is one of the sources (by another name, too).
    """
    path = Path(path)
    number = _number(path)
    try:
        status = path.stat() if number is None else os.fstat(number)
    except FileNotFoundError:
        _check_folder(path)
        return
    except OSError as error:
        raise _cannot_write(path, error.strerror) from None
    if stat.S_ISDIR(status.st_mode):
        raise _cannot_write(path, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        return
    for source in sources:
        if os.path.samestat(status, Path(source).stat()):
            raise _cannot_write(path, f"it is {source}, which is read: name another file")
    if number is None:
        if not os.access(path, os.W_OK):
            raise _cannot_write(path, os.strerror(errno.EACCES))
        _check_folder(path)


def write_output(path: str | Path, text: str) -> None:
    """Write a text, in UTF-8: to a file whole or not at all, to a device or pipe as it comes.

    Raises
    ------
    InputError
        Where it cannot be written; a file is then as it was before.
    BrokenPipeError
        Where nobody reads stdout any more.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            file.write(text.encode())
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _number(path) == 1:
            raise
        raise _cannot_write(path, error.strerror) from None


@contextmanager
def draft(path: str | Path) -> Generator[Path]:
    """A file beside `path` to write to; it takes the other's place at the end, and is removed where that fails.

    Where `path` is a symbolic link, what it points to is replaced; the permissions stay those of the old file.
    """
    place = Path(os.path.realpath(path))
    beside = place.with_name(f".normwise-{secrets.token_hex(8)}{place.suffix[-8:]}")
    beside.touch(exist_ok=False)
    try:
        if place.exists():
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
        yield beside
        with beside.open("rb") as written:
            os.fsync(written.fileno())  # or a crash could leave the new name with nothing in it
        beside.replace(place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """What a path stands for, to write to."""
    number = _number(path)
    if number == 1:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.flush()
    elif number is not None:  # to open it anew would empty the file behind it
        with os.fdopen(os.dup(number), "wb") as stream:
            yield stream
    elif path.exists() and not path.is_file():  # a device or a pipe
        with path.open("wb") as stream:
            yield stream
    else:
        with draft(path) as beside, beside.open("wb") as stream:
            yield stream


def _number(path: Path) -> int | None:
    """The number of the open stream that a path stands for: ``-``, ``/dev/stdout``, ``/dev/fd/3``, or stdout's file."""
    if str(path) in _STREAMS:
        return _STREAMS[str(path)]
    if named := re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", str(path)):
        return int(named[1])
    try:
        return 1 if os.path.samestat(path.stat(), os.fstat(1)) else None
    except OSError:
        return None


def _check_folder(path: Path) -> None:
    """A draft can be written there."""
    for folder in dict.fromkeys((path.parent, Path(os.path.realpath(path)).parent)):
        if not folder.is_dir():
            raise _cannot_write(path, f"there is no folder {folder}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _cannot_write(path, f"the folder {folder} takes no new file")


def _cannot_write(path: Path, why: str | None) -> InputError:
    name = "stdout" if _STREAMS.get(str(path)) == 1 else path
    return InputError(f"cannot write {name}: {why}")
