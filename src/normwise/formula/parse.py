"""Formulas from text: a Python expression, read by its syntax tree against the table of primitives.

Nothing is ever evaluated. The tree is walked, and what is not a number, a known name, an operator or a primitive of the
table is refused, with its place in the text.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
import warnings
from collections.abc import Iterable, Mapping

from normwise.errors import FormulaError, near_names
from normwise.formula.expression import Expression, Number, apply, constant, variable
from normwise.formula.primitives import COMPARISONS, LARGEST_ORDER, PRIMITIVES, is_order
from normwise.formula.text import PYTHON
from normwise.formula.trace import Formula

LONGEST = 2000
"""Characters that a formula may have."""

DEEPEST = 60
"""Levels of its tree."""

EXACT = 2**53
"""Integers beyond which not all are a float."""

WHOLE_POWERS = 16
"""Exponents that are multiplications, as a kernel writes them out."""

_OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "negative",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}

_CALLED = {call[1]: row.name for row in PRIMITIVES.values() if (call := re.match(r"(\w+)\(", PYTHON.template(row)))}
FUNCTIONS: Mapping[str, str] = {**_CALLED, "min": "minimum", "max": "maximum"}
"""The primitive that each name calls; the names are those that formulas are printed with."""

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf}

RESIDUAL, PREDICTION, TARGET = "r", "x", "t"


def parse(text: str, parameters: Mapping[str, float], arrays: Iterable[str] = ()) -> Formula:
    """Read a formula of the residual ``r``, or of the prediction ``x`` and the target ``t``.

    Parameters
    ----------
    text : str
        Numbers, ``r``, ``x``, ``t``, the names of parameters and further arrays, ``pi``, ``e`` and ``inf``; ``+ - * /
        **``, comparisons, ``a if condition else b``; and calls of the primitives: ``abs``, ``sqrt``, ``where``, ...
    parameters : mapping of str to float
        The parameters that it may mention, with their defaults.
    arrays : iterable of str
        The arrays beside prediction and target that it may mention.

    Returns
    -------
    Formula
        Named after its text.

    Raises
    ------
    FormulaError
        Where it is no such expression; it says at which column.

    Examples
    --------
    >>> print(parse("sqrt(r**2 + eps**2) - eps", {"eps": 0.001}))
    def formula(r, eps=0.001):
        return sqrt(r ** 2 + eps ** 2) - eps
    >>> parse("sqrt(r**2 + ep**2)", {"eps": 0.001})
    Traceback (most recent call last):
        ...
    normwise.errors.FormulaError: unknown name 'ep', and no parameter's, at column 13: did you mean eps?
        sqrt(r**2 + ep**2)
                    ^
    """
    reader = _Reader(_one_line(text), parameters, tuple(arrays))
    expression = reader.read()
    if reader.is_condition(expression):
        raise FormulaError(f"{text!r} is true or false: a loss is a number, as in where(r > 0, r, 0)")
    own = (RESIDUAL,) if reader.met.isdisjoint((PREDICTION, TARGET)) else (PREDICTION, TARGET)
    if reader.met.isdisjoint((RESIDUAL, *own)):
        raise FormulaError(
            f"{text!r} reads neither r (the residual, prediction - target) nor x (prediction), t (target)"
        )
    formula = Formula(reader.text, (RESIDUAL, *own, *reader.arrays), dict(parameters), expression)
    of_both = {} if own == (RESIDUAL,) else {RESIDUAL: variable(PREDICTION) - variable(TARGET)}
    return formula.on((*own, *reader.arrays), **of_both)


def as_read(name: str) -> str:
    """A name as Python reads it in a text: its compatible letters in their plain form, an e for an \u212f."""
    return unicodedata.normalize("NFKC", name)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise FormulaError("the formula is empty")
    if len(line) > LONGEST:
        raise FormulaError(f"the formula has {len(line):,} characters: at most {LONGEST:,} are read")
    return line


class _Reader:
    """One text on its way to an expression."""

    def __init__(self, text: str, parameters: Mapping[str, float], arrays: tuple[str, ...]) -> None:
        self.text = text
        self.arrays = arrays
        own = (RESIDUAL, PREDICTION, TARGET)
        for name in (*parameters, *arrays):
            if not name.isidentifier() or name in FUNCTIONS or name in own:
                raise FormulaError(
                    f"{name!r} cannot name a parameter or an array of {text!r}: it has a meaning already"
                )
        self.names = {name: variable(name) for name in (*own, *parameters, *arrays)}
        self.names |= {name: constant(value) for name, value in CONSTANTS.items() if name not in self.names}
        self.met: set[str] = set()

    def read(self) -> Expression:
        """The expression."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python's, about a number that touches a word
                tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            column = (error.offset or len(self.text) + 1) - 1
            raise FormulaError(self._pointed(f"{error.msg}, at column {column + 1}", column)) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise FormulaError(f"{self.text!r} cannot be read: {error or type(error).__name__}") from None
        return self._read(tree.body, 0)

    def _read(self, node: ast.expr, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self._error(node, f"the formula is nested more than {DEEPEST} deep")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return _number(value)
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._value(operand, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._apply("negative", self._value(operand, depth))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._apply(_OPERATORS[type(op)], self._value(left, depth), self._value(right, depth))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return self._apply(_OPERATORS[type(op)], self._value(left, depth), self._value(right, depth))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._apply(
                    "where", self._condition(test, depth), *(self._value(n, depth) for n in (body, orelse))
                )
            case ast.Call(func=ast.Name(id=name) as function, args=arguments, keywords=[]):
                return self._called(function, name, arguments, depth)
            case _:
                raise self._error(
                    node, _MENDS.get(type(node), "a formula is made of numbers, names, + - * / ** and calls")
                )

    def _named(self, node: ast.expr, name: str) -> Expression:
        found = self.names.get(name)
        if found is None:
            if name in FUNCTIONS:
                raise self._error(node, f"{name} is a function: write {name}(...)")
            known = [n for n in self.names if n not in CONSTANTS]
            raise self._error(node, f"unknown name {name!r}, and no parameter's", near_names(name, known))
        self.met.add(name)
        return found

    def _called(self, node: ast.expr, name: str, arguments: list[ast.expr], depth: int) -> Expression:
        primitive = FUNCTIONS.get(name)
        if primitive is None:
            raise self._error(node, f"unknown function {name!r}", near_names(name, FUNCTIONS))
        wanted, orders = PRIMITIVES[primitive].arity, PRIMITIVES[primitive].orders
        if len(arguments) != wanted:
            raise self._error(node, f"{name} takes {wanted} argument{'s' * (wanted > 1)}, not {len(arguments)}")
        if primitive != "where":
            values = [self._value(argument, depth) for argument in arguments]
            for argument, value in zip(arguments[:orders], values, strict=False):
                if not is_order(value.value):
                    raise self._error(argument, f"an order of {name} is an integer from 1 to {LARGEST_ORDER}")
            return self._apply(primitive, *values)
        condition, *branches = arguments
        return self._apply(primitive, self._condition(condition, depth), *(self._value(n, depth) for n in branches))

    def _value(self, node: ast.expr, depth: int) -> Expression:
        read = self._read(node, depth + 1)
        if self.is_condition(read):
            raise self._error(node, "a comparison is no number: choose with where(condition, a, b)")
        return read

    def _condition(self, node: ast.expr, depth: int) -> Expression:
        read = self._read(node, depth + 1)
        if not self.is_condition(read):
            raise self._error(node, "a condition is a comparison, such as r > 0")
        return read

    def is_condition(self, expression: Expression) -> bool:
        """Whether it is true or false."""
        return expression.primitive in COMPARISONS

    def _apply(self, primitive: str, *arguments: Expression) -> Expression:
        if primitive == "power":
            base, exponent = arguments
            arguments = base, _exponent(exponent)
        made = apply(primitive, *arguments)
        return _number(made.value) if isinstance(made.value, (int, float)) else made

    def _error(self, node: ast.expr, words: str, mend: str = "") -> FormulaError:
        before = self.text.encode()[: node.col_offset].decode()
        place = f"{words}, at column {len(before) + 1}{': ' * bool(mend)}{mend}"
        return FormulaError(self._pointed(place, len(before)))

    def _pointed(self, words: str, column: int) -> str:
        return f"{words}\n    {self.text}\n    {' ' * column}^"


def _number(value: Number) -> Expression:
    """A number; integers that are no float are rounded to one, so that none grows without bound."""
    if abs(value) <= EXACT:
        return constant(value)
    try:
        return constant(float(value))
    except OverflowError:
        return constant(math.inf if value > 0 else -math.inf)


def _exponent(exponent: Expression) -> Expression:
    """A small whole exponent as an integer, any other as a float."""
    value = exponent.value
    if exponent.primitive != "constant" or not isinstance(value, (int, float)):
        return exponent
    whole = abs(value) <= WHOLE_POWERS and value == int(value)
    return constant(int(value) if whole else float(value))


_MENDS: Mapping[type[ast.expr], str] = {
    ast.Attribute: "a formula has no attributes",
    ast.Subscript: "a formula has no items",
    ast.Compare: "one comparison at a time: where(a < b, where(b < c, ...), ...)",
    ast.BoolOp: "there is no and, or: choose with where(condition, where(other, a, b), b)",
    ast.Call: "a formula calls the primitives by their names, with plain arguments",
    ast.Lambda: "a formula defines nothing",
    ast.NamedExpr: "a formula defines nothing",
}
"""What to say of a part that is refused."""
