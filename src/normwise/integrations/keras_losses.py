"""The losses as losses of Keras 3, on its torch and JAX backends."""

# pyright: basic
from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from normwise.errors import InputError
from normwise.functional import function_of
from normwise.integrations.bound import bind_pointwise, unlike
from normwise.integrations.missing import missing

BACKENDS = ("torch", "jax", "numpy")
"""The backends whose tensors a loss takes."""


def keras_loss(
    loss: Any,
    *,
    reduction: Any = "sum_over_batch_size",
    name: str | None = None,
    dtype: Any = None,
    **parameters: float,
) -> Any:
    """Return a loss as a `keras.losses.Loss`.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    reduction, name, dtype
        As Keras has them; the name is the loss's unless one is given.
    **parameters : float
        The loss's parameters.

    Returns
    -------
    keras.losses.Loss
        For ``model.compile(loss=...)``. As Keras's own it averages over the last axis, then weighs the samples and
        reduces as Keras does. It is serialised by the loss's name and parameters; Keras finds the class of a saved
        model's loss where ``from normwise.integrations import KerasLoss`` has been said.

    Raises
    ------
    InputError
        Where there is no such loss or parameter; where the loss reads further arrays, such as a variance, or is made of
        means; where Keras runs on TensorFlow, whose tensors are no arrays of the array API.
    ShapeMismatchError
        When it is called with shapes that differ by more than a last axis of length 1.

    Examples
    --------
    >>> import os, numpy
    >>> os.environ["KERAS_BACKEND"] = "torch"
    >>> from normwise.integrations import keras_loss
    >>> loss = keras_loss("huber", delta=2.0)
    >>> loss(numpy.array([[0.0, 0.0]]), numpy.array([[1.0, 6.0]]))
    tensor(5.2500)
    >>> loss.get_config()["parameters"]
    {'delta': 2.0}
    """
    return _kind()(loss, parameters, reduction=reduction, name=name, dtype=dtype)


@functools.cache
def _kind() -> Any:
    """Make the class; Keras is loaded, and its backend settled, no sooner than one of them is wanted."""
    try:
        import keras
    except ModuleNotFoundError as error:
        if error.name == "keras":
            raise missing("keras_loss", "keras", error) from error
        backend = (error.name or "").partition(".")[0]
        raise ModuleNotFoundError(
            f"Keras does not find its backend {backend}: set the environment variable KERAS_BACKEND to torch or jax",
            name=backend,
        ) from error

    class KerasLoss(keras.losses.Loss):
        """A loss of normwise; see `keras_loss`."""

        def __init__(
            self,
            loss: Any,
            parameters: Mapping[str, float] | None = None,
            reduction: Any = "sum_over_batch_size",
            name: str | None = None,
            dtype: Any = None,
        ) -> None:
            if keras.backend.backend() not in BACKENDS:
                raise InputError(
                    f"Keras runs on {keras.backend.backend()}, but normwise's losses take tensors of "
                    f"{', '.join(BACKENDS)}: set the environment variable KERAS_BACKEND before Keras is imported"
                )
            self.bound = bind_pointwise(loss, parameters or {}, "Keras")
            super().__init__(name=name or self.bound.loss.name, reduction=reduction, dtype=dtype)

        def call(self, y_true: Any, y_pred: Any) -> Any:
            """Return the loss of each sample, averaged over the last axis."""
            a, b = tuple(y_true.shape), tuple(y_pred.shape)
            if a != b:
                if (*a, 1) != b and a != (*b, 1):  # Keras takes a column for a list, either way
                    raise unlike(b, a)
                longer = max(a, b, key=len)
                y_true, y_pred = (keras.ops.reshape(y, longer) for y in (y_true, y_pred))
            values = function_of(self.bound.loss)(y_pred, y_true, reduction="none", **self.bound.parameters)
            return keras.ops.mean(values, axis=-1) if values.shape else values

        def get_config(self) -> dict[str, Any]:
            """Return what makes the same loss again."""
            own = {"loss": self.bound.loss.name, "parameters": dict(self.bound.parameters)}
            return {**super().get_config(), **own}

    KerasLoss.__qualname__ = "KerasLoss"  # where pickle finds it
    return keras.saving.register_keras_serializable("normwise")(KerasLoss)


def __getattr__(name: str) -> Any:
    if name == "KerasLoss":
        return _kind()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
