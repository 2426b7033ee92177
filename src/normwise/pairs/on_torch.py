"""Distances of all pairs of torch's points, as part of autograd's graph.

They are contractions with a finishing formula. A distance and its first gradient are fused with that; further gradients
are composed of contractions.
"""

# pyright: reportUnknownVariableType=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from array_api_compat import torch as xp
from torch.overrides import handle_torch_function, has_torch_function

from normwise.catalogue.metrics import Metric
from normwise.checks import check_no_nan, check_no_negative_weight
from normwise.engines import passes
from normwise.formula import Formula, where
from normwise.formula.caches import per_formula
from normwise.formula.expression import variable
from normwise.libraries.torch_checks import check_tensors
from normwise.libraries.torch_graph import MEMORY, UPSTREAM, elementwise, in_plain_memory, may_be_read, with_operations
from normwise.libraries.torch_internals import constant_to_compilers
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import check_looks_at_no_data, watched, without_tracer_warnings
from normwise.norms.on_torch import in_a_role, real
from normwise.pairs import blocks, composed, on_kernels
from normwise.pairs.call import FUNCTIONS, Nearest, PairCall, Pairs, prepared, sides
from normwise.pairs.checks import check_reducible, neighbours_of
from normwise.pairs.on_kernels import Contraction, beside_distances
from normwise.pairs.torch_contractions import (
    F64,
    Named,
    Sum,
    Tensor,
    contract,
    gradient_in,
    raw,
    summed_pullback,
    upstream_name,
)
from normwise.terms import (
    MASK,
    SHARE,
    SIDES,
    TOP,
    UNIT,
    WEIGHT,
    PairTerms,
    attaining,
    nan_count,
    negatives,
    ties,
    weight_term,
)


class Distance(NamedTuple):
    """What the distances of all pairs are made of."""

    metric: Metric
    terms: PairTerms
    parameters: tuple[float, ...]

    def measured(self) -> Distance:
        """The same with differences in units."""
        return self._replace(terms=self.terms.measured)

    def sum(self, formulas: Sequence[Formula]) -> Sum:
        """A sum over the features."""
        return Sum(tuple(formulas), "ij", SIDES, self.parameters, (F64,) * len(formulas))


def _at_once(asked: Distance, dtype: torch.dtype, arrays: Named, learned: Sequence[str] = ()) -> list[Tensor]:
    """The distances of all pairs, and what their gradients in some arrays need of them, in one pass."""
    terms = asked.terms
    beside = beside_distances(asked.metric, terms, tuple(learned)) if learned else ()
    contraction = Contraction(terms.sums, "ij", (terms.finish, *beside), asked.metric.is_extreme)
    dtypes = (dtype, *(F64 for _ in beside))
    return on_kernels.contracted(MEMORY, contraction, SIDES, arrays, asked.parameters, dtypes)


class Fused(torch.autograd.Function):
    """The distances of all pairs in one pass, with the slopes of the finishing formula for the backward pass."""

    @staticmethod
    def forward(ctx: Any, asked: Distance, dtype: torch.dtype, *given: Tensor) -> Tensor:
        arrays = dict(zip(asked.terms.sums[0].arrays, given, strict=True))
        learned = _selected(arrays, ctx.needs_input_grad[2:])
        value, *beside = _at_once(asked, dtype, arrays, learned)
        ctx.about = asked, Beside(learned, beside)
        ctx.save_for_backward(*given)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        asked, beside = ctx.about
        return None, None, *gradients(asked, ctx.saved_tensors, beside, upstream, ctx.needs_input_grad[2:])


def _selected(names: Iterable[str], needs: Sequence[bool]) -> tuple[str, ...]:
    return tuple(name for name, needed in zip(names, needs, strict=True) if needed)


class Beside(NamedTuple):
    """What was written beside distances for their gradients."""

    learned: tuple[str, ...]
    """The arrays whose gradients it is for."""
    arrays: Sequence[Tensor] | None
    """None where it is no longer there."""


