"""Formulas on the arrays of a namespace ``xp`` of the array API standard.

To this language the numbers of a CPU kernel that is being built are arrays, too: so it says what a kernel computes.
A primitive that has no row here is the namespace's function of its name, and a composition where there is none.
This module imports no array library.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

from normwise.formula.caches import per_formula
from normwise.formula.expression import Expression, constant, variable
from normwise.formula.primitives import PRIMITIVES, Primitive
from normwise.formula.values import Values, is_number
from normwise.formula.walk import Path, path, walk


def array_values(way: Path, xp: Any, variables: Mapping[str, Any]) -> list[Any]:
    """Return the expressions at the ends of a path, over arrays of the namespace `xp` and plain numbers."""
    like = next(value for value in variables.values() if not is_number(value))

    def compute(node: Expression, arguments: tuple[Any, ...]) -> Any:
        name = node.primitive
        if name in LIFTED:
            arguments = _lifted(xp, arguments, like)
        spelling = SPELLINGS.get(name)
        if spelling is not None:
            return spelling(xp, *arguments)
        function = None if name in COMPOSED else getattr(xp, name, None)
        if function is not None:
            *orders, last = arguments
            return function(*orders, _in_range(xp, PRIMITIVES[name], last))
        numbers = tuple(a if is_number(a) else None for a in arguments)
        given = {f"v{i}": a for i, a in enumerate(arguments)}
        [value] = walk(_composition(name, numbers), Values(given, compute))
        return value

    return walk(way, Values(variables, compute))


@per_formula
def _composition(name: str, numbers: tuple[float | None, ...]) -> Path:
    """The path of what a primitive is in others, of some plain numbers and of variables."""
    composition = PRIMITIVES[name].composition
    assert composition is not None, f"the namespace has no {name}, and no composition of it is known"
    nodes = [variable(f"v{i}") if each is None else constant(each) for i, each in enumerate(numbers)]
    return path([composition(*nodes)])


def _lifted(xp: Any, arguments: tuple[Any, ...], like: Any) -> tuple[Any, ...]:
    """The arguments with plain numbers as arrays, 0-d and of the dtype of `like`."""
    device = getattr(like, "device", None)
    return tuple(xp.full((), a, dtype=like.dtype, device=device) if is_number(a) else a for a in arguments)


def _in_range(xp: Any, row: Primitive, a: Any) -> Any:
    """The argument, or nan where it is out of range: a library may go on there."""
    low, high = row.range
    return a if (low, high) == (-math.inf, math.inf) else xp.where((a >= low) & (a <= high), a, math.nan)


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    def spelling(_: Any, *arguments: Any) -> Any:
        return function(*arguments)

    return spelling


def _sign(xp: Any, a: Any) -> Any:
    # Not xp.sign: NumPy's sign(nan) is nan where torch's is 0. torch's sgn is one operation, which compilers do best.
    if hasattr(xp, "sgn"):
        return xp.sgn(a)
    return xp.astype(a > 0, a.dtype) - xp.astype(a < 0, a.dtype)


def _stop_gradient(_xp: Any, a: Any) -> Any:
    if hasattr(a, "detach"):  # torch's
        return a.detach()
    jax: Any = sys.modules.get("jax")
    return jax.lax.stop_gradient(a) if jax is not None and isinstance(a, jax.Array) else a


SPELLINGS = dict[str, Callable[..., Any]](
    add=_operator(operator.add),
    subtract=_operator(operator.sub),
    multiply=_operator(operator.mul),
    divide=_operator(operator.truediv),
    power=_operator(operator.pow),
    less=_operator(operator.lt),
    less_equal=_operator(operator.le),
    greater=_operator(operator.gt),
    greater_equal=_operator(operator.ge),
    equal=_operator(operator.eq),
    not_equal=_operator(operator.ne),
    negative=_operator(operator.neg),
    absolute=lambda xp, a: xp.abs(a),
    arctan=lambda xp, a: xp.atan(a),
    sign=_sign,
    stop_gradient=_stop_gradient,
)
"""What is not the namespace's function of the primitive's name."""

LIFTED = frozenset({"where", "minimum", "maximum"})
"""The functions that want plain numbers as arrays."""

COMPOSED = frozenset({"digamma", "polygamma"})
"""What is composed in every namespace: near the root, and at 0.88, torch's own are wrong by millions of units."""
