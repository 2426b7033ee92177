"""The quick lane of pairs for torch's points, as part of autograd's graph."""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

import torch

from normwise.catalogue.metrics import Metric
from normwise.engines.cpu import Storage, read_by
from normwise.formula.caches import per_formula
from normwise.libraries.torch_graph import PLAIN, RECYCLED, STORAGE, in_one_piece
from normwise.libraries.torch_internals import applied_at_once, overridden, save, with_backward
from normwise.libraries.torch_memory import empty
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import watched
from normwise.norms.lines import MANY
from normwise.pairs.lanes import Lane, Run, dense_strides, lane_of
from normwise.pairs.on_kernels import Contraction, Target, prepared
from normwise.pairs.on_torch import Beside, Distance, gradient_formula, gradients
from normwise.pairs.torch_contractions import Tensor

_grad_enabled = torch.is_grad_enabled
_fresh_like = torch.empty_like
_place = Tensor.data_ptr

_NEITHER = (False, False)

_POOLED = 8
"""How much memory of each lane waits for the next call, at most."""

_DTYPE = {storage: dtype for dtype, storage in STORAGE.items()}


class _Memory(NamedTuple):
    """Memory for what is written beside distances."""

    arrays: Sequence[Tensor]
    places: Sequence[int]


@dataclass(frozen=True, eq=False)
class TorchLane:
    """What a call needs that was made before."""

    lane: Lane
    learned: tuple[str, ...]
    """The sides whose gradients are wanted."""
    fresh: Callable[[], Tensor]
    """Memory for the distances."""
    beside: Sequence[Callable[[], Tensor]]
    """Memory for what is written beside them."""
    unused: list[_Memory]
    """Such memory that no call uses at the moment, where it is small; taking from and adding to a list is atomic."""
    apply: Callable[..., Tensor]
    """`FusedOne`, under the name of the metric."""
    kinds: Sequence[tuple[torch.dtype, torch.Size]]
    """Of the points."""

    is_small: bool

    def memory(self) -> _Memory:
        """Return memory for what is written beside the distances."""
        arrays = [fresh() for fresh in self.beside]
        return _Memory(arrays, [*map(_place, arrays)])

    def takes(self, sides: Sequence[Tensor]) -> bool:
        """Whether points are of the same kind, for a hook may have replaced those that were saved."""
        return in_one_piece(sides) and [(side.dtype, side.shape) for side in sides] == self.kinds


def usual(metric: Metric, parameters: tuple[float, ...], a: Any, b: Any) -> Tensor | None:
    """Compute the distances of plain tensors in one piece, without weight or mask. None where they are others."""
    if type(a) not in PLAIN or type(b) not in PLAIN or watched() or overridden():
        return None
    try:
        learned = (a.requires_grad, b.requires_grad) if _grad_enabled() else _NEITHER
        made = _lane(metric, a.dtype, b.dtype, a.shape, b.shape, learned)
        if made is None or not (
            a.is_cpu and b.is_cpu and a.is_contiguous() and b.is_contiguous() and not a.is_neg() and not b.is_neg()
        ):
            return None
        sides = (a.data_ptr(), b.data_ptr())
    except RuntimeError:  # without a shape, or without memory of their own
        return None
    lane, value = made.lane, made.fresh()
    place = value.data_ptr()
    if not made.learned:
        lane.run((*sides, place), parameters)
        return None if lane.largest is not None and lane.in_doubt(sides, place) else value
    try:
        beside = made.unused.pop()
    except IndexError:
        beside = made.memory()
    lane.run((*sides, place, *beside.places), parameters)
    if lane.largest is not None and lane.in_doubt(sides, place):
        return None
    return made.apply(((made, parameters, sides, [beside]), value), a, b)


@functools.lru_cache(MANY)
def _lane(
    metric: Metric, first: torch.dtype, second: torch.dtype, a: torch.Size, b: torch.Size, needs: tuple[bool, bool]
) -> TorchLane | None:
    """The lane of a call; None where the ordinary way is to be taken."""
    if not STORAGE.keys() >= {first, second} or torch.bool in (first, second):
        return None
    learned = tuple(name for name, needed in zip("xt", needs, strict=True) if needed)
    lane = lane_of(metric, STORAGE[first], STORAGE[second], a, b, learned)
    if lane is None:
        return None
    fresh, *beside = (_fresh(lane.shape, dtype) for dtype in (_DTYPE[lane.result], *[torch.float64] * lane.beside))
    kinds = [(first, a), (second, b)]
    return TorchLane(lane, learned, fresh, beside, [], _function(metric), kinds, lane.count <= MANY)


def _fresh(shape: tuple[int, ...], dtype: torch.dtype) -> Callable[[], Tensor]:
    """What returns memory for results of a shape; small ones are allocated faster by a tensor that is like them."""
    if torch.Size(shape).numel() > MANY:
        return functools.partial(empty, shape, dtype)
    with torch.inference_mode(False):
        return functools.partial(_fresh_like, torch.empty(shape, dtype=dtype, device="cpu"))


