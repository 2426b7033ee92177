"""Checks of shapes, dimensions, masks and words: of plain names and numbers, for losses, norms and pairs alike.

Every error is raised in terms of these: no array library is known here. Who has arrays brings the facts.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Literal, NoReturn

from normwise.errors import (
    DeviceError,
    DimensionError,
    DtypeError,
    InputError,
    LayoutError,
    ShapeMismatchError,
)

Shape = Sequence[int]
NanPolicy = Literal["propagate", "omit", "raise"]
NAN_POLICIES: tuple[NanPolicy, ...] = ("propagate", "omit", "raise")


def dims_of(dim: Any) -> tuple[int, ...]:
    """Return the dimensions that are named, as they are: one or several."""
    given: tuple[Any, ...] = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)  # type: ignore[arg-type]
    if not given:
        raise InputError("dim is empty: name at least one dimension, or pass dim=None for all of them")
    try:
        return tuple([operator.index(d) for d in given])
    except TypeError:
        raise InputError(f"dim is to be an int or a tuple of ints, not {dim!r}") from None


def dimensions_of(dim: Sequence[int], rank: int) -> tuple[int, ...]:
    """The dimensions that are reduced, counted from the first; `DimensionError` in torch's words."""
    found: list[int] = []
    for d in dim:
        low, high = -max(rank, 1), max(rank, 1) - 1
        if not low <= d <= high:
            raise DimensionError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {d})")
        if d % max(rank, 1) in found:
            raise DimensionError(f"dim {d % max(rank, 1)} appears multiple times in the list of dims")
        found.append(d % max(rank, 1))
    return tuple(found)


def reduced_dims(dim: Any, rank: int) -> tuple[int, ...]:
    """The dimensions that a norm is taken over, counted from the first: all for None."""
    if dim is None:
        return tuple(range(rank))
    found = dimensions_of(dims_of(dim), rank)
    return found if rank else ()  # a number has no dimension 0, but may be asked for it


def nan_policy_of(given: Any) -> NanPolicy:
    """The word that says what a nan does."""
    if given not in NAN_POLICIES:
        expected = ", ".join(map(repr, NAN_POLICIES))
        raise InputError(f"{given!r} is not a valid value for nan_policy: expected {expected}")
    return given  # type: ignore[no-any-return]


def check_shapes(input_shape: Shape, target_shape: Shape, names: tuple[str, str] = ("input", "target")) -> None:
    """Raise `ShapeMismatchError` where input and target differ in shape."""
    a, b = tuple(input_shape), tuple(target_shape)
    if a != b:
        raise ShapeMismatchError(f"{names[0]} is {a} but {names[1]} is {b}: {_mend(a, b, names)}")


def _mend(a: tuple[int, ...], b: tuple[int, ...], names: tuple[str, str]) -> str:
    """What the caller most likely meant, for two shapes that differ."""
    broadcast = "or pass broadcast=True"
    long, short, name = (a, b, names[0]) if len(a) > len(b) else (b, a, names[1])
    if len(long) == len(short) + 1:
        if long[:-1] == short and long[-1] == 1:
            return f"squeeze the {name}'s last dimension, {broadcast}"
        if long[1:] == short and long[0] == 1:
            return f"squeeze the {name}'s first dimension, {broadcast}"
    if len(a) == len(b) and len(a) >= 2 and a == (*b[:-2], b[-1], b[-2]):
        return "transpose the last two dimensions of one of them"
    try:
        common = broadcast_shape(a, b)
    except ShapeMismatchError:
        if size_of(a) == size_of(b):
            return "reshape one of them to the other's shape"
        return f"they are to have the same shape. {_torchs_words(a, b)}"
    # No thousands separator: under a compiler the lengths may be symbols, which take no format.
    return f"pass broadcast=True if you mean all {size_of(common)} pairs of {common}"


