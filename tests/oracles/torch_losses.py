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


def _half_mse(x: Tensor, t: Tensor, reduction: str) -> Tensor:
    return 0.5 * (x - t) ** 2


def _pseudo_huber(x: Tensor, t: Tensor, reduction: str, delta: float = 1.0) -> Tensor:
    return delta**2 * (torch.sqrt(1 + ((x - t) / delta) ** 2) - 1)


def _charbonnier(x: Tensor, t: Tensor, reduction: str, eps: float = 1e-3) -> Tensor:
    return torch.sqrt((x - t) ** 2 + eps**2)


def _balanced_l1(
    x: Tensor, t: Tensor, reduction: str, alpha: float = 0.5, gamma: float = 1.5, beta: float = 1.0
) -> Tensor:
    a, b = (x - t).abs(), math.expm1(gamma / alpha)
    bent = alpha / b * (b * a + 1) * torch.log(b * a / beta + 1) - alpha * a
    return torch.where(a < beta, bent, gamma * a + gamma / b - alpha * beta)


def _huber_quantile(x: Tensor, t: Tensor, reduction: str, q: float = 0.5, delta: float = 1.0) -> Tensor:
    return torch.where(x > t, 1 - q, q) * F.huber_loss(x, t, reduction="none", delta=delta)


def _expectile(x: Tensor, t: Tensor, reduction: str, q: float = 0.5) -> Tensor:
    return torch.where(x > t, 1 - q, q) * (x - t) ** 2


def _linex(x: Tensor, t: Tensor, reduction: str, a: float = 1.0) -> Tensor:
    v = a * (x - t)
    return torch.expm1(v) - v


def _cauchy(x: Tensor, t: Tensor, reduction: str, c: float = 1.0) -> Tensor:
    return 0.5 * c**2 * torch.log1p(((x - t) / c) ** 2)


def _geman_mcclure(x: Tensor, t: Tensor, reduction: str, c: float = 1.0) -> Tensor:
    square = ((x - t) / c) ** 2
    return 2 * square / (square + 4)


def _welsch(x: Tensor, t: Tensor, reduction: str, c: float = 1.0) -> Tensor:
    return -torch.expm1(-0.5 * ((x - t) / c) ** 2)


def _barron(x: Tensor, t: Tensor, reduction: str, alpha: float = 1.0, c: float = 1.0) -> Tensor:
    square = ((x - t) / c) ** 2
    if alpha == 2:
        return 0.5 * square
    if alpha == 0:
        return torch.log1p(0.5 * square)
    if alpha == -math.inf:
        return -torch.expm1(-0.5 * square)
    if alpha == math.inf:
        return torch.expm1(0.5 * square)
    b = abs(alpha - 2)
    return b / alpha * ((square / b + 1) ** (0.5 * alpha) - 1)


def _barron_nll(
    x: Tensor, t: Tensor, log_partition: Tensor, reduction: str, alpha: float = 1.0, c: float = 1.0
) -> Tensor:
    return _barron(x, t, reduction, alpha, c) + math.log(c) + log_partition


def _arctan(x: Tensor, t: Tensor, reduction: str, c: float = 1.0) -> Tensor:
    return c**2 * torch.atan(((x - t) / c) ** 2)


def _tukey(x: Tensor, t: Tensor, reduction: str, c: float = 4.685) -> Tensor:
    return c**2 / 6 * (1 - (1 - torch.clamp(((x - t) / c) ** 2, max=1)) ** 3)


def _andrews(x: Tensor, t: Tensor, reduction: str, a: float = 1.339) -> Tensor:
    return a**2 * (1 - torch.cos(torch.clamp((x - t).abs() / a, max=math.pi)))


def _hampel(x: Tensor, t: Tensor, reduction: str, a: float = 2.0, b: float = 4.0, c: float = 8.0) -> Tensor:
    z = (x - t).abs()
    falling = 0.5 * a * (b + c - a) - 0.5 * a * torch.clamp(c - z, min=0) ** 2 / (c - b)
    return torch.where(z <= a, 0.5 * z**2, torch.where(z <= b, a * z - 0.5 * a**2, falling))


def _ramsay(x: Tensor, t: Tensor, reduction: str, a: float = 0.3) -> Tensor:
    y = a * (x - t).abs()
    return (1 - torch.exp(-y) * (1 + y)) / a**2


def _trimmed_mean(x: Tensor, t: Tensor, reduction: str, c: float = 2.0) -> Tensor:
    return 0.5 * torch.clamp((x - t).abs(), max=c) ** 2


def _absolute_percentage(x: Tensor, t: Tensor, reduction: str, eps: float = 1.17e-6) -> Tensor:
    return (x - t).abs() / t.abs().clamp(min=eps)


