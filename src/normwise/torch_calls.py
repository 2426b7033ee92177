"""Losses on torch tensors, with autograd.

Plain tensors in the CPU's memory take the fused kernels, through two autograd functions: `Map` for values per
element, whose derivative is a `Map` again, and `Reduce` for sums and means, which computes the gradient in the pass
that computes the loss. Everything else (compiling, function transforms, forward-mode differentiation, subclasses,
other devices and dtypes) evaluates the same formula with torch's own operations.
"""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from normwise import fused, plan
from normwise.catalogue import Loss
from normwise.engines import arrays as array_engine
from normwise.engines.cpu.buffers import BUFFERS, LARGE
from normwise.engines.cpu.source import Real
from normwise.errors import DtypeError
from normwise.formula import Formula
from normwise.fused import Memory
from normwise.sums import Reduction

Tensor = torch.Tensor
Tensors = Sequence[Tensor]

_scalar = torch.scalar_tensor
_fresh_like = torch.empty_like

_STRIDED = torch.strided
_PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})
_FUSED: dict[torch.dtype, Real] = {torch.float32: "float32", torch.float64: "float64"}
_NUMPY = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
_HALF = frozenset({torch.float16, torch.bfloat16})


def call(
    loss: Loss,
    arrays: Tensors,
    parameters: tuple[float, ...],
    weight: Tensor | None,
    reduction: Reduction,
    broadcast: bool,
) -> Tensor:
    """Compute a loss of tensors, weighted and reduced, as part of autograd's graph."""
    if weight is not None or len(arrays) > 2 or not _ready(*arrays):
        arrays, weight = _prepared(loss, arrays, weight, broadcast)
        if not _plain(*arrays, *([] if weight is None else [weight])):
            return _with_torch_operations(loss, arrays, parameters, weight, reduction)
    if reduction == "none" or (weight is not None and weight.requires_grad):
        return _weighted(loss, elementwise(loss.formula, parameters, arrays), weight, reduction)
    if torch.is_grad_enabled():
        if arrays[0].requires_grad and len(arrays) == 2 and not arrays[1].requires_grad:  # the usual case, and quick
            return _reduce((loss, arrays, parameters, weight, reduction, (0,)), arrays[0])
        wrt = tuple([i for i, array in enumerate(arrays) if array.requires_grad])
        if wrt:
            return _reduce((loss, arrays, parameters, weight, reduction, wrt), *[arrays[i] for i in wrt])
    return _scalar(fused.reduced(_MEMORY, loss, arrays, parameters, weight, reduction, ())[0], dtype=arrays[0].dtype)


def value_and_gradient(
    loss: Loss,
    arrays: Tensors,
    parameters: tuple[float, ...],
    weight: Tensor | None,
    reduction: Reduction,
    broadcast: bool,
) -> tuple[Tensor, Tensor]:
    """Compute a loss and its gradient in the input, outside autograd."""
    plan.check_has_gradient(loss, reduction)
    with torch.enable_grad():
        input = arrays[0].detach().requires_grad_()
        value = call(loss, (input, *(a.detach() for a in arrays[1:])), parameters, weight, reduction, broadcast)
        [gradient] = torch.autograd.grad(value, input)
    return value.detach(), gradient


def elementwise(formula: Formula, parameters: tuple[float, ...], arrays: Tensors) -> Tensor:
    """Compute the values of a formula per element, as part of autograd's graph."""
    if _watched() or any(type(array) not in _PLAIN for array in arrays):
        return _with_operations(formula, parameters, arrays)
    if torch.is_grad_enabled() and any(array.requires_grad for array in arrays):
        return Map.apply(formula, parameters, *arrays)  # type: ignore[no-any-return]
    return _values(formula, parameters, arrays)


class Map(torch.autograd.Function):
    """A formula per element. Its derivative is a formula too, so every order exists."""

    @staticmethod
    def forward(ctx: Any, formula: Formula, parameters: tuple[float, ...], *arrays: Tensor) -> Tensor:
        ctx.formula, ctx.parameters = formula, parameters
        ctx.save_for_backward(*arrays)
        return _values(formula, parameters, arrays)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        arrays: Tensors = ctx.saved_tensors
        fuse = not torch.is_grad_enabled() and _plain(upstream, *arrays) and upstream.dtype is arrays[0].dtype

        def gradient(name: str) -> Tensor:
            derivative = ctx.formula.derivative(name)
            if fuse:
                return fused.elementwise(_MEMORY, derivative, arrays, ctx.parameters, upstream)
            return upstream * elementwise(derivative, ctx.parameters, arrays)

        needed = zip(ctx.formula.arrays, ctx.needs_input_grad[2:], strict=True)
        return (None, None, *(gradient(name) if needs else None for name, needs in needed))


