"""What type checkers and editors read of the faces: ``python -m normwise.stubs FOLDER`` writes their stubs.

`functional.pyi`, `nn/__init__.pyi` and `__init__.pyi` are written from the signatures of the functions and the classes
themselves, so a loss is in them once it is in the catalogue.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

import normwise
from normwise import _HOME, _MODULES, functional, nn
from normwise.catalogue import BUILT_IN, Loss, losses
from normwise.catalogue.declaration import of_text
from normwise.functional import face_of, function_of
from normwise.loss_functions.signature import TORCH_ORDER
from normwise.output import check_output, write_output
from normwise.typed_signatures import (
    NUMPY,
    STANDARD,
    TORCH,
    TYPES,
    WIDTH,
    Overload,
    changed,
    definition,
    indented,
    literal,
    of_method,
    overloaded,
    rows,
    summary_of,
    type_of,
)

HEAD = '"""{summary}"""\n\n# Written by `make docs` from the catalogue (normwise/stubs.py): edit that.'
ONE_NUMBER = {"reduction": literal(Literal["mean", "sum"]), "dim": "None", "keepdim": "Literal[False]"}
REDUCED = (
    Overload(NUMPY, "np.floating[Any]", ONE_NUMBER),
    Overload(NUMPY, "NDArray[Any] | Any"),
    Overload(TORCH, "Tensor"),
    Overload(STANDARD, "Any"),
)
"""Of lines that are reduced come numbers where there is one line only, hence the Any.

It also says that Any comes of arguments that are Any, as a model's output is. Without it pyright holds the result to be
unknown, for it does not know which overload is called, and complains.
"""
ELEMENTS = REDUCED[1:]
PAIR_MASKS = {"mask": "{array} | tuple[{array} | None, {array} | None]"}
NORMS: Mapping[str, Sequence[Overload]] = {
    "distance": ELEMENTS,
    "l1_norm": REDUCED,
    "l2_norm": REDUCED,
    "nearest": (
        Overload(NUMPY, "_Nearest[NDArray[Any]] | Any", PAIR_MASKS),
        Overload(TORCH, "_Nearest[Tensor]", PAIR_MASKS),
        Overload(STANDARD, "_Nearest[Any]", PAIR_MASKS),
    ),
    "norm": REDUCED,
    "pairwise": [each._replace(types=PAIR_MASKS) for each in ELEMENTS],
}
WITH_GRADIENT = (
    Overload(NUMPY, "tuple[np.floating[Any], NDArray[Any]] | Any", ONE_NUMBER),
    Overload(TORCH, "tuple[Tensor, Tensor]", ONE_NUMBER),
    Overload(STANDARD, "tuple[Any, Any]", ONE_NUMBER),
)

FUNCTIONAL_IMPORTS = '''
# The first overload is a special case of the second, of another type.
# pyright: reportOverlappingOverload=false
# mypy: disable-error-code="overload-overlap"

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from normwise.catalogue import Interval, Loss

_A = TypeVar("_A")

class _StandardArray(Protocol):
    """An array of the array API standard."""

    def __array_namespace__(self, *, api_version: Any = None) -> Any: ...

class _Nearest(NamedTuple, Generic[_A]):
    distances: _A
    indices: _A

NORMS: tuple[str, ...]
'''

NN_IMPORTS = """
# A parameter may be a tensor where torch's own is a number, and every argument has the name that it has in functional.
# pyright: reportPrivateUsage=false, reportIncompatibleVariableOverride=false, reportIncompatibleMethodOverride=false
# mypy: disable-error-code="assignment,misc,override"

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.modules.loss import _Loss

from normwise.catalogue import Loss

OTHERS: tuple[type[torch.nn.Module], ...]

