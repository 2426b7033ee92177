"""Checked calls on the fused CPU kernels, for any library whose arrays lie in plain memory.

What the faces share: laying a call out, choosing the kernel, and the divisor of a weighted mean, which the one pass that
writes the gradient needs beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from normwise.accumulator import Accumulator, Reduction, quotient
from normwise.catalogue import Loss
from normwise.engines.cpu import Kernel, KernelSpec, kernel
from normwise.formula import Formula, trace
from normwise.plan import lay_out


class Memory(NamedTuple):
    """How the arrays of a library lie in memory."""

    address: Callable[[Any], int]
    contiguous: Callable[[Any], bool]
    strides: Callable[[Any], Sequence[int]]
    """In elements."""
    real: Callable[[Any], Any]
    """The name of the dtype: ``"float32"`` or ``"float64"``."""
    copy: Callable[[Any], Any]
    """A contiguous copy."""
    empty_like: Callable[[Any], Any]
    """Memory for a result of an array's shape: dense, in its order if it is dense too."""


def reduced(
    memory: Memory,
    loss: Loss,
    arrays: Sequence[Any],
    parameters: Sequence[float],
    weight: Any | None,
    reduction: Reduction,
    wrt: tuple[int, ...],
    count: int,
) -> tuple[float, float, tuple[Any, ...]]:
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
    count : int
        The number of elements.

    Returns
    -------
    value : float
    scale : float
        What a derivative per element, times the weight, is multiplied with for the gradient: 1 / divisor.
    gradients : tuple of arrays
    """
    inputs, divisor = arrays, count if reduction == "mean" else 1
    if weight is not None:
        inputs = (*arrays, weight)
        if wrt:
            state = Accumulator(weight=total(memory, weight, count), count=count)
            divisor = state.divisor(reduction, loss.divisor)
    gradients = tuple([memory.empty_like(arrays[i]) for i in wrt])
    scale = 1 / divisor if divisor else quotient(1.0, divisor)
    operands = (*inputs, *gradients)
    key = (_reducing, loss, wrt, weight is not None)
    value, weights = _launch(memory, key, operands, len(gradients), scale if wrt else 1.0, parameters, count)
    if weight is not None and not wrt:
        divisor = Accumulator(value, weights, count).divisor(reduction, loss.divisor)
        scale = quotient(1.0, divisor)
    return (value / divisor if divisor else quotient(value, divisor)), scale, gradients


def elementwise(
    memory: Memory,
    formula: Formula,
    arrays: Sequence[Any],
    parameters: Sequence[float],
    weight: Any | None,
    count: int,
) -> Any:
    """Return the values of a formula per element, times the weight where there is one."""
    result = memory.empty_like(arrays[0])
    operands = (*arrays, result) if weight is None else (*arrays, weight, result)
    _launch(memory, (_mapping, formula, (), weight is not None), operands, 1, 1.0, parameters, count)
    return result


def total(memory: Memory, array: Any, count: int) -> float:
    """Return the sum of an array, in float64."""
    return _launch(memory, (_totalling, _IDENTITY, (), False), (array,), 0, 1.0, (), count)[0]


_IDENTITY = trace(lambda x: x)

_Key = tuple[Callable[..., KernelSpec], Any, tuple[int, ...], bool]


def _reducing(loss: Loss, wrt: tuple[int, ...], weighted: bool, real: Any, unit: Any) -> KernelSpec:
    formula = loss.formula
    outputs = tuple(formula.derivative(formula.arrays[i]) for i in wrt)
    return KernelSpec(formula, outputs, total=True, weighted=weighted, real=real, unit=unit)


def _mapping(formula: Formula, wrt: tuple[int, ...], weighted: bool, real: Any, unit: Any) -> KernelSpec:
    return KernelSpec(formula, (formula,), total=False, weighted=weighted, real=real, unit=unit)


def _totalling(formula: Formula, wrt: tuple[int, ...], weighted: bool, real: Any, unit: Any) -> KernelSpec:
    return KernelSpec(formula, (), total=True, weighted=False, real=real, unit=unit)


_kernels: dict[Any, Kernel] = {}


def _kernel(key: _Key, real: Any, unit: tuple[bool, ...] | None) -> Kernel:
    """Return the kernel of a call; deriving its spec takes a while, so calls that are alike share one look-up."""
    found = _kernels.get((key, real, unit))
    if found is None:
        specify, *about = key
        found = _kernels[key, real, unit] = kernel(specify(*about, real, unit))
    return found


def _launch(
    memory: Memory,
    key: _Key,
    operands: Sequence[Any],
    outputs: int,
    scale: float,
    parameters: Sequence[float],
    count: int,
) -> tuple[float, float]:
    """Run the kernel for the dtype and the layout of the operands, of which the last `outputs` are written."""
    if count == 0:
        return 0.0, 0.0
    real = memory.real(operands[0])
    if all(map(memory.contiguous, operands)):
        return _kernel(key, real, None).flat(count, [*map(memory.address, operands)], scale, parameters)
    layout = lay_out(operands[0].shape, [memory.strides(array) for array in operands])
    if layout is None:
        inputs = len(operands) - outputs
        copies = [memory.copy(array) for array in operands[:inputs]]
        dense = [memory.copy(array) for array in operands[inputs:]]
        sums = _launch(memory, key, (*copies, *dense), outputs, scale, parameters, count)
        for result, values in zip(operands[inputs:], dense, strict=True):
            result[...] = values
        return sums
    addresses = [*map(memory.address, operands)]
    if layout.flat:
        return _kernel(key, real, None).flat(count, addresses, scale, parameters)
    return _kernel(key, real, layout.unit).strided(layout, addresses, scale, parameters)
