"""normwise: norms, distances and regression losses; one formula, every engine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normwise import functional as functional
    from normwise import nn as nn
    from normwise import scores as scores
    from normwise.acceleration import accelerate as accelerate
    from normwise.accumulator import Accumulator as Accumulator
    from normwise.catalogue import losses as losses
    from normwise.conversion import convert as convert
    from normwise.conversion import from_torch as from_torch
    from normwise.errors import ShapeMismatchError as ShapeMismatchError
    from normwise.evaluation import evaluate as evaluate
    from normwise.explanation import explain as explain
    from normwise.functional import gradient as gradient
    from normwise.functional import hessian as hessian
    from normwise.functional import loss as loss
    from normwise.functional import value_and_grad as value_and_grad
    from normwise.norms.api import distance as distance
    from normwise.norms.api import l1_norm as l1_norm
    from normwise.norms.api import l2_norm as l2_norm
    from normwise.norms.api import norm as norm
    from normwise.pairs.api import nearest as nearest
    from normwise.pairs.api import pairwise as pairwise

__version__ = "0.1.0"

_HOME = {
    "Accumulator": "normwise.accumulator",
    "ShapeMismatchError": "normwise.errors",
    "accelerate": "normwise.acceleration",
    "convert": "normwise.conversion",
    "distance": "normwise.norms.api",
    "gradient": "normwise.functional",
    "hessian": "normwise.functional",
    "evaluate": "normwise.evaluation",
    "explain": "normwise.explanation",
    "from_torch": "normwise.conversion",
    "loss": "normwise.functional",
    "losses": "normwise.catalogue",
    "l1_norm": "normwise.norms.api",
    "l2_norm": "normwise.norms.api",
    "nearest": "normwise.pairs.api",
    "norm": "normwise.norms.api",
    "pairwise": "normwise.pairs.api",
    "value_and_grad": "normwise.functional",
}
"""Where each public name lives. A name is loaded at its first use, so importing normwise loads no array library."""

_MODULES = ("errors", "formula", "functional", "integrations", "nn", "scores")


def __getattr__(name: str) -> Any:
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
    return sorted({*globals(), *_HOME, *_MODULES, *_functions()})


def _functions() -> list[str]:
    return dir(import_module("normwise.functional"))
