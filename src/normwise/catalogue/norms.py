"""The norms: for each a formula per element, a sum or an extreme, and a finishing formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from normwise.formula import Formula, sqrt, trace, where
from normwise.formula.caches import computed_once, per_formula

Extreme = Literal["maximum", "minimum"]


@dataclass(frozen=True, eq=False)
class Norm:
    """A p-norm: ``finish`` of the sum, or the extreme, of ``element``.

    As a vector of one element has its modulus for norm, ``element`` undoes ``finish``; so the derivative of a norm in
    an element is ``element'(x) / element'(norm)``.

    Attributes
    ----------
    p : float
        The order.
    element : Formula
        Of ``x``.
    finish : Formula
        Of the sum or the extreme ``s``.
    extreme : {"maximum", "minimum"}, optional
        None for a sum.
    empty : float
        The norm of nothing.
    """

    p: float
    element: Formula
    finish: Formula
    extreme: Extreme | None = None
    empty: float = 0.0

    @computed_once
    def slope(self) -> Formula:
        """The derivative of ``element``."""
        return self.element.derivative("x")

    @property
    def may_leave_range(self) -> bool:
        """Whether powers of its elements overflow or underflow where the norm does not."""
        return self.p not in (0, 1) and self.extreme is None

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest modulus of which the element, its slope and its curvature are finite."""
        least = 10 ** (-_DECADES / (2 - self.p)) if self.p < 2 and self.may_leave_range else 0.0
        return least, 10 ** (_DECADES / max(self.p, 1)) if self.p >= 0 else math.inf


_DECADES = 300
"""Powers of ten within the range of float64."""


def _count(x: Any) -> Any:
    # A nan is neither zero nor not: it shows.
    return where(x == 0, 0, where(x == x, 1, x))


def _modulus(x: Any) -> Any:
    return abs(x)


def _square(x: Any) -> Any:
    return x * x


def _as_it_is(s: Any) -> Any:
    return s


def _but_nan(s: Any, value: float) -> Any:
    """A constant, but nan where the sum is, and so is its slope; elsewhere the branch not taken has a finite slope.

    For torch multiplies that with 0 where it differentiates a trace.
    """
    return where(s == s, value, s * s)


# Where 0 has no finite slope the formula selects, and what is not selected is harmless: so the slope of 0 is 0, and an
# autograd that multiplies the branch not taken with 0 finds nothing infinite there.
def root(s: Any) -> Any:
    """Return the square root, whose slope at 0 is 0."""
    positive = s > 0
    return where(positive, sqrt(where(positive, s, 1)), _but_nan(s, 0))


_OF_ORDER: dict[float, tuple[Any, Any, Extreme | None, float]] = {
    0: (_count, _as_it_is, None, 0.0),
    1: (_modulus, _as_it_is, None, 0.0),
    2: (_square, root, None, 0.0),
    math.inf: (_modulus, _as_it_is, "maximum", 0.0),
    -math.inf: (_modulus, _as_it_is, "minimum", math.inf),
}
"""The orders whose formulas are simpler than the powers that they stand for."""


@per_formula
def norm_of(p: float) -> Norm:
    """Return the norm of an order: the sum of ``|x|^p``, to the power of ``1 / p``, or its limit."""
    element, finish, extreme, empty = _OF_ORDER.get(p) or _of_powers(p)
    return Norm(p, trace(element), trace(finish), extreme, empty)


def _of_powers(p: float) -> tuple[Any, Any, None, float]:
    exponent: float = int(p) if p == int(p) and abs(p) <= 16 else p  # a whole power is multiplications

    def power(x: Any) -> Any:
        a = abs(x)
        positive = a > 0
        return where(positive, where(positive, a, 1) ** exponent, a if p > 0 else a + math.inf)

    def root(s: Any) -> Any:
        positive = s > 0
        return where(positive, where(positive, s, 1) ** (1 / p), _but_nan(s, 0 if p > 0 else math.inf))

    return power, root, None, 0.0 if p > 0 else math.inf
