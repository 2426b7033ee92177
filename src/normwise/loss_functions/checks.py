"""The shape of a loss's call, and what to say of a dtype that it is not for."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.catalogue import Loss
from normwise.checks import Shape, broadcast_shape, check_broadcasts, check_shapes


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


def dtype_message(loss: Loss, dtype: object, mend: str) -> str:
    """What to say of a dtype that has no fractions or no order."""
    return f"{loss.function} is not implemented for {dtype}: expected a real floating-point dtype, as of {mend}"
