"""Calls on the fused CPU kernels, for any library whose arrays lie in plain memory.

What the faces share: choosing the kernel of a call by dtypes and layout, and the divisor of a mean, which the one pass
that writes the gradient needs beforehand.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from normwise import checks
from normwise.catalogue import Loss
from normwise.checks import check_no_negative_weight
from normwise.engines import passes
from normwise.engines.memory import Memory
from normwise.engines.passes import Arrays
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.formula.numbers import number_function
from normwise.loss_functions.choice import check_inside
from normwise.sums import State, quotient
from normwise.terms import MASK, WEIGHT, Terms, nan_count, negatives, outside_count, summed_for

FAR = 1 << 21
"""Elements from which arrays leave the cache: to scale a gradient is then quicker than to sum its divisor first."""


def reduced(
    memory: Memory,
    terms: Terms,
    arrays: Arrays,
    parameters: Sequence[float],
    divisor: str | float,
    wrt: tuple[str, ...],
) -> tuple[float, float, Sequence[Any]]:
    """Reduce a call whose result is its mean, and write its gradients in the same pass.

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
        What the sum is divided by; where it is summed and gradients are wanted, in a pass beforehand.
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
    by = divisor_of(terms, divisor) if wrt else None
    if by is not None:
        divisor = passes.total(memory, by, arrays)
        if not divisor > -math.inf:
            check_values(memory, terms, arrays)
    totals, divisor, gradients = _summed(memory, terms, arrays, parameters, divisor, wrt, by)
    return quotient(totals[0], divisor), divisor, gradients


def divisor_of(terms: Terms, divisor: str | float) -> Formula | None:
    """Return what is summed for a divisor: None where it is known without."""
    return summed_for(terms, divisor) if isinstance(divisor, str) else None


class Means(NamedTuple):
    """The means of a call, from one pass over its arrays, and what its gradient is made of."""

    value: float
    """What is made of them."""
    formulas: tuple[Formula, ...]
    """What the gradient is a sum of, each times a factor that only the means tell."""
    factors: Sequence[float]
    divisor: float


def means(
    memory: Memory,
    terms: Terms,
    arrays: Arrays,
    parameters: Sequence[float],
    divisor: str | float,
    wrt: tuple[str, ...],
    rounded: Callable[[float], float],
) -> tuple[Means, Sequence[Any] | None]:
    """Reduce a call in one pass, whose gradients only the sums give their factors.

    Parameters
    ----------
    rounded : callable
        Rounds a mean to the dtype of the result.

    Other parameters are those of `reduced`.

    Returns
    -------
    found : Means
    gradients : sequence of arrays, or None
        The gradients without their factors; None where they are not to be rounded before, or have several.
    """
    formulas, have_one_factor = differentiated(terms, divisor_of(terms, divisor), wrt)
    waits = have_one_factor and _stays_exact(memory, arrays)
    totals, divisor, gradients = _summed(memory, terms, arrays, parameters, divisor, wrt if waits else (), scaled=False)
    return means_of(terms, formulas, totals, divisor, rounded), gradients if waits else None


def means_of(
    terms: Terms,
    formulas: tuple[Formula, ...],
    totals: Sequence[float],
    divisor: float,
    rounded: Callable[[float], float],
) -> Means:
    """Return the means of a call from its sums, and the factors of the formulas that its gradient is a sum of."""
    found = [quotient(each, divisor) for each in totals]
    share = quotient(1.0, divisor)
    if terms.finish is None:
        value, factors = found[0], [share]
    else:
        found = [*map(rounded, found)]
        value, *slopes = [function(*found) for function in _finishing(terms.finish)]
        factors = [slope * share for slope in slopes]
    if len(formulas) > len(factors):  # a divisor that has a gradient
        factors.append(-sum(map(operator.mul, factors, found)))
    return Means(value, formulas, factors, divisor)


