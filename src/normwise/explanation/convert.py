"""Losses of other libraries, as ours: found by name or by the object itself, in the table `catalogue.peers`."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from normwise.catalogue import Loss, losses
from normwise.catalogue.peers import COMPUTE, HELD, LIBRARIES, PEERS, Peer
from normwise.errors import InputError, missing, near_names
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.formula.expression import constant, variable
from normwise.functional import function_of
from normwise.loss_functions.choice import bind_parameters
from normwise.loss_functions.signature import TORCH_ORDER

if TYPE_CHECKING:
    import torch


class Terms(NamedTuple):
    """What a row says of a loss: our parameters and the factor, in numbers or in symbols."""

    parameters: Mapping[str, Any]
    factor: Any


def convert(peer: Any, /, *, library: str | None = None, **parameters: Any) -> Callable[..., Any]:
    """Return our loss that computes what a loss of another library computes, its factor and defaults included.

    Parameters
    ----------
    peer : str or object
        The loss: its qualified name, such as ``"keras.losses.Huber"``; its short name, such as ``"HuberLoss"`` or
        ``"huber_loss"``, if all libraries that have it agree; or the object itself, a torch module, a Keras loss, a
        norm of statsmodels, a metric of torchmetrics, a class or a function, of which the parameters are read.
    library : str, optional
        The library, for a short name that several have: ``"keras"``, ``"scikit-learn"``.
    **parameters : float or str
        Their parameters by their names; the others have their defaults. Also the choice that a name makes:
        ``convert("scipy.optimize.least_squares", loss="soft_l1", f_scale=0.5)``.

    Returns
    -------
    callable
        The function of a loss as those of `normwise.functional`, of ``(input, target)`` in this order, whatever theirs
        is. Its formula is the catalogue's, times the factor if that is not 1; its parameters have our names, and the
        converted values as defaults. It goes wherever a loss goes: `value_and_grad`, `evaluate`, `Accumulator`. The
        reduction is chosen when it is called, and a mean is our mean; a constant that depends on the target alone may
        differ (``normwise explain`` tells).

    Raises
    ------
    InputError
        Where no loss of that name is known, or several that differ; where a parameter is unknown or missing; where the
        object's class computes something of its own.
    ParameterError
        Where a parameter leaves its domain.

    Examples
    --------
    >>> import numpy, normwise
    >>> soft = normwise.convert("scipy.optimize.least_squares", loss="soft_l1", f_scale=2.0)
    >>> soft.loss
    <normwise loss pseudo_huber>
    def pseudo_huber(r, delta=2.0): ...
    >>> float(soft(numpy.array([1.5]), numpy.array([0.0])))
    2.0
    >>> normwise.convert("HuberT", t=2.0)(numpy.array([3.0]), numpy.array([0.0]))
    np.float64(4.0)
    """
    if isinstance(peer, str):
        candidates, own = _named(peer, library, parameters), dict[str, Any]()
    else:
        candidates, own = _of_object(peer, parameters)
    told: dict[_Conversion, list[Peer]] = {}
    refused: list[InputError] = []
    for row in candidates:
        try:
            terms = row_terms(row, _asked(row, parameters), own)
        except InputError as error:  # another one may have these parameters
            refused.append(error)
        else:
            told.setdefault(_Conversion.of(row, terms), []).append(row)
    if not told:
        raise refused[0]
    if len(told) > 1:
        titles = " or ".join(_titles(row for rows in told.values() for row in rows))
        raise InputError(f"{peer!r} is not the same in all libraries: choose {titles}")
    return function_of(_converted(*next(iter(told))))


def from_torch(module: torch.nn.Module) -> torch.nn.Module:
    """Return the module of `normwise.nn` in place of one of torch's losses, with the same attributes.

    Parameters
    ----------
    module : torch.nn.Module
        An instance of torch's ``L1Loss``, ``MSELoss``, ``SmoothL1Loss``, ``HuberLoss``, ``GaussianNLLLoss`` or
        ``PoissonNLLLoss``, or of a subclass that computes the same.

    Returns
    -------
    torch.nn.Module
        Of `normwise.nn`'s class of the same name, which is a subclass of torch's; with its parameters, its reduction
        and its mode.

    Raises
    ------
    InputError
        Where it is no such module, or its class has a ``forward`` of its own.

    Examples
    --------
    >>> import torch, normwise
    >>> ours = normwise.from_torch(torch.nn.HuberLoss(reduction="sum", delta=2.0))
    >>> isinstance(ours, normwise.nn.HuberLoss), ours.delta, ours.reduction
    (True, 2.0, 'sum')
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise missing("normwise.from_torch", "'normwise[torch]'", error) from error

    from normwise.nn import module_of

    theirs = {getattr(torch.nn, losses[name].module): losses[name] for name in TORCH_ORDER if name in losses}
    base = next((kind for kind in type(module).__mro__ if kind in theirs), None)
    if base is None:
        known = [kind.__name__ for kind in theirs]
        given = type(module).__name__
        raise InputError(f"{given} is not among torch's losses that normwise has: {near_names(given, known)}")
    made = module_of(theirs[base])
    _check_computes(type(module), made if isinstance(module, made) else base)
    attributes = {name: getattr(module, name) for name in (*theirs[base].parameters, "reduction")}
    return made(**attributes).train(module.training)


