"""How a call lies in memory, as the engines on raw buffers take it: as planes x rows x columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Shape = Sequence[int]


class Layout(NamedTuple):
    """A call as planes x rows x columns: for each array its three strides, in elements; 0 repeats it."""

    planes: int
    rows: int
    columns: int
    strides: tuple[tuple[int, int, int], ...]

    @property
    def flat(self) -> bool:
        """Whether all arrays are contiguous throughout."""
        return self.planes == self.rows == 1 and all(column == 1 for _, _, column in self.strides)


class Lines(NamedTuple):
    """A layout whose rows, or whose columns, are reduced."""

    layout: Layout
    along: Literal["rows", "columns"]
    left: tuple[int, ...]
    """The dimensions of the call that are left, those that another reduction is still to take included."""


def lay_out(shape: Shape, strides: Sequence[Shape]) -> Layout | None:
    """Lay arrays of one shape out as planes x rows x columns, in the order of the first one's memory.

    Parameters
    ----------
    shape : sequence of int
        The shape of all the arrays.
    strides : sequence of sequences of int
        The strides of each array, in elements; 0 where it is broadcast.

    Returns
    -------
    Layout or None
        None where three dimensions do not suffice: the caller makes contiguous copies.

    Examples
    --------
    >>> lay_out((2, 3, 4), [(12, 4, 1), (24, 8, 2)])  # contiguous, and every second element
    Layout(planes=1, rows=1, columns=24, strides=((0, 0, 1), (0, 0, 2)))
    >>> lay_out((2, 3), [(3, 1), (1, 2)])  # row-major and column-major
    Layout(planes=1, rows=2, columns=3, strides=((0, 3, 1), (0, 1, 2)))
    """
    # From the outermost dimension to the innermost.
    order = [i for i, n in enumerate(shape) if n != 1]
    order.sort(key=lambda i: [-abs(s[i]) for s in strides])
    merged = _merged(shape, strides, order)
    if len(merged) > 3:
        return None
    still = (1, (0,) * len(strides))
    return _layout(*[still, still, still, *(merged or [(1, (1,) * len(strides))])][-3:])


NARROW = 16
"""Columns below which the rows of a column are brought together, rather than the columns kept apart."""


def lay_out_lines(shape: Shape, strides: Sequence[Shape], dims: Sequence[int]) -> Lines | None:
    """Lay arrays of one shape out so that one dimension is reduced: the last of `dims`, with those that continue it.

    Parameters
    ----------
    shape : sequence of int
        The shape of all the arrays; nowhere 0.
    strides : sequence of sequences of int
        The strides of each array, in elements; 0 where it is broadcast.
    dims : sequence of int
        The dimensions to reduce, one at least.

    Returns
    -------
    Lines or None
        None where three dimensions do not suffice: the caller makes contiguous copies, for which they do.

    Examples
    --------
    >>> lay_out_lines((2, 3, 4), [(12, 4, 1)], [1, 2])
    Lines(layout=Layout(planes=1, rows=2, columns=12, strides=((0, 12, 1),)), along='columns', left=(0,))
    """
    kinds = [(i, i in dims) for i, n in enumerate(shape) if n != 1]
    last = max((at for at, (_, reduced) in enumerate(kinds) if reduced), default=len(kinds))
    first = last
    while first > 0 and kinds[first - 1][1]:
        first -= 1
    groups = [kinds[:first], kinds[first : last + 1], kinds[last + 1 :]]
    outer, taken, inner = ([*_merged(shape, strides, [i for i, _ in group])] for group in groups)
    still = (1, (0,) * len(strides))
    if len(taken) > 1 or len(inner) > 1 or len(outer) + len(inner) > 2:
        return None
    line = taken[0] if taken else (1, (1,) * len(strides))
    left = tuple(i for i, _ in (*groups[0], *groups[2]))
    rows, planes = ([*reversed(outer), still, still])[:2]
    if not inner and len(outer) == 1 and abs(rows[1][0]) == 1 != abs(line[1][0]):
        return Lines(_layout(still, line, rows), "rows", left)
    if not inner:
        return Lines(_layout(planes, rows, line), "columns", left)
    if inner[0][0] < NARROW or abs(line[1][0]) == 1 != abs(inner[0][1][0]):
        return Lines(_layout(rows, inner[0], line), "columns", left)
    return Lines(_layout(rows, line, inner[0]), "rows", left)


def merged(shape: Shape, strides: Sequence[Shape]) -> tuple[int, tuple[int, ...]] | None:
    """Lay all dimensions out as one: its length and its stride in each array; None where that cannot be.

    Examples
    --------
    >>> merged((2, 3), [(3, 1), (0, 0)])
    (6, (1, 0))
    """
    found = _merged(shape, strides, [i for i, n in enumerate(shape) if n != 1])
    return None if len(found) > 1 else found[0] if found else (1, (0,) * len(strides))


def _merged(shape: Shape, strides: Sequence[Shape], dims: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
    """Dimensions in their order as (length, its stride in each array), those in one that continue each other."""
    merged: list[tuple[int, tuple[int, ...]]] = []
    for i in dims:
        length, steps = shape[i], tuple(s[i] for s in strides)
        if merged and all(outer == inner * length for outer, inner in zip(merged[-1][1], steps, strict=True)):
            merged[-1] = (merged[-1][0] * length, steps)
        else:
            merged.append((length, steps))
    return merged


def _layout(*dimensions: tuple[int, tuple[int, ...]]) -> Layout:
    (planes, plane_steps), (rows, row_steps), (columns, column_steps) = dimensions
    return Layout(planes, rows, columns, tuple(zip(plane_steps, row_steps, column_steps, strict=True)))
