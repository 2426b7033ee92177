"""The one table of primitives: what each is. How a language writes it stands with the language.

A row holds

- ``tangent(arguments, tangents, result)``: the derivative along a direction, given each argument's derivative along it.
  Selections are differentiated by selection, never by multiplying with 0 or 1, so the infinities and nans of the
  branch not taken cannot leak. The conventions at kinks stand here: ``sign(0) = sign(nan) = 0``, and `minimum` and
  `maximum` share a tie equally, as torch does.
- ``number``: the value for plain Python numbers, as IEEE arithmetic has it (1 / 0 is inf). None where Python has no
  such function: then the composition computes it.
- ``composition``: the primitive as an expression of other primitives, for every language that has no spelling of it.
- ``precedence``: how tightly its operator binds in Python; higher binds tighter, and `ATOM` is a call.
- ``orders``: how many of the first arguments are orders: numbers of 1, 2, ... that choose a function of a family.
- ``range``: where its last argument may lie; elsewhere the value is nan.

The languages are `normwise.formula.text` (Python and LaTeX), `normwise.formula.numbers`, `normwise.formula.arrays`,
which is also that of CPU kernels, and `normwise.engines.frame_language`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from normwise.formula import compositions
from normwise.formula.expression import Expression, apply, constant, is_constant
from normwise.formula.tangent import Tangent

Nodes: TypeAlias = tuple[Expression, ...]
Tangents: TypeAlias = tuple[Tangent, ...]
Rule: TypeAlias = Callable[[Nodes, Tangents, Expression], Tangent]
POSITIVE = (0.0, math.inf)
COMPARISON, SUM, PRODUCT, NEGATION, POWER, ATOM = 10, 20, 30, 40, 50, 100


@dataclass(frozen=True, slots=True)
class Primitive:
    """One row of the table; see the module's docstring."""

    name: str
    arity: int
    tangent: Rule
    number: Callable[..., Any] | None
    precedence: int = ATOM
    orders: int = 0
    range: tuple[float, float] = (-math.inf, math.inf)
    composition: Callable[..., Expression] | None = None


LARGEST_ORDER = 20
"""Of a family of functions: what is composed for an order grows with it."""


