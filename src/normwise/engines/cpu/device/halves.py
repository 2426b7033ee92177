"""Half precision inside kernels: Numba has no float16, so its bits are read as integers and converted here.

The conversions become packed instructions where the processor has them, and a few bit operations where not.
"""

# pyright: basic
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_WORD, _DOUBLE_WORD = ir.IntType(16), ir.IntType(32)


@intrinsic
def from_float16(typing_context, bits):
    """The float32 of a float16's bits: exact."""

    def lower(context, builder, signature, arguments):
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), lower


@intrinsic
def to_float16(typing_context, value):
    """The bits of the float16 nearest to a float32, ties to even."""

    def lower(context, builder, signature, arguments):
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), _WORD)

    return types.uint16(types.float32), lower


@intrinsic
def from_bfloat16(typing_context, bits):
    """The float32 of a bfloat16's bits, which are its upper half: exact."""

    def lower(context, builder, signature, arguments):
        wide = builder.shl(builder.zext(arguments[0], _DOUBLE_WORD), _DOUBLE_WORD(16))
        return builder.bitcast(wide, ir.FloatType())

    return types.float32(types.uint16), lower


@intrinsic
def to_bfloat16(typing_context, value):
    """The bits of the bfloat16 nearest to a float32, ties to even; a nan stays one."""

    def lower(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], _DOUBLE_WORD)
        upper = builder.lshr(bits, _DOUBLE_WORD(16))
        odd = builder.and_(upper, _DOUBLE_WORD(1))
        rounded = builder.lshr(builder.add(bits, builder.add(odd, _DOUBLE_WORD(0x7FFF))), _DOUBLE_WORD(16))
        is_nan = builder.fcmp_unordered("uno", arguments[0], arguments[0])
        quiet = builder.or_(upper, _DOUBLE_WORD(0x40))
        return builder.trunc(builder.select(is_nan, quiet, rounded), _WORD)

    return types.uint16(types.float32), lower
