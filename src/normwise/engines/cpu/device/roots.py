"""Square roots of float64 numbers that are wanted as float32: in float32 they take a third of the time."""

# pyright: basic
from __future__ import annotations

import math
from collections.abc import Mapping

from normwise.engines.cpu.device.builder import FLOAT32, FLOAT64, Builder, Value, where
from normwise.engines.cpu.device.numbers import values_of
from normwise.formula import Expression

_MANTISSA, _BIAS = 52, 1023


def rounded(builder: Builder, expression: Expression, variables: Mapping[str, Value]) -> Value:
    """The value of an expression of float64 numbers as a float32; the root that it is, if any, is off by 1 ulp at most.

    Roots of which something else is computed are as all else: what an error becomes there nobody knows.
    """

    def exact(node: Expression) -> Value:
        return values_of(builder, FLOAT64, [node], variables)[0]

    if expression.primitive == "sqrt":
        return root(exact(expression.arguments[0]))
    if expression.primitive == "where":
        condition, *branches = expression.arguments
        return where(exact(condition), *[rounded(builder, branch, variables) for branch in branches])
    return exact(expression).to(FLOAT32)


def root(a: Value) -> Value:
    """The root of a float64 as a float32, in the whole range of either.

    Of a = 4^q m the root of m, between 1 and 2, is taken, and multiplied by 2^q. That m is rounded to float32 before
    costs half an ulp at most.
    """
    half = (a.bits + (1 << _MANTISSA)) >> (_MANTISSA + 1)  # q + (_BIAS + 1) / 2
    m = (a.bits - (half << (_MANTISSA + 1)) + ((_BIAS + 1) << _MANTISSA)).as_float(FLOAT64)
    unit = ((half + _BIAS // 2) << _MANTISSA).as_float(FLOAT64)
    found = (a.builder.called("llvm.sqrt", m.to(FLOAT32)).to(FLOAT64) * unit).to(FLOAT32)
    return where(a > 0, found, where(a == 0, a.to(FLOAT32), math.nan))