def gradients(
    asked: Distance, given: Sequence[Tensor], beside: Beside, upstream: Tensor, needs: Sequence[bool]
) -> list[Tensor | None]:
    """Return the gradients of distances in those of some arrays that need one."""
    arrays = dict(zip(asked.terms.sums[0].arrays, given, strict=True))
    wanted = _selected(arrays, needs)
    if not torch.is_grad_enabled() and may_be_read(upstream):
        found = _pulled_back(asked, arrays, beside, upstream, wanted)
    else:
        with torch.enable_grad():
            roles = {**arrays, **{name: in_a_role(arrays[name]) for name in wanted}}
            value = of_contractions(asked, roles)
            leaves = [roles[name] for name in wanted]
            slopes = torch.autograd.grad(value, leaves, upstream.to(value.dtype), create_graph=True)
        found = dict(zip(wanted, slopes, strict=True))
    return [found.get(name) for name in arrays]


def _pulled_back(
    asked: Distance, arrays: Named, beside: Beside, upstream: Tensor, wanted: Sequence[str]
) -> dict[str, Tensor]:
    metric, terms, written = asked.metric, asked.terms, beside.arrays
    if written is None:
        _, *written = _at_once(asked, F64, arrays, beside.learned)
    if metric.is_extreme:
        [count] = contract(asked.sum([ties(terms.sums[0])]), {**arrays, TOP: written[0]})
        written = (*written, 1 / count)
    formulas = {name: gradient_formula(metric, terms, beside.learned, name) for name in wanted}
    further = dict(zip(further_names(metric, terms, beside.learned), (*written, upstream), strict=True))
    over = asked.sum(terms.sums)._replace(sides={**SIDES, **dict.fromkeys(further, "ij")})
    return {name: gradient_in(over, formula, {**arrays, **further}, name) for name, formula in formulas.items()}


