"""Kernels that sum formulas over one of three indices, where each array has some of the three: a formula's einsum.

The indices are called by what a kernel does with them: it takes *rows* one by one, *lanes* side by side in vectors, and
what is *summed* in chunks that stay in the cache. A distance of each point from each has the points of one side as
rows, those of the other as lanes, and sums over the features; its gradient has the features as lanes and sums over the
other side's points. All arithmetic is float64, but for `narrow` kernels.

A block is a group of rows and a few lanes. What has lanes is packed once for all rows of a block; what has not is
spread over the lanes. Each sum is complete within a block, in an order that depends on nothing but its length: so the
result neither depends on the number of threads nor on which side is called the rows.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from normwise.engines.cpu.source import STORED, Storage, Stored
from normwise.engines.cpu.store import load
from normwise.engines.cpu.threads import CFunction, run_on_threads, thread_count
from normwise.formula import Expression, Formula
from normwise.formula.source import numba_source

Place = Literal["rs", "ls", "rl", "r", "l", "s"]
"""Which of the indices an array has: rows, lanes, summed. None has all three."""

LANES = 32
"""The lanes that are taken side by side: whole vectors, without a loop of leftovers."""

BROAD = 64
"""The same where more fit the cache: of float32, or where few terms are summed."""

SHALLOW = 16
"""What is summed at most for a kernel to be written out for its length."""

DEPTH = 1 << 7
"""What is summed in one go: with the lanes it fills the innermost cache."""

BLOCK = 1 << 14
"""Rows times lanes of a block at most: enough rows that packing the lanes is a small part of the work."""

TOGETHER, TOGETHER_NARROW = (8, 4, 1), (16, 4, 1)
"""How many terms meet the sum in memory together; what one is too many for falls to the next."""

CHAIN = 4
"""Products that are added one after the other: longer chains would be waited for."""

SERIAL = 1 << 15
"""Terms below which waking a second thread costs more than it saves."""

HEADER = ("counter", "blocks", "planes", "rows", "lanes", "depth", "group", "count")
"""The first words of a kernel's arguments."""

WORDS = 5
"""How many words each operand takes among the arguments: its address and its strides."""

BLOCKS = 16
"""Blocks that are wanted, for threads to share."""


class Extent(NamedTuple):
    """The lengths of the indices; planes are independent problems of one kind."""

    planes: int
    rows: int
    lanes: int
    depth: int


class Strides(NamedTuple):
    """How an array lies in memory, in elements; 0 along an index that it has not."""

    plane: int = 0
    row: int = 0
    lane: int = 0
    summed: int = 0


