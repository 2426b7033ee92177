"""What a call sums: a loss with its weight, its mask and its missing targets, as formulas again.

To weight is to multiply, to drop is to select, and both are what formulas are made of: so weights, masks and missing
targets reach every engine, and every order of derivative, without code of their own there. A selection never
multiplies: where an element is dropped, its value and its derivatives are exactly 0 whatever stands there.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from normwise.catalogue import Loss
from normwise.formula import Formula
from normwise.formula.expression import Expression, apply, constant, variable

WEIGHT, MASK = "weight", "mask"
"""The names of these two among a call's arrays; no formula of a loss may take them for its own."""


@dataclass(frozen=True, eq=False)
class Terms:
    """The formulas of a call; each is 0 where an element is dropped.

    Attributes
    ----------
    value : Formula
        The loss times the weight.
    weight : Formula or None
        The weight; minus infinity where it is negative, so that its sum tells of it. None where every element weighs 1.
    count : Formula or None
        1 for each element that is there. None where none is dropped.
    """

    value: Formula
    weight: Formula | None = None
    count: Formula | None = None


def summed_for(terms: Terms, divisor: str) -> Formula | None:
    """Return what is summed for the divisor of a mean: None where it is the number of elements."""
    return terms.weight if divisor == "weight" and terms.weight is not None else terms.count


@functools.cache
def terms_of(loss: Loss, weighted: bool = False, masked: bool = False, omits: bool = False) -> Terms:
    """Return the terms of a loss, with a weight, with a mask, without the elements whose target is nan."""
    if not (weighted or masked or omits):
        return Terms(loss.formula)
    formula, w = loss.formula, variable(WEIGHT)
    target = formula.arrays[1]

    def kept(expression: Expression) -> Expression:
        if omits:
            t = variable(target)
            expression = apply("where", t == t, expression, 0)
        return apply("where", variable(MASK), expression, 0) if masked else expression

    def term(name: str, expression: Expression) -> Formula:
        made = Formula(name, (), {}, kept(expression))
        order = (*formula.arrays, WEIGHT, MASK)
        return Formula(name, tuple(n for n in order if n in made.reads), {}, made.expression)

    arrays = (*formula.arrays, *([WEIGHT] if weighted else []), *([MASK] if masked else []))
    value = formula.expression * w if weighted else formula.expression
    return Terms(
        Formula(formula.name, arrays, formula.parameters, kept(value)),
        term("weight", apply("where", w < 0, -math.inf, w)) if weighted else None,
        term("count", constant(1)) if masked or omits else None,
    )


@functools.cache
def nan_count(masked: bool) -> Formula:
    """Return the formula that counts the nans of an array, where a mask lets them count."""
    x = variable("x")
    counted = apply("where", x == x, 0, 1)
    if masked:
        return Formula("nans", ("x", MASK), {}, apply("where", variable(MASK), counted, 0))
    return Formula("nans", ("x",), {}, counted)


@functools.cache
def negatives(weight: Formula) -> Formula:
    """Return the formula that counts the negative weights, of the formula in `Terms` that tells of them."""
    return Formula("negatives", weight.arrays, {}, apply("where", weight.expression == constant(-math.inf), 1, 0))
