"""Sums over one index of pairs on the fused CPU kernels, for any library whose arrays lie in plain memory.

A pair has three indices: ``i`` and ``j`` number the points of its sides, ``k`` their features. An array has one or two
of them, named by `SIDES`; a contraction sums formulas of such arrays over the third. A distance sums over ``k``, its
gradients over ``j`` or ``i``: no array ever has all three.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from normwise.catalogue.metrics import Metric
from normwise.catalogue.norms import Extreme, norm_of
from normwise.engines import arrays as array_engine
from normwise.engines.cpu import (
    SHALLOW,
    ContractionKernel,
    ContractionSpec,
    Extent,
    Place,
    Storage,
    Strides,
    read_by,
)
from normwise.engines.layout import merged
from normwise.engines.memory import Memory
from normwise.formula import Formula, trace, where
from normwise.formula.caches import per_formula
from normwise.formula.expression import variable
from normwise.formula.walk import path
from normwise.norms.on_kernels import LEAST, SINGLE, reduced, stays_inside
from normwise.terms import SIDES, WEIGHT, PairTerms

Target = Literal["ij", "ik", "jk"]

_SUMMED: Mapping[Target, str] = {"ij": "k", "ik": "j", "jk": "i"}

FEW = 32
"""Points or features below which they are not taken as lanes: so few would leave vectors empty."""

WORTH = 1 << 16
"""Terms from which a kernel that is written out for their depth is worth its compilation."""

AS_IT_IS = trace(lambda s0: s0)


@functools.cache
def single_sum(k: int) -> Formula:
    """Return the formula that gives one of the sums as it is."""
    return Formula("sum", (f"s{k}",), {}, variable(f"s{k}"))


class Contraction(NamedTuple):
    """Formulas to sum, and what is left of the indices."""

    sums: tuple[Formula, ...]
    """Of the same arrays and parameters."""
    target: Target
    finishes: tuple[Formula, ...] = (AS_IT_IS,)
    """What is written: formulas of ``s0``, ``s1``, ..., the sums."""
    maximum: bool = False
    """Whether the largest term is taken; none is to be negative."""


@per_formula
def beside_distances(metric: Metric, terms: PairTerms, learned: tuple[str, ...]) -> tuple[Formula, ...]:
    """Return what is written beside distances for their gradients in some arrays: finishing formulas, too.

    These are the slopes of the finishing formula, if it has one, in the sums that read the arrays; of a largest
    difference that.
    """
    if metric.is_extreme:
        return (single_sum(0),)
    if terms.finish is metric.finish and metric.is_sum:
        return ()
    return tuple(terms.finish.derivative(f"s{k}") for k in terms.sums_of(learned))


class _Laid(NamedTuple):
    """How the operands of a contraction lie, as its kernel takes them."""

    places: tuple[Place, ...]
    strides: tuple[Strides, ...]
    extent: Extent
    batch: tuple[int, ...]
    turned: bool
    """Whether the rows are the last of what is left."""

    def shallow(self, narrow: bool) -> int:
        """How many terms are summed, where they are few and a kernel of their own is worth while; else 0.

        A narrow one adds all of them in float32, and always does, so that a distance is the same in any company.
        """
        few = self.extent.depth <= SHALLOW
        return self.extent.depth if few and (narrow or math.prod(self.extent) >= WORTH) else 0


def contracted(
    memory: Memory,
    asked: Contraction,
    sides: Mapping[str, str],
    arrays: Mapping[str, Any],
    parameters: Sequence[float],
    dtypes: Sequence[Any],
) -> list[Any]:
    """Sum formulas over an index.

    Parameters
    ----------
    memory : Memory
        How the arrays lie in memory.
    asked : Contraction
        What is summed.
    sides : mapping of str to str
        Which indices each array has.
    arrays : mapping of str to array
        With the batch's dimensions first, the same for all; those of ``k`` alone have none.
    parameters : sequence of float
        Of the formulas.
    dtypes : sequence
        Of the results, one for each of ``asked.finishes``.

    Returns
    -------
    list of arrays
    """
    read, contraction = _prepared(memory, asked, sides, arrays, tuple([memory.storage[dtype] for dtype in dtypes]))
    results = [memory.empty(contraction.shape, dtype) for dtype in dtypes]
    if contraction.run is not None:
        contraction.run([*map(memory.address, (*read, *results))], parameters)
    return results


@per_formula
def _is_modulus(formula: Formula) -> bool:
    """Whether it is of the size of a difference: in float32 it leaves the range only where a sum of it does."""
    steps, _ = path([formula.expression])
    return formula.expression.primitive == "absolute" and _OF_ONE_SIZE.issuperset(node.primitive for node, _ in steps)


_OF_ONE_SIZE = frozenset({"variable", "subtract", "absolute"})


def least(
    memory: Memory,
    asked: Contraction,
    sides: Mapping[str, str],
    arrays: Mapping[str, Any],
    parameters: Sequence[float],
    count: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the `count` least results of each ``i`` in their order, and the ``j`` of each; nan comes last."""
    read, contraction = _prepared(memory, asked, sides, arrays, ("float64", "float64"), count)
    values = np.full(contraction.shape, np.nan)
    places = np.full(contraction.shape, -1.0)
    if contraction.run is not None:
        contraction.run([*map(memory.address, read), values.ctypes.data, places.ctypes.data], parameters)
    return values, places.astype(np.int64)


