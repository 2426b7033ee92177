"""Sums over one index of pairs on the fused CPU kernels, for any library whose arrays lie in plain memory.

A pair has three indices: ``i`` and ``j`` number the points of its sides, ``k`` their features. An array has one or two
of them, named by `SIDES`; a contraction sums formulas of such arrays over the third. A distance sums over ``k``, its
gradients over ``j`` or ``i``: no array ever has all three.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from normwise import plan
from normwise.catalogue.metrics import Metric
from normwise.catalogue.norms import Extreme, norm_of
from normwise.engines import arrays as array_engine
from normwise.engines.cpu import SHALLOW, ContractionKernel, ContractionSpec, Extent, Place, Storage, Strides
from normwise.formula import Formula, trace, where
from normwise.fused import Memory
from normwise.fused_norms import LEAST, reduced
from normwise.terms import SIDES, PairTerms

Target = Literal["ij", "ik", "jk"]

_SUMMED: Mapping[Target, str] = {"ij": "k", "ik": "j", "jk": "i"}

FEW = 32
"""Features below which a gradient has the points as lanes: fewer lanes would leave vectors empty."""

AS_IT_IS = trace(lambda s0: s0)


class Contraction(NamedTuple):
    """Formulas to sum, and what is left of the indices."""

    sums: tuple[Formula, ...]
    """Of the same arrays and parameters."""
    target: Target
    finishes: tuple[Formula, ...] = (AS_IT_IS,)
    """What is written: formulas of ``s0``, ``s1``, ..., the sums."""
    maximum: bool = False
    """Whether the largest term is taken; none is to be negative."""


class _Laid(NamedTuple):
    """The operands of a contraction as its kernel takes them."""

    arrays: list[Any]
    """Kept, for their memory is read."""
    storage: tuple[Storage, ...]
    places: tuple[Place, ...]
    strides: list[Strides]
    extent: Extent
    batch: tuple[int, ...]
    turned: bool
    """Whether the rows are the last of what is left."""

    @property
    def shallow(self) -> int:
        """How many terms are summed, where they are few."""
        return self.extent.depth if self.extent.depth <= SHALLOW else 0


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
    laid = _laid_out(memory, asked, sides, arrays)
    planes, rows, lanes, _ = laid.extent
    left = (lanes, rows) if laid.turned else (rows, lanes)
    results = [memory.empty((*laid.batch, *left), dtype) for dtype in dtypes]
    if 0 in (planes, rows, lanes):
        return results
    storage = (*laid.storage, *(memory.storage[dtype] for dtype in dtypes))
    kernel = _kernel(asked.sums, laid.places, storage, asked.finishes, laid.shallow, asked.maximum, False)
    steps = (1, rows) if laid.turned else (lanes, 1)
    written = [Strides(rows * lanes, *steps)] * len(results)
    addresses = [*map(memory.address, (*laid.arrays, *results))]
    kernel.run(laid.extent, addresses, [*laid.strides, *written], parameters)
    return results


def least(
    memory: Memory,
    asked: Contraction,
    sides: Mapping[str, str],
    arrays: Mapping[str, Any],
    parameters: Sequence[float],
    count: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the `count` least results of each ``i`` in their order, and the ``j`` of each; nan comes last."""
    laid = _laid_out(memory, asked, sides, arrays)
    planes, rows, lanes, _ = laid.extent
    values = np.full((*laid.batch, rows, count), np.nan)
    places = np.full((*laid.batch, rows, count), -1.0)
    if 0 not in (planes, rows, lanes):
        storage: tuple[Storage, ...] = (*laid.storage, "float64", "float64")
        kernel = _kernel(asked.sums, laid.places, storage, asked.finishes, laid.shallow, asked.maximum, True)
        kept = [Strides(rows * count, count, 1, 0)] * 2
        addresses = [*map(memory.address, laid.arrays), values.ctypes.data, places.ctypes.data]
        kernel.run(laid.extent, addresses, [*laid.strides, *kept], parameters, count)
    return values, places.astype(np.int64)


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
    points = [arrays[name] for name in ("x", "t")]
    if all(memory.storage[memory.dtype(array)] != "float64" for array in points):
        return p <= 6  # of float32, the largest difference is 2^129 and the smallest 2^-149
    if any(0 in array.shape for array in points):
        return True

    def over_all(formula: Formula, extreme: Extreme) -> list[float]:
        return [reduced(memory, formula, extreme, {"x": a}, range(len(a.shape))).item() for a in points]

    largest, least = max(over_all(_SIZE, "maximum")), min(over_all(_SIZE_BUT_0, "minimum"))
    count = points[0].shape[-1]
    # Two numbers that differ do so by 2^-53 of the smaller at least.
    return 2 * largest < (HIGHEST / max(count, 1)) ** (1 / p) and least * 2.0**-53 > LEAST ** (1 / p)


_SIZE = norm_of(1).element
_SIZE_BUT_0 = trace(lambda x: where(x == 0, math.inf, abs(x)))
HIGHEST = 1e300
"""A sum above which a power that makes it may have overflowed."""


@functools.cache
def _kernel(*spec: Any) -> ContractionKernel:
    return ContractionKernel(ContractionSpec(*spec))


def _laid_out(memory: Memory, asked: Contraction, sides: Mapping[str, str], arrays: Mapping[str, Any]) -> _Laid:
    read = frozenset[str]().union(*(formula.reads for formula in asked.sums))
    names = [name for name in asked.sums[0].arrays if name in read]
    lengths: dict[str, int] = {}
    batch: tuple[int, ...] = ()
    for name, array in arrays.items():
        own = sides[name]
        lengths |= dict(zip(own, array.shape[-len(own) :], strict=True))
        batch = batch or tuple(array.shape[: -len(own)])
    turned = asked.target != "ij" and lengths["k"] < FEW
    first, last = reversed(asked.target) if turned else asked.target
    roles = {first: "r", last: "l", _SUMMED[asked.target]: "s"}
    given = [arrays[name] for name in names]
    planes = _planes(memory, batch, names, sides, given)
    if planes is None:
        given = [memory.copy(array) for array in given]
        planes = _planes(memory, batch, names, sides, given)
    if planes is None:
        raise AssertionError(f"contiguous arrays have no one stride over a batch of {batch}")
    count, steps = planes
    strides: list[Strides] = []
    for name, array, plane in zip(names, given, steps, strict=True):
        own = sides[name]
        along = {roles[index]: step for index, step in zip(own, memory.strides(array)[-len(own) :], strict=True)}
        strides.append(Strides(plane, *(along.get(role, 0) for role in "rls")))
    places = tuple("".join(sorted((roles[index] for index in sides[name]), key="rls".index)) for name in names)
    by_role = {role: lengths[index] for index, role in roles.items()}
    storage: tuple[Storage, ...] = tuple(memory.storage[memory.dtype(array)] for array in given)
    return _Laid(
        given,
        storage,
        cast(tuple[Place, ...], places),
        strides,
        Extent(count, *(by_role[role] for role in "rls")),
        batch,
        turned,
    )


def _planes(
    memory: Memory, batch: Sequence[int], names: Sequence[str], sides: Mapping[str, str], arrays: Sequence[Any]
) -> tuple[int, tuple[int, ...]] | None:
    """The number of problems in a batch, and each array's step from one to the next; None where it has several."""
    steps = [
        [0] * len(batch) if array.ndim == len(sides[name]) else memory.strides(array)[: len(batch)]
        for name, array in zip(names, arrays, strict=True)
    ]
    if 0 in batch:
        return 0, (0,) * len(arrays)
    return plan.merged(batch, steps)
