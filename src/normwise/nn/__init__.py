"""The losses as torch modules, one class for each entry of the catalogue; and those of norms and distances.

The classes of torch's own losses are subclasses of torch's, with its constructors and attributes. The others take their
parameters and the reduction by keyword. All of them take a weight, a mask and the other options of their function when
they are called. A parameter of a loss may be a number, a tensor, or a `torch.nn.Parameter`, which learns.

Examples
--------
>>> import torch
>>> from normwise.nn import QuantileLoss
>>> criterion = QuantileLoss(q=0.9)
>>> criterion
QuantileLoss(q=0.9)
>>> criterion(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 2.0]))
tensor(0.4500)
"""

from __future__ import annotations

import copyreg
import functools
from typing import Any

from normwise.errors import missing, no_attribute

try:
    import torch
except ModuleNotFoundError as error:
    raise missing(__name__, "'normwise[torch]'", error) from error

from normwise.catalogue import BUILT_IN, Loss, losses
from normwise.functional import function_of
from normwise.libraries.torch_internals import Loss as _Loss
from normwise.loss_functions.signature import TORCH_ORDER
from normwise.nn.adaptive import AdaptiveBarronLoss
from normwise.nn.norms import DistanceMatrix, Norm, PairwiseDistance
from normwise.nn.scripts import readable

OTHERS = (AdaptiveBarronLoss, DistanceMatrix, Norm, PairwiseDistance)
"""The modules that are no entries of the catalogue."""


class _OwnLoss(_Loss):
    """What the modules of the losses share that torch does not have."""

    loss: Loss

    def __init__(self, *, reduction: str = "mean", **parameters: float) -> None:
        super().__init__(reduction=reduction)
        known = self.loss.parameters
        for name in parameters:
            if name not in known:
                expected = ", ".join([*known, "reduction"])
                raise TypeError(f"{self.loss.module} has no argument {name!r}; it has {expected}")
        for name, default in known.items():
            _hold(self, name, parameters.get(name, default))

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.loss.parameters)


_OWN = _OwnLoss.__new__(_OwnLoss)
_Loss.__init__(_OWN)
"""What any module of ours has beside a loss's parameters."""


def _hold(module: torch.nn.Module, name: str, value: Any) -> None:
    """Keep a parameter of a loss: a number, a tensor that moves with the module, or a `torch.nn.Parameter`."""
    if isinstance(value, (list, tuple)):
        value = torch.tensor(value)
    if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter):
        module.__dict__.pop(name, None)
        module.register_buffer(name, value, persistent=False)
    else:
        setattr(module, name, value)


def _constructor(base: type[torch.nn.Module], loss: Loss) -> Any:
    """The constructor of a module of torch's, which lets the loss's parameters be tensors too."""

    @functools.wraps(base.__init__)
    def __init__(self: torch.nn.Module, *arguments: Any, **given: Any) -> None:
        kinds = (torch.Tensor, list, tuple)
        others = {name: given[name] for name in loss.parameters if isinstance(given.get(name), kinds)}
        base.__init__(self, *arguments, **{n: v for n, v in given.items() if n not in others})
        for name, value in others.items():
            _hold(self, name, value)

    return __init__


class _OwnClass(type):
    """The class of the classes that no process has before their loss is declared: they are pickled by it."""


def _pickled(module: Any) -> Any:
    loss: Loss = module.loss
    if module is module_of(loss):
        return module_of, (loss,)
    return module.__qualname__  # a class derived from it stands somewhere


copyreg.pickle(_OwnClass, _pickled)


def module_of(loss: Loss) -> type[torch.nn.Module]:
    """Return the class of a loss."""
    module = loss.derived.get("module")
    if module is None:
        module = loss.derived.setdefault("module", _class_of(loss))
    return module  # type: ignore[no-any-return]


def _class_of(loss: Loss) -> type[torch.nn.Module]:
    base = getattr(torch.nn, loss.module) if loss.name in TORCH_ORDER else _OwnLoss
    for name in (*loss.parameters, *loss.further_arrays):
        if name in ("loss", "self") or (name in loss.parameters and hasattr(_OWN, name)):
            raise TypeError(
                f"{loss.module} has no room for the argument {name}: every module has something of that name"
            )
    text = f"{loss.documentation}\n\nThe module of `normwise.functional.{loss.function}`."
    members = {"loss": loss, "forward": _forward(loss), "__doc__": text, "__module__": __name__}
    members["__constants__"] = ["reduction"]  # torch has its parameters there too, which may be tensors here
    if loss.name in TORCH_ORDER and loss.parameters:
        members["__init__"] = _constructor(base, loss)
    kind = type if loss.name in BUILT_IN else _OwnClass
    module: Any = kind(loss.module, (base,), members)  # pyright: ignore[reportCallIssue]
    return readable(module)  # type: ignore[no-any-return]


def _forward(loss: Loss) -> Any:
    """The forward method of a loss: its function, with the parameters and the reduction that the module holds."""
    arrays = ", ".join(("input", "target", *loss.further_arrays))
    own = "".join(f", {name}=self.{name}" for name in ("reduction", *loss.parameters))
    # Written out, for small tensors feel every step: no loop over the parameters, and no unpacking of nothing.
    options = "__options" if "options" in loss.further_arrays else "options"
    plain, asked = f"__function({arrays}{own})", f"__function({arrays}{own}, **{options})"
    text = f"lambda self, {arrays}, **{options}: {asked} if {options} else {plain}"
    forward = eval(text, {"__function": function_of(loss)})
    forward.__name__, forward.__qualname__ = "forward", f"{loss.module}.forward"
    return forward


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    for loss in losses.values():
        if loss.module == name:
            return module_of(loss)
    raise no_attribute(__name__, name, __dir__())


def __dir__() -> list[str]:
    return sorted([*(module.__name__ for module in OTHERS), *(loss.module for loss in losses.values())])