@per_formula
def differentiated(terms: Terms, by: Formula | None, wrt: tuple[str, ...]) -> tuple[tuple[Formula, ...], bool]:
    """What a gradient is a sum of, and whether each array is read by just one of it, so that it has one factor."""
    formulas = terms.values
    if by is not None and by is terms.weight and WEIGHT in wrt:
        formulas = (*formulas, by)
    return formulas, all(sum(name in formula.reads for formula in formulas) == 1 for name in wrt)


def scaled(
    memory: Memory,
    formulas: tuple[Formula, ...],
    arrays: Arrays,
    parameters: Sequence[float],
    factors: Sequence[float],
    wrt: tuple[str, ...],
    waiting: Sequence[Any] | None,
) -> Sequence[Any]:
    """Return the gradients of a sum of formulas, each times its factor, from the gradients that wait without them."""
    # What was dropped is 0 whatever the factor is, so an infinite one is to meet the selections.
    if waiting is None or not all(abs(factor) <= _LARGEST for factor in factors):
        waiting = [memory.empty_like(arrays[name], None) for name in wrt] if waiting is None else waiting
        given = [arrays[name] for name in formulas[0].arrays]
        passes.slopes(formulas, wrt).run(memory, given, waiting, parameters, *factors)
        return waiting
    for name, gradient in zip(wrt, waiting, strict=True):
        [factor] = [factors[k] for k, formula in enumerate(formulas) if name in formula.reads]
        if factor != 1:
            memory.multiply(gradient, factor)
    return waiting


_LARGEST = 3.4028234663852886e38
"""The largest number of float32."""


def waits_for_sums(memory: Memory, terms: Terms, arrays: Arrays, divisor: str | float, wrt: tuple[str, ...]) -> bool:
    """Whether `means` is the way to a call: its gradient has factors that its sums tell, or its result is not a mean.

    A divisor is summed beforehand where its arrays stay in the cache or repeat themselves, so that little is read
    twice; and for half precision, whose gradient is to be rounded once.
    """
    by = divisor_of(terms, divisor)
    if has_factors_of_sums(terms, by, wrt):
        return True
    if by is None or not wrt:
        return False
    given = [arrays[name] for name in by.arrays]
    return memory.size(given[0]) >= FAR and not any(passes.repeated(memory, given)) and _stays_exact(memory, arrays)


def has_factors_of_sums(terms: Terms, by: Formula | None, wrt: tuple[str, ...]) -> bool:
    """Whether the gradient of a call, wherever its arrays lie, has factors that only its sums tell."""
    return terms.finish is not None or (by is not None and by is terms.weight and WEIGHT in wrt)


def _stays_exact(memory: Memory, arrays: Arrays) -> bool:
    """Whether gradients have all digits of the arithmetic: the arrays are of one dtype, and none of half precision."""
    kinds = {memory.storage[memory.dtype(array)] for array in arrays.values()} - {"bool"}
    return kinds <= {"float32"} or kinds <= {"float64"}


@per_formula
def _finishing(finish: Formula) -> tuple[Callable[..., float], ...]:
    """What is made of means, and its derivative in each, as functions of plain numbers."""
    formulas = (finish, *(finish.derivative(name) for name in finish.arrays))
    return tuple(number_function(formula.expression, *finish.arrays) for formula in formulas)


def _summed(
    memory: Memory,
    terms: Terms,
    arrays: Arrays,
    parameters: Sequence[float],
    divisor: str | float,
    wrt: tuple[str, ...],
    known: Formula | None = None,
    scaled: bool = True,
) -> tuple[Sequence[float], float, Sequence[Any]]:
    """One pass for the sums of what is averaged, the divisor, and the gradients.

    What is `known` was summed before; the gradients are divided where they are `scaled`.
    """
    by = divisor_of(terms, divisor)
    if by is None:
        divisor = float(memory.size(arrays[terms.value.arrays[0]]) if isinstance(divisor, str) else divisor)
    scale = quotient(1.0, float(divisor)) if scaled and by is None else 1.0
    also = summed_beside(terms, by, known)
    totals, others, gradients = _checked_pass(memory, terms, arrays, parameters, also, wrt, scale)
    return totals, float(divisor) if by is None else others[by.name], gradients


