"""The modules' forward methods in a form that TorchScript's compiler and `torch.fx` can read.

Both read source: no keyword that is left open, and no function that was made at run time. So they are shown a forward
method of the arrays alone, as ``__wrapped__``, by which Python's own tools find what stands behind a function. Its text
hands the arrays to the ordinary one: `torch.fx` never runs it, and TorchScript calls Python for it, so that a scripted
module computes what the module does, by the same kernels. (A module that is to be saved is traced instead:
``torch.jit.trace`` holds the formula's operations.)
"""

from __future__ import annotations

import inspect
import linecache
import weakref
from collections.abc import Mapping
from typing import Any, Optional, TypeVar

import torch

from normwise.errors import InputError

Module = TypeVar("Module", bound=type[torch.nn.Module])

BY_TRACE = "computed_in_python_so_trace_it_to_save_it"
"""The method that scripts call. torch names it where somebody saves a script."""


def readable(module: Module) -> Module:
    """Show compilers a forward method that they can read."""
    forward: Any = module.forward
    signature = inspect.signature(forward)
    arrays = [p for p in signature.parameters.values() if p.name != "self" and p.kind is not p.VAR_KEYWORD]
    names = ", ".join(p.name for p in arrays)
    declared = ", ".join(p.name if p.default is p.empty else f"{p.name}: Optional[Tensor] = None" for p in arrays)

    def forward_of(script: Any, *given: Any) -> Any:
        return forward(_Script(script, module), *given)

    scope = {"forward_of": forward_of, "Optional": Optional, "Tensor": torch.Tensor}
    shown = _defined(f"def forward(self, {declared}):\n    return self.{BY_TRACE}({names})\n", module, scope)
    called = _defined(f"def {BY_TRACE}(self, {declared}):\n    return forward_of(self, {names})\n", module, scope)
    forward.__signature__, forward.__wrapped__ = signature, shown
    setattr(module, BY_TRACE, torch.jit.ignore(called))
    return module


class _Script:
    """A scripted module, with what its class has and scripts leave out, such as properties."""

    def __init__(self, script: Any, module: type) -> None:
        self._script, self._module = script, module

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._script, name)
        except AttributeError:
            pass
        try:
            return inspect.getattr_static(self._module, name).__get__(self, self._module)
        except AttributeError:
            raise InputError(
                f"a script of {self._module.__name__} cannot hold its {name}: give it as a text or a number, or use "
                "torch.jit.trace"
            ) from None


def _defined(text: str, module: type, scope: Mapping[str, Any]) -> Any:
    """The function of a text, which compilers can read again."""
    name = text[4 : text.index("(")]
    filename = f"<normwise.nn {module.__name__}.{name} {id(module)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    defined = {**scope}
    exec(compile(text, filename, "exec", dont_inherit=True), defined)
    function: Any = defined[name]
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    function.__module__ = module.__module__
    return function