def is_order(value: object) -> bool:
    """Whether a value is an order of a family of functions."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_ORDER


def _zero(_arguments: Nodes, tangents: Tangents, _result: Expression) -> Tangent:
    return Tangent(constant(0), tangents[0].ratios)


def _power_tangent(arguments: Nodes, tangents: Tangents, result: Expression) -> Tangent:
    (base, exponent), (d_base, d_exponent) = arguments, tangents
    lowered = constant(exponent.value - 1) if isinstance(exponent.value, (int, float)) else exponent - 1
    along_base = d_base * (exponent * (constant(1) if is_constant(lowered, 0) else base**lowered))
    return along_base if d_exponent.is_zero else along_base + d_exponent * (result * apply("log", base))


def _select_tangent(taken: str) -> Rule:
    def tangent(arguments: Nodes, tangents: Tangents, _result: Expression) -> Tangent:
        (a, b), (da, db) = arguments, tangents
        tied = db.selected(apply(taken, b, a), da * 0.5 + db * 0.5)
        return da.selected(apply(taken, a, b), tied)

    return tangent


def _polygamma_tangent(arguments: Nodes, tangents: Tangents, _result: Expression) -> Tangent:
    return tangents[1] * apply("polygamma", arguments[0] + 1, arguments[1])


def _number_divide(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _ieee(function: Callable[..., float], overflow: float = math.inf) -> Callable[..., float]:
    """A function of `math` that answers as IEEE arithmetic does where Python would raise."""

    def number(*arguments: float) -> float:
        try:
            result = function(*arguments)
        except OverflowError:
            return overflow
        except (ValueError, ZeroDivisionError):
            return math.nan
        return math.nan if isinstance(result, complex) else result

    return number


def _number_power(a: float, b: float) -> float:
    odd = b % 2 == 1
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and odd else math.inf
    except ValueError:  # a negative base with a fraction for exponent, or 0 with a negative one
        return math.nan if a != 0 else math.copysign(math.inf, a if odd else 1.0)


def _number_log(shift: float, function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda a: -math.inf if a == -shift else _ieee(function)(a)


_rows = [
    Primitive("add", 2, lambda _, d, y: d[0] + d[1], operator.add, SUM),
    Primitive("subtract", 2, lambda _, d, y: d[0] - d[1], operator.sub, SUM),
    Primitive("multiply", 2, lambda a, d, y: d[0] * a[1] + d[1] * a[0], operator.mul, PRODUCT),
    Primitive("divide", 2, lambda a, d, y: (d[0] - d[1] * y) / a[1], _number_divide, PRODUCT),
    Primitive("power", 2, _power_tangent, _number_power, POWER),
    Primitive("less", 2, _zero, operator.lt, COMPARISON),
    Primitive("less_equal", 2, _zero, operator.le, COMPARISON),
    Primitive("greater", 2, _zero, operator.gt, COMPARISON),
    Primitive("greater_equal", 2, _zero, operator.ge, COMPARISON),
    Primitive("equal", 2, _zero, operator.eq, COMPARISON),
    Primitive("not_equal", 2, _zero, operator.ne, COMPARISON),
    Primitive("negative", 1, lambda _, d, y: -d[0], operator.neg, NEGATION),
    Primitive("absolute", 1, lambda a, d, y: d[0] * apply("sign", a[0]), abs),
    Primitive("sign", 1, _zero, lambda a: float((a > 0) - (a < 0))),
    Primitive("where", 3, lambda a, d, y: d[1].selected(a[0], d[2]), lambda c, a, b: a if c else b),
    Primitive("minimum", 2, _select_tangent("less"), lambda a, b: a if a < b or a != a else b),
    Primitive("maximum", 2, _select_tangent("greater"), lambda a, b: a if a > b or a != a else b),
    Primitive("sqrt", 1, lambda _, d, y: d[0] / (2 * y), _ieee(math.sqrt)),
    Primitive("exp", 1, lambda _, d, y: d[0] * y, _ieee(math.exp)),
    Primitive("expm1", 1, lambda a, d, y: d[0] * apply("exp", a[0]), _ieee(math.expm1)),
    Primitive("log", 1, lambda a, d, y: d[0] / a[0], _number_log(0.0, math.log)),
    Primitive("log1p", 1, lambda a, d, y: d[0] / (1 + a[0]), _number_log(1.0, math.log1p)),
    Primitive("tanh", 1, lambda a, d, y: d[0] / (apply("cosh", a[0]) * apply("cosh", a[0])), math.tanh),
    Primitive("cosh", 1, lambda a, d, y: d[0] * (apply("tanh", a[0]) * y), _ieee(math.cosh)),
    Primitive("sin", 1, lambda a, d, y: d[0] * apply("cos", a[0]), _ieee(math.sin)),
    Primitive("cos", 1, lambda a, d, y: d[0] * -apply("sin", a[0]), _ieee(math.cos)),
    Primitive("arctan", 1, lambda a, d, y: d[0] / (1 + a[0] * a[0]), math.atan),
    Primitive(
        "sigmoid", 1, lambda a, d, y: d[0] * (y * apply("sigmoid", -a[0])), None, composition=compositions.sigmoid
    ),
    Primitive("softplus", 1, lambda a, d, y: d[0] * apply("sigmoid", a[0]), None, composition=compositions.softplus),
    Primitive(
        "erf",
        1,
        lambda a, d, y: d[0] * (2.0 / math.sqrt(math.pi) * apply("exp", -(a[0] * a[0]))),
        math.erf,
        composition=compositions.erf,
    ),
    Primitive(
        "lgamma",
        1,
        lambda a, d, y: d[0] * apply("digamma", a[0]),
        None,  # Python's loses its digits near the root at 2
        range=POSITIVE,
        composition=compositions.lgamma,
    ),
    Primitive(
        "digamma",
        1,
        lambda a, d, y: d[0] * apply("polygamma", 1, a[0]),
        None,
        range=POSITIVE,
        composition=compositions.digamma,
    ),
    Primitive("polygamma", 2, _polygamma_tangent, None, orders=1, range=POSITIVE, composition=compositions.polygamma),
    Primitive("stop_gradient", 1, _zero, lambda a: a),
]

PRIMITIVES: dict[str, Primitive] = {row.name: row for row in _rows}
COMPARISONS = frozenset(row.name for row in _rows if row.precedence == COMPARISON)
