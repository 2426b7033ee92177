"""The quick lane of losses on torch's tensors: a call such as one before, of which only the addresses are new.

On a small tensor the checks and look-ups of a call cost many times what its kernel does. Plain tensors in one piece
that are alike, with a weight and a mask such as they are, need one look-up, by the loss and by what is asked of it.
The results are those of the ordinary way, bit by bit.
"""

# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from normwise.catalogue import Loss
from normwise.checks import NanPolicy
from normwise.engines import passes
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.libraries.torch_graph import (
    MEMORY,
    PLAIN,
    RECYCLED,
    SINGLE_AND_DOUBLE,
    Parameters,
    Tensor,
    Tensors,
    number,
)
from normwise.libraries.torch_internals import applied_at_once, overridden, save, with_backward
from normwise.libraries.torch_names import under_name
from normwise.libraries.torch_watchers import watched
from normwise.loss_functions import on_kernels
from normwise.loss_functions.options import Options
from normwise.loss_functions.torch_sums import ROUNDING, Reduce, ReduceMeans
from normwise.sums import Reduction, quotient
from normwise.terms import MASK, Terms, terms_of

_grad_enabled = torch.is_grad_enabled
_fresh_like = torch.empty_like
_place = torch.Tensor.data_ptr


class Form(NamedTuple):
    """What is asked of a call beside its loss."""

    by: str | None = None
    """What is summed for the divisor, if anything is. None where that is a number."""
    weighted: bool = False
    masked: bool = False
    nan_policy: NanPolicy = "propagate"


class Sums(NamedTuple):
    """A kernel of arrays in one piece, and the numbers of the arrays that it reads."""

    run: Callable[..., Sequence[float]]
    reads: tuple[int, ...]


class Lane(NamedTuple):
    """What the usual call needs, found by one look-up.

    Its arrays are input and target, the further arrays of the loss, the weight and the mask.
    """

    terms: Terms
    wrt: tuple[str, ...]
    learned: tuple[int, ...]
    """The numbers of the arrays in which the gradient is wanted."""
    before: Sums | None
    """Of the divisor, where it is summed before the gradient is written."""
    further: tuple[int, ...]
    """The numbers of the arrays beside input and target that the kernel reads."""
    run: Callable[..., Sequence[float]]
    """The kernel: of the values, and of what is summed `beside` them; it writes gradients."""
    beside: tuple[str, ...]
    """Names in `Terms`."""
    divisor: str | None
    """The one of these that is the divisor. None where that is a number, or summed `before`."""
    factored: tuple[Formula, ...]
    """What the gradient is a sum of, where it has factors that only the sums tell; else empty."""
    waits: bool
    """Whether the kernel writes the gradients, which wait for the factors."""
    dtype: torch.dtype
    apply: Callable[..., Tensor]
    """`ReduceOne` or `ReduceMeansOne`, under the name of the loss."""

    def divisor_before(self, arrays: Tensors, size: int) -> float:
        """Sum the divisor, and look at it."""
        assert self.before is not None
        run, reads = self.before
        [divisor] = run(size, *[arrays[i].data_ptr() for i in reads], 1.0)
        if not divisor > -math.inf:
            self.check_values(arrays)
        return divisor

    def checked(self, sums: Sequence[float], divisor: float, arrays: Tensors) -> float:
        """Look at what was summed beside the values, and return the divisor."""
        beside = dict(zip(self.beside, sums[-len(self.beside) :], strict=True))
        if on_kernels.is_in_doubt(beside):
            self.check_values(arrays)
        return divisor if self.divisor is None else beside[self.divisor]

    def check_values(self, arrays: Tensors) -> None:
        """Raise where an array holds what is refused."""
        on_kernels.check_values(MEMORY, self.terms, dict(zip(self.terms.value.arrays, arrays, strict=True)))

    def value(self, arrays: Tensors, places: Sequence[int], parameters: Parameters, size: int, divisor: float) -> float:
        """Compute a call of which no gradient is wanted."""
        sums = self.run(size, *places, *parameters, 1.0)
        if self.beside:
            divisor = self.checked(sums, divisor, arrays)
        return self.means(sums, divisor).value if self.factored else quotient(sums[0], divisor)

    def means(self, sums: Sequence[float], divisor: float) -> on_kernels.Means:
        """The means of a call, and the factors that they tell of its gradient."""
        totals = sums[: len(self.terms.values)]
        return on_kernels.means_of(self.terms, self.factored, totals, divisor, ROUNDING[self.dtype])


