"""The quick lane of pairs: the distances of points of which all was known from an earlier call, but where they are.

On a few points the checks and look-ups of a call cost many times what its kernel does. Points in one piece, without
weight or mask, need no more than one look-up, by the metric, their types and their shapes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from normwise.catalogue.metrics import Metric
from normwise.engines.cpu import Kernel, KernelSpec, Storage, read_by
from normwise.formula import Formula, trace, where
from normwise.norms.on_kernels import LEAST, stays_inside
from normwise.pairs.on_kernels import Contraction, Prepared, beside_distances, prepared
from normwise.terms import SIDES, TOP, PairTerms, pair_terms, ties

Run = Callable[[Sequence[int], Sequence[float]], None]
"""A kernel, of the addresses of its operands and of the parameters."""

Lengths = tuple[tuple[str, str, tuple[int, ...]], ...]
"""The name of each array, which indices it has, and its shape."""


@dataclass(frozen=True, eq=False)
class Lane:
    """What a call needs that was made before."""

    metric: Metric
    terms: PairTerms
    lengths: Lengths
    """Of both sides."""
    storage: tuple[Storage, Storage]
    run: Run
    """Of both sides, of the distances, and of what is written beside them."""
    shape: tuple[int, ...]
    """Of the distances."""
    count: int
    """How many there are."""
    result: Storage
    beside: int
    """How many arrays are written beside the distances for the gradients, in float64."""
    largest: Callable[[], Run] | None
    """What gives the kernel of the largest differences, of both sides and of the result, compiled where it is needed;
    None where no power leaves the range."""

    shares: Run | None
    """One over how many differences are the largest, of both sides, of those, and of the result."""

    def in_doubt(self, addresses: tuple[int, int], distances: int) -> bool:
        """Whether powers may have left the range, by the distances that the kernel has written; see `unit`."""
        if self.largest is None or self.metric.norm is None:
            return False
        least = LEAST ** (1 / self.metric.norm.p)
        if not _total_of(_doubtful)(self.count, distances, least)[0]:
            return False
        sizes = np.empty(self.count)
        self.largest()((*addresses, sizes.ctypes.data), ())
        return _total_of(_helped)(self.count, distances, sizes.ctypes.data, least)[0] > 0


@functools.lru_cache(1 << 10)
def lane_of(
    metric: Metric,
    first: Storage,
    second: Storage,
    a: tuple[int, ...],
    b: tuple[int, ...],
    learned: tuple[str, ...] = (),
) -> Lane | None:
    """Return the lane of points in one piece, without weight or mask; None where the ordinary way is to be taken.

    Parameters
    ----------
    metric : Metric
    first, second : str
        The types of both sides.
    a, b : tuple of int
        Their shapes.
    learned : tuple of str
        The sides whose gradients are wanted later.
    """
    single = (len(a) == 1, len(b) == 1)
    rows, columns = ((1, *shape) if alone else tuple(shape) for shape, alone in zip((a, b), single, strict=True))
    alike = len(rows) > 1 < len(columns) and rows[:-2] == columns[:-2] and rows[-1] == columns[-1]
    if not alike or 0 in (*rows, *columns) or (learned and any(single)):
        return None
    result: Storage = "float64" if "float64" in (first, second) else "float32"
    norm, terms = metric.norm, pair_terms(metric, False, (False, False), False)
    sure = norm is None or not norm.may_leave_range or stays_inside(norm.p, (first, second), weighted=False)
    if read_by(terms.sums) != ("x", "t") or not (sure or result == "float64"):
        return None
    storage = (first, second)
    lengths = (("x", SIDES["x"], rows), ("t", SIDES["t"], columns))
    beside = beside_distances(metric, terms, learned) if learned else ()
    contraction = Contraction(terms.sums, "ij", (terms.finish, *beside), metric.is_extreme)
    distances = dense(contraction, lengths, storage, (result, *["float64" for _ in beside]))
    moduli = Contraction((terms.modulus,), "ij", maximum=True)
    largest = None if sure else functools.cache(lambda: _run(dense(moduli, lengths, storage, ("float64",))))
    shares = None
    if metric.is_extreme and learned:
        tied = Contraction((ties(terms.sums[0]),), "ij", (ONE_OVER,))
        shares = dense(tied, (*lengths, (TOP, "ij", distances.shape)), (*storage, "float64"), ("float64",)).run
    left = [n for n, alone in zip(distances.shape[-2:], single, strict=True) if not alone]
    shape = (*distances.shape[:-2], *left)
    if distances.run is None:
        return None
    return Lane(
        *(metric, terms, lengths, storage, distances.run, shape, math.prod(shape), result, len(beside)),
        *(largest, shares),
    )


def dense(asked: Contraction, lengths: Lengths, storage: tuple[Storage, ...], written: tuple[Storage, ...]) -> Prepared:
    """Return a contraction of arrays in one piece, of the types of those that it reads."""
    read = read_by(asked.sums)
    strides = tuple(dense_strides(shape) for name, _, shape in lengths if name in read)
    contraction = prepared(asked, lengths, strides, storage, written)
    if contraction is None:
        raise AssertionError(f"contiguous arrays of shapes {lengths} have no layout")
    return contraction


ONE_OVER = trace(lambda s0: 1 / s0)


def _run(contraction: Prepared) -> Run:
    assert contraction.run is not None  # there are points
    return contraction.run


def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of an array in one piece."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _is_doubtful(value: Any, least: Any) -> Any:
    return where(value <= least, 1, where(value == math.inf, 1, 0))


_doubtful = trace(lambda value, least=0.0: _is_doubtful(value, least))
_helped = trace(
    lambda value, size, least=0.0: where(size > 0, where(size < math.inf, _is_doubtful(value, least), 0), 0)
)
"""Where a distance says that powers may have left the range, and where a unit would help."""


@functools.cache
def _total_of(formula: Formula) -> Callable[..., Sequence[float]]:
    return Kernel(KernelSpec((formula,), (), ("float64",) * len(formula.arrays))).flat