@dataclass(frozen=True)
class ContractionSpec:
    """What distinguishes one kernel from another.

    Attributes
    ----------
    sums : tuple of Formula
        What is summed: formulas of the same arrays and parameters.
    places : tuple of str
        Which indices each array has that the sums read.
    storage : tuple of str
        The types of those arrays, then of the results.
    finishes : tuple of Formula
        What is written for each row and lane: formulas of ``s0``, ``s1``, ..., the sums.
    shallow : int
        How many terms each sum has; 0 for any number.
    maximum : bool
        Whether the largest term is taken in place of the sum; none is to be negative, and nan is larger than all.
    nearest : bool
        Whether for each row the least of the first result are kept, and where they were, in place of all.
    narrow : bool
        Whether terms are float32, and up to 16 of them are added as such before they meet a float64 sum. They are not
        to leave the range of float32 where the sum does not, and not to be negative: so nothing cancels.
    """

    sums: tuple[Formula, ...]
    places: tuple[Place, ...]
    storage: tuple[Storage, ...]
    finishes: tuple[Formula, ...]
    shallow: int = 0
    maximum: bool = False
    nearest: bool = False
    narrow: bool = False

    @property
    def side(self) -> int:
        """The lanes that are taken side by side."""
        return BROAD if self.shallow or self.narrow else LANES

    @property
    def real(self) -> str:
        """What terms are computed in."""
        return "np.float32" if self.narrow else "np.float64"

    @property
    def groups(self) -> Sequence[int]:
        """How many terms meet the sum together."""
        return TOGETHER_NARROW if self.narrow else TOGETHER

    @property
    def terms(self) -> Sequence[tuple[Expression, ...]]:
        """Each sum's term; in two factors where it is a product, which then meets the sum in one instruction."""
        splits = not (self.maximum or self.narrow)
        expressions = [formula.expression for formula in self.sums]
        return [e.arguments if splits and e.primitive == "multiply" else (e,) for e in expressions]

    @property
    def joined(self) -> str:
        """How two terms are joined."""
        return "{1} if ({1} > {0}) | ({1} != {1}) else {0}" if self.maximum else "{0} + {1}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The kernel's names of the arrays that are read."""
        read = {name for formula in self.sums for name in formula.reads}
        return tuple(f"a{i}" for i, name in enumerate(self.sums[0].arrays) if name in read)

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of all operands, in the order of the kernel's arguments."""
        return (*self.inputs, *(f"out{i}" for i in range(len(self.storage) - len(self.inputs))))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(f"p{i}" for i in range(len(self.sums[0].parameters)))

    @property
    def results(self) -> tuple[str, ...]:
        """The names of the results."""
        return self.operands[len(self.inputs) :]

    def stored(self, operand: str) -> Stored:
        """How an operand is read and written."""
        return STORED[self.storage[self.operands.index(operand)]]

    def held(self, operand: str) -> str:
        """What the values of an operand are held as within the kernel."""
        return "np.uint8" if self.storage[self.operands.index(operand)] == "bool" else self.real

    def at(self, *places: Place) -> list[str]:
        """The arrays that have these indices."""
        return [name for name, place in zip(self.inputs, self.places, strict=True) if place in places]


def contraction_source(spec: ContractionSpec) -> str:
    """The text of a Python module whose ``kernel`` is the Numba function of a spec."""
    parts = [
        _head(spec),
        *_element(spec),
        *_finish(spec),
        *(line for name in spec.inputs for line in _fill(spec, name)),
    ]
    return "\n".join([*parts, *_driver(spec)]) + "\n"


def _head(spec: ContractionSpec) -> str:
    return f'''"""Generated by normwise: {spec.sums[0].name}, {" ".join(spec.storage)}."""
from math import sqrt

import numpy as np
from numba import carray, cfunc, njit, types

from normwise.engines.cpu.halves import from_bfloat16, from_float16, to_bfloat16, to_float16
from normwise.engines.cpu.memory import fetch_add_one, fused_multiply_add, pointer_to, stack_memory
from normwise.engines.cpu.vector_math import FLOAT64 as vector_math

real = np.float64
exp, expm1, log, log1p = vector_math.exp, vector_math.expm1, vector_math.log, vector_math.log1p
tanh, cosh, power = vector_math.tanh, vector_math.cosh, vector_math.power
'''


def _function(
    name: str, arguments: Sequence[str], expressions: Sequence[Expression], names: Mapping[str, str], real: str
) -> list[str]:
    """A function that computes expressions as they are written."""
    lines, results = numba_source(expressions, names)
    return [
        "",
        '@njit(error_model="numpy", forceinline=True)',
        f"def {name}({', '.join(arguments)}):",
        *(f"    {line}" for line in lines),
        f"    return {', '.join(f'{real}({result})' for result in results)},",
        "",
    ]


def _element(spec: ContractionSpec) -> list[str]:
    first = spec.sums[0]
    names = {name: f"a{i}" for i, name in enumerate(first.arrays)}
    names |= {name: f"p{i}" for i, name in enumerate(first.parameters)}
    factors = [factor for term in spec.terms for factor in term]
    return _function("element", [*spec.inputs, *spec.parameters], factors, names, spec.real)


