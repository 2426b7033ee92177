"""Autograd functions under the names of what they compute, as ``grad_fn``, the profiler and anomaly mode show them."""

from __future__ import annotations

from typing import Any

from normwise.catalogue import losses
from normwise.formula.caches import per_formula


@per_formula
def under_name(function: Any, name: str) -> Any:
    """Return an autograd function under the name of a formula, in torch's style: ``MseLoss``, ``L2Norm``."""
    if name in losses:
        name = losses[name].function
    if name.isidentifier():
        name = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    return type(function)(name, (function,), {"__module__": function.__module__, "__doc__": function.__doc__})