def keeps_nearest(memory: Memory, metric: Metric, arrays: Mapping[str, Any], count: int) -> bool:
    """Return whether `nearest` will do: no power leaves the range, and those kept are few enough to insert."""
    few = count * count <= SORTED * arrays["t"].shape[-2]
    norm = metric.norm
    return few and (norm is None or not norm.may_leave_range or surely_inside(memory, norm.p, arrays))


SORTED = 4
"""The square of how many are kept, for each point of the other side, from which sorting all of them is quicker."""


def nearest(
    memory: Memory,
    metric: Metric,
    terms: PairTerms,
    arrays: Mapping[str, Any],
    parameters: Sequence[float],
    count: int,
    float64: Any,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the `count` least distances of each ``i`` in their order, and the ``j`` of each; nan comes last."""
    rising = len(terms.sums) == 1  # a finishing formula of one sum keeps the order of the sums
    asked = Contraction(terms.sums, "ij", (AS_IT_IS if rising else terms.finish,), metric.is_extreme)
    values, places = least(memory, asked, SIDES, arrays, parameters, count)
    if not rising:
        return values, places
    [values] = array_engine.elementwise(np, terms.finish, [values], {})
    return values, places


def unit(
    memory: Memory,
    metric: Metric,
    terms: PairTerms,
    arrays: Mapping[str, Any],
    float64: Any,
) -> npt.NDArray[np.float64] | None:
    """Return what differences are to be measured in where their powers leave the range of float64; None for nowhere.

    Parameters
    ----------
    memory, arrays
        As for `contracted`.
    metric : Metric
    terms : PairTerms
        Its terms.
    float64 : dtype
        As the library calls it.
    """
    if metric.norm is None or not metric.norm.may_leave_range or surely_inside(memory, metric.norm.p, arrays):
        return None
    [value] = contracted(memory, Contraction(terms.sums, "ij", (terms.finish,)), SIDES, arrays, (), (float64,))
    value = np.asarray(value)
    doubtful = (value <= LEAST ** (1 / metric.norm.p)) | (value == np.inf)
    if not doubtful.any():
        return None
    [size] = contracted(memory, Contraction((terms.modulus,), "ij", maximum=True), SIDES, arrays, (), (float64,))
    size = np.asarray(size)
    helps = doubtful & (size > 0) & (size < np.inf)
    return np.where(helps, np.maximum(size, LEAST), 1.0) if helps.any() else None  # 1 / unit is finite


def surely_inside(memory: Memory, p: float, arrays: Mapping[str, Any]) -> bool:
    """Whether no power of a difference can leave the range of float64, by the largest and the smallest numbers."""
    weighted = WEIGHT in arrays
    numbers = [arrays[name] for name in ("x", "t", *[WEIGHT] * weighted)]
    if stays_inside(p, [memory.storage[memory.dtype(array)] for array in numbers], weighted):
        return True
    if any(0 in array.shape for array in numbers):
        return True

    def over_all(formula: Formula, extreme: Extreme) -> list[float]:
        return [reduced(memory, formula, extreme, {"x": a}, range(len(a.shape))).item() for a in numbers]

    with np.errstate(divide="ignore"):
        largest, least = np.log(over_all(_SIZE, "maximum")), np.log(over_all(_SIZE_BUT_0, "minimum"))
    count = math.log(numbers[0].shape[-1])
    # Two numbers that differ do so by 2^-53 of the smaller at least.
    most = p * (math.log(2) + largest[:2].max()) + count + sum(largest[2:])
    fewest = p * (least[:2].min() - 53 * math.log(2)) + sum(least[2:])
    return bool(most < math.log(HIGHEST) and fewest > math.log(LEAST))


_SIZE = norm_of(1).element
_SIZE_BUT_0 = trace(lambda x: where(x == 0, math.inf, abs(x)))
HIGHEST = 1e300
"""A sum above which a power that makes it may have overflowed."""


@per_formula
def _kernel(*spec: Any) -> ContractionKernel:
    return ContractionKernel(ContractionSpec(*spec))


class Prepared(NamedTuple):
    """A contraction of operands of which all is known but where they are."""

    shape: tuple[int, ...]
    """Of the results."""
    run: Callable[[Sequence[int], Sequence[float]], None] | None
    """The kernel, of the addresses and the parameters; None where there is nothing to write."""


def _prepared(
    memory: Memory,
    asked: Contraction,
    sides: Mapping[str, str],
    arrays: Mapping[str, Any],
    written: tuple[Storage, ...],
    count: int = 0,
) -> tuple[list[Any], Prepared]:
    """The arrays that a contraction reads, and the contraction of such arrays."""
    read = [arrays[name] for name in read_by(asked.sums)]
    lengths = tuple([(name, sides[name], tuple(array.shape)) for name, array in arrays.items()])
    storage = tuple([memory.storage[memory.dtype(array)] for array in read])
    contraction = prepared(asked, lengths, tuple([tuple(memory.strides(a)) for a in read]), storage, written, count)
    if contraction is None:
        read = [memory.copy(array) for array in read]
        contraction = prepared(asked, lengths, tuple([tuple(memory.strides(a)) for a in read]), storage, written, count)
    if contraction is None:
        raise AssertionError(f"contiguous arrays of shapes {lengths} have no layout")
    return read, contraction


@functools.lru_cache(1 << 10)
def prepared(
    asked: Contraction,
    lengths: tuple[tuple[str, str, tuple[int, ...]], ...],
    strides: tuple[tuple[int, ...], ...],
    storage: tuple[Storage, ...],
    written: tuple[Storage, ...],
    count: int = 0,
) -> Prepared | None:
    """Prepare a contraction.

    Parameters
    ----------
    asked : Contraction
        What is summed.
    lengths : tuple of (str, str, tuple of int)
        The name of each array, which indices it has, and its shape.
    strides, storage : tuple
        How those lie that are read, in elements, and their types.
    written : tuple of str
        The types of the results.
    count : int
        How many of the least results of each ``i`` are kept in place of all; 0 for all.

    Returns
    -------
    Prepared or None
        None where a batch does not come down to one stride in each array.
    """
    own = {name: indices for name, indices, _ in lengths}
    shapes = tuple((indices, shape) for _, indices, shape in lengths)
    laid = _layout(asked.target, shapes, tuple(own[name] for name in read_by(asked.sums)), strides, count > 0)
    if laid is None:
        return None
    planes, rows, lanes, _ = laid.extent
    left = (rows, count) if count else (lanes, rows) if laid.turned else (rows, lanes)
    shape = (*laid.batch, *left)
    if 0 in (planes, rows, lanes):
        return Prepared(shape, None)
    types = (*storage, *written)
    narrow = not count and SINGLE.issuperset(types) and all(map(_is_modulus, asked.sums))
    shallow = laid.shallow(narrow)
    kernel = _kernel(asked.sums, laid.places, types, asked.finishes, shallow, asked.maximum, count > 0, narrow)
    steps = (count, 1, 0) if count else (1, rows) if laid.turned else (lanes, 1)
    results = [Strides(rows * (count or lanes), *steps)] * len(written)
    return Prepared(shape, kernel.laid_out(laid.extent, [*laid.strides, *results], count))


def _layout(
    target: Target,
    lengths: tuple[tuple[str, tuple[int, ...]], ...],
    indices: tuple[str, ...],
    strides: tuple[tuple[int, ...], ...],
    row_by_row: bool,
) -> _Laid | None:
    """Lay operands out by the indices and the shapes of all arrays, and the strides of those that are read.

    Where the last of what is left is short the other has the lanes, unless `row_by_row`.
    None where a batch does not come down to one stride in each.
    """
    length = {index: n for own, shape in lengths for index, n in zip(own, shape[-len(own) :], strict=True)}
    batch = next((shape[: -len(own)] for own, shape in lengths if len(shape) > len(own)), ())
    first, last = target
    turned = not row_by_row and length[last] < FEW and (target != "ij" or length[first] > length[last])
    first, last = (last, first) if turned else (first, last)
    roles = {first: "r", last: "l", _SUMMED[target]: "s"}
    outer = [s[: -len(own)] or (0,) * len(batch) for own, s in zip(indices, strides, strict=True)]
    planes = (0, (0,) * len(indices)) if 0 in batch else merged(batch, outer)
    if planes is None:
        return None
    count, steps = planes
    words: list[Strides] = []
    for own, inner, plane in zip(indices, strides, steps, strict=True):
        along = {roles[index]: step for index, step in zip(own, inner[-len(own) :], strict=True)}
        words.append(Strides(plane, *(along.get(role, 0) for role in "rls")))
    places = tuple("".join(sorted((roles[index] for index in own), key="rls".index)) for own in indices)
    by_role = {role: length[index] for index, role in roles.items()}
    extent = Extent(count, *(by_role[role] for role in "rls"))
    return _Laid(cast(tuple[Place, ...], places), tuple(words), extent, batch, turned)
