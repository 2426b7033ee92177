"""The losses as losses of Keras 3, on its torch and JAX backends."""

# pyright: basic
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normwise.catalogue import BUILT_IN, Loss, losses
from normwise.catalogue.declaration import declared
from normwise.errors import InputError
from normwise.formula import Formula
from normwise.formula.walk import restored, stored
from normwise.functional import function_of
from normwise.integrations.bound import bind_pointwise, unlike

try:
    import keras
    from keras.src.backend import set_keras_mask  # a mask that goes with a tensor; there is no public name for it
except ModuleNotFoundError as error:
    if error.name == "keras":
        raise
    backend = (error.name or "").partition(".")[0]
    raise ModuleNotFoundError(
        f"Keras does not find its backend {backend}: set the environment variable KERAS_BACKEND to torch or jax",
        name=backend,
    ) from error

BACKENDS = ("torch", "jax", "numpy")
"""The backends whose tensors a loss takes."""

NAN_POLICIES = ("propagate", "omit")
"""What a nan may do; to raise it would have to be looked at, which compiled steps cannot."""


def keras_loss(
    loss: Any,
    *,
    reduction: Any = "sum_over_batch_size",
    name: str | None = None,
    dtype: Any = None,
    nan_policy: str = "propagate",
    **parameters: float,
) -> KerasLoss:
    """Return a loss as a `keras.losses.Loss`.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), as a text, by its function, or
        itself.
    reduction, name, dtype
        As Keras has them; the name is the loss's, that of a text ``"formula"``, unless one is given.
    nan_policy : {"propagate", "omit"}
        Whether a nan shows, or the elements whose target is nan are dropped: the mean of a sample is then that of what
        is there, and a sample without anything is dropped as a mask of Keras drops it.
    **parameters : float
        The loss's parameters.

    Returns
    -------
    keras.losses.Loss
        For ``model.compile(loss=...)``. As Keras's own it averages over the last axis, then weighs the samples and
        reduces as Keras does. It is saved with a model: by name and parameters, a text by itself, a loss of one's own
        by its name and its formula. Keras loads such a model where the class is known to it: any process that has said
        ``from normwise.integrations import keras_loss``.

    Raises
    ------
    InputError
        Where there is no such loss, parameter or policy; where the loss reads further arrays, such as a variance, or is
        made of means; where Keras runs on TensorFlow, whose tensors are no arrays of the array API.
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
    return KerasLoss(loss, parameters, reduction=reduction, name=name, dtype=dtype, nan_policy=nan_policy)


@keras.saving.register_keras_serializable("normwise")
class KerasLoss(keras.losses.Loss):
    """A loss of normwise; see `keras_loss`."""

    def __init__(
        self,
        loss: Any,
        parameters: Mapping[str, float] | None = None,
        reduction: Any = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        nan_policy: str = "propagate",
        formula: Mapping[str, Any] | None = None,
    ) -> None:
        if keras.backend.backend() not in BACKENDS:
            raise InputError(
                f"Keras runs on {keras.backend.backend()}, but normwise's losses take tensors of "
                f"{', '.join(BACKENDS)}: set the environment variable KERAS_BACKEND before Keras is imported"
            )
        if nan_policy not in NAN_POLICIES:
            raise InputError(f"nan_policy is {nan_policy!r}: in Keras expected {' or '.join(map(repr, NAN_POLICIES))}")
        if formula is not None and loss not in losses:
            loss = _of_config(loss, parameters or {}, **formula)
        self.bound, self.nan_policy = bind_pointwise(loss, parameters or {}, "Keras"), nan_policy
        own = self.bound.loss.name if not self.bound.loss.is_text else "formula"  # no name of Keras's may have a /
        super().__init__(name=name or own, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the last axis."""
        a, b = tuple(y_true.shape), tuple(y_pred.shape)
        if a != b:
            if (*a, 1) != b and a != (*b, 1):  # Keras takes a column for a list, either way
                raise unlike(b, a)
            longer = max(a, b, key=len)
            y_true, y_pred = (keras.ops.reshape(y, longer) for y in (y_true, y_pred))
        function, parameters = function_of(self.bound.loss), self.bound.parameters
        values = function(y_pred, y_true, reduction="none", nan_policy=self.nan_policy, **parameters)
        if not values.shape:
            return values
        if self.nan_policy == "propagate":
            return keras.ops.mean(values, axis=-1)
        there = keras.ops.cast(keras.ops.logical_not(keras.ops.isnan(y_true)), values.dtype)
        count = keras.ops.sum(there, axis=-1)
        mean = keras.ops.divide(keras.ops.sum(values, axis=-1), keras.ops.maximum(count, 1))
        set_keras_mask(mean, keras.ops.greater(count, 0))
        return mean

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same loss again."""
        loss = self.bound.loss
        own = {"loss": loss.name, "parameters": dict(self.bound.parameters), "nan_policy": self.nan_policy}
        if loss.name not in BUILT_IN and not loss.is_text:
            own["formula"] = {"arrays": loss.written.arrays, "steps": stored(loss.written.expression)}
        return {**super().get_config(), **own}


def _of_config(name: str, parameters: Mapping[str, float], arrays: Any, steps: Any) -> Loss:
    """Return the loss of a configuration, which is plain data: nothing of it is run."""
    expression = restored([(primitive, value, tuple(places)) for primitive, value, places in steps])
    return declared(Formula(name, tuple(arrays), dict(parameters), expression))
