"""How a call lies in memory, as the engines on raw buffers take it."""

from __future__ import annotations

from typing import Literal, NamedTuple


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
