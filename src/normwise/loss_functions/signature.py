"""The public function of a loss as text: its signature, the checks of its plain arguments, its docstring.

A call's options stand in `Options`, once; the functions have them with its defaults.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from normwise.catalogue import Loss
from normwise.catalogue.declaration import Interval
from normwise.loss_functions.options import Options

TORCH_ORDER: Mapping[str, tuple[str, ...]] = {
    "l1": ("size_average", "reduce", "reduction", "weight"),
    "mse": ("size_average", "reduce", "reduction", "weight"),
    "smooth_l1": ("size_average", "reduce", "reduction", "beta"),
    "huber": ("reduction", "delta", "weight"),
    "gaussian_nll": ("full", "eps", "reduction"),
    "poisson_nll": ("log_input", "full", "size_average", "eps", "reduce", "reduction"),
}
"""The arguments that torch's own losses take by position after their arrays."""

_OPTIONS: Mapping[str, Any] = Options._field_defaults
_KEYWORDS: Mapping[str, Any] = {"reduction": "mean", **_OPTIONS}
_DEPRECATED: Mapping[str, Any] = {"size_average": None, "reduce": None}


def source(loss: Loss) -> str:
    """Return the text of a loss's function: its signature, the checks of its plain arguments, the call.

    What is not an argument has a name that begins with two underscores, which no argument's does.
    """
    defaults = {**_DEPRECATED, **_KEYWORDS, **loss.parameters}
    positional = TORCH_ORDER.get(loss.name, ())
    keywords = [name for name in (*loss.parameters, *_KEYWORDS) if name not in positional]
    arrays = ", ".join(("input", "target", *loss.further_arrays))
    positional = tuple(name for name in positional if name not in loss.further_arrays)
    arguments = [f"{name}={_literal(defaults[name])}" for name in positional]
    arguments += ["*", *(f"{name}={_literal(defaults[name])}" for name in keywords)]
    deprecated = ", size_average, reduce" if "size_average" in positional else ""
    legacy = " or size_average is not None or reduce is not None" if deprecated else ""
    lines = [
        f"def {loss.function}({arrays}, {', '.join(arguments)}):",
        f'    if reduction not in ("mean", "sum", "none"){legacy}:',
        f"        reduction = __reduction_of(reduction{deprecated})",
    ]
    for name, default in loss.parameters.items():
        # A default is in its domain; what a caller gave is checked.
        lines.append(f"    if __type({name}) is not __{type(default).__name__} or {name} != {_literal(default)}:")
        lines.append(f"        {name} = __parameter(__loss, {name!r}, {name})")
        lines += ["    else:", f"        {name} = {_literal(default)}"]  # a compiler's symbol becomes a number
    parameters = "".join(f"{name}, " for name in loss.parameters)
    unlike = {name: "!=" if isinstance(default, str) else "is not" for name, default in _OPTIONS.items()}
    asked = " or ".join(f"{name} {unlike[name]} {default!r}" for name, default in _OPTIONS.items())
    lines += [
        "    __options = None",
        f"    if {asked}:",
        f"        __options = __options_of(__loss, reduction, {', '.join(_OPTIONS)})",
    ]
    # An array may be given for a parameter, and a number for an array beside prediction and target.
    unusual = [f"__is_number({name})" for name in loss.further_arrays]
    unusual += [f"__type({name}) is not __{type(default).__name__}" for name, default in loss.parameters.items()]
    if unusual:
        given = ", ".join(f"{name!r}: {name}" for name in (*loss.further_arrays, *loss.parameters))
        lines.append(f"    if {' or '.join(unusual)}:")
        lines.append(f"        return __mixed(__faces, __loss, input, target, {{{given}}}, reduction, __options)")
    lines.append(f"    return __faces[__type(input)](__loss, ({arrays}), ({parameters}), reduction, __options)")
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    """A default as a function's text has it."""
    return f"__float('{value}')" if isinstance(value, float) and not math.isfinite(value) else repr(value)


def docstring(loss: Loss) -> str:
    """Return the docstring of a loss's function."""
    summary, _, rest = loss.documentation.partition("\n")
    parameters = "".join(
        f"{name} : bool\n    {default} by default.\n"
        if isinstance(default, bool)
        else f"{name} : float, or array\n    In {loss.domain.get(name, Interval())}; {default:g} by default. "
        "An array broadcasts to the shape of the loss; gradients flow to it.\n"
        for name, default in loss.parameters.items()
    )
    further = "".join(
        f"{name} : array, or float\n    In {loss.domain.get(name, Interval())}. "
        "Broadcastable to the shape of the loss, or one number for each row, as in torch (of the input's shape without "
        "its last dimension). "
        "Gradients flow to it.\n"
        for name in loss.further_arrays
    )
    by = {"weight": "the sum of the weights (the count without any)", "count": "the count"}[loss.divisor]
    return _DOCSTRING.format(
        summary=summary, rest=rest, latex=loss.written.latex(), further=further, parameters=parameters, by=by
    )


_DOCSTRING = """{summary}
{rest}

.. math:: {latex}

with r = input - target.

Parameters
----------
input, target : torch tensor, NumPy array, or array of the array API standard
    Predictions and true values, of one shape and a real floating dtype; dtypes are promoted. Half precision is computed
    in float32.
{further}{parameters}reduction : {{"mean", "sum", "none"}}
    The mean divides by {by}, unless `normalize` says otherwise. The mean of nothing is nan.
weight : array, optional
    Broadcastable to the shape of the loss, and 0 or more; each element's loss is multiplied with it. Gradients flow to
    it. Where the weights are all 0, a mean that divides by their sum is nan.
mask : array of bool, optional
    Broadcastable to the shape of the loss. Where it is False the element does not exist: it is not counted, and its
    value and its gradients are exactly 0, even where it is nan or infinite. Where it is False everywhere the mean is
    nan, and the gradients are 0.
nan_policy : {{"propagate", "omit", "raise"}}
    What a nan does: show in the result; drop the elements whose target is nan, as a mask does (a nan in the input
    always shows); or raise.
dim : int or tuple of int, optional
    The dimensions that are reduced: all by default.
keepdim : bool
    Whether the reduced dimensions stay, with length 1.
normalize : {{"weight", "count"}}, number or 0-d array, optional
    What the mean divides by: the sum of the weights, the number of elements that are not dropped, or a number, such as
    the count of a larger batch of which this call sees a part. By default {by}. torch's DistributedDataParallel
    averages gradients over the ranks: there, that count divided by the number of ranks gives the gradient of the batch.
broadcast : bool
    Whether input and target may differ in shape and broadcast.

Returns
-------
array of the input's kind
    0-d, or of the dimensions that `dim` leaves, or of the input's shape for ``reduction="none"``. A sum over all
    dimensions is accumulated in float64; the result has the promoted dtype, float32 at least for a sum or mean.

Raises
------
ShapeMismatchError
    Where shapes differ, and `broadcast` is false or does not help; where a weight or a mask does not broadcast.
ParameterError
    Where a parameter leaves its domain.
DimensionError
    Where `dim` is out of range or names a dimension twice.
InputError
    Where a weight is negative (looked at on the CPU only), or a nan is there and `nan_policy` is ``"raise"``; where an
    argument is none of the above.
"""
