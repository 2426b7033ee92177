"""What type checkers and editors read of the faces: ``python -m normwise.stubs FOLDER`` writes their stubs.

`functional.pyi`, `nn.pyi` and `__init__.pyi` are written from the signatures of the functions and the classes
themselves, so a loss is in them once it is in the catalogue. Where an argument is annotated its annotation counts; the
tables here say the types of all others, which differ from one kind of arrays to the next.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import Parameter, Signature
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch

import normwise
from normwise import _HOME, _MODULES, functional, nn
from normwise.catalogue import BUILT_IN, Loss, losses
from normwise.catalogue.declaration import Divisor, Kind, of_text
from normwise.functional import TORCH_ORDER, face_of, function_of
from normwise.output import check_output, write_output
from normwise.plan import NanPolicy
from normwise.sums import Reduction

HEAD = '"""{summary}"""\n\n# Written by `make docs` from the catalogue (normwise/stubs.py): edit that.'
WIDTH = 120


class ArrayKind(NamedTuple):
    """The arrays of a library, as a stub writes their types."""

    array: str
    number: str
    """What a parameter of a loss may be."""


NUMPY = ArrayKind("NDArray[Any]", "float | np.floating[Any] | NDArray[Any]")
TORCH = ArrayKind("Tensor", "float | Tensor")
STANDARD = ArrayKind("_StandardArray", "float | _StandardArray")


class Overload(NamedTuple):
    """What a function returns for a kind of arrays, where some arguments have types of their own."""

    kind: ArrayKind
    returns: str
    types: Mapping[str, str] = {}


def _literal(words: object) -> str:
    """The type of one of several words, from the alias of our own that lists them."""
    return f"Literal[{', '.join(map(_default, get_args(words)))}]"


def _default(value: Any) -> str:
    """A value as a stub writes it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


TYPES: Mapping[str, str] = {
    **dict.fromkeys(("input", "target", "x", "a", "b", "weight", "mask"), "{array}"),
    "reduction": _literal(Reduction),
    "nan_policy": _literal(NanPolicy),
    "dim": "int | tuple[int, ...]",
    "normalize": f"{_literal(Divisor)} | {{number}}",
    **dict.fromkeys(("size_average", "reduce"), "bool"),
    **dict.fromkeys(("loss", "metric"), "str | Loss | Callable[..., Any]"),
}
"""The types of arguments that have no annotation; None is added where it is the default."""

ALIASES: Mapping[str, str] = {
    "NanPolicy": _literal(NanPolicy),
    "Divisor": _literal(Divisor),
    "Kind": _literal(Kind),
    "torch.Tensor": "Tensor",
}
"""What annotations are written with, as a reader of a stub is to see it."""

