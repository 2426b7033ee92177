"""What a declaration of the catalogue holds, and the decorator that makes one from a function."""

from __future__ import annotations

import functools
import inspect
import keyword
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from types import FunctionType
from typing import Any, Literal, cast
from weakref import WeakValueDictionary

from normwise.errors import FormulaError, InputError
from normwise.formula import Formula, trace
from normwise.formula.caches import computed_once, per_formula
from normwise.formula.expression import variable
from normwise.formula.parse import as_read, parse

Divisor = Literal["weight", "count"]
Kind = Literal["integer", "count", "complex"]

CALL_ARGUMENTS = frozenset(
    {
        "input",
        "target",
        "size_average",
        "reduce",
        "reduction",
        "weight",
        "mask",
        "nan_policy",
        "dim",
        "keepdim",
        "normalize",
        "broadcast",
    }
)
"""The arguments that every loss takes when it is called; a formula's own arguments need other names."""


def unfit(name: str) -> str:
    """Why an argument of a formula cannot have a name; nothing where it can."""
    if name in CALL_ARGUMENTS:
        return "which every loss already takes when called"
    if not name.isidentifier() or keyword.iskeyword(name):
        return "which is no name that Python takes"
    return "and names that begin with two underscores are taken" if name.startswith("__") else ""


@dataclass(frozen=True)
class Interval:
    """The values that a parameter may take; nan is in no interval.

    Examples
    --------
    >>> 0.0 in Interval(0, 1), 0.0 in Interval(0, 1, "right"), str(Interval(0, math.inf, "right"))
    (True, False, '(0, inf]')
    """

    low: float = -math.inf
    high: float = math.inf
    closed: Literal["both", "left", "right", "neither"] = "both"

    def __contains__(self, value: float) -> bool:
        above = value >= self.low if self.closed in ("both", "left") else value > self.low
        below = value <= self.high if self.closed in ("both", "right") else value < self.high
        return above and below

    def __str__(self) -> str:
        left = "[" if self.closed in ("both", "left") else "("
        right = "]" if self.closed in ("both", "right") else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