def row_terms(row: Peer, asked: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> Terms:
    """Our parameters and the factor where theirs are these numbers; `InputError` where one is unknown or missing."""
    known = parameters_of(row)
    for name in asked:
        if name not in known:
            expected = near_names(name, known) if known else "it has none"
            raise InputError(f"{row.names[0]} has no parameter {name!r} here: {expected}")
    bound = {**known, **(own or {}), **asked}
    missing = [name for name, default in bound.items() if default is None]
    if missing:
        raise InputError(f"{row.names[0]} has no default for {', '.join(missing)}: give {missing[0]}=...")
    return Terms(*row.reading(**{name: bound[name] for name in known}))


def row_symbols(row: Peer) -> Terms:
    """Our parameters and the factor in terms of their parameters, as expressions or numbers."""
    return Terms(*row.reading(**{name: variable(name) for name in parameters_of(row)}))


def parameters_of(row: Peer) -> dict[str, Any]:
    """Their parameters with their defaults, None where there is none."""
    arguments = inspect.signature(row.reading).parameters.values()
    return {each.name: None if each.default is each.empty else each.default for each in arguments}


class _Conversion(NamedTuple):
    """A loss of ours, with parameters and a factor; equal where the losses are."""

    name: str
    parameters: tuple[tuple[str, float], ...]
    factor: float

    @classmethod
    def of(cls, row: Peer, terms: Terms) -> _Conversion:
        bound = bind_parameters(losses[row.loss], terms.parameters)
        return cls(row.loss, tuple(bound.items()), float(terms.factor))


@per_formula
def _converted(name: str, parameters: tuple[tuple[str, float], ...], factor: float) -> Loss:
    ours = losses[name]

    def with_defaults(formula: Formula) -> Formula:
        return Formula(formula.name, formula.arrays, dict(parameters), formula.expression)

    def scaled(formula: Formula) -> Formula:
        # A factor that is a whole number looks like one.
        by = constant(int(factor) if factor == int(factor) else factor)
        return Formula(formula.name, formula.arrays, formula.parameters, by * formula.expression)

    made = replace(
        ours,
        written=with_defaults(ours.written),
        formula=with_defaults(ours.formula),
        beside=tuple(map(with_defaults, ours.beside)),
    )
    if factor == 1:
        return made
    if made.finish is not None:  # what is made of means is scaled at the end
        return replace(made, finish=scaled(made.finish))
    return replace(made, written=scaled(made.written), formula=scaled(made.formula))


# --- finding a row ----------------------------------------------------------------------------------------------------


def _split(name: str) -> tuple[str, dict[str, Any]]:
    """The path of a qualified name, and the arguments in its parentheses."""
    path, _, arguments = name.partition("(")
    return path, {key: ast.literal_eval(value) for key, value in re.findall(r"(\w+)=([^,)]+)", arguments)}


def _named(name: str, library: str | None, parameters: Mapping[str, Any]) -> list[Peer]:
    """The rows that a name may mean."""
    rows = [row for row in PEERS if library is None or _is_library(row, library)]
    if not rows:
        raise InputError(f"there is no library {library!r} in the table: {near_names(str(library), LIBRARIES)}")
    path, chosen = _split(name)
    chosen |= {key: value for key, value in parameters.items() if isinstance(value, (str, bool))}

    def is_path(known: str, _: Mapping[str, Any]) -> bool:
        return known == path or ("." in path and known.endswith(f".{path}"))

    def is_short(known: str, wanted: Mapping[str, Any]) -> bool:
        # What an argument chooses is a name too: "soft_l1".
        return "." not in path and _short(path) in {_short(known), *(_short(str(each)) for each in wanted.values())}

    for same in (is_path, is_short):
        found = [(row, wanted) for row in rows for known, wanted in _names(row) if same(known, wanted)]
        if not found:
            continue
        agreeing = [row for row, wanted in found if same is is_short or _agrees(wanted, chosen)]
        if not agreeing:
            raise InputError(f"{name!r} needs a choice: {' or '.join(_titles(row for row, _ in found))}")
        return list(dict.fromkeys(agreeing))
    known = {known for row in rows for known, _ in _names(row)}
    told = near_names(path, known if "." in path else {each.rpartition(".")[2] for each in known})
    where = "" if library is None else f" of {library}"
    raise InputError(f"there is no loss {name!r}{where} in the table of other libraries' losses: {told}")


def _is_library(row: Peer, library: str) -> bool:
    known = (row.library, LIBRARIES[row.library])
    return library.lower().replace("-", "_") in {name.lower().replace("-", "_") for name in known}


def _short(name: str) -> str:
    """The last part of a name, as a class and a function share it: HuberLoss, Huber, huber_loss."""
    return name.rpartition(".")[2].lower().replace("_", "").removesuffix("loss")


def _names(row: Peer) -> list[tuple[str, dict[str, Any]]]:
    return [_split(name) for name in row.names]


def _agrees(wanted: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    return all(chosen.get(key) == value for key, value in wanted.items())


def _asked(row: Peer, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Their parameters, without those that have chosen the row."""
    choices = {key for _, wanted in _names(row) for key in wanted}
    return {key: value for key, value in parameters.items() if key not in choices}


def _of_object(peer: Any, parameters: Mapping[str, Any]) -> tuple[list[Peer], dict[str, Any]]:
    """The row of a module, a loss, a norm, a class or a function, and the parameters that it holds."""
    kinds: list[Any] = [peer] if isinstance(peer, type) or inspect.isroutine(peer) else [*type(peer).__mro__]
    for kind in kinds:
        rows = [(row, wanted) for row in PEERS for name, wanted in _names(row) if _loaded(name) is kind]
        if not rows:
            continue
        if kind is not peer:
            _check_computes(type(peer), kind)
        rows.sort(key=lambda each: -len(each[1]))
        for row, wanted in rows:
            choices = {key: parameters[key] if key in parameters else _held(row, peer, key) for key in wanted}
            if all(_is_choice(choices[key], value) for key, value in wanted.items()):
                names = parameters_of(row) if kind is not peer else ()
                held = {name: _held(row, peer, name) for name in names}
                return [row], {name: value for name, value in held.items() if value is not None}
        raise InputError(f"{_title(peer)} is converted as {' or '.join(_titles(row for row, _ in rows))} only")
    told = near_names(_title(peer), {name for row in PEERS for name, _ in _names(row)})
    raise InputError(f"{_title(peer)} is not in the table of other libraries' losses: {told}")


def _title(peer: Any) -> str:
    kind = peer if isinstance(peer, type) or inspect.isroutine(peer) else type(peer)
    return f"{kind.__module__}.{kind.__qualname__}"


def _titles(rows: Iterable[Peer]) -> list[str]:
    return [repr(row.names[0]) for row in rows]


def _loaded(name: str) -> Any:
    """What a qualified name names, if its library is loaded: to convert its object it must be."""
    root, _, path = name.partition(".")
    if root not in sys.modules or not path:
        return None
    try:
        return attrgetter(path)(sys.modules[root])
    except AttributeError:
        return None


def _held(row: Peer, peer: Any, name: str) -> Any:
    inner: Any = getattr(peer, HELD.get(row.library, ""), None)
    found: Any = getattr(peer, name, inner.get(name) if isinstance(inner, dict) else getattr(inner, name, None))
    return found.item() if hasattr(found, "item") else found


def _is_choice(held: Any, value: Any) -> bool:
    return held == value or type(held).__name__ == value


def _check_computes(kind: type, base: type) -> None:
    """Raise where a subclass computes in its own way."""
    for method in COMPUTE:
        if getattr(kind, method, None) is not getattr(base, method, None):
            raise InputError(
                f"{kind.__name__} is a {base.__name__} with a {method}() of its own, which normwise cannot know"
            )
