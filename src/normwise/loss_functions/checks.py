"""Checks of the arrays of a loss, in terms of their shapes, devices and dtypes."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.catalogue import Loss
from normwise.checks import Shape, broadcast_shape, check_broadcasts, check_shapes
from normwise.errors import (
    DeviceError,
)


def call_shape(loss: Loss, shapes: Sequence[Shape], broadcast: bool) -> tuple[tuple[int, ...], frozenset[str]]:
    """The shape of a call, and which of the arrays beside prediction and target are one number for each row of it.

    Such an array has the shape of prediction and target without its last dimension, as torch lets a variance have.

    Parameters
    ----------
    loss : Loss
        The loss.
    shapes : sequence of shapes
        Those of its arrays.
    broadcast : bool
        Whether they may differ.

    Raises
    ------
    ShapeMismatchError
        Where they differ and may not, or do not broadcast.
    """
    input, target, *further = map(tuple, shapes)
    if not broadcast:
        check_shapes(input, target)
    shape = broadcast_shape(input, target) if broadcast else input
    rows = {name for name, own in zip(loss.further_arrays, further, strict=True) if shape and own == shape[:-1]}
    by_row = frozenset(rows.difference(loss.varied))
    for name, own in zip(loss.further_arrays, further, strict=True):
        spread = (*own, 1) if name in by_row else own
        if broadcast:
            shape = broadcast_shape(shape, spread, ("the loss", name))
        check_broadcasts(name, spread, shape)
    return shape, by_row


def check_array(loss: Loss, name: str, array: object, accepted: bool, kind: str) -> None:
    """Raise TypeError where an argument is not of the kind that the call takes, which the caller has found out."""
    if not accepted:
        raise TypeError(
            f"{loss.function} takes arrays of one library: expected {kind} for {name}, given a {type(array).__name__}; "
            "convert it first"
        )


def check_device(loss: Loss, name: str, device: object, expected: object, same: bool) -> None:
    """Raise `DeviceError` where a tensor is on another device than the input."""
    if not same:
        raise DeviceError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{expected} and {device}! {loss.function} has its input on {expected}: move {name} there"
        )


def dtype_message(loss: Loss, dtype: object, mend: str) -> str:
    """What to say of a dtype that has no fractions or no order."""
    return f"{loss.function} is not implemented for {dtype}: expected a real floating-point dtype, as of {mend}"