def _finish(spec: ContractionSpec) -> list[str]:
    sums = [f"s{k}" for k in range(len(spec.sums))]
    expressions = [formula.expression for formula in spec.finishes]
    return _function("finish", sums, expressions, {name: name for name in sums}, "np.float64")


def _fill(spec: ContractionSpec, name: str) -> list[str]:
    """The function that reads a line of an array: `count` elements, `step` apart."""
    raw, size, load, _ = spec.stored(name)
    load = "{}" if spec.held(name) == "np.uint8" else load.replace("real", spec.real)
    return [
        '@njit(error_model="numpy", forceinline=True)',
        f"def fill_{name}(target, at, count, step):",
        "    if step == 1:",
        f"        source = carray(pointer_to(at, {raw}), (count,))",
        "        for i in range(count):",
        f"            target[i] = {load.format('source[i]')}",
        "    else:",
        "        for i in range(count):",
        f"            one = carray(pointer_to(at + i * step * {size}, {raw}), (1,))",
        f"            target[i] = {load.format('one[0]')}",
        "",
    ]


def _driver(spec: ContractionSpec) -> list[str]:
    """The C function: take a block, walk its tiles of lanes and the chunks of what is summed."""
    sums, lanes = range(len(spec.sums)), spec.side
    deep = spec.shallow or DEPTH
    reals = len(HEADER) + WORDS * len(spec.operands)
    tiles = "0, across" if spec.nearest else "b % across, b % across + 1"
    return [
        "",
        "@cfunc(types.void(types.intp), error_model='numpy')",
        "def kernel(address):",
        f"    words = carray(pointer_to(address, np.int64), ({reals},))",
        f"    reals = carray(pointer_to(address, np.float64), ({reals + len(spec.parameters)},))",
        f"    {', '.join(HEADER[1:])} = {', '.join(f'words[{i}]' for i in range(1, len(HEADER)))}",
        *(f"    {name} = reals[{reals + i}]" for i, name in enumerate(spec.parameters)),
        *(f"    {name}_ = carray(stack_memory({size}, {held}), ({size},))" for name, size, held in _buffers(spec)),
        f"    across = (lanes + {lanes - 1}) // {lanes}",
        "    down = (rows + group - 1) // group",
        "    while True:",
        "        b = fetch_add_one(address)",
        "        if b >= blocks:",
        "            break",
        f"        plane = b // {'down' if spec.nearest else '(down * across)'}",
        f"        first_row = b {'' if spec.nearest else '// across '}% down * group",
        "        last_row = min(first_row + group, rows)",
        f"        for tile in range({tiles}):",
        f"            first_lane = tile * {lanes}",
        f"            width = min({lanes}, lanes - first_lane)",
        *(f"            acc{k}_[: (last_row - first_row) * {lanes}] = 0.0" for k in sums if not spec.shallow),
        f"            for chunk in range((depth + {deep - 1}) // {deep}):",
        f"                first = chunk * {deep}",
        f"                size = {spec.shallow or f'min({DEPTH}, depth - first)'}",
        *_indented(4, (line for name in spec.at("ls", "l", "s") for line in _packed(spec, name))),
        "                for row in range(first_row, last_row):",
        *_indented(5, (line for name in spec.at("rs", "rl", "r") for line in _packed(spec, name))),
        *_indented(5, _at_once(spec) if spec.shallow else _accumulated(spec)),
        *_indented(5, _taken(spec) if spec.shallow else []),
        *([] if spec.shallow else ["            for row in range(first_row, last_row):"]),
        *_indented(4, [] if spec.shallow else [*_finished(spec), *_taken(spec)]),
    ]


def _taken(spec: ContractionSpec) -> list[str]:
    """The lines that take what is finished of a row."""
    return _kept(spec) if spec.nearest else _written(spec)


def _indented(levels: int, lines: Iterable[str]) -> list[str]:
    return [4 * levels * " " + line for line in lines]