def summed_beside(terms: Terms, by: Formula | None, known: Formula | None) -> tuple[str, ...]:
    """The names in `Terms` of what a pass sums beside the values: the weights, which it looks at, and the divisor."""
    return tuple([each.name for each in (terms.weight, by) if each is not None and each is not known])


def _checked_pass(
    memory: Memory,
    terms: Terms,
    arrays: Arrays,
    parameters: Sequence[float],
    also: tuple[str, ...],
    wrt: tuple[str, ...] = (),
    scale: float = 1.0,
) -> tuple[Sequence[float], dict[str, float], Sequence[Any]]:
    """One pass, and a look at what is refused: the sums of what is averaged, others by name, and the gradients."""
    summing, names = reducing(terms, also, wrt)
    gradients = [memory.empty_like(arrays[name], None) for name in wrt]
    given = [arrays[name] for name in summing.arrays]
    totals = summing.run(memory, given, gradients, parameters, scale)
    if not names:
        return totals, {}, gradients
    count = len(totals) - len(names)
    others = dict(zip(names, totals[count:], strict=True))
    if is_in_doubt(others):
        check_values(memory, terms, arrays)
    return totals[:count], others, gradients


def is_in_doubt(others: Mapping[str, float]) -> bool:
    """Whether what was summed beside the values, by name, says that the call may be one to refuse."""
    return bool(others.get("refused")) or not others.get("weight", 0.0) > -math.inf


@per_formula
def reducing(terms: Terms, also: tuple[str, ...], wrt: tuple[str, ...]) -> tuple[passes.Pass, tuple[str, ...]]:
    """The pass of a call, and the names in `Terms` of what it sums beside the values."""
    others = {name: getattr(terms, name) for name in (*also, "refused") if getattr(terms, name) is not None}
    return passes.summing((*terms.values, *others.values()), wrt), tuple(others)


def sums(memory: Memory, terms: Terms, arrays: Arrays, parameters: Sequence[float]) -> State:
    """Return the sums of a call, from one pass."""
    totals, others, _ = _checked_pass(memory, terms, arrays, parameters, ("weight", "count"))
    count = others.get("count", float(memory.size(arrays[terms.value.arrays[0]])))
    return State(totals[0], others.get("weight", count), count)


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
    passes.summing((terms.value,), wrt).run(memory, given, results, parameters, factor * quotient(1.0, divisor))
    return results


def check_weights(memory: Memory, terms: Terms, arrays: Arrays, summed: float) -> None:
    """Raise where a weight is negative, for which its sum is minus infinity, or nan if another is nan."""
    if terms.weight is not None and not summed > -math.inf:
        check_no_negative_weight(passes.total(memory, negatives(terms.weight), arrays))


def check_values(memory: Memory, terms: Terms, arrays: Arrays) -> None:
    """Raise where an array of a call holds what is refused."""
    if terms.refuses_nan:
        check_no_nan(memory, arrays)
    if terms.loss is not None:
        check_domains(memory, terms.loss, arrays)
    if terms.weight is not None:
        check_no_negative_weight(passes.total(memory, negatives(terms.weight), arrays))


def check_domains(memory: Memory, loss: Loss, arrays: Arrays) -> None:
    """Raise where an array beside prediction and target leaves its domain, and a mask does not hide it."""
    hidden = {MASK: arrays[MASK]} if MASK in arrays else {}
    for name in loss.further_arrays:
        if name in loss.domain:
            counted = outside_count(loss.domain[name], bool(hidden))
            check_inside(loss, name, passes.total(memory, counted, {"x": arrays[name], **hidden}))


def check_no_nan(memory: Memory, arrays: Arrays) -> None:
    """Raise where an array of a call holds a nan that a mask does not hide."""
    mask = arrays.get(MASK)
    hidden = {} if mask is None else {MASK: mask}
    for name, array in arrays.items():
        if name != MASK:
            checks.check_no_nan(name, passes.total(memory, nan_count(mask is not None), {"x": array, **hidden}))
