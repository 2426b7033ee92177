"""Passes over arrays in plain memory: what is asked of a kernel engine, whatever the library and whatever is computed.

The kernel of a pass is chosen by the dtypes and the layout of what it is run on.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

from normwise.engines.cpu import Kernel, KernelSpec, Storage, direct_operands
from normwise.engines.layout import lay_out
from normwise.engines.memory import Memory
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.formula.numbers import number_value

SCALE = "scale'"
"""The parameter that gradients are scaled by: no argument of a formula has such a name."""


SMALL = 1 << 12
"""Elements below which operands not in one piece are copied: a layout costs more, and a kernel of its own."""


class Pass:
    """One pass over memory: what it sums, and what it writes for each element.

    Parameters
    ----------
    sums, outputs : tuple of Formula
        Of the same arrays and parameters, which are those of the first.
    scales : tuple of str
        What is added to the parameters.
    """

    def __init__(
        self, sums: tuple[Formula, ...], outputs: tuple[Formula, ...] = (), scales: tuple[str, ...] = (SCALE,)
    ) -> None:
        first = (*sums, *outputs)[0]
        self.arrays = first.arrays
        parameters = {**first.parameters, **dict.fromkeys(scales, 1.0)}
        self.sums, self.outputs = (
            tuple(Formula(f.name, self.arrays, parameters, f.expression) for f in part) for part in (sums, outputs)
        )
        read = frozenset[str]().union(*(f.reads for f in (*self.sums, *self.outputs)))
        self.reads = tuple(i for i, name in enumerate(self.arrays) if name in read)
        self._kernels: dict[tuple[Any, ...], Kernel] = {}

    def run(
        self, memory: Memory, arrays: Sequence[Any], results: Sequence[Any], parameters: Sequence[float], *scales: float
    ) -> Sequence[float]:
        """Run over arrays of one shape, in the order of ``self.arrays``; return the sums, write the results."""
        size = memory.size(arrays[0])
        if size == 0:
            return [0.0] * len(self.sums)
        operands = [*[arrays[i] for i in self.reads], *results]
        dtypes = tuple(map(memory.dtype, operands))
        reals = (*parameters, *scales)
        if not operands:  # sums of constants
            numbers = dict(zip(self.sums[0].parameters, reals, strict=True))
            return [size * number_value(each.expression, numbers) for each in self.sums]
        if all(map(memory.contiguous, operands)):
            return self.kernel(memory, dtypes, None).flat(size, *map(memory.address, operands), *reals)
        layout = None
        if size >= SMALL:
            layout = lay_out(arrays[0].shape, [memory.strides(array) for array in operands])
        if layout is None:
            dense = [memory.copy(result) for result in results]
            sums = self.run(memory, [memory.copy(array) for array in arrays], dense, parameters, *scales)
            for result, values in zip(results, dense, strict=True):
                result[...] = values
            return sums
        addresses = [*map(memory.address, operands)]
        if layout.flat:
            return self.kernel(memory, dtypes, None).flat(size, *addresses, *reals)
        return self.kernel(memory, dtypes, direct_operands(layout)).strided(layout, addresses, reals)

    def kernel(self, memory: Memory, dtypes: tuple[Any, ...], direct: tuple[bool, ...] | None) -> Kernel:
        """Return the kernel for operands of these dtypes."""
        key = (dtypes, direct)
        found = self._kernels.get(key)
        if found is None:
            storage: tuple[Storage, ...] = tuple(memory.storage[dtype] for dtype in dtypes)
            spec = KernelSpec(self.sums, self.outputs, storage, direct)
            found = self._kernels.setdefault(key, Kernel(spec))
        return found


@per_formula
def summing(formulas: tuple[Formula, ...], wrt: tuple[str, ...] = ()) -> Pass:
    """Return the pass that sums formulas, and writes for each array the gradient of the first that reads it.

    The gradients are multiplied by `SCALE`.
    """
    readers = {name: next((f for f in formulas if name in f.reads), formulas[0]) for name in wrt}
    return Pass(formulas, tuple(reader.along({name: SCALE}, SCALE) for name, reader in readers.items()))


@per_formula
def slopes(formulas: tuple[Formula, ...], wrt: tuple[str, ...]) -> Pass:
    """Return the pass that writes the gradients of a sum of formulas, each of them times a scale of its own."""
    first, scales = formulas[0], tuple(f"{SCALE}{k}" for k in range(len(formulas)))

    def gradient(name: str) -> Formula:
        parts = [f.along({name: scale}, scale).expression for f, scale in zip(formulas, scales, strict=True)]
        return Formula(first.name, first.arrays, first.parameters, functools.reduce(operator.add, parts))

    return Pass((), tuple(map(gradient, wrt)), scales)


@per_formula
def mapping(*formulas: Formula) -> Pass:
    """Return the pass that writes the values of formulas of the same arrays."""
    return Pass((), formulas)


Arrays = Mapping[str, Any]
"""The arrays of a call by name, in one shape."""


def elementwise(
    memory: Memory, formula: Formula, arrays: Sequence[Any], parameters: Sequence[float], dtype: Any
) -> Any:
    """Return the values of a formula for each element of its arrays, in a dtype."""
    result = memory.empty_like(arrays[0], dtype)
    mapping(formula).run(memory, arrays, [result], parameters, 1.0)
    return result


def total(memory: Memory, formula: Formula, arrays: Arrays) -> float:
    """Return the sum of a formula without parameters over a call's arrays."""
    given = [arrays[name] for name in formula.arrays]
    size = memory.size(given[0])
    # Along a dimension in which every array repeats itself one element stands for all.
    still = repeated(memory, given)
    if any(still):
        once = tuple(slice(0, 1) if repeats else slice(None) for repeats in still)
        given = [array[once] for array in given]
    repeats = size / (memory.size(given[0]) or 1)
    return summing((formula,)).run(memory, given, [], (), 1.0)[0] * repeats


def repeated(memory: Memory, arrays: Sequence[Any]) -> list[bool]:
    """Return for each dimension whether every array repeats itself along it."""
    return [all(step == 0 for step in steps) for steps in zip(*map(memory.strides, arrays), strict=True)]
