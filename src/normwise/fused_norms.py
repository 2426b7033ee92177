"""Norms on the fused CPU kernels, for any library whose arrays lie in plain memory.

The sums are float64. Where the powers of an array's elements leave even that range, its elements are measured in units
of the largest of them (of the smallest, for a negative order) in a second pass.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normwise import plan
from normwise.catalogue.norms import Extreme
from normwise.engines import arrays as array_engine
from normwise.engines.cpu import RowKernel, RowSpec, Storage, direct_operands
from normwise.formula import Formula
from normwise.formula.values import number_value
from normwise.fused import Memory, mapping
from normwise.terms import FACTOR, MASK, TOP, UNIT, WEIGHT, NormTerms, norm_terms, ties, weight_term

Sums = npt.NDArray[np.float64]

LEAST = 1e-290
"""A sum below which the powers that make it may have lost digits to underflow."""


class Request(NamedTuple):
    """What is asked of a norm, beside the arrays."""

    of: Formula
    """What it is the norm of."""
    p: float
    dims: tuple[int, ...]
    """Those that are reduced."""
    omits: bool
    scales: bool = False
    """Whether a sum from which elements are missing stands for all of them."""

    def terms(self, arrays: Mapping[str, Any], measured: bool) -> NormTerms:
        """What is computed for each element."""
        return norm_terms(self.p, self.of, WEIGHT in arrays, MASK in arrays, self.omits, measured)

    def shape(self, arrays: Mapping[str, Any]) -> tuple[int, ...]:
        """The shape of all arrays."""
        return tuple(arrays[self.of.arrays[0]].shape)

    def misses(self, arrays: Mapping[str, Any]) -> bool:
        """Whether elements may be missing for which others are to stand."""
        return self.scales and (MASK in arrays or self.omits)

    def size(self, arrays: Mapping[str, Any]) -> int:
        """How many elements are reduced to one."""
        return math.prod(self.shape(arrays)[d] for d in self.dims)


class Found(NamedTuple):
    """A norm, with what its gradient needs; the reduced dimensions have length 1."""

    relative: Sums
    """In units."""
    unit: Sums | None
    """None where elements need no unit."""
    share: Sums | None = None
    """How much the sum of what is there was multiplied by, to stand for all. None for 1."""

    @property
    def value(self) -> Sums:
        """The norm itself."""
        with np.errstate(over="ignore"):
            return self.relative if self.unit is None else self.relative * self.unit


def norm(memory: Memory, request: Request, arrays: Mapping[str, Any]) -> Found:
    """Compute a norm in one pass over memory, or in three where powers leave the range."""
    terms = request.terms(arrays, measured=False)
    share = _share(memory, request, terms, arrays) if request.misses(arrays) else None
    sums = _all(reduced(memory, terms.value, terms.norm.extreme, arrays, request.dims), share)
    relative = _at(terms.norm.finish, sums)
    if not terms.norm.may_leave_range:
        return Found(relative, None, share)
    steep = abs(_at(terms.norm.slope, relative))
    doubtful = ~(_inside(sums) & _inside(relative) & _inside(steep))
    if not doubtful.any():
        return Found(relative, None, share)
    size = reduced(memory, terms.modulus, "maximum" if request.p > 0 else "minimum", arrays, request.dims)
    helps = doubtful & (size > 0) & (size < np.inf)
    if not helps.any():
        return Found(relative, None, share)
    unit = np.where(helps, size, 1.0)
    measured = request.terms(arrays, measured=True)
    units = {**arrays, UNIT: memory.spread(unit, request.shape(arrays))}
    sums = _all(reduced(memory, measured.value, None, units, request.dims), share)
    return Found(_at(terms.norm.finish, sums), unit, share)


def _share(memory: Memory, request: Request, terms: NormTerms, arrays: Mapping[str, Any]) -> Sums:
    """By how much a sum is multiplied to stand for all elements: nan where none is there."""
    present = reduced(memory, terms.present, None, arrays, request.dims)
    if terms.norm.extreme is not None:
        return np.where(present > 0, 1.0, np.nan)
    whole: Any = float(request.size(arrays))
    if WEIGHT in arrays:
        whole = reduced(memory, weight_term(masked=False), None, arrays, request.dims)
    with np.errstate(all="ignore"):
        return np.where(present > 0, whole / present, np.nan)


def _all(sums: Sums, share: Sums | None) -> Sums:
    return sums if share is None else sums * share


def _inside(values: Sums) -> Any:
    """Whether numbers are in a range in which nothing has overflowed, or lost digits to underflow."""
    return (values > LEAST) & (values < np.inf)


def gradients(
    memory: Memory, request: Request, arrays: Mapping[str, Any], found: Found, upstream: Sums, wrt: Sequence[str]
) -> Sequence[Any]:
    """Return the gradients of the sum of norms, times what comes from upstream, in one pass over memory."""
    terms = request.terms(arrays, measured=found.unit is not None)
    shape = request.shape(arrays)
    further = {} if found.unit is None else {UNIT: found.unit}
    if terms.norm.extreme is None:
        slope = _at(terms.norm.slope, found.relative)
        upstream = _all(upstream, found.share)
    else:
        further = {TOP: found.relative}
        top = memory.spread(found.relative, shape)
        slope = reduced(memory, ties(terms.value), None, {**arrays, TOP: top}, request.dims)
    with np.errstate(all="ignore"):
        further[FACTOR] = np.where(slope == 0, 0.0, upstream / slope)
    given = {**arrays, **{name: memory.spread(array, shape) for name, array in further.items()}}
    results = [memory.empty_like(arrays[name], None) for name in wrt]
    towards = mapping(*[_towards(terms.slope, request.of, name) for name in wrt])
    towards.run(memory, [given[name] for name in towards.arrays], results, (), 1.0)
    return results


@functools.cache
def _towards(slope: Formula, of: Formula, name: str) -> Formula:
    """The slope in one of the arrays of what is measured."""
    inner = of.derivative(name).expression
    return Formula(slope.name, slope.arrays, {}, slope.expression * inner)


def reduced(
    memory: Memory, formula: Formula, extreme: Extreme | None, arrays: Mapping[str, Any], dims: Sequence[int]
) -> Sums:
    """Sum a formula over some dimensions, or take its extreme; they stay, with length 1."""
    given = [arrays[name] for name in formula.arrays]
    shape = tuple(given[0].shape)
    kept = tuple(1 if i in dims else n for i, n in enumerate(shape))
    if 0 in shape:
        return np.full(kept, np.inf if extreme == "minimum" else 0.0)
    lines = plan.lay_out_lines(shape, [memory.strides(array) for array in given], dims)
    if lines is None:
        given = [memory.copy(array) for array in given]
        lines = plan.lay_out_lines(shape, [memory.strides(array) for array in given], dims)
    if lines is None:
        raise AssertionError(f"contiguous arrays of shape {shape} have no layout over {dims}")
    layout, along, left = lines
    kernel = _kernel(
        formula, tuple(memory.storage[memory.dtype(a)] for a in given), direct_operands(layout), along, extreme
    )
    [result] = kernel.reduced(layout, [memory.address(array) for array in given], ())
    partial = result.reshape([n if i in left else 1 for i, n in enumerate(shape)])
    join = {None: np.add, "maximum": np.maximum, "minimum": np.minimum}[extreme]
    return np.asarray(join.reduce(partial, axis=tuple(dims), keepdims=True))


@functools.cache
def _kernel(
    formula: Formula, storage: tuple[Storage, ...], direct: tuple[bool, ...], along: Any, extreme: Extreme | None
) -> RowKernel:
    return RowKernel(RowSpec((formula,), (), storage, direct, along=along, extreme=extreme))


def _at(formula: Formula, values: Sums) -> Sums:
    """The values of a formula of one array; of a single number without an array's overhead."""
    if values.size == 1:
        return np.full(values.shape, number_value(formula.expression, {formula.arrays[0]: values.item()}))
    return np.asarray(array_engine.elementwise(np, formula, [values], {})[0])
