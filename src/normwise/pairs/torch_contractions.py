"""Contractions of torch's tensors, as part of autograd's graph.

`Contract` sums formulas over one index, and its derivatives are contractions over another: so every order of gradient
exists, and none needs an array with all three.
"""

# pyright: reportUnknownVariableType=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from array_api_compat import torch as xp

from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.libraries.torch_graph import MEMORY, UPSTREAM, elementwise, in_plain_memory
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import watched
from normwise.pairs import composed, on_kernels
from normwise.pairs.on_kernels import Contraction, Target, single_sum

Tensor = torch.Tensor
Named = Mapping[str, Tensor]

F64 = torch.float64

SMALL = 1 << 15
"""Pairs times features below which a derivative of a derivative is not worth a kernel's compilation."""


class Sum(NamedTuple):
    """What a contraction sums, and of which indices its arrays are."""

    formulas: tuple[Formula, ...]
    target: Target
    sides: Mapping[str, str]
    parameters: tuple[float, ...]
    dtypes: tuple[torch.dtype, ...]


def contract(asked: Sum, arrays: Named) -> tuple[Tensor, ...]:
    """Sum formulas over an index, as part of autograd's graph."""
    given = [arrays[name] for name in asked.formulas[0].arrays]
    if watched() or not in_plain_memory(given) or _not_worth_a_kernel(asked, arrays):
        return _with_operations(asked, given)
    return under_name(Contract, f"{asked.formulas[0].name}_contraction").apply(asked, *given)  # type: ignore[no-any-return]


def _not_worth_a_kernel(asked: Sum, arrays: Named) -> bool:
    """Whether it is a derivative of a derivative, of which there are many, and over few pairs."""
    orders = {name.partition(" ")[0] for name in asked.formulas[0].arrays if name.startswith(UPSTREAM)}
    if len(orders) < 2:
        return False
    (n, d), m = arrays["x"].shape[-2:], arrays["t"].shape[-2]
    return math.prod(arrays["x"].shape[:-2]) * n * m * d < SMALL


class Contract(torch.autograd.Function):
    """Sums of formulas over an index, on the fused kernels."""

    @staticmethod
    def forward(ctx: Any, asked: Sum, *given: Tensor) -> tuple[Tensor, ...]:
        ctx.asked = asked
        ctx.save_for_backward(*given)
        ctx.set_materialize_grads(False)
        return tuple(raw(asked, dict(zip(asked.formulas[0].arrays, given, strict=True))))

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor | None) -> tuple[Tensor | None, ...]:
        asked, names = ctx.asked, ctx.asked.formulas[0].arrays
        arrays = dict(zip(names, ctx.saved_tensors, strict=True))
        wanted = [name for name, needs in zip(names, ctx.needs_input_grad[1:], strict=True) if needs]
        found = pulled_back(asked, arrays, upstream, wanted)
        return None, *[found.get(name) for name in names]


def raw(asked: Sum, arrays: Named, maximum: bool = False) -> list[Tensor]:
    """Sum formulas over an index, outside autograd; or take their largest."""
    finishes = tuple(map(single_sum, range(len(asked.formulas))))
    contraction = Contraction(asked.formulas, asked.target, finishes, maximum)
    return on_kernels.contracted(MEMORY, contraction, asked.sides, arrays, asked.parameters, asked.dtypes)


def pulled_back(
    asked: Sum, arrays: Named, upstream: Sequence[Tensor | None], wanted: Sequence[str]
) -> dict[str, Tensor]:
    """Return for each of some arrays the gradient of the sums times what comes from upstream."""
    there = tuple(k for k, above in enumerate(upstream) if above is not None)
    if not there:
        return {}
    names = [upstream_name(asked.formulas[0], k) for k in there]
    above = dict(zip(names, (u for u in upstream if u is not None), strict=True))
    sides = {**asked.sides, **dict.fromkeys(names, asked.target)}
    asked = asked._replace(sides=sides)
    return {
        name: gradient_in(asked, summed_pullback(asked.formulas, there, name), {**arrays, **above}, name)
        for name in wanted
    }


def gradient_in(asked: Sum, formula: Formula, arrays: Named, name: str) -> Tensor:
    """Return the gradient of sums in an array: the sum of the formula that has them pulled back to it."""
    own, dtype = asked.sides[name], arrays[name].dtype
    if own != "k":
        return contract(Sum((formula,), own, asked.sides, asked.parameters, (dtype,)), arrays)[0]  # type: ignore[arg-type]
    [by_row] = contract(Sum((formula,), "ik", asked.sides, asked.parameters, (F64,)), arrays)
    return by_row.reshape(-1, by_row.shape[-1]).sum(0).to(dtype)


def upstream_name(formula: Formula, k: int) -> str:
    """Return the name of what comes from upstream for one of the sums."""
    return f"{UPSTREAM}{len(formula.arrays)} {k}"


@per_formula
def summed_pullback(formulas: tuple[Formula, ...], there: tuple[int, ...], name: str) -> Formula:
    """The derivative of some formulas in one array, each times what comes from upstream, added up."""
    parts = [formulas[k].along({name: upstream_name(formulas[0], k)}) for k in there]
    arrays = (*formulas[0].arrays, *(upstream_name(formulas[0], k) for k in there))
    expression = functools.reduce(operator.add, [part.expression for part in parts])
    return Formula(parts[0].name, arrays, formulas[0].parameters, expression)


def _with_operations(asked: Sum, given: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The sums in torch's own operations, for transforms and strange tensors: of arrays with all three indices."""
    names = asked.formulas[0].arrays
    spread = [composed.spread(xp, array, asked.sides[n]) for n, array in zip(names, given, strict=True)]
    whole = torch.broadcast_shapes(*[array.shape for array in spread])
    spread = [array.expand(whole) for array in spread]
    over = {"ij": -1, "ik": -2, "jk": -3}[asked.target]
    return tuple(
        elementwise(formula, asked.parameters, F64, *spread).sum(over).to(dtype)
        for formula, dtype in zip(asked.formulas, asked.dtypes, strict=True)
    )
