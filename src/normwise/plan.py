"""The call plan: the one place that checks what a caller gave.

Every error that the call of a loss can cause is raised here, in terms of plain names, shapes and numbers: this module
knows no array library. The faces bring the facts, an engine gets what passed.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any, Literal, NamedTuple, NoReturn, cast

from normwise.catalogue import Loss, losses, metrics
from normwise.catalogue.declaration import of_text
from normwise.catalogue.metrics import METRICS, Metric, metric_of, metric_of_loss
from normwise.catalogue.registry import ALIASES
from normwise.errors import (
    DeviceError,
    DimensionError,
    DtypeError,
    InputError,
    LayoutError,
    ParameterError,
    ShapeMismatchError,
    near_names,
)
from normwise.formula.parse import as_read
from normwise.sums import Divisor, Reduction

Shape = Sequence[int]

ORDERS = "1, 2, inf, -inf, 0, a fraction, a negative number"

REDUCTIONS: Mapping[str, Reduction] = {"none": "none", "sum": "sum", "mean": "mean"}


def find_loss(name: str | Loss | Any) -> Loss:
    """The loss of a name (``"mse"``, ``"mse_loss"``), of a function of `normwise.functional`, or itself."""
    if isinstance(name, Loss):
        return name
    declared = getattr(name, "loss", None)
    # A function of one's own stands in an object that pickles.
    if isinstance(declared, Loss) and isinstance(getattr(name, "__wrapped__", name), (FunctionType, partial, type)):
        return declared
    if not isinstance(name, str):
        raise _no_loss(name, declared)
    known = ALIASES.get(name, name)
    found = losses.get(known) or losses.get(known.removesuffix("_loss"))
    if found is None and not name.isidentifier() and ":" not in name:
        return of_text(name)
    if found is None:
        raise InputError(f"there is no loss {name!r}: {near_names(name, losses)}")
    return found


def _no_loss(given: Any, declared: object) -> InputError:
    if isinstance(declared, Loss):  # a module, say: its parameters would be lost without a word
        holder = type(given).__name__
        return InputError(f"{holder} holds parameters of its own: name the loss with them, as {declared.name}:param=1")
    what = getattr(given, "__name__", None) or f"the {type(given).__name__} {given!r}"
    return InputError(f"{what} is no loss: expected a name, as 'huber', a formula as text, or normwise.huber_loss")


def parse_loss(text: str) -> tuple[Loss, dict[str, float]]:
    """The loss and the parameters of a text such as ``"smooth_l1:beta=10"``, or ``"log(cosh(r / s)):s=2"``.

    Examples
    --------
    >>> loss, parameters = parse_loss("smooth_l1:beta=10")
    >>> loss.name, parameters
    ('smooth_l1', {'beta': 10.0})
    >>> loss, parameters = parse_loss("log(cosh(r / s)):s=2")
    >>> loss.name, parameters
    ('log(cosh(r / s))', {'s': 2.0})
    """
    loss, given = read_loss(text)
    return bound(loss, given)


def loss_with(loss: Any, given: Mapping[str, Any]) -> tuple[Loss, dict[str, float]]:
    """The loss that a name, a text such as those of `parse_loss`, a function or itself is, with all its parameters.

    Examples
    --------
    >>> loss, parameters = loss_with("log(cosh(r / s))", {"s": 2.0})
    >>> loss.name, parameters
    ('log(cosh(r / s))', {'s': 2.0})
    """
    return bound(*read_loss(loss, given)) if isinstance(loss, str) else bound(find_loss(loss), given)


def read_loss(text: str, further: Mapping[str, Any] | None = None) -> tuple[Loss, dict[str, Any]]:
    """The loss of a text and what it is given: numbers, and the words that are none, such as names of columns."""
    name, _, assignments = (part.strip() for part in text.partition(":"))
    given: dict[str, Any] = {}
    for assignment in filter(None, assignments.split(",")):
        parameter, equals, value = (part.strip() for part in assignment.partition("="))
        parameter = as_read(parameter)
        if not equals:
            raise InputError(f"{text!r} gives {name} {assignment!r}; write parameter=number, as in {_example(name)}")
        if parameter in given:
            raise InputError(f"{text!r} gives {parameter} twice: give it once")
        try:
            given[parameter] = float(value)
        except ValueError:
            given[parameter] = value
    given |= further or {}
    if name.isidentifier():
        return find_loss(name), given
    arrays = tuple(parameter for parameter, value in given.items() if isinstance(value, str))
    return of_text(name, arrays, {n: v for n, v in given.items() if n not in arrays}), given


def bound(loss: Loss, given: Mapping[str, Any]) -> tuple[Loss, dict[str, float]]:
    """The loss of which the further arrays that are given are numbers, and all its parameters."""
    read = loss.reading(tuple(name for name in loss.further_arrays if name not in given))
    return read, bind_parameters(read, given)


def _example(name: str) -> str:
    parameters: Mapping[str, float] = losses[name].parameters if name in losses else {}
    return f"{name}:{','.join(f'{n}={value:g}' for n, value in (parameters or {'scale': 1.0}).items())}"


def bind_parameters(loss: Loss, given: Mapping[str, Any]) -> dict[str, float]:
    """All parameters of a loss: those given, checked against their domain, and the others' defaults."""
    bound = dict(loss.parameters)
    for name, value in ((as_read(name), value) for name, value in given.items()):
        if name not in bound:
            known = f"it has {', '.join(bound)}" if bound else "it has none"
            raise InputError(f"{loss.name} has no parameter {name!r}: {near_names(name, bound) if bound else known}")
        bound[name] = bind_parameter(loss, name, value)
    return bound


