"""What is computed once and remembered, and how much: texts, the orders of a norm and factors come without end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Generic, Self, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")

FORMULAS = 1 << 8
"""Results of a function that are remembered: the least recently used goes first."""

per_formula = functools.lru_cache(FORMULAS)
"""Decorates a function of formulas. What holds a kernel holds its code: so this bounds the code in memory, too."""


class computed_once(Generic[Owner, Value]):
    """Decorates a property that is computed at its first use, and is a plain attribute from then on.

    `functools.cached_property` of Python 3.11 does so too, but under a lock that all instances share: while one thread
    computes, which may be to compile, every other would wait, and a child forked meanwhile for ever.
    """

    def __init__(self, function: Callable[[Owner], Value]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Owner, owner: type) -> Value: ...
    def __get__(self, instance: Owner | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        return instance.__dict__.setdefault(self._name, self._function(instance))  # type: ignore[no-any-return]
