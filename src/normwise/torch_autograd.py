"""Formulas in torch's autograd: values per element, and sums fused with their gradient.

`Map` and `Reduce` serve tensors that nobody but autograd follows, on the fused kernels where there are any. `Traced`
and `Compiled` say the same in torch's own operations, for function transforms, forward-mode differentiation and the
compiler. The derivative of a formula is a formula, so every order exists, and all four agree: torch never
differentiates a formula's own operations, and so never multiplies a branch that was not taken with 0.
"""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false, reportUnknownVariableType=false
from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import reduce
from operator import attrgetter
from typing import Any

import numpy as np
import torch

from normwise import fused, plan
from normwise.engines import arrays as array_engine
from normwise.engines import passes
from normwise.engines.cpu import Storage
from normwise.engines.cpu.buffers import LARGE
from normwise.engines.memory import Memory
from normwise.engines.passes import Arrays
from normwise.formula import Formula
from normwise.terms import Terms, alone
from normwise.torch_memory import empty
from normwise.torch_names import applied_at_once, under_name
from normwise.torch_watchers import knows_operations_only, overridden, watched

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


class Reduce(torch.autograd.Function):
    """A sum or mean of a formula, fused with its gradient.

    The gradient waits, unscaled by what comes from upstream, for the first backward pass, which takes it without a
    copy. A second pass computes it again, and so does one whose scale would round it twice or touch what was dropped;
    one that is itself differentiated goes through `Map`.
    """

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *wanted: Tensor) -> Tensor:
        terms, arrays, parameters, divisor, wrt, dtype = about
        value, divisor, gradients = fused.reduced(MEMORY, terms, arrays, parameters, divisor, wrt)
        ctx.kept = gradients, terms, parameters, divisor, wrt
        ctx.save_for_backward(*arrays.values())
        return number(value, dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        gradients, terms, parameters, divisor, wrt = ctx.kept
        ctx.kept = None, terms, parameters, divisor, wrt
        formula = terms.value
        if torch.is_grad_enabled() or not may_be_read(upstream):
            arrays = dict(zip(formula.arrays, ctx.saved_tensors, strict=True))
            spread = (upstream / divisor).expand(ctx.saved_tensors[0].shape)
            given = (*arrays.values(), spread)
            return (None, *[elementwise(pullback(formula, n), parameters, arrays[n].dtype, *given) for n in wrt])
        factor = upstream.item()
        # Half precision has rounded, and perhaps underflowed, by now; and what was dropped is 0 whatever the factor is.
        later = factor == 1 or (math.isfinite(factor) and not any(a.dtype in HALF for a in ctx.saved_tensors))
        if gradients is None or not later:
            arrays = dict(zip(formula.arrays, ctx.saved_tensors, strict=True))
            now = 1.0 if later else factor
            gradients = fused.gradients(MEMORY, terms, arrays, parameters, divisor, now, wrt, gradients)
        if later and factor != 1:
            for gradient in gradients:
                gradient.mul_(factor)
        return (None, *gradients)


class ReduceMeans(torch.autograd.Function):
    """What is made of means, or a mean whose divisor is summed: the sums in one pass, and then the gradient.

    Only the sums tell the factors of the gradient. It waits without them where it has but one and loses nothing by
    that, and is computed in the backward pass where not.
    """

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *wanted: Tensor) -> Tensor:
        terms, arrays, parameters, divisor, wrt, dtype = about
        found, ctx.gradients = fused.means(MEMORY, terms, arrays, parameters, divisor, wrt, ROUNDING[dtype])
        ctx.found, ctx.about = found, (terms, parameters, wrt, dtype)
        ctx.save_for_backward(*arrays.values())
        return number(found.value, dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        found, (terms, parameters, wrt, _) = ctx.found, ctx.about
        arrays = dict(zip(terms.value.arrays, ctx.saved_tensors, strict=True))
        if torch.is_grad_enabled() or not may_be_read(upstream):
            factors = _factors(ctx, arrays, upstream)
            return (None, *[_gradient(found.formulas, factors, parameters, arrays, name) for name in wrt])
        given = upstream.item()
        factors = [given * factor for factor in found.factors]
        return (None, *fused.scaled(MEMORY, found.formulas, arrays, parameters, factors, wrt, gradients))


def _factors(ctx: Any, arrays: dict[str, Tensor], upstream: Tensor) -> list[Tensor]:
    """The factors of a gradient as part of autograd's graph: where that goes on, their sums depend on the arrays."""
    found: fused.Means = ctx.found
    if not torch.is_grad_enabled():
        return [upstream * factor for factor in found.factors]
    terms, parameters, _, dtype = ctx.about
    finish = terms.finish

    def mean(formula: Formula) -> Tensor:
        given = {name: arrays[name] for name in formula.arrays}
        own = parameters if formula.parameters else ()
        if watched():
            return elementwise(formula, own, dtype, *given.values()).sum() / found.divisor
        wrt = tuple(name for name, array in given.items() if array.requires_grad)
        return summed(alone(formula), given, own, found.divisor, wrt, dtype)

    count = len(terms.values)
    means = [mean(formula) for formula in found.formulas[:count]]
    share = [mean(formula) for formula in found.formulas[count:]]  # a divisor that has a gradient, per itself
    for each in share:
        means = [value / each for value in means]
    slopes = (
        [upstream] if finish is None else [of_numbers(pullback(finish, n), *means, upstream) for n in finish.arrays]
    )
    factors = [slope / found.divisor for slope in slopes]
    for each in share:
        factors = [factor / each for factor in factors]
        factors.append(-reduce(torch.add, map(torch.mul, factors, means)))
    return factors


def _gradient(
    formulas: Sequence[Formula], factors: Tensors, parameters: Parameters, arrays: dict[str, Tensor], name: str
) -> Tensor:
    """The gradient in an array of a sum of formulas, each times a factor, as part of autograd's graph."""
    parts: list[Tensor] = []
    for formula, factor in zip(formulas, factors, strict=True):
        if name in formula.reads:
            given = [arrays[each] for each in formula.arrays]
            own = parameters if formula.parameters else ()
            spread = factor.expand(given[0].shape)
            parts.append(elementwise(pullback(formula, name), own, arrays[name].dtype, *given, spread))
    return reduce(torch.add, parts) if parts else torch.zeros_like(arrays[name])


ROUNDING: dict[torch.dtype, Callable[[float], float]] = {
    torch.float32: lambda value: ctypes.c_float(value).value,
    torch.float64: float,
}
"""What rounds a mean to the dtype of a result."""


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


def check_layout(function: str, name: str, array: Tensor) -> None:
    """Raise `LayoutError` where a tensor does not lie in memory element by element, or has no shape."""
    if array.is_nested or array.layout is not torch.strided:
        plan.refuse_layout(function, name, array.layout, array.is_nested)


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


def summed(
    terms: Terms, arrays: Arrays, parameters: Parameters, divisor: str | float, wrt: tuple[str, ...], dtype: torch.dtype
) -> Tensor:
    """Sum a call's terms on the fused kernels and divide; `wrt` names the arrays that need a gradient."""
    waits = fused.waits_for_sums(MEMORY, terms, arrays, divisor, wrt)
    if wrt:
        compute = applied_at_once(under_name(ReduceMeans if waits else Reduce, terms.value.name))
        return compute((terms, arrays, parameters, divisor, wrt, dtype), *[arrays[name] for name in wrt])
    if waits:
        return number(fused.means(MEMORY, terms, arrays, parameters, divisor, (), ROUNDING[dtype])[0].value, dtype)
    return number(fused.reduced(MEMORY, terms, arrays, parameters, divisor, ())[0], dtype)
