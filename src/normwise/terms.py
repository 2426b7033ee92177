"""What a call sums: a loss with its weight, its mask and its missing targets, as formulas again.

To weight is to multiply, to drop is to select, and both are what formulas are made of: so weights, masks and missing
targets reach every engine, and every order of derivative, without code of their own there. A selection never
multiplies: where an element is dropped, its value and its derivatives are exactly 0 whatever stands there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from normwise.catalogue import Interval, Loss
from normwise.catalogue.metrics import Metric
from normwise.catalogue.norms import Norm, norm_of
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.formula.expression import Expression, apply, constant, is_constant, variable
from normwise.formula.tangent import scaled

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
    beside : tuple of Formula
        What is averaged beside the value, of the same arrays and parameters.
    finish : Formula or None
        What is made of the means of `values`. None where it is the mean itself.
    refused : Formula or None
        1 for each element for which the call is refused: a nan where none may be, or a number outside its domain.
    refuses_nan : bool
        Whether it tells of nans.
    loss : Loss or None
        The loss, for the errors.
    """

    value: Formula
    weight: Formula | None = None
    count: Formula | None = None
    beside: tuple[Formula, ...] = ()
    finish: Formula | None = None
    refused: Formula | None = None
    refuses_nan: bool = False
    loss: Loss | None = None

    @property
    def values(self) -> tuple[Formula, ...]:
        """What the means are of."""
        return (self.value, *self.beside)


def summed_for(terms: Terms, divisor: str) -> Formula | None:
    """Return what is summed for the divisor of a mean: None where it is the number of elements."""
    return terms.weight if divisor == "weight" and terms.weight is not None else terms.count


@per_formula
def terms_of(
    loss: Loss, weighted: bool = False, masked: bool = False, omits: bool = False, raises: bool = False
) -> Terms:
    """Return the terms of a loss, with a weight, with a mask, without the elements whose target is nan, or any nan."""
    formula, w = loss.formula, variable(WEIGHT)
    arrays = (*formula.arrays, *([WEIGHT] if weighted else []), *([MASK] if masked else []))
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

    def averaged(each: Formula) -> Formula:
        value = each.expression * w if weighted else each.expression
        return Formula(each.name, arrays, each.parameters, kept(value))

    return Terms(
        averaged(formula),
        term("weight", apply("where", w < 0, -math.inf, w)) if weighted else None,
        term("count", constant(1)) if masked or omits else None,
        tuple(map(averaged, loss.beside)),
        loss.finish,
        _refused(loss, arrays, raises),
        raises,
        loss,
    )


@per_formula
def alone(formula: Formula) -> Terms:
    """Return the terms of a formula that is no loss."""
    return Terms(formula)


def _refused(loss: Loss, arrays: tuple[str, ...], raises: bool) -> Formula | None:
    """The formula that counts the elements for which a call is refused; None where none can be."""
    counted = constant(0)
    for name in loss.further_arrays:
        if name in loss.domain:
            counted = counted + _outside(loss.domain[name], variable(name))
    for name in arrays:
        if raises and name != MASK:
            x = variable(name)
            counted = apply("where", x == x, counted, 1)
    if is_constant(counted):
        return None
    return Formula("refused", arrays, {}, apply("where", variable(MASK), counted, 0) if MASK in arrays else counted)


@functools.cache
def nan_count(masked: bool, weighted: bool = False) -> Formula:
    """Return the formula that counts the nans of an array, where a mask or a weight lets them count."""
    x = variable("x")
    counted = apply("where", x == x, 0, 1)
    if weighted:
        counted = apply("where", variable(WEIGHT) == 0, 0, counted)
    if masked:
        counted = apply("where", variable(MASK), counted, 0)
    return Formula("nans", ("x", *[WEIGHT] * weighted, *[MASK] * masked), {}, counted)


@per_formula
def outside_count(interval: Interval, masked: bool) -> Formula:
    """Return the formula that counts the numbers of an array that leave an interval, where a mask lets them count.

    A nan is not counted: it shows in the result.
    """
    counted = _outside(interval, variable("x"))
    if masked:
        return Formula("outside", ("x", MASK), {}, apply("where", variable(MASK), counted, 0))
    return Formula("outside", ("x",), {}, counted)


def _outside(interval: Interval, x: Expression) -> Expression:
    """1 for a number outside an interval, else 0."""
    below = x < interval.low if interval.closed in ("both", "left") else x <= interval.low
    above = x > interval.high if interval.closed in ("both", "right") else x >= interval.high
    return apply("where", below, 1, apply("where", above, 1, 0))


@functools.cache
def weight_term(masked: bool) -> Formula:
    """Return the weight where a mask lets it count; minus infinity where it is negative."""
    w = variable(WEIGHT)
    told = apply("where", w < 0, -math.inf, w)
    if masked:
        return Formula("weight", (WEIGHT, MASK), {}, apply("where", variable(MASK), told, 0))
    return Formula("weight", (WEIGHT,), {}, told)


