"""What is asked of a call beside its loss and its arrays: the reduction, and the options."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from normwise.catalogue import Loss
from normwise.checks import NanPolicy, dims_of, nan_policy_of
from normwise.errors import (
    InputError,
)
from normwise.loss_functions.choice import is_proxy
from normwise.sums import Divisor, Reduction

REDUCTIONS: Mapping[str, Reduction] = {"none": "none", "sum": "sum", "mean": "mean"}


def reduction_of(reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> Reduction:
    """The reduction that a call asks for, torch's deprecated arguments included; they override `reduction`."""
    if size_average is not None or reduce is not None:
        average = size_average is None or bool(size_average)
        named = "none" if not (reduce is None or reduce) else "mean" if average else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{named}' instead.",
            UserWarning,
            stacklevel=3,
        )
        return REDUCTIONS[named]
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            UserWarning,
            stacklevel=3,
        )
        return "mean"
    found = REDUCTIONS.get(reduction)
    if found is None:
        raise InputError(f"{reduction} is not a valid value for reduction: expected {', '.join(map(repr, REDUCTIONS))}")
    return found


DIVISORS: tuple[Divisor, ...] = ("weight", "count")


class Options(NamedTuple):
    """What a caller asked beside the arrays; words are checked, arrays are not yet."""

    weight: Any = None
    mask: Any = None
    nan_policy: NanPolicy = "propagate"
    dim: int | tuple[int, ...] | None = None
    keepdim: bool = False
    normalize: Any = None
    """One of `DIVISORS`, a float, or a 0-d array."""
    broadcast: bool = False

    @property
    def omits(self) -> bool:
        """Whether elements whose target is nan are dropped."""
        return self.nan_policy == "omit"

    def divisor(self, loss: Loss, reduction: Reduction) -> Any:
        """What the sum is divided by: one of `DIVISORS`, a float, or a 0-d array."""
        if reduction != "mean":
            return 1.0
        return loss.divisor if self.normalize is None else self.normalize


PLAIN = Options()
"""The options of a call that asks for nothing special."""


def options_of(
    loss: Loss,
    reduction: Reduction,
    weight: Any = None,
    mask: Any = None,
    nan_policy: Any = "propagate",
    dim: Any = None,
    keepdim: bool = False,
    normalize: Any = None,
    broadcast: bool = False,
) -> Options:
    """The options of a call, its words checked."""
    nan_policy_of(nan_policy)
    if dim is not None or keepdim:
        if reduction == "none":
            raise InputError(
                f"{loss.function} with reduction='none' reduces no dimension: for dim and keepdim use 'mean' or 'sum'"
            )
        dim = dim if dim is None else dims_of(dim)
    if normalize is not None:
        if reduction != "mean":
            raise InputError(f"normalize says what a mean divides by, but the reduction is {reduction!r}")
        normalize = _normalize(normalize)
    return Options(weight, mask, nan_policy, dim, keepdim, normalize, broadcast)


def _normalize(given: Any) -> Any:
    """What a mean divides by, as a word, a plain number or a 0-d array."""
    if isinstance(given, str):
        if given not in DIVISORS:
            raise InputError(f"{given!r} is not a valid value for normalize: expected 'weight', 'count' or a number")
        return given
    if isinstance(given, (int, float)) and given is not True and given is not False:
        return checked_normalize(float(given))
    if is_proxy(given):
        return given
    shape = getattr(given, "shape", None)
    if shape != ():
        what = type(given).__name__ if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(f"normalize is to be 'weight', 'count', a number or a 0-d array, not {what}")
    return given


def checked_normalize(value: float) -> float:
    """A number that a mean may be divided by."""
    if not value >= 0:
        raise InputError(f"normalize is {value:g}: a mean divides by a positive number, or by 0 where nothing is there")
    return value


def check_has_gradient(loss: Loss, reduction: Reduction, options: Options | None) -> None:
    """Raise where a gradient is asked of a loss that is not reduced to a number."""
    if options is not None and options.dim is not None:
        raise InputError(f"the gradient of {loss.function} over some dimensions is not one array: leave dim out")
    if reduction == "none":
        raise InputError(
            f"the gradient of {loss.function} with reduction='none' is not one array: "
            "reduction='sum' gives the derivative per element"
        )


def check_is_mean(loss: Loss, reduction: Reduction) -> None:
    """Raise where a loss that is made of means is asked for a sum or for values per element."""
    if reduction != "mean":
        raise InputError(f"{loss.function} is made of a mean: its reduction is 'mean', not {reduction!r}")


def check_is_pointwise(loss: Loss) -> None:
    """Raise where a derivative per element is asked of a loss that is made of means."""
    if loss.finish is not None:
        raise InputError(
            f"{loss.name} is made of a mean, and its derivative in an element depends on the others: "
            "use value_and_grad, whose gradient is that of the whole"
        )