def parameter(loss: Loss, name: str, given: Any) -> Any:
    """One parameter of a call: a plain number, checked, or what is to be an array, whose numbers a face will check."""
    if isinstance(given, (list, tuple)):
        return cast("Sequence[float]", given)
    if is_proxy(given):
        return given
    if _size(getattr(given, "shape", ())) != 1 or getattr(given, "requires_grad", False):
        return given
    try:
        return bind_parameter(loss, name, given)
    except InputError as error:
        if hasattr(given, "shape") and not isinstance(error, ParameterError):  # a number that is not yet known
            return given
        raise


def is_number(given: Any) -> bool:
    """Whether it is one number: Python's own, or a scalar or 0-d array of NumPy's, also beside another library's."""
    return isinstance(given, (float, int)) or (type(given).__module__ == "numpy" and given.shape == ())


def is_proxy(given: object) -> bool:
    """Whether it stands for an array that is not there yet, as a symbol of torch.fx does."""
    return hasattr(type(given), "__torch_function__") and not hasattr(type(given), "__array__")


def bind_parameter(loss: Loss, name: str, given: Any) -> float:
    """One parameter as a plain number; `ParameterError` where it leaves its domain, in torch's words if it has any."""
    if name in loss.flags:
        return _flag(loss, name, given)
    try:
        if isinstance(given, str):
            raise TypeError
        value = float(given)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: torch's, for a tensor of several elements
        raise InputError(f"{loss.name} takes a real number for {name}, not {given!r}") from None
    domain = loss.domain.get(name)
    # A number in place of an array is as an array of it: a nan shows in the result.
    if domain is None or value in domain or (math.isnan(value) and name in loss.further_arrays):
        return value
    raise ParameterError(f"{_unsupported(loss, name)} Given {name}={value:g}; expected a number in {domain}")


def _unsupported(loss: Loss, name: str) -> str:
    domain = loss.domain[name]
    if domain.low == 0 and domain.high == float("inf"):
        kind = "negative" if 0.0 in domain else "non-positive"
        return f"{loss.function} does not support {kind} values for {name}."
    return f"{loss.function} does not support this value for {name}."