def further_names(metric: Metric, terms: PairTerms, learned: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of what `gradient_formula` reads further: what is beside the distances, and upstream."""
    if metric.is_extreme:
        return TOP, SHARE, UPSTREAM
    return *(f"slope{k}" for k in range(len(beside_distances(metric, terms, learned)))), UPSTREAM


@per_formula
def gradient_formula(metric: Metric, terms: PairTerms, learned: tuple[str, ...], name: str) -> Formula:
    """Return what the gradient of distances in one array sums, with what was written beside them for some arrays."""
    arrays = (*terms.sums[0].arrays, *further_names(metric, terms, learned))
    if metric.is_extreme:
        attained = attaining(terms.sums[0])
        shared = {upstream_name(attained, 0): variable(UPSTREAM) * variable(SHARE)}
        return summed_pullback((attained,), (0,), name).on(arrays, **shared)
    *slopes, above = map(variable, further_names(metric, terms, learned))
    read = terms.sums_of(learned)
    there = tuple(k for k in read if k in terms.sums_of((name,)))
    # What has no slope meets nothing from upstream, be it infinite.
    scaled = [where(slope == 0, 0, slope * above) for slope in slopes] or [above] * len(read)
    pulled = {upstream_name(terms.sums[0], k): each for k, each in zip(read, scaled, strict=True)}
    return summed_pullback(terms.sums, there, name).on(arrays, **pulled)


def of_contractions(asked: Distance, arrays: dict[str, Tensor], unit: Tensor | None = None) -> Tensor:
    """Compose the distances of all pairs from contractions, which have gradients of every order."""
    terms = asked.terms
    if asked.metric.is_extreme:
        with torch.no_grad():
            tops = raw(asked.sum(terms.sums), arrays, maximum=True)
            further = {**arrays, TOP: tops[0]}
            [count] = contract(asked.sum([ties(terms.sums[0])]), further)
        [attained] = contract(asked.sum([attaining(terms.sums[0])]), {**arrays, TOP: tops[0]})
        return elementwise(terms.finish, (), F64, attained / count, *tops[1:])
    if unit is not None:
        arrays = {**arrays, UNIT: unit}
    value = elementwise(terms.finish, (), F64, *contract(asked.sum(terms.sums), arrays))
    return value if unit is None else value * unit


def matrix(asked: PairCall, made: Pairs, arrays: dict[str, Tensor]) -> Tensor:
    """Compute the distances of all pairs of some arrays of a call."""
    distance = Distance(asked.metric, made.terms, asked.parameters)
    if asked.fast and composed.may_be_fast(asked.metric, made.terms):
        wide = {name: array.to(torch.promote_types(array.dtype, torch.float32)) for name, array in arrays.items()}
        return composed.fast(xp, asked.metric, wide).to(made.dtype)
    if watched() or not in_plain_memory([*arrays.values()]):
        return _of_operations(asked, made, arrays)
    unit = on_kernels.unit(MEMORY, asked.metric, made.terms, arrays, F64)
    if unit is not None:
        return of_contractions(distance.measured(), arrays, torch.from_numpy(unit)).to(made.dtype)
    if not (torch.is_grad_enabled() and any(array.requires_grad for array in arrays.values())):
        return _at_once(distance, made.dtype, arrays)[0]
    compute = under_name(Fused, f"{asked.metric.name}_distances").apply
    return compute(distance, made.dtype, *[arrays[name] for name in made.terms.sums[0].arrays])  # type: ignore[no-any-return]


def _of_operations(asked: PairCall, made: Pairs, arrays: Named) -> Tensor:
    wide = torch.float32 if arrays["x"].device.type == "mps" else F64  # which has no float64

    def compute(formula: Formula, given: Sequence[Tensor]) -> Tensor:
        return elementwise(formula, asked.parameters if formula.parameters else (), wide, *given)

    omits = asked.nan_policy == "omit"
    found = composed.distances(xp, compute, Tensor.detach, asked.metric, made.terms, omits, arrays)
    return found.to(made.dtype)  # type: ignore[no-any-return]


@without_tracer_warnings
def call(asked: PairCall) -> Any:
    """Compute what is asked."""
    named = asked.named
    if has_torch_function([*named.values()]):
        function: Callable[..., Any] = FUNCTIONS[asked.function]
        return handle_torch_function(function, [*named.values()], asked.a, asked.b, **asked.given)
    check_tensors(asked.function, named)
    made = prepared(xp, asked, real)
    _check_values(asked, made)
    if asked.function == "nearest":
        return _nearest(asked, made)
    if asked.reduce is not None:
        check_reducible(asked.reduce, made.points, asked.dim)
        return _left(made, _reduced(asked, made), asked.dim)
    return _left(made, matrix(asked, made, made.arrays))


def _left(made: Pairs, found: Tensor, dim: int | None = None) -> Tensor:
    """The distances without the dimension of a single point."""
    if dim is not None:
        return found.squeeze(-1) if made.single[0 if dim == -1 else 1] else found
    if made.single[1]:
        found = found.squeeze(-1)
    return found.squeeze(-1 if made.single[1] else -2) if made.single[0] else found


def _check_values(asked: PairCall, made: Pairs) -> None:
    """Check what can only be seen in the elements, where they are at hand."""
    check_looks_at_no_data(asked.nan_policy)
    arrays = made.arrays
    if watched() or not all(array.is_cpu for array in arrays.values()):
        return
    plain = in_plain_memory([*arrays.values()])

    def count(formula: Formula, **named: Tensor) -> float:
        given = {name: named[name].detach() for name in formula.arrays}
        if plain:
            return passes.total(MEMORY, formula, given)
        return float(with_operations(formula, (), F64, *given.values()).sum())

    if WEIGHT in arrays:
        check_no_negative_weight(count(negatives(weight_term(masked=False)), weight=arrays[WEIGHT]))
    if asked.nan_policy == "raise":
        for name, further in sides(xp, arrays):
            check_no_nan(name, count(nan_count(MASK in further, WEIGHT in further), **further))


class _Blocks(torch.autograd.Function):
    """A reduction of all pairs' distances, block by block forward and backward."""

    @staticmethod
    def forward(ctx: Any, asked: PairCall, made: Pairs, names: Sequence[str], *given: Tensor) -> Tensor:
        ctx.about = asked, made, names
        (n, m), batch = made.points, made.arrays["x"].shape[:-2].numel()

        def block(i: slice, j: slice) -> Tensor:
            return matrix(asked, made._replace(dtype=_dtype(asked, made)), made.part(i, j))

        value = blocks.reduced(xp, block, n, m, batch, str(asked.reduce), asked.dim, made.present)
        ctx.save_for_backward(value, *given)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        asked, made, names = ctx.about
        value, *given = ctx.saved_tensors
        arrays = {**made.arrays, **dict(zip(names, given, strict=True))}
        wanted = [name for name, needs in zip(names, ctx.needs_input_grad[3:], strict=True) if needs]
        if torch.is_grad_enabled() or not may_be_read(upstream):
            with torch.enable_grad():
                arrays |= {name: in_a_role(arrays[name]) for name in wanted}
                found = _of_matrix(asked, made._replace(arrays=arrays))
                leaves = [arrays[name] for name in wanted]
                gradients = torch.autograd.grad(found, leaves, upstream, create_graph=True, allow_unused=True)
        else:
            gradients = _block_gradients(asked, made._replace(arrays=arrays), wanted, value, upstream)
        found = dict(zip(wanted, gradients, strict=True))
        return None, None, None, *[found.get(name) for name in names]


def _dtype(asked: PairCall, made: Pairs) -> torch.dtype:
    """Sums of distances are summed in float64; the least is one of them."""
    return made.dtype if asked.reduce == "min" else F64


def _of_matrix(asked: PairCall, made: Pairs) -> Tensor:
    """The reduction of the whole matrix, for a gradient of a gradient and for what is not in plain memory."""
    found = matrix(asked, made._replace(dtype=_dtype(asked, made)), made.arrays)
    about = str(asked.reduce), asked.dim, made.present
    return blocks.finished(xp, blocks.folded_over(xp, found, *about), *about, made.points)  # type: ignore[no-any-return]


def _reduced(asked: PairCall, made: Pairs) -> Tensor:
    if watched() or not in_plain_memory([*made.arrays.values()]):
        return _of_matrix(asked, made).to(made.dtype)
    names = [name for name, array in made.arrays.items() if array.is_floating_point()]
    compute = under_name(_Blocks, f"{asked.metric.name}_{asked.reduce}").apply
    found: Tensor = compute(asked, made, names, *[made.arrays[name] for name in names])
    return found.to(made.dtype)


def _block_gradients(
    asked: PairCall, made: Pairs, names: Sequence[str], value: Tensor, upstream: Tensor
) -> list[Tensor]:
    """The gradients of a reduction in the arrays of some names, block by block."""
    (n, m), batch = made.points, made.arrays["x"].shape[:-2].numel()
    totals = {name: torch.zeros(made.arrays[name].shape, dtype=F64) for name in names}
    narrow = made._replace(dtype=_dtype(asked, made))
    if asked.reduce == "mean":
        upstream = upstream / blocks.count(xp, upstream, asked.dim, made.present, (n, m))
    for kept, parts in blocks.slices(n, m, batch, asked.dim):
        places = [blocks.ordered(kept, over, asked.dim) for over in parts]
        least, above = (a[..., kept].unsqueeze(asked.dim) for a in (value, upstream))
        if asked.reduce == "min":
            with torch.no_grad():
                equal = [
                    (matrix(asked, narrow, made.part(*place)) == least).sum(asked.dim, keepdim=True) for place in places
                ]
            count = torch.stack(equal).sum(0)
            above = torch.where(count > 0, above / count, 0)  # a nan equals nothing
        for place in places:
            with torch.enable_grad():
                part = {name: a.detach() for name, a in made.part(*place).items()}
                part |= {name: part[name].requires_grad_() for name in names}
                found = matrix(asked, narrow, part)
            factor = above * (found.detach() == least) if asked.reduce == "min" else above.expand(found.shape)
            gradients = torch.autograd.grad(found, [part[name] for name in names], factor.to(found.dtype))
            where = dict(zip("ij", place, strict=True))
            for name, gradient in zip(names, gradients, strict=True):
                own = SIDES[name]
                at = totals[name] if own == "k" else totals[name][..., where[own[0]], :]
                at += gradient
    return [totals[name].to(made.arrays[name].dtype) for name in names]


def _nearest(asked: PairCall, made: Pairs) -> Nearest:
    count = neighbours_of(asked.k, made.points[1])
    arrays = made.arrays
    learned = torch.is_grad_enabled() and any(array.requires_grad for array in arrays.values())

    def sort(distances: Tensor) -> tuple[Tensor, Tensor]:
        values, order = torch.sort(distances, dim=-1, stable=True)
        return values[..., :count], order[..., :count]

    if watched() or not in_plain_memory([*arrays.values()]):
        values, indices = sort(matrix(asked, made, arrays))
    else:
        values, indices = _found_nearest(asked, made, count, sort)
        if learned:
            values = _at(asked, made, indices)
    indices = blocks.neighbour_indices(xp, indices, made.present)
    if made.single[0]:
        values, indices = values.squeeze(-2), indices.squeeze(-2)
    return Nearest(values, indices)


def _found_nearest(
    asked: PairCall, made: Pairs, count: int, sort: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """The least distances and whose they are, outside autograd."""
    still = made._replace(arrays={name: array.detach() for name, array in made.arrays.items()})
    with torch.no_grad():
        if on_kernels.keeps_nearest(MEMORY, asked.metric, still.arrays, count):
            given = (MEMORY, asked.metric, made.terms, still.arrays, asked.parameters, count, F64)
            found, places = on_kernels.nearest(*given)
            # Copied, for what lies in NumPy's memory cannot be resized.
            return torch.from_numpy(found).to(made.dtype, copy=True), torch.from_numpy(places).clone()
        batch = made.arrays["x"].shape[:-2].numel()

        def block(i: slice, j: slice) -> Tensor:
            return matrix(asked, still._replace(dtype=F64), still.part(i, j))

        values, indices = blocks.nearest(xp, block, *made.points, batch, sort)
        return values.to(made.dtype), indices


def _at(asked: PairCall, made: Pairs, indices: Tensor) -> Tensor:
    """The distances from some points, each from its own, as part of autograd's graph."""
    part: dict[str, Tensor] = {}
    flat = indices.flatten(-2).unsqueeze(-1)
    for name, array in made.arrays.items():
        if SIDES[name] == "jk":
            taken = torch.take_along_dim(array, flat, -2)
            part[name] = taken.reshape(*indices.shape, array.shape[-1])
        else:
            part[name] = array.unsqueeze(-2) if SIDES[name] == "ik" else array
    return matrix(asked, made, part).squeeze(-2)


def noded(function: str, a: Any, b: Any, given: dict[str, Any]) -> Any:
    """Call a function of pairs for the compiler, as one node of its graph."""
    _allow_node()
    return node(function, a, b, **given)


def node(function: str, a: Any, b: Any, **given: Any) -> Any:
    """Call a function of pairs; the compiler traces the operations within but not how they come to be."""
    found = FUNCTIONS[function](a, b, **given)
    return tuple(found) if function == "nearest" else found


@constant_to_compilers
def _allow_node() -> bool:
    torch.compiler.allow_in_graph(node)
    return True
