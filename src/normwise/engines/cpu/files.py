"""Kernels on disk, as machine code.

A kernel's file is named by the key of the kernel, a hash of all that its code depends on: so a stored kernel is never
stale. Many processes may write the same file at once: each writes a draft of its own and moves it into place. A file
that cannot be read, is damaged, or cannot be written costs time and nothing else: the kernel is compiled in memory.
What others could have written is not run: as ssh does, this refuses it.

The files together have a bound, beyond which those go first that nobody has read for longest. Only what has the name of
a kernel's file or draft is ever deleted.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import stat
import struct
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CACHE_VARIABLE = "NORMWISE_CACHE_DIR"
"""The environment variable that names another folder for the kernels."""

BOUND = 1 << 28
"""Bytes of all files together: some thirty thousand kernels."""

LEFT = BOUND // 4 * 3
"""Bytes that a sweep leaves of more than the bound."""

SWEPT_AFTER = 1 << 8
"""Kernels that are written, by whichever processes, from one sweep to the next; on average."""

DAY = 24 * 3600.0
"""Seconds: how exactly a file's time of modification says when it was last read."""

ABANDONED = 3600.0
"""Seconds after which nobody will end a draft."""

ENDING = ".kernel"

_HEAD = struct.Struct("<16s32s32sQ")
"""The beginning of a file: what it is, whose kernel it holds, the digest of its code and how long that is."""

_FORMAT = b"normwise kernel\n"

_KERNEL = re.compile(r"[0-9a-f]{32}\.kernel")
_DRAFT = re.compile(r"[0-9a-f]{32}\w{8}\.tmp")


class _File(NamedTuple):
    path: Path
    size: int
    used: float
    """When it was last written or, give or take a day, read."""


class Stored(NamedTuple):
    """How much is on disk."""

    kernels: int
    size: int
    """In bytes."""


def read(key: bytes) -> bytes | None:
    """Return the code that was written for a key; None where it is not there, not all there, or not to be trusted."""
    folder = store_folder()
    if folder is None or _is_refused(folder):
        return None
    path = _path(folder, key)
    if _is_refused(path):
        return None
    binary = _read(path, key)
    if binary is not None:
        _note_use(path)
    return binary


def write(key: bytes, binary: bytes) -> None:
    """Write the code of a key, if that can be."""
    folder = store_folder()
    if folder is None or _is_refused(folder):
        return
    _write(_path(folder, key), key, binary)
    if int.from_bytes(key[-4:], "big") % SWEPT_AFTER == 0:  # a counter that all processes share
        sweep(folder)


def sweep(folder: Path) -> None:
    """Delete the least recently used kernels of more than the bound, and drafts whose writers have ended."""
    kernels = [*_files(folder, _KERNEL)]
    size = sum(file.size for file in kernels)
    if size > BOUND:
        for file in sorted(kernels, key=lambda file: file.used):
            _deleted(file)  # what another process has deleted counts, too
            size -= file.size
            if size <= LEFT:
                break
    _delete_drafts(folder)


def stored() -> Stored:
    """Return how much is on disk."""
    folder = store_folder()
    files = [*_files(folder, _KERNEL)] if folder is not None else []
    return Stored(len(files), sum(file.size for file in files))


def clear() -> tuple[Stored, Stored]:
    """Delete all kernels, and old drafts; return how much was deleted, and how much could not be."""
    folder = store_folder()
    if folder is None:
        return Stored(0, 0), Stored(0, 0)
    sizes: dict[bool, list[int]] = {True: [], False: []}
    for file in _files(folder, _KERNEL):
        sizes[_deleted(file)].append(file.size)
    _delete_drafts(folder)
    deleted, left = (Stored(len(each), sum(each)) for each in (sizes[True], sizes[False]))
    return deleted, left


def condition() -> str:
    """Return what can be done with the folder, in words."""
    folder = store_folder()
    if folder is None:
        return f"none: this user has no home, so name a folder in {CACHE_VARIABLE}"
    try:
        folder.stat()
    except FileNotFoundError:
        return "not there yet: the first kernel makes it"
    except OSError as error:
        return f"none: {error.strerror}"
    if reason := _refusal(folder):
        return f"refused: it {reason}"
    if not folder.is_dir():
        return "none: it is no folder"
    return "in use" if os.access(folder, os.W_OK | os.X_OK) else "only read: this user may not write to it"


def _path(folder: Path, key: bytes) -> Path:
    return folder / f"{key.hex()[:32]}{ENDING}"


def _read(path: Path, key: bytes) -> bytes | None:
    """Return the code that `_write` has written for a key; None where it is not there, or not all there."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if len(content) < _HEAD.size:
        return None
    format, of, digest, length = _HEAD.unpack_from(content)
    binary = content[_HEAD.size :]
    whole = (format, of, length) == (_FORMAT, key, len(binary)) and digest == hashlib.sha256(key + binary).digest()
    return binary if whole else None


def _note_use(path: Path) -> None:
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > DAY:
            os.utime(path)


def _is_refused(path: Path) -> bool:
    """Whether somebody else could have written a file or folder, which is said once."""
    reason = _refusal(path)
    return bool(reason) and _refused(path, reason)


def _refusal(path: Path) -> str:
    """Why somebody else could have written a file or folder; nothing where nobody could."""
    try:
        status = path.stat()
    except OSError:  # what is not there is not refused
        return ""
    if not hasattr(os, "getuid"):
        return ""
    if status.st_uid not in (os.getuid(), 0):
        return "belongs to another user"
    return "may be written by other users" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


@functools.cache
def _refused(path: Path, reason: str) -> bool:
    message = f"normwise does not use the kernels in {path}, which {reason}, and compiles them in memory"
    mend = f"make it yours alone (chmod go-w {path}), or name another folder in {CACHE_VARIABLE}"
    warnings.warn(f"{message}: {mend}", stacklevel=2)
    return True


def _write(path: Path, key: bytes, binary: bytes) -> None:
    draft = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            digest = hashlib.sha256(key + binary).digest()
            file.write(_HEAD.pack(_FORMAT, key, digest, len(binary)) + binary)
        Path(draft).replace(path)
    except OSError:  # a full disk, a folder that nobody may write: the next process compiles again
        if draft is not None:
            with contextlib.suppress(OSError):
                Path(draft).unlink()


def _files(folder: Path, name: re.Pattern[str]) -> Iterator[_File]:
    """The files of ours, by their names; other processes may write and delete some meanwhile."""
    try:
        entries = [*os.scandir(folder)]
    except OSError:
        return
    for entry in entries:
        if name.fullmatch(entry.name):
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield _File(Path(entry), status.st_size, status.st_mtime)


def _deleted(file: _File) -> bool:
    """Delete a file; return whether it is gone."""
    try:
        file.path.unlink(missing_ok=True)
    except OSError:  # a folder of somebody else's; a file that another process has open, where that matters
        return False
    return True


def _delete_drafts(folder: Path) -> None:
    for file in _files(folder, _DRAFT):
        if time.time() - file.used > ABANDONED:
            _deleted(file)


@functools.cache
def store_folder() -> Path | None:
    """The folder of the kernels, in the user's cache; None where the user has none."""
    import platformdirs

    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        folder = Path(platformdirs.user_cache_dir("normwise", appauthor=False)) / "kernels"
    except RuntimeError:  # nobody knows where the user's home is, as in a container that runs as an unlisted user
        return None
    return folder if folder.is_absolute() else None  # older versions of platformdirs leave its "~" as it is
