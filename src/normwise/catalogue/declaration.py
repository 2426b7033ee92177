"""What a declaration of the catalogue holds, and the decorator that makes one from a function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from normwise.formula import Formula, trace
from normwise.formula.expression import variable

Divisor = Literal["weight", "count"]
Kind = Literal["integer", "complex"]

CALL_ARGUMENTS = frozenset(
    {
        "input",
        "target",
        "size_average",
        "reduce",
        "reduction",
        "weight",
        "mask",
        "nan_policy",
        "dim",
        "keepdim",
        "normalize",
        "broadcast",
    }
)
"""The arguments that every loss takes when it is called; a formula's own arguments need other names."""


@dataclass(frozen=True)
class Interval:
    """The values that a parameter may take; nan is in no interval.

    Examples
    --------
    >>> 0.0 in Interval(0, 1), 0.0 in Interval(0, 1, "right"), str(Interval(0, math.inf, "right"))
    (True, False, '(0, inf]')
    """

    low: float = -math.inf
    high: float = math.inf
    closed: Literal["both", "left", "right", "neither"] = "both"

    def __contains__(self, value: float) -> bool:
        above = value >= self.low if self.closed in ("both", "left") else value > self.low
        below = value <= self.high if self.closed in ("both", "right") else value < self.high
        return above and below

    def __str__(self) -> str:
        left = "[" if self.closed in ("both", "left") else "("
        right = "]" if self.closed in ("both", "right") else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


NON_NEGATIVE = Interval(0, math.inf)
POSITIVE = Interval(0, math.inf, "right")
PROBABILITY = Interval(0, 1)


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss: its formula and all that the rest of the library needs to know of it.

    Attributes
    ----------
    name : str
        Its name in `normwise.losses`; its function is ``{name}_loss``.
    written : Formula
        The formula as its author wrote it, of the residual ``r`` or of the prediction ``x`` and the target ``t``.
    formula : Formula
        The same of the prediction ``x``, the target ``t`` and any further arrays.
    domain : mapping of str to Interval
        The values that its parameters may take.
    divisor : {"weight", "count"}
        What a weighted mean divides by unless the caller says otherwise: the sum of the weights or the number of
        elements.
    accepts : tuple of {"integer", "complex"}
        The numbers beside the real ones that the formula makes sense of: it is then of integers, or real by modulus.
    module : str
        The name of its class in `normwise.nn`.
    documentation : str
        The docstring of the formula.
    """

    name: str
    written: Formula
    formula: Formula
    module: str
    domain: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    divisor: Divisor = "weight"
    accepts: tuple[Kind, ...] = ()
    documentation: str = ""

    @property
    def function(self) -> str:
        """The name of its function in `normwise.functional`."""
        return f"{self.name}_loss"

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters with their defaults."""
        return self.written.parameters

    @property
    def further_arrays(self) -> tuple[str, ...]:
        """The arrays it reads beside prediction and target: a scale, a variance, ..."""
        return self.formula.arrays[2:]

    def __repr__(self) -> str:
        return f"<normwise loss {self.name}>\n{self.written}"


def declare(
    function: Callable[..., Any],
    *,
    domain: Mapping[str, Interval] | None = None,
    divisor: Divisor = "weight",
    accepts: tuple[Kind, ...] = (),
    module: str | None = None,
) -> Loss:
    """The `Loss` of a plain function; see `normwise.loss`."""
    written = trace(function)
    name = written.name.removesuffix("_loss")
    if not name.isidentifier():
        raise TypeError(f"a loss needs a name: define it with `def`, not as a {written.name}")
    if not (written.arrays[0] == "r" or written.arrays[:2] == ("x", "t")):
        raise TypeError(
            f"{name} reads {', '.join(written.arrays)}; a loss begins with r (the residual, prediction - target) or "
            "with x, t (prediction, target), then names further arrays; parameters have a default"
        )
    taken = CALL_ARGUMENTS.intersection((*written.arrays, *written.parameters))
    if taken:
        raise TypeError(
            f"{name} names an argument {', '.join(sorted(taken))}, which every loss already takes when called"
        )
    unknown = set(domain or {}).difference(written.parameters)
    if unknown:
        raise TypeError(f"the domain of {name} names {', '.join(sorted(unknown))}, which is no parameter of it")
    return Loss(
        name=name,
        written=written,
        formula=written if written.arrays[0] == "x" else _of_prediction_and_target(written),
        module=module or "".join(part.capitalize() for part in name.split("_")) + "Loss",
        domain=dict(domain or {}),
        divisor=divisor,
        accepts=accepts,
        documentation=inspect.getdoc(function) or "",
    )


def _of_prediction_and_target(written: Formula) -> Formula:
    return written.on(("x", "t", *written.arrays[1:]), r=variable("x") - variable("t"))