ONE_NUMBER = {"reduction": _literal(Literal["mean", "sum"]), "dim": "None", "keepdim": "Literal[False]"}
REDUCED = (
    Overload(NUMPY, "np.floating[Any]", ONE_NUMBER),
    Overload(NUMPY, "NDArray[Any] | Any"),
    Overload(TORCH, "Tensor"),
    Overload(STANDARD, "Any"),
)
"""Where one dimension is reduced and no other is there a number comes out, not an array: hence the Any.

It also lets checkers see that Any comes out where the arguments are Any, as a module's output is: they would else find it
unknown which overload is meant, and complain.
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
TORCH_ORDER: Mapping[str, tuple[str, ...]]
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
    own = _changed(options, added=further)
    text = [HEAD.format(summary=_summary(functional)), FUNCTIONAL_IMPORTS]
    for name, signature, overloads in (
        ("_LossFunction", own, REDUCED),
        ("_ValueAndGradient", _changed(own, {"dim", "keepdim"}), WITH_GRADIENT),
        ("_Gradient", _changed(own, {"reduction", "dim", "keepdim", "normalize"}), ELEMENTS),
    ):
        calls = _overloads("__call__", _bound(signature), overloads)
        text += [f"class {name}(Protocol):\n    loss: Loss\n", _indented(calls)]
    for function in (face_of, function_of):
        text.append(_definition(function.__name__, inspect.signature(function)))
    text.append(_loss_maker())
    for name, returns in {
        "gradient": "_Gradient",
        "hessian": "_Gradient",
        "value_and_grad": "_ValueAndGradient",
    }.items():
        function = getattr(functional, name)
        signature = inspect.signature(function)
        types = {"loss": TYPES["loss"]}
        text.append(_definition(name, signature, types=types, returns=returns, summary=_summary(function)))
    functions = {name: getattr(normwise, name) for name in NORMS}
    functions |= {losses[name].function: function_of(losses[name]) for name in BUILT_IN}
    for name, function in sorted(functions.items()):
        signature, summary = inspect.signature(function), _summary(function)
        text.append(_overloads(name, signature, NORMS.get(name, REDUCED), summary))
    return "\n".join([*text, _public(functional)])


def _loss_maker() -> str:
    """The overloads of `normwise.loss`: of a text, of a function, and as a decorator with details."""
    signature, summary = inspect.signature(functional.loss), _summary(functional.loss)
    of_function = {"arrays", "parameters"}
    texts = [
        _definition(
            "loss",
            _changed(signature, set(signature.parameters) - {"formula"} - of_function, required={"formula"}),
            types={"formula": "str"},
            returns="_LossFunction",
            summary=summary,
        ),
        _definition(
            "loss",
            _changed(signature, of_function, required={"formula"}),
            types={"formula": "Callable[..., Any]"},
            returns="_LossFunction",
            summary=summary,
        ),
        _definition(
            "loss",
            _changed(signature, of_function),
            types={"formula": "None"},
            returns="Callable[[Callable[..., Any]], _LossFunction]",
            summary=summary,
        ),
    ]
    return "".join(f"@overload\n{text}" for text in texts)


def nn_stub() -> str:
    """Return the text of `nn.pyi`."""
    modules = {losses[name].module: _loss_module(losses[name]) for name in BUILT_IN}
    modules |= {module.__name__: _other_module(module) for module in nn.OTHERS}
    parameters = (
        Parameter("reduction", Parameter.KEYWORD_ONLY, default="mean"),
        Parameter("parameters", Parameter.VAR_KEYWORD),
    )
    constructor = _definition("__init__", _bound(Signature(parameters)), TORCH, returns="None")
    own = f"class _OwnLoss(_Loss):\n    loss: ClassVar[Loss]\n    {NO_OTHER_ATTRIBUTES}\n{_indented(constructor)}"
    texts = [text for _, text in sorted(modules.items())]
    return "\n".join([HEAD.format(summary=_summary(nn)), NN_IMPORTS, own, *texts, _public(nn)])


def _loss_module(loss: Loss) -> str:
    module = getattr(nn, loss.module)
    signature = inspect.signature(function_of(loss))
    attributes = [f"{name}: {_type(signature.parameters[name], TORCH)}" for name in loss.parameters]
    if loss.name in TORCH_ORDER:
        constructor = inspect.signature(getattr(torch.nn, loss.module))
        unannotated = [p.replace(annotation=Parameter.empty) for p in constructor.parameters.values()]
        constructor = constructor.replace(parameters=unannotated)
        attributes[:0] = ["loss: ClassVar[Loss]", NO_OTHER_ATTRIBUTES]
    else:
        names = ("reduction", *loss.parameters)
        arguments = [signature.parameters[name].replace(kind=Parameter.KEYWORD_ONLY) for name in names]
        constructor = Signature(arguments)
    forward = _changed(signature, {"reduction", "size_average", "reduce", *loss.parameters}, keywords=True)
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
        _definition("__init__", _bound(constructor), TORCH, types, "None").rstrip("\n"),
        *(_definition(name, _bound(forward), TORCH, types, "Tensor").rstrip("\n") for name in ("forward", "__call__")),
    ]
    head = f'class {module.__name__}({base_name}):\n    """{_summary(module)}"""\n\n'
    return head + _indented("\n".join(members) + "\n")


def package_stub() -> str:
    """Return the text of `__init__.pyi`."""
    homes = {name: _home(name) for name in dir(normwise)}
    text = [HEAD.format(summary=_summary(normwise)), "\nfrom collections.abc import Mapping\n"]
    for home, names in groupby(sorted(homes, key=lambda name: (homes[name], name)), homes.__getitem__):
        listed = [*names]
        line = f"from {home} import {', '.join(listed)}"
        text.append(line if len(line) <= WIDTH else f"from {home} import (\n" + _lines(listed) + ")")
    text.append("\n_HOME: Mapping[str, str]\n_MODULES: tuple[str, ...]\n__version__: str\n")
    return "\n".join([*text, _public(normwise)])


def _home(name: str) -> str:
    """The module whose stub has a public name."""
    if name in _MODULES:
        return "normwise"
    return "normwise.functional" if name in dir(functional) else _HOME[name]


def _public(module: Any) -> str:
    names = [f'"{name}"' for name in dir(module)]
    return f"__all__ = [\n{_lines(names)}]\n"


def _lines(items: Iterable[str]) -> str:
    return "".join(f"    {item},\n" for item in items)


def _summary(described: Any) -> str:
    return (inspect.getdoc(described) or "").partition("\n")[0]


def _overloads(name: str, signature: Signature, overloads: Iterable[Overload], summary: str = "") -> str:
    """A function for each kind of arrays; of one that is not asked to reduce to a number only those that fit."""
    return "".join(
        "@overload\n" + _definition(name, signature, each.kind, each.types, each.returns, summary) for each in overloads
    )


def _definition(
    name: str,
    signature: Signature,
    kind: ArrayKind = STANDARD,
    types: Mapping[str, str] = {},
    returns: str | None = None,
    summary: str = "",
) -> str:
    arguments = [*_arguments_of(signature, kind, types)]
    head, end = f"def {name}(", f") -> {returns or _annotation(signature.return_annotation)}:"
    body = f'\n    """{summary}"""\n' if summary else " ...\n"
    line = head + ", ".join(arguments) + end
    if len(line) + 4 + len(" ...") <= WIDTH:
        return line + body
    rows = [arguments[0]]
    for argument in arguments[1:]:
        joined = f"{rows[-1]}, {argument}"
        if len(joined) + 8 < WIDTH:
            rows[-1] = joined
        else:
            rows.append(argument)
    return head + "\n" + _lines(rows) + end + body


def _arguments_of(signature: Signature, kind: ArrayKind, types: Mapping[str, str]) -> Iterator[str]:
    """The arguments of a function as a stub writes them, and the marks of their kinds between them."""
    before = None
    for p in signature.parameters.values():
        if before is Parameter.POSITIONAL_ONLY is not p.kind:
            yield "/"
        if p.kind is p.KEYWORD_ONLY and before not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
            yield "*"
        before = p.kind
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        annotation = "" if p.name == "self" else f": {_type(p, kind, types)}"
        default = "" if p.default is p.empty else f" = {_default(p.default)}"
        yield f"{star}{p.name}{annotation}{default}"
    if before is Parameter.POSITIONAL_ONLY:
        yield "/"


def _type(p: Parameter, kind: ArrayKind, types: Mapping[str, str] = {}) -> str:
    """The type of an argument: its own here, its annotation, that of its name, or that of its default."""
    if p.name in types:
        text = types[p.name]
    elif p.annotation is not p.empty and "Any" not in re.sub(r"\[\.\.\., Any\]", "", p.annotation):
        return _annotation(p.annotation)
    elif isinstance(p.default, (bool, float)):
        text = "bool" if isinstance(p.default, bool) else "{number}"
    else:
        text = TYPES.get(p.name, "{number}")
    text = text.format(**kind._asdict())
    return f"{text} | None" if p.default is None and not text.endswith("None") else text


def _annotation(text: Any) -> str:
    return re.sub("|".join(map(re.escape, ALIASES)), lambda found: ALIASES[found[0]], text)


def _changed(
    signature: Signature,
    without: Iterable[str] = (),
    *,
    required: Iterable[str] = (),
    keywords: bool = False,
    added: Iterable[Parameter] = (),
) -> Signature:
    """A signature without some arguments, with others; with some required; or with all options by keyword."""
    left = [p for p in signature.parameters.values() if p.name not in {*without}]
    left = [p.replace(default=p.empty) if p.name in {*required} else p for p in left]
    if keywords:
        left = [p.replace(kind=p.KEYWORD_ONLY) if p.default is not p.empty else p for p in left]
    return signature.replace(parameters=sorted([*left, *added], key=lambda p: p.kind))


def _bound(signature: Signature) -> Signature:
    """The signature of a method."""
    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    return signature.replace(parameters=[own, *signature.parameters.values()])


def _indented(text: str) -> str:
    return re.sub("^(?=.)", "    ", text, flags=re.MULTILINE)


STUBS: Mapping[str, Callable[[], str]] = {
    "__init__.pyi": package_stub,
    "functional.pyi": functional_stub,
    "nn.pyi": nn_stub,
}


def main(arguments: Sequence[str]) -> None:
    """Write the stubs into a folder: that of the package."""
    [folder] = arguments
    for file, text_of in STUBS.items():
        check_output(Path(folder, file))
        write_output(Path(folder, file), text_of())


if __name__ == "__main__":
    main(sys.argv[1:])
