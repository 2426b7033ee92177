"""Formulas on the values of a kernel: to them these are one more array library, whose functions are the device's."""

# pyright: basic
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normwise.engines.cpu.device.builder import Builder, Truth, Type, Value, where
from normwise.engines.cpu.device.vector_math import VECTOR_MATH
from normwise.formula import Expression
from normwise.formula.arrays import array_values
from normwise.formula.walk import path


class Numbers:
    """The namespace of values of one floating-point type, by the names of the array API standard.

    Parameters
    ----------
    builder : Builder
    dtype : FLOAT32 or FLOAT64
    """

    def __init__(self, builder: Builder, dtype: Type) -> None:
        self._builder, self._dtype = builder, dtype

    def __getattr__(self, name: str) -> Any:
        function = getattr(VECTOR_MATH[self._dtype], name)
        return lambda *arguments: function(*map(self._number, arguments))

    def _number(self, value: Value) -> Value:
        """A truth as 0 or 1."""
        return value.to(self._dtype) if isinstance(value, Truth) else value

    abs = staticmethod(abs)
    where = staticmethod(where)

    def full(self, _shape: tuple[()], number: float, **_: Any) -> Value:
        """A plain number as a value."""
        return self._builder.number(number, self._dtype)

    def sqrt(self, a: Value) -> Value:
        return self._builder.called("llvm.sqrt", self._number(a))

    def sgn(self, a: Value) -> Value:
        return where(a > 0, 1.0, where(a < 0, -1.0, a.like(0.0)))

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller one, or nan."""
        a, b = self._number(a), self._number(b)
        return where((a < b) | (a != a), a, b)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger one, or nan."""
        a, b = self._number(a), self._number(b)
        return where((a > b) | (a != a), a, b)


def values_of(
    builder: Builder, dtype: Type, expressions: Sequence[Expression], variables: Mapping[str, Value]
) -> list[Value]:
    """The values of expressions, as they are written, in a floating-point type."""
    values = array_values(path(expressions), Numbers(builder, dtype), variables)
    # A result may be a plain number, as the constant curvature of the squared error, or a truth.
    return [each.to(dtype) if isinstance(each, Value) else builder.number(each, dtype) for each in values]