def check_inside(loss: Loss, name: str, outside: float) -> None:
    """Raise `ParameterError` where numbers of an array leave the domain of what they are given for."""
    if outside:
        domain = loss.domain[name]
        least = f"{name} {'>=' if domain.low in domain else '>'} {domain.low:g}"
        raise ParameterError(
            f"{_unsupported(loss, name)} Some of {name} are not in {domain}: a mask leaves their elements out, as in "
            f"mask={least}"
        )


def _flag(loss: Loss, name: str, given: Any) -> bool:
    if isinstance(given, (bool, int, float)) and given in (0, 1):
        return bool(given)
    raise InputError(f"{loss.function} takes True or False for {name}, not {given!r}")


def reduction_of(reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> Reduction:
    """The reduction that a call asks for, torch's deprecated arguments included; they override `reduction`."""
    if size_average is not None or reduce is not None:
        average = size_average is None or bool(size_average)
        named = "none" if not (reduce is None or reduce) else "mean" if average else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{named}' instead.",
            UserWarning,
            stacklevel=3,
        )
        return REDUCTIONS[named]
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            UserWarning,
            stacklevel=3,
        )
        return "mean"
    found = REDUCTIONS.get(reduction)
    if found is None:
        raise InputError(f"{reduction} is not a valid value for reduction: expected {', '.join(map(repr, REDUCTIONS))}")
    return found


NanPolicy = Literal["propagate", "omit", "raise"]
NAN_POLICIES: tuple[NanPolicy, ...] = ("propagate", "omit", "raise")
DIVISORS: tuple[Divisor, ...] = ("weight", "count")


class Options(NamedTuple):
    """What a caller asked beside the arrays; words are checked, arrays are not yet."""

    weight: Any = None
    mask: Any = None
    nan_policy: NanPolicy = "propagate"
    dim: int | tuple[int, ...] | None = None
    keepdim: bool = False
    normalize: Any = None
    """One of `DIVISORS`, a float, or a 0-d array."""
    broadcast: bool = False

    @property
    def omits(self) -> bool:
        """Whether elements whose target is nan are dropped."""
        return self.nan_policy == "omit"

    def divisor(self, loss: Loss, reduction: Reduction) -> Any:
        """What the sum is divided by: one of `DIVISORS`, a float, or a 0-d array."""
        if reduction != "mean":
            return 1.0
        return loss.divisor if self.normalize is None else self.normalize


PLAIN = Options()
"""The options of a call that asks for nothing special."""


def options(
    loss: Loss,
    reduction: Reduction,
    weight: Any = None,
    mask: Any = None,
    nan_policy: Any = "propagate",
    dim: Any = None,
    keepdim: bool = False,
    normalize: Any = None,
    broadcast: bool = False,
) -> Options:
    """The options of a call, its words checked."""
    nan_policy_of(nan_policy)
    if dim is not None or keepdim:
        if reduction == "none":
            raise InputError(
                f"{loss.function} with reduction='none' reduces no dimension: for dim and keepdim use 'mean' or 'sum'"
            )
        dim = dim if dim is None else _dims(dim)
    if normalize is not None:
        if reduction != "mean":
            raise InputError(f"normalize says what a mean divides by, but the reduction is {reduction!r}")
        normalize = _normalize(normalize)
    return Options(weight, mask, nan_policy, dim, keepdim, normalize, broadcast)


def _dims(dim: Any) -> tuple[int, ...]:
    given: tuple[Any, ...] = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)  # type: ignore[arg-type]
    if not given:
        raise InputError("dim is empty: name at least one dimension, or pass dim=None for all of them")
    try:
        return tuple([operator.index(d) for d in given])
    except TypeError:
        raise InputError(f"dim is to be an int or a tuple of ints, not {dim!r}") from None


