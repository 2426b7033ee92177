"""Calls on the fused CPU kernels, for any library whose arrays lie in plain memory.

What the faces share: choosing the kernel of a call by dtypes and layout, and the divisor of a mean, which the one pass
that writes the gradient needs beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from normwise import plan
from normwise.catalogue import Loss
from normwise.engines.cpu import Kernel, KernelSpec, Storage, direct_operands
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.formula.values import number_value
from normwise.sums import quotient
from normwise.terms import MASK, Terms, nan_count, negatives, outside_count, summed_for

SCALE = "scale'"
"""The parameter that gradients are scaled by: no argument of a formula has such a name."""


class Memory(NamedTuple):
    """How the arrays of a library lie in memory."""

    address: Callable[[Any], int]
    contiguous: Callable[[Any], bool]
    strides: Callable[[Any], Sequence[int]]
    """In elements."""
    size: Callable[[Any], int]
    """The number of elements."""
    dtype: Callable[[Any], Any]
    storage: Mapping[Any, Storage]
    """The dtypes that the kernels know."""
    copy: Callable[[Any], Any]
    """A contiguous copy."""
    empty_like: Callable[[Any, Any], Any]
    """Memory for a result of an array's shape and a dtype: dense, and contiguous if the array is."""
    empty: Callable[[Sequence[int], Any], Any]
    """Contiguous memory for a result of a shape and a dtype."""
    spread: Callable[[Any, Sequence[int]], Any]
    """An array of the library over NumPy's memory, repeated to a shape."""


SMALL = 1 << 12
"""Elements below which operands not in one piece are copied: a layout costs more, and a kernel of its own."""


class Pass:
    """One pass over memory: what it sums, and what it writes for each element.

    Parameters
    ----------
    sums, outputs : tuple of Formula
        Of the same arrays and parameters; `SCALE` is added to the parameters.
    """

    def __init__(self, sums: tuple[Formula, ...], outputs: tuple[Formula, ...] = ()) -> None:
        first = (*sums, *outputs)[0]
        self.arrays = first.arrays
        parameters = {**first.parameters, SCALE: 1.0}
        self.sums, self.outputs = (
            tuple(Formula(f.name, self.arrays, parameters, f.expression) for f in part) for part in (sums, outputs)
        )
        read = frozenset[str]().union(*(f.reads for f in (*self.sums, *self.outputs)))
        self.reads = tuple(i for i, name in enumerate(self.arrays) if name in read)
        self._kernels: dict[tuple[Any, ...], Kernel] = {}

    def run(
        self, memory: Memory, arrays: Sequence[Any], results: Sequence[Any], parameters: Sequence[float], scale: float
    ) -> Sequence[float]:
        """Run over arrays of one shape, in the order of ``self.arrays``; return the sums, write the results."""
        size = memory.size(arrays[0])
        if size == 0:
            return [0.0] * len(self.sums)
        operands = [*[arrays[i] for i in self.reads], *results]
        dtypes = tuple(map(memory.dtype, operands))
        reals = (*parameters, scale)
        if not operands:  # sums of constants
            numbers = dict(zip(self.sums[0].parameters, reals, strict=True))
            return [size * number_value(each.expression, numbers) for each in self.sums]
        if all(map(memory.contiguous, operands)):
            return self.kernel(memory, dtypes, None).flat(size, *map(memory.address, operands), *reals)
        layout = None
        if size >= SMALL:
            layout = plan.lay_out(arrays[0].shape, [memory.strides(array) for array in operands])
        if layout is None:
            dense = [memory.copy(result) for result in results]
            sums = self.run(memory, [memory.copy(array) for array in arrays], dense, parameters, scale)
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
    """Return the pass that sums formulas, and writes the first one's gradients, times `SCALE`."""
    first = formulas[0]
    sums = (first, *(Formula(f.name, first.arrays, first.parameters, f.expression) for f in formulas[1:]))
    return Pass(sums, tuple(first.along({name: SCALE}, SCALE) for name in wrt))


@per_formula
def mapping(*formulas: Formula) -> Pass:
    """Return the pass that writes the values of formulas of the same arrays."""
    return Pass((), formulas)


