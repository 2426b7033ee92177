"""Norms of torch tensors, as part of autograd's graph.

Plain tensors in the CPU's memory take the fused kernels, for the value and for its gradient; the gradient of that, and
everything unusual, is composed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from array_api_compat import torch as xp
from torch.overrides import handle_torch_function, has_torch_function

from normwise.checks import check_broadcasts, check_mask, check_no_nan, check_no_negative_weight
from normwise.engines import passes
from normwise.engines.cpu import Arguments
from normwise.errors import DtypeError
from normwise.formula import Formula
from normwise.libraries.torch_checks import check_tensors
from normwise.libraries.torch_graph import (
    MEMORY,
    PLAIN,
    RECYCLED,
    STORAGE,
    elementwise,
    in_one_piece,
    in_plain_memory,
    may_be_read,
    number,
    with_operations,
)
from normwise.libraries.torch_internals import applied_at_once, constant_to_compilers, overridden, save, with_backward
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import check_looks_at_no_data, watched, without_tracer_warnings
from normwise.norms import composed, on_kernels
from normwise.norms.call import FUNCTIONS, USUAL, NormCall, Usual, usual_call
from normwise.norms.flat import Whole, whole_norm
from normwise.norms.lines import MANY, LineNorms, line_norms
from normwise.norms.on_kernels import Request
from normwise.terms import MASK, WEIGHT, nan_count, negatives, weight_term

Tensor = torch.Tensor
Tensors = Mapping[str, Tensor]

_FLOATING = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


_grad_enabled = torch.is_grad_enabled
_traced_by_dynamo = torch.compiler.is_dynamo_compiling
_fresh_like = torch.empty_like
_place = Tensor.data_ptr


class Lane(NamedTuple):
    """What a usual call needs, found by one look-up."""

    norms: LineNorms
    run: Callable[..., Arguments | None]
    end: Callable[[Arguments], None]
    fresh: Callable[[], Tensor]
    """Memory for the result."""
    empty_like: Callable[[Tensor], Tensor]
    """Memory for a gradient."""
    apply: Callable[..., Tensor]
    """`_Lines`, under the name of the norm."""
    kinds: Sequence[tuple[torch.dtype, torch.Size]]
    """Of the arrays."""

    def takes(self, arrays: Sequence[Tensor], before: tuple[int, ...]) -> bool:
        """Whether arrays that lay at some places still do, or are of the same kind: a hook may have replaced them."""
        if (*map(_place, arrays),) == before:
            return True
        return in_one_piece(arrays) and [(array.dtype, array.shape) for array in arrays] == self.kinds


_lanes: dict[Hashable, Lane | None] = {}
"""The lanes of calls that were made; None where the ordinary way is to be taken."""

_NEW: Any = object()
"""In the place of a lane, where such a call was not made before."""


def usual_norm(x: Tensor, p: float, dim: Any, keepdim: bool) -> Tensor | None:
    """Compute the norms of a usual call: of lines of a plain, contiguous tensor. None where it is another."""
    if _traced_by_dynamo() or watched() or overridden():
        return None
    try:
        key = (p, p.__class__, dim, dim.__class__, keepdim, x.dtype, x.shape)
    except RuntimeError:  # without a shape
        return None
    try:
        lane = _lanes.get(key, _NEW)
    except TypeError:  # not to be hashed
        return None
    if lane is _NEW:
        lane = _lane(key, usual_call("norm", (x,), p, dim, keepdim))
    if lane is None:
        return None
    try:
        if not x.is_cpu or not x.is_contiguous() or x.is_neg():
            return None
        place = x.data_ptr()
    except RuntimeError:  # without memory of its own
        return None
    result = lane.fresh()
    found = lane.run(place, result.data_ptr())
    if found is None:
        return None
    if x.requires_grad and _grad_enabled():
        return lane.apply((lane, found, (place,), result), x)
    lane.end(found)
    return result


def usual_distance(a: Tensor, b: Tensor, p: float, dim: Any, keepdim: bool, eps: float) -> Tensor | None:
    """Compute the distances of a usual call: of lines of plain, contiguous tensors. None where it is another."""
    if type(b) not in PLAIN or _traced_by_dynamo() or watched() or overridden():
        return None
    try:
        key = (p, p.__class__, dim, dim.__class__, keepdim, eps, a.dtype, b.dtype, a.shape, b.shape)
    except RuntimeError:  # without a shape
        return None
    try:
        lane = _lanes.get(key, _NEW)
    except TypeError:
        return None
    if lane is _NEW:
        lane = _lane(key, usual_call("distance", (a, b), p, dim, keepdim, eps))
    if lane is None:
        return None
    try:
        one_piece = a.is_cpu and b.is_cpu and a.is_contiguous() and b.is_contiguous()
        if not one_piece or a.is_neg() or b.is_neg():
            return None
        places = (a.data_ptr(), b.data_ptr())
    except RuntimeError:
        return None
    result = lane.fresh()
    found = lane.run(*places, result.data_ptr())
    if found is None:
        return None
    if (a.requires_grad or b.requires_grad) and _grad_enabled():
        return lane.apply((lane, found, places, result), a, b)
    lane.end(found)
    return result


USUAL.update(dict.fromkeys(PLAIN, Usual(usual_norm, usual_distance)))


def _lane(key: Hashable, asked: NormCall | None) -> Lane | None:
    """Find the lane of a call, and keep it; None where there is none."""
    if asked is None:
        return None
    if len(_lanes) >= MANY:
        _lanes.clear()
    lane, shape = None, asked.arrays[0].shape
    if all(a.dtype in STORAGE and a.dtype is not torch.bool and a.shape == shape for a in asked.arrays):
        lane = _new_lane(asked, tuple(shape))
    return _lanes.setdefault(key, lane)


def _new_lane(asked: NormCall, shape: tuple[int, ...]) -> Lane | None:
    request = asked.request(shape)
    dtype = torch.float64 if any(a.dtype is torch.float64 for a in asked.arrays) else torch.float32
    of_lines = line_norms(request, shape, tuple([STORAGE[a.dtype] for a in asked.arrays]), STORAGE[dtype])
    if of_lines is None:
        return None
    kept = asked.shape_of_result(shape, request.dims)
    with torch.inference_mode(False):
        like = torch.empty(kept, dtype=dtype, device="cpu")
    fresh = functools.partial(_fresh_like, like)
    empty_like: Callable[[Tensor], Tensor] = _fresh_like if math.prod(shape) < RECYCLED else _empty_like
    if like.numel() > MANY:  # the memory of one more would be too much
        fresh = functools.partial(MEMORY.empty, kept, dtype)
    function = under_name(_Lines, f"l{request.p:g}_{asked.function}")
    with_backward(function, _backward_of_lines)
    return Lane(
        of_lines,
        of_lines.run,
        of_lines.end,
        fresh,
        empty_like,
        applied_at_once(function),
        [(a.dtype, a.shape) for a in asked.arrays],
    )


def _empty_like(array: Tensor) -> Tensor:
    return MEMORY.empty_like(array, None)  # type: ignore[no-any-return]


def call(asked: NormCall) -> Tensor:
    """Compute a norm; for the compiler, as one node of its graph."""
    if torch.compiler.is_dynamo_compiling():
        _allow_node()
        return node(*asked)
    if in_one_piece(asked.arrays) and asked.is_plain:
        value = _of_all(asked)
        if value is not None:
            return value
    return _computed(asked)


def _of_all(asked: NormCall) -> Tensor | None:
    """Compute the norm of all elements of tensors in one piece; None where their powers may leave the range."""
    of, arrays = asked.of, asked.arrays
    if any(a.shape != arrays[0].shape for a in arrays) or not arrays[0].numel():
        return None
    lane = whole_norm(of, asked.p, tuple([STORAGE[a.dtype] for a in arrays]))
    places = [a.data_ptr() for a in arrays]
    found = lane.value(arrays[0].numel(), places)
    if found is None:
        return None
    if torch.is_grad_enabled() and any(a.requires_grad for a in arrays):
        value = applied_at_once(under_name(_Whole, f"l{asked.p:g}_{asked.function}"))(lane, found, *arrays)
    else:
        value = _number(found, arrays)
    return value.reshape((1,) * arrays[0].ndim) if asked.keepdim else value


def _number(value: float, arrays: Sequence[Tensor]) -> Tensor:
    """The norm of some arrays as a tensor."""
    return number(value, torch.float64 if any(array.dtype is torch.float64 for array in arrays) else torch.float32)


def node(*asked: Any) -> Tensor:
    """Compute a norm for the compiler, which traces the operations within but not how they come to be."""
    call = NormCall(*asked)
    return _computed(call._replace(p=float(call.p)))  # a formula is traced for an order: no symbol will do


@constant_to_compilers
def _allow_node() -> bool:
    torch.compiler.allow_in_graph(node)
    return True


@without_tracer_warnings
def _computed(asked: NormCall) -> Tensor:
    given = [array for array in (*asked.arrays, asked.weight, asked.mask) if array is not None]
    if has_torch_function(given):
        function = FUNCTIONS[asked.function]
        return handle_torch_function(function, given, *asked.arrays, **asked.keywords)  # type: ignore[no-any-return]
    named = asked.named
    check_tensors(asked.function, named)
    arrays, dtype = _real(asked, {name: named[name] for name in asked.of.arrays})
    shape = asked.common_shape({name: array.shape for name, array in arrays.items()})
    if asked.weight is not None:
        check_broadcasts(WEIGHT, asked.weight.shape, shape)
        arrays |= _real(asked, {WEIGHT: asked.weight})[0]
    if asked.mask is not None:
        check_mask(asked.mask, asked.mask.dtype is torch.bool)
        check_broadcasts(MASK, asked.mask.shape, shape)
        arrays[MASK] = asked.mask
    arrays = {name: array if array.shape == shape else array.expand(shape) for name, array in arrays.items()}
    request = asked.request(shape)
    plain = not watched() and in_plain_memory([*arrays.values()])
    _check_values(asked, arrays, plain)
    learned = WEIGHT in arrays and arrays[WEIGHT].requires_grad and torch.is_grad_enabled()
    if plain and not learned:
        *measured, weight, mask = (arrays.get(name) for name in (*request.of.arrays, WEIGHT, MASK))
        compute: Callable[..., Tensor] = under_name(_Norm, f"l{request.p:g}_{asked.function}").apply
        result = compute(request, dtype, weight, mask, *measured)
    else:
        result = _composed(request, arrays).to(dtype)
    if asked.keepdim:
        return result
    return result.reshape([n for i, n in enumerate(shape) if i not in request.dims])


class _Norm(torch.autograd.Function):
    """A norm on the fused kernels; the reduced dimensions have length 1."""

    @staticmethod
    def forward(
        ctx: Any,
        request: Request,
        dtype: torch.dtype,
        weight: Tensor | None,
        mask: Tensor | None,
        *measured: Tensor,
    ) -> Tensor:
        found = on_kernels.norm(MEMORY, request, _named(request, weight, mask, *measured))
        ctx.about = request, found
        ctx.save_for_backward(weight, mask, *measured)
        return torch.from_numpy(found.value).to(dtype, copy=True)  # what the gradient needs is not given away

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        request, found = ctx.about
        arrays = _named(request, *ctx.saved_tensors)
        wanted = zip(request.of.arrays, ctx.needs_input_grad[4:], strict=True)
        wrt = [name for name, needs in wanted if needs]
        if torch.is_grad_enabled() or not may_be_read(upstream):
            gradients = _gradients_in_graph(request, arrays, upstream, wrt)
        else:
            above = np.asarray(upstream.double().numpy())
            gradients = on_kernels.gradients(MEMORY, request, arrays, found, above, wrt)
        by_name = dict(zip(wrt, gradients, strict=True))
        return None, None, None, None, *[by_name.get(name) for name in request.of.arrays]


def _gradients_in_graph(
    request: Request, arrays: dict[str, Tensor], upstream: Tensor, wrt: Sequence[str]
) -> Sequence[Tensor]:
    """The gradients as part of autograd's graph."""
    with torch.enable_grad():
        arrays |= {name: in_a_role(arrays[name]) for name in wrt}
        value = _composed(request, arrays)
        leaves = [arrays[name] for name in wrt]
        above = upstream.to(value.dtype).reshape(value.shape)
        return torch.autograd.grad(value, leaves, above, create_graph=True)


