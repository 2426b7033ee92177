"""normwise: norms, distances and regression losses; one formula, every engine."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Accumulator": "normwise.accumulator",
    "ShapeMismatchError": "normwise.errors",
    "accelerate": "normwise.acceleration",
    "convert": "normwise.conversion",
    "distance": "normwise.norms",
    "gradient": "normwise.functional",
    "hessian": "normwise.functional",
    "evaluate": "normwise.evaluation",
    "explain": "normwise.explanation",
    "from_torch": "normwise.conversion",
    "loss": "normwise.functional",
    "losses": "normwise.catalogue",
    "l1_norm": "normwise.norms",
    "l2_norm": "normwise.norms",
    "nearest": "normwise.pairs",
    "norm": "normwise.norms",
    "pairwise": "normwise.pairs",
    "value_and_grad": "normwise.functional",
}
"""Where each public name lives. A name is loaded at its first use, so importing normwise loads no array library."""

_MODULES = ("errors", "formula", "functional", "integrations", "nn", "scores")


def __getattr__(name: str) -> Any:
    if name == "__all__":  # for `import *`, which fails where a module cannot be imported: nn needs torch
        this = sys.modules[__name__]
        return [public for public in __dir__() if public not in _MODULES or hasattr(this, public)]
    if name in _MODULES:
        try:
            return import_module(f"normwise.{name}")
        except ModuleNotFoundError as error:  # an attribute that is not there is what hasattr, help and inspect expect
            raise AttributeError(str(error)) from error
    from normwise.errors import absent, no_attribute

    if name not in _HOME and (not name.endswith("_loss") or name not in _functions()):
        raise no_attribute(__name__, name, __dir__())
    try:
        found = getattr(import_module(_HOME.get(name, "normwise.functional")), name)
    except ModuleNotFoundError as error:
        return absent(name, error)
    if not name.endswith("_loss") or found.loss.name in import_module("normwise.catalogue").BUILT_IN:
        globals()[name] = found  # a loss of one's own may yet be redefined
    return found


def __dir__() -> list[str]:
    return sorted({*_HOME, *_MODULES, *_functions()})


def _functions() -> list[str]:
    return dir(import_module("normwise.functional"))