def _normalize(given: Any) -> Any:
    """What a mean divides by, as a word, a plain number or a 0-d array."""
    if isinstance(given, str):
        if given not in DIVISORS:
            raise InputError(f"{given!r} is not a valid value for normalize: expected 'weight', 'count' or a number")
        return given
    if isinstance(given, (int, float)) and given is not True and given is not False:
        return checked_normalize(float(given))
    if is_proxy(given):
        return given
    shape = getattr(given, "shape", None)
    if shape != ():
        what = type(given).__name__ if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(f"normalize is to be 'weight', 'count', a number or a 0-d array, not {what}")
    return given


def checked_normalize(value: float) -> float:
    """A number that a mean may be divided by."""
    if not value >= 0:
        raise InputError(f"normalize is {value:g}: a mean divides by a positive number, or by 0 where nothing is there")
    return value


def dimensions(dim: Sequence[int], rank: int) -> tuple[int, ...]:
    """The dimensions that are reduced, counted from the first; `DimensionError` in torch's words."""
    found: list[int] = []
    for d in dim:
        low, high = -max(rank, 1), max(rank, 1) - 1
        if not low <= d <= high:
            raise DimensionError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {d})")
        if d % max(rank, 1) in found:
            raise DimensionError(f"dim {d % max(rank, 1)} appears multiple times in the list of dims")
        found.append(d % max(rank, 1))
    return tuple(found)


def order(p: Any) -> float:
    """The order of a norm as a plain number."""
    try:
        if isinstance(p, (str, bool)):
            raise TypeError
        value = float(p)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"p, the order of the norm, is to be a real number ({ORDERS}), not {p!r}") from None
    if value != value:  # a compiler's symbol knows no isnan
        raise InputError(f"p, the order of the norm, is nan: expected a real number ({ORDERS})")
    return value


def distance_order(p: Any) -> float:
    """The order of a distance as a plain number."""
    value = order(p)
    if value < 0:
        raise ParameterError(f"p, the order of the distance, is {value:g}: expected 0 or more, or inf")
    return value


def find_metric(name: Any, p: Any, parameters: Mapping[str, Any]) -> tuple[Metric, dict[str, float]]:
    """The metric of a name or a loss, and the parameters of the loss."""
    known = metrics.ALIASES.get(name, name) if isinstance(name, str) else name
    if isinstance(known, str) and known in METRICS:
        if parameters:
            raise InputError(f"the metric {name!r} has no parameter {next(iter(parameters))!r}")
        if known == "lp":
            if p is None:
                raise InputError(f"the metric {name!r} needs its order p: a number that is 0 or more, or inf")
            return metric_of("lp", distance_order(p)), {}
        _check_no_order(name, p)
        return metric_of(known), {}
    if isinstance(known, str):
        word = known.partition(":")[0].strip().removesuffix("_loss")
        if word.isidentifier() and ALIASES.get(word, word) not in losses:
            names = (*METRICS, *metrics.ALIASES, *losses)
            raise InputError(f"there is no metric {name!r}: {near_names(word, names)}")
        loss, given = parse_loss(known)
    else:
        try:
            loss, given = find_loss(known), {}
        except InputError as error:
            raise InputError(f"a metric is named by a string, as 'l2', or is a loss; {error}") from None
    _check_no_order(loss.name, p)
    if loss.further_arrays:
        raise InputError(f"{loss.name} reads {', '.join(loss.further_arrays)} beside two points: it makes no metric")
    if loss.finish is not None:
        raise InputError(f"{loss.name} is made of a mean: it makes no metric, which is a sum over the features")
    return metric_of_loss(loss), bind_parameters(loss, {**given, **parameters})


def _check_no_order(name: Any, p: Any) -> None:
    if p is not None:
        raise InputError(f"p is the order of the metric 'lp', but the metric is {name!r}")