@per_formula
def negatives(weight: Formula) -> Formula:
    """Return the formula that counts the negative weights, of the formula in `Terms` that tells of them."""
    return Formula("negatives", weight.arrays, {}, apply("where", weight.expression == constant(-math.inf), 1, 0))


UNIT, FACTOR, TOP, SHARE = "unit", "factor", "top", "share"
"""What the elements of a norm are measured in, what its slopes are multiplied with, and the norm itself."""


@dataclass(frozen=True, eq=False)
class NormTerms:
    """The formulas of a norm's call; where an element is dropped each is what it would be of nothing.

    Attributes
    ----------
    value : Formula
        What is summed, or what the extreme is taken of.
    slope : Formula
        Its derivative in ``x``, times `FACTOR`.
    modulus : Formula
        That by which elements are measured where their powers leave the range.
    present : Formula
        The weight, or 1, of an element that is there.
    """

    norm: Norm
    value: Formula
    slope: Formula
    modulus: Formula
    present: Formula


VECTOR = Formula("x", ("x",), {}, variable("x"))
"""What a norm is the norm of."""


@per_formula
def difference(eps: float = 0.0) -> Formula:
    """Return what a distance is the norm of."""
    expression = variable("a") - variable("b")
    return Formula("difference", ("a", "b"), {}, expression + eps if eps else expression)


def weighed(expression: Expression, ordinary: Sequence[Expression]) -> Expression:
    """An element times its weight; one of weight 0 is not there, whatever it is.

    Where all of `ordinary` hold, the conditions under which it and its slopes are finite, it is multiplied even so:
    then a weight of 0 has a slope of its own.
    """
    w, multiplied = variable(WEIGHT), expression
    for condition in ordinary:
        multiplied = apply("where", condition, multiplied, 0)
    return apply("where", w == 0, multiplied, expression) * w


def _there(expression: Expression, nothing: float) -> Expression:
    """An element that weighs more than 0, of which the weight counts no further; nan where the weight is none."""
    w = variable(WEIGHT)
    return apply("where", w > 0, expression, apply("where", w == 0, nothing, math.nan))


def _within(norm: Norm, x: Expression) -> list[Expression]:
    """The conditions under which the element of a norm and its slopes are finite."""
    least, greatest = norm.span
    return [*([abs(x) >= least] if least else []), abs(x) <= greatest]


@per_formula
def norm_terms(p: float, of: Formula, weighted: bool, masked: bool, omits: bool, measured: bool = False) -> NormTerms:
    """Return the terms of the norm of a formula: with a weight, with a mask, without nans; divided by `UNIT`.

    An extreme has no use for the size of a weight, only for whether it is there: it is the limit of weighted sums.
    """
    norm, x, w = norm_of(p), of.expression, variable(WEIGHT)
    given = x / variable(UNIT) if measured else x

    def kept(expression: Expression, nothing: float) -> Expression:
        if omits:
            for name in of.arrays:
                expression = apply("where", variable(name) == variable(name), expression, nothing)
        return apply("where", variable(MASK), expression, nothing) if masked else expression

    def made(name: str, expression: Expression) -> Formula:
        reads = Formula(name, (), {}, expression).reads
        order = (*of.arrays, WEIGHT, MASK, UNIT, FACTOR, TOP)
        return Formula(name, tuple(n for n in order if n in reads), {}, expression)

    def present(expression: Expression, nothing: float) -> Expression:
        return kept(_there(expression, nothing) if weighted else expression, nothing)

    element = norm.element.on(("x",), x=given).expression
    slope = norm.slope.on(("x",), x=given).expression
    far = 0.0 if p > 0 else math.inf
    if norm.extreme is None:
        value = kept(weighed(element, _within(norm, given)) if weighted else element, 0)
        slope = scaled(slope * w if weighted else slope, variable(FACTOR))
        slope = kept(apply("where", w == 0, 0, slope) if weighted else slope, 0)
    else:
        value = present(element, norm.empty)
        slope = present(apply("where", element == variable(TOP), scaled(slope, variable(FACTOR)), 0), 0)
    return NormTerms(
        norm,
        made("norm", value),
        made("slope", slope),
        made("modulus", present(abs(x), far)),
        made("present", kept(w if weighted else constant(1), 0)),
    )


@per_formula
def ties(value: Formula) -> Formula:
    """Return the formula that counts the elements which attain the extreme of a formula."""
    return Formula("ties", (*value.arrays, TOP), {}, apply("where", value.expression == variable(TOP), 1, 0))


