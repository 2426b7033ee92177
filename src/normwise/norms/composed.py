"""Norms composed from values per element and a namespace's own sums: for whatever the fused kernels do not take.

Elements are always measured in units of the largest (or smallest) of them, for a compiler or a transform cannot look
whether that is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from normwise.formula import Formula
from normwise.norms.on_kernels import LEAST, Request
from normwise.terms import TOP, UNIT, WEIGHT, attaining, ties, weight_term


def norm(
    xp: Any,
    compute: Callable[[Formula, Sequence[Any]], Any],
    still: Callable[[Any], Any],
    request: Request,
    arrays: Mapping[str, Any],
) -> Any:
    """Compose a norm; the reduced dimensions have length 1.

    Parameters
    ----------
    xp : module
        The arrays' namespace.
    compute : callable
        Computes the values of a formula of arrays.
    still : callable
        Gives an array as a constant to whoever differentiates.
    request, arrays
        As for `normwise.norms.on_kernels.norm`.
    """
    shape = request.shape(arrays)

    def values(formula: Formula, **further: Any) -> Any:
        named = {**arrays, **{name: xp.broadcast_to(array, shape) for name, array in further.items()}}
        return compute(formula, [named[name] for name in formula.arrays])

    def over(reduce: Callable[..., Any], array: Any) -> Any:
        return reduce(array, axis=request.dims, keepdims=True)

    def share(present: Any) -> Any:
        """By how much the sum of what is there is multiplied to stand for all elements."""
        one = xp.ones_like(present)
        if terms.norm.extreme is not None:
            return one
        whole = over(xp.sum, values(weight_term(masked=False))) if WEIGHT in arrays else one * request.size(arrays)
        return xp.where(present > 0, whole / xp.where(present > 0, present, one), one)

    def standing(found: Any) -> Any:
        """A norm, but nan where none of its elements is there: a selection, so that no gradient meets the nan."""
        return found if present is None else xp.where(present > 0, found, xp.full_like(found, math.nan))

    terms = request.terms(arrays, measured=False)
    pick = xp.max if request.p > 0 else xp.min
    present = over(xp.sum, values(terms.present)) if request.misses(arrays) else None
    if terms.norm.extreme is not None:
        top = still(over(pick, values(terms.value)))
        count = over(xp.sum, still(values(ties(terms.value), **{TOP: top})))
        return standing(over(xp.sum, values(attaining(terms.value), **{TOP: top})) / count)
    measured = terms.norm.may_leave_range and math.prod(shape) > 0
    unit = None
    if measured:
        size = still(over(pick, values(terms.modulus)))
        usual = (size > LEAST) & (size < math.inf)
        one = xp.ones_like(size)
        # A power of 2, so that no digit is lost: what is equal stays equal.
        unit = xp.pow(2 * one, xp.floor(xp.log2(xp.where(usual, size, one))))
        unit = xp.where((size > 0) & (size <= LEAST), one * LEAST, unit)  # 1 / unit is finite
    sums = over(xp.sum, values(request.terms(arrays, measured).value, **({} if unit is None else {UNIT: unit})))
    found = compute(terms.norm.finish, [sums if present is None else sums * share(present)])
    return standing(found if unit is None else found * unit)