class ReduceOne(Reduce):
    """The usual `Reduce`: contiguous arrays that are alike; on small tensors every step shows."""

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *wanted: Tensor) -> Tensor:
        lane, arrays, places, parameters, size, divisor = about
        fresh = _fresh_like if size < RECYCLED else _recycled_like
        share = 1 / divisor if divisor else quotient(1.0, divisor)
        # Most calls learn one array, for which nothing is mapped. The gradients are as backward returns them.
        if len(wanted) == 1:
            gradients = (None, fresh(wanted[0]))
            sums = lane.run(size, *places, gradients[1].data_ptr(), *parameters, share)
        else:
            gradients = (None, *map(fresh, wanted))
            sums = lane.run(size, *places, *map(_place, gradients[1:]), *parameters, share)
        if lane.beside:
            lane.checked(sums, divisor, arrays)
        ctx.gradients, ctx.about = gradients, about
        save(ctx, arrays)
        return number(sums[0] / divisor if divisor else quotient(sums[0], divisor), lane.dtype)


def _backward_of_one(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    """What autograd calls for `ReduceOne`, without the steps that look for a vjp and for a second definition."""
    gradients, ctx.gradients = ctx.gradients, None
    try:
        if gradients is not None and type(upstream) is Tensor and upstream.item() == 1 and not _grad_enabled():
            return gradients
    except RuntimeError:  # upstream stands for a batch
        pass
    lane, _, _, parameters, _, divisor = ctx.about
    ctx.kept = gradients and gradients[1:], lane.terms, parameters, divisor, lane.wrt
    return Reduce.backward(ctx, upstream)


class ReduceMeansOne(ReduceMeans):
    """The usual `ReduceMeans`, of such arrays."""

    @staticmethod
    def forward(ctx: Any, about: tuple[Any, ...], *wanted: Tensor) -> Tensor:
        lane, arrays, places, parameters, size, divisor = about
        fresh = _fresh_like if size < RECYCLED else _recycled_like
        gradients = [*map(fresh, wanted)] if lane.waits else ()
        sums = lane.run(size, *places, *map(_place, gradients), *parameters, 1.0)
        if lane.beside:
            divisor = lane.checked(sums, divisor, arrays)
        ctx.found, ctx.gradients = lane.means(sums, divisor), gradients or None
        ctx.about = lane.terms, parameters, lane.wrt, lane.dtype
        save(ctx, arrays)
        return number(ctx.found.value, lane.dtype)


def _recycled_like(tensor: Tensor) -> Tensor:
    return MEMORY.empty_like(tensor, None)  # type: ignore[no-any-return]


_INPUT = (True, False)


def usual(
    loss: Loss, arrays: Tensors, parameters: Parameters, reduction: Reduction, options: Options | None
) -> Tensor | None:
    """Compute the usual call: a sum or mean of plain, contiguous tensors that are alike. None where it is another."""
    input, target = arrays if len(arrays) == 2 else arrays[:2]
    try:
        if not (
            type(input) in PLAIN
            and type(target) in PLAIN
            and (dtype := input.dtype) in SINGLE_AND_DOUBLE
            and target.dtype is dtype
            and not (watched() or overridden())
            and input.shape == target.shape
            and input.is_cpu
            and target.is_cpu
            and input.is_contiguous()
            and target.is_contiguous()
            and not input.is_neg()
            and not target.is_neg()
        ):
            return None
        places = (input.data_ptr(), target.data_ptr())
    except RuntimeError:  # sparse, and other layouts without memory of their own
        return None
    size = input.numel()
    if size == 0:
        return None
    form, divisor = None, size if reduction == "mean" else 1
    if options is not None:
        asked = _asked(loss, reduction, options, size)
        if asked is None:
            return None
        form, divisor = asked
        arrays = (*arrays, *[each for each in (options.weight, options.mask) if each is not None])
    # Most calls have two arrays and learn one: they make neither lists nor tuples of them.
    if len(arrays) > 2:
        if not _are_alike(arrays[2:], input, form is not None and form.masked):
            return None
        learned = tuple([each.requires_grad for each in arrays]) if _grad_enabled() else ()
    elif target.requires_grad:
        learned = (input.requires_grad, True) if _grad_enabled() else ()
    else:
        learned = _INPUT if input.requires_grad and _grad_enabled() else ()
    lane = _lane(loss, dtype, learned, form)
    if lane is None:
        return None
    if lane.further:
        places = (*places, *[arrays[i].data_ptr() for i in lane.further])
    if lane.before is not None:
        if size >= on_kernels.FAR:  # which sums it in the pass that writes the gradient
            return None
        divisor = lane.divisor_before(arrays, size)
    if lane.wrt:
        wanted = (input,) if learned is _INPUT else [arrays[i] for i in lane.learned]
        return lane.apply((lane, arrays, places, parameters, size, divisor), *wanted)
    if lane.beside or lane.factored or not divisor:
        return number(lane.value(arrays, places, parameters, size, divisor), dtype)
    return number(lane.run(size, *places, *parameters, 1.0)[0] / divisor, dtype)


def _asked(loss: Loss, reduction: Reduction, options: Options, size: int) -> tuple[Form, float] | None:
    """What is asked of a call, and the number that its sum is divided by; None where no lane is for it."""
    divisor = options.divisor(loss, reduction)
    if options.dim is not None or options.keepdim or not isinstance(divisor, (str, float)):
        return None
    weighted, masked = options.weight is not None, options.mask is not None
    if isinstance(divisor, str):
        return Form(divisor, weighted, masked, options.nan_policy), size
    return Form(None, weighted, masked, options.nan_policy), divisor


def _are_alike(further: Tensors, input: Tensor, masked: bool) -> bool:
    """Whether the arrays beside input and target are such as the input, and the mask, the last, of booleans."""
    shape, dtypes = input.shape, [input.dtype] * len(further)
    if masked:
        dtypes[-1] = torch.bool
    try:
        for array, dtype in zip(further, dtypes, strict=True):
            if not (
                type(array) in PLAIN
                and array.dtype is dtype
                and array.shape == shape
                and array.is_cpu
                and array.is_contiguous()
                and not array.is_neg()
            ):
                return False
            array.data_ptr()
    except RuntimeError:  # without a shape, or memory of their own
        return False
    return True


@per_formula
def _lane(loss: Loss, dtype: torch.dtype, learned: tuple[bool, ...], form: Form | None) -> Lane | None:
    """The lane of a loss, if its kernel reads input and target."""
    by, weighted, masked, nan_policy = form or Form()
    terms = terms_of(loss, weighted, masked, nan_policy == "omit", nan_policy == "raise")
    names = terms.value.arrays
    wanted = tuple(i for i, needs in enumerate(learned) if needs)
    wrt = tuple(names[i] for i in wanted)
    summed = None if by is None else on_kernels.divisor_of(terms, by)
    if on_kernels.has_factors_of_sums(terms, summed, wrt):
        function, backward, before = ReduceMeansOne, ReduceMeans.backward, None
        factored, have_one_factor = on_kernels.differentiated(terms, summed, wrt)
        written = wrt if have_one_factor else ()
    else:
        function, backward, before = ReduceOne, _backward_of_one, summed if wrt else None
        factored, written = (), wrt
    summing, beside = on_kernels.reducing(terms, on_kernels.summed_beside(terms, summed, before), written)
    if summing.reads[:2] != (0, 1):
        return None
    kernel = _sums(summing, names, dtype, len(written))
    named = under_name(function, loss.name)
    with_backward(named, backward)
    return Lane(
        terms,
        wrt,
        wanted,
        before=None if before is None else _sums(passes.summing((before,)), names, dtype),
        further=kernel.reads[2:],
        run=kernel.run,
        beside=beside,
        divisor=None if summed is None or before is not None else summed.name,
        factored=factored,
        waits=bool(written),
        dtype=dtype,
        apply=applied_at_once(named),
    )


def _sums(summing: passes.Pass, names: Sequence[str], dtype: torch.dtype, written: int = 0) -> Sums:
    """The kernel of a pass over arrays in one piece, as it reads those of these names."""
    read = [summing.arrays[i] for i in summing.reads]
    dtypes = [torch.bool if name == MASK else dtype for name in read]
    kernel = summing.kernel(MEMORY, (*dtypes, *[dtype] * written), None)
    return Sums(kernel.flat, tuple(map(names.index, read)))
