"""The losses as functions of torch tensors, NumPy arrays, and any array of the array API standard.

Every loss of the catalogue is here under the name ``{name}_loss``. The functions are generated from the declarations:
torch's own losses take their arguments in torch's order, the others take input, target and any further arrays, then
keywords.
"""

from __future__ import annotations

import functools
import linecache
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
from normwise.loss_functions.signature import docstring, source
from normwise.sums import Reduction


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
    text = source(loss)
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
    function.__doc__ = docstring(loss)
    function.__module__ = __name__
    function.loss = loss
    if method == "call" and losses.get(loss.name) is loss and loss.name in BUILT_IN:
        return function  # type: ignore[no-any-return]
    own = _Function(function)
    functools.update_wrapper(own, function)
    own.maker = function_of if method == "call" else value_and_grad
    return own


def _parameter(loss: Loss, name: str, given: Any) -> Any:
    """One parameter of a call: a plain number, checked; or an array, as one stays that a tracer follows."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.Tensor) and torch.jit.is_tracing():
        return given
    return parameter_of(loss, name, given)


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
