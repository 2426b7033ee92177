"""Checks of what is asked of a norm: its order, and whether it has a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from normwise.checks import Shape, size_of
from normwise.errors import (
    InputError,
    ParameterError,
)

ORDERS = "1, 2, inf, -inf, 0, a fraction, a negative number"


def order_of(p: Any) -> float:
    """The order of a norm as a plain number."""
    try:
        if isinstance(p, (str, bool)):
            raise TypeError
        value = float(p)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"p, the order of the norm, is to be a real number ({ORDERS}), not {p!r}") from None
    if value != value:  # a compiler's symbol knows no isnan
        raise InputError(f"p, the order of the norm, is nan: expected a real number ({ORDERS})")
    return value


def distance_order_of(p: Any) -> float:
    """The order of a distance as a plain number."""
    value = order_of(p)
    if value < 0:
        raise ParameterError(f"p, the order of the distance, is {value:g}: expected 0 or more, or inf")
    return value


def check_not_empty(p: float, shape: Shape, dims: Sequence[int]) -> None:
    """Raise where the norm of nothing is asked for and there is none: of order infinity, or a negative one."""
    if (p < 0 or p == math.inf) and size_of([shape[d] for d in dims]) == 0:
        raise ParameterError(
            f"the norm of order {p:g} has no value for nothing: the array is {tuple(shape)}, reduced over {tuple(dims)}"
        )
