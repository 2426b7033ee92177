"""Norms on the fused CPU kernels, for any library whose arrays lie in plain memory.

The sums are float64. Where the powers of an array's elements leave even that range, its elements are measured in units
of the largest of them (of the smallest, for a negative order) in a second pass.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normwise.catalogue.norms import Extreme, Norm
from normwise.engines import arrays as array_engine
from normwise.engines.cpu import Kernel, KernelSpec, RowKernel, RowSpec, Storage, direct_operands
from normwise.engines.layout import lay_out_lines
from normwise.engines.memory import Memory
from normwise.engines.passes import mapping
from normwise.formula import Formula, apply
from normwise.formula.caches import per_formula
from normwise.formula.expression import constant, variable
from normwise.formula.numbers import number_value
from normwise.formula.tangent import scaled
from normwise.terms import FACTOR, MASK, TOP, UNIT, WEIGHT, NormTerms, norm_terms, ties, weight_term

Sums = npt.NDArray[np.float64]

LEAST = 1e-290
"""A sum below which the powers that make it may have lost digits to underflow."""

SINGLE: frozenset[Storage] = frozenset({"float16", "bfloat16", "float32"})
"""Types of which no power from the square root to the sixth leaves the range of float64."""


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
    sums: Sums
    """Of which it is the root; or the extreme, the same as `relative`."""
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
    numbers = [array for name, array in arrays.items() if name != MASK]
    sure = stays_inside(request.p, [memory.storage[memory.dtype(array)] for array in numbers], WEIGHT in arrays)
    relative, doubtful = _finished(terms.norm, sums, sure)
    if doubtful is None:
        return Found(relative, sums, None, share)
    size = reduced(memory, terms.modulus, "maximum" if request.p > 0 else "minimum", arrays, request.dims)
    helps = doubtful & (size > 0) & (size < np.inf)
    if not helps.any():
        return Found(relative, sums, None, share)
    unit = np.where(helps, size, 1.0)
    measured = request.terms(arrays, measured=True)
    units = {**arrays, UNIT: memory.spread(unit, request.shape(arrays))}
    sums = _all(reduced(memory, measured.value, None, units, request.dims), share)
    return Found(_at(terms.norm.finish, sums), sums, unit, share)


def stays_inside(p: float, storage: Iterable[Storage], weighted: bool) -> bool:
    """Return whether no power of numbers of some types, nor a sum of them, can leave the range of float64."""
    return 0.5 <= p <= (5 if weighted else 6) and SINGLE.issuperset(storage)


def _finished(norm: Norm, sums: Sums, sure: bool) -> tuple[Sums, npt.NDArray[np.bool_] | None]:
    """The norms, from their sums, and where powers may have left the range; None for nowhere."""
    if not sums.size:
        return sums, None
    if _is_as_it_is(norm):
        return sums, None
    relative = np.empty_like(sums)
    [doubts] = _finishing(norm)(sums.size, sums.ctypes.data, relative.ctypes.data)
    return relative, _at(doubt(norm), sums) != 0 if doubts and norm.may_leave_range and not sure else None


def _is_as_it_is(norm: Norm) -> bool:
    """Whether the sum is the norm."""
    return norm.finish.expression is variable(norm.finish.arrays[0])


@per_formula
def _finishing(norm: Norm) -> Callable[..., Sequence[float]]:
    """The pass over sums that writes the norms, and counts those in doubt."""
    return Kernel(KernelSpec((doubt(norm),), (norm.finish,), ("float64", "float64"))).flat


@per_formula
def doubt(norm: Norm) -> Formula:
    """Return the formula of a sum that is 1 where powers may have overflowed or lost digits to underflow, else 0."""
    [name] = norm.finish.arrays
    found = norm.finish.expression
    told = constant(0)
    for value in (abs(norm.slope.on((name,), x=found).expression), found, variable(name)):
        inside = apply("where", value < math.inf, told, 1)
        told = apply("where", value > LEAST, inside, 1)
    return Formula("doubt", (name,), {}, told)


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


def gradients(
    memory: Memory, request: Request, arrays: Mapping[str, Any], found: Found, upstream: Sums, wrt: Sequence[str]
) -> Sequence[Any]:
    """Return the gradients of the sum of norms, times what comes from upstream, in one pass over memory."""
    terms = request.terms(arrays, measured=found.unit is not None)
    shape = request.shape(arrays)
    further = {} if found.unit is None else {UNIT: found.unit}
    if terms.norm.extreme is None:
        further[FACTOR] = _factors(terms.norm, found.sums, _all(upstream, found.share))
    else:
        further[TOP] = found.relative
        top = memory.spread(found.relative, shape)
        count = reduced(memory, ties(terms.value), None, {**arrays, TOP: top}, request.dims)
        with np.errstate(all="ignore"):
            further[FACTOR] = np.where(count == 0, 0.0, upstream / count)
    given = {**arrays, **{name: memory.spread(array, shape) for name, array in further.items()}}
    results = [memory.empty_like(arrays[name], None) for name in wrt]
    written = mapping(*[towards(terms.slope, request.of, name) for name in wrt])
    written.run(memory, [given[name] for name in written.arrays], results, (), 1.0)
    return results


def _factors(norm: Norm, sums: Sums, upstream: Sums) -> Sums:
    """What comes from upstream, times the slope of each norm in its sum."""
    if not sums.size or _is_as_it_is(norm):
        return upstream
    factors, sums, upstream = np.empty_like(sums), np.ascontiguousarray(sums), np.ascontiguousarray(upstream)
    _factoring(norm)(sums.size, sums.ctypes.data, upstream.ctypes.data, factors.ctypes.data)
    return factors


@per_formula
def _factoring(norm: Norm) -> Callable[..., Sequence[float]]:
    return Kernel(KernelSpec((), (factor_of(norm),), ("float64",) * 3)).flat


@per_formula
def factor_of(norm: Norm) -> Formula:
    """Return what slopes of elements are scaled by: a formula of a norm's sum, and of what comes from upstream."""
    [name] = norm.finish.arrays
    slope, upstream = norm.finish.derivative(name).expression, variable(FACTOR)
    # Where the norm overflows its slope may be infinite; what nothing comes to from upstream has none all the same.
    factor = upstream if _is_as_it_is(norm) else apply("where", upstream == 0, 0, scaled(slope, upstream))
    return Formula("factor", (name, FACTOR), {}, factor)


