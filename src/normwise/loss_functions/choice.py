"""Which loss is meant, by a name, a text, a function or itself, and its parameters as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any, cast

from normwise.catalogue import Loss, losses
from normwise.catalogue.declaration import of_text
from normwise.catalogue.registry import ALIASES
from normwise.checks import size_of
from normwise.errors import (
    InputError,
    ParameterError,
    near_names,
)
from normwise.formula.parse import as_read


def find_loss(name: str | Loss | Any) -> Loss:
    """The loss of a name (``"mse"``, ``"mse_loss"``), of a function of `normwise.functional`, or itself."""
    if isinstance(name, Loss):
        return name
    declared = getattr(name, "loss", None)
    # A function of one's own stands in an object that pickles.
    if isinstance(declared, Loss) and isinstance(getattr(name, "__wrapped__", name), (FunctionType, partial, type)):
        return declared
    if not isinstance(name, str):
        raise _no_loss(name, declared)
    known = ALIASES.get(name, name)
    found = losses.get(known) or losses.get(known.removesuffix("_loss"))
    if found is None and not name.isidentifier() and ":" not in name:
        return of_text(name)
    if found is None:
        raise InputError(f"there is no loss {name!r}: {near_names(name, losses)}")
    return found


def _no_loss(given: Any, declared: object) -> InputError:
    if isinstance(declared, Loss):  # a module, say: its parameters would be lost without a word
        holder = type(given).__name__
        return InputError(f"{holder} holds parameters of its own: name the loss with them, as {declared.name}:param=1")
    what = getattr(given, "__name__", None) or f"the {type(given).__name__} {given!r}"
    return InputError(f"{what} is no loss: expected a name, as 'huber', a formula as text, or normwise.huber_loss")


def parse_loss(text: str) -> tuple[Loss, dict[str, float]]:
    """The loss and the parameters of a text such as ``"smooth_l1:beta=10"``, or ``"log(cosh(r / s)):s=2"``.

    Examples
    --------
    >>> loss, parameters = parse_loss("smooth_l1:beta=10")
    >>> loss.name, parameters
    ('smooth_l1', {'beta': 10.0})
    >>> loss, parameters = parse_loss("log(cosh(r / s)):s=2")
    >>> loss.name, parameters
    ('log(cosh(r / s))', {'s': 2.0})
    """
    loss, given = read_loss(text)
    return bound(loss, given)


def loss_with(loss: Any, given: Mapping[str, Any]) -> tuple[Loss, dict[str, float]]:
    """The loss that a name, a text such as those of `parse_loss`, a function or itself is, with all its parameters.

    Examples
    --------
    >>> loss, parameters = loss_with("log(cosh(r / s))", {"s": 2.0})
    >>> loss.name, parameters
    ('log(cosh(r / s))', {'s': 2.0})
    """
    return bound(*read_loss(loss, given)) if isinstance(loss, str) else bound(find_loss(loss), given)


def read_loss(text: str, further: Mapping[str, Any] | None = None) -> tuple[Loss, dict[str, Any]]:
    """The loss of a text and what it is given: numbers, and the words that are none, such as names of columns."""
    name, _, assignments = (part.strip() for part in text.partition(":"))
    given: dict[str, Any] = {}
    for assignment in filter(None, assignments.split(",")):
        parameter, equals, value = (part.strip() for part in assignment.partition("="))
        parameter = as_read(parameter)
        if not equals:
            raise InputError(f"{text!r} gives {name} {assignment!r}; write parameter=number, as in {_example(name)}")
        if parameter in given:
            raise InputError(f"{text!r} gives {parameter} twice: give it once")
        try:
            given[parameter] = float(value)
        except ValueError:
            given[parameter] = value
    given |= further or {}
    if name.isidentifier():
        return find_loss(name), given
    arrays = tuple(parameter for parameter, value in given.items() if isinstance(value, str))
    return of_text(name, arrays, {n: v for n, v in given.items() if n not in arrays}), given


def bound(loss: Loss, given: Mapping[str, Any]) -> tuple[Loss, dict[str, float]]:
    """The loss of which the further arrays that are given are numbers, and all its parameters."""
    read = loss.reading(tuple(name for name in loss.further_arrays if name not in given))
    return read, bind_parameters(read, given)


def _example(name: str) -> str:
    parameters: Mapping[str, float] = losses[name].parameters if name in losses else {}
    return f"{name}:{','.join(f'{n}={value:g}' for n, value in (parameters or {'scale': 1.0}).items())}"


def bind_parameters(loss: Loss, given: Mapping[str, Any]) -> dict[str, float]:
    """All parameters of a loss: those given, checked against their domain, and the others' defaults."""
    bound = dict(loss.parameters)
    for name, value in ((as_read(name), value) for name, value in given.items()):
        if name not in bound:
            known = f"it has {', '.join(bound)}" if bound else "it has none"
            raise InputError(f"{loss.name} has no parameter {name!r}: {near_names(name, bound) if bound else known}")
        bound[name] = bind_parameter(loss, name, value)
    return bound