def in_a_role(array: Tensor) -> Tensor:
    """Give a tensor to differentiate by: one that has several roles is a tensor of its own in each."""
    return array.view_as(array) if array.requires_grad else array.detach().requires_grad_()


class _Whole(torch.autograd.Function):
    """The norm of all elements of tensors in one piece, which is known already."""

    @staticmethod
    def forward(ctx: Any, lane: Whole, found: float, *measured: Tensor) -> Tensor:
        ctx.about = lane, found
        ctx.save_for_backward(*measured)
        return _number(found, measured)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        lane, found = ctx.about
        arrays: tuple[Tensor, ...] = ctx.saved_tensors
        wanted = zip(lane.of.arrays, arrays, ctx.needs_input_grad[2:], strict=True)
        leaves = {name: array for name, array, needs in wanted if needs}
        if torch.is_grad_enabled() or not may_be_read(upstream):
            request = Request(lane.of, lane.p, tuple(range(arrays[0].ndim)), omits=False)
            named = dict(zip(lane.of.arrays, arrays, strict=True))
            gradients = dict(zip(leaves, _gradients_in_graph(request, named, upstream, [*leaves]), strict=True))
        else:
            gradients = {name: MEMORY.empty_like(array, None) for name, array in leaves.items()}
            results = {name: gradient.data_ptr() for name, gradient in gradients.items()}
            places = [a.data_ptr() for a in arrays]
            lane.write_gradients(arrays[0].numel(), places, found, upstream.item(), results)
        return None, None, *[gradients.get(name) for name in lane.of.arrays]


