"""What distinguishes one contraction kernel from another, and the measures of its loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from normwise.engines.cpu.spec import Storage, read_by
from normwise.formula import Expression, Formula

Place = Literal["rs", "ls", "rl", "r", "l", "s"]
"""Which of the indices an array has: rows, lanes, summed. None has all three."""

LANES = 32
"""The lanes that are taken side by side: whole vectors, without a loop of leftovers."""

BROAD = 64
"""The same where more fit the cache: of float32, or where few terms are summed."""

SHALLOW = 16
"""What is summed at most for a kernel to be written out for its length."""

DEPTH = 1 << 7
"""What is summed in one go: with the lanes it fills the innermost cache."""

SPAN = 1 << 12
"""Elements of packed lanes for which more lanes are taken where few terms are summed: they stay in the cache."""

BLOCK = 1 << 14
"""Rows times lanes of a block at most: enough rows that packing the lanes is a small part of the work."""

TOGETHER, TOGETHER_NARROW = (8, 4, 1), (16, 4, 1)
"""How many terms meet the sum in memory together; what one is too many for falls to the next."""

CHAIN = 4
"""Products that are added one after the other: longer chains would be waited for."""

HEADER = ("counter", "blocks", "planes", "rows", "lanes", "depth", "group", "count")
"""The first words of a kernel's arguments."""

WORDS = 5
"""How many words each operand takes among the arguments: its address and its strides."""


class Extent(NamedTuple):
    """The lengths of the indices; planes are independent problems of one kind."""

    planes: int
    rows: int
    lanes: int
    depth: int


class Strides(NamedTuple):
    """How an array lies in memory, in elements; 0 along an index that it has not."""

    plane: int = 0
    row: int = 0
    lane: int = 0
    summed: int = 0


@dataclass(frozen=True)
class ContractionSpec:
    """What distinguishes one kernel from another.

    Attributes
    ----------
    sums : tuple of Formula
        What is summed: formulas of the same arrays and parameters.
    places : tuple of str
        Which indices each array has that the sums read.
    storage : tuple of str
        The types of those arrays, then of the results.
    finishes : tuple of Formula
        What is written for each row and lane: formulas of ``s0``, ``s1``, ..., the sums.
    shallow : int
        How many terms each sum has; 0 for any number.
    maximum : bool
        Whether the largest term is taken in place of the sum; none is to be negative, and nan is larger than all.
    nearest : bool
        Whether for each row the least of the first result are kept, and where they were, in place of all.
    narrow : bool
        Whether terms are float32, and up to 16 of them are added as such before they meet a float64 sum. They are not
        to leave the range of float32 where the sum does not, and not to be negative: so nothing cancels.
    widest : bool
        Whether vectors are as wide as the processor has them: see `Programs`.
    """

    sums: tuple[Formula, ...]
    places: tuple[Place, ...]
    storage: tuple[Storage, ...]
    finishes: tuple[Formula, ...]
    shallow: int = 0
    maximum: bool = False
    nearest: bool = False
    narrow: bool = False
    widest: bool = False

    @property
    def computes_long(self) -> bool:
        """Whether it is arithmetic that takes the time: as it does here, where much is read again and again."""
        return True

    @property
    def side(self) -> int:
        """The lanes that are taken side by side."""
        return BROAD if self.shallow or self.narrow else LANES

    @property
    def span(self) -> int:
        """How many times those lanes a row is taken along at once: where few terms are summed, each step shows."""
        return max(1, SPAN // (self.side * self.shallow)) if self.shallow else 1

    @property
    def groups(self) -> Sequence[int]:
        """How many terms meet the sum together."""
        return TOGETHER_NARROW if self.narrow else TOGETHER

    @property
    def terms(self) -> Sequence[tuple[Expression, ...]]:
        """Each sum's term; in two factors where it is a product, which then meets the sum in one instruction."""
        splits = not (self.maximum or self.narrow)
        expressions = [formula.expression for formula in self.sums]
        return [e.arguments if splits and e.primitive == "multiply" else (e,) for e in expressions]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The arrays that are read."""
        return read_by(self.sums)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self.sums[0].parameters)