def pair_shapes(a: Shape, b: Shape) -> tuple[int, ...]:
    """The batch of two sets of points; `ShapeMismatchError` where they make no pairs."""
    a, b = tuple(a), tuple(b)
    for name, shape in (("a", a), ("b", b)):
        if not shape:
            raise ShapeMismatchError(f"{name} is a number: expected points, of the shape (n, d), or one point, (d,)")
    if a[-1] != b[-1]:
        raise ShapeMismatchError(f"a is {a} and b is {b}: their points have {a[-1]} and {b[-1]} features")
    if a[:-2] == b[:-2]:
        return a[:-2]
    try:
        return broadcast_shape(a[:-2], b[:-2])
    except ShapeMismatchError:
        raise ShapeMismatchError(
            f"a is {a} and b is {b}: their batches {a[:-2]} and {b[:-2]} do not broadcast"
        ) from None


def check_features(largest: bool, features: int) -> None:
    """Raise where the largest difference of no features is asked for."""
    if largest and features == 0:
        raise ParameterError("the largest difference has no value for points without features")


def check_feature_weight(shape: Shape, features: int) -> None:
    """Raise `ShapeMismatchError` where a weight is not one for each feature."""
    if tuple(shape) != (features,):
        raise ShapeMismatchError(
            f"weight is {tuple(shape)}: expected one for each of {features} features, ({features},)"
        )


def neighbours(k: Any, points: int) -> int:
    """The number of neighbours that are asked for."""
    try:
        count = operator.index(k)
    except TypeError:
        raise InputError(f"k, the number of neighbours, is to be an int, not {k!r}") from None
    if not 1 <= count <= points:
        raise InputError(f"k, the number of neighbours, is {count}, but b has {points} points: expected 1 to {points}")
    return count


PAIR_REDUCTIONS = ("min", "mean", "sum")


def pair_reduction(reduce: Any, dim: Any) -> tuple[str | None, int]:
    """How a matrix of distances is reduced, and over which of its dimensions: -1 or -2."""
    if reduce is not None and reduce not in PAIR_REDUCTIONS:
        expected = ", ".join(map(repr, PAIR_REDUCTIONS))
        raise InputError(f"{reduce!r} is not a valid value for reduce: expected None, {expected}")
    if dim not in (-1, -2):
        raise DimensionError(f"dim is {dim!r}: expected -1, to reduce over the points of b, or -2, over those of a")
    return reduce, int(dim)


def check_reducible(reduce: str, points: tuple[int, int], dim: int) -> None:
    """Raise where the least or the mean of no distances is asked for."""
    if reduce != "sum" and points[1 if dim == -1 else 0] == 0:
        raise ParameterError(f"the {reduce} of no distances has no value: {'b' if dim == -1 else 'a'} has no points")


def reduced_dims(dim: Any, rank: int) -> tuple[int, ...]:
    """The dimensions that a norm is taken over, counted from the first: all for None."""
    if dim is None:
        return tuple(range(rank))
    found = dimensions(_dims(dim), rank)
    return found if rank else ()  # a number has no dimension 0, but may be asked for it


def check_not_empty(p: float, shape: Shape, dims: Sequence[int]) -> None:
    """Raise where the norm of nothing is asked for and there is none: of order infinity, or a negative one."""
    if (p < 0 or p == math.inf) and _size([shape[d] for d in dims]) == 0:
        raise ParameterError(
            f"the norm of order {p:g} has no value for nothing: the array is {tuple(shape)}, reduced over {tuple(dims)}"
        )


def nan_policy_of(given: Any) -> NanPolicy:
    """The word that says what a nan does."""
    if given not in NAN_POLICIES:
        expected = ", ".join(map(repr, NAN_POLICIES))
        raise InputError(f"{given!r} is not a valid value for nan_policy: expected {expected}")
    return given  # type: ignore[no-any-return]


