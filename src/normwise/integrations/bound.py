"""A loss with its parameters, as the libraries keep one: copied, pickled and called by rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from normwise.catalogue import Loss
from normwise.checks import check_broadcasts
from normwise.errors import InputError, ShapeMismatchError
from normwise.functional import function_of
from normwise.loss_functions.choice import loss_with
from normwise.loss_functions.options import check_is_pointwise


@dataclass(frozen=True, eq=False)
class Bound:
    """A loss with all its parameters.

    A copy of it is itself.
    """

    loss: Loss
    parameters: dict[str, float]

    def __deepcopy__(self, memo: Any) -> Self:
        return self


def bind(loss: Any, given: Mapping[str, Any]) -> Bound:
    """Return a loss (its name, ``"huber:delta=2"``, a text, its function, or itself) with these parameters."""
    return Bound(*loss_with(loss, given))


def bind_two(loss: Any, given: Mapping[str, Any], caller: str) -> Bound:
    """Return a loss with its parameters, where the library that calls it brings prediction and target alone.

    Raises
    ------
    InputError
        Where the loss reads further arrays.
    """
    bound = bind(loss, given)
    further = bound.loss.further_arrays
    if further:
        raise InputError(
            f"{bound.loss.name} reads {', '.join(further)} beside prediction and target, which {caller} does not bring"
        )
    return bound


def bind_pointwise(loss: Any, given: Mapping[str, Any], caller: str) -> Bound:
    """Return a loss as `bind_two` does, where the library asks for values or derivatives of each element.

    Raises
    ------
    InputError
        Where the loss is made of means, too.
    """
    bound = bind_two(loss, given, caller)
    check_is_pointwise(bound.loss)
    return bound


@dataclass(frozen=True, eq=False)
class Outputs:
    """A loss for each of several outputs, with parameters of its own; or one for however many there are."""

    bounds: tuple[Bound, ...]
    text: str

    def of(self, shape: tuple[int, ...]) -> tuple[Bound, ...]:
        """Return one for each output of predictions of this shape."""
        width = shape[1] if len(shape) > 1 else 1
        if len(self.bounds) not in (1, width):
            raise ShapeMismatchError(
                f"the predictions are {shape}, but {self.text} has {len(self.bounds)} outputs: give the booster as many"
            )
        return self.bounds if len(self.bounds) == width else self.bounds * width

    def __deepcopy__(self, memo: Any) -> Self:
        return self


def outputs_of(bind: Callable[..., Bound], loss: Any, given: Mapping[str, Any], caller: str) -> Outputs:
    """Return a loss for each output, of parameters that are numbers, or sequences with a number for each output."""
    several = {name: list(value) for name, value in given.items() if np.ndim(value) == 1}
    counts = {name: len(value) for name, value in several.items()}
    if len({*counts.values()}) > 1 or 0 in counts.values():
        lengths = ", ".join(f"{name} of {count}" for name, count in counts.items())
        raise InputError(f"the parameters are for several outputs, but differ in their number: {lengths}")
    one = dict(given)
    bounds = tuple(
        bind(loss, one | {name: value[i] for name, value in several.items()}, caller)
        for i in range(max(counts.values(), default=1))
    )
    first = bounds[0]
    values = {
        name: [b.parameters[name] for b in bounds] if name in several else v for name, v in first.parameters.items()
    }
    return Outputs(bounds, ", ".join([repr(first.loss.name), *(f"{name}={value!r}" for name, value in values.items())]))


_READ = (np.dtype(np.float32), np.dtype(np.float64))


def real(given: Any) -> Any:
    """Return what a library hands over as an array of float32 or float64 that the kernels can read."""
    array = np.asarray(given)
    return np.require(array, None if array.dtype in _READ else np.float64, "A")


def rows(prediction: Any, target: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return the three as arrays of the prediction's shape; a weight is one for each row, or None."""
    prediction, target = real(prediction), real(target)
    if target.shape != prediction.shape:  # the boosters flatten the targets of several outputs
        if target.size == prediction.size:
            target = target.reshape(prediction.shape)
        elif prediction.ndim == 2 and target.shape in (prediction.shape[:1], (prediction.shape[0], 1)):
            target = np.broadcast_to(target.reshape(-1, 1), prediction.shape)  # one target for all outputs
        else:
            raise unlike(prediction.shape, target.shape)
    if weight is None or np.size(weight) == 0 != prediction.size:  # XGBoost's way to say that there are none
        return prediction, target, None
    weight = real(weight)
    weight = weight.reshape(weight.shape + (1,) * (prediction.ndim - weight.ndim))
    check_broadcasts("weight", weight.shape, prediction.shape)
    return prediction, target, np.broadcast_to(weight, prediction.shape)


def unlike(prediction: tuple[int, ...], target: tuple[int, ...]) -> ShapeMismatchError:
    """Return the error of shapes that differ, in the words of libraries that offer no broadcasting."""
    return ShapeMismatchError(f"y_pred is {prediction} but y_true is {target}: expected one prediction for each target")


class Score:
    """The mean loss as a function of ``(y_true, y_pred, sample_weight=None)``, the form of scikit-learn's metrics.

    As theirs, and unlike some losses' own functions, it divides by the sum of the weights.
    """

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self.__name__ = outputs.bounds[0].loss.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        prediction, target, weight = rows(y_pred, y_true, sample_weight)
        function = function_of(self.outputs.bounds[0].loss)

        def mean(bound: Bound, *arrays: Any) -> float:
            prediction, target, weight = arrays
            return float(function(prediction, target, weight=weight, normalize="weight", **bound.parameters))

        if len(self.outputs.bounds) == 1:
            return mean(self.outputs.bounds[0], prediction, target, weight)
        columns = (
            [array if array is None else array[:, i] for array in (prediction, target, weight)]
            for i in range(len(self.outputs.of(prediction.shape)))
        )
        return float(
            np.mean([mean(bound, *column) for bound, column in zip(self.outputs.bounds, columns, strict=True)])
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.outputs.text})"