def _symmetric_percentage(x: Tensor, t: Tensor, reduction: str) -> Tensor:
    return 2 * (x - t).abs() / (x.abs() + t.abs())


def _msle(x: Tensor, t: Tensor, reduction: str) -> Tensor:
    return (torch.log1p(x) - torch.log1p(t)) ** 2


def _mase(x: Tensor, t: Tensor, scale: Tensor, reduction: str) -> Tensor:
    return (x - t).abs() / scale


def _gaussian_nll(x: Tensor, t: Tensor, var: Tensor, reduction: str, full: bool = False, eps: float = 1e-6) -> Tensor:
    return F.gaussian_nll_loss(x, t, var, full=full, eps=eps, reduction=reduction)


def _laplace_nll(x: Tensor, t: Tensor, scale: Tensor, reduction: str) -> Tensor:
    return torch.log(2 * scale) + (x - t).abs() / scale


def _student_t_nll(x: Tensor, t: Tensor, scale: Tensor, reduction: str, df: float = 3.0) -> Tensor:
    n = torch.as_tensor(df, dtype=x.dtype)
    constant = torch.lgamma(n / 2) - torch.lgamma((n + 1) / 2) + 0.5 * torch.log(math.pi * n)
    return (n + 1) / 2 * torch.log1p(((x - t) / scale) ** 2 / n) + torch.log(scale) + constant


def _poisson_nll(
    x: Tensor, t: Tensor, reduction: str, log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Tensor:
    return F.poisson_nll_loss(x, t, log_input=log_input, full=full, eps=eps, reduction=reduction)


def _poisson_deviance(x: Tensor, t: Tensor, reduction: str, log_input: bool = False) -> Tensor:
    if log_input:
        return 2 * (torch.xlogy(t, t) - t * x - t + torch.exp(x))
    return 2 * (torch.xlogy(t, t / x) - t + x)


def _gamma_deviance(x: Tensor, t: Tensor, reduction: str, log_input: bool = False) -> Tensor:
    if log_input:
        return 2 * (x - torch.log(t) + t * torch.exp(-x) - 1)
    return 2 * (torch.log(x / t) + t / x - 1)


def _tweedie_deviance(x: Tensor, t: Tensor, reduction: str, p: float = 1.5, log_input: bool = False) -> Tensor:
    if p == 0:
        return ((torch.exp(x) if log_input else x) - t) ** 2
    if p == 1:
        return _poisson_deviance(x, t, reduction, log_input)
    if p == 2:
        return _gamma_deviance(x, t, reduction, log_input)
    first = torch.clamp(t, min=0) ** (2 - p) / ((1 - p) * (2 - p))
    if log_input:
        return 2 * (first - t * torch.exp((1 - p) * x) / (1 - p) + torch.exp((2 - p) * x) / (2 - p))
    return 2 * (first - t * x ** (1 - p) / (1 - p) + x ** (2 - p) / (2 - p))


VALUES: Mapping[str, Callable[..., Tensor]] = {
    **TORCH,
    "log_cosh": _log_cosh,
    "quantile": _quantile,
    "half_mse": _half_mse,
    "pseudo_huber": _pseudo_huber,
    "charbonnier": _charbonnier,
    "balanced_l1": _balanced_l1,
    "huber_quantile": _huber_quantile,
    "expectile": _expectile,
    "linex": _linex,
    "cauchy": _cauchy,
    "geman_mcclure": _geman_mcclure,
    "welsch": _welsch,
    "barron": _barron,
    "arctan": _arctan,
    "tukey": _tukey,
    "andrews": _andrews,
    "hampel": _hampel,
    "ramsay": _ramsay,
    "trimmed_mean": _trimmed_mean,
    "absolute_percentage": _absolute_percentage,
    "symmetric_percentage": _symmetric_percentage,
    "msle": _msle,
    "mase": _mase,
    "gaussian_nll": _gaussian_nll,
    "laplace_nll": _laplace_nll,
    "student_t_nll": _student_t_nll,
    "poisson_nll": _poisson_nll,
    "poisson_deviance": _poisson_deviance,
    "gamma_deviance": _gamma_deviance,
    "tweedie_deviance": _tweedie_deviance,
    "barron_nll": _barron_nll,
}
"""The losses of the catalogue, called with ``reduction="none"``: prediction, target, further arrays, parameters."""


OF_MEANS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "rmse": lambda x, t: ((x - t) ** 2).mean().sqrt(),
    "rmsle": lambda x, t: ((x.log1p() - t.log1p()) ** 2).mean().sqrt(),
    "log_mse": lambda x, t: ((x - t) ** 2).mean().log(),
    "wmape": lambda x, t: (x - t).abs().sum() / t.abs().sum(),
}
"""The losses that are made of means."""


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