@per_formula
def attaining(value: Formula) -> Formula:
    """Return the formula that keeps the elements which attain the extreme of a formula."""
    return Formula(
        "top", (*value.arrays, TOP), {}, apply("where", value.expression == variable(TOP), value.expression, 0)
    )


MASK_X, MASK_T = "mask_x", "mask_t"
"""The names of the masks of the two sides of a pair."""

SIDES: dict[str, str] = {
    "x": "ik",
    MASK_X: "ik",
    "t": "jk",
    MASK_T: "jk",
    WEIGHT: "k",
    UNIT: "ij",
    TOP: "ij",
    SHARE: "ij",
}
"""Which of the indices each array of a pair has: ``i`` and ``j`` number the points of the sides, ``k`` the features."""


@dataclass(frozen=True, eq=False)
class PairTerms:
    """The formulas of all pairs' distances.

    Attributes
    ----------
    sums : tuple of Formula
        What is summed over the features (or what the largest is taken of): all of the same arrays and parameters.
    finish : Formula
        Of the sums ``s0``, ``s1``, ...
    modulus : Formula
        The size of the difference, where it is there.
    measured : PairTerms, optional
        The same of differences divided by `UNIT`; for norms.
    """

    sums: tuple[Formula, ...]
    finish: Formula
    modulus: Formula
    measured: PairTerms | None = None

    def sums_of(self, names: Sequence[str]) -> tuple[int, ...]:
        """The numbers of the sums that read some arrays; of all where none does."""
        reading = tuple(k for k, each in enumerate(self.sums) if not each.reads.isdisjoint(names))
        return reading or tuple(range(len(self.sums)))


@per_formula
def pair_terms(metric: Metric, weighted: bool, masked: tuple[bool, bool], omits: bool) -> PairTerms:
    """Return the terms of a metric: with weights, with masks of the sides, without nans.

    Where features may be missing, two more sums tell how much is there and how much there would be.
    """
    terms = _pair_terms(metric, weighted, masked, omits, measured=False)
    if metric.norm is None or not metric.norm.may_leave_range:
        return terms
    return replace(terms, measured=_pair_terms(metric, weighted, masked, omits, measured=True))


def _finite(formula: Formula) -> list[Expression]:
    """The conditions under which what two features add to a sum is finite, and its slopes."""
    values = (formula, formula.derivative("x"), formula.derivative("t"))
    return [abs(value.expression) < math.inf for value in values if not is_constant(value.expression)]


def _pair_terms(metric: Metric, weighted: bool, masked: tuple[bool, bool], omits: bool, measured: bool) -> PairTerms:
    first, w = metric.sums[0], variable(WEIGHT)
    misses = omits or any(masked)
    names = [name for name, there in zip((MASK_X, MASK_T), masked, strict=True) if there]
    arrays = ("x", "t", *([WEIGHT] if weighted else []), *names, *([UNIT] if measured else []))

    def kept(expression: Expression) -> Expression:
        if omits:
            for name in ("x", "t"):
                expression = apply("where", variable(name) == variable(name), expression, 0)
        for name in names:
            expression = apply("where", variable(name), expression, 0)
        return expression

    def term(expression: Expression) -> Formula:
        return Formula(metric.name, arrays, first.parameters, expression)

    def summed(formula: Formula) -> Expression:
        expression, apart = formula.expression, variable("x") - variable("t")
        if measured and metric.norm is not None:
            apart = apart / variable(UNIT)
            expression = metric.norm.element.on(("x", "t", UNIT), x=apart).expression
        if not weighted:
            return expression
        if metric.is_extreme:
            return _there(expression, 0)
        return weighed(expression, _within(metric.norm, apart) if metric.norm else _finite(formula))

    def present(expression: Expression) -> Expression:
        return kept(_there(expression, 0) if weighted else expression)

    sums = [term(kept(summed(formula))) for formula in metric.sums]
    modulus = term(present(abs(variable("x") - variable("t"))))
    if not misses:
        return PairTerms(tuple(sums), metric.finish, modulus)
    one = w if weighted else constant(1)
    if metric.is_extreme:
        # The largest of what is there: that anything is there is told by a largest of its own.
        finish = apply("where", variable("s1") > 0, metric.finish.expression, math.nan)
        return PairTerms((*sums, term(present(constant(1)))), Formula("finish", ("s0", "s1"), {}, finish), modulus)
    there, whole = (variable(f"s{len(sums) + i}") for i in range(2))
    names_of_sums = tuple(f"s{k}" for k in range(len(sums) + 2))
    shares = {f"s{k}": variable(f"s{k}") * (whole / there) for k in range(len(sums))}
    finish = metric.finish.on(names_of_sums, **shares).expression
    finish = apply("where", there > 0, finish, math.nan)
    return PairTerms((*sums, term(kept(one)), term(one)), Formula("finish", names_of_sums, {}, finish), modulus)
