"""Kernels on disk, as machine code.

A kernel's source is compiled by Numba once on a machine, and its machine code is kept in the user's cache folder; later
processes load that with LLVM alone, without the half second that Numba takes to import. A file's name is a hash of all
that its code depends on, so a stored kernel is never stale. Many processes may write the same file at once: each writes
a draft of its own and moves it into place. A file that cannot be read, is damaged, or cannot be written costs time and
nothing else: the kernel is compiled in memory.
"""

# pyright: basic
from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import re
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import llvmlite.binding as llvm

CACHE_VARIABLE = "NORMWISE_CACHE_DIR"
"""The environment variable that names another folder for the kernels."""

SYMBOL = "normwise_kernel"

_DIGEST = hashlib.sha256().digest_size
"""Bytes at the beginning of a file that say what follows."""


class Code(NamedTuple):
    """Loaded machine code."""

    address: int
    assembly: str
    engine: Any
    """Owns the code: it lives as long as this does."""


_codes: dict[str, Code] = {}
"""The code that this process has loaded."""

_lock = threading.RLock()
"""Held while a kernel is loaded: threads that want the same one wait for it, and Numba compiles one at a time."""

if hasattr(os, "register_at_fork"):  # a child whose parent was compiling would wait for Numba's own lock for ever
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def load(source: str) -> Code:
    """Return the code of the function ``kernel`` of a module's source, from the store where it is there already."""
    key = hashlib.sha256((_foundation() + source).encode()).hexdigest()[:24]
    with _lock:
        code = _codes.get(key)
        if code is None:
            code = _codes[key] = _stored(key) or _compiled(source, key)
    return code


def _stored(key: str) -> Code | None:
    contents = [content for path in _files(key) if (content := _read(path)) is not None]
    return _loaded(*contents) if len(contents) == 2 else None


def _compiled(source: str, key: str) -> Code:
    machine = _machine()
    module = llvm.parse_assembly(_intermediate(source, f"{SYMBOL}_{key}"))
    assembly = machine.emit_assembly(module).encode()
    contents = machine.emit_object(module), assembly
    for path, content in zip(_files(key), contents, strict=False):
        _write(path, content)
    return _loaded(*contents)


def _intermediate(source: str, name: str) -> str:
    """Compile a module's source, and return its kernel in LLVM's language, needing nothing of Numba's."""
    module = sys.modules[name] = ModuleType(name)  # Numba finds a function's module there
    try:
        exec(compile(source, f"<{name}>", "exec"), module.__dict__)
        text = module.kernel.inspect_llvm()
    finally:
        del sys.modules[name]
    # A kernel allocates nothing and raises nothing. What would serve it if it did is there but never called.
    text = re.sub(
        r"^declare void @((?:numba|NRT)_\w+)\(ptr\).*$", r"define internal void @\1(ptr) { ret void }", text, flags=re.M
    )
    needs = re.findall(r"^declare .*@((?:numba|NRT)_\w+)\(", text, flags=re.M)
    if needs:
        raise RuntimeError(f"the kernel needs Numba's {', '.join(needs)}, which code on disk does not have")
    [entry] = set(re.findall(r"^define .*@(cfunc\.\w+)\(", text, flags=re.M))
    return text.replace(entry, SYMBOL)


def _loaded(binary: bytes, assembly: bytes) -> Code:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(binary))
    engine.finalize_object()
    return Code(engine.get_function_address(SYMBOL), assembly.decode(), engine)


def _machine() -> Any:
    """A code generator for this very machine; an engine takes one for itself."""
    _initialize()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(*_processor(), opt=3, codemodel="jitdefault", jit=True)


@functools.cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@functools.cache
def _processor() -> tuple[str, str]:
    """The processor's name and features."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@functools.cache
def _foundation() -> str:
    """What every kernel's machine code depends on beside its own source."""
    files = [Path(__file__), *sorted((Path(__file__).parent / "device").rglob("*.py"))]
    sources = [f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in files]
    versions = [importlib.metadata.version(name) for name in ("numba", "llvmlite")]
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")]
    return "\n".join([*versions, *_processor(), *settings, *sources])


def _files(key: str) -> list[Path]:
    """The files of a kernel: its machine code, and its assembly."""
    folder = store_folder()
    return [] if folder is None else [folder / f"{key}{ending}" for ending in (".o", ".s")]


def _read(path: Path) -> bytes | None:
    """Return what `_write` has written; None where it is not there, or is not all there."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST], content[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def _write(path: Path, content: bytes) -> None:
    draft = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
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
        return Path(chosen).absolute()
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("normwise", appauthor=False)) / "kernels"
    except RuntimeError:  # nobody knows where the user's home is, as in a container that runs as an unlisted user
        return None
    return folder if folder.is_absolute() else None  # older versions of platformdirs leave its "~" as it is
