"""Formulas on the arrays of any namespace of the array API standard: NumPy, torch, JAX, CuPy, Dask, ...

This engine says what is correct. It is also the path for everything unusual (tracing and compiling, function
transforms, tensor subclasses, strange devices), for it calls nothing but the namespace's own operations.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from normwise.formula import Formula
from normwise.formula.arrays import array_values
from normwise.formula.walk import path


def elementwise(
    xp: Any, formula: Formula, arrays: Sequence[Any], parameters: Mapping[str, float], *outputs: Formula
) -> list[Any]:
    """Return the values per element of the formula, then of each further formula of the same arguments.

    Parameters
    ----------
    xp : module
        The arrays' namespace.
    formula : Formula
        What is evaluated.
    arrays : sequence of arrays
        One for each of ``formula.arrays``, of one shape and one real floating dtype.
    parameters : mapping of str to float
        One for each of ``formula.parameters``.
    *outputs : Formula
        Derivatives of the formula, evaluated in the same walk.
    """
    variables = dict(zip(formula.arrays, arrays, strict=True)) | dict(parameters)
    like = arrays[0]
    with quiet(xp):
        way = path([f.expression for f in (formula, *outputs)]) if outputs else formula.path
        values = array_values(way, xp, variables)
        # A derivative may be a plain number, as the curvature of the squared error is.
        return [value if hasattr(value, "shape") else xp.zeros_like(like) + value for value in values]


def gathered(xp: Any, array: Any, indices: Any) -> Any:
    """Return the elements at some indices of each line along the last dimension."""
    if hasattr(xp, "take_along_axis"):
        return xp.take_along_axis(array, indices, axis=-1)
    import dask.array  # the one namespace that has none

    lines = array.rechunk((*indices.chunks[:-1], -1))
    namespace = cast("Any", dask.array)
    return namespace.map_blocks(_gathered_by_numpy, lines, indices, dtype=array.dtype, chunks=indices.chunks)


def _gathered_by_numpy(lines: Any, indices: Any) -> Any:
    import numpy as np

    return np.take_along_axis(lines, indices, axis=-1)


def quiet(xp: Any) -> contextlib.AbstractContextManager[Any]:
    """Silence NumPy's warnings on nan, infinity and the branch not taken: the result carries them."""
    errstate = getattr(xp, "errstate", None)
    return contextlib.nullcontext() if errstate is None else errstate(all="ignore")
