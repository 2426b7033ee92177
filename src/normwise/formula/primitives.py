"""The one table of primitives: for each its derivative rule and its spelling in every language.

A row holds

- ``tangent(arguments, tangents, result)``: the derivative along a direction, given each argument's derivative along it.
  Selections are differentiated by selection, never by multiplying with 0 or 1, so the infinities and nans of the
  branch not taken cannot leak. The conventions at kinks stand here: ``sign(0) = sign(nan) = 0``, and `minimum` and
  `maximum` share a tie equally, as torch does.
- ``python``, ``latex``: templates of text, with the precedence of the operator (higher binds tighter).
- ``number``: the value for plain Python numbers, as IEEE arithmetic has it (1 / 0 is inf).
- ``array``: the value for arrays of a namespace ``xp`` of the array API standard. To it
  the numbers of a CPU kernel that is being built are arrays, too: so this is what a kernel computes.
- ``frame``: the value for Narwhals expressions, which mentions each argument once; ``nw`` is the narwhals module.
- ``lowered``: the expression that a data frame computes instead, in primitives that have a ``frame``; it may guard the
  primitive itself.

This module imports no array library: `array` and `frame` receive theirs.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from normwise.formula import frame_terms
from normwise.formula.expression import Expression, apply, constant, is_constant
from normwise.formula.tangent import Tangent

Nodes: TypeAlias = tuple[Expression, ...]
Tangents: TypeAlias = tuple[Tangent, ...]
Rule: TypeAlias = Callable[[Nodes, Tangents, Expression], Tangent]
ATOM = 100


@dataclass(frozen=True, slots=True)
class Primitive:
    """One row of the table; see the module's docstring."""

    name: str
    tangent: Rule
    python: str
    latex: str
    number: Callable[..., Any]
    array: Callable[..., Any]
    frame: Callable[..., Any] | None = None
    lowered: Callable[..., Expression] | None = None
    precedence: int = ATOM
    lift: bool = False
    """Whether `array` wants its plain numbers as arrays."""


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


def _frame_comparison(compare: Callable[[Any, Any], Any], greatest: int) -> Callable[..., Any]:
    """A comparison that is false of nan, which polars and DuckDB take for greater than all and equal to itself.

    `greatest` says which argument, being nan, makes theirs true.
    """

    def frame(_: Any, *arguments: Any) -> Any:
        greater = arguments[greatest]
        ordered = True if isinstance(greater, (float, int)) else greater <= math.inf
        result = compare(*arguments)
        return result if ordered is True else result & ordered

    return frame


def _frame_not_equal(_: Any, a: Any, b: Any) -> Any:
    numbers = [each for each in (a, b) if isinstance(each, (float, int))]
    # Of nan, which nullable columns of pandas take for null, it is true.
    return a != b if numbers else a.is_null() | (a != b) | ~(a <= math.inf)


def _frame_where(nw: Any, condition: Any, a: Any, b: Any) -> Any:
    # Data frames are stricter than arrays about mixing integers and floats.
    a, b = (float(branch) if isinstance(branch, int) else branch for branch in (a, b))
    return nw.when(condition).then(a).otherwise(b)


def _array_sign(xp: Any, a: Any) -> Any:
    # Not xp.sign: NumPy's sign(nan) is nan where torch's is 0. torch's sgn is one operation, which compilers do best.
    if hasattr(xp, "sgn"):
        return xp.sgn(a)
    return xp.astype(a > 0, a.dtype) - xp.astype(a < 0, a.dtype)


def _array_stop_gradient(_xp: Any, a: Any) -> Any:
    if hasattr(a, "detach"):  # torch's
        return a.detach()
    jax: Any = sys.modules.get("jax")
    return jax.lax.stop_gradient(a) if jax is not None and isinstance(a, jax.Array) else a


def _operator(
    name: str,
    symbol: str,
    function: Callable[..., Any],
    precedence: int,
    tangent: Rule = _zero,
    **spelling: Any,
) -> Primitive:
    """A binary operator that Python, arrays and frames spell alike."""
    text = f"{{0}} {symbol} {{1}}"
    row: dict[str, Any] = {
        "python": text,
        "latex": text,
        "number": function,
        "array": lambda _, a, b: function(a, b),
        "frame": lambda _, a, b: function(a, b),
    }
    return Primitive(name, tangent, precedence=precedence, **(row | spelling))


def _function(
    name: str,
    tangent: Rule,
    latex: str,
    number: Callable[..., Any],
    **spelling: Any,
) -> Primitive:
    """A function of one argument that Python and array namespaces call by the same name."""
    row: dict[str, Any] = {
        "python": f"{name}({{0}})",
        "array": lambda xp, a: getattr(xp, name)(a),
    }
    return Primitive(name, tangent, latex=latex, number=number, **(row | spelling))


COMPARISON, SUM, PRODUCT, NEGATION, POWER = 10, 20, 30, 40, 50


def _comparison(name: str, symbol: str, function: Callable[..., Any], greatest: int, **spelling: Any) -> Primitive:
    return _operator(name, symbol, function, COMPARISON, frame=_frame_comparison(function, greatest), **spelling)