class FusedOne(torch.autograd.Function):
    """The usual `Fused`: its distances are there already."""

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *sides: Tensor) -> Tensor:
        ctx.about, value = about
        save(ctx, sides)
        return value


def _backward_of_one(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    """What autograd calls for `FusedOne`, without the steps that look for a vjp and for a second definition."""
    about: tuple[TorchLane, tuple[float, ...], tuple[int, int], list[_Memory]] = ctx.about
    made, parameters, before, unused = about
    sides: tuple[Tensor, Tensor] = ctx.saved_tensors
    needs: tuple[bool, ...] = ctx.needs_input_grad
    lane = made.lane
    above = None if _grad_enabled() else _readable(upstream)
    places = () if above is None else (sides[0].data_ptr(), sides[1].data_ptr())
    if above is None or (places != before and not made.takes(sides)):
        asked = Distance(lane.metric, lane.terms, parameters)
        left = next(iter(unused), None)
        return None, *gradients(asked, sides, Beside(made.learned, left and left.arrays), upstream, needs[1:])
    try:
        beside = unused.pop() if made.is_small else unused[0]
    except IndexError:  # a second pass of the same graph
        beside, value = made.memory(), made.fresh()
        lane.run((*places, value.data_ptr(), *beside.places), parameters)
    pulls = _pulls(made, above.dtype, above.stride(), needs)
    if pulls is None:
        above = above.contiguous()
        pulls = _pulls(made, above.dtype, above.stride(), needs)
        assert pulls is not None
    if lane.shares is None:
        read = (*places, *beside.places, above.data_ptr())
    else:
        share = made.beside[0]()
        read = (*places, *beside.places, share.data_ptr(), above.data_ptr())
        lane.shares(read[:-1], ())
    found: list[Tensor | None] = [None, None, None]
    for side, fresh, run, reads in pulls:
        gradient = found[1 + side] = fresh(sides[side])
        run((*reads(read), gradient.data_ptr()), parameters)
    if made.is_small and len(made.unused) < _POOLED:
        made.unused.append(beside)
    return tuple(found)


def _readable(upstream: Tensor) -> Tensor | None:
    """What comes from upstream; None where no kernel may read it."""
    if type(upstream) not in PLAIN or watched() or overridden():
        return None
    try:
        return upstream if upstream.is_cpu and upstream.data_ptr() and not upstream.is_neg() else None
    except RuntimeError:  # it stands for a batch, or has no memory of its own
        return None


@per_formula
def _function(metric: Metric) -> Callable[..., Any]:
    function = under_name(FusedOne, f"{metric.name}_distances")
    with_backward(function, _backward_of_one)
    return applied_at_once(function)


class _Pull(NamedTuple):
    """The gradient in one side."""

    side: int
    """Its number."""
    fresh: Callable[[Tensor], Tensor]
    """Memory for it."""
    run: Run
    reads: Callable[[Sequence[int]], Sequence[int]]
    """What selects the addresses that its contraction reads, of both sides, what is beside distances, and upstream."""


@functools.lru_cache(MANY)
def _pulls(
    made: TorchLane, dtype: torch.dtype, strides: tuple[int, ...], needs: tuple[bool, ...]
) -> Sequence[_Pull] | None:
    """The gradients of a lane for what comes from upstream; None where that does not come down to one stride."""
    lane, metric, terms = made.lane, made.lane.metric, made.lane.terms
    pulls: list[_Pull] = []
    for side, (name, _, shape) in enumerate(lane.lengths):
        if not needs[1 + side]:
            continue
        formula = gradient_formula(metric, terms, made.learned, name)
        numbers = {each: i for i, each in enumerate(formula.arrays)}
        inner = len(formula.arrays) - 3
        between: list[Storage] = ["float64"] * inner
        types = [*lane.storage, *between, STORAGE[dtype]]
        steps = [*[dense_strides(own) for _, _, own in lane.lengths], *[dense_strides(lane.shape)] * inner, strides]
        lengths = (*lane.lengths, *[(each, "ij", lane.shape) for each in formula.arrays[2:]])
        reads = [numbers[each] for each in read_by((formula,))]
        contraction = prepared(
            Contraction((formula,), _OF_SIDE[side]),
            lengths,
            tuple([steps[i] for i in reads]),
            tuple([types[i] for i in reads]),
            (lane.storage[side],),
        )
        if contraction is None:
            return None
        assert contraction.run is not None
        small = torch.Size(shape).numel() < RECYCLED
        select: Any = itemgetter(*reads) if len(reads) > 1 else itemgetter(slice(reads[0], reads[0] + 1))
        pulls.append(_Pull(side, _fresh_like if small else _recycled_like, contraction.run, select))
    return pulls


def _recycled_like(array: Tensor) -> Tensor:
    return empty(array.shape, array.dtype)


_OF_SIDE: tuple[Target, Target] = ("ik", "jk")
