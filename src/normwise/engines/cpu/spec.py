"""What distinguishes one kernel from another, and the measures of its loops."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast

from normwise.formula import Expression, Formula
from normwise.formula.caches import per_formula
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.walk import path, stored

Real = Literal["float32", "float64"]
Storage = Literal["bool", "float16", "bfloat16", "float32", "float64"]

HEADER = ("counter", "blocks", "planes", "rows", "columns", "group", "chunk", "height", "partials")
"""The first words of a kernel's arguments."""

BUFFERED = 1 << 12
"""Elements at most in a tile where operands pass through buffers, which are to stay in the cache."""

STEP = 1 << 9
"""Elements that are computed, then summed, at a time: few enough for the innermost cache."""


@dataclass(frozen=True)
class KernelSpec:
    """What distinguishes one kernel from another.

    Attributes
    ----------
    sums : tuple of Formula
        What is summed over all elements, in float64.
    outputs : tuple of Formula
        What is written for each element. Sums and outputs are formulas of the same arrays and parameters.
    storage : tuple of str
        The types of the operands: of each array that the formulas read, in the order of their arguments, then of each
        output.
    direct : tuple of bool, optional
        None where all operands are contiguous. Else for each operand whether a tile of it lies in one piece: the others
        pass through a buffer, so that the loop over elements always runs on contiguous memory and vectorises.
    wide : bool
        Whether the arithmetic is float64 whatever the operands are.
    widest : bool
        Whether vectors are as wide as the processor has them: see `Programs`.
    """

    sums: tuple[Formula, ...]
    outputs: tuple[Formula, ...]
    storage: tuple[Storage, ...]
    direct: tuple[bool, ...] | None = None
    wide: bool = False
    widest: bool = field(default=False, kw_only=True)

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """All of them."""
        return (*self.sums, *self.outputs)

    @property
    def real(self) -> Real:
        """The type of the arithmetic: float64 where that is asked for or an operand is, else float32."""
        return "float64" if self.wide or "float64" in self.storage else "float32"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The arrays that are read."""
        return read_by(self.formulas)

    @property
    def computes_long(self) -> bool:
        """Whether it is arithmetic that takes the time, and not memory, a division or a root."""
        return any(_is_long(node) for node, _ in path([formula.expression for formula in self.formulas]).steps)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self.formulas[0].parameters)

    @property
    def words(self) -> int:
        """How many words each operand takes among the arguments."""
        return 1 if self.direct is None else 4

    @property
    def reals(self) -> int:
        """Where the parameters begin among the arguments."""
        return len(HEADER) + self.words * len(self.storage)


LONG = frozenset({"power", "exp", "expm1", "log", "log1p", "tanh", "cosh", "sin", "cos", "arctan"})
"""The primitives that are long lines of arithmetic, beside those that are composed of others."""


def _is_long(node: Expression) -> bool:
    row = PRIMITIVES.get(node.primitive)
    if row is not None and row.composition is not None:
        return True
    return node.primitive in LONG and not (node.primitive == "power" and isinstance(node.arguments[1].value, int))


@per_formula
def read_by(formulas: tuple[Formula, ...]) -> tuple[str, ...]:
    """Return the arrays that some formulas of the same arrays read, in the order of their arguments."""
    read = frozenset[str]().union(*(formula.reads for formula in formulas))
    return tuple(name for name in formulas[0].arrays if name in read)


def identity(spec: Any) -> str:
    """All that distinguishes a spec from others, as text.

    Of what is summed and written these are the expressions, with places for names: a kernel is called with operands and
    parameters in their order, so what they are called makes no other kernel. Other formulas are read by their names.
    """
    known = ((field.name, getattr(spec, field.name)) for field in fields(spec))
    return repr((type(spec).__name__, *(_plain(value, name in ("sums", "outputs")) for name, value in known)))


def _plain(value: Any, places: bool) -> Any:
    if isinstance(value, Formula):
        return _placed(value) if places else (value.arrays, (*value.parameters,), stored(value.expression))
    return (
        tuple([_plain(each, places) for each in cast("tuple[Any, ...]", value)]) if isinstance(value, tuple) else value
    )


def _placed(formula: Formula) -> tuple[int, int, tuple[Any, ...]]:
    """How many arrays and parameters a formula has, and its expression, of their places."""
    places = {name: place for place, name in enumerate((*formula.arrays, *formula.parameters))}
    steps = stored(formula.expression)
    placed = [(kind, places[value] if kind == "variable" else value, of) for kind, value, of in steps]
    return len(formula.arrays), len(formula.parameters), tuple(placed)
