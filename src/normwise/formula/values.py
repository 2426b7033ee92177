"""Expressions as values: the walk that prints a formula evaluates it, on numbers, arrays or data-frame expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from normwise.formula.caches import per_formula
from normwise.formula.expression import Expression, Number, apply, constant, variable
from normwise.formula.primitives import PRIMITIVES, Primitive
from normwise.formula.source import number_source
from normwise.formula.walk import Path, path, walk


def array_values(way: Path, xp: Any, variables: Mapping[str, Any]) -> list[Any]:
    """The expressions at the ends of a path, over arrays of the namespace `xp` and plain numbers."""
    like = next(value for value in variables.values() if not _is_number(value))

    def compute(node: Expression, arguments: tuple[Any, ...]) -> Any:
        return _on_arrays(xp, PRIMITIVES[node.primitive], arguments, like)

    return walk(way, _Values(variables, compute))


def frame_values(
    way: Path, variables: Mapping[str, Any], compute: Callable[[Expression, tuple[Any, ...]], Any]
) -> list[Any]:
    """The expressions at the ends of a path over what a data-frame engine computes with.

    `compute` is given a node, whose primitive has a ``frame``, and the values of its arguments: so the path is one of
    `lowered` expressions.
    """
    return walk(way, _Values(variables, compute))


def lowered(expression: Expression, renamed: Mapping[str, str]) -> Expression:
    """Return the expression in primitives that data frames have, some of its variables under other names."""
    [told] = walk(path([expression]), _Lowering(renamed))
    return told


def decided(expression: Expression, parameters: Mapping[str, Number]) -> Expression:
    """The expression without the branches that its parameters rule out."""
    [chosen] = walk(path([expression]), _Deciding(parameters))
    return chosen


@per_formula
def number_function(expression: Expression, *names: str) -> Callable[..., float]:
    """Return the expression as a function of plain numbers, in the order of `names`, as IEEE arithmetic has it."""
    own = {name: f"v{i}" for i, name in enumerate(names)}  # any other might be a primitive's, or the text's own
    lines, result = number_source(expression, own)
    scope = {name: row.number for name, row in PRIMITIVES.items()}
    exec("\n    ".join([f"def function({', '.join(own.values())}):", *lines, f"return {result}"]), scope)
    return scope["function"]


def number_value(expression: Expression, variables: Mapping[str, Number]) -> float:
    """The expression over plain numbers, as IEEE arithmetic has it."""
    return number_function(expression, *variables)(*variables.values())


@dataclass(frozen=True, slots=True)
class _Values:
    """The language of values; what depends on plain numbers alone is computed on plain numbers."""

    variables: Mapping[str, Any]
    compute: Callable[[Expression, tuple[Any, ...]], Any]

    def constant(self, value: Number) -> Any:
        return value

    def variable(self, name: str) -> Any:
        return self.variables[name]

    def apply(self, expression: Expression, arguments: tuple[Any, ...]) -> Any:
        row = PRIMITIVES[expression.primitive]
        if all(map(_is_number, arguments)):
            return row.number(*arguments)
        if row.name == "where" and isinstance(arguments[0], bool):
            return arguments[1] if arguments[0] else arguments[2]
        return self.compute(expression, arguments)


@dataclass(frozen=True, slots=True)
class _Lowering:
    renamed: Mapping[str, str]

    def constant(self, value: Number) -> Expression:
        return constant(value)

    def variable(self, name: str) -> Expression:
        return variable(self.renamed.get(name, name))

    def apply(self, expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
        told = PRIMITIVES[expression.primitive].lowered
        return apply(expression.primitive, *arguments) if told is None else told(*arguments)


@dataclass(frozen=True, slots=True)
class _Deciding:
    parameters: Mapping[str, Number]

    def constant(self, value: Number) -> Expression:
        return constant(value)

    def variable(self, name: str) -> Expression:
        return variable(name)

    def apply(self, expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
        if expression.primitive == "where":
            read = {node.value for node, _ in path(arguments[:1]).steps if node.primitive == "variable"}
            if read <= set(self.parameters):
                return arguments[1] if number_value(arguments[0], self.parameters) else arguments[2]
        return apply(expression.primitive, *arguments)


def _is_number(value: object) -> bool:
    return isinstance(value, (float, int))


def _on_arrays(xp: Any, row: Primitive, arguments: tuple[Any, ...], like: Any) -> Any:
    """A primitive on arrays; where it wants its plain numbers as arrays, they are 0-d and of the dtype of `like`."""
    if row.lift:
        where = getattr(like, "device", None)
        arguments = tuple(xp.full((), a, dtype=like.dtype, device=where) if _is_number(a) else a for a in arguments)
    return row.array(xp, *arguments)
