"""Distances of all pairs of two sets of points, and what is made of them without the matrix: neighbours, reductions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal

from normwise.catalogue import Loss
from normwise.catalogue.metrics import Metric
from normwise.checks import NanPolicy, nan_policy_of
from normwise.formula.caches import per_formula
from normwise.pairs.call import FUNCTIONS, Nearest, PairCall
from normwise.pairs.checks import find_metric, pair_reduction


def pairwise(
    a: Any,
    b: Any = None,
    metric: str | Loss | Any = "l2",
    p: float | None = None,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    fast: bool = False,
    *,
    reduce: Literal["min", "mean", "sum"] | None = None,
    dim: int = -1,
    **parameters: float,
) -> Any:
    r"""Return the distance of each point of one set from each of another.

    .. math:: D_{ij} = f\Big( \sum_k w_k \, g(a_{ik}, b_{jk}) \Big)

    Differences are exact: never does it go through a matrix product unless it is asked to, so near points keep all
    digits, a point is exactly 0 from itself, and the matrix of a set with itself is exactly symmetric. The sums are
    float64, and neither they nor their gradients, of any order, need memory of n m d numbers (a second derivative over
    fewer than 2^15 pairs times features does use so small an array). Of float32, ``"l1"`` is within 4e-7 of the truth,
    relatively, as up to 16 differences are added in float32 before they meet the float64 sum; all else is as right as
    its result's dtype.

    Parameters
    ----------
    a, b : torch tensor, NumPy array, or array of the array API standard
        Points, of the shapes (..., n, d) and (..., m, d); of any real dtypes, integers as float64 (which rounds
        those beyond 2^53). What stands before is a batch, and broadcasts. A single point may be (d,); its dimension is
        then left out. Without ``b`` the points of ``a`` are paired with themselves.
    metric : str, loss, or function of a loss
        ``"l1"``, ``"l2"``, ``"sqeuclidean"``, ``"linf"``, ``"lp"`` (with ``p``), ``"canberra"``, ``"braycurtis"``,
        ``"cosine"``, or the names that SciPy has for them; or a loss of the catalogue or of your own, summed over the
        features (``"huber:delta=2"``).
    p : float, optional
        The order of ``"lp"``: 0 or more.
    weight : array, optional
        One for each feature, 0 or more. A feature of weight 0 is not there, whatever its value.
    mask : array of bool, or a pair of them, optional
        Broadcastable to the points of both sides; of a pair the first belongs to ``a``, the second to ``b``. A feature
        counts where it is True on both sides; the sum of those that count is scaled up to stand for all, by weight, as
        scikit-learn's ``nan_euclidean_distances`` does. Where none counts the distance is nan.
    nan_policy : {"propagate", "omit", "raise"}
        What a nan does: show in the distances, be dropped as by a mask, or raise.
    fast : bool
        Whether ``"l2"`` and ``"sqeuclidean"`` may go through a matrix product, of points less the mean of ``b``, in
        their own dtype, float32 at least. A squared distance is then off by up to
        :math:`(d + 8) \epsilon (|a_i|^2 + |b_j|^2)` with :math:`\epsilon` the dtype's resolution and the points as
        centred: distances between near points may lose all their digits. Other metrics, and calls with a mask or that
        omit nans, are exact all the same.
    reduce : {"min", "mean", "sum"}, optional
        What is returned in place of the matrix, which is then never made. A point without a feature, all of them
        masked (padding) or omitted, is no point: what is reduced over leaves it out, and its own place is nan. So is
        the least and the mean of none; the sum of none is 0.
    dim : {-1, -2}
        What is reduced over: the points of ``b``, or those of ``a``.
    **parameters : float
        Those of a loss.

    Returns
    -------
    array of the kind of ``a``
        Of the shape (..., n, m), or without the dimension that is reduced; of the wider of the two dtypes, float32 at
        least. At 0, where there are many, the gradient is the smallest subgradient, 0.

    Raises
    ------
    InputError
        Where the metric is unknown, ``p`` or a parameter is none of its own, a weight is negative, or a nan is there
        and `nan_policy` is ``"raise"``.
    ParameterError
        Where ``p`` or a parameter leaves its domain, or the largest difference of no features is asked for; the least
        or the mean of no points.
    ShapeMismatchError
        Where the numbers of features differ, or batches, weights or masks do not fit.

    Notes
    -----
    The same as ``scipy.spatial.distance.cdist``, ``sklearn.metrics.pairwise_distances`` and ``torch.cdist``. Where a
    convention differs: two points at 0 are 0 apart by ``"braycurtis"`` and ``"cosine"`` (SciPy: nan), and a point at 0
    is 1 from all others by ``"cosine"``, as in scikit-learn.

    Norms of the difference keep to the whole range of float64. The sums of ``"cosine"``, ``"canberra"``,
    ``"braycurtis"`` and of losses may leave it, as squares of numbers beyond 1e150 or below 1e-150 do.

    Examples
    --------
    >>> import numpy, normwise
    >>> a = numpy.array([[0.0, 0.0], [3.0, 4.0]])
    >>> normwise.pairwise(a)
    array([[0., 5.],
           [5., 0.]])
    >>> normwise.pairwise(a, metric="huber", delta=2.0)
    array([[ 0., 10.],
           [10.,  0.]])

    As a metric of scikit-learn: all at once, or called for each pair (with ``functools.partial`` for its keywords).

    >>> from sklearn.cluster import DBSCAN
    >>> x = numpy.array([[1.0, 2.0], [2.0, 2.0], [2.0, 3.0], [8.0, 7.0], [8.0, 8.0], [25.0, 80.0]])
    >>> DBSCAN(eps=3, min_samples=2, metric="precomputed").fit(normwise.pairwise(x, metric="l1")).labels_
    array([ 0,  0,  0,  1,  1, -1])
    >>> DBSCAN(eps=3, min_samples=2, metric=normwise.pairwise).fit(x).labels_
    array([ 0,  0,  0,  1,  1, -1])
    """
    if _compiling():
        from normwise.pairs import on_torch

        given = {"metric": metric, "p": p, "weight": weight, "mask": mask, "nan_policy": nan_policy, "fast": fast}
        return on_torch.noded("pairwise", a, b, {**given, "reduce": reduce, "dim": dim, **parameters})
    named = type(metric) is str and p is None and not parameters
    found, bound = _named(metric) if named else _of(metric, p, parameters)
    if reduce is weight is mask is None and fast is False and nan_policy == "propagate" and dim == -1:
        value = _USUAL[type(a)](found, bound, a, a if b is None else b)
        if value is not None:
            return value
    reduce, dim = pair_reduction(reduce, dim)  # type: ignore[assignment]
    policy = nan_policy_of(nan_policy)
    given = {"metric": metric, "p": p, "weight": weight, "mask": mask, "nan_policy": nan_policy, "fast": fast}
    return _called(
        PairCall(
            "pairwise",
            *(a, b, found, bound, weight, mask, policy),
            given={**given, "reduce": reduce, "dim": dim, **parameters},
            fast=bool(fast),
            reduce=reduce,
            dim=dim,
        )
    )


def nearest(
    a: Any,
    b: Any,
    k: int,
    metric: str | Loss | Any = "l2",
    p: float | None = None,
    weight: Any = None,
    mask: Any = None,
    nan_policy: NanPolicy = "propagate",
    **parameters: float,
) -> Nearest:
    """Return the `k` points of ``b`` that are nearest to each point of ``a``.

    No matrix of distances is made: the memory is that of the result, and of a tile for each thread. Where `k` is more
    than twice the root of the number of points, or powers may leave the range of float64, it is that of a block of
    2^19 pairs, or of one row.

    Parameters
    ----------
    a, b : arrays
        As for `pairwise`.
    k : int
        How many: 1 to the number of points of ``b``.
    metric, p, weight, mask, nan_policy, **parameters
        As for `pairwise`.

    Returns
    -------
    distances : array
        Of the shape (..., n, k), the least first; nan comes last. Differentiable.
    indices : array of int64
        Which point of ``b`` each is. Of equal distances that of the lower index is first. A point without a feature,
        all of them masked (padding) or omitted, is no point: where fewer than `k` are there the index is -1, and the
        distance nan.

    Raises
    ------
    InputError
        As for `pairwise`; and where ``k`` is out of range.

    Examples
    --------
    >>> import numpy, normwise
    >>> a, b = numpy.array([[0.0], [10.0]]), numpy.array([[1.0], [-1.0], [7.0]])
    >>> distances, indices = normwise.nearest(a, b, k=2)
    >>> distances
    array([[1., 1.],
           [3., 9.]])
    >>> indices
    array([[0, 1],
           [2, 0]])
    """
    given = {"metric": metric, "p": p, "weight": weight, "mask": mask, "nan_policy": nan_policy, "k": k, **parameters}
    if _compiling():
        from normwise.pairs import on_torch

        return Nearest(*on_torch.noded("nearest", a, b, given))
    found, bound = _of(metric, p, parameters)
    policy = nan_policy_of(nan_policy)
    return _called(  # type: ignore[no-any-return]
        PairCall("nearest", a, b, found, bound, weight, mask, policy, given=given, k=k)
    )


def _of(metric: Any, p: Any, parameters: Mapping[str, Any]) -> tuple[Metric, tuple[float, ...]]:
    """The metric that is asked for, and the parameters of its loss."""
    found, bound = find_metric(metric, p, parameters)
    return found, tuple(bound.values())


@per_formula
def _named(metric: str) -> tuple[Metric, tuple[float, ...]]:
    """The same of a name alone."""
    return _of(metric, None, {})


def _compiling() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and torch.compiler.is_dynamo_compiling()


class _Usual(dict[type, Callable[..., Any]]):
    """For each type of array what computes the usual call, if it is one; else None."""

    def __missing__(self, kind: type) -> Callable[..., Any]:
        torch = sys.modules.get("torch")
        if torch is not None and issubclass(kind, torch.Tensor):
            from normwise.pairs.torch_lanes import usual
        else:
            from normwise.pairs.on_arrays import usual
        return self.setdefault(kind, usual)


_USUAL = _Usual()


def _called(asked: PairCall) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and any(
        isinstance(x, torch.Tensor) or hasattr(type(x), "__torch_function__") for x in (asked.a, asked.b)
    ):
        from normwise.pairs import on_torch

        return on_torch.call(asked)
    from normwise.pairs import on_arrays

    return on_arrays.call(asked)


FUNCTIONS.update(pairwise=pairwise, nearest=nearest)
