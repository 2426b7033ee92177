"""Every private name of torch that the code uses, each with what stands in for it where a torch has it no more.

They save time on small tensors, or say what torch has no public word for. Without one of them results stay what they
are: who might be followed is taken to be, memory is not recycled, autograd takes its ordinary steps.
"""

# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false
from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import torch
from torch.autograd import forward_ad
from torch.autograd.function import FunctionCtx
from torch.nn.modules import loss as torch_losses

from normwise.formula.caches import per_formula

Tensor = torch.Tensor
F = TypeVar("F", bound=Callable[..., Any])

_ORDINARY = ("BackendSelect", "ADInplaceOrView")
"""The keys at which torch's dispatcher stops in a thread where nobody follows."""


class _Unknown:
    """The keys of a dispatcher that does not tell them."""

    def raw_repr(self) -> int:
        return -1


def _extraordinary() -> int:
    """The bits of all keys but the ordinary ones; all, where a key is not known."""
    keys = 0
    try:
        for name in _ORDINARY:
            keys |= torch._C.DispatchKeySet(torch._C._parse_dispatch_key(name)).raw_repr()  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        return -1
    return ~keys


def _somebody() -> int:
    return 1


dispatch_keys: Callable[[], Any] = getattr(torch._C, "_dispatch_tls_local_include_set", _Unknown)
"""The keys at which the dispatcher stops in this thread."""
EXTRAORDINARY = _extraordinary()
forward_levels: Any = forward_ad if hasattr(forward_ad, "_current_level") else SimpleNamespace(_current_level=0)
"""What has the level of forward-mode differentiation, -1 outside of any, as `_current_level`."""

traced: Callable[[], Any] = getattr(torch._C, "_is_tracing", torch.jit.is_tracing)
"""Whether TorchScript's tracer follows."""
overridden: Callable[[], Any] = getattr(torch._C, "_len_torch_function_stack", _somebody)
"""Whether a mode is asked before any function of torch is called."""


def functionalized() -> bool | None:
    """Whether `torch.func.functionalize` follows at any level; None where torch does not tell."""
    try:
        from torch._C._functorch import TransformType
        from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters
    except ImportError:
        return None
    return any(level.key() == TransformType.Functionalize for level in retrieve_all_functorch_interpreters())


use_count: Callable[[int], int] | None = getattr(torch._C, "_storage_Use_Count", None)
"""How many users a storage has, by its address. None where nobody tells: nothing is recycled then."""

if "to_save" in FunctionCtx.save_for_backward.__code__.co_names:

    def save(ctx: Any, tensors: Any) -> None:
        """Save tensors for the backward pass, as `save_for_backward` does."""
        ctx.to_save = tensors

else:

    def save(ctx: Any, tensors: Any) -> None:
        """Save tensors for the backward pass."""
        ctx.save_for_backward(*tensors)


@per_formula
def applied_at_once(function: Any) -> Callable[..., Any]:
    """Return the C function beneath a function's ``apply``, whose own work the caller has made needless.

    That work (function transforms, default arguments) would be a tenth of the time on small tensors.
    """
    return getattr(super(torch.autograd.Function, function), "apply", function.apply)  # type: ignore[no-any-return]


def with_backward(function: Any, backward: Callable[..., Any]) -> Any:
    """Return the autograd function with another backward pass, which autograd calls without looking for a vjp."""
    function.backward = staticmethod(backward)
    if hasattr(function, "_backward_cls"):
        function._backward_cls.apply = backward
    return function


def constant_to_compilers(function: F) -> F:
    """Have the compiler call a function, whose result it takes for a constant, instead of reading it.

    `torch.compiler.assume_constant_result` does it too, and loads the whole compiler.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def _assert_now(condition: Tensor, message: str) -> None:
    if not condition:
        raise RuntimeError(message)


assert_async: Callable[[Tensor, str], None] = getattr(torch, "_assert_async", _assert_now)
"""Raise where a tensor is false: on a GPU, at some time later."""

Loss: type[torch.nn.Module] = getattr(torch_losses, "_Loss", torch.nn.L1Loss.__bases__[0])
"""The base of torch's modules of losses."""
