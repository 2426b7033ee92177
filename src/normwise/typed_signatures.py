"""A function's signature as a stub writes it, with the types that its arguments have for each kind of arrays.

Where an argument is annotated its annotation counts; the tables here say the types of all others.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from inspect import Parameter, Signature
from typing import Any, NamedTuple, get_args

from normwise.catalogue.declaration import Divisor, Kind
from normwise.checks import NanPolicy
from normwise.sums import Reduction

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


def literal(words: object) -> str:
    """The type of one of several words, from the alias of our own that lists them."""
    return f"Literal[{', '.join(map(_default, get_args(words)))}]"


def _default(value: Any) -> str:
    """A value as a stub writes it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


TYPES: Mapping[str, str] = {
    **dict.fromkeys(("input", "target", "x", "a", "b", "weight", "mask"), "{array}"),
    "reduction": literal(Reduction),
    "nan_policy": literal(NanPolicy),
    "dim": "int | tuple[int, ...]",
    "normalize": f"{literal(Divisor)} | {{number}}",
    **dict.fromkeys(("size_average", "reduce"), "bool"),
    **dict.fromkeys(("loss", "metric"), "str | Loss | Callable[..., Any]"),
}
"""The types of arguments that have no annotation; None is added where it is the default."""

ALIASES: Mapping[str, str] = {
    "NanPolicy": literal(NanPolicy),
    "Divisor": literal(Divisor),
    "Kind": literal(Kind),
    "torch.Tensor": "Tensor",
}
"""What annotations are written with, as a reader of a stub is to see it."""


def overloaded(name: str, signature: Signature, overloads: Iterable[Overload], summary: str = "") -> str:
    """A function as a stub writes it, once for each kind of arrays."""
    return "".join(
        "@overload\n" + definition(name, signature, each.kind, each.types, each.returns, summary) for each in overloads
    )


def definition(
    name: str,
    signature: Signature,
    kind: ArrayKind = STANDARD,
    types: Mapping[str, str] = {},
    returns: str | None = None,
    summary: str = "",
) -> str:
    """A function as a stub writes it: of the kind of arrays, with types of its own for some arguments."""
    arguments = [*_arguments_of(signature, kind, types)]
    head, end = f"def {name}(", f") -> {returns or _annotation(signature.return_annotation)}:"
    body = f'\n    """{summary}"""\n' if summary else " ...\n"
    line = head + ", ".join(arguments) + end
    if len(line) + 4 + len(" ...") <= WIDTH:
        return line + body
    lines = [arguments[0]]
    for argument in arguments[1:]:
        joined = f"{lines[-1]}, {argument}"
        if len(joined) + 8 < WIDTH:
            lines[-1] = joined
        else:
            lines.append(argument)
    return head + "\n" + rows(lines) + end + body


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
        annotation = "" if p.name == "self" else f": {type_of(p, kind, types)}"
        default = "" if p.default is p.empty else f" = {_default(p.default)}"
        yield f"{star}{p.name}{annotation}{default}"
    if before is Parameter.POSITIONAL_ONLY:
        yield "/"


def type_of(p: Parameter, kind: ArrayKind, types: Mapping[str, str] = {}) -> str:
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


def changed(
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


def of_method(signature: Signature) -> Signature:
    """The signature of a method."""
    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    return signature.replace(parameters=[own, *signature.parameters.values()])


def indented(text: str) -> str:
    """A text as the body of a class."""
    return re.sub("^(?=.)", "    ", text, flags=re.MULTILINE)


def rows(items: Iterable[str]) -> str:
    """Items, a line each, as they stand between brackets."""
    return "".join(f"    {item},\n" for item in items)


def summary_of(described: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(described) or "").partition("\n")[0]
