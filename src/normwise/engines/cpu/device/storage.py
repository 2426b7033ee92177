"""How elements of each type lie in memory, and what a kernel computes with."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from normwise.engines.cpu.device.builder import BYTE, BYTES, FLOAT32, FLOAT64, HALF_WORD, Type, Value
from normwise.engines.cpu.device.halves import from_bfloat16, from_float16, to_bfloat16, to_float16
from normwise.engines.cpu.spec import Storage


class Stored(NamedTuple):
    """How a kernel reads and writes one type of element."""

    raw: Type
    load: Callable[[Value], Value]
    """The number, or truth, of what is in memory."""
    store: Callable[[Value], Value]
    """What is put into memory, of a float32 or float64."""

    @property
    def size(self) -> int:
        """Bytes."""
        return BYTES[self.raw]


def _as_it_is(value: Value) -> Value:
    return value


def _truth(byte: Value) -> Value:
    return byte != 0


STORED: Mapping[Storage, Stored] = {
    "bool": Stored(BYTE, _truth, _as_it_is),
    "float16": Stored(HALF_WORD, from_float16, lambda value: to_float16(value.to(FLOAT32))),
    "bfloat16": Stored(HALF_WORD, from_bfloat16, lambda value: to_bfloat16(value.to(FLOAT32))),
    "float32": Stored(FLOAT32, _as_it_is, lambda value: value.to(FLOAT32)),
    "float64": Stored(FLOAT64, _as_it_is, lambda value: value.to(FLOAT64)),
}