class Reduce(torch.autograd.Function):
    """A weighted sum or mean of a formula, fused with its gradient.

    The gradient waits, unscaled by the upstream gradient, for the first backward pass, which takes it without a copy. A
    second pass computes it again; one that is itself differentiated goes through `Map`.
    """

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *wanted: Tensor) -> Tensor:
        loss, arrays, parameters, weight, reduction, wrt = about
        value, scale, ctx.gradients = fused.reduced(_MEMORY, loss, arrays, parameters, weight, reduction, wrt)
        ctx.about, ctx.scale = (loss, parameters, reduction, wrt), scale
        ctx.save_for_backward(weight, *arrays)
        return _scalar(value, dtype=arrays[0].dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        loss, parameters, reduction, wrt = ctx.about
        if torch.is_grad_enabled() or not _has_memory(upstream):
            weight, *arrays = ctx.saved_tensors
            factor = upstream * ctx.scale if weight is None else upstream * ctx.scale * weight
            derivatives = [loss.formula.derivative(loss.formula.arrays[i]) for i in wrt]
            return (None, *[factor * elementwise(d, parameters, arrays) for d in derivatives])
        if gradients is None:  # an earlier backward pass took them
            weight, *arrays = ctx.saved_tensors
            gradients = fused.reduced(_MEMORY, loss, arrays, parameters, weight, reduction, wrt)[2]
        if upstream.item() != 1:
            for gradient in gradients:
                gradient.mul_(upstream)
        return (None, *gradients)


# The C function beneath Function.apply, whose own work (function transforms, default arguments) `_plain` has made
# needless; on small tensors it would be a tenth of the time.
_reduce: Callable[..., Tensor] = super(torch.autograd.Function, Reduce).apply  # type: ignore[misc]


def _ready(input: Tensor, target: Tensor) -> bool:
    """Whether two tensors are alike and plain: the usual case, in one look, for on small tensors every look shows."""
    dtype = input.dtype
    return (
        type(input) in _PLAIN
        and type(target) in _PLAIN
        and dtype in _FUSED
        and target.dtype is dtype
        and input.shape == target.shape
        and input.is_cpu
        and target.is_cpu
        and input.layout is _STRIDED
        and target.layout is _STRIDED
        and not _watched()
        and not input.is_neg()
        and not target.is_neg()
    )


def _plain(*arrays: Tensor) -> bool:
    """Whether the fused kernels may read the arrays' memory."""
    return not _watched() and all(
        type(array) in _PLAIN
        and array.dtype in _FUSED
        and array.is_cpu
        and array.layout is _STRIDED
        and not array.is_neg()
        and _has_memory(array)
        for array in arrays
    )


def _has_memory(array: Tensor) -> bool:
    """Whether a tensor has elements in memory; one that stands for a batch (``is_grads_batched``, ``vmap``) has not."""
    try:
        array.data_ptr()
    except RuntimeError:
        return False
    return True


def _watched() -> bool:
    """Whether somebody beside autograd follows the operations: a compiler, a transform, a mode."""
    return bool(
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack()
        or forward_ad._current_level >= 0
    )


def _prepared(loss: Loss, arrays: Tensors, weight: Tensor | None, broadcast: bool) -> tuple[Tensors, Tensor | None]:
    """Check shapes and dtypes; return the arrays in one shape and dtype, and the weight likewise."""
    names = ("input", "target", *loss.further_arrays, "weight")
    for name, array in zip(names, (*arrays, weight), strict=True):
        accepted = isinstance(array, Tensor) or (array is None and name == "weight")
        plan.check_array(loss, name, array, accepted, "a torch tensor")
    if broadcast:
        shape = reduce(plan.broadcast_shape, (a.shape for a in arrays))
        arrays = tuple(a.expand(shape) for a in arrays)
    for array in arrays[1:]:
        plan.check_shapes(arrays[0].shape, array.shape)
    dtype = reduce(torch.promote_types, (a.dtype for a in arrays))
    if not dtype.is_floating_point:
        raise DtypeError(plan.dtype_message(loss, dtype, "input.float()"))
    if weight is not None:
        plan.check_weight(weight.shape, arrays[0].shape)
        dtype = torch.promote_types(dtype, weight.dtype)
        weight = weight.to(dtype).expand(arrays[0].shape)
    return tuple(a.to(dtype) for a in arrays), weight


def _with_torch_operations(
    loss: Loss, arrays: Tensors, parameters: tuple[float, ...], weight: Tensor | None, reduction: Reduction
) -> Tensor:
    """Compute the same with torch's own operations. Half precision is computed and reduced in float32."""
    dtype = arrays[0].dtype
    if dtype in _HALF:
        arrays, weight = tuple(a.float() for a in arrays), weight if weight is None else weight.float()
    result = _weighted(loss, elementwise(loss.formula, parameters, arrays), weight, reduction)
    return result.to(dtype) if reduction == "none" else result


def _values(formula: Formula, parameters: tuple[float, ...], arrays: Tensors) -> Tensor:
    """Compute the values of a formula, by a kernel where there is one for these tensors."""
    if _plain(*arrays):
        return fused.elementwise(_MEMORY, formula, arrays, parameters, None)
    return _with_operations(formula, parameters, arrays)


def _with_operations(formula: Formula, parameters: tuple[float, ...], arrays: Tensors) -> Tensor:
    """Compute the values of a formula with torch's own operations."""
    from array_api_compat import torch as xp

    [values] = array_engine.elementwise(xp, formula, arrays, dict(zip(formula.parameters, parameters, strict=True)))
    return values


def _weighted(loss: Loss, values: Tensor, weight: Tensor | None, reduction: Reduction) -> Tensor:
    """Weight and reduce values per element, as part of autograd's graph."""
    if weight is not None:
        values = values * weight
    if reduction == "none":
        return values
    total = values.sum()
    if reduction == "sum":
        return total
    return total / (weight.sum() if weight is not None and loss.divisor == "weight" else values.numel())


def _empty_like(tensor: Tensor) -> Tensor:
    """Memory for a result: recycled where it is large."""
    if tensor.nbytes < LARGE or not tensor.is_contiguous():
        return _fresh_like(tensor)
    return torch.from_numpy(BUFFERS.empty(tensor.numel(), _NUMPY[tensor.dtype])).view(tensor.shape)


_MEMORY = Memory(
    address=Tensor.data_ptr,
    contiguous=Tensor.is_contiguous,
    strides=Tensor.stride,
    dtype=attrgetter("dtype"),
    real=_FUSED,
    size=Tensor.numel,
    copy=Tensor.contiguous,
    empty_like=_empty_like,
)
