"""The call of a norm or a distance: what was asked for, its words checked, whatever computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from normwise.checks import NanPolicy, broadcast_shape, check_shapes, reduced_dims
from normwise.formula import Formula
from normwise.norms.checks import check_not_empty, distance_order_of, order_of
from normwise.norms.on_kernels import Request
from normwise.terms import MASK, VECTOR, WEIGHT, difference


class NormCall(NamedTuple):
    """What a caller asked of `norm` or `distance`, its words checked; the arrays are not yet."""

    function: Literal["norm", "distance"]
    arrays: tuple[Any, ...]
    p: float
    dim: Any
    keepdim: bool
    weight: Any
    mask: Any
    nan_policy: NanPolicy
    broadcast: bool = False
    eps: float = 0.0

    @property
    def of(self) -> Formula:
        """What the norm is taken of."""
        return VECTOR if self.function == "norm" else difference(self.eps)

    @property
    def is_plain(self) -> bool:
        """Whether it is of all elements as they are."""
        bare = self.weight is None and self.mask is None and self.nan_policy == "propagate" and not self.broadcast
        one = isinstance(self.dim, int) and self.dim in (0, -1) and getattr(self.arrays[0], "ndim", None) == 1
        return bare and (self.dim is None or one)

    @property
    def named(self) -> dict[str, Any]:
        """The arrays that were given, by their names."""
        named = {**dict(zip(self.of.arrays, self.arrays, strict=True)), WEIGHT: self.weight, MASK: self.mask}
        return {name: array for name, array in named.items() if array is not None or name in self.of.arrays}

    @property
    def keywords(self) -> dict[str, Any]:
        """The arguments of the call beside its arrays."""
        own = ("broadcast", "eps") if self.function == "distance" else ()
        names = ("p", "dim", "keepdim", "weight", "mask", "nan_policy", *own)
        return {name: getattr(self, name) for name in names}

    def common_shape(self, shapes: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
        """The shape of what is measured, from those of the arrays; `ShapeMismatchError` where there is none."""
        first, *others = shapes.values()
        if not others:
            return tuple(first)
        if self.broadcast:
            return broadcast_shape(first, others[0], ("a", "b"))
        check_shapes(first, others[0], ("a", "b"))
        return tuple(first)

    def shape_of_result(self, shape: tuple[int, ...], dims: Sequence[int]) -> list[int]:
        """What is left of a shape."""
        return [1 if i in dims else n for i, n in enumerate(shape) if self.keepdim or i not in dims]

    def request(self, shape: tuple[int, ...]) -> Request:
        """What is asked of arrays of a shape; `DimensionError` or `ParameterError` where it cannot be had."""
        dims = reduced_dims(self.dim, len(shape))
        check_not_empty(self.p, shape, dims)
        return Request(self.of, self.p, dims, self.nan_policy == "omit", scales=self.function == "distance")


def usual_call(
    function: Literal["norm", "distance"], arrays: tuple[Any, ...], p: Any, dim: Any, keepdim: Any, eps: Any = 0.0
) -> NormCall | None:
    """Return what is asked of a usual call; None of another, whose arguments may be equal and yet mean something else.

    Whatever equals these arguments, and has the types of ``p`` and ``dim``, asks the same.
    """
    if type(p) not in _ORDERS or type(dim) not in _DIMS or type(keepdim) is not bool or type(eps) is not float:
        return None
    order = order_of(p) if function == "norm" else distance_order_of(p)
    return NormCall(function, arrays, order, dim, keepdim, None, None, "propagate", False, eps)


_ORDERS = frozenset({int, float})
_DIMS = frozenset({int, tuple, type(None)})


class Usual(NamedTuple):
    """What computes a usual call of arrays of a type, and returns None of another, which takes the ordinary way."""

    norm: Callable[[Any, Any, Any, Any], Any]
    distance: Callable[[Any, Any, Any, Any, Any, Any], Any]


USUAL: dict[type, Usual] = {}
"""By the type of the first array: on small arrays every step shows. Who computes with a type of arrays adds it."""

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The public functions by their names, for those who hand a call on to another; `normwise.norms.api` enters them."""
