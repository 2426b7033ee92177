"""Kernels on disk.

Each generated module is a file in the user's cache folder, and Numba caches its machine code beside it. The file's name
is a hash of all that its machine code depends on, so a stored kernel is never stale. Many processes may write the same
file at once: each writes its own copy and moves it into place, with one time stamp for all, for Numba recognises a
source by its time stamp and size.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

CACHE_VARIABLE = "NORMWISE_CACHE_DIR"
"""The environment variable that names another folder for the kernels."""


def load_module(text: str) -> ModuleType:
    """Import a generated module, from the store where it is there already."""
    key = hashlib.sha256((_foundation() + text).encode()).hexdigest()[:24]
    name = f"normwise_kernel_{key}"
    if name not in sys.modules:
        path = _stored(f"{name}.py", text)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot import the generated kernel {path}")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)  # Numba finds a function's module there
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


@functools.cache
def _foundation() -> str:
    """What every kernel's machine code depends on beside its own text."""
    import numba

    here = Path(__file__).parent
    sources = [(here / name).read_text(encoding="utf-8") for name in ("memory.py", "vector_math.py")]
    return "\n".join([numba.__version__, *sources])


def _stored(name: str, text: str) -> Path:
    path = store_folder() / name
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=name, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.utime(draft, (0, 0))
        Path(draft).replace(path)
    return path


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
