"""Places that a user names, as files that can be read again and again: paths, patterns, pipes."""

from __future__ import annotations

import errno
import glob
import gzip
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from normwise.evaluation import errors

COMPRESSED = (".gz", ".zst")

STDIN = "-"
"""The name of stdin, where no file has it."""

_STARTS = {b"PAR1": ".parquet", b"{": ".json", b"[": ".json"}
"""How the content of a pipe begins, which has no name."""


class Place(NamedTuple):
    """A file."""

    shown: str
    """What its user calls it."""
    path: str
    """Where it is read: absolute, so that no part of it is taken for a protocol."""
    ending: str
    """In small letters, without that of its compression."""
    compression: str

    @property
    def pattern(self) -> str:
        """The path where a pattern is expected."""
        return glob.escape(self.path)


def places_of(patterns: Sequence[str | Path], spill: Path) -> list[Place]:
    """The files that paths and patterns name, in order; what exists is never taken for a pattern.

    `spill` is the folder for copies of what can be read only once.
    """
    return [_place(name, spill / f"input-{i}") for i, name in enumerate(expand(patterns))]


def expand(patterns: Sequence[str | Path]) -> list[str]:
    """What paths and patterns name, in order and once, however it is spelled."""
    names: dict[str, str] = {}
    for pattern in map(str, patterns):
        for name in _names(pattern):
            names.setdefault(os.path.abspath(name), name)  # noqa: PTH100 - a link may stand in the folder of another key
    if not names:
        raise errors.nothing_given("file")
    return [*names.values()]


def _names(pattern: str) -> list[str]:
    """The pattern itself where something has that name, or what it matches."""
    try:
        mode = os.stat(pattern).st_mode  # noqa: PTH116 - a path of pathlib raises no error for a name that is too long
    except (OSError, ValueError) as error:
        return _matches(pattern, error)
    if stat.S_ISDIR(mode):
        raise errors.is_a_folder(pattern)
    return [pattern]


def _matches(pattern: str, error: OSError | ValueError) -> list[str]:
    if pattern == STDIN:
        return _names("/dev/stdin")
    missing = isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENOTDIR)
    if not missing and not glob.has_magic(pattern):
        raise errors.cannot_open(pattern, error)
    if os.path.lexists(pattern):
        raise errors.dangling_link(pattern, str(Path(pattern).readlink()))
    matches = sorted(path for path in glob.glob(pattern, recursive=True) if not Path(path).is_dir())  # noqa: PTH207
    if not matches:
        raise errors.no_such_file(pattern)
    return matches


def _place(name: str, copy: Path) -> Place:
    path = os.path.abspath(name)  # noqa: PTH100 - resolve() would follow links, whose names have the endings
    ending, compression = _ending(name)
    try:
        with open(name, "rb") as file:  # noqa: PTH123
            mode = os.fstat(file.fileno()).st_mode
            regular = stat.S_ISREG(mode)
            if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not file.isatty()):
                raise errors.is_a_device(name)
            if not regular:
                with copy.open("wb") as whole:
                    shutil.copyfileobj(file, whole)
    except OSError as error:
        raise errors.cannot_open(name, error) from None
    if regular:
        if not ending:
            ending, compression = _ending(os.path.realpath(name))
        if path.isprintable():
            return Place(name, path, ending, compression)
        link = copy.with_suffix(ending + compression)  # DuckDB takes no name that is not UTF-8
        link.symlink_to(path)
        return Place(name, str(link), ending, compression)
    if not ending:
        ending, compression = _ending_of(copy)
    return Place(name, str(copy.rename(copy.with_suffix(ending + compression))), ending, compression)


def _ending(name: str) -> tuple[str, str]:
    endings = [ending.lower() for ending in Path(name).suffixes[-2:]]
    compression = endings.pop() if endings and endings[-1] in COMPRESSED else ""
    return (endings[-1] if endings else ""), compression


def _ending_of(path: Path) -> tuple[str, str]:
    """The ending that a content would have as a file."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return ".csv", ".zst"  # which Python reads from 3.14 on
    compression = ".gz" if start.startswith(b"\x1f\x8b") else ""
    if compression:
        with gzip.open(path) as file:
            start = file.read(512)
    start = start.lstrip()
    return next((ending for first, ending in _STARTS.items() if start.startswith(first)), ".csv"), compression
