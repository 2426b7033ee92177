"""Kernels on disk, as machine code.

A kernel is compiled once on a machine, and its machine code is kept in the user's cache folder. Its name there is a
hash of what it was compiled from, in LLVM's own language, and of all else that its code depends on: so a stored kernel
is never stale. Many processes may write the same file at once: each writes a draft of its own and moves it into place.
A file that cannot be read, is damaged, or cannot be written costs time and nothing else: the kernel is compiled in
memory. What others could have written is not run: as ssh does, the store refuses it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import struct
import tempfile
import threading
import warnings
from pathlib import Path
from weakref import WeakValueDictionary

from normwise.engines.cpu.compiler import Code, compiled, platform

CACHE_VARIABLE = "NORMWISE_CACHE_DIR"
"""The environment variable that names another folder for the kernels."""

SYMBOL = "normwise_kernel"
"""The name of a kernel's function."""

ENDING = ".kernel"

_HEAD = struct.Struct("<16s32s32sQ")
"""The beginning of a file: what it is, whose kernel it holds, the digest of its code and how long that is."""

_FORMAT = b"normwise kernel\n"

_codes: WeakValueDictionary[bytes, Code] = WeakValueDictionary()
"""The code that this process has loaded and somebody holds."""

_lock = threading.RLock()
"""Held while a kernel is loaded: threads that want the same one wait for it."""

if hasattr(os, "register_at_fork"):  # a child whose parent was compiling would wait for the lock for ever
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def load(text: str) -> Code:
    """Return the code of a kernel in LLVM's language, from the store where it is there already."""
    key = hashlib.sha256(f"{platform()}\n{text}".encode()).digest()
    with _lock:
        code = _codes.get(key)
        if code is None:
            code = _codes[key] = Code(_binary(text, key), SYMBOL)
    return code


def _binary(text: str, key: bytes) -> bytes:
    folder = store_folder()
    if folder is None or _is_refused(folder):
        return compiled(text)
    path = folder / f"{key.hex()[:32]}{ENDING}"
    binary = None if _is_refused(path) else _read(path, key)
    if binary is None:
        binary = compiled(text)
        _write(path, key, binary)
    return binary


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


def _is_refused(path: Path) -> bool:
    """Whether somebody else could have written a file or folder, which is said once."""
    try:
        status = path.stat()
    except OSError:  # what is not there is not refused
        return False
    if not hasattr(os, "getuid"):
        return False
    if status.st_uid not in (os.getuid(), 0):
        return _refused(path, "belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return _refused(path, "may be written by other users")
    return False


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


@functools.cache
def store_folder() -> Path | None:
    """The folder of the kernels, in the user's cache; None where the user has none."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("normwise", appauthor=False)) / "kernels"
    except RuntimeError:  # nobody knows where the user's home is, as in a container that runs as an unlisted user
        return None
    return folder if folder.is_absolute() else None  # older versions of platformdirs leave its "~" as it is
