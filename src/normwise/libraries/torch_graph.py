"""Formulas in torch's autograd: values per element.

`Map` serves tensors that nobody but autograd follows, on the fused kernels where there are any. `Traced`
and `Compiled` say the same in torch's own operations, for function transforms, forward-mode differentiation and the
compiler. The derivative of a formula is a formula, so every order exists, and all four agree: torch never
differentiates a formula's own operations, and so never multiplies a branch that was not taken with 0.
"""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false, reportUnknownVariableType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import torch

from normwise.engines import arrays as array_engine
from normwise.engines import passes
from normwise.engines.cpu import Storage
from normwise.engines.cpu.buffers import LARGE
from normwise.engines.memory import Memory
from normwise.formula import Formula
from normwise.libraries.torch_internals import overridden
from normwise.libraries.torch_memory import empty
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import knows_operations_only, watched

Tensor = torch.Tensor
Tensors = Sequence[Tensor]
Parameters = tuple[float, ...]

_scalar = torch.scalar_tensor
_default_dtype = torch.get_default_dtype
_fresh_like = torch.empty_like

PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})
HALF = frozenset({torch.float16, torch.bfloat16})
SINGLE_AND_DOUBLE = frozenset({torch.float32, torch.float64})
RECYCLED = LARGE // 8
"""Elements below which no result is recycled, whatever its dtype."""
STORAGE: dict[torch.dtype, Storage] = {
    torch.bool: "bool",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
}
_NUMPY = {
    torch.float16: np.dtype(np.float16),
    torch.bfloat16: np.dtype(np.uint16),
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
}
_SMALL = 1 << 12
"""Elements below which a derivative of a derivative is not worth a kernel's compilation."""

UPSTREAM = "upstream"


def number(value: float, dtype: torch.dtype) -> Tensor:
    """Return a number in float64 as a tensor of a dtype: infinite beyond its range, which torch refuses to round."""
    try:
        # Naming the dtype costs a tenth of a microsecond.
        return _scalar(value) if dtype is _default_dtype() else _scalar(value, dtype=dtype)
    except RuntimeError:
        return _scalar(value, dtype=torch.float64).to(dtype)


def elementwise(formula: Formula, parameters: Parameters, dtype: torch.dtype, *arrays: Tensor) -> Tensor:
    """Compute the values of a formula for each element, in a dtype, as part of autograd's graph."""
    needs_graph = torch.is_grad_enabled() and any(array.requires_grad for array in arrays)
    compute: Callable[..., Any]
    if watched():
        compute = with_operations if knows_operations_only() else under_name(Traced, formula.name).apply
    else:
        compute = under_name(Map, formula.name).apply if needs_graph else _values
    return compute(formula, parameters, dtype, *arrays)


def of_numbers(formula: Formula, *arrays: Tensor) -> Tensor:
    """Compute a formula of a few numbers, which no kernel is worth, as part of autograd's graph."""
    compute = with_operations if knows_operations_only() else under_name(Traced, formula.name).apply
    return compute(formula, (), arrays[0].dtype, *arrays)


def pullback(formula: Formula, name: str) -> Formula:
    """Return the derivative in one array times what comes from upstream, which is the last array of the result."""
    found = formula.derived.get(name)
    if found is None:
        found = formula.derived[name] = formula.along({name: f"{UPSTREAM}{len(formula.arrays)}'"})
    return found


def pushforward(formula: Formula, names: tuple[str, ...]) -> Formula:
    """Return the derivative along the tangents of some arrays, which are the last arrays of the result."""
    return formula.along({name: f"along{len(formula.arrays)} {name}" for name in names})


def _pulled_back(compute: Callable[..., Tensor], ctx: Any, upstream: Tensor | None) -> tuple[Tensor | None, ...]:
    """The backward pass of a formula's values: for each array that needs it, its `pullback`."""
    formula, parameters = ctx.formula, ctx.parameters
    arrays: Tensors = ctx.saved_tensors
    if upstream is None:
        return (None,) * (3 + len(arrays))
    return (
        *(None, None, None),
        *[
            compute(pullback(formula, name), parameters, array.dtype, *arrays, upstream) if needs else None
            for name, array, needs in zip(formula.arrays, arrays, ctx.needs_input_grad[3:], strict=True)
        ],
    )


class Map(torch.autograd.Function):
    """The values of a formula."""

    @staticmethod
    def forward(ctx: Any, formula: Formula, parameters: Parameters, dtype: torch.dtype, *arrays: Tensor) -> Tensor:
        ctx.formula, ctx.parameters = formula, parameters
        ctx.save_for_backward(*arrays)
        return _values(formula, parameters, dtype, *arrays)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        return _pulled_back(elementwise, ctx, upstream)


