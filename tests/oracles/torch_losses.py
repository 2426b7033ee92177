"""The losses per element in torch's operations: torch's own, and the books' where torch has none."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

Tensor = torch.Tensor

TORCH: Mapping[str, Callable[..., Any]] = {
    "l1": F.l1_loss,
    "mse": F.mse_loss,
    "smooth_l1": F.smooth_l1_loss,
    "huber": F.huber_loss,
}
"""torch's own losses, for those of the catalogue that torch has."""


def _log_cosh(x: Tensor, t: Tensor, reduction: str) -> Tensor:
    return torch.logaddexp(x - t, t - x) - math.log(2)


def _quantile(x: Tensor, t: Tensor, reduction: str, q: float = 0.5) -> Tensor:
    return torch.maximum(q * (t - x), (q - 1) * (t - x))


VALUES: Mapping[str, Callable[..., Tensor]] = {**TORCH, "log_cosh": _log_cosh, "quantile": _quantile}
"""The losses of the catalogue, called with ``reduction="none"``."""


def selected(
    name: str,
    parameters: Mapping[str, float],
    x: Tensor,
    t: Tensor,
    exists: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
    dim: Any = None,
    keepdim: bool = False,
    normalize: Any = None,
) -> Tensor:
    """A loss of the elements that exist: the others are left out before anything is computed, and appear as zeros."""
    ones = torch.ones(int(exists.sum()), dtype=x.dtype)
    weights = ones if weight is None else weight.expand(x.shape)[exists]

    def placed(values: Tensor) -> Tensor:
        return torch.zeros(x.shape, dtype=x.dtype).index_put((exists,), values)

    def total(values: Tensor) -> Tensor:
        return placed(values).sum(dim=tuple(range(x.ndim)) if dim is None else dim, keepdim=keepdim)

    values = VALUES[name](x[exists], t[exists], reduction="none", **parameters) * weights
    if reduction == "none":
        return placed(values)
    if reduction == "sum":
        return total(values)
    by = ("count" if name == "huber" else "weight") if normalize is None else normalize
    return total(values) / (by if not isinstance(by, str) else total(weights if by == "weight" else ones))