def parameter_of(loss: Loss, name: str, given: Any) -> Any:
    """One parameter of a call: a plain number, checked, or what is to be an array, whose numbers a face will check."""
    if isinstance(given, (list, tuple)):
        return cast("Sequence[float]", given)
    if is_proxy(given):
        return given
    if size_of(getattr(given, "shape", ())) != 1 or getattr(given, "requires_grad", False):
        return given
    try:
        return bind_parameter(loss, name, given)
    except InputError as error:
        if hasattr(given, "shape") and not isinstance(error, ParameterError):  # a number that is not yet known
            return given
        raise


def is_number(given: Any) -> bool:
    """Whether it is one number: Python's own, or a scalar or 0-d array of NumPy's, also beside another library's."""
    return isinstance(given, (float, int)) or (type(given).__module__ == "numpy" and given.shape == ())


def is_proxy(given: object) -> bool:
    """Whether it stands for an array that is not there yet, as a symbol of torch.fx does."""
    return hasattr(type(given), "__torch_function__") and not hasattr(type(given), "__array__")


def bind_parameter(loss: Loss, name: str, given: Any) -> float:
    """One parameter as a plain number; `ParameterError` where it leaves its domain, in torch's words if it has any."""
    if name in loss.flags:
        return _flag(loss, name, given)
    try:
        if isinstance(given, str):
            raise TypeError
        value = float(given)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: torch's, for a tensor of several elements
        raise InputError(f"{loss.name} takes a real number for {name}, not {given!r}") from None
    domain = loss.domain.get(name)
    # A number in place of an array is as an array of it: a nan shows in the result.
    if domain is None or value in domain or (math.isnan(value) and name in loss.further_arrays):
        return value
    raise ParameterError(f"{_unsupported(loss, name)} Given {name}={value:g}; expected a number in {domain}")


def _unsupported(loss: Loss, name: str) -> str:
    domain = loss.domain[name]
    if domain.low == 0 and domain.high == float("inf"):
        kind = "negative" if 0.0 in domain else "non-positive"
        return f"{loss.function} does not support {kind} values for {name}."
    return f"{loss.function} does not support this value for {name}."


def check_inside(loss: Loss, name: str, outside: float) -> None:
    """Raise `ParameterError` where numbers of an array leave the domain of what they are given for."""
    if outside:
        domain = loss.domain[name]
        least = f"{name} {'>=' if domain.low in domain else '>'} {domain.low:g}"
        raise ParameterError(
            f"{_unsupported(loss, name)} Some of {name} are not in {domain}: a mask leaves their elements out, as in "
            f"mask={least}"
        )


def _flag(loss: Loss, name: str, given: Any) -> bool:
    if isinstance(given, (bool, int, float)) and given in (0, 1):
        return bool(given)
    raise InputError(f"{loss.function} takes True or False for {name}, not {given!r}")
