"""The source of a kernel: formulas printed into the one loop that all kernels share.

A kernel is a C function of one argument, the address of its arguments: 64-bit words, laid out by `HEADER`, then the
address of each operand (followed by its plane, row and column stride, in elements, unless all is contiguous), then the
parameters as float64. It takes blocks of the planes x rows x columns grid from a counter in those words until none is
left, so any number of threads may run it at once; each block's sums go to a place of their own, so the result does
not depend on who computed them.

The formulas stand in a function that is compiled as they are written: strict IEEE arithmetic, no reassociation. Only
the sums over the elements, in float64 lanes, may be reordered by the vectoriser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from normwise.engines.cpu.threads import STOP
from normwise.formula import Formula
from normwise.formula.source import numba_source

Real = Literal["float32", "float64"]
Storage = Literal["bool", "float16", "bfloat16", "float32", "float64"]

HEADER = ("counter", "blocks", "planes", "rows", "columns", "group", "chunk", "height", "partials")
"""The first words of a kernel's arguments."""

BUFFERED = 1 << 12
"""Elements at most in a tile where operands pass through buffers, which are to stay in the cache."""

NARROW = 8
"""Columns below which a buffer is filled column by column."""

STEP = 1 << 9
"""Elements that are computed, then summed, at a time: few enough for the innermost cache."""


class Stored(NamedTuple):
    """How a kernel reads and writes one type of element."""

    raw: str
    """What Numba holds it as."""
    size: int
    """Bytes."""
    load: str
    """Its value, from the raw one."""
    store: str
    """The raw one, from a value."""


STORED: Mapping[Storage, Stored] = {
    "bool": Stored("np.uint8", 1, "{} != np.uint8(0)", ""),
    "float16": Stored("np.uint16", 2, "real(from_float16({}))", "to_float16(np.float32({}))"),
    "bfloat16": Stored("np.uint16", 2, "real(from_bfloat16({}))", "to_bfloat16(np.float32({}))"),
    "float32": Stored("np.float32", 4, "real({})", "np.float32({})"),
    "float64": Stored("np.float64", 8, "real({})", "np.float64({})"),
}


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
    """

    sums: tuple[Formula, ...]
    outputs: tuple[Formula, ...]
    storage: tuple[Storage, ...]
    direct: tuple[bool, ...] | None = None
    wide: bool = False

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
        """The kernel's names of the arrays that are read."""
        read = {name for formula in self.formulas for name in formula.reads}
        return tuple(f"a{i}" for i, name in enumerate(self.formulas[0].arrays) if name in read)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters: the kernel's own, so that a formula's cannot clash with it."""
        return tuple(f"p{i}" for i in range(len(self.formulas[0].parameters)))

    @property
    def words(self) -> int:
        """How many words each operand takes among the arguments."""
        return 1 if self.direct is None else 4

    @property
    def reals(self) -> int:
        """Where the parameters begin among the arguments."""
        return len(HEADER) + self.words * len(self.storage)

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of all operands, in the order of the kernel's arguments."""
        return (*self.inputs, *(f"out{i}" for i in range(len(self.outputs))))

    def stored(self, operand: str) -> Stored:
        """How an operand is read and written."""
        return STORED[self.storage[self.operands.index(operand)]]


def kernel_source(spec: KernelSpec) -> str:
    """The text of a Python module whose ``kernel`` is the Numba function of a spec."""
    return "\n".join([head(spec), *element(spec), *_block(spec), *_driver(spec)]) + "\n"


def head(spec: KernelSpec) -> str:
    """The beginning of a kernel's module."""
    return f'''"""Generated by normwise: {" ".join(spec.storage)}."""
from math import sqrt

import numpy as np
from numba import carray, cfunc, njit, types

from normwise.engines.cpu.device.halves import from_bfloat16, from_float16, to_bfloat16, to_float16
from normwise.engines.cpu.device.memory import fetch_add_one, pointer_to, stack_memory, word_at
from normwise.engines.cpu.device.vector_math import {spec.real.upper()} as vector_math

real = np.{spec.real}
exp, expm1, log, log1p = vector_math.exp, vector_math.expm1, vector_math.log, vector_math.log1p
tanh, cosh, power = vector_math.tanh, vector_math.cosh, vector_math.power
sin, cos, arctan = vector_math.sin, vector_math.cos, vector_math.atan
'''


