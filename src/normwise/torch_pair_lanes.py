"""The quick lane of pairs for torch's points, as part of autograd's graph."""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from normwise import fused
from normwise.catalogue.metrics import Metric
from normwise.engines.cpu import Storage, read_by
from normwise.formula.caches import per_formula
from normwise.formula.expression import variable
from normwise.fused_pairs import Contraction, Target, single_sum
from normwise.pair_lanes import Lane, Run, dense, lane_of
from normwise.torch_autograd import MEMORY, RECYCLED, SINGLE_AND_DOUBLE, STORAGE, UPSTREAM, in_one_piece
from normwise.torch_contractions import F64, Tensor, summed_pullback, upstream_name
from normwise.torch_memory import empty
from normwise.torch_names import applied_at_once, under_name
from normwise.torch_pairs import Distance, Fused, slope_of
from normwise.torch_watchers import overridden, watched

_grad_enabled = torch.is_grad_enabled
_fresh_like = torch.empty_like

_About = tuple[Lane, tuple[float, ...], list[Tensor]]
"""The lane, the parameters and the sums that are kept."""

_DTYPE = {storage: dtype for dtype, storage in STORAGE.items()}


def usual(metric: Metric, parameters: tuple[float, ...], a: Any, b: Any) -> Tensor | None:
    """Compute the distances of plain tensors in one piece, without weight or mask. None where they are others."""
    if not in_one_piece((a, b)):
        return None
    learned = _grad_enabled() and (a.requires_grad or b.requires_grad)
    lane = lane_of(metric, STORAGE[a.dtype], STORAGE[b.dtype], a.shape, b.shape, learned)
    if lane is None:
        return None
    value = _fresh(lane.shape, lane.count, _DTYPE[lane.result])
    sides, place = (a.data_ptr(), b.data_ptr()), value.data_ptr()
    if not learned:
        lane.run((*sides, place), parameters)
        return None if lane.largest is not None and lane.in_doubt(sides, place) else value
    sums = [_fresh(lane.shape, lane.count, F64) for _ in range(lane.sums)]
    lane.run((*sides, place, *[each.data_ptr() for each in sums]), parameters)
    if lane.largest is not None and lane.in_doubt(sides, place):
        return None
    return _function(metric)((lane, parameters, sums), (value,), a, b)  # type: ignore[no-any-return]


def _fresh(shape: tuple[int, ...], count: int, dtype: torch.dtype) -> Tensor:
    """Memory for a result; lengths one by one are read faster than a tuple of them."""
    return torch.empty(*shape, dtype=dtype) if shape and count < RECYCLED else empty(shape, dtype)


class FusedOne(Fused):
    """The usual `Fused`: its distances are there already."""

    @staticmethod
    def forward(ctx: Any, about: _About, value: tuple[Tensor], a: Tensor, b: Tensor) -> Tensor:
        ctx.about = about
        ctx.to_save = (a, b)  # what save_for_backward does
        return value[0]