class Traced(torch.autograd.Function):
    """The values of a formula in torch's operations, for function transforms and forward-mode differentiation."""

    @staticmethod
    def forward(formula: Formula, parameters: Parameters, dtype: torch.dtype, *arrays: Tensor) -> Tensor:
        values = with_operations(formula, parameters, dtype, *arrays)
        # torch refuses an argument itself as the result, which a formula may return, and one that repeats its elements.
        return values.clone() if any(values is array for array in arrays) else values

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.formula, ctx.parameters, ctx.dtype, *arrays = inputs
        ctx.save_for_backward(*arrays)
        ctx.save_for_forward(*arrays)
        ctx.set_materialize_grads(False)  # a tangent of zeros would meet infinite slopes

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        return _pulled_back(elementwise, ctx, upstream)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        moving = {n: d for n, d in zip(ctx.formula.arrays, tangents[3:], strict=True) if d is not None}
        if not moving:
            return torch.zeros_like(ctx.saved_tensors[0], dtype=ctx.dtype)
        formula = pushforward(ctx.formula, tuple(moving))
        return elementwise(formula, ctx.parameters, ctx.dtype, *ctx.saved_tensors, *moving.values())

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        formula: Formula,
        parameters: Parameters,
        dtype: torch.dtype,
        *arrays: Tensor,
    ) -> tuple[Tensor, int]:
        size = info.batch_size
        batched = [
            array.expand(size, *array.shape) if dim is None else array.movedim(dim, 0)
            for array, dim in zip(arrays, in_dims[3:], strict=True)
        ]
        return elementwise(formula, parameters, dtype, *batched), 0


def in_one_piece(arrays: Tensors) -> bool:
    """Whether tensors are real, lie in plain memory without gaps, and nobody follows: as the quick lanes ask."""
    for array in arrays:
        try:
            if not (
                type(array) in PLAIN
                and array.dtype in STORAGE
                and array.dtype is not torch.bool
                and array.is_cpu
                and array.is_contiguous()
                and not array.is_neg()
                and not array.is_nested
            ):
                return False
            array.data_ptr()
        except RuntimeError:  # without memory of their own
            return False
    return not (watched() or overridden())


def has_memory(array: Tensor) -> bool:
    """Whether a tensor has elements in memory; one that stands for a batch (``is_grads_batched``, ``vmap``) has not."""
    try:
        array.data_ptr()
    except RuntimeError:
        return False
    return True


def may_be_read(upstream: Tensor) -> bool:
    """Whether a gradient from upstream is numbers in memory, and all that it is: a subclass is more."""
    return type(upstream) in PLAIN and has_memory(upstream)


def in_plain_memory(arrays: Tensors) -> bool:
    """Whether the fused kernels may read the arrays."""
    return all(
        type(array) in PLAIN
        and array.dtype in STORAGE
        and array.is_cpu
        and array.layout is torch.strided
        and not array.is_neg()
        and has_memory(array)
        for array in arrays
    )


def _values(formula: Formula, parameters: Parameters, dtype: torch.dtype, *arrays: Tensor) -> Tensor:
    """Compute the values of a formula, by a kernel where there is one for these tensors."""
    order = sum(name.startswith(UPSTREAM) for name in formula.arrays)
    if (order < 2 or arrays[0].numel() >= _SMALL) and dtype in _NUMPY and in_plain_memory(arrays):
        return passes.elementwise(MEMORY, formula, arrays, parameters, dtype)
    return with_operations(formula, parameters, dtype, *arrays)


def with_operations(formula: Formula, parameters: Parameters, dtype: torch.dtype, *arrays: Tensor) -> Tensor:
    """Compute the values of a formula with torch's own operations; half precision in float32."""
    from array_api_compat import torch as xp

    # What is asked for in float64 is computed so, as by a kernel: what attains a norm of order inf is seen to equal it.
    wide = torch.promote_types(torch.float32, dtype)
    for array in arrays:
        if array.dtype is not torch.bool:
            wide = torch.promote_types(wide, array.dtype)
    # A conversion that does nothing is left out, for a trace would do it to other dtypes.
    given = [array if array.dtype in (torch.bool, wide) else array.to(wide) for array in arrays]
    [values] = array_engine.elementwise(xp, formula, given, dict(zip(formula.parameters, parameters, strict=True)))
    return values if values.dtype is dtype else values.to(dtype)


def _empty_like(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Memory for a result: recycled where it is large."""
    if tensor.nbytes < LARGE or not tensor.is_contiguous():
        return _fresh_like(tensor, dtype=dtype)
    return empty(tensor.shape, dtype or tensor.dtype)


MEMORY = Memory(
    address=Tensor.data_ptr,
    contiguous=Tensor.is_contiguous,
    strides=Tensor.stride,
    dtype=attrgetter("dtype"),
    storage=STORAGE,
    size=Tensor.numel,
    copy=Tensor.contiguous,
    empty_like=_empty_like,
    empty=empty,
    multiply=Tensor.mul_,
    spread=lambda array, shape: torch.from_numpy(array).expand(shape),
)
