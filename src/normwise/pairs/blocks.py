"""What is made of all pairs' distances without their matrix: block by block, a few thousand points at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import array_api_compat

from normwise.engines import arrays as array_engine

WIDE = 1 << 13
"""Points of one side in a block at most."""

BLOCK = 1 << 19
"""Pairs in a block at most: its distances stay in the cache."""

Sort = Callable[[Any], tuple[Any, Any]]
"""The least of each row of distances in their order, and where they are."""

Block = Callable[[slice, slice], Any]
"""The distances of some points of one side from some of the other."""


class Present(NamedTuple):
    """Which points of each side are there, None for all; those without a feature (padding) are not."""

    rows: Any = None
    columns: Any = None

    def over(self, dim: int) -> tuple[Any, Any]:
        """Return what is there of the side that stays, and of the side that is reduced."""
        return (self.rows, self.columns) if dim == -1 else (self.columns, self.rows)


ALL = slice(None)

_NOTHING = {"min": math.inf, "mean": 0.0, "sum": 0.0}
"""The distance that changes no reduction."""


def slices(n: int, m: int, batch: int, dim: int) -> Iterator[tuple[slice, list[slice]]]:
    """Yield the blocks of an n x m matrix: some of what is kept, and then all parts of what is reduced over."""
    kept, over = (n, m) if dim == -1 else (m, n)
    wide = max(1, min(over, WIDE))
    tall = max(1, BLOCK // (wide * max(batch, 1)))
    parts = [slice(j, min(j + wide, over)) for j in range(0, max(over, 1), wide)]
    for i in range(0, max(kept, 1), tall):
        yield slice(i, min(i + tall, kept)), parts


def reduced(xp: Any, block: Block, n: int, m: int, batch: int, reduce: str, dim: int, present: Present) -> Any:
    """Reduce a matrix over one of its dimensions, from its blocks."""
    join = xp.minimum if reduce == "min" else xp.add
    found: list[Any] = []
    for kept, parts in slices(n, m, batch, dim):
        places = [ordered(kept, over, dim) for over in parts]
        folded = [folded_over(xp, block(*place), reduce, dim, present, *place) for place in places]
        whole = folded[0]
        for part in folded[1:]:
            whole = join(whole, part)
        found.append(whole)
    return finished(xp, xp.concat(found, axis=-1), reduce, dim, present, (n, m))


def folded_over(
    xp: Any, distances: Any, reduce: str, dim: int, present: Present, i: slice = ALL, j: slice = ALL
) -> Any:
    """Return the least or the sum of distances between points that are there."""
    nothing = _number(xp, distances, _NOTHING[reduce])
    for points, place, axis in ((present.rows, i, -1), (present.columns, j, -2)):
        if points is not None:
            distances = xp.where(xp.expand_dims(points[..., place], axis=axis), distances, nothing)
    return (xp.min if reduce == "min" else xp.sum)(distances, axis=dim)


def finished(xp: Any, folded: Any, reduce: str, dim: int, present: Present, points: tuple[int, int]) -> Any:
    """Return the reduction from what was folded: nan where there is no point, or none to take the least or mean of."""
    own, others = present.over(dim)
    if reduce == "mean":
        folded = folded / count(xp, folded, dim, present, points)
    nan = _number(xp, folded, math.nan)
    if others is not None and reduce == "min":
        folded = xp.where(xp.any(others, axis=-1, keepdims=True), folded, nan)
    return folded if own is None else xp.where(own, folded, nan)


def count(xp: Any, like: Any, dim: int, present: Present, points: tuple[int, int]) -> Any:
    """Return of how many points a mean is taken."""
    _, others = present.over(dim)
    if others is None:
        return points[dim]
    return xp.sum(xp.astype(others, like.dtype), axis=-1, keepdims=True)


def _number(xp: Any, like: Any, value: float) -> Any:
    return xp.full((), value, dtype=like.dtype, device=array_api_compat.device(like))


def neighbour_indices(xp: Any, indices: Any, present: Present) -> Any:
    """Return the indices of neighbours: -1 where one of the two is no point."""
    if present.columns is not None:
        whole = (*indices.shape[:-1], present.columns.shape[-1])
        there = xp.broadcast_to(xp.expand_dims(present.columns, axis=-2), whole)
        indices = xp.where(array_engine.gathered(xp, there, indices), indices, xp.full_like(indices, -1))
    if present.rows is not None:
        indices = xp.where(xp.expand_dims(present.rows, axis=-1), indices, xp.full_like(indices, -1))
    return indices


def nearest(xp: Any, block: Block, n: int, m: int, batch: int, sort: Sort) -> tuple[Any, Any]:
    """Return what `sort` keeps of each row, from blocks of whole rows."""
    tall = max(1, BLOCK // (m * max(batch, 1)))
    found = [sort(block(slice(i, min(i + tall, n)), slice(0, m))) for i in range(0, max(n, 1), tall)]
    return xp.concat([values for values, _ in found], axis=-2), xp.concat([places for _, places in found], axis=-2)


def ordered(kept: slice, over: slice, dim: int) -> tuple[slice, slice]:
    """What is kept and what is reduced over, as rows and columns."""
    return (kept, over) if dim == -1 else (over, kept)
