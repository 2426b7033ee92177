"""Norms and distances as torch modules; each takes the further options of its function when it is called."""

from __future__ import annotations

from typing import Any

import torch

from normwise.nn.scripts import readable
from normwise.norms.api import distance, norm
from normwise.pairs.api import pairwise


@readable
class Norm(torch.nn.Module):
    """The norm of a tensor, or of its lines: the module of `normwise.norm`.

    Parameters
    ----------
    p : float
        The order.
    dim : int or tuple of int, optional
        The dimensions over which it is taken: all by default.
    keepdim : bool
        Whether they stay, with length 1.

    Examples
    --------
    >>> import torch
    >>> from normwise.nn import Norm
    >>> Norm(p=1, dim=1)(torch.tensor([[1.0, -2.0], [3.0, 4.0]]))
    tensor([3., 7.])
    """

    def __init__(self, p: float = 2.0, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> None:
        super().__init__()
        self.p, self.dim, self.keepdim = p, dim, keepdim

    def forward(self, x: torch.Tensor, **options: Any) -> torch.Tensor:
        return norm(x, self.p, self.dim, self.keepdim, **options)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"p={self.p}, dim={self.dim}, keepdim={self.keepdim}"


@readable
class PairwiseDistance(torch.nn.PairwiseDistance):
    """The distances of the last dimension's lines: the module of `normwise.distance`.

    torch's constructor, except that ``eps`` is 0 by default: torch adds 1e-6 to each difference to keep its gradient
    finite, for which nothing is needed here. The options of `normwise.distance` are taken at the call.

    Examples
    --------
    >>> import torch
    >>> from normwise.nn import PairwiseDistance
    >>> PairwiseDistance(p=1)(torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 2.0]]))
    tensor([3.])
    """

    def __init__(self, p: float = 2.0, eps: float = 0.0, keepdim: bool = False) -> None:
        super().__init__(p, eps, keepdim)

    def forward(self, x1: torch.Tensor, x2: torch.Tensor, **options: Any) -> torch.Tensor:
        return distance(x1, x2, self.norm, keepdim=self.keepdim, eps=self.eps, **options)  # type: ignore[no-any-return]


@readable
class DistanceMatrix(torch.nn.Module):
    """The distance of each point of one set from each of another: the module of `normwise.pairwise`.

    Parameters
    ----------
    metric : str, loss, or function of a loss
        As for `normwise.pairwise`.
    p : float, optional
        The order of ``"lp"``.
    **parameters : float
        Those of a loss.

    Examples
    --------
    >>> import torch
    >>> from normwise.nn import DistanceMatrix
    >>> a, b = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 1.0]])
    >>> DistanceMatrix("l1")(a, b)
    tensor([[1.],
            [6.]])
    >>> DistanceMatrix("huber", delta=2.0)(a, b, reduce="sum", dim=-2)
    tensor([8.5000])
    """

    __annotations__ = {"parameters_of_metric": dict[str, float]}  # a script sees no type in an empty one

    def __init__(self, metric: Any = "l2", p: float | None = None, **parameters: float) -> None:
        super().__init__()
        self.metric, self.p, self.parameters_of_metric = metric, p, parameters

    def forward(self, a: torch.Tensor, b: torch.Tensor | None = None, **options: Any) -> torch.Tensor:
        return pairwise(a, b, self.metric, self.p, **self.parameters_of_metric, **options)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        told = {"p": self.p, **self.parameters_of_metric}
        return ", ".join([repr(self.metric), *(f"{name}={value}" for name, value in told.items() if value is not None)])