class _Lines(torch.autograd.Function):
    """The norms of a `Lane`, which are known already."""

    @staticmethod
    def forward(ctx: Any, about: tuple[Lane, Arguments, tuple[int, ...], Tensor], *measured: Tensor) -> Tensor:
        lane, found, places, result = about
        ctx.about = lane, [found], places
        save(ctx, measured)
        return result


def _backward_of_lines(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    """What autograd calls for `_Lines`, without the steps that look for a vjp and for a second definition."""
    about: tuple[Lane, list[Arguments], tuple[int, ...]] = ctx.about
    lane, unused, before = about
    arrays: tuple[Tensor, ...] = ctx.saved_tensors
    needs: tuple[bool, ...] = ctx.needs_input_grad[1:]
    if _grad_enabled() or not may_be_read(upstream) or not lane.takes(arrays, before):
        request: Request = lane.norms.request
        named = dict(zip(request.of.arrays, arrays, strict=True))
        wrt = [name for name, needed in zip(named, needs, strict=True) if needed]
        by_name = dict(zip(wrt, _gradients_in_graph(request, named, upstream, wrt), strict=True))
        return None, *[by_name.get(name) for name in request.of.arrays]
    if upstream.is_neg():
        upstream = upstream.resolve_neg()
    step = 1
    if not upstream.is_contiguous():
        step = int(any(upstream.stride()))  # what a sum brings is one number, repeated
        upstream = upstream.contiguous() if step else upstream
    try:
        found = unused.pop()
    except IndexError:  # a second pass of the same graph
        result = lane.fresh()
        again = lane.run(*map(_place, arrays), result.data_ptr())
        assert again is not None
        found = again
    read, written, run, end = lane.norms.backward(needs)
    given = arrays if len(read) == len(arrays) else [arrays[i] for i in read]
    gradients = [*map(lane.empty_like, arrays if len(written) == len(arrays) else [arrays[i] for i in written])]
    end(run(*map(_place, given), *map(_place, gradients), found.partials, upstream.data_ptr(), step))
    lane.end(found)
    if len(gradients) == len(arrays):
        return None, *gradients
    return None, *[gradients.pop(0) if needed else None for needed in needs]


def _named(request: Request, weight: Tensor | None, mask: Tensor | None, *measured: Tensor) -> dict[str, Tensor]:
    named = {**dict(zip(request.of.arrays, measured, strict=True)), WEIGHT: weight, MASK: mask}
    return {name: array for name, array in named.items() if array is not None}


def _composed(request: Request, arrays: Tensors) -> Tensor:
    on = arrays[request.of.arrays[0]].device
    wide = torch.float32 if on.type == "mps" else torch.float64  # which has no float64

    def compute(formula: Formula, given: Sequence[Tensor]) -> Tensor:
        return elementwise(formula, (), wide, *given)

    return composed.norm(xp, compute, Tensor.detach, request, arrays)  # type: ignore[no-any-return]


def _check_values(asked: NormCall, arrays: Tensors, plain: bool) -> None:
    """Check what can only be seen in the elements, where they are at hand."""
    check_looks_at_no_data(asked.nan_policy)
    if watched() or not all(array.is_cpu for array in arrays.values()):
        return

    def count(formula: Formula, **further: Tensor) -> float:
        named = {**arrays, **further}
        given = {name: named[name].detach() for name in formula.arrays}
        if plain:
            return passes.total(MEMORY, formula, given)
        return float(with_operations(formula, (), torch.float64, *given.values()).sum())

    if WEIGHT in arrays:
        check_no_negative_weight(count(negatives(weight_term(MASK in arrays))))
    if asked.nan_policy == "raise":
        for name in asked.of.arrays:
            check_no_nan(name, count(nan_count(MASK in arrays, WEIGHT in arrays), x=arrays[name]))


def _real(asked: NormCall, arrays: Tensors) -> tuple[dict[str, Tensor], torch.dtype]:
    """The tensors in real numbers with fractions, and the dtype of their norm."""
    if any(x.is_complex() for x in arrays.values()):
        return _moduli(asked, arrays)
    return real(asked.function, arrays)


def real(function: str, arrays: Tensors) -> tuple[dict[str, Tensor], torch.dtype]:
    """Return tensors of real numbers with fractions, and the dtype of what is computed of them."""
    dtype = torch.float32
    for name, x in arrays.items():
        if x.is_complex() or (x.is_floating_point() and x.dtype not in _FLOATING):
            mend = f"{name}.abs()" if x.is_complex() else f"{name}.float()"
            raise DtypeError(f"{function} is not implemented for {x.dtype}: use {mend}")
        dtype = torch.promote_types(dtype, x.dtype if x.is_floating_point() else torch.float64)
    return {name: x if x.is_floating_point() else x.double() for name, x in arrays.items()}, dtype


def _moduli(asked: NormCall, arrays: Tensors) -> tuple[dict[str, Tensor], torch.dtype]:
    """The moduli of complex numbers; of two, that of their difference and 0, of which it is the difference."""
    wide = {name: x.to(torch.complex128) for name, x in arrays.items()}
    single = all(x.dtype in (torch.complex64, torch.complex32, *_FLOATING - {torch.float64}) for x in arrays.values())
    dtype = torch.float32 if single else torch.float64
    first, *others = wide.values()
    if not others:
        return {name: x.abs() for name, x in wide.items()}, dtype
    asked.common_shape({name: x.shape for name, x in wide.items()})
    found = (first - others[0] + asked.eps).abs()
    return {"a": found, "b": torch.full_like(found, asked.eps)}, dtype