def _buffers(spec: ContractionSpec) -> Iterator[tuple[str, int, str]]:
    """The memory on the stack: its name, its length, and what it holds."""
    lanes, deep = spec.side, spec.shallow or DEPTH
    lengths = {"rs": deep, "ls": deep * lanes, "rl": lanes, "l": lanes, "s": deep, "r": 1}
    for name, place in zip(spec.inputs, spec.places, strict=True):
        yield name, lengths[place], spec.held(name)
    for k in range(len(spec.sums)):
        if not spec.shallow:
            yield f"acc{k}", BLOCK, "np.float64"
            if spec.narrow:
                yield f"part{k}", lanes, spec.real
    for i in range(len(spec.finishes)):
        yield f"line{i}", lanes, _final(spec, i)[0]


def _address(spec: ContractionSpec, name: str, **indices: str) -> str:
    """The address of an operand's element."""
    first = len(HEADER) + WORDS * spec.operands.index(name)
    steps = {index: f"words[{first + 1 + i}]" for i, index in enumerate(Strides._fields)}
    terms = " + ".join(f"{at} * {steps[index]}" for index, at in {"plane": "plane", **indices}.items())
    return f"words[{first}] + ({terms}) * {spec.stored(name).size}"


def _packed(spec: ContractionSpec, name: str) -> list[str]:
    """The lines that bring the part of an array that the loops at hand need into its buffer."""
    place = spec.places[spec.inputs.index(name)]
    _, lane, summed = (f"words[{len(HEADER) + WORDS * spec.operands.index(name) + 2 + i}]" for i in range(3))
    if place == "r":
        return [f"fill_{name}({name}_, {_address(spec, name, row='row')}, 1, 1)"]
    if place == "rs":
        return [f"fill_{name}({name}_, {_address(spec, name, row='row', summed='first')}, size, {summed})"]
    if place == "rl":
        return [f"fill_{name}({name}_, {_address(spec, name, row='row', lane='first_lane')}, width, {lane})"]
    if place == "l":
        return [f"fill_{name}({name}_, {_address(spec, name, lane='first_lane')}, width, {lane})"]
    if place == "s":
        return [f"fill_{name}({name}_, {_address(spec, name, summed='first')}, size, {summed})"]
    line = _address(spec, name, lane="first_lane", summed="(first + i)")
    column = _address(spec, name, lane="(first_lane + i)", summed="first")
    return [
        f"if {lane} == 1:",
        "    for i in range(size):",
        f"        fill_{name}({name}_[i * {spec.side} : (i + 1) * {spec.side}], {line}, width, 1)",
        "else:",
        "    for i in range(width):",
        f"        fill_{name}({name}_[i::{spec.side}], {column}, size, {summed})",
    ]


def _accumulated(spec: ContractionSpec) -> list[str]:
    """The loops over what is summed, as many terms at a time as meet the sum together, and over the lanes."""
    lanes = spec.side
    lines = [f"total{k}_ = {_place(f'acc{k}_', lanes)}" for k in range(len(spec.sums))]
    done = "0"
    for group in spec.groups:
        whole = f"size // {group} * {group}" if group > 1 else "size"
        lines += [f"for at in range({done}, {whole}, {group}):"]
        lines += _indented(1, _met(spec, [f"at + {u}" if u else "at" for u in range(group)]))
        done = whole
    return lines


def _place(name: str, lanes: int) -> str:
    """The row's part of a buffer."""
    return f"{name}[(row - first_row) * {lanes} : (row - first_row + 1) * {lanes}]"


def _met(spec: ContractionSpec, places: Sequence[str]) -> list[str]:
    """The loop over the lanes in which some terms meet the sums in memory."""
    sums = range(len(spec.sums))
    if spec.narrow:  # in two loops, each of which has vectors of one type
        return [
            f"for l in range({spec.side}):",
            *_indented(1, _added(spec, places)),
            *(f"    part{k}_[l] = v{k}_0" for k in sums),
            f"for l in range({spec.side}):",
            *(f"    total{k}_[l] = {spec.joined.format(f'total{k}_[l]', f'np.float64(part{k}_[l])')}" for k in sums),
        ]
    return [
        f"for l in range({spec.side}):",
        *(f"    t{k} = total{k}_[l]" for k in sums),
        *_indented(1, _added(spec, places)),
        *(f"    total{k}_[l] = t{k}" for k in sums),
    ]


