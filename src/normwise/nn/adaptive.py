"""Barron's adaptive loss as a torch module: it learns how much to let go of outliers."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.overrides import handle_torch_function, has_torch_function

from normwise import functional
from normwise.errors import InputError
from normwise.libraries.torch_internals import Loss as _Loss
from normwise.libraries.torch_watchers import without_tracer_warnings
from normwise.nn.scripts import readable

Tensor = torch.Tensor

NODES, REACH = 160, 4.4
"""Of the quadrature: points, and how far the exponent of the substitution goes."""


@functools.cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points in the residual, and the logarithms of their weights, for an even integrand over all numbers.

    The substitution is exp(sinh) of Takahasi and Mori, 1974: a smooth integrand, be its tail as heavy as 1 / r^2, falls
    off doubly exponentially in the new variable, where equal steps are as good as exact.
    """
    step = 2 * REACH / (NODES - 1)
    u = np.linspace(-REACH, REACH, NODES)
    exponent = 0.5 * math.pi * np.sinh(u)
    log_weights = exponent + np.log(2 * step * 0.5 * math.pi * np.cosh(u))
    return np.exp(exponent), log_weights


@without_tracer_warnings
def log_partition(alpha: Tensor) -> Tensor:
    """Compute the logarithm of the integral of exp(-loss) over all residuals, of Barron's general loss with c = 1.

    Parameters
    ----------
    alpha : tensor
        Shapes, of 0 or more; gradients of every order flow to them. Computed in float64, right to 1e-12 from 0 to 2.

    Returns
    -------
    tensor
        Of the same shape and dtype.

    Examples
    --------
    >>> log_partition(torch.tensor([0.0, 2.0])).exp()  # pi sqrt(2), sqrt(2 pi)
    tensor([4.4429, 2.5066])
    """
    if has_torch_function((alpha,)):
        return handle_torch_function(log_partition, (alpha,), alpha)  # type: ignore[no-any-return]
    points, log_weights = (torch.from_numpy(numbers).to(alpha.device) for numbers in _quadrature())
    shape = (*alpha.shape, NODES)
    points = points.expand(shape)
    values = functional.barron_loss(
        points, torch.zeros_like(points), alpha=alpha.double().unsqueeze(-1), reduction="none"
    )
    return (log_weights - values).logsumexp(-1).to(alpha.dtype)


@readable
class AdaptiveBarronLoss(_Loss):
    r"""Negative log-likelihood of Barron's general noise, with a shape and a scale for each feature that are learned.

    .. math:: \rho(x - t, \alpha, c) + \log c + \log Z(\alpha)

    with his general loss and its normaliser Z. The more outliers there are, the more robust the loss that fits best:
    from half the square (alpha near 2) through pseudo-Huber (1) to Cauchy (0).

    Parameters
    ----------
    features : int
        The length of the last dimension of input and target, or 1: one shape and scale for all.
    alpha_bounds : tuple of float
        Between which numbers alpha is learned; equal ones keep it where it is. Within [0, 2].
    alpha_init : float, optional
        Where alpha begins: in the middle of its bounds, if not given.
    scale_init, scale_floor : float
        Where the scale begins, and the number above which it stays.
    learn_scale : bool
        Whether the scale is learned too.
    reduction : {"mean", "sum", "none"}
        As in the losses.

    Attributes
    ----------
    alpha, c : tensor
        The present shapes and scales, of length `features`.

    References
    ----------
    Barron, A general and adaptive robust loss function, CVPR 2019. His code bounds alpha and the scale likewise; it
    interpolates the normaliser, which is integrated here.

    Examples
    --------
    >>> import torch
    >>> from normwise.nn import AdaptiveBarronLoss
    >>> criterion = AdaptiveBarronLoss(2)
    >>> [name for name, _ in criterion.named_parameters()]
    ['latent_alpha', 'latent_scale']
    >>> criterion(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
    tensor(1.8035, grad_fn=<BarronNllLossBackward>)
    """

    def __init__(
        self,
        features: int = 1,
        *,
        alpha_bounds: tuple[float, float] = (0.001, 1.999),
        alpha_init: float | None = None,
        scale_init: float = 1.0,
        scale_floor: float = 1e-5,
        learn_scale: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        low, high = alpha_bounds
        middle = (low + high) / 2 if alpha_init is None else alpha_init
        if not 0 <= low <= middle <= high <= 2:
            raise InputError(
                f"alpha begins at {middle:g} within {alpha_bounds}: expected 0 <= low <= alpha <= high <= 2"
            )
        if not 0 <= scale_floor < scale_init:
            raise InputError(f"the scale begins at {scale_init:g} above {scale_floor:g}: expected 0 <= floor < scale")
        if low < high and middle in (low, high):
            raise InputError(
                f"alpha begins at {middle:g}, at an end of {alpha_bounds}, and could not be learned from there"
            )
        self.alpha_bounds, self.scale_init, self.scale_floor = (low, high), scale_init, scale_floor
        share = (middle - low) / (high - low) if low < high else 0.5
        start = torch.full((features,), math.log(share / (1 - share)))
        self.latent_alpha = torch.nn.Parameter(start, requires_grad=low < high)
        self.latent_scale = torch.nn.Parameter(torch.zeros(features), requires_grad=learn_scale)

    @property
    def alpha(self) -> Tensor:
        """The shapes."""
        low, high = self.alpha_bounds
        return low + (high - low) * self.latent_alpha.sigmoid()

    @property
    def c(self) -> Tensor:
        """The scales."""
        growth = torch.nn.functional.softplus(self.latent_scale) / math.log(2)
        return self.scale_floor + (self.scale_init - self.scale_floor) * growth

    def forward(self, input: Tensor, target: Tensor, **options: Any) -> Tensor:
        """Compute the loss; the options are those of the losses' functions: a weight, a mask, ..."""
        alpha = self.alpha
        # A number for each feature, along the last dimension: never for each row, as a further array may be.
        partition = log_partition(alpha).expand(input.shape)
        reduction: Any = self.reduction  # which torch declares as any text
        return functional.barron_nll_loss(
            input, target, partition, alpha=alpha, c=self.c, reduction=reduction, **options
        )

    def extra_repr(self) -> str:
        """The number of features and the bounds."""
        return f"{self.latent_alpha.numel()}, alpha_bounds={self.alpha_bounds}"
