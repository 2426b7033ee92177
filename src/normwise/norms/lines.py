"""The norms of lines that a block of the kernel holds whole: on small arrays every step more would show.

All that a call needs but addresses is at hand once a call like it was made: the kernel finishes each norm and stores it
in its dtype, so that no step of an array library follows.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from normwise.catalogue.norms import Norm
from normwise.engines.cpu import (
    Arguments,
    PreparedCall,
    RowKernel,
    RowSpec,
    SlopeKernel,
    SlopeSpec,
    Storage,
    direct_operands,
    holds_lines,
)
from normwise.engines.cpu.row_spec import Axis
from normwise.engines.layout import Lines, lay_out_lines
from normwise.formula import Formula, apply
from normwise.formula.caches import per_formula
from normwise.formula.expression import variable
from normwise.norms.on_kernels import Request, doubt, factor_of, stays_inside, towards
from normwise.terms import FACTOR, TOP, ties

MANY = 1 << 10
"""Calls of which what they need is kept, at most."""

SMALL = 1 << 16
"""Elements up to which a call that finds doubts costs little."""


class Backward(NamedTuple):
    """What writes the gradients in some arrays."""

    read: Sequence[int]
    """Which of the arrays are read."""
    written: Sequence[int]
    """In which of them the gradients are."""
    run: Callable[..., Arguments]
    """Of the addresses of these and those, of the norms' partial results and of what comes from upstream, in the type
    of the norms, and of the step of the latter from line to line."""
    end: Callable[[Arguments], None]


class LineNorms:
    """The norms of lines of contiguous arrays of one shape.

    Parameters
    ----------
    request : Request
    lines : Lines
        How the arrays lie in memory.
    storage : tuple of str
        The types of what is measured.
    result : str
        That of the norms.
    """

    def __init__(self, request: Request, lines: Lines, storage: tuple[Storage, ...], result: Storage) -> None:
        self.request = request
        self._terms = request.terms({}, measured=False)
        self._lines, self._storage, self._result = lines, storage, result
        norm = self._terms.norm
        doubts = doubt(norm) if may_doubt(request, norm, storage) else None
        count = len(storage)
        kernel = _row_kernel(self._terms.value, storage, result, _direct(lines, count), lines.along, norm, doubts)
        layout = lines.layout._replace(strides=(*lines.layout.strides, STILL))
        self._forward = PreparedCall(kernel, layout, [4 * k for k in range(count + 1)])
        self.run: Callable[..., Arguments | None] = self._forward.run if doubts is None else self._run_in_doubt
        """Store the norms of arrays, to an address behind theirs; None where their powers may leave the range.

        The arguments are to be brought to their `end`, their partial results read by a `backward`, if at all.
        """
        self.end = self._forward.end
        self.backward: Callable[[tuple[bool, ...]], Backward] = functools.cache(self._backward)
        """By which of the arrays need a gradient."""

    def _run_in_doubt(self, *places: int) -> Arguments | None:
        found = self._forward.run(*places)
        if self._forward.doubts(found):
            self.end(found)
            return None
        return found

    def _backward(self, needs: tuple[bool, ...]) -> Backward:
        terms, of, strides = self._terms, self.request.of, self._lines.layout.strides
        written = tuple([i for i, needed in enumerate(needs) if needed])
        kernel, read = _slope_kernel(
            terms.value,
            tuple([towards(terms.slope, of, of.arrays[i]) for i in written]),
            of.arrays,
            self._storage,
            written,
            self._result,
            _direct(self._lines, 1)[0],
            self._lines.along,
            terms.norm,
        )
        operands = len(read) + len(written)
        layout = self._lines.layout._replace(strides=(*[strides[0]] * operands, STILL, STILL))
        missing = [*[4 * k for k in range(operands + 2)], 4 * (operands + 1) + 2]
        call = PreparedCall(kernel, layout, missing)
        return Backward(read, written, call.run, call.end)


STILL = (0, 0, 1)
"""The strides of what lies beside the elements."""


def line_norms(
    request: Request, shape: tuple[int, ...], storage: tuple[Storage, ...], result: Storage
) -> LineNorms | None:
    """Return the norms of the lines of contiguous arrays; None where no block holds the lines whole, or none is."""
    size = math.prod(shape)
    if not size:
        return None
    strides = tuple([math.prod(shape[i + 1 :]) for i in range(len(shape))])
    lines = lay_out_lines(shape, [strides] * len(storage), request.dims)
    if lines is None or any(i in request.dims for i in lines.left):
        return None
    terms = request.terms({}, measured=False)
    spec = RowSpec((terms.value,), (), storage, _direct(lines, len(storage)), along=lines.along)
    unsure = may_doubt(request, terms.norm, storage)
    if not holds_lines(spec, lines.layout) or (unsure and size >= SMALL):
        return None
    return LineNorms(request, lines, storage, result)


def may_doubt(request: Request, norm: Norm, storage: tuple[Storage, ...]) -> bool:
    """Whether powers may leave the range."""
    return norm.may_leave_range and not stays_inside(request.p, storage, weighted=False)


def _direct(lines: Lines, count: int) -> tuple[bool, ...]:
    return (direct_operands(lines.layout)[0],) * count


@per_formula
def _row_kernel(
    value: Formula,
    storage: tuple[Storage, ...],
    result: Storage,
    direct: tuple[bool, ...],
    along: Axis,
    norm: Norm,
    doubts: Formula | None,
) -> RowKernel:
    """Return the kernel that finishes the norm of each line."""
    spec = RowSpec((value,), (), (*storage, result), (*direct, True), True, along, norm.extreme, norm.finish, doubts)
    return RowKernel(spec)


@per_formula
def _slope_kernel(
    value: Formula,
    slopes: tuple[Formula, ...],
    names: tuple[str, ...],
    storage: tuple[Storage, ...],
    written: tuple[int, ...],
    result: Storage,
    direct: bool,
    along: Axis,
    norm: Norm,
) -> tuple[SlopeKernel, Sequence[int]]:
    """Return the kernel that writes the slopes of norms, and which of the arrays it reads."""
    numbers = {FACTOR: 0.0} if norm.extreme is None else {FACTOR: 0.0, TOP: 0.0}
    sums = () if norm.extreme is None else (Formula("ties", names, numbers, ties(value).expression),)
    outputs = tuple([Formula(slope.name, names, numbers, slope.expression) for slope in slopes])
    reads = frozenset[str]().union(*(formula.reads for formula in (*sums, *outputs)))
    read = [i for i, name in enumerate(names) if name in reads]
    types: tuple[Storage, ...] = (*[storage[i] for i in (*read, *written)], "float64", result)
    places = (*[direct] * (len(types) - 2), True, True)
    finish = factor_of(norm) if norm.extreme is None else _SHARED
    return SlopeKernel(SlopeSpec(sums, outputs, types, places, True, along, finish=finish)), read


def _shared() -> Formula:
    """What comes from upstream, divided among those that attain an extreme."""
    count, upstream = variable("count"), variable(FACTOR)
    return Formula("factor", ("count", FACTOR), {}, apply("where", count == 0, 0, upstream / count))


_SHARED = _shared()
