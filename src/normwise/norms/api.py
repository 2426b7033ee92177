"""Norms of torch tensors, NumPy arrays, and arrays of any namespace of the array API standard.

Unlike the peers' they are accurate (sums are float64), neither overflow nor underflow where the norm itself does not,
and have a gradient of every order that is never nan for finite input.
"""

from __future__ import annotations

import sys
from typing import Any

from normwise.checks import NanPolicy, nan_policy_of
from normwise.norms.call import FUNCTIONS, USUAL, NormCall
from normwise.norms.checks import distance_order_of, order_of


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
        Broadcastable to ``x``, and 0 or more. An element of weight 0 is not there, whatever its value. For ``inf`` and
        ``-inf``, the limits, nothing else of it counts.
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
    torch.linalg.vector_norm and numpy.linalg.norm have the same orders and conventions, but that they count a nan as
    one more element that is not 0, where here it shows in order 0 as in all others. torch's sums in float32: its
    1-norm of 1e8 values is a third too small. The norm and its gradient are right in the whole range of float64, a
    gradient of that gradient where the elements are between 1e-150 and 1e150.

    Examples
    --------
    >>> import numpy, normwise
    >>> x = numpy.array([[3e38, 4e38], [0.0, 1.0]])
    >>> normwise.norm(x, dim=1)
    array([5.e+38, 1.e+00])
    >>> float(normwise.norm(numpy.array([1.0, float("nan"), 2.0]), p=1, nan_policy="omit"))
    3.0
    """
    if weight is None and mask is None and nan_policy == "propagate":
        usual = USUAL.get(type(x))
        if usual is not None and (value := usual.norm(x, p, dim, keepdim)) is not None:
            return value
    policy = nan_policy_of(nan_policy)
    return _called(NormCall("norm", (x,), order_of(p), dim, bool(keepdim), weight, mask, policy))


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


def distance(
    a: Any,
    b: Any,
    p: float = 2,
    dim: int | tuple[int, ...] | None = -1,
    keepdim: bool = False,
    *,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    broadcast: bool = False,
    eps: float = 0.0,
) -> Any:
    r"""Return the distances of the lines of one array from those of another: the p-norm of their difference.

    .. math:: \Big( \sum_i w_i |a_i - b_i + \varepsilon|^p \Big)^{1/p}

    The difference is never stored.

    Parameters
    ----------
    a, b : torch tensor, NumPy array, or array of the array API standard
        Of one shape; of any dtypes, as for `norm`.
    p : float
        The order: 0 or more.
    dim : int or tuple of int, optional
        The dimensions over which it is taken: the last by default, all for None.
    keepdim : bool
        Whether they stay, with length 1.
    weight : array, optional
        Broadcastable to ``a``, and 0 or more. An element of weight 0 is not there, whatever its value.
    mask : array of bool, optional
        Broadcastable to ``a``. Where it is False the element does not exist. The sum of those that do is scaled up to
        stand for all, by weight, as scikit-learn's ``nan_euclidean_distances`` does; where none exists it is nan.
    nan_policy : {"propagate", "omit", "raise"}
        What a nan does: show in the distance, be dropped as by a mask, or raise.
    broadcast : bool
        Whether ``a`` and ``b`` may differ in shape.
    eps : float
        Added to each difference. torch adds 1e-6 to keep its gradient finite, for which nothing is needed here.

    Returns
    -------
    array of the kind of ``a``
        Of the wider of the two dtypes, float32 at least. The gradient at 0, where there are many, is the smallest
        subgradient, 0.

    Raises
    ------
    InputError
        Where ``p`` is no real number, a weight is negative, or a nan is there and `nan_policy` is ``"raise"``.
    ParameterError
        Where ``p`` is negative, or infinite and there is no element.
    DimensionError
        Where ``dim`` is out of range or names a dimension twice.
    ShapeMismatchError
        Where the shapes differ, or a weight or a mask does not broadcast.

    Notes
    -----
    torch.nn.functional.pairwise_distance is this with ``eps=1e-6``.

    Examples
    --------
    >>> import numpy, normwise
    >>> a, b = numpy.array([[0.0, 3.0], [1.0, 1.0]]), numpy.array([[4.0, 0.0], [1.0, 1.0]])
    >>> normwise.distance(a, b)
    array([5., 0.])
    >>> normwise.distance(a, b, p=1)
    array([7., 0.])
    """
    if weight is None and mask is None and nan_policy == "propagate" and not broadcast:
        usual = USUAL.get(type(a))
        if usual is not None and (value := usual.distance(a, b, p, dim, keepdim, eps)) is not None:
            return value
    policy = nan_policy_of(nan_policy)
    order = distance_order_of(p)
    return _called(
        NormCall("distance", (a, b), order, dim, bool(keepdim), weight, mask, policy, bool(broadcast), float(eps))
    )


def _called(asked: NormCall) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and any(
        isinstance(x, torch.Tensor) or hasattr(type(x), "__torch_function__") for x in asked.arrays
    ):
        from normwise.norms import on_torch

        return on_torch.call(asked)
    from normwise.norms import on_arrays

    return on_arrays.call(asked)


FUNCTIONS.update(norm=norm, distance=distance)
