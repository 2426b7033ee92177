"""The losses as functions of torch tensors, NumPy arrays, and any array of the array API standard.

Every loss of the catalogue is here under the name ``{name}_loss``. The functions are generated from the declarations:
torch's own losses take their arguments in torch's order, the others take input, target and any further arrays, then
keywords.
"""

from __future__ import annotations

import functools
import linecache
import math
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from normwise.catalogue import BUILT_IN, Loss, losses
from normwise.catalogue.declaration import Divisor, Interval, Kind, declare, of_text
from normwise.catalogue.registry import enter
from normwise.errors import no_attribute
from normwise.loss_functions.choice import bind_parameter, find_loss, is_number, parameter_of
from normwise.loss_functions.options import Options, check_is_pointwise, options_of, reduction_of
from normwise.loss_functions.public import FUNCTIONS
from normwise.sums import Reduction

TORCH_ORDER: Mapping[str, tuple[str, ...]] = {
    "l1": ("size_average", "reduce", "reduction", "weight"),
    "mse": ("size_average", "reduce", "reduction", "weight"),
    "smooth_l1": ("size_average", "reduce", "reduction", "beta"),
    "huber": ("reduction", "delta", "weight"),
    "gaussian_nll": ("full", "eps", "reduction"),
    "poisson_nll": ("log_input", "full", "size_average", "eps", "reduce", "reduction"),
}
"""The arguments that torch's own losses take by position after their arrays."""

_OPTIONS: Mapping[str, Any] = {
    "weight": None,
    "mask": None,
    "nan_policy": "propagate",
    "dim": None,
    "keepdim": False,
    "normalize": None,
    "broadcast": False,
}
"""The arguments beside the reduction that every loss takes, with their defaults: those of `options_of`."""

_KEYWORDS: Mapping[str, Any] = {"reduction": "mean", **_OPTIONS}

_DEPRECATED: Mapping[str, Any] = {"size_average": None, "reduce": None}


def loss(
    formula: Callable[..., Any] | str | None = None,
    /,
    *,
    domain: Mapping[str, Interval] | None = None,
    divisor: Divisor = "weight",
    accepts: tuple[Kind, ...] = (),
    module: str | None = None,
    minimiser: str = "",
    noise: str = "",
    finish: Callable[..., Any] | None = None,
    beside: tuple[Callable[..., Any], ...] = (),
    arrays: Iterable[str] = (),
    **parameters: float,
) -> Any:
    """Make a loss of one's own formula: a fused function with gradients of every order, and all else that a loss has.

    Parameters
    ----------
    formula : callable or str
        The formula, a function of the residual ``r`` (prediction - target) or of the prediction ``x`` and the target
        ``t``, then of any further arrays; arguments with a number as default are parameters, with True or False flags.
        It is made of ``+ - * / ** abs``, comparisons, and the functions of `normwise.formula`, and is called once,
        with symbols. Or the same as text, an expression such as ``"sqrt(r**2 + eps**2) - eps"``, of which nothing is
        evaluated: it is read by its syntax tree.
    domain : mapping of str to Interval, optional
        The values that its parameters and further arrays may take: all, unless this says otherwise.
    divisor : {"weight", "count"}
        What a weighted mean divides by: the sum of the weights (the default) or the number of elements.
    accepts : tuple of {"integer", "count", "complex"}
        Numbers beside the real ones that the formula makes sense of as it is written: integers, of which it is an
        integer; counts, which are integers taken for real numbers; complex ones.
    module : str, optional
        The name of its class in `normwise.nn`; by default the function's name in camel case, then ``Loss``.
    minimiser, noise : str, optional
        What its best constant is, and the noise whose likelihood it is, for those who ask `normwise.explain`.
    finish : callable, optional
        A formula of the mean ``m0`` (and ``m1``, ... of those beside it) that the loss is, as the root for RMSE.
    beside : tuple of callables
        Formulas of the same arguments that are averaged too, for `finish`.
    arrays : iterable of str
        The arrays beside prediction and target that a text reads.
    **parameters : float
        The parameters of a text, with their defaults.

    Returns
    -------
    callable
        The loss, of ``(input, target, *further_arrays, *, reduction="mean", weight=None, mask=None, **parameters)`` and
        the other keywords of the catalogue's losses. That of a function is entered in `normwise.losses` under its
        name, in place of an earlier loss of one's own; that of a text is not.

    Raises
    ------
    TypeError
        Where the function is no formula, or has the name of one of the catalogue's losses.
    FormulaError
        Where the text is no formula; it says where.

    Examples
    --------
    >>> import numpy, normwise
    >>> from normwise.formula import log1p
    >>> @normwise.loss
    ... def lorentz(r, c=1.0):
    ...     return log1p((r / c) ** 2)
    >>> float(lorentz(numpy.array([0.0, 3.0]), numpy.array([0.0, 0.0]), c=3.0).round(4))
    0.3466
    >>> mine = normwise.loss("sqrt(r**2 + eps**2) - eps", eps=4.0)
    >>> float(mine(numpy.array([3.0]), numpy.array([0.0])))
    1.0
    """
    if isinstance(formula, str):
        others = {"domain": domain, "accepts": accepts, "module": module, "minimiser": minimiser, "noise": noise}
        others |= {"finish": finish, "beside": beside, "divisor": divisor != "weight"}
        for name in (name for name, given in others.items() if given):
            raise TypeError(
                f"loss() takes {name} with a function, not with a text: declare a function, or call a parameter of the "
                "text by another name"
            )
        return function_of(of_text(formula, arrays, parameters))
    if parameters:
        raise TypeError(f"loss() has no argument {next(iter(parameters))!r}: a function has its parameters in itself")

    def made(function: Callable[..., Any]) -> Callable[..., Any]:
        declared = declare(
            function,
            domain=domain,
            divisor=divisor,
            accepts=accepts,
            module=module,
            minimiser=minimiser,
            noise=noise,
            finish=finish,
            beside=beside,
        )
        if declared.name in BUILT_IN:
            raise TypeError(f"{declared.name} is a loss of the catalogue and keeps its meaning: choose another name")
        return function_of(enter(declared))

    return made if formula is None else made(formula)