@per_formula
def towards(slope: Formula, of: Formula, name: str) -> Formula:
    """Return the slope in one of the arrays of what is measured."""
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
    lines = _lines(shape, tuple([tuple(memory.strides(array)) for array in given]), tuple(dims))
    if lines is None:
        given = [memory.copy(array) for array in given]
        lines = _lines(shape, tuple([tuple(memory.strides(array)) for array in given]), tuple(dims))
    if lines is None:
        raise AssertionError(f"contiguous arrays of shape {shape} have no layout over {dims}")
    layout, along, left = lines
    kernel = row_kernel(
        formula, tuple([memory.storage[memory.dtype(a)] for a in given]), direct_operands(layout), along, extreme
    )
    [result] = kernel.reduced(layout, [memory.address(array) for array in given], ())
    partial = result.reshape([n if i in left else 1 for i, n in enumerate(shape)])
    if partial.shape == kept:
        return partial
    join = {None: np.add, "maximum": np.maximum, "minimum": np.minimum}[extreme]
    return np.asarray(join.reduce(partial, axis=tuple(dims), keepdims=True))


_lines = functools.lru_cache(1 << 10)(lay_out_lines)


@per_formula
def row_kernel(
    formula: Formula, storage: tuple[Storage, ...], direct: tuple[bool, ...], along: Any, extreme: Extreme | None
) -> RowKernel:
    """Return the kernel that sums a formula along one dimension, or takes its extreme."""
    return RowKernel(RowSpec((formula,), (), storage, direct, along=along, extreme=extreme))


def _at(formula: Formula, values: Sums) -> Sums:
    """The values of a formula of one array; of a single number without an array's overhead."""
    if values.size == 1:
        return np.full(values.shape, number_value(formula.expression, {formula.arrays[0]: values.item()}))
    return np.asarray(array_engine.elementwise(np, formula, [values], {})[0])
