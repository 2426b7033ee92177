"""Kernels on disk, as machine code.

A kernel's source is compiled by Numba once on a machine, and its machine code is kept in the user's cache folder; later
processes load that with LLVM alone, without the half second that Numba takes to import. A file's name is a hash of all
that its code depends on, so a stored kernel is never stale. Many processes may write the same file at once: each writes
a draft of its own and moves it into place.
"""

# pyright: basic
from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite.binding as llvm

CACHE_VARIABLE = "NORMWISE_CACHE_DIR"
"""The environment variable that names another folder for the kernels."""

SYMBOL = "normwise_kernel"


class Code(NamedTuple):
    """Loaded machine code."""

    address: int
    assembly: str
    engine: Any
    """Owns the code: it lives as long as this does."""


def load(source: str) -> Code:
    """Return the code of the function ``kernel`` of a module's source, from the store where it is there already."""
    key = hashlib.sha256((_foundation() + source).encode()).hexdigest()[:24]
    binary, text = (store_folder() / f"{key}{ending}" for ending in (".o", ".s"))
    try:
        return _loaded(binary.read_bytes(), text.read_text(encoding="utf-8"))
    except FileNotFoundError:
        machine = _machine()
        module = llvm.parse_assembly(_compiled(source, f"{SYMBOL}_{key}"))
        _store(text, machine.emit_assembly(module).encode())
        _store(binary, machine.emit_object(module))
        return _loaded(binary.read_bytes(), text.read_text(encoding="utf-8"))


def _compiled(source: str, name: str) -> str:
    """Compile a module's source, and return its kernel in LLVM's language, needing nothing of Numba's."""
    with tempfile.TemporaryDirectory(prefix="normwise-") as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot import the generated kernel {path}")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)  # Numba finds a function's module there
        try:
            spec.loader.exec_module(module)
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


def _loaded(binary: bytes, assembly: str) -> Code:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(binary))
    engine.finalize_object()
    return Code(engine.get_function_address(SYMBOL), assembly, engine)


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


def _store(path: Path, content: bytes) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(draft).replace(path)


@functools.cache
def store_folder() -> Path:
    """The folder of the kernels: the user's cache, or a temporary one where that cannot be written."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        folder = Path(chosen)
    else:
        import platformdirs

        folder = Path(platformdirs.user_cache_dir("normwise", appauthor=False)) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="normwise-kernels-"))