def value_and_grad(loss: Any) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes a loss and its gradient in the input, for those without autograd.

    Parameters
    ----------
    loss : str, Loss, or function of this module
        The loss.

    Returns
    -------
    callable
        It takes what the loss takes, and returns the reduced loss and an array of the input's shape and dtype. A
        gradient belongs to one number, so `reduction` is ``"mean"`` or ``"sum"``; with ``"sum"`` the gradient is the
        derivative per element.

    Examples
    --------
    >>> import numpy, normwise
    >>> value, gradient = normwise.value_and_grad("mse")(numpy.array([1.0, 2.0]), numpy.array([0.0, 4.0]))
    >>> float(value), gradient.tolist()
    (2.5, [1.0, -2.0])
    """
    return _generated(find_loss(loss), "value_and_gradient")


def gradient(loss: Any) -> Callable[..., Any]:
    """Return a function that computes the derivative of a loss in the input, for each element.

    Parameters
    ----------
    loss : str, Loss, or function of this module
        The loss.

    Returns
    -------
    callable
        It takes what the loss takes, and returns an array of the input's shape: the derivative of each element's own
        loss, times its weight; nothing is divided by a count. Where a mask is False it is 0.

    Examples
    --------
    >>> import numpy, normwise
    >>> normwise.gradient("huber")(numpy.array([0.5, 7.0]), numpy.array([0.0, 0.0]), delta=2.0).tolist()
    [0.5, 2.0]
    """
    return _derivative(loss, 1)


def hessian(loss: Any) -> Callable[..., Any]:
    """Return a function that computes the second derivative of a loss in the input, for each element.

    An element's loss depends on no other element, so the whole matrix of second derivatives is this diagonal.

    Parameters
    ----------
    loss : str, Loss, or function of this module
        The loss.

    Returns
    -------
    callable
        As that of `gradient`.

    Examples
    --------
    >>> import numpy, normwise
    >>> normwise.hessian("huber")(numpy.array([0.5, 7.0]), numpy.array([0.0, 0.0]), delta=2.0).tolist()
    [1.0, 0.0]
    """
    return _derivative(loss, 2)


def _derivative(loss: Any, order: Literal[1, 2]) -> Callable[..., Any]:
    found = find_loss(loss)
    check_is_pointwise(found)
    function = function_of(found.slope if order == 1 else found.slope.slope)
    derivative = functools.partial(function, reduction="none")
    derivative.__name__ = function.__name__  # type: ignore[attr-defined] # which torch.jit.trace asks for
    return derivative


def function_of(loss: Loss) -> Callable[..., Any]:
    """Return the function of a loss."""
    return _generated(loss, "call")


FUNCTIONS["call"] = function_of


class _Function(functools.partial[Any]):
    """A function that no module holds under its name: it is pickled by its loss and by what returns it for that."""

    loss: Loss
    maker: Callable[[Loss], Callable[..., Any]]

    def __reduce__(self) -> Any:
        return self.maker, (self.loss,)

    def __repr__(self) -> str:
        return f"<function {self.loss.function}: {str(self.loss.written).splitlines()[-1].strip()}>"


def _generated(loss: Loss, method: Literal["call", "value_and_gradient"]) -> Callable[..., Any]:
    """Return the function of a loss that has the signature which its declaration gives it."""
    function = loss.derived.get(method)
    if function is None:
        function = loss.derived.setdefault(method, _compiled(loss, method))
    return function  # type: ignore[no-any-return]


def _compiled(loss: Loss, method: Literal["call", "value_and_gradient"]) -> Callable[..., Any]:
    faces = _FACES[method if loss.finish is None else f"{method}_of_means"]
    if (torch := sys.modules.get("torch")) is not None:
        # A compiler that met them missing would compile again when they are there.
        for kind in (torch.Tensor, torch.nn.Parameter):
            _ = faces[kind]
    text = _source(loss)
    filename = f"<normwise.functional {loss.name} {id(loss)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)  # for tracebacks
    namespace: dict[str, Any] = {
        "__loss": loss,
        "__faces": faces,
        "__reduction_of": reduction_of,
        "__options_of": options_of,
        "__is_number": is_number,
        "__parameter": _parameter,
        "__mixed": _mixed,
    }
    namespace |= {f"__{kind.__name__}": kind for kind in (type, float, int, bool)}
    exec(compile(text, filename, "exec"), namespace)
    function = namespace[loss.function]
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    function.__doc__ = _docstring(loss)
    function.__module__ = __name__
    function.loss = loss
    if method == "call" and losses.get(loss.name) is loss and loss.name in BUILT_IN:
        return function  # type: ignore[no-any-return]
    own = _Function(function)
    functools.update_wrapper(own, function)
    own.maker = function_of if method == "call" else value_and_grad
    return own


def _source(loss: Loss) -> str:
    """The text of a loss's function: its signature, the checks of its plain arguments, the call.

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