def check_has_gradient(loss: Loss, reduction: Reduction, options: Options | None) -> None:
    """Raise where a gradient is asked of a loss that is not reduced to a number."""
    if options is not None and options.dim is not None:
        raise InputError(f"the gradient of {loss.function} over some dimensions is not one array: leave dim out")
    if reduction == "none":
        raise InputError(
            f"the gradient of {loss.function} with reduction='none' is not one array: "
            "reduction='sum' gives the derivative per element"
        )


def check_is_mean(loss: Loss, reduction: Reduction) -> None:
    """Raise where a loss that is made of means is asked for a sum or for values per element."""
    if reduction != "mean":
        raise InputError(f"{loss.function} is made of a mean: its reduction is 'mean', not {reduction!r}")


def check_is_pointwise(loss: Loss) -> None:
    """Raise where a derivative per element is asked of a loss that is made of means."""
    if loss.finish is not None:
        raise InputError(
            f"{loss.name} is made of a mean, and its derivative in an element depends on the others: "
            "use value_and_grad, whose gradient is that of the whole"
        )


def check_shapes(input_shape: Shape, target_shape: Shape, names: tuple[str, str] = ("input", "target")) -> None:
    """Raise `ShapeMismatchError` where input and target differ in shape."""
    a, b = tuple(input_shape), tuple(target_shape)
    if a != b:
        raise ShapeMismatchError(f"{names[0]} is {a} but {names[1]} is {b}: {_mend(a, b, names)}")


def _mend(a: tuple[int, ...], b: tuple[int, ...], names: tuple[str, str]) -> str:
    """What the caller most likely meant, for two shapes that differ."""
    broadcast = "or pass broadcast=True"
    long, short, name = (a, b, names[0]) if len(a) > len(b) else (b, a, names[1])
    if len(long) == len(short) + 1:
        if long[:-1] == short and long[-1] == 1:
            return f"squeeze the {name}'s last dimension, {broadcast}"
        if long[1:] == short and long[0] == 1:
            return f"squeeze the {name}'s first dimension, {broadcast}"
    if len(a) == len(b) and len(a) >= 2 and a == (*b[:-2], b[-1], b[-2]):
        return "transpose the last two dimensions of one of them"
    try:
        common = broadcast_shape(a, b)
    except ShapeMismatchError:
        if _size(a) == _size(b):
            return "reshape one of them to the other's shape"
        return f"they are to have the same shape. {_torchs_words(a, b)}"
    # No thousands separator: under a compiler the lengths may be symbols, which take no format.
    return f"pass broadcast=True if you mean all {_size(common)} pairs of {common}"


