"""The losses as torch modules, one class for each entry of the catalogue; and those of norms and distances."""

# Written by `make docs` from the catalogue (normwise/stubs.py): edit that.

# A parameter may be a tensor where torch's own is a number, and every argument has the name that it has in functional.
# pyright: reportPrivateUsage=false, reportIncompatibleVariableOverride=false, reportIncompatibleMethodOverride=false
# mypy: disable-error-code="assignment,misc,override"

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.modules.loss import _Loss

from normwise.catalogue import Loss

OTHERS: tuple[type[torch.nn.Module], ...]

def module_of(loss: Loss) -> type[torch.nn.Module]: ...

class _OwnLoss(_Loss):
    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", **parameters: float | Tensor) -> None: ...

class AbsolutePercentageLoss(_OwnLoss):
    """Absolute error divided by the target's modulus, or by eps where that is larger: MAPE."""

    eps: float | Tensor
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", eps: float | Tensor = 1.17e-06,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class AdaptiveBarronLoss(_Loss):
    """Negative log-likelihood of Barron's general noise, with a shape and a scale for each feature that are learned."""

    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    alpha_bounds: tuple[float, float]
    scale_init: float
    scale_floor: float
    latent_alpha: Parameter
    latent_scale: Parameter
    @property
    def alpha(self) -> Tensor: ...
    @property
    def c(self) -> Tensor: ...
    def __init__(
        self, features: int = 1, *, alpha_bounds: tuple[float, float] = (0.001, 1.999), alpha_init: float | None = None,
        scale_init: float = 1.0, scale_floor: float = 1e-05, learn_scale: bool = True,
        reduction: Literal["none", "sum", "mean"] = "mean",
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class AndrewsLoss(_OwnLoss):
    """Andrews' wave, a^2 (1 - cos(r/a)), constant from a pi on: Andrews et al., 1972."""

    a: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", a: float | Tensor = 1.339) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class ArctanLoss(_OwnLoss):
    """Arc tangent of (r/c)^2, times c^2, which saturates at c^2 pi / 2: of SciPy's least_squares."""

    c: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", c: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class BalancedL1Loss(_OwnLoss):
    """Absolute error whose slope within beta of zero is logarithmic: Pang et al., Libra R-CNN, 2019."""

    alpha: float | Tensor
    gamma: float | Tensor
    beta: float | Tensor
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", alpha: float | Tensor = 0.5,
        gamma: float | Tensor = 1.5, beta: float | Tensor = 1.0,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class BarronLoss(_OwnLoss):
    """General robust loss: Barron, A general and adaptive robust loss function, 2019."""

    alpha: float | Tensor
    c: float | Tensor
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", alpha: float | Tensor = 1.0,
        c: float | Tensor = 1.0,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class BarronNLLLoss(_OwnLoss):
    """Negative log-likelihood of Barron's general noise, 2019: his general loss, log(c), and the density's normaliser."""

    alpha: float | Tensor
    c: float | Tensor
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", alpha: float | Tensor = 1.0,
        c: float | Tensor = 1.0,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, log_partition: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, log_partition: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...

class CauchyLoss(_OwnLoss):
    """Logarithm of 1 + (r/c)^2, times c^2 / 2: the Cauchy or Lorentzian loss; Black and Anandan, 1996."""

    c: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", c: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class CharbonnierLoss(_OwnLoss):
    """Absolute error with its corner rounded, sqrt(r^2 + eps^2): Charbonnier et al., 1994; of image restoration."""

    eps: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", eps: float | Tensor = 0.001) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class DistanceMatrix(torch.nn.Module):
    """The distance of each point of one set from each of another: the module of `normwise.pairwise`."""

    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    metric: str | Loss | Callable[..., Any]
    p: float | None
    parameters_of_metric: dict[str, float]
    def __init__(
        self, metric: str | Loss | Callable[..., Any] = "l2", p: float | None = None, **parameters: float,
    ) -> None: ...
    def forward(
        self, a: Tensor, b: Tensor | None = None, *, weight: Tensor | None = None,
        mask: Tensor | tuple[Tensor | None, Tensor | None] | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", fast: bool = False,
        reduce: Literal['min', 'mean', 'sum'] | None = None, dim: int = -1,
    ) -> Tensor: ...
    def __call__(
        self, a: Tensor, b: Tensor | None = None, *, weight: Tensor | None = None,
        mask: Tensor | tuple[Tensor | None, Tensor | None] | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", fast: bool = False,
        reduce: Literal['min', 'mean', 'sum'] | None = None, dim: int = -1,
    ) -> Tensor: ...

class ExpectileLoss(_OwnLoss):
    """Squared error with each side weighted as by the pinball loss: Newey and Powell, 1987."""

    q: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", q: float | Tensor = 0.5) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class GammaDevianceLoss(_OwnLoss):
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983."""

    log_input: bool
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", log_input: bool = False) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class GaussianNLLLoss(torch.nn.GaussianNLLLoss):
    """Gaussian negative log-likelihood of a variance, (log(var) + r^2 / var) / 2: Nix and Weigend, 1994."""

    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    full: bool
    eps: float | Tensor
    def __init__(
        self, *, full: bool = False, eps: float | Tensor = 1e-06, reduction: Literal["none", "sum", "mean"] = "mean",
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, var: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, var: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...

class GemanMcClureLoss(_OwnLoss):
    """Squared error that saturates at 2, 2 (r/c)^2 / ((r/c)^2 + 4): Geman and McClure, 1985."""

    c: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", c: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class HalfMSELoss(_OwnLoss):
    """Half the squared error, whose slope is the residual itself: its minimiser is the mean."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class HampelLoss(_OwnLoss):
    """Hampel's three-part loss: its slope rises to a, stays, and falls from b to 0 at c; Hampel, 1974."""

    a: float | Tensor
    b: float | Tensor
    c: float | Tensor
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", a: float | Tensor = 2.0, b: float | Tensor = 4.0,
        c: float | Tensor = 8.0,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class HuberLoss(torch.nn.HuberLoss):
    """Half the squared error within delta of zero, straight beyond: Huber, 1964."""

    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    delta: float | Tensor
    def __init__(self, reduction: Literal["none", "sum", "mean"] = "mean", delta: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class HuberQuantileLoss(_OwnLoss):
    """Huber's loss with each side weighted as by the pinball loss: Breckling and Chambers, M-quantiles, 1988."""

    q: float | Tensor
    delta: float | Tensor
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", q: float | Tensor = 0.5,
        delta: float | Tensor = 1.0,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class L1Loss(torch.nn.L1Loss):
    """Absolute error: its minimiser is the median."""

    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None,
        reduction: Literal["none", "sum", "mean"] = "mean",
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class LaplaceNLLLoss(_OwnLoss):
    """Laplace negative log-likelihood of a scale, log(2 scale) + abs(r) / scale."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, scale: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, scale: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...

class LinexLoss(_OwnLoss):
    """Exponential on one side, linear on the other, exp(a r) - a r - 1: Varian, 1975; Zellner, 1986."""

    a: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", a: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class LogCoshLoss(_OwnLoss):
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class LogMSELoss(_OwnLoss):
    """Logarithm of the mean squared error: a factor in the errors' scale is a constant, without effect on the gradient."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class MASELoss(_OwnLoss):
    """Absolute error in units of a scale, that of a naive forecast: MASE; Hyndman and Koehler, 2006."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, scale: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, scale: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...

class MSELoss(torch.nn.MSELoss):
    """Squared error: its minimiser is the mean."""

    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None,
        reduction: Literal["none", "sum", "mean"] = "mean",
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class MSLELoss(_OwnLoss):
    """Squared error of log(1 + x): of relative errors, for counts and prices."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class Norm(torch.nn.Module):
    """The norm of a tensor, or of its lines: the module of `normwise.norm`."""

    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    p: float
    dim: int | tuple[int, ...] | None
    keepdim: bool
    def __init__(self, p: float = 2.0, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> None: ...
    def forward(
        self, x: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    ) -> Tensor: ...
    def __call__(
        self, x: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    ) -> Tensor: ...

class PairwiseDistance(torch.nn.PairwiseDistance):
    """The distances of the last dimension's lines: the module of `normwise.distance`."""

    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    def __init__(self, p: float = 2.0, eps: float = 0.0, keepdim: bool = False) -> None: ...
    def forward(
        self, x1: Tensor, x2: Tensor, *, dim: int | tuple[int, ...] | None = -1, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, x1: Tensor, x2: Tensor, *, dim: int | tuple[int, ...] | None = -1, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        broadcast: bool = False,
    ) -> Tensor: ...

class PoissonDevianceLoss(_OwnLoss):
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972."""

    log_input: bool
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", log_input: bool = False) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class PoissonNLLLoss(torch.nn.PoissonNLLLoss):
    """Poisson negative log-likelihood of a rate exp(x), or of x itself: exp(x) - t x, or x - t log(x + eps)."""

    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    log_input: bool
    full: bool
    eps: float | Tensor
    def __init__(
        self, log_input: bool = True, full: bool = False, size_average: bool | None = None, eps: float | Tensor = 1e-08,
        reduce: bool | None = None, reduction: Literal["none", "sum", "mean"] = "mean",
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class PseudoHuberLoss(_OwnLoss):
    """Huber's loss made smooth, delta^2 (sqrt(1 + (r/delta)^2) - 1): Charbonnier et al., 1997."""

    delta: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", delta: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class QuantileLoss(_OwnLoss):
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978."""

    q: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", q: float | Tensor = 0.5) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class RMSELoss(_OwnLoss):
    """Root of the mean squared error: in the unit of the target; its minimiser is the mean."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class RMSLELoss(_OwnLoss):
    """Root of the mean squared error of log(1 + x): of relative errors, for counts and prices."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class RamsayLoss(_OwnLoss):
    """Ramsay's E_a, (1 - exp(-a abs(r)) (1 + a abs(r))) / a^2: its slope is r exp(-a abs(r)); Ramsay, 1977."""

    a: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", a: float | Tensor = 0.3) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class SmoothL1Loss(torch.nn.SmoothL1Loss):
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015."""

    loss: ClassVar[Loss]
    __getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen
    beta: float | Tensor
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None,
        reduction: Literal["none", "sum", "mean"] = "mean", beta: float | Tensor = 1.0,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class StudentTNLLLoss(_OwnLoss):
    """Student-t negative log-likelihood of a scale, with df degrees of freedom: Lange, Little and Taylor, 1989."""

    df: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", df: float | Tensor = 3.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, scale: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, scale: float | Tensor, *, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
    ) -> Tensor: ...

class SymmetricPercentageLoss(_OwnLoss):
    """Absolute error divided by the mean of both moduli, 2 abs(x - t) / (abs(x) + abs(t)): SMAPE; Makridakis, 1993."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class TrimmedMeanLoss(_OwnLoss):
    """Half the squared error, constant beyond c: of the trimmed mean; also Talwar's loss, 1975."""

    c: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", c: float | Tensor = 2.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class TukeyLoss(_OwnLoss):
    """Tukey's biweight, c^2/6 (1 - (1 - (r/c)^2)^3), constant from c on: Beaton and Tukey, 1974."""

    c: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", c: float | Tensor = 4.685) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class TweedieDevianceLoss(_OwnLoss):
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987."""

    p: float | Tensor
    log_input: bool
    def __init__(
        self, *, reduction: Literal["none", "sum", "mean"] = "mean", p: float | Tensor = 1.5, log_input: bool = False,
    ) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class WMAPELoss(_OwnLoss):
    """Weighted absolute percentage error: the sum of the absolute errors, divided by that of the absolute targets."""

    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean") -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

class WelschLoss(_OwnLoss):
    """Squared error that saturates at 1, 1 - exp(-(r/c)^2 / 2): Dennis and Welsch, 1978; also Leclerc's."""

    c: float | Tensor
    def __init__(self, *, reduction: Literal["none", "sum", "mean"] = "mean", c: float | Tensor = 1.0) -> None: ...
    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...
    def __call__(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False,
    ) -> Tensor: ...

__all__ = [
    "AbsolutePercentageLoss",
    "AdaptiveBarronLoss",
    "AndrewsLoss",
    "ArctanLoss",
    "BalancedL1Loss",
    "BarronLoss",
    "BarronNLLLoss",
    "CauchyLoss",
    "CharbonnierLoss",
    "DistanceMatrix",
    "ExpectileLoss",
    "GammaDevianceLoss",
    "GaussianNLLLoss",
    "GemanMcClureLoss",
    "HalfMSELoss",
    "HampelLoss",
    "HuberLoss",
    "HuberQuantileLoss",
    "L1Loss",
    "LaplaceNLLLoss",
    "LinexLoss",
    "LogCoshLoss",
    "LogMSELoss",
    "MASELoss",
    "MSELoss",
    "MSLELoss",
    "Norm",
    "PairwiseDistance",
    "PoissonDevianceLoss",
    "PoissonNLLLoss",
    "PseudoHuberLoss",
    "QuantileLoss",
    "RMSELoss",
    "RMSLELoss",
    "RamsayLoss",
    "SmoothL1Loss",
    "StudentTNLLLoss",
    "SymmetricPercentageLoss",
    "TrimmedMeanLoss",
    "TukeyLoss",
    "TweedieDevianceLoss",
    "WMAPELoss",
    "WelschLoss",
]
