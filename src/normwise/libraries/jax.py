"""Formulas on JAX's arrays, whose derivatives are those of the formula, to any order.

JAX never differentiates a formula's own operations. So its derivatives are ours at kinks (JAX takes 1 for the slope of
the modulus at 0), and a branch that was not taken is never multiplied with 0.
"""

# pyright: basic
from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from normwise.engines import arrays as array_engine
from normwise.formula import Expression, Formula
from normwise.formula.caches import per_formula
from normwise.formula.expression import apply, constant, is_constant


def elementwise(
    xp: Any, formula: Formula, arrays: Sequence[Any], parameters: Mapping[str, float], *outputs: Formula
) -> list[Any]:
    """Return what `normwise.engines.arrays.elementwise` does, differentiated by the formulas' own derivatives.

    Nesting `jax.grad`, `jax.jvp`, `jax.vmap`, `jax.jit` and `jax.hessian` in any order works.
    """
    bound = tuple(parameters[name] for name in formula.parameters)
    return [values(told, bound, *arrays) for told in (formula, *outputs)]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def values(formula: Formula, parameters: tuple[float, ...], *arrays: Any) -> Any:
    """Compute the values of a formula per element."""
    bound = dict(zip(formula.parameters, parameters, strict=True))
    return array_engine.elementwise(jnp, formula, arrays, bound)[0]


@functools.partial(values.defjvp, symbolic_zeros=True)
def _pushed_forward(
    formula: Formula, parameters: tuple[float, ...], arrays: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """Compute the values and their derivative along tangents; those that are known to be 0 meet no infinite slope."""
    result = values(formula, parameters, *arrays)
    total = jnp.zeros_like(result)
    for name, tangent in zip(formula.arrays, tangents, strict=True):
        if not isinstance(tangent, SymbolicZero):
            slope, kept = _slope(formula, name)
            # What is dropped meets no tangent, and sends nothing back, be it infinite.
            along = tangent if kept is None else jnp.where(values(kept, parameters, *arrays) != 0, tangent, 0)
            total = total + values(slope, parameters, *arrays) * along
    return result, total


@per_formula
def _slope(formula: Formula, name: str) -> tuple[Formula, Formula | None]:
    """Return the derivative in an array, and what is 0 where the derivative is the constant 0."""
    slope = formula.derivative(name)
    kept = _kept(slope.expression)
    return slope, None if is_constant(kept) else Formula("kept", slope.arrays, slope.parameters, kept)


def _kept(expression: Expression) -> Expression:
    if expression.primitive == "where" and is_constant(expression.arguments[2], 0):
        condition, taken, _ = expression.arguments
        return apply("where", condition, _kept(taken), 0)
    return constant(1)