def _added(spec: ContractionSpec, places: Sequence[str]) -> Iterator[str]:
    """The lines that add up the terms at some places of what is summed, for a lane, then to its sums ``t``.

    Products are added in chains, which then are added up in pairs as all other terms are. A narrow kernel's stay
    ``v0``, apart from the sums.
    """
    held = {
        "rs": "{0}_[{1}]",
        "s": "{0}_[{1}]",
        "ls": "{0}_[({1}) * {2} + l]",
        "rl": "{0}_[l]",
        "l": "{0}_[l]",
        "r": "{0}_[0]",
    }
    for u, at in enumerate(places):
        given = [held[place].format(name, at, spec.side) for name, place in zip(spec.inputs, spec.places, strict=True)]
        given = [
            f"{value} != np.uint8(0)" if spec.held(name) == "np.uint8" else value
            for name, value in zip(spec.inputs, given, strict=True)
        ]
        results = [f"{'vf'[i]}{k}_{u}" for k, term in enumerate(spec.terms) for i in range(len(term))]
        yield f"{', '.join(results)}, = element({', '.join([*given, *spec.parameters])})"
    for k, term in enumerate(spec.terms):
        apart = 1
        if len(term) > 1:
            apart = CHAIN
            for u in range(len(places)):
                yield (
                    f"v{k}_{u} = v{k}_{u} * f{k}_{u}"
                    if u % CHAIN == 0
                    else (f"v{k}_{u - u % CHAIN} = fused_multiply_add(v{k}_{u}, f{k}_{u}, v{k}_{u - u % CHAIN})")
                )
        while apart < len(places):
            for u in range(0, len(places) - apart, 2 * apart):
                yield f"v{k}_{u} = {spec.joined.format(f'v{k}_{u}', f'v{k}_{u + apart}')}"
            apart *= 2
        if not spec.narrow:
            yield f"t{k} = {spec.joined.format(f't{k}', f'v{k}_0')}"


def _finished(spec: ContractionSpec) -> list[str]:
    """The finishing formulas of a row's sums."""
    sums = range(len(spec.sums))
    return [
        *(f"total{k}_ = {_place(f'acc{k}_', spec.side)}" for k in sums),
        "for l in range(width):",  # a loop of known length would be unrolled, branches and all, before it is vectorised
        *_indented(1, _finish_of(spec, [f"total{k}_[l]" for k in sums])),
    ]


def _finish_of(spec: ContractionSpec, sums: Sequence[str]) -> list[str]:
    results = range(len(spec.finishes))
    return [
        f"{', '.join(f'f{i}' for i in results)}, = finish({', '.join(sums)})",
        *(f"line{i}_[l] = {_final(spec, i)[1]}" for i in results),
    ]


def _at_once(spec: ContractionSpec) -> list[str]:
    """The loop over the lanes where so little is summed that it is written out: in the order of the other loops."""
    sums = range(len(spec.sums))
    if spec.narrow:
        return [
            f"for l in range({spec.side}):",
            *_indented(1, _added(spec, [str(at) for at in range(spec.shallow)])),
            *_indented(1, _finish_of(spec, [f"np.float64(v{k}_0)" for k in sums])),
        ]
    groups: list[list[str]] = []
    at = 0
    for group in spec.groups:
        while spec.shallow - at >= group:
            groups.append([str(place) for place in range(at, at + group)])
            at += group
    return [
        f"for l in range({spec.side}):",
        *(f"    t{k} = 0.0" for k in sums),
        *_indented(1, (line for group in groups for line in _added(spec, group))),
        *_indented(1, _finish_of(spec, [f"t{k}" for k in sums])),
    ]