_rows = [
    _operator("add", "+", operator.add, SUM, lambda _, d, y: d[0] + d[1]),
    _operator("subtract", "-", operator.sub, SUM, lambda _, d, y: d[0] - d[1]),
    _operator(
        "multiply",
        "*",
        operator.mul,
        PRODUCT,
        lambda a, d, y: d[0] * a[1] + d[1] * a[0],
        latex=r"{0} \, {1}",
    ),
    _operator(
        "divide",
        "/",
        operator.truediv,
        PRODUCT,
        lambda a, d, y: (d[0] - d[1] * y) / a[1],
        latex=r"\frac{{{0}}}{{{1}}}",
        number=_number_divide,
    ),
    _operator(
        "power",
        "**",
        operator.pow,
        POWER,
        _power_tangent,
        latex="{0}^{{{1}}}",
        number=_number_power,
    ),
    _comparison("less", "<", operator.lt, greatest=1),
    _comparison("less_equal", "<=", operator.le, greatest=1, latex=r"{0} \le {1}"),
    _comparison("greater", ">", operator.gt, greatest=0),
    _comparison("greater_equal", ">=", operator.ge, greatest=0, latex=r"{0} \ge {1}"),
    _comparison("equal", "==", operator.eq, greatest=0, latex="{0} = {1}"),
    _operator("not_equal", "!=", operator.ne, COMPARISON, latex=r"{0} \ne {1}", frame=_frame_not_equal),
    Primitive(
        "negative",
        lambda _, d, y: -d[0],
        precedence=NEGATION,
        python="-{0}",
        latex="-{0}",
        number=operator.neg,
        array=lambda _, a: -a,
        frame=lambda _, a: a * -1.0,  # Narwhals has no unary minus
    ),
    _function(
        "absolute",
        lambda a, d, y: d[0] * apply("sign", a[0]),
        r"\left|{0}\right|",
        abs,
        frame=lambda _, a: a.abs(),
        python="abs({0})",
        array=lambda xp, a: xp.abs(a),
    ),
    _function(
        "sign",
        _zero,
        r"\operatorname{{sign}}\left({0}\right)",
        lambda a: float((a > 0) - (a < 0)),
        lowered=frame_terms.sign,
        array=_array_sign,
    ),
    Primitive(
        "where",
        lambda a, d, y: d[1].selected(a[0], d[2]),
        python="where({0}, {1}, {2})",
        latex=r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
        number=lambda c, a, b: a if c else b,
        array=lambda xp, c, a, b: xp.where(c, a, b),
        frame=_frame_where,
        lift=True,
    ),
    Primitive(
        "minimum",
        _select_tangent("less"),
        python="minimum({0}, {1})",
        latex=r"\min\left({0}, {1}\right)",
        number=lambda a, b: a if a < b or a != a else b,
        array=lambda xp, a, b: xp.minimum(a, b),
        lowered=frame_terms.minimum,
        lift=True,
    ),
    Primitive(
        "maximum",
        _select_tangent("greater"),
        python="maximum({0}, {1})",
        latex=r"\max\left({0}, {1}\right)",
        number=lambda a, b: a if a > b or a != a else b,
        array=lambda xp, a, b: xp.maximum(a, b),
        lowered=frame_terms.maximum,
        lift=True,
    ),
    _function(
        "sqrt",
        lambda _, d, y: d[0] / (2 * y),
        r"\sqrt{{{0}}}",
        _ieee(math.sqrt),
        frame=lambda _, a: a.sqrt(),  # Narwhals guards it, and log, where SQL stops with an error
    ),
    _function("exp", lambda _, d, y: d[0] * y, "e^{{{0}}}", _ieee(math.exp), frame=lambda _, a: a.exp()),
    _function(
        "expm1",
        lambda a, d, y: d[0] * apply("exp", a[0]),
        r"\operatorname{{expm1}}\left({0}\right)",
        _ieee(math.expm1),
        lowered=frame_terms.expm1,
    ),
    _function(
        "log",
        lambda a, d, y: d[0] / a[0],
        r"\log\left({0}\right)",
        _number_log(0.0, math.log),
        frame=lambda _, a: a.log(),
    ),
    _function(
        "log1p",
        lambda a, d, y: d[0] / (1 + a[0]),
        r"\operatorname{{log1p}}\left({0}\right)",
        _number_log(1.0, math.log1p),
        lowered=frame_terms.log1p,
    ),
    _function(
        "tanh",
        lambda a, d, y: d[0] / (apply("cosh", a[0]) * apply("cosh", a[0])),
        r"\tanh\left({0}\right)",
        math.tanh,
        lowered=frame_terms.tanh,
    ),
    _function(
        "cosh",
        lambda a, d, y: d[0] * (apply("tanh", a[0]) * y),
        r"\cosh\left({0}\right)",
        _ieee(math.cosh),
        lowered=frame_terms.cosh,
    ),
    _function(
        "sin",
        lambda a, d, y: d[0] * apply("cos", a[0]),
        r"\sin\left({0}\right)",
        _ieee(math.sin),
        frame=lambda _, a: a.sin(),
        lowered=frame_terms.sin,
    ),
    _function(
        "cos",
        lambda a, d, y: d[0] * -apply("sin", a[0]),
        r"\cos\left({0}\right)",
        _ieee(math.cos),
        frame=lambda _, a: a.cos(),
        lowered=frame_terms.cos,
    ),
    _function(
        "arctan",
        lambda a, d, y: d[0] / (1 + a[0] * a[0]),
        r"\arctan\left({0}\right)",
        math.atan,
        array=lambda xp, a: xp.atan(a),
        lowered=frame_terms.arctan,
    ),
    _function(
        "stop_gradient",
        _zero,
        # As van den Oord et al., Neural Discrete Representation Learning, 2017, write it.
        r"\operatorname{{sg}}\left[{0}\right]",
        lambda a: a,
        array=_array_stop_gradient,
        lowered=lambda a: a,
    ),
]

PRIMITIVES: dict[str, Primitive] = {row.name: row for row in _rows}
COMPARISONS = frozenset(row.name for row in _rows if row.precedence == COMPARISON)
