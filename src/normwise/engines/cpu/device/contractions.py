"""Kernels that sum formulas over one of three indices: a formula's einsum, as a loop.

The loops are those that `contraction` speaks of: over blocks of rows and a few lanes, over chunks of what is summed.
"""

# pyright: basic
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from normwise.engines.cpu.contraction_spec import BLOCK, CHAIN, DEPTH, HEADER, ContractionSpec, Place, Strides
from normwise.engines.cpu.device.arguments import Arguments, Operand
from normwise.engines.cpu.device.builder import (
    BYTE,
    FLOAT32,
    FLOAT64,
    Array,
    Builder,
    Truth,
    Value,
    Variable,
    ceiling,
    fma,
    least,
    where,
)
from normwise.engines.cpu.device.numbers import values_of
from normwise.engines.cpu.device.roots import rounded
from normwise.engines.cpu.device.storage import STORED


def build_contraction(builder: Builder, spec: ContractionSpec) -> None:
    """Build the kernel of a spec: take a block, walk its tiles of lanes and the chunks of what is summed."""
    _Contraction(builder, spec).build()


class _Contraction:
    def __init__(self, builder: Builder, spec: ContractionSpec) -> None:
        self.builder, self.spec = builder, spec
        self.real = FLOAT32 if spec.narrow else FLOAT64
        self.deep = spec.shallow or DEPTH
        stored = [STORED[kind] for kind in spec.storage]
        self.arguments = Arguments(builder, HEADER, stored, len(Strides._fields), len(spec.parameters), self.real)
        self.header = self.arguments.header
        read = len(spec.inputs)
        self.inputs = dict(zip(spec.inputs, self.arguments.operands[:read], strict=True))
        self.results = self.arguments.operands[read:]
        self.place_of = dict(zip(spec.inputs, spec.places, strict=True))
        side = spec.side
        lengths: dict[Place, int] = {
            "rs": self.deep,
            "ls": self.deep * side * spec.span,
            "rl": side,
            "l": side * spec.span,
            "s": self.deep,
            "r": 1,
        }
        self.held = {name: builder.buffer(self._kept_as(name), lengths[place]) for name, place in self.place_of.items()}
        sums = range(len(spec.sums))
        self.sums = [] if spec.shallow else [builder.buffer(FLOAT64, BLOCK) for _ in sums]
        self.parts = [builder.buffer(self.real, side) for _ in sums] if spec.narrow and not spec.shallow else []
        self.finals = [
            builder.buffer(FLOAT64 if spec.nearest else self.results[i].stored.raw, side)
            for i in range(len(spec.finishes))
        ]

    def _kept_as(self, name: str) -> Any:
        """The type that the values of an array are held as within the kernel."""
        return BYTE if self.inputs[name].stored.raw == BYTE else self.real

    def build(self) -> None:
        header, spec, builder = self.header, self.spec, self.builder
        across = ceiling(header["lanes"], spec.side * spec.span)
        down = ceiling(header["rows"], header["group"])
        with self.arguments.blocks() as b:
            self.plane = b // (down if spec.nearest else down * across)
            self.first_row = (b if spec.nearest else b // across) % down * header["group"]
            self.last_row = least(self.first_row + header["group"], header["rows"])
            if spec.nearest:
                with builder.loop(across) as span:
                    self._span(span)
            else:
                self._span(b % across)

    def _span(self, span: Value) -> None:
        header, spec, builder = self.header, self.spec, self.builder
        self.first_tile = span * spec.span
        self.last_tile = least(ceiling(header["lanes"], spec.side), self.first_tile + spec.span)
        for total in self.sums:
            with builder.loop((self.last_row - self.first_row) * spec.side) as i:
                total[i] = builder.number(0, FLOAT64)
        with builder.loop(ceiling(header["depth"], self.deep)) as chunk:
            self.arguments.stop_if_interrupted()  # a block may take long where much is summed
            self.first = chunk * self.deep
            self.size = builder.word(spec.shallow) if spec.shallow else least(header["depth"] - self.first, DEPTH)
            self._pack("s")
            with self._tiles():
                self._pack("ls", "l")
            with self._rows():
                self._pack("rs", "r")
                with self._tiles():
                    self._pack("rl")
                    if spec.shallow:
                        self._at_once()
                        self._take()
                    else:
                        self._accumulate()
        if not spec.shallow:
            with self._rows(), self._tiles():
                self._finish()
                self._take()

    @contextmanager
    def _rows(self) -> Iterator[None]:
        with self.builder.loop(self.last_row, start=self.first_row) as self.row:
            yield

    @contextmanager
    def _tiles(self) -> Iterator[None]:
        """Run what is written within for each tile of lanes, with its part of what is packed for all of them."""
        side = self.spec.side
        with self.builder.loop(self.last_tile, start=self.first_tile) as tile:
            self.first_lane = tile * side
            self.width = least(self.header["lanes"] - self.first_lane, side)
            sizes: dict[Place, int] = {"ls": self.deep * side, "l": side}
            self.here = {
                name: array.at((tile - self.first_tile) * sizes[self.place_of[name]])
                if self.place_of[name] in sizes
                else array
                for name, array in self.held.items()
            }
            yield

    # --- reading ---

    def _address(self, operand: Operand, row: Any = None, lane: Any = None, summed: Any = None) -> Value:
        indices = zip((self.plane, row, lane, summed), operand.strides, strict=True)
        steps = [index * stride for index, stride in indices if index is not None]
        return operand.address + sum(steps[1:], start=steps[0]) * operand.stored.size

    def _pack(self, *places: Place) -> None:
        """Bring the parts of arrays that the loops at hand need into their buffers."""
        for name, operand in self.inputs.items():
            place = self.place_of[name]
            if place not in places:
                continue
            _, _, lane, summed = operand.strides
            if place == "r":
                self._fill(name, self.held[name], self._address(operand, self.row), 1, 1)
            elif place == "rs":
                self._fill(name, self.held[name], self._address(operand, self.row, None, self.first), self.size, summed)
            elif place == "rl":
                self._fill(name, self.here[name], self._address(operand, self.row, self.first_lane), self.width, lane)
                self._pad(self.here[name])
            elif place == "l":
                self._fill(name, self.here[name], self._address(operand, None, self.first_lane), self.width, lane)
                self._pad(self.here[name])
            elif place == "s":
                self._fill(name, self.held[name], self._address(operand, None, None, self.first), self.size, summed)
            else:
                self._pack_both(name, operand)

    def _pack_both(self, name: str, operand: Operand) -> None:
        side, here = self.spec.side, self.here[name]
        _, _, lane, summed = operand.strides

        def lines() -> None:
            with self.builder.loop(self.size) as i:
                line = self._address(operand, None, self.first_lane, self.first + i)
                self._fill(name, here.at(i * side), line, self.width, 1)

        def columns() -> None:
            with self.builder.loop(self.width) as i:
                column = self._address(operand, None, self.first_lane + i, self.first)
                self._fill(name, here.at(i), column, self.size, summed, side)

        self.builder.choose(lane == 1, lines, columns)
        with self.builder.when(self.width < side), self.builder.loop(self.size) as i:
            self._pad(here.at(i * side))

    def _pad(self, line: Array) -> None:
        """Fill the lanes that no point has: what happens to lie there may be subnormal, and slow to compute with."""
        with self.builder.loop(self.spec.side, start=self.width, plain=True) as lane:
            line[lane] = self.builder.number(0, line.dtype)

    def _fill(self, name: str, target: Array, address: Value, count: Any, step: Any, apart: int = 1) -> None:
        """Read a line of an array: `count` elements, `step` apart, to places that are `apart`."""
        stored = self.inputs[name].stored
        source = self.builder.array(address, stored.raw)

        def copy(step: Any) -> None:
            with self.builder.loop(count, plain=isinstance(step, Value) or apart != 1) as i:
                raw = source[i * step]
                target[i * apart] = raw if stored.raw == BYTE else stored.load(raw).to(self.real)

        if isinstance(step, int):
            copy(step)
        else:
            self.builder.choose(step == 1, lambda: copy(1), lambda: copy(step))

    # --- summing ---

    def _total(self, k: int) -> Array:
        """The row's part of a sum."""
        return self.sums[k].at((self.row - self.first_row) * self.spec.side)

    def _accumulate(self) -> None:
        """The loops over what is summed, as many terms at a time as meet the sum together, and over the lanes."""
        totals = [self._total(k) for k in range(len(self.sums))]
        done: Any = 0
        for group in self.spec.groups:
            end = self.size // group * group if group > 1 else self.size
            with self.builder.loop(end, start=done, step=group) as at:
                self._meet(totals, [at + u for u in range(group)])
            done = end

    def _meet(self, totals: Sequence[Array], places: Sequence[Any]) -> None:
        """The loop over the lanes in which some terms meet the sums in memory."""
        lanes = self.builder.loop
        if self.spec.narrow:  # in two loops, each of which has vectors of one type
            with lanes(self.spec.side) as lane:
                for part, value in zip(self.parts, self._added(places, lane, None), strict=True):
                    part[lane] = value
            with lanes(self.spec.side) as lane:
                for total, part in zip(totals, self.parts, strict=True):
                    total[lane] = self._joined(total[lane], part[lane].to(FLOAT64))
            return
        with lanes(self.spec.side) as lane:
            sums = self._added(places, lane, [total[lane] for total in totals])
            for total, value in zip(totals, sums, strict=True):
                total[lane] = value

    def _joined(self, a: Value, b: Value) -> Value:
        """Two terms; of a maximum nan is larger than all."""
        return where((b > a) | (b != b), b, a) if self.spec.maximum else a + b

    def _added(self, places: Sequence[Any], lane: Value, sums: Sequence[Value] | None) -> list[Value]:
        """Add up the terms at some places of what is summed, for a lane, then to its sums, if any.

        Products are added in chains, which then are added up in pairs as all other terms are.
        """
        terms = self.spec.terms
        factors = [factor for term in terms for factor in term]
        factors_at = [iter(values_of(self.builder, self.real, factors, self._variables(at, lane))) for at in places]
        results: list[Value] = []
        for k, term in enumerate(terms):
            values = [[next(each) for _ in term] for each in factors_at]
            first = [each[0] for each in values]
            apart = 1
            if len(term) > 1:
                apart = CHAIN
                for u, (value, factor) in enumerate(values):
                    start = u - u % CHAIN
                    first[u] = value * factor
                    if u != start:
                        first[start] = fma(value, factor, first[start])
            while apart < len(places):
                for u in range(0, len(places) - apart, 2 * apart):
                    first[u] = self._joined(first[u], first[u + apart])
                apart *= 2
            results.append(first[0] if sums is None else self._joined(sums[k], first[0]))
        return results

    def _variables(self, at: Any, lane: Value) -> dict[str, Value]:
        """What the formulas read at a place of what is summed, for a lane."""
        indices: dict[Place, Any] = {"rs": at, "s": at, "rl": lane, "l": lane, "r": 0}
        variables = dict(zip(self.spec.parameters, self.arguments.parameters, strict=True))
        for name, place in self.place_of.items():
            index = at * self.spec.side + lane if place == "ls" else indices[place]
            value = self.here[name][index]
            variables[name] = Truth(self.builder, (value != 0).of, self.real) if value.dtype == BYTE else value
        return variables

    def _at_once(self) -> None:
        """The loop over the lanes where so little is summed that it is written out: in the order of the other loops."""
        spec = self.spec
        with self.builder.loop(spec.side) as lane:
            places = [self.builder.word(at) for at in range(spec.shallow)]
            if spec.narrow:
                self._finish_of(lane, [value.to(FLOAT64) for value in self._added(places, lane, None)])
                return
            sums = [self.builder.number(0, FLOAT64) for _ in spec.sums]
            at = 0
            for group in spec.groups:
                while spec.shallow - at >= group:
                    sums = self._added(places[at : at + group], lane, sums)
                    at += group
            self._finish_of(lane, sums)

    # --- what is finished ---

    def _finish(self) -> None:
        """The finishing formulas of a row's sums."""
        totals = [self._total(k) for k in range(len(self.sums))]
        # A loop of known length would be unrolled, branches and all, before it is vectorised.
        with self.builder.loop(self.width) as lane:
            self._finish_of(lane, [total[lane] for total in totals])

    def _finish_of(self, lane: Value, sums: Sequence[Value]) -> None:
        named = {f"s{k}": value for k, value in enumerate(sums)}
        expressions = [formula.expression for formula in self.spec.finishes]
        if not self.spec.nearest and all(each.stored.raw == FLOAT32 for each in self.results):
            values = [rounded(self.builder, expression, named) for expression in expressions]
        else:
            values = values_of(self.builder, FLOAT64, expressions, named)
        for i, value in enumerate(values):
            self.finals[i][lane] = value if self.spec.nearest else self.results[i].stored.store(value)

    def _take(self) -> None:
        """Take what is finished of a row."""
        if self.spec.nearest:
            self._keep()
        else:
            for operand, line in zip(self.results, self.finals, strict=True):
                self._write(operand, line)

    def _write(self, operand: Operand, line: Array) -> None:
        """Write a row's results."""
        step = operand.strides[Strides._fields.index("lane")]
        target = self.builder.array(self._address(operand, self.row, self.first_lane), operand.stored.raw)

        def copy(step: Any) -> None:
            with self.builder.loop(self.width, plain=isinstance(step, Value)) as lane:
                target[lane * step] = line[lane]

        self.builder.choose(step == 1, lambda: copy(1), lambda: copy(step))

    def _keep(self) -> None:
        """Keep a row's least results in their order, and where they were; nan comes last.

        An empty place holds nan, and -1 for where. What comes later does not pass what is equal.
        """
        builder, count, [final] = self.builder, self.header["count"], self.finals
        values, places = (builder.array(self._address(each, self.row), FLOAT64) for each in self.results)
        worst = values[count - 1]
        better = Variable(builder.word(0))
        with builder.loop(self.spec.side) as lane:
            better.value = better.value + where(final[lane] >= worst, count.like(0), 1)
        with builder.when(better.value > 0), builder.loop(self.width) as lane:
            value, at = final[lane], Variable(count)
            with builder.until_left() as leave:
                leave(at.value == 0)
                before, place = values[at.value - 1], places[at.value - 1]
                passes: Any = (value < before) | ((before != before) & ((value == value) | (place < 0)))
                leave(~passes)
                at.value = at.value - 1
            with builder.when(at.value < count):
                with builder.loop(count - 1 - at.value) as i:
                    for line in (values, places):
                        line[count - 1 - i] = line[count - 2 - i]
                values[at.value] = value
                places[at.value] = (self.first_lane + lane).to(FLOAT64)