NON_NEGATIVE = Interval(0, math.inf)
POSITIVE = Interval(0, math.inf, "right")
FINITE = Interval(0, math.inf, "neither")
PROBABILITY = Interval(0, 1)


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss: its formula and all that the rest of the library needs to know of it.

    Attributes
    ----------
    name : str
        Its name in `normwise.losses`; its function is ``{name}_loss``.
    written : Formula
        The formula as its author wrote it, of the residual ``r`` or of the prediction ``x`` and the target ``t``.
    formula : Formula
        The same of the prediction ``x``, the target ``t`` and any further arrays.
    domain : mapping of str to Interval
        The values that its parameters and its further arrays may take.
    divisor : {"weight", "count"}
        What a weighted mean divides by unless the caller says otherwise: the sum of the weights or the number of
        elements.
    accepts : tuple of {"integer", "count", "complex"}
        The numbers beside the real ones that the formula makes sense of: integers, of which it is an integer; counts,
        which are integers taken for real numbers; complex ones.
    module : str
        The name of its class in `normwise.nn`.
    minimiser : str
        What of the targets' distribution the best constant prediction is: the mean, the median, a quantile, ...
    noise : str
        The noise of which it is, but for a factor and a constant, the negative log-likelihood.
    noiseless : mapping of str to tuple of Interval
        Values of its parameters with which it is no likelihood, for nothing that is one integrates to 1.
    finish : Formula, optional
        What is made of the mean, or of the means ``m0``, ``m1``, ... where there are several.
    beside : tuple of Formula
        What is averaged beside `formula`, for `finish`; of the same arrays and parameters.
    varied : tuple of str
        The parameters that are arrays; see `reading`.
    documentation : str
        The docstring of the formula.
    origin : tuple of callable and tuple, optional
        What returns this very loss in any process, and its arguments: a look-up by name, the reading of a text, a
        derivation. See `__reduce__`.
    home : tuple of str, optional
        The module and the qualified name of the function that it was declared by.
    """

    name: str
    written: Formula
    formula: Formula
    module: str
    domain: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    divisor: Divisor = "weight"
    accepts: tuple[Kind, ...] = ()
    minimiser: str = ""
    noise: str = ""
    noiseless: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict[str, tuple[Interval, ...]])
    finish: Formula | None = None
    beside: tuple[Formula, ...] = ()
    varied: tuple[str, ...] = ()
    documentation: str = ""
    # These two are of this object alone, so `replace` does not pass them on.
    origin: tuple[Callable[..., Loss], tuple[Any, ...]] | None = field(default=None, init=False, repr=False)
    home: tuple[str, str] | None = field(default=None, init=False, repr=False)

    def had_by(self, maker: Callable[..., Loss], *arguments: Any) -> Loss:
        """Note what returns this loss in another process, and return it."""
        object.__setattr__(self, "origin", (maker, arguments))
        return self

    def __reduce__(self) -> Any:
        """Pickle it by its origin; else by where its function stands, with all that it is for where none stands there.

        In the same process it is itself that is loaded again.
        """
        if self.origin is not None:
            return self.origin
        _pickled[_content(self)] = self
        home = self.home if self.home is not None and standing(*self.home) is self else None
        return stated, (home, {f.name: getattr(self, f.name) for f in fields(self) if f.init})

    @property
    def function(self) -> str:
        """The name of its function in `normwise.functional`."""
        return f"{self.name}_loss" if self.name.isidentifier() else "formula_loss"

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters with their defaults."""
        return self.written.parameters

    @property
    def further_arrays(self) -> tuple[str, ...]:
        """The arrays it reads beside prediction and target: a scale, a variance, ..."""
        return self.formula.arrays[2:]

    @property
    def flags(self) -> frozenset[str]:
        """The parameters that are true or false."""
        return frozenset(name for name, default in self.parameters.items() if isinstance(default, bool))

    @property
    def is_text(self) -> bool:
        """Whether it was read from a text, which is its name."""
        return self.origin is not None and self.origin[0] is _of_text

    @computed_once
    def derived(self) -> dict[str, Any]:
        """What others have made of it, such as its function, which lives as long as it does."""
        return {}

    @computed_once
    def parts(self) -> tuple[Loss, ...]:
        """The losses whose means it is made of: itself, if nothing is made of its mean."""
        if self.finish is None:
            return (self,)
        formulas = (self.formula, *self.beside)
        parts = (replace(self, written=f, formula=f, finish=None, beside=()) for f in formulas)
        return tuple(part.had_by(_part, self, i) for i, part in enumerate(parts))

    @computed_once
    def slope(self) -> Loss:
        """Its derivative in the prediction, which is called as a loss is."""
        written, formula = self.written, self.formula
        slope = replace(
            self,
            name=f"{self.name}_gradient",
            written=written.derivative(written.arrays[0]),
            formula=formula.derivative(formula.arrays[0]),
            accepts=(),
        )
        return slope.had_by(getattr, self, "slope")

    def reading(self, arrays: tuple[str, ...]) -> Loss:
        """The loss of which these of its arguments, beside prediction and target, are arrays, and the others numbers.

        So a parameter that differs from element to element, or that learns, is an array like any other; and a variance
        that is one number is a parameter.
        """
        if arrays == self.further_arrays:
            return self
        found = self._readings.get(arrays)
        if found is None:
            found = self._readings[arrays] = _reading(self, arrays).had_by(Loss.reading, self, arrays)
        return found

    @computed_once
    def _readings(self) -> dict[tuple[str, ...], Loss]:
        return {}

    def __repr__(self) -> str:
        return f"<normwise loss {self.name}>\n{self.written}"


def declare(
    function: Callable[..., Any],
    *,
    domain: Mapping[str, Interval] | None = None,
    divisor: Divisor = "weight",
    accepts: tuple[Kind, ...] = (),
    module: str | None = None,
    minimiser: str = "",
    noise: str = "",
    noiseless: Mapping[str, tuple[Interval, ...]] | None = None,
    finish: Callable[..., Any] | None = None,
    beside: tuple[Callable[..., Any], ...] = (),
) -> Loss:
    """The `Loss` of a plain function; see `normwise.loss`."""
    written = trace(function)
    if not written.name.isidentifier():
        raise TypeError(f"a loss needs a name: define it with `def`, not as a {written.name}")
    made = declared(
        written,
        domain=domain,
        divisor=divisor,
        accepts=accepts,
        module=module,
        minimiser=minimiser,
        noise=noise,
        noiseless=dict(noiseless or {}),
        finish=None if finish is None else trace(finish),
        beside=tuple(map(trace, beside)),
        documentation=inspect.getdoc(function) or "",
    )
    if isinstance(function, FunctionType):
        object.__setattr__(made, "home", (function.__module__, function.__qualname__))
    return made


