"""Expressions: what a formula is once it has been traced.

An expression is a constant, a variable, or a primitive applied to expressions. It is immutable and *interned*:
building the same expression twice gives the same object, so a subexpression that a formula mentions twice is computed
once, and two formulas are equal exactly when they are identical.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeAlias

Number: TypeAlias = float | int
Operand: TypeAlias = "Expression | Number"

_interned: weakref.WeakValueDictionary[tuple[object, ...], Expression] = weakref.WeakValueDictionary()
_interning = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child would wait for a thread that only its parent has
    os.register_at_fork(
        before=_interning.acquire, after_in_parent=_interning.release, after_in_child=_interning.release
    )


class Expression:
    """A node of a formula; ``+ - * / ** abs``, comparisons and the functions of `normwise.formula` combine them."""

    __slots__ = ("__weakref__", "arguments", "primitive", "value")

    primitive: str
    """The name of a row of the table of primitives, or ``"constant"`` or ``"variable"``."""
    arguments: tuple[Expression, ...]
    value: Number | str | None
    """The number of a constant, the name of a variable."""

    def __add__(self, other: Operand) -> Expression:
        return apply("add", self, other)

    def __radd__(self, other: Operand) -> Expression:
        return apply("add", other, self)

    def __sub__(self, other: Operand) -> Expression:
        return apply("subtract", self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return apply("subtract", other, self)

    def __mul__(self, other: Operand) -> Expression:
        return apply("multiply", self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return apply("multiply", other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return apply("divide", other, self)

    def __pow__(self, other: Operand) -> Expression:
        return apply("power", self, other)

    def __rpow__(self, other: Operand) -> Expression:
        return apply("power", other, self)

    def __neg__(self) -> Expression:
        return apply("negative", self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return apply("absolute", self)

    def __lt__(self, other: Operand) -> Expression:
        return apply("less", self, other)

    def __le__(self, other: Operand) -> Expression:
        return apply("less_equal", self, other)

    def __gt__(self, other: Operand) -> Expression:
        return apply("greater", self, other)

    def __ge__(self, other: Operand) -> Expression:
        return apply("greater_equal", self, other)

    # Interning makes identity the equality of expressions, so `==` is free to mean the comparison inside a formula.
    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return apply("equal", self, other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return apply("not_equal", self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError(
            "a formula is traced once for all values, so `if`, `and`, `or`, `not`, `min` and `max` cannot look at "
            "one: choose with where(condition, a, b), minimum(a, b) or maximum(a, b)"
        )

    def __float__(self) -> float:
        raise TypeError(
            "a formula is traced once for all values and has none of its own: instead of the functions of "
            "`math` and `numpy`, use those of normwise.formula (sqrt, exp, log, tanh, ...)"
        )

    def __repr__(self) -> str:
        return LANGUAGES["text"](self)  # type: ignore[no-any-return]


LANGUAGES: dict[str, Callable[..., Any]] = {}
"""What expressions need of languages, which stand on this module and enter it here.

``"text"`` is of an expression, ``"number"`` of the name of a primitive and plain numbers.
"""


def constant(value: Number) -> Expression:
    """The expression of a plain number."""
    value = float(value) if isinstance(value, float) else int(value)  # NumPy's float64 is a float too
    return _intern(("constant", type(value), repr(value)), "constant", (), value)


def variable(name: str) -> Expression:
    """The expression of a named argument: an array or a parameter."""
    return _intern(("variable", name), "variable", (), name)


def apply(primitive: str, *arguments: object) -> Expression:
    """The expression of a primitive of the table applied to expressions and numbers; 0, 1 and constants are folded."""
    nodes = tuple(map(as_expression, arguments))
    if primitive in _MIRRORED and is_constant(nodes[0]) and not is_constant(nodes[1]):
        return apply(_MIRRORED[primitive], nodes[1], nodes[0])  # as Python does when it reads 1 < r
    if primitive not in _MIRRORED and all(map(is_constant, nodes)):
        return constant(LANGUAGES["number"](primitive, *(node.value for node in nodes)))
    folded = _fold_units(primitive, nodes)
    if folded is not None:
        return folded
    return _intern((primitive, *map(id, nodes)), primitive, nodes, None)


def as_expression(value: object) -> Expression:
    """An expression as it is, a real number as a constant."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"a formula combines its arguments and real numbers, not {type(value).__name__}: {value!r}")
    return constant(value)


def is_constant(expression: Expression, *values: Number) -> bool:
    """Whether the expression is a constant, and one of `values` where any are given."""
    return expression.primitive == "constant" and (not values or expression.value in values)


_MIRRORED = {
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
    "equal": "equal",
    "not_equal": "not_equal",
}
"""The comparisons, each with what it is of the arguments the other way round."""


def _fold_units(primitive: str, nodes: tuple[Expression, ...]) -> Expression | None:
    """The only rewriting there is: adding 0, multiplying by 0 or 1, dividing by 1, the power of 1."""
    match primitive, nodes:
        case ("add", (a, b)) if is_constant(a, 0):
            return b
        case ("add" | "subtract", (a, b)) if is_constant(b, 0):
            return a
        case ("subtract", (a, b)) if is_constant(a, 0):
            return apply("negative", b)
        case ("multiply", (a, b)) if is_constant(a, 0) or is_constant(b, 0):
            return constant(0)
        case ("multiply", (a, b)) if is_constant(a, 1):
            return b
        case ("multiply", (a, b)) if is_constant(a, -1):
            return apply("negative", b)
        case ("multiply" | "divide" | "power", (a, b)) if is_constant(b, 1):
            return a
        case ("divide", (a, _)) if is_constant(a, 0):
            return constant(0)
        case ("negative", (a,)) if is_constant(a) and isinstance(a.value, (int, float)):
            return constant(-a.value)
        case ("where", (_, a, b)) if a is b or (is_constant(a) and is_constant(b) and _alike(a.value, b.value)):
            return a
        case _:
            return None


def _alike(a: object, b: object) -> bool:
    """Whether two numbers are one, be it an integer and a float; 0.0 and -0.0 are two."""
    return a == b and str(a).startswith("-") == str(b).startswith("-")


def _intern(
    key: tuple[object, ...], primitive: str, arguments: tuple[Expression, ...], value: Number | str | None
) -> Expression:
    found = _interned.get(key)
    if found is not None:
        return found
    with _interning:  # of two threads that build the same expression, one is to wait for the other's
        found = _interned.get(key)
        if found is None:
            found = Expression()
            found.primitive, found.arguments, found.value = primitive, arguments, value
            _interned[key] = found
        return found