def module_of(loss: Loss) -> type[torch.nn.Module]: ...
"""

NO_OTHER_ATTRIBUTES = "__getattr__: None  # torch says that a module has every attribute: no misspelt one would be seen"


class OtherModule(NamedTuple):
    """What the class of a module that is no loss of the catalogue does not say of itself."""

    function: Callable[..., Any]
    """The one whose options it takes."""
    attributes: Sequence[str]
    types: Mapping[str, str] = {}


OTHER_MODULES: Mapping[str, OtherModule] = {
    "AdaptiveBarronLoss": OtherModule(
        function_of(losses["barron_nll"]),
        (
            "alpha_bounds: tuple[float, float]",
            *("scale_init: float", "scale_floor: float"),
            *("latent_alpha: Parameter", "latent_scale: Parameter"),
            *("@property", "def alpha(self) -> Tensor: ...", "@property", "def c(self) -> Tensor: ..."),
        ),
        {"reduction": TYPES["reduction"]},
    ),
    "DistanceMatrix": OtherModule(
        normwise.pairwise,
        (f"metric: {TYPES['metric']}", "p: float | None", "parameters_of_metric: dict[str, float]"),
        PAIR_MASKS,
    ),
    "Norm": OtherModule(normwise.norm, ("p: float", "dim: int | tuple[int, ...] | None", "keepdim: bool")),
    "PairwiseDistance": OtherModule(normwise.distance, ()),
}


def functional_stub() -> str:
    """Return the text of `functional.pyi`."""
    options = inspect.signature(function_of(of_text("r")))
    further = (Parameter("arrays", Parameter.VAR_POSITIONAL), Parameter("parameters", Parameter.VAR_KEYWORD))
    own = changed(options, added=further)
    text = [HEAD.format(summary=summary_of(functional)), FUNCTIONAL_IMPORTS]
    for head, signature, overloads in (
        ("class _LossFunction(Protocol):\n    loss: Loss", own, REDUCED),
        ("class _ValueAndGradient(Protocol):", changed(own, {"dim", "keepdim"}), WITH_GRADIENT),
        ("class _Gradient(Protocol):", changed(own, {"reduction", "dim", "keepdim", "normalize"}), ELEMENTS),
    ):
        text += [head, indented(overloaded("__call__", of_method(signature), overloads))]
    for function in (face_of, function_of):
        text.append(definition(function.__name__, inspect.signature(function)))
    text.append(_loss_maker())
    for name, returns in {
        "gradient": "_Gradient",
        "hessian": "_Gradient",
        "value_and_grad": "_ValueAndGradient",
    }.items():
        function = getattr(functional, name)
        signature = inspect.signature(function)
        types = {"loss": TYPES["loss"]}
        text.append(definition(name, signature, types=types, returns=returns, summary=summary_of(function)))
    functions = {name: getattr(normwise, name) for name in NORMS}
    functions |= {losses[name].function: function_of(losses[name]) for name in BUILT_IN}
    for name, function in sorted(functions.items()):
        signature, summary = inspect.signature(function), summary_of(function)
        text.append(overloaded(name, signature, NORMS.get(name, REDUCED), summary))
    return "\n".join([*text, _public(functional)])


def _loss_maker() -> str:
    """The overloads of `normwise.loss`: of a text, of a function, and as a decorator with details."""
    signature, summary = inspect.signature(functional.loss), summary_of(functional.loss)
    of_function = {"arrays", "parameters"}
    texts = [
        definition(
            "loss",
            changed(signature, set(signature.parameters) - {"formula"} - of_function, required={"formula"}),
            types={"formula": "str"},
            returns="_LossFunction",
            summary=summary,
        ),
        definition(
            "loss",
            changed(signature, of_function, required={"formula"}),
            types={"formula": "Callable[..., Any]"},
            returns="_LossFunction",
            summary=summary,
        ),
        definition(
            "loss",
            changed(signature, of_function),
            types={"formula": "None"},
            returns="Callable[[Callable[..., Any]], _LossFunction]",
            summary=summary,
        ),
    ]
    return "".join(f"@overload\n{text}" for text in texts)


def nn_stub() -> str:
    """Return the text of `nn/__init__.pyi`."""
    modules = {losses[name].module: _loss_module(losses[name]) for name in BUILT_IN}
    modules |= {module.__name__: _other_module(module) for module in nn.OTHERS}
    parameters = (
        Parameter("reduction", Parameter.KEYWORD_ONLY, default="mean"),
        Parameter("parameters", Parameter.VAR_KEYWORD),
    )
    constructor = definition("__init__", of_method(Signature(parameters)), TORCH, returns="None")
    own = f"class _OwnLoss(_Loss):\n    loss: ClassVar[Loss]\n    {NO_OTHER_ATTRIBUTES}\n{indented(constructor)}"
    texts = [text for _, text in sorted(modules.items())]
    return "\n".join([HEAD.format(summary=summary_of(nn)), NN_IMPORTS, own, *texts, _public(nn)])


def _loss_module(loss: Loss) -> str:
    module = getattr(nn, loss.module)
    signature = inspect.signature(function_of(loss))
    attributes = [f"{name}: {type_of(signature.parameters[name], TORCH)}" for name in loss.parameters]
    if loss.name in TORCH_ORDER:
        constructor = inspect.signature(getattr(torch.nn, loss.module))
        unannotated = [p.replace(annotation=Parameter.empty) for p in constructor.parameters.values()]
        constructor = constructor.replace(parameters=unannotated)
        attributes[:0] = ["loss: ClassVar[Loss]", NO_OTHER_ATTRIBUTES]
    else:
        names = ("reduction", *loss.parameters)
        arguments = [signature.parameters[name].replace(kind=Parameter.KEYWORD_ONLY) for name in names]
        constructor = Signature(arguments)
    forward = changed(signature, {"reduction", "size_average", "reduce", *loss.parameters}, keywords=True)
    return _class(module, attributes, constructor, forward)


def _other_module(module: type[torch.nn.Module]) -> str:
    """The class of a module that is written by hand: it takes those options of a function that it does not hold."""
    other, constructor = OTHER_MODULES[module.__name__], inspect.signature(module)
    arrays = [p for p in inspect.signature(module.forward).parameters.values() if p.kind is not p.VAR_KEYWORD][1:]
    held = {*constructor.parameters, *(name for name in ("alpha", "c") if hasattr(module, name))}
    rest = [*inspect.signature(other.function).parameters.values()][len(arrays) :]
    options = [p.replace(kind=p.KEYWORD_ONLY) for p in rest if p.default is not p.empty and p.name not in held]
    forward = Signature([*arrays, *options])
    return _class(module, (NO_OTHER_ATTRIBUTES, *other.attributes), constructor, forward, other.types)


def _class(
    module: type[torch.nn.Module],
    attributes: Iterable[str],
    constructor: Signature,
    forward: Signature,
    types: Mapping[str, str] = {},
) -> str:
    [base] = module.__bases__
    base_name = base.__name__ if base.__name__.startswith("_") else f"torch.nn.{base.__name__}"
    members = [
        *attributes,
        definition("__init__", of_method(constructor), TORCH, types, "None").rstrip("\n"),
        *(
            definition(name, of_method(forward), TORCH, types, "Tensor").rstrip("\n")
            for name in ("forward", "__call__")
        ),
    ]
    head = f'class {module.__name__}({base_name}):\n    """{summary_of(module)}"""\n\n'
    return head + indented("\n".join(members) + "\n")


def package_stub() -> str:
    """Return the text of `__init__.pyi`."""
    homes = {name: _home(name) for name in dir(normwise)}
    text = [HEAD.format(summary=summary_of(normwise)), "\nfrom collections.abc import Mapping\n"]
    for home, names in groupby(sorted(homes, key=lambda name: (homes[name], name)), homes.__getitem__):
        listed = [*names]
        line = f"from {home} import {', '.join(listed)}"
        text.append(line if len(line) <= WIDTH else f"from {home} import (\n" + rows(listed) + ")")
    text.append("\n_HOME: Mapping[str, str]\n_MODULES: tuple[str, ...]\n__version__: str\n")
    return "\n".join([*text, _public(normwise)])


def _home(name: str) -> str:
    """The module whose stub has a public name."""
    if name in _MODULES:
        return "normwise"
    return "normwise.functional" if name in dir(functional) else _HOME[name]


def _public(module: Any) -> str:
    names = [f'"{name}"' for name in dir(module)]
    return f"__all__ = [\n{rows(names)}]\n"


STUBS: Mapping[str, Callable[[], str]] = {
    "__init__.pyi": package_stub,
    "functional.pyi": functional_stub,
    "nn/__init__.pyi": nn_stub,
}


def main(arguments: Sequence[str]) -> None:
    """Write the stubs into a folder: that of the package."""
    [folder] = arguments
    for file, text_of in STUBS.items():
        check_output(Path(folder, file))
        write_output(Path(folder, file), text_of())


if __name__ == "__main__":
    main(sys.argv[1:])
