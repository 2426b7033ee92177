"""Norms of torch tensors, NumPy arrays, and arrays of any namespace of the array API standard.

Unlike the peers' they are accurate (sums are float64), neither overflow nor underflow where the norm itself does not,
and have a gradient of every order that is never nan for finite input.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from normwise import plan
from normwise.plan import NanPolicy


class NormCall(NamedTuple):
    """What a caller asked, its words checked; the arrays are not yet."""

    x: Any
    p: float
    dim: Any
    keepdim: bool
    weight: Any
    mask: Any
    nan_policy: NanPolicy


def norm(
    x: Any,
    p: float = 2,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
) -> Any:
    r"""Return the p-norm of an array, or of its lines along some dimensions.

    .. math:: \Big( \sum_i w_i |x_i|^p \Big)^{1/p}

    Parameters
    ----------
    x : torch tensor, NumPy array, or array of the array API standard
        Real, or complex, of which the modulus counts. Integers and booleans are computed in float64.
    p : float
        The order. For ``inf`` it is the largest modulus, for ``-inf`` the smallest, for 0 the number of elements that
        are not 0 (a nan shows). Below 1 it is no norm in the strict sense, but the same formula.
    dim : int or tuple of int, optional
        The dimensions over which it is taken: all by default.
    keepdim : bool
        Whether they stay, with length 1.
    weight : array, optional
        Broadcastable to ``x``, and 0 or more. For ``inf`` and ``-inf``, the limits, it counts only whether it is 0.
    mask : array of bool, optional
        Broadcastable to ``x``. Where it is False the element does not exist.
    nan_policy : {"propagate", "omit", "raise"}
        What a nan does: show in the norm, be dropped as by a mask, or raise.

    Returns
    -------
    array of the kind of ``x``
        Of its dtype, float32 at least. The norm of nothing is 0; where nothing is left by a mask it is so too, or
        infinite for a negative order. A norm beyond the largest number of its dtype is infinite, and its gradient
        right all the same. At 0, where there are many, the gradient is the smallest subgradient, 0; of the elements
        that attain an extreme, each has an equal share.

    Raises
    ------
    InputError
        Where ``p`` is no real number, a weight is negative, or a nan is there and `nan_policy` is ``"raise"``.
    ParameterError
        Where the array has no element and ``p`` is negative or infinite.
    DimensionError
        Where ``dim`` is out of range or names a dimension twice.
    ShapeMismatchError
        Where a weight or a mask does not broadcast.

    Notes
    -----
    torch.linalg.vector_norm and numpy.linalg.norm have the same orders and conventions. torch's sums in float32: its
    1-norm of 1e8 values is a third too small.

    Examples
    --------
    >>> import numpy, normwise
    >>> x = numpy.array([[3e38, 4e38], [0.0, 1.0]])
    >>> normwise.norm(x, dim=1)
    array([5.e+38, 1.e+00])
    >>> float(normwise.norm(numpy.array([1.0, float("nan"), 2.0]), p=1, nan_policy="omit"))
    3.0
    """
    asked = NormCall(x, plan.order(p), dim, bool(keepdim), weight, mask, plan.nan_policy_of(nan_policy))
    torch = sys.modules.get("torch")
    if torch is not None and (isinstance(x, torch.Tensor) or hasattr(type(x), "__torch_function__")):
        from normwise import torch_norms

        return torch_norms.call(asked)
    from normwise import array_norms

    return array_norms.call(asked)


def l1_norm(
    x: Any,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
) -> Any:
    """Return the sum of the moduli: `norm` of order 1.

    Examples
    --------
    >>> import numpy, normwise
    >>> float(normwise.l1_norm(numpy.array([3.0, -4.0])))
    7.0
    """
    return norm(x, 1, dim, keepdim, weight, mask, nan_policy)


def l2_norm(
    x: Any,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
) -> Any:
    """Return the root of the sum of squares: `norm` of order 2.

    Examples
    --------
    >>> import numpy, normwise
    >>> float(normwise.l2_norm(numpy.array([3.0, -4.0])))
    5.0
    """
    return norm(x, 2, dim, keepdim, weight, mask, nan_policy)
