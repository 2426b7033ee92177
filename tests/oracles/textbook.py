"""The losses as their books define them, in arbitrary precision and without a care for stability."""

from collections.abc import Callable, Mapping
from typing import Any

import mpmath

TEXTBOOK: Mapping[str, Callable[..., Any]] = {
    "l1": abs,
    "mse": lambda r: r**2,
    "smooth_l1": lambda r, beta: r**2 / (2 * beta) if abs(r) < beta else abs(r) - beta / 2,
    "huber": lambda r, delta: r**2 / 2 if abs(r) <= delta else delta * abs(r) - delta**2 / 2,
    "log_cosh": lambda r: mpmath.log(mpmath.cosh(r)),
    "quantile": lambda r, q: (1 - q) * r if r >= 0 else -q * r,
}
