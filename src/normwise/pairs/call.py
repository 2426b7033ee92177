"""The call of all pairs: what was asked for, its words checked, and its arrays brought to one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from normwise.catalogue.metrics import Metric
from normwise.checks import NanPolicy, check_broadcasts, check_mask
from normwise.engines.dtypes import isdtype
from normwise.errors import InputError
from normwise.pairs.blocks import Present
from normwise.pairs.checks import check_feature_weight, check_features, pair_shapes
from normwise.terms import MASK, MASK_T, MASK_X, SIDES, WEIGHT, PairTerms, pair_terms


class PairCall(NamedTuple):
    """What a caller asked of `pairwise` or `nearest`, its words checked; the arrays are not yet."""

    function: Literal["pairwise", "nearest"]
    a: Any
    b: Any
    """None where the points are paired with themselves."""
    metric: Metric
    parameters: tuple[float, ...]
    weight: Any
    mask: Any
    """One for both sides, or a pair."""
    nan_policy: NanPolicy
    given: dict[str, Any]
    """The arguments beside the arrays, as they were given."""
    fast: bool = False
    reduce: str | None = None
    dim: int = -1
    k: Any = None

    @property
    def masks(self) -> tuple[Any, Any]:
        """The mask of each side, or None."""
        if isinstance(self.mask, (tuple, list)):
            given: tuple[Any, ...] = tuple(self.mask)  # type: ignore[arg-type]
            if len(given) != 2:
                raise InputError(f"mask holds {len(given)} arrays: expected two, of a and of b, or one for both")
            return given[0], given[1]
        return self.mask, self.mask

    @property
    def named(self) -> dict[str, Any]:
        """The arrays that were given, by their names."""
        first, second = self.masks
        masks = {"mask": first} if first is second else {"mask of a": first, "mask of b": second}
        found = {"a": self.a, "b": self.b, "weight": self.weight, **masks}
        return {name: array for name, array in found.items() if array is not None or name == "a"}


class Pairs(NamedTuple):
    """A call with its arrays checked and brought to one batch."""

    arrays: dict[str, Any]
    """By the names of `SIDES`."""
    dtype: Any
    """Of the result."""
    terms: PairTerms
    single: tuple[bool, bool]
    """Whether a side is a single point, whose dimension is left out."""
    present: Present

    @property
    def points(self) -> tuple[int, int]:
        """How many there are on each side."""
        return self.arrays["x"].shape[-2], self.arrays["t"].shape[-2]

    def part(self, i: slice, j: slice) -> dict[str, Any]:
        """The arrays of some points of each side."""
        at = {"i": i, "j": j}
        return {
            name: array[..., at[SIDES[name][0]], :] if SIDES[name] != "k" else array
            for name, array in self.arrays.items()
        }


def prepared(xp: Any, asked: PairCall, real: Callable[[str, Mapping[str, Any]], tuple[dict[str, Any], Any]]) -> Pairs:
    """Check the arrays of a call and bring them to one batch.

    Parameters
    ----------
    xp : module
        Their namespace.
    asked : PairCall
        The call.
    real : callable
        Gives arrays of real numbers with fractions, and the dtype of what is computed of them.
    """
    named = {"a": asked.a} if asked.b is None else {"a": asked.a, "b": asked.b}
    found, dtype = real(asked.function, named)
    batch = pair_shapes(*(found[name].shape for name in ("a", "b" if "b" in found else "a")))
    single = (found["a"].ndim == 1, found.get("b", found["a"]).ndim == 1)
    found = {name: xp.expand_dims(x, axis=0) if x.ndim == 1 else x for name, x in found.items()}
    points = {"x": found["a"], "t": found.get("b", found["a"])}
    arrays = points
    if any(x.shape[:-2] != batch for x in points.values()):
        arrays = {name: xp.broadcast_to(x, (*batch, *x.shape[-2:])) for name, x in points.items()}
    features = arrays["x"].shape[-1]
    check_features(asked.metric.is_extreme, features)
    if asked.weight is not None:
        check_feature_weight(asked.weight.shape, features)
        arrays[WEIGHT] = real(asked.function, {WEIGHT: asked.weight})[0][WEIGHT]
    for (side, own), mask in zip(_OWN_MASKS, asked.masks, strict=True):
        if mask is not None:
            check_mask(mask, isdtype(xp, mask.dtype, "bool"))
            check_broadcasts(MASK, mask.shape, arrays[side].shape)
            arrays[own] = xp.broadcast_to(mask, arrays[side].shape)
    masked = (MASK_X in arrays, MASK_T in arrays)
    terms = pair_terms(asked.metric, WEIGHT in arrays, masked, asked.nan_policy == "omit")
    present = Present(*(_present(xp, arrays, side, own, asked.nan_policy) for side, own in _OWN_MASKS))
    return Pairs(arrays, dtype, terms, single, present)


_OWN_MASKS = (("x", MASK_X), ("t", MASK_T))


def _present(xp: Any, arrays: Mapping[str, Any], side: str, own: str, nan_policy: NanPolicy) -> Any:
    """Return which points of a side have a feature; None where none may be missing."""
    features = arrays.get(own)
    if nan_policy == "omit":
        known = arrays[side] == arrays[side]
        features = known if features is None else xp.logical_and(features, known)
    if features is None:
        return None
    if WEIGHT in arrays:
        features = xp.logical_and(features, arrays[WEIGHT] > 0)
    return xp.any(features, axis=-1)


def sides(xp: Any, arrays: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the caller's name of each side with its points, its mask and the weights of its features."""
    for name, (side, own) in zip("ab", _OWN_MASKS, strict=True):
        found = {"x": arrays[side]}
        if WEIGHT in arrays:
            found[WEIGHT] = xp.broadcast_to(arrays[WEIGHT], arrays[side].shape)
        if own in arrays:
            found[MASK] = arrays[own]
        yield name, found


class _Nearest(NamedTuple):
    distances: Any
    indices: Any


class Nearest(_Nearest):
    """The nearest points of a set to each of another, the nearest first."""

    __slots__ = ()

    def __new__(cls, distances: Any, indices: Any = None) -> Nearest:
        """Take the two, or one iterable of both: so subclasses of torch's tensors make tuples of their own kind."""
        return super().__new__(cls, *((distances, indices) if indices is not None else distances))


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The public functions by their names, for those who hand a call on to another; `normwise.pairs.api` enters them."""