def element(spec: KernelSpec) -> list[str]:
    """The formulas at one element, in one straight line.

    That it has no licence is said: Numba lets a function that says nothing inherit those of its caller, and LLVM would
    then turn ``c * (c * r)`` into ``(c * c) * r``, which may overflow.
    """
    first = spec.formulas[0]
    names = {name: f"a{i}" for i, name in enumerate(first.arrays)}
    names |= {name: f"p{i}" for i, name in enumerate(first.parameters)}
    lines, results = numba_source([formula.expression for formula in spec.formulas], names)
    # A result may be a literal or an argument, as for the constant curvature of the squared error: real() types it.
    values = [f"real({result})" for result in results]
    written = zip(spec.operands[len(spec.inputs) :], values[len(spec.sums) :], strict=True)
    stored = [spec.stored(name).store.format(value) for name, value in written]
    return [
        "",
        '@njit(error_model="numpy", fastmath=False, forceinline=True)',
        f"def element({', '.join([*spec.inputs, *spec.parameters])}):",
        *(f"    {name} = {spec.stored(name).load.format(name)}" for name in spec.inputs),
        *(f"    {line}" for line in lines),
        f"    return {', '.join([*values[: len(spec.sums)], *stored])},",
        "",
    ]


def _block(spec: KernelSpec) -> list[str]:
    """The loops over contiguous elements, in steps that stay in the innermost cache.

    What is summed waits in a buffer for a loop of its own: widened to float64 where it is computed, it would halve the
    vectors of the whole formula.
    """
    sums = range(len(spec.sums))
    results = [*(f"value{k}" for k in sums), *(f"g{i}" for i in range(len(spec.outputs)))]
    elements = ", ".join([*(f"{name}[j]" for name in spec.inputs), *spec.parameters])
    arguments = [*(f"{name}_" for name in spec.operands), *(f"values{k}" for k in sums), *spec.parameters]
    size = f"{spec.operands[0]}.size"
    return [
        "",
        '@njit(error_model="numpy", fastmath={"reassoc"}, forceinline=True)',
        f"def block({', '.join(arguments)}):",
        *(f"    total{k} = 0.0" for k in sums),
        f"    for i in range(0, {arguments[0]}.size, {STEP}):",
        *(f"        {name} = {name}_[i : i + {STEP}]" for name in spec.operands),
        f"        for j in range({size}):",
        f"            {', '.join(results)}, = element({elements})",
        *(f"            values{k}[j] = value{k}" for k in sums),
        *(f"            out{i}[j] = g{i}" for i in range(len(spec.outputs))),
        *(
            line
            for k in sums
            for line in (f"        for j in range({size}):", f"            total{k} += np.float64(values{k}[j])")
        ),
        f"    return {', '.join([*(f'total{k}' for k in sums), '0'])}",
        "",
    ]


def _driver(spec: KernelSpec) -> list[str]:
    """The C function: take a block, walk its tiles, leave its sums."""
    sums = range(len(spec.sums))
    called = f"block({', '.join(passed(spec))})"
    return [
        *opening(spec, "max(1, {count} * blocks)"),
        *(f"        sum{k} = 0.0" for k in sums),
        *tiles(spec),
        f"            results = {called}" if sums else f"            {called}",
        *(line for name in spec.operands if name not in spec.inputs for line in _scattered(spec, name)),
        *(f"            sum{k} += results[{k}]" for k in sums),
        *(f"        places[{len(sums)} * b + {k}] = sum{k}" for k in sums),
    ]


def passed(spec: KernelSpec) -> list[str]:
    """What a block is called with: a tile of each operand, memory for the values, the parameters."""
    values = [f"values{k}" for k in range(len(spec.sums))]
    return [*(f"{name}_" for name in spec.operands), *values, *spec.parameters]


def opening(spec: KernelSpec, places: str, value: str = "real", place: str = "np.float64") -> list[str]:
    """The C function up to where it has taken a block: a group of rows and a chunk of columns of a plane.

    `places` is how many sums it leaves, in terms of `HEADER` and ``{count}``; `place` and `value` are what it leaves
    each as, and what the value of an element waits as.
    """
    reals = spec.reals
    buffers = [
        f"    {name}_buffer = carray(stack_memory({BUFFERED}, {raw}), ({BUFFERED},))"
        for name in spec.operands
        if not _direct(spec, name)
        for raw in [spec.stored(name).raw]
    ]
    return [
        "",
        "@cfunc(types.void(types.intp), error_model='numpy')",
        "def kernel(address):",
        f"    words = carray(pointer_to(address, np.int64), ({reals},))",
        f"    reals = carray(pointer_to(address, np.float64), ({reals + len(spec.parameters)},))",
        f"    {', '.join(HEADER[1:])} = {', '.join(f'words[{i}]' for i in range(1, len(HEADER)))}",
        *(f"    {name} = real(reals[{reals + i}])" for i, name in enumerate(spec.parameters)),
        *(f"    values{k} = carray(stack_memory({STEP}, {value}), ({STEP},))" for k in range(len(spec.sums))),
        *buffers,
        "    across = (columns + chunk - 1) // chunk",
        "    down = (rows + group - 1) // group",
        f"    places = carray(pointer_to(partials, {place}), ({places.format(count=len(spec.sums))},))",
        "    while True:",
        "        b = fetch_add_one(address)",
        "        if b >= blocks:",
        "            break",
        "        plane = b // (down * across)",
        "        first_row = b // across % down * group",
        "        last_row = min(first_row + group, rows)",
        "        column = b % across * chunk",
        "        width = min(chunk, columns - column)",
    ]


