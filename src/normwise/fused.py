"""Checked calls on the fused CPU kernels, for any library whose arrays lie in plain memory.

What the faces share: laying a call out, choosing the kernel, and the divisor of a weighted mean, which the one pass
that writes the gradient needs beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from normwise.catalogue import Loss
from normwise.engines.cpu import Kernel, KernelSpec, kernel_of
from normwise.engines.cpu.source import Real
from normwise.formula import Formula, trace
from normwise.plan import lay_out
from normwise.sums import Reduction, State, quotient


class Memory(NamedTuple):
    """How the arrays of a library lie in memory."""

    address: Callable[[Any], int]
    contiguous: Callable[[Any], bool]
    strides: Callable[[Any], Sequence[int]]
    """In elements."""
    size: Callable[[Any], int]
    """The number of elements."""
    dtype: Callable[[Any], Any]
    real: Mapping[Any, Real]
    """The dtypes that the kernels know."""
    copy: Callable[[Any], Any]
    """A contiguous copy."""
    empty_like: Callable[[Any], Any]
    """Memory for a result of an array's shape: dense, and contiguous if the array is."""


def reduced(
    memory: Memory,
    loss: Loss,
    arrays: Sequence[Any],
    parameters: Sequence[float],
    weight: Any | None,
    reduction: Reduction,
    wrt: tuple[int, ...],
) -> tuple[float, float, Sequence[Any]]:
    """Reduce a loss in one pass, and write its gradients in that same pass.

    Parameters
    ----------
    memory : Memory
        How the arrays lie in memory.
    loss : Loss
        What is reduced.
    arrays : sequence of arrays
        Of one shape and, with the weight, of one dtype: float32 or float64.
    parameters : sequence of float
        In the order of ``loss.parameters``.
    weight : array or None
        Of the arrays' shape.
    reduction : {"sum", "mean"}
        How.
    wrt : tuple of int
        The arrays in which the gradient is wanted, by number.

    Returns
    -------
    value : float
    scale : float
        What a derivative per element, times the weight, is multiplied with for the gradient: 1 / divisor.
    gradients : sequence of arrays
    """
    count = memory.size(arrays[0])
    inputs, divisor = arrays, count if reduction == "mean" else 1
    if weight is not None:
        inputs = (*arrays, weight)
        divisor = 1
        if wrt:  # the pass that writes the gradient needs the sum of the weights beforehand
            divisor = State(weight=total(memory, weight), count=count).divisor(reduction, loss.divisor)
    scale = 1 / divisor if divisor else quotient(1.0, divisor)
    gradients = [memory.empty_like(arrays[i]) for i in wrt]
    value, weights = _run(memory, _reducing, (loss, wrt, weight is not None), inputs, gradients, scale, parameters)
    if weight is not None and not wrt:
        divisor = State(value, weights, count).divisor(reduction, loss.divisor)
    return (value / divisor if divisor else quotient(value, divisor)), scale, gradients


def elementwise(
    memory: Memory, formula: Formula, arrays: Sequence[Any], parameters: Sequence[float], weight: Any | None
) -> Any:
    """Return the values of a formula per element, times the weight where there is one."""
    result = memory.empty_like(arrays[0])
    inputs = arrays if weight is None else (*arrays, weight)
    _run(memory, _mapping, (formula, weight is not None), inputs, [result], 1.0, parameters)
    return result


def total(memory: Memory, array: Any) -> float:
    """Return the sum of an array, in float64."""
    return _run(memory, _totalling, (_IDENTITY,), [array], [], 1.0, ())[0]


_IDENTITY = trace(lambda x: x)


def _reducing(loss: Loss, wrt: tuple[int, ...], weighted: bool, real: Any, unit: Any) -> KernelSpec:
    formula = loss.formula
    outputs = tuple(formula.derivative(formula.arrays[i]) for i in wrt)
    return KernelSpec(formula, outputs, total=True, weighted=weighted, real=real, unit=unit)


def _mapping(formula: Formula, weighted: bool, real: Any, unit: Any) -> KernelSpec:
    return KernelSpec(formula, (formula,), total=False, weighted=weighted, real=real, unit=unit)


def _totalling(formula: Formula, real: Any, unit: Any) -> KernelSpec:
    return KernelSpec(formula, (), total=True, weighted=False, real=real, unit=unit)


_kernels: dict[tuple[Any, ...], Kernel] = {}


def _kernel(
    memory: Memory, specify: Callable[..., KernelSpec], about: tuple[Any, ...], dtype: Any, unit: Any
) -> Kernel:
    """Return the kernel of a call; deriving its spec takes a while, so calls that are alike share one look-up."""
    key = (specify, about, dtype, unit)
    found = _kernels.get(key)
    if found is None:
        found = _kernels[key] = kernel_of(specify(*about, memory.real[dtype], unit))
    return found


def _run(
    memory: Memory,
    specify: Callable[..., KernelSpec],
    about: tuple[Any, ...],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    scale: float,
    parameters: Sequence[float],
) -> tuple[float, float]:
    """Run the kernel that `specify` describes, for the dtype and the layout of its operands."""
    first = inputs[0]
    size, dtype, operands = memory.size(first), memory.dtype(first), (*inputs, *outputs)
    if size == 0:
        return 0.0, 0.0
    contiguous = memory.contiguous
    if all(map(contiguous, inputs)):  # and so are the outputs, which are like them
        return _kernel(memory, specify, about, dtype, None).flat(
            size, [*map(memory.address, operands)], scale, parameters
        )
    layout = lay_out(first.shape, [memory.strides(array) for array in operands])
    if layout is None:
        copies, dense = ([memory.copy(array) for array in part] for part in (inputs, outputs))
        sums = _run(memory, specify, about, copies, dense, scale, parameters)
        for result, values in zip(outputs, dense, strict=True):
            result[...] = values
        return sums
    addresses = [*map(memory.address, operands)]
    if layout.flat:
        return _kernel(memory, specify, about, dtype, None).flat(size, addresses, scale, parameters)
    return _kernel(memory, specify, about, dtype, layout.unit).strided(layout, addresses, scale, parameters)
