"""Tracing: a plain Python function becomes a `Formula`."""

from __future__ import annotations

import functools
import inspect
import operator
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from normwise.formula.caches import computed_once
from normwise.formula.derivative import derivative
from normwise.formula.expression import Expression, apply, as_expression, variable
from normwise.formula.rewriting import substitute
from normwise.formula.tangent import scaled
from normwise.formula.text import latex_text, python_text
from normwise.formula.walk import Path, path


@dataclass(frozen=True)
class Formula:
    """An expression with the names of what it reads.

    Attributes
    ----------
    name : str
        The name of the function it was traced from.
    arrays : tuple of str
        The arguments without a default: an array each.
    parameters : dict of str to float
        The arguments with a default: a real number each.
    expression : Expression
        What the function returned.
    """

    name: str
    arrays: tuple[str, ...]
    parameters: dict[str, float]
    expression: Expression
    path: Path = field(init=False, repr=False)
    """The way through the expression, for the walker."""
    derived: dict[str, Formula] = field(init=False, repr=False, default_factory=dict)  # type: ignore[arg-type]
    """What has been derived from it, for those who derive the same again and again."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", path([self.expression]))

    @computed_once
    def reads(self) -> frozenset[str]:
        """The arrays and parameters that the expression mentions."""
        return frozenset(str(node.value) for node, _ in self.path.steps if node.primitive == "variable")

    def __hash__(self) -> int:
        return hash((self.name, self.arrays, self.expression))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formula):
            return NotImplemented
        same = self.name == other.name and self.arrays == other.arrays
        return same and self.parameters == other.parameters and self.expression is other.expression

    def __reduce__(self) -> Any:
        return Formula, (self.name, self.arrays, self.parameters, self.expression)

    def derivative(self, *names: str) -> Formula:
        """The derivative in each of `names` in turn, so `derivative("x", "x")` is the curvature.

        Examples
        --------
        >>> from normwise.formula import trace
        >>> print(trace(lambda r: r * r * r).derivative("r"))
        def d_r(r):
            return (r + r) * r + r * r
        """
        expression = self.expression
        for name in names:
            expression = derivative(expression, name)
        label = "d_" + "_".join([*names] if self.name == "<lambda>" else [self.name, *names])
        return Formula(label, self.arrays, self.parameters, expression)

    def along(self, directions: Mapping[str, str], parameter: str | None = None) -> Formula:
        """The derivative along a direction: of each array that `directions` names, the array of its tangents.

        The tangents are further arrays of the result, or `parameter`, which is then added to its parameters. They are
        multiplied within the selections of the derivative: what is not selected meets none, be it infinite.

        Examples
        --------
        >>> from normwise.formula import trace, where
        >>> print(trace(lambda x: where(x > 0, x * x, 0)).along({"x": "v"}))
        def formula(x, v):
            return where(x > 0, (x + x) * v, 0)
        """
        parts = [scaled(derivative(self.expression, name), variable(to)) for name, to in directions.items()]
        added = tuple(dict.fromkeys(to for to in directions.values() if to != parameter))
        parameters = self.parameters if parameter is None else {**self.parameters, parameter: 1.0}
        return Formula(self.name, (*self.arrays, *added), parameters, functools.reduce(operator.add, parts))

    def on(self, arrays: tuple[str, ...], **replacements: Expression) -> Formula:
        """The formula with arrays replaced by expressions of other arrays: the residual by prediction - target, say."""
        return Formula(self.name, arrays, self.parameters, substitute(self.expression, replacements))

    def __call__(self, **arguments: Any) -> Expression:
        """The formula of other expressions and numbers, within another formula."""
        return substitute(self.expression, {name: as_expression(given) for name, given in arguments.items()})

    def latex(self) -> str:
        """The formula in LaTeX, for math mode."""
        return latex_text(self.expression)

    def __str__(self) -> str:
        """The formula as a readable Python function, which traces to the same formula again."""
        arguments = [*self.arrays, *(f"{name}={value!r}" for name, value in self.parameters.items())]
        name = self.name if self.name.isidentifier() else "formula"
        shared = {node: f"_{i}" for i, node in enumerate(_shared(self.expression), 1)}
        lines = [f"def {name}({', '.join(arguments)}):"]
        known: dict[Expression, Expression] = {}
        for node, local in shared.items():
            lines.append(f"    {local} = {python_text(_replaced(node, known))}")
            known[node] = variable(local)
        return "\n".join([*lines, f"    return {python_text(_replaced(self.expression, known))}"])


def trace(function: Callable[..., Any]) -> Formula:
    """Call a function once with symbols for its arguments, and keep what it computed.

    Parameters
    ----------
    function : callable
        A function of arrays (arguments without a default) and parameters (arguments with a number as default) that
        returns one expression, made with ``+ - * / ** abs``, comparisons and the functions of `normwise.formula`.

    Returns
    -------
    Formula

    Raises
    ------
    TypeError
        Where the function takes ``*args`` or ``**kwargs``, has a default that is not a real number, branches with
        ``if`` on an argument, or returns something else.

    Examples
    --------
    >>> from normwise.formula import trace, where
    >>> def hinge(r, margin=1.0):
    ...     return where(r < margin, margin - r, 0)
    >>> print(trace(hinge))
    def hinge(r, margin=1.0):
        return where(r < margin, margin - r, 0)
    """
    name = getattr(function, "__name__", type(function).__name__)
    arrays: list[str] = []
    parameters: dict[str, float] = {}
    for argument in inspect.signature(function).parameters.values():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise TypeError(f"{name} takes {argument}; a formula names each of its arguments")
        if argument.default is argument.empty:
            arrays.append(argument.name)
        elif isinstance(argument.default, bool):
            parameters[argument.name] = argument.default  # a flag, which a formula asks whether it is 0
        elif isinstance(argument.default, (int, float)):
            parameters[argument.name] = float(argument.default)
        else:
            raise TypeError(f"{name} has {argument} for a parameter; its default is to be a real number")
    if not arrays:
        raise TypeError(f"{name} reads no array; give it an argument without a default, such as r for the residual")
    symbols = {argument: variable(argument) for argument in (*arrays, *parameters)}
    result = function(**symbols)
    try:
        expression = as_expression(result)
    except TypeError:
        raise TypeError(
            f"{name} returns {type(result).__name__}; a formula returns one expression of its arguments"
        ) from None
    return Formula(name, tuple(arrays), parameters, expression)


def _shared(expression: Expression) -> list[Expression]:
    """The compound subexpressions that are used more than once, inner ones first."""
    uses: Counter[Expression] = Counter()
    order: list[Expression] = []

    def visit(node: Expression) -> None:
        uses[node] += 1
        if uses[node] == 1:
            for argument in node.arguments:
                visit(argument)
            order.append(node)

    visit(expression)
    return [node for node in order if node.arguments and uses[node] > 1]


def _replaced(expression: Expression, known: dict[Expression, Expression]) -> Expression:
    """The expression with the subexpressions in `known` (below its root) replaced by their names."""
    if expression in known:
        return known[expression]
    if not expression.arguments:
        return expression
    return apply(expression.primitive, *(_replaced(argument, known) for argument in expression.arguments))