def tiles(spec: KernelSpec) -> list[str]:
    """The loop over the tiles of a block, up to where each operand's elements are at hand."""
    return [
        "        for tile in range((last_row - first_row + height - 1) // height):",
        f"            if word_at(address) >= {STOP}:",  # a block may be long where it is a group of many rows
        "                return",
        "            row = first_row + tile * height",
        "            depth = min(height, last_row - row)",
        "            size = depth * width",
        *(line for name in spec.operands for line in _tile(spec, name)),
    ]


def _tile(spec: KernelSpec, name: str) -> list[str]:
    """An operand's elements of the tile at hand: in place where they lie in one piece, else through its buffer."""
    address, plane, row, column = _place(spec, name)
    raw, size = spec.stored(name)[:2]
    at = f"            {name}_at = {address} + (plane * {plane} + row * {row} + column * {column}) * {size}"
    if _direct(spec, name):
        return [at, f"            {name}_ = carray(pointer_to({name}_at, {raw}), (size,))"]
    filled = [at, f"            {name}_ = {name}_buffer[:size]"]
    return [*filled, *_gathered(spec, name)] if name in spec.inputs else filled


def _gathered(spec: KernelSpec, name: str) -> list[str]:
    """The loops that fill an operand's buffer; what repeats along a line is read once for it."""
    row, column = _place(spec, name)[2:]
    raw, size = spec.stored(name)[:2]
    one = f"carray(pointer_to({{}}, {raw}), (1,))[0]"

    def loops(outer: str, outer_step: str, inner: str, inner_step: str, line: str) -> list[str]:
        return [
            f"for i in range({outer}):",
            f"    line = {name}_[{line}]",
            f"    line_at = {name}_at + i * {outer_step} * {size}",
            f"    if {inner_step} == 0:",
            f"        repeated = {one.format('line_at')}",
            f"        for j in range({inner}):",
            "            line[j] = repeated",
            f"    elif {inner_step} == 1:",
            f"        source = carray(pointer_to(line_at, {raw}), ({inner},))",
            f"        for j in range({inner}):",
            "            line[j] = source[j]",
            "    else:",
            f"        for j in range({inner}):",
            f"            line[j] = {one.format(f'line_at + j * {inner_step} * {size}')}",
        ]

    return _both_ways(loops, row, column)


def _scattered(spec: KernelSpec, name: str) -> list[str]:
    """The loops that bring an output's buffer to its place."""
    if _direct(spec, name):
        return []
    row, column = _place(spec, name)[2:]
    raw, size = spec.stored(name)[:2]

    def loops(outer: str, outer_step: str, inner: str, inner_step: str, line: str) -> list[str]:
        return [
            f"for i in range({outer}):",
            f"    line = {name}_[{line}]",
            f"    for j in range({inner}):",
            f"        element_at = {name}_at + (i * {outer_step} + j * {inner_step}) * {size}",
            f"        carray(pointer_to(element_at, {raw}), (1,))[0] = line[j]",
        ]

    return _both_ways(loops, row, column)


def _both_ways(loops: Any, row: str, column: str) -> list[str]:
    """The loops over a tile, row by row, or column by column where there are few of those."""
    down = loops("width", column, "depth", row, "i::width")
    along = loops("depth", row, "width", column, "i * width : (i + 1) * width")
    lines = [
        f"if width < {NARROW} and width < depth:",
        *(f"    {line}" for line in down),
        "else:",
        *(f"    {line}" for line in along),
    ]
    return [f"            {line}" for line in lines]


def _place(spec: KernelSpec, name: str) -> tuple[str, str, str, str]:
    """The words of an operand's address, plane stride, row stride and column stride."""
    first = len(HEADER) + spec.words * spec.operands.index(name)
    strides = ("0", "0", "1") if spec.direct is None else tuple(f"words[{first + i}]" for i in (1, 2, 3))
    return (f"words[{first}]", *strides)  # type: ignore[return-value]


def _direct(spec: KernelSpec, name: str) -> bool:
    return spec.direct is None or spec.direct[spec.operands.index(name)]
