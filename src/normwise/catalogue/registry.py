"""The losses by name, and the decorator that the pages of the catalogue use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, overload

from normwise.catalogue.declaration import Loss, declare

losses: dict[str, Loss] = {}
"""Every loss by its name: the catalogue's, and those that a user has added with `normwise.loss`."""


ALIASES: Mapping[str, str] = {
    "mae": "l1",
    "mean_absolute_error": "l1",
    "mean_squared_error": "mse",
    "pinball": "quantile",
    "mape": "absolute_percentage",
    "smape": "symmetric_percentage",
}
"""What many call a loss by."""


@overload
def loss(function: Callable[..., Any], /) -> Loss: ...


@overload
def loss(**details: Any) -> Callable[[Callable[..., Any]], Loss]: ...


def loss(function: Callable[..., Any] | None = None, /, **details: Any) -> Loss | Callable[..., Loss]:
    """Declare the decorated formula and enter it in `losses`; the details are those of `declare`."""

    def declared(function: Callable[..., Any]) -> Loss:
        made = declare(function, **details)
        return enter(made.had_by(named, made.name))

    return declared if function is None else declared(function)


def named(name: str) -> Loss:
    """Return the loss of the catalogue that has this name, for pickles."""
    return losses[name]


def enter(declared: Loss) -> Loss:
    """Enter a loss under its name, in place of an earlier one of that name."""
    losses[declared.name] = declared
    return declared