def _torchs_words(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """What torch says of shapes that do not broadcast."""
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    dim, m, n = [(i, m, n) for i, (m, n) in enumerate(pairs) if m != n and 1 not in (m, n)][-1]
    return f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {dim}"


def size_of(shape: Shape) -> int:
    """Return how many elements a shape has; its lengths may be symbols of a compiler."""
    size = 1
    for length in shape:
        size *= length
    return size


def broadcast_shape(a: Shape, b: Shape, names: tuple[str, str] = ("input", "target")) -> tuple[int, ...]:
    """The shape that two shapes broadcast to, by NumPy's rule."""
    longer, shorter = sorted((tuple(a), tuple(b)), key=len, reverse=True)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    if any(m != n and 1 not in (m, n) for m, n in zip(longer, padded, strict=True)):
        raise ShapeMismatchError(
            f"{names[0]} is {tuple(a)} and {names[1]} is {tuple(b)}, which do not broadcast: "
            "each dimension is to be equal or 1"
        )
    return tuple(n if m == 1 else m for m, n in zip(longer, padded, strict=True))


def check_broadcasts(name: str, own_shape: Shape, shape: Shape) -> None:
    """Raise `ShapeMismatchError` where a weight or a mask does not broadcast to the shape of the loss."""
    own, whole = tuple(own_shape), tuple(shape)
    tail = whole[len(whole) - len(own) :] if len(own) <= len(whole) else ()
    if len(own) > len(whole) or any(w not in (1, n) for w, n in zip(own, tail, strict=True)):
        rows = len(own) == 1 and len(whole) > 1 and own[0] == whole[0]
        mend = f"for a {name} per row use {name}[:, None]" if rows else "each of its dimensions is to be equal or 1"
        words = {"weight": "Weights and input must have the same size. ", "mask": ""}.get(
            name, f"{name} is of incorrect size. "
        )
        raise ShapeMismatchError(f"{words}{name} is {own}, which does not broadcast to {whole}: {mend}")


def check_no_negative_weight(count: float) -> None:
    """Raise where weights are negative."""
    if count:
        raise InputError(f"{count:,.0f} of the weights are negative: a weight is to be 0 or more")


def check_no_nan(name: str, count: float) -> None:
    """Raise where nans were found and are not allowed."""
    if count:
        raise InputError(nan_message(name, f"{count:,.0f} "))


def nan_message(name: str, count: str = "") -> str:
    """What to say of nans in an array, which is named as in a formula."""
    told = {"x": "input", "t": "target"}.get(name, name)
    return f"{told} holds {count}nan and nan_policy is 'raise': mask them, or pass 'omit'"


def check_mask(mask: object, is_bool: bool) -> None:
    """Raise `DtypeError` where a mask is not made of booleans."""
    if not is_bool:
        dtype = getattr(mask, "dtype", type(mask).__name__)
        raise DtypeError(f"mask is {dtype}: expected bool, True where an element counts; write mask != 0")


def refuse_layout(function: str, name: str, layout: object, nested: bool) -> NoReturn:
    """Raise `LayoutError`."""
    if nested:
        raise LayoutError(
            f"{function} is not implemented for nested tensors, which {name} is: call it for each of {name}.unbind(), "
            f"or, where no holes are between them, of {name}.values(), all elements in one tensor"
        )
    raise LayoutError(f"{function} is not implemented for {layout}, which {name} is: use {name}.to_dense()")


def check_array(function: str, name: str, array: object, accepted: bool, kind: str) -> None:
    """Raise TypeError where an argument is not of the kind that the call takes, which the caller has found out."""
    if not accepted:
        raise TypeError(
            f"{function} takes arrays of one library: expected {kind} for {name}, given a {type(array).__name__}; "
            "convert it first"
        )


def check_device(function: str, name: str, device: object, first: str, expected: object, same: bool) -> None:
    """Raise `DeviceError` where a tensor is on another device than the first."""
    if not same:
        raise DeviceError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{expected} and {device}! {function} has {first} on {expected}: move {name} there"
        )
