"""Half precision inside kernels: its bits are integers in memory, and float32 in arithmetic.

The conversions become packed instructions where the processor has them, and a few bit operations where not.
"""

# pyright: basic
from __future__ import annotations

from normwise.engines.cpu.device.builder import FLOAT16, FLOAT32, HALF_WORD, SINGLE_WORD, Value, where


def from_float16(bits: Value) -> Value:
    """The float32 of a float16's bits: exact."""
    return bits.as_float(FLOAT16).to(FLOAT32)


def to_float16(value: Value) -> Value:
    """The bits of the float16 nearest to a float32, ties to even."""
    return value.to(FLOAT16).bits


def from_bfloat16(bits: Value) -> Value:
    """The float32 of a bfloat16's bits, which are its upper half: exact."""
    return (bits.to(SINGLE_WORD) << 16).as_float(FLOAT32)


def to_bfloat16(value: Value) -> Value:
    """The bits of the bfloat16 nearest to a float32, ties to even; a nan stays one."""
    bits = value.bits
    upper = bits >> 16
    rounded = (bits + ((upper & 1) + 0x7FFF)) >> 16
    return where(value != value, upper | 0x40, rounded).to(HALF_WORD)