def _parameter(loss: Loss, name: str, given: Any) -> Any:
    """One parameter of a call: a plain number, checked; or an array, as one stays that a tracer follows."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.Tensor) and torch.jit.is_tracing():
        return given
    return parameter_of(loss, name, given)


def _literal(value: Any) -> str:
    """A default as a function's text has it."""
    return f"__float('{value}')" if isinstance(value, float) and not math.isfinite(value) else repr(value)


def _mixed(
    faces: Mapping[type, Callable[..., Any]],
    loss: Loss,
    input: Any,
    target: Any,
    given: dict[str, Any],
    reduction: Reduction,
    options: Options | None,
) -> Any:
    """Compute a loss of which arguments that are usually numbers are arrays, or the other way round."""
    face = face_of(type(input))
    for name, value in given.items():
        if name in loss.further_arrays and is_number(value):
            given[name] = bind_parameter(loss, name, value)
        elif name in loss.parameters and not isinstance(value, (int, float)):
            given[name] = face.as_array(value, input)
    further = tuple(name for name, value in given.items() if not isinstance(value, (int, float)))
    read = loss.reading(further)
    arrays = (input, target, *(given[name] for name in further))
    return faces[type(input)](read, arrays, tuple([given[name] for name in read.parameters]), reduction, options)


def face_of(kind: type) -> Any:
    """Return the module that computes on arrays of a type; torch's is loaded only where torch is."""
    torch = sys.modules.get("torch")
    if torch is not None and (issubclass(kind, torch.Tensor) or hasattr(kind, "__torch_function__")):
        from normwise.loss_functions import on_torch as face
    else:
        from normwise.loss_functions import on_arrays as face
    return face


class _Faces(dict[type, Callable[..., Any]]):
    """For each type of array what computes a call."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = method

    def __missing__(self, kind: type) -> Callable[..., Any]:
        return self.setdefault(kind, getattr(face_of(kind), self.method))


_FACES = {
    method: _Faces(method) for method in ("call", "call_of_means", "value_and_gradient", "value_and_gradient_of_means")
}


def _docstring(loss: Loss) -> str:
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
    return f"""{summary}
{rest}

.. math:: {loss.written.latex()}

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


NORMS = ("distance", "l1_norm", "l2_norm", "nearest", "norm", "pairwise")
"""The functions of the package that are no losses; they are here too."""


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name in NORMS:
        import normwise

        return getattr(normwise, name)
    declared = losses.get(name.removesuffix("_loss"))
    if declared is None or name != declared.function:
        raise no_attribute(__name__, name, __dir__())
    return function_of(declared)


def __dir__() -> list[str]:
    return sorted(
        [*NORMS, "gradient", "hessian", "loss", "value_and_grad", *(declared.function for declared in losses.values())]
    )
