"""Half precision inside kernels: its bits are integers in memory, and float32 in arithmetic.

The conversions become packed instructions where the processor has them, and a few bit operations where not: LLVM would
call functions there that a process does not have.
"""

# pyright: basic
from __future__ import annotations

import llvmlite.binding as llvm

from normwise.engines.cpu.device.builder import FLOAT16, FLOAT32, HALF_WORD, SINGLE_WORD, Value, where

# Only x86 has such machines, and a feature of this name.
CONVERTS = bool(llvm.get_host_cpu_features().get("f16c", True))
"""Whether the processor converts float16."""

_SIGN, _REST = 0x8000, 0x7FFF
_INFINITY, _INFINITY32 = 0x7C00, 0x7F800000
_BIAS = 127 - 15
"""How much larger the exponents of float32 are."""


def from_float16(bits: Value, converts: bool = CONVERTS) -> Value:
    """The float32 of a float16's bits: exact."""
    if converts:
        return bits.as_float(FLOAT16).to(FLOAT32)
    wide = bits.to(SINGLE_WORD)
    rest = wide & _REST
    # As float32 the bits are a number too small by the difference of the biases, be it subnormal.
    finite = ((rest << 13).as_float(FLOAT32) * 2.0**_BIAS).bits
    size = where(rest >= _INFINITY, (rest << 13) | _INFINITY32, finite)
    return (size | ((wide & _SIGN) << 16)).as_float(FLOAT32)


def to_float16(value: Value, converts: bool = CONVERTS) -> Value:
    """The bits of the float16 nearest to a float32, ties to even; a nan stays one."""
    if converts:
        return value.to(FLOAT16).bits
    size = abs(value).bits
    sign = (value.bits >> 16) & _SIGN
    rebased = size - (_BIAS << 23)
    normal = (rebased + (((rebased >> 13) & 1) + 0xFFF)) >> 13
    # In the sum with 1/2 the last digit is that of float16's subnormals.
    subnormal = (size.as_float(FLOAT32) + 0.5).bits - 0x3F000000
    bits = where(size < ((_BIAS + 1) << 23), subnormal, normal)
    bits = where(size >= 0x47800000, bits.like(_INFINITY), bits)  # 2^16
    quiet = ((size >> 13) & 0x3FF) | (_INFINITY | 0x200)
    return (where(size > _INFINITY32, quiet, bits) | sign).to(HALF_WORD)


def from_bfloat16(bits: Value) -> Value:
    """The float32 of a bfloat16's bits, which are its upper half: exact."""
    return (bits.to(SINGLE_WORD) << 16).as_float(FLOAT32)


def to_bfloat16(value: Value) -> Value:
    """The bits of the bfloat16 nearest to a float32, ties to even; a nan stays one."""
    bits = value.bits
    upper = bits >> 16
    rounded = (bits + ((upper & 1) + 0x7FFF)) >> 16
    return where(value != value, upper | 0x40, rounded).to(HALF_WORD)
