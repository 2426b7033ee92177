"""How a call lies in memory, as the engines on raw buffers take it."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """A call as rows x columns: for each array its row stride and its column stride, in elements."""

    rows: int
    columns: int
    strides: tuple[tuple[int, int], ...]

    @property
    def unit(self) -> tuple[bool, ...]:
        """For each array, whether its columns are contiguous."""
        return tuple(column == 1 for _, column in self.strides)

    @property
    def flat(self) -> bool:
        """Whether all arrays are contiguous throughout."""
        return self.rows == 1 and all(self.unit)