def _final(spec: ContractionSpec, i: int) -> tuple[str, str]:
    """The type that a result waits as to be written or kept, and its value as that."""
    if spec.nearest:
        return "np.float64", f"f{i}"
    raw, _, _, store = spec.stored(spec.results[i])
    return raw, store.format(f"f{i}")


def _written(spec: ContractionSpec) -> list[str]:
    """The lines that write a row's results."""
    lines: list[str] = []
    for i, name in enumerate(spec.results):
        raw, size = spec.stored(name)[:2]
        step = f"words[{len(HEADER) + WORDS * spec.operands.index(name) + 1 + Strides._fields.index('lane')}]"
        at = _address(spec, name, row="row", lane="first_lane")
        lines += [
            f"if {step} == 1:",
            f"    {name} = carray(pointer_to({at}, {raw}), (width,))",
            "    for l in range(width):",
            f"        {name}[l] = line{i}_[l]",
            "else:",
            "    for l in range(width):",
            f"        carray(pointer_to({at} + l * {step} * {size}, {raw}), (1,))[0] = line{i}_[l]",
        ]
    return lines


def _kept(spec: ContractionSpec) -> list[str]:
    """The lines that keep a row's least results in their order, and where they were; nan comes last.

    An empty place holds nan, and -1 for where. What comes later does not pass what is equal.
    """
    values, places = (
        f"carray(pointer_to({_address(spec, name, row='row')}, np.float64), (count,))" for name in spec.results
    )
    return [
        f"values = {values}",
        "worst = values[count - 1]",
        "better = 0",
        f"for l in range({spec.side}):",
        "    better += 0 if line0_[l] >= worst else 1",
        "if better > 0:",
        f"    places = {places}",
        "    for l in range(width):",
        "        value = line0_[l]",
        "        at = count",
        "        while at > 0:",
        "            before = values[at - 1]",
        "            if not (value < before or (before != before and (value == value or places[at - 1] < 0.0))):",
        "                break",
        "            at -= 1",
        "        if at < count:",
        "            for i in range(count - 1 - at):",
        "                values[count - 1 - i] = values[count - 2 - i]",
        "                places[count - 1 - i] = places[count - 2 - i]",
        "            values[at] = value",
        "            places[at] = np.float64(first_lane + l)",
    ]


class ContractionKernel:
    """The machine code of a `ContractionSpec`: compiled at its first use on a machine, afterwards read from disk."""

    def __init__(self, spec: ContractionSpec) -> None:
        self.spec = spec
        self._code = load(contraction_source(spec))
        self._call = CFunction(self._code.address)
        words = len(HEADER) + WORDS * len(spec.operands)
        self._layout = struct.Struct(f"={words}q{len(spec.parameters)}d")

    def run(
        self,
        extent: Extent,
        addresses: Sequence[int],
        strides: Sequence[Strides],
        parameters: Sequence[float],
        count: int = 0,
    ) -> None:
        """Run over operands given by address and strides; their memory is to outlive the call.

        With `nearest`, `count` are kept in each row of the two results: the
        values, which begin as nan, and where they were, as float64, which begins as -1.
        """
        planes, rows, lanes, depth = extent
        tiles = 1 if self.spec.nearest else -(-lanes // self.spec.side)
        group = BLOCK // self.spec.side
        while group > 8 and planes * -(-rows // group) * tiles < BLOCKS:
            group //= 2
        blocks = planes * -(-rows // group) * tiles
        operands = [word for place, steps in zip(addresses, strides, strict=True) for word in (place, *steps)]
        memory = bytearray(self._layout.size)
        self._layout.pack_into(memory, 0, 0, blocks, *extent, group, count, *operands, *parameters)
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        threads = 1 if planes * rows * lanes * depth < SERIAL else min(thread_count(), blocks)
        if threads <= 1:
            self._call(at)
        else:
            run_on_threads(self._call, self._code.address, at, threads)
        del memory  # until here it had to live