def _torchs_words(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """What torch says of shapes that do not broadcast."""
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    dim, m, n = [(i, m, n) for i, (m, n) in enumerate(pairs) if m != n and 1 not in (m, n)][-1]
    return f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {dim}"


def _size(shape: Shape) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def broadcast_shape(a: Shape, b: Shape, names: tuple[str, str] = ("input", "target")) -> tuple[int, ...]:
    """The shape that two shapes broadcast to, by NumPy's rule."""
    longer, shorter = sorted((tuple(a), tuple(b)), key=len, reverse=True)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    if any(m != n and 1 not in (m, n) for m, n in zip(longer, padded, strict=True)):
        raise ShapeMismatchError(
            f"{names[0]} is {tuple(a)} and {names[1]} is {tuple(b)}, which do not broadcast: "
            "each dimension is to be equal or 1"
        )
    return tuple(n if m == 1 else m for m, n in zip(longer, padded, strict=True))


def check_broadcasts(name: str, own_shape: Shape, shape: Shape) -> None:
    """Raise `ShapeMismatchError` where a weight or a mask does not broadcast to the shape of the loss."""
    own, whole = tuple(own_shape), tuple(shape)
    tail = whole[len(whole) - len(own) :] if len(own) <= len(whole) else ()
    if len(own) > len(whole) or any(w not in (1, n) for w, n in zip(own, tail, strict=True)):
        rows = len(own) == 1 and len(whole) > 1 and own[0] == whole[0]
        mend = f"for a {name} per row use {name}[:, None]" if rows else "each of its dimensions is to be equal or 1"
        words = {"weight": "Weights and input must have the same size. ", "mask": ""}.get(
            name, f"{name} is of incorrect size. "
        )
        raise ShapeMismatchError(f"{words}{name} is {own}, which does not broadcast to {whole}: {mend}")


def call_shape(loss: Loss, shapes: Sequence[Shape], broadcast: bool) -> tuple[tuple[int, ...], frozenset[str]]:
    """The shape of a call, and which of the arrays beside prediction and target are one number for each row of it.

    Such an array has the shape of prediction and target without its last dimension, as torch lets a variance have.

    Parameters
    ----------
    loss : Loss
        The loss.
    shapes : sequence of shapes
        Those of its arrays.
    broadcast : bool
        Whether they may differ.

    Raises
    ------
    ShapeMismatchError
        Where they differ and may not, or do not broadcast.
    """
    input, target, *further = map(tuple, shapes)
    if not broadcast:
        check_shapes(input, target)
    shape = broadcast_shape(input, target) if broadcast else input
    rows = {name for name, own in zip(loss.further_arrays, further, strict=True) if shape and own == shape[:-1]}
    by_row = frozenset(rows.difference(loss.varied))
    for name, own in zip(loss.further_arrays, further, strict=True):
        spread = (*own, 1) if name in by_row else own
        if broadcast:
            shape = broadcast_shape(shape, spread, ("the loss", name))
        check_broadcasts(name, spread, shape)
    return shape, by_row


def check_no_negative_weight(count: float) -> None:
    """Raise where weights are negative."""
    if count:
        raise InputError(f"{count:,.0f} of the weights are negative: a weight is to be 0 or more")


def check_no_nan(name: str, count: float) -> None:
    """Raise where nans were found and are not allowed."""
    if count:
        raise InputError(nan_message(name, f"{count:,.0f} "))


def nan_message(name: str, count: str = "") -> str:
    """What to say of nans in an array, which is named as in a formula."""
    told = {"x": "input", "t": "target"}.get(name, name)
    return f"{told} holds {count}nan and nan_policy is 'raise': mask them, or pass 'omit'"


def check_mask(mask: object, is_bool: bool) -> None:
    """Raise `DtypeError` where a mask is not made of booleans."""
    if not is_bool:
        dtype = getattr(mask, "dtype", type(mask).__name__)
        raise DtypeError(f"mask is {dtype}: expected bool, True where an element counts; write mask != 0")


def check_array(loss: Loss, name: str, array: object, accepted: bool, kind: str) -> None:
    """Raise TypeError where an argument is not of the kind that the call takes, which the caller has found out."""
    if not accepted:
        raise TypeError(
            f"{loss.function} takes arrays of one library: expected {kind} for {name}, given a {type(array).__name__}; "
            "convert it first"
        )


def refuse_layout(function: str, name: str, layout: object, nested: bool) -> NoReturn:
    """Raise `LayoutError`."""
    if nested:
        raise LayoutError(
            f"{function} is not implemented for nested tensors, which {name} is: call it for each of {name}.unbind(), "
            f"or, where no holes are between them, of {name}.values(), all elements in one tensor"
        )
    raise LayoutError(f"{function} is not implemented for {layout}, which {name} is: use {name}.to_dense()")


def check_device(loss: Loss, name: str, device: object, expected: object, same: bool) -> None:
    """Raise `DeviceError` where a tensor is on another device than the input."""
    if not same:
        raise DeviceError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{expected} and {device}! {loss.function} has its input on {expected}: move {name} there"
        )


def dtype_message(loss: Loss, dtype: object, mend: str) -> str:
    """What to say of a dtype that has no fractions or no order."""
    return f"{loss.function} is not implemented for {dtype}: expected a real floating-point dtype, as of {mend}"
