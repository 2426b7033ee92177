"""Who follows torch's operations beside autograd, and so is given torch's own operations: a kernel leaves no trace.

Whoever follows has torch's dispatcher stop at a key of theirs in this thread. So nobody follows where only the two
ordinary keys are there:

- ``torch.jit.trace``, and the exporter to ONNX that stands on it (`Tracer`);
- ``torch.func`` and functorch's C++ beneath it (`FuncTorchDynamicLayerFrontMode`), the vmap before it (`VmapMode`);
- dispatch modes: a ``TorchDispatchMode``, fake tensors, `make_fx`, `torch.export`, the compilers (`Python`), before
  autograd too (`PreDispatch`, `PythonDispatcher`);
- functionalization (`Functionalize`), and whatever else there is or will be.

Forward-mode differentiation has a level instead of a key. Function modes (``accelerate``, ``with torch.device(...)``),
subclasses, and the proxies of `torch.fx` are asked first, by ``__torch_function__``, as by torch's own functions.
TorchDynamo and TorchScript's compiler read source: `loss_functions.on_torch` and `nn.scripts` have what they read.
The others need no operations: CUDA's graphs record what runs on a GPU, hooks on saved tensors get what autograd saves,
the profiler and anomaly mode the names of its functions.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

from normwise.errors import InputError
from normwise.libraries.torch_internals import (
    EXTRAORDINARY,
    dispatch_keys,
    forward_levels,
    functionalized,
    traced,
)

Given = ParamSpec("Given")
Result = TypeVar("Result")

_keys, _EXTRAORDINARY, _forward = dispatch_keys, EXTRAORDINARY, forward_levels


def watched() -> bool:
    """Whether somebody beside autograd follows the operations."""
    return (_keys().raw_repr() & _EXTRAORDINARY) != 0 or _forward._current_level >= 0


def knows_operations_only() -> bool:
    """Whether who follows knows torch's own operations and no autograd function of ours.

    So do a tracer, which could neither save nor export one, and `torch.func.functionalize`, at any level.
    """
    if traced():
        return True
    follows = functionalized()
    return watched() if follows is None else follows


def without_tracer_warnings(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let a function decide by the sizes of a call's tensors, and bring constants, of which a tracer warns each time.

    It is in the nature of a trace that it holds for calls of the same kind, and torch lets its own functions off too.
    """

    @functools.wraps(function)
    def quiet(*arguments: Given.args, **named: Given.kwargs) -> Result:
        if not traced():
            return function(*arguments, **named)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # pyright: ignore[reportPrivateImportUsage]
            return function(*arguments, **named)

    return quiet


def check_looks_at_no_data(nan_policy: str) -> None:
    """Raise where a call is traced that is to look at its data: the trace would not look again."""
    if nan_policy == "raise" and traced():
        raise InputError(
            "nan_policy='raise' looks at the data, which a trace of torch.jit does not: pass 'propagate' or 'omit'"
        )