Arrays = Mapping[str, Any]
"""The arrays of a call by name, in one shape."""


def reduced(
    memory: Memory,
    terms: Terms,
    arrays: Arrays,
    parameters: Sequence[float],
    divisor: str | float,
    wrt: tuple[str, ...],
) -> tuple[float, float, Sequence[Any]]:
    """Reduce a call in one pass, and write its gradients in that same pass.

    Parameters
    ----------
    memory : Memory
        How the arrays lie in memory.
    terms : Terms
        What is summed.
    arrays : mapping of str to array
        One for each of ``terms.value.arrays``.
    parameters : sequence of float
        In the order of the loss's parameters.
    divisor : {"weight", "count"} or float
        What the sum is divided by.
    wrt : tuple of str
        The arrays in which the gradient is wanted.

    Returns
    -------
    value : float
    divisor : float
        The number that the sum was divided by.
    gradients : sequence of arrays
        Each of its array's dtype.
    """
    given = [arrays[name] for name in terms.value.arrays]
    by = summed_for(terms, divisor) if isinstance(divisor, str) else None
    if isinstance(divisor, str) and by is None:
        divisor = float(memory.size(given[0]))
    also: list[Formula | None] = [formula for formula in dict.fromkeys((terms.weight, by)) if formula is not None]
    if wrt and by is not None:  # the pass that writes the gradient needs its divisor beforehand
        divisor = total(memory, by, arrays)
        also.remove(by)
        check_weights(memory, terms, arrays, divisor)
    scale = 1.0 if isinstance(divisor, str) else quotient(1.0, divisor)
    gradients = [memory.empty_like(arrays[name], None) for name in wrt]
    value, *others = summing((terms.value, *also), wrt).run(memory, given, gradients, parameters, scale)
    if also and also[0] is terms.weight:
        check_weights(memory, terms, arrays, others[0])
    if isinstance(divisor, str):
        divisor = others[also.index(by)]
    return quotient(value, divisor), divisor, gradients


def gradients(
    memory: Memory,
    terms: Terms,
    arrays: Arrays,
    parameters: Sequence[float],
    divisor: float,
    factor: float,
    wrt: tuple[str, ...],
    results: Sequence[Any] | None = None,
) -> Sequence[Any]:
    """Return the gradients of a call times a factor, in `results` where these are given."""
    if results is None:
        results = [memory.empty_like(arrays[name], None) for name in wrt]
    given = [arrays[name] for name in terms.value.arrays]
    summing((terms.value,), wrt).run(memory, given, results, parameters, factor * quotient(1.0, divisor))
    return results


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
    still = [all(steps) for steps in zip(*([step == 0 for step in memory.strides(a)] for a in given), strict=True)]
    if any(still):
        once = tuple(slice(0, 1) if repeats else slice(None) for repeats in still)
        given = [array[once] for array in given]
    repeats = size / (memory.size(given[0]) or 1)
    return summing((formula,)).run(memory, given, [], (), 1.0)[0] * repeats


def check_weights(memory: Memory, terms: Terms, arrays: Arrays, summed: float) -> None:
    """Raise where a weight is negative, for which its sum is minus infinity, or nan if another is nan."""
    if terms.weight is not None and not summed > -math.inf:
        plan.check_no_negative_weight(total(memory, negatives(terms.weight), arrays))


def check_domains(memory: Memory, loss: Loss, arrays: Arrays) -> None:
    """Raise where an array beside prediction and target leaves its domain, and a mask does not hide it."""
    hidden = {MASK: arrays[MASK]} if MASK in arrays else {}
    for name in loss.further_arrays:
        if name in loss.domain:
            counted = outside_count(loss.domain[name], bool(hidden))
            plan.check_inside(loss, name, total(memory, counted, {"x": arrays[name], **hidden}))


def check_no_nan(memory: Memory, arrays: Arrays) -> None:
    """Raise where an array of a call holds a nan that a mask does not hide."""
    mask = arrays.get(MASK)
    hidden = {} if mask is None else {MASK: mask}
    for name, array in arrays.items():
        if name != MASK:
            plan.check_no_nan(name, total(memory, nan_count(mask is not None), {"x": array, **hidden}))
