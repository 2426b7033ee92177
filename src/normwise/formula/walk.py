"""The one walker: it folds expressions over a language, so the same walk evaluates and prints."""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from normwise.formula.expression import Expression, Number, apply, constant, variable

Meaning = TypeVar("Meaning")


class Language(Protocol[Meaning]):
    """What the three kinds of expression mean: a text, an array, a data-frame expression, another expression, ..."""

    def constant(self, value: Number) -> Meaning: ...

    def variable(self, name: str) -> Meaning: ...

    def apply(self, expression: Expression, arguments: tuple[Meaning, ...]) -> Meaning: ...


class Path(NamedTuple):
    """The way through expressions: every node once, after its arguments, in the order it was written."""

    steps: tuple[tuple[Expression, tuple[int, ...]], ...]
    """Each node, with the steps at which its arguments were met."""
    ends: tuple[int, ...]
    """The steps of the expressions themselves."""


def path(expressions: Sequence[Expression]) -> Path:
    """The way through expressions; what they share is on it once."""
    places: dict[Expression, int] = {}
    steps: list[tuple[Expression, tuple[int, ...]]] = []
    waiting = list(reversed(expressions))  # and no recursion: what is composed of others is deep
    while waiting:
        node = waiting[-1]
        before = [argument for argument in node.arguments if argument not in places]
        if before and node not in places:
            waiting.extend(reversed(before))
            continue
        waiting.pop()
        if node not in places:
            places[node] = len(steps)
            steps.append((node, tuple([places[argument] for argument in node.arguments])))
    return Path(tuple(steps), tuple([places[expression] for expression in expressions]))


def walk(way: Path, language: Language[Meaning]) -> list[Meaning]:
    """The meanings in a language of the expressions that a path leads to."""
    meanings: list[Meaning] = []
    for node, arguments in way.steps:
        if node.primitive == "constant":
            meanings.append(language.constant(node.value))  # type: ignore[arg-type]
        elif node.primitive == "variable":
            meanings.append(language.variable(node.value))  # type: ignore[arg-type]
        else:
            meanings.append(language.apply(node, tuple([meanings[i] for i in arguments])))
    return [meanings[end] for end in way.ends]


Step = tuple[str, Any, tuple[int, ...]]


def stored(expression: Expression) -> tuple[Step, ...]:
    """Return an expression as plain data, each node once and after its arguments: deeper than pickle may recurse."""
    return tuple((node.primitive, node.value, places) for node, places in path([expression]).steps)


def restored(steps: Sequence[Step]) -> Expression:
    """Return the expression of what `stored` has returned; it is interned, as every expression is."""
    leaves = {"constant": constant, "variable": variable}
    nodes: list[Expression] = []
    for primitive, value, places in steps:
        leaf = leaves.get(primitive)
        nodes.append(leaf(value) if leaf else apply(primitive, *(nodes[place] for place in places)))
    return nodes[-1]


copyreg.pickle(Expression, lambda expression: (restored, (stored(expression),)))