def _backward_of_one(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    """What autograd calls for `FusedOne`, without the steps that look for a vjp and for a second definition."""
    lane, parameters, sums = ctx.about
    above = None if _grad_enabled() or lane.metric.is_extreme else _in_one_piece(upstream)
    if above is None:
        ctx.asked, ctx.sums = Distance(lane.metric, lane.terms, parameters), sums
        return Fused.backward(ctx, upstream)
    pull = _pull_of(lane, above.dtype, ctx.needs_input_grad)
    sides = ctx.saved_tensors
    places = [array.data_ptr() for array in (*sides, *sums, above)]
    gradients: list[Tensor | None] = [None] * 4
    if pull.slopes:
        slopes = [_fresh(lane.shape, lane.count, F64) for _ in sums]
        for (run, reads), slope in zip(pull.slopes, slopes, strict=True):
            run(lane.count, *[places[i] for i in reads], slope.data_ptr(), 1.0)
        places += [slope.data_ptr() for slope in slopes]
    for side, run, reads in pull.gradients:
        array = sides[side]
        gradient = _fresh_like(array) if lane.count < RECYCLED else empty(array.shape, array.dtype)
        run([*[places[i] for i in reads], gradient.data_ptr()], parameters)
        gradients[2 + side] = gradient
    return tuple(gradients)


def _in_one_piece(upstream: Tensor) -> Tensor | None:
    """What comes from upstream, in one piece (of a sum it is one number for all); None where no kernel may read it."""
    if type(upstream) is not Tensor or watched() or overridden():
        return None
    try:
        dense = upstream.contiguous()
        readable = dense.is_cpu and dense.dtype in SINGLE_AND_DOUBLE and not dense.is_neg() and dense.data_ptr()
    except RuntimeError:  # it stands for a batch, or has no memory of its own
        return None
    return dense if readable else None


@per_formula
def _function(metric: Metric) -> Callable[..., Any]:
    function = under_name(FusedOne, f"{metric.name}_distances")
    function._backward_cls.apply = _backward_of_one
    return applied_at_once(function)


class _Pull(NamedTuple):
    """What the gradients of a lane need.

    What they read is numbered: both sides, the sums that are kept, what comes from upstream, and the slopes.
    """

    slopes: Sequence[tuple[Callable[..., Any], Sequence[int]]]
    """For each sum the kernel of its slope, and what it reads. None where the gradients find the slopes themselves."""
    gradients: Sequence[tuple[int, Run, Sequence[int]]]
    """The numbers of the sides whose gradients are wanted, their contractions, and what these read."""


@functools.lru_cache(1 << 10)
def _pull_of(lane: Lane, dtype: torch.dtype, needs: tuple[bool, ...]) -> _Pull:
    sums, finish = lane.terms.sums, lane.terms.finish
    names = [upstream_name(sums[0], k) for k in range(len(sums))]
    batch, points = lane.lengths[0][2][:-2], tuple(shape[-2] for _, _, shape in lane.lengths)
    sums_read = [f"s{k}" for k in range(lane.sums)]
    apart = lane.sums and lane.count * lane.lengths[0][2][-1] >= _FEW
    order = ["x", "t", *sums_read, UPSTREAM, *(names if apart else [])]
    shape = (*batch, *points)
    own = dict(zip("xt", lane.storage, strict=True))
    types: list[Storage] = [own.get(name, STORAGE[dtype] if name == UPSTREAM else "float64") for name in order]
    slopes: list[tuple[Callable[..., Any], Sequence[int]]] = []
    for k in range(lane.sums if apart else 0):
        slope = fused.mapping(slope_of(finish, k))
        kernel = slope.kernel(MEMORY, (*[[*[F64] * lane.sums, dtype][i] for i in slope.reads], F64), None)
        slopes.append((kernel.flat, [2 + i for i in slope.reads]))
    lengths = (*lane.lengths, *[(name, "ij", shape) for name in order[2:]])
    gradients: list[tuple[int, Run, Sequence[int]]] = []
    for side, (name, _, _) in enumerate(lane.lengths):
        if not needs[2 + side]:
            continue
        formula = summed_pullback(sums, tuple(range(len(sums))), name)
        if not apart:
            inner = {
                n: slope_of(finish, k).expression if lane.sums else variable(UPSTREAM) for k, n in enumerate(names)
            }
            formula = formula.on(tuple(order), **inner)
        else:
            formula = formula.on(tuple(order))
        pulled = Contraction((formula,), _OF_SIDE[side], (single_sum(0),))
        reads = [order.index(each) for each in read_by(pulled.sums)]
        run = dense(pulled, lengths, tuple([types[i] for i in reads]), (own[name],)).run
        assert run is not None
        gradients.append((side, run, reads))
    return _Pull(slopes, gradients)


_OF_SIDE: tuple[Target, Target] = ("ik", "jk")

_FEW = 1 << 13
"""Pairs times features below which a slope is computed for each feature anew: a kernel more would take longer."""
