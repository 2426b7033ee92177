"""What is made of all pairs' distances without their matrix: block by block, a few thousand points at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

WIDE = 1 << 13
"""Points of one side in a block at most."""

BLOCK = 1 << 19
"""Pairs in a block at most: its distances stay in the cache."""

Sort = Callable[[Any], tuple[Any, Any]]
"""The least of each row of distances in their order, and where they are."""

Block = Callable[[slice, slice], Any]
"""The distances of some points of one side from some of the other."""


def slices(n: int, m: int, batch: int, dim: int) -> Iterator[tuple[slice, list[slice]]]:
    """Yield the blocks of an n x m matrix: some of what is kept, and then all parts of what is reduced over."""
    kept, over = (n, m) if dim == -1 else (m, n)
    wide = max(1, min(over, WIDE))
    tall = max(1, BLOCK // (wide * max(batch, 1)))
    parts = [slice(j, min(j + wide, over)) for j in range(0, max(over, 1), wide)]
    for i in range(0, max(kept, 1), tall):
        yield slice(i, min(i + tall, kept)), parts


def reduced(xp: Any, block: Block, n: int, m: int, batch: int, reduce: str, dim: int) -> Any:
    """Reduce a matrix over one of its dimensions, from its blocks."""
    fold, join = (xp.min, xp.minimum) if reduce == "min" else (xp.sum, xp.add)
    found: list[Any] = []
    for kept, parts in slices(n, m, batch, dim):
        folded = [fold(block(*ordered(kept, over, dim)), axis=dim) for over in parts]
        whole = folded[0]
        for part in folded[1:]:
            whole = join(whole, part)
        found.append(whole)
    result = xp.concat(found, axis=-1)
    return result / (m if dim == -1 else n) if reduce == "mean" else result


def nearest(xp: Any, block: Block, n: int, m: int, batch: int, sort: Sort) -> tuple[Any, Any]:
    """Return what `sort` keeps of each row, from blocks of whole rows."""
    tall = max(1, BLOCK // (m * max(batch, 1)))
    found = [sort(block(slice(i, min(i + tall, n)), slice(0, m))) for i in range(0, max(n, 1), tall)]
    return xp.concat([values for values, _ in found], axis=-2), xp.concat([places for _, places in found], axis=-2)


def ordered(kept: slice, over: slice, dim: int) -> tuple[slice, slice]:
    """What is kept and what is reduced over, as rows and columns."""
    return (kept, over) if dim == -1 else (over, kept)
