"""Norms of torch tensors, as part of autograd's graph.

Plain tensors in the CPU's memory take the fused kernels, for the value and for its gradient; the gradient of that, and
everything unusual, is composed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from array_api_compat import torch as xp
from torch.overrides import handle_torch_function, has_torch_function

from normwise import composed_norms, fused, fused_norms, norms, plan
from normwise.errors import DtypeError
from normwise.formula import Formula
from normwise.fused_norms import Request
from normwise.norms import NormCall
from normwise.terms import MASK, WEIGHT, nan_count, negatives, weight_term
from normwise.torch_autograd import MEMORY, elementwise, has_memory, in_plain_memory, watched, with_operations

Tensor = torch.Tensor
Tensors = Mapping[str, Tensor]

_FLOATING = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


def call(asked: NormCall) -> Tensor:
    """Compute a norm; for the compiler, as one node of its graph."""
    if torch.compiler.is_dynamo_compiling():
        _allow_node()
        return node(*asked)
    return _computed(asked)


def node(*asked: Any) -> Tensor:
    """Compute a norm for the compiler, which traces the operations within but not how they come to be."""
    call = NormCall(*asked)
    return _computed(call._replace(p=float(call.p)))  # a formula is traced for an order: no symbol will do


def _allow_node() -> bool:
    torch.compiler.allow_in_graph(node)
    return True


# The compiler takes the result for a constant, and so calls it: see `torch_calls`.
_allow_node._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _computed(asked: NormCall) -> Tensor:
    given = [array for array in (asked.x, asked.weight, asked.mask) if array is not None]
    if has_torch_function(given):
        return handle_torch_function(norms.norm, given, *asked)  # type: ignore[no-any-return]
    for name, array in (("x", asked.x), (WEIGHT, asked.weight), (MASK, asked.mask)):
        if array is None:
            continue
        if not isinstance(array, Tensor):
            raise TypeError(f"norm takes arrays of one library: expected a torch tensor for {name}, not {type(array)}")
    x, dtype = _real(asked.x)
    shape = tuple(x.shape)
    arrays = {"x": x}
    if asked.weight is not None:
        plan.check_broadcasts(WEIGHT, asked.weight.shape, shape)
        arrays[WEIGHT] = _real(asked.weight)[0].expand(shape)
    if asked.mask is not None:
        plan.check_mask(asked.mask, asked.mask.dtype is torch.bool)
        plan.check_broadcasts(MASK, asked.mask.shape, shape)
        arrays[MASK] = asked.mask.expand(shape)
    request = Request(asked.p, plan.reduced_dims(asked.dim, len(shape)), asked.nan_policy == "omit")
    plan.check_not_empty(asked.p, shape, request.dims)
    plain = not watched() and in_plain_memory([*arrays.values()])
    _check_values(asked, arrays, plain)
    learned = WEIGHT in arrays and arrays[WEIGHT].requires_grad and torch.is_grad_enabled()
    if plain and not learned:
        result = _fused(request, dtype, x, arrays.get(WEIGHT), arrays.get(MASK))
    else:
        result = _composed(request, arrays).to(dtype)
    if asked.keepdim:
        return result
    return result.reshape([n for i, n in enumerate(shape) if i not in request.dims])


class _Norm(torch.autograd.Function):
    """A norm on the fused kernels; the reduced dimensions have length 1."""

    @staticmethod
    def forward(
        ctx: Any, request: Request, dtype: torch.dtype, x: Tensor, weight: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        found = fused_norms.norm(MEMORY, request, _named(x, weight, mask))
        ctx.about = request, found
        ctx.save_for_backward(x, weight, mask)
        return torch.from_numpy(found.value).to(dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        request, found = ctx.about
        arrays = _named(*ctx.saved_tensors)
        x = arrays["x"]
        if torch.is_grad_enabled() or not has_memory(upstream):
            with torch.enable_grad():
                x = x if x.requires_grad else x.detach().requires_grad_()
                value = _composed(request, {**arrays, "x": x})
                [gradient] = torch.autograd.grad(value, x, upstream.to(value.dtype), create_graph=True)
        else:
            above = np.asarray(upstream.double().numpy())
            gradient = fused_norms.gradient(MEMORY, request, arrays, found, above)
        return None, None, gradient, None, None


_fused: Callable[..., Tensor] = _Norm.apply  # pyright: ignore[reportUnknownVariableType]


def _named(x: Tensor, weight: Tensor | None, mask: Tensor | None) -> dict[str, Tensor]:
    return {name: array for name, array in (("x", x), (WEIGHT, weight), (MASK, mask)) if array is not None}


def _composed(request: Request, arrays: Tensors) -> Tensor:
    wide = torch.float32 if arrays["x"].device.type == "mps" else torch.float64  # which has no float64

    def compute(formula: Formula, given: Sequence[Tensor]) -> Tensor:
        return elementwise(formula, (), wide, *given)

    return composed_norms.norm(xp, compute, Tensor.detach, request, arrays)  # type: ignore[no-any-return]


def _check_values(asked: NormCall, arrays: Tensors, plain: bool) -> None:
    """Check what can only be seen in the elements, where they are at hand."""
    if watched() or not arrays["x"].is_cpu:
        return

    def count(formula: Formula) -> float:
        given = {name: arrays[name].detach() for name in formula.arrays}
        if plain:
            return fused.total(MEMORY, formula, given)
        return float(with_operations(formula, (), torch.float64, *given.values()).sum())

    if WEIGHT in arrays:
        plan.check_no_negative_weight(count(negatives(weight_term(MASK in arrays))))
    if asked.nan_policy == "raise":
        plan.check_no_nan("x", count(nan_count(MASK in arrays)))


def _real(x: Tensor) -> tuple[Tensor, torch.dtype]:
    """The tensor in real numbers with fractions, and the dtype of its norm."""
    if x.layout is not torch.strided:
        plan.refuse_layout("norm", "x", x.layout)
    if x.is_complex():
        single = x.dtype is not torch.complex128
        return x.to(torch.complex128).abs(), torch.float32 if single else torch.float64
    if not x.is_floating_point():
        return x.double(), torch.float64
    if x.dtype not in _FLOATING:
        raise DtypeError(f"a norm is not implemented for {x.dtype}: use x.float()")
    return x, torch.promote_types(x.dtype, torch.float32)