def declared(
    written: Formula,
    *,
    domain: Mapping[str, Interval] | None = None,
    module: str | None = None,
    beside: tuple[Formula, ...] = (),
    **details: Any,
) -> Loss:
    """The `Loss` of a formula, checked."""
    name = written.name.removesuffix("_loss")
    if not name:
        raise TypeError(f"a loss needs a name beside {written.name}")
    if not (written.arrays[0] == "r" or written.arrays[:2] == ("x", "t")):
        raise TypeError(
            f"{name} reads {', '.join(written.arrays)}; a loss begins with r (the residual, prediction - target) or "
            "with x, t (prediction, target), then names further arrays; parameters have a default"
        )
    for argument in (*written.arrays, *written.parameters):
        if reason := unfit(argument):
            raise TypeError(f"{name} names an argument {argument}, {reason}")
    unknown = set(domain or {}).difference(written.parameters, written.arrays)
    if unknown:
        raise TypeError(f"the domain of {name} names {', '.join(sorted(unknown))}, which is no parameter of it")
    formula = _of_prediction_and_target(written)
    others = tuple(
        Formula(name, formula.arrays, formula.parameters, _of_prediction_and_target(other).expression)
        for other in beside
    )
    return Loss(
        name=name,
        written=written,
        formula=formula,
        module=module or "".join(part.capitalize() for part in name.split("_")) + "Loss",
        domain=dict(domain or {}),
        beside=others,
        **details,
    )


@per_formula
def _of_text(text: str, arrays: tuple[str, ...], parameters: tuple[tuple[str, float], ...]) -> Loss:
    written = parse(text, dict(parameters), arrays)
    made = declared(written, module="FormulaLoss", documentation=f"A formula given as text: {written.name}.")
    return made.had_by(_of_text, text, arrays, parameters)


def of_text(text: str, arrays: Iterable[str] = (), parameters: Mapping[str, Any] | None = None) -> Loss:
    """The `Loss` of a text, which is its name; see `normwise.loss`."""
    names = tuple(map(as_read, arrays))
    numbers: dict[str, float] = {}
    for given, value in (parameters or {}).items():
        name = as_read(given)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"the parameter {name} of {text!r} is to be a number, not {value!r}")
        if name in numbers or name in names:
            raise InputError(f"{text!r} has two parameters or arrays of the name {name}")
        numbers[name] = float(value)
    for name in (*numbers, *names):
        if reason := unfit(name):
            raise FormulaError(f"{text!r} has a parameter or an array {name!r}, {reason}")
    return _of_text(text, names, tuple(numbers.items()))


_pickled: WeakValueDictionary[tuple[Any, ...], Loss] = WeakValueDictionary()
"""The losses that have been pickled or loaded by all that they are, so that two of one kind are one object."""


def _content(loss: Loss) -> tuple[Any, ...]:
    values = [getattr(loss, f.name) for f in fields(loss) if f.init]
    return tuple(tuple(cast("Any", v).items()) if isinstance(v, Mapping) else v for v in values)


def standing(module: str, name: str) -> Loss | None:
    """Return the loss that stands under a qualified name in a module, if there is one for every process."""
    if module in ("__main__", "__mp_main__"):  # another process has another one
        return None
    try:
        found = functools.reduce(getattr, name.split("."), import_module(module))
    except Exception:  # whatever keeps a module from loading: the loss is told in full too
        return None
    declared = getattr(found, "loss", None)
    return declared if isinstance(declared, Loss) else None


def stated(home: tuple[str, str] | None, details: Mapping[str, Any]) -> Loss:
    """Return the loss that stands at its home; where there is none, that of all its details."""
    found = standing(*home) if home is not None else None
    if found is None:
        made = Loss(**details)
        found = _pickled.setdefault(_content(made), made)
    return found


def _part(loss: Loss, i: int) -> Loss:
    return loss.parts[i]


def _of_prediction_and_target(written: Formula) -> Formula:
    if written.arrays[0] != "r":
        return written
    return written.on(("x", "t", *written.arrays[1:]), r=variable("x") - variable("t"))


def _reading(loss: Loss, arrays: tuple[str, ...]) -> Loss:
    # A variance that is made a parameter has no default; whoever binds the parameters gives it.
    arguments = (*loss.further_arrays, *loss.parameters)
    parameters = {name: loss.parameters.get(name, math.nan) for name in arguments if name not in arrays}

    def read(formula: Formula) -> Formula:
        own = tuple(name for name in formula.arrays if name not in loss.further_arrays)
        return Formula(formula.name, (*own, *arrays), parameters, formula.expression)

    return replace(
        loss,
        written=read(loss.written),
        formula=read(loss.formula),
        beside=tuple(map(read, loss.beside)),
        varied=tuple(name for name in arrays if name in loss.parameters),
    )
