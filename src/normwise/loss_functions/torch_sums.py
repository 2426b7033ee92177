"""The sums and means of a loss in torch's autograd, fused with their gradient."""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false, reportUnknownVariableType=false
from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch

from normwise.engines.passes import Arrays
from normwise.formula import Formula
from normwise.libraries.torch_graph import (
    HALF,
    MEMORY,
    Parameters,
    Tensor,
    Tensors,
    elementwise,
    may_be_read,
    number,
    of_numbers,
    pullback,
)
from normwise.libraries.torch_internals import applied_at_once
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import watched
from normwise.loss_functions import on_kernels
from normwise.terms import Terms, alone


class Reduce(torch.autograd.Function):
    """A sum or mean of a formula, fused with its gradient.

    The gradient waits, unscaled by what comes from upstream, for the first backward pass, which takes it without a
    copy. A second pass computes it again, and so does one whose scale would round it twice or touch what was dropped;
    one that is itself differentiated goes through `Map`.
    """

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *wanted: Tensor) -> Tensor:
        terms, arrays, parameters, divisor, wrt, dtype = about
        value, divisor, gradients = on_kernels.reduced(MEMORY, terms, arrays, parameters, divisor, wrt)
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
            gradients = on_kernels.gradients(MEMORY, terms, arrays, parameters, divisor, now, wrt, gradients)
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
        found, ctx.gradients = on_kernels.means(MEMORY, terms, arrays, parameters, divisor, wrt, ROUNDING[dtype])
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
        return (None, *on_kernels.scaled(MEMORY, found.formulas, arrays, parameters, factors, wrt, gradients))


def _factors(ctx: Any, arrays: dict[str, Tensor], upstream: Tensor) -> list[Tensor]:
    """The factors of a gradient as part of autograd's graph: where that goes on, their sums depend on the arrays."""
    found: on_kernels.Means = ctx.found
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


def summed(
    terms: Terms, arrays: Arrays, parameters: Parameters, divisor: str | float, wrt: tuple[str, ...], dtype: torch.dtype
) -> Tensor:
    """Sum a call's terms on the fused kernels and divide; `wrt` names the arrays that need a gradient."""
    waits = on_kernels.waits_for_sums(MEMORY, terms, arrays, divisor, wrt)
    if wrt:
        compute = applied_at_once(under_name(ReduceMeans if waits else Reduce, terms.value.name))
        return compute((terms, arrays, parameters, divisor, wrt, dtype), *[arrays[name] for name in wrt])
    if waits:
        return number(on_kernels.means(MEMORY, terms, arrays, parameters, divisor, (), ROUNDING[dtype])[0].value, dtype)
    return number(on_kernels.reduced(MEMORY, terms, arrays, parameters, divisor, ())[0], dtype)
