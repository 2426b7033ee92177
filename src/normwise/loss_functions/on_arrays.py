"""Losses on NumPy arrays, and on the arrays of any namespace of the array API standard.

NumPy's floating-point arrays take the fused kernels; other arrays the namespace's own operations.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from normwise.catalogue import Loss
from normwise.checks import check_broadcasts, check_mask, check_no_nan, check_no_negative_weight, dimensions_of
from normwise.engines import arrays as array_engine
from normwise.engines import passes
from normwise.engines.dtypes import is_extension, is_half, isdtype, widest
from normwise.errors import DtypeError
from normwise.formula import Formula
from normwise.formula.caches import per_formula
from normwise.libraries.arrays import MEMORY, address, as_numpy, in_one_piece, namespace_of, whole
from normwise.loss_functions import on_kernels
from normwise.loss_functions.checks import call_shape, dtype_message
from normwise.loss_functions.choice import check_inside
from normwise.loss_functions.options import PLAIN, Options, check_has_gradient, check_is_mean, checked_normalize
from normwise.sums import Reduction, State
from normwise.terms import MASK, WEIGHT, Terms, nan_count, negatives, outside_count, summed_for, terms_of

Arrays = Sequence[Any]


class Call(NamedTuple):
    """A call whose arrays are checked."""

    xp: Any
    """Their namespace."""
    terms: Terms
    arrays: dict[str, Any]
    """By name, in one shape."""
    parameters: tuple[float, ...]
    reduction: Reduction
    divisor: Any
    """``"weight"``, ``"count"``, a float or a 0-d array."""
    dims: tuple[int, ...] | None
    keepdim: bool
    dtype: Any
    """The common dtype of the arrays."""
    wide: Any
    """The dtype of the arithmetic and of sums: the same, but float32 for half precision."""

    @property
    def fused(self) -> bool:
        """Whether the kernels may read the arrays."""
        return array_api_compat.is_numpy_namespace(self.xp) and all(
            a.dtype in MEMORY.storage for a in self.arrays.values()
        )

    def named(self, names: Sequence[str]) -> list[Any]:
        """The arrays of these names."""
        return [self.arrays[name] for name in names]

    def number(self, value: float) -> Any:
        """A number in float64 as one of NumPy's: infinite beyond its range, and no warning, as elsewhere."""
        return _number(value, self.wide.type)

    def rounded(self, value: float) -> float:
        """A number rounded to the dtype of sums."""
        return float(self.number(value))


class Lane(NamedTuple):
    """What the usual call needs that was made before, of whatever size."""

    run: Callable[..., Sequence[float]]
    """The kernel: of the loss, and of how many elements are refused, if any can be."""
    terms: Terms
    reads: tuple[int, ...]
    """The numbers of the arrays that it reads."""
    kind: type[np.floating[Any]]
    """Of the result."""

    def value(
        self, arrays: Arrays, parameters: Sequence[float], reduction: Reduction, gradient: Any = None
    ) -> np.floating[Any]:
        """Compute the loss, and write the gradient where there is memory for one."""
        size: int = arrays[0].size
        divisor = size if reduction == "mean" else 1
        places = [address(arrays[i]) for i in self.reads]
        if gradient is not None:
            places.append(address(gradient))
        total, *refused = self.run(size, *places, *parameters, 1 / divisor)
        if refused and refused[0]:
            on_kernels.check_values(MEMORY, self.terms, dict(zip(self.terms.value.arrays, arrays, strict=True)))
        return _number(total / divisor, self.kind)


def _lane_of(loss: Loss, arrays: Arrays, slope: bool) -> Lane | None:
    """Return the lane of arrays that are alike, in one piece and within their domains; None for others."""
    if not in_one_piece(arrays):
        return None
    first = arrays[0]
    dtype, shape = first.dtype, first.shape
    for array in arrays[1:]:
        if array.dtype != dtype or array.shape != shape:
            return None
    lane = _lane(loss, dtype, slope)
    return lane if first.size else None


@per_formula
def _lane(loss: Loss, dtype: np.dtype[Any], slope: bool) -> Lane | None:
    """The lane of a loss, if its kernel reads an array."""
    terms = terms_of(loss)
    summing, _ = on_kernels.reducing(terms, (), loss.formula.arrays[:1] if slope else ())
    if not summing.reads:
        return None
    kernel = summing.kernel(MEMORY, (dtype,) * (len(summing.reads) + slope), None)
    return Lane(kernel.flat, terms, summing.reads, _wide(np, dtype).type)


def _number(value: float, kind: type[np.floating[Any]]) -> np.floating[Any]:
    """A number in float64 as one of NumPy's: infinite beyond its range, and no warning, as elsewhere."""
    # Looked at first, for that takes a tenth of the time.
    if kind is np.float64 or _NORMAL[0] <= abs(value) <= _NORMAL[1]:
        return kind(value)
    with array_engine.quiet(np):
        return kind(value)


_NORMAL = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
"""The range of the numbers that float32 has without a warning."""


def call(
    loss: Loss, arrays: Arrays, parameters: tuple[float, ...], reduction: Reduction, options: Options | None
) -> Any:
    """Compute a loss of arrays, weighted and reduced."""
    if options is None and reduction != "none":
        lane = _lane_of(loss, arrays, False)
        if lane is not None:
            return lane.value(arrays, parameters, reduction)
    arrays, options = _taken(arrays, options)
    made = _checked(loss, arrays, parameters, reduction, options)
    if reduction != "none" and made.dims is None and made.fused:
        return _fused(made)[0]
    _check_values(made)
    if reduction == "none":
        return made.xp.astype(_values(made, made.terms.value), made.dtype, copy=False)
    return _reduced(made)[0]


def _fused(made: Call, *wrt: str) -> tuple[Any, Sequence[Any]]:
    """Reduce to one number by the fused kernels, which check the values they read; its gradients in some arrays too."""
    terms, arrays, parameters, divisor = made.terms, made.arrays, made.parameters, made.divisor
    if on_kernels.waits_for_sums(MEMORY, terms, arrays, divisor, wrt):
        found, waiting = on_kernels.means(MEMORY, terms, arrays, parameters, divisor, wrt, made.rounded)
        value, formulas, factors, _ = found
        gradients = on_kernels.scaled(MEMORY, formulas, arrays, parameters, factors, wrt, waiting) if wrt else ()
    else:
        value, _, gradients = on_kernels.reduced(MEMORY, terms, arrays, parameters, divisor, wrt)
    number = made.number(value)
    return np.full((1,) * arrays[terms.value.arrays[0]].ndim, number) if made.keepdim else number, gradients


def value_and_gradient(
    loss: Loss, arrays: Arrays, parameters: tuple[float, ...], reduction: Reduction, options: Options | None
) -> tuple[Any, Any]:
    """Compute a loss and its gradient in the input, in the input's shape and dtype."""
    check_has_gradient(loss, reduction, options)
    if options is None:
        lane = _lane_of(loss, arrays, True)
        if lane is not None:
            gradient = MEMORY.empty_like(arrays[0], None)
            return lane.value(arrays, parameters, reduction, gradient), gradient
    arrays, options = _taken(arrays, options)
    made = _checked(loss, arrays, parameters, reduction, options)
    name = loss.formula.arrays[0]
    if made.fused:
        value, [gradient] = _fused(made, name)
        return value, _as_of(arrays[0], gradient, made.wide)
    _check_values(made)
    value, divisor = _reduced(made)
    slope = _values(made, made.terms.value.derivative(name))
    with array_engine.quiet(made.xp):
        # Where an element is dropped its slope is 0, also where the divisor is.
        scaled = made.xp.where(slope == 0, slope, slope / divisor) if MASK in made.arrays else slope / divisor
        return value, _as_of(arrays[0], scaled, made.wide)


def call_of_means(
    loss: Loss, arrays: Arrays, parameters: tuple[float, ...], reduction: Reduction, options: Options | None
) -> Any:
    """Compute a loss that is made of means."""
    check_is_mean(loss, reduction)
    arrays, options = _taken(arrays, options)
    if isinstance(arrays[0], np.ndarray):
        made = _checked(loss, arrays, parameters, reduction, options)
        if made.dims is None and made.fused:
            return _fused(made)[0]
    return _finished(loss, [call(part, arrays, parameters, reduction, options) for part in loss.parts])[0]


def value_and_gradient_of_means(
    loss: Loss, arrays: Arrays, parameters: tuple[float, ...], reduction: Reduction, options: Options | None
) -> tuple[Any, Any]:
    """Compute a loss that is made of means and its gradient in the input, in the input's shape and dtype."""
    check_is_mean(loss, reduction)
    check_has_gradient(loss, reduction, options)
    arrays, options = _taken(arrays, options)
    if isinstance(arrays[0], np.ndarray):
        made = _checked(loss, arrays, parameters, reduction, options)
        if made.fused:
            value, [gradient] = _fused(made, loss.formula.arrays[0])
            return value, _as_of(arrays[0], gradient, made.wide)
    means, gradients = zip(
        *(value_and_gradient(part, arrays, parameters, reduction, options) for part in loss.parts), strict=True
    )
    value, *slopes = _finished(loss, means)
    with array_engine.quiet(array_api_compat.array_namespace(value)):
        parts = [slope * part for slope, part in zip(slopes, gradients, strict=True)]
    return value, reduce(operator.add, parts)


def _finished(loss: Loss, means: Sequence[Any]) -> list[Any]:
    """Return what is made of means, and its derivative in each."""
    finish = loss.finish
    assert finish is not None
    xp = array_api_compat.array_namespace(*means) if not isinstance(means[0], float) else np
    arrays = [xp.asarray(mean) for mean in means]
    return _elementwise(xp, finish, arrays, {}, *(finish.derivative(name) for name in finish.arrays))


def sums(loss: Loss, arrays: Arrays, parameters: tuple[float, ...], options: Options) -> State:
    """Compute the sums of a call in float64."""
    arrays, options = _taken(arrays, options)
    made = _checked(loss, arrays, parameters, "sum", options)
    terms = made.terms
    if made.fused:
        return on_kernels.sums(MEMORY, terms, made.arrays, parameters)
    _check_values(made)
    _check_weights(made)
    total, weight, count = (
        None if formula is None else _sum(made.xp, _values(made, formula))
        for formula in (terms.value, terms.weight, terms.count)
    )
    size = float(math.prod(made.arrays[loss.formula.arrays[0]].shape))
    count = size if count is None else count
    return State(total or 0.0, count if weight is None else weight, count)


def _sum(xp: Any, values: Any) -> float:
    """Sum values in float64, by NumPy where their own library has none."""
    if widest(xp) == xp.float64:
        return float(xp.sum(xp.astype(values, xp.float64)))
    return float(np.sum(np.asarray(values), dtype=np.float64))


def _as_of(input: Any, gradient: Any, wide: Any) -> Any:
    """Bring a gradient to the input's shape, summed over what was broadcast, and to its dtype if that has fractions."""
    xp = array_api_compat.array_namespace(input)
    missing = len(gradient.shape) - len(input.shape)
    stretched = [i for i, n in enumerate(gradient.shape) if i < missing or (input.shape[i - missing] == 1 and n != 1)]
    if stretched:
        gradient = xp.reshape(xp.sum(xp.astype(gradient, wide, copy=False), axis=tuple(stretched)), input.shape)
    return xp.astype(gradient, input.dtype, copy=False) if isdtype(xp, input.dtype, "real floating") else gradient


def _values(made: Call, formula: Formula) -> Any:
    """Compute the values of a formula for each element, in the wide dtype where it has fractions."""
    parameters = made.parameters if formula.parameters else ()
    if made.fused:
        return passes.elementwise(MEMORY, formula, made.named(formula.arrays), parameters, made.wide)
    wide = [a if n == MASK else made.xp.astype(a, made.wide, copy=False) for n, a in made.arrays.items()]
    named = dict(zip(made.arrays, wide, strict=True))
    bound = dict(zip(formula.parameters, parameters, strict=True))
    return _elementwise(made.xp, formula, [named[name] for name in formula.arrays], bound)[0]


def _elementwise(xp: Any, *given: Any) -> list[Any]:
    """Compute values per element; JAX, which differentiates, is told the formulas' own derivatives."""
    if array_api_compat.is_jax_namespace(xp):
        from normwise.libraries import jax as engine
    else:
        engine = array_engine
    return engine.elementwise(xp, *given)


def _reduced(made: Call) -> tuple[Any, Any]:
    """Reduce values per element with the namespace's own sum; return the result and what it was divided by."""
    xp, terms = made.xp, made.terms
    shape = made.arrays[terms.value.arrays[0]].shape
    _check_weights(made)

    def total(formula: Formula) -> Any:
        values = _values(made, formula)
        if made.fused:  # NumPy's own sum of float32 along an outer dimension loses digits
            return np.sum(values, axis=made.dims, keepdims=made.keepdim, dtype=np.float64)
        if formula is terms.count:
            values = xp.astype(values, made.wide)
        return xp.sum(values, axis=made.dims, keepdims=made.keepdim)

    by = made.divisor
    if isinstance(by, str):
        formula = summed_for(terms, by)
        lengths = shape if made.dims is None else [shape[d] for d in made.dims]
        by = float(math.prod(lengths)) if formula is None else total(formula)
    with array_engine.quiet(xp):
        value = total(terms.value)
        by = xp.asarray(by, dtype=value.dtype) if isinstance(by, float) else by
        return xp.astype(value / by, made.wide, copy=False), by


def _checked(loss: Loss, arrays: Arrays, parameters: tuple[float, ...], reduction: Reduction, options: Options) -> Call:
    """Check a call's arrays, and bring them to one shape."""
    weight, mask = options.weight, options.mask
    named = dict(zip(("input", "target", *loss.further_arrays), arrays, strict=True))
    named |= {name: array for name, array in ((WEIGHT, weight), (MASK, mask)) if array is not None}
    xp = namespace_of(loss.function, named)
    shape, by_row = call_shape(loss, [array.shape for array in arrays], options.broadcast)
    given = dict(zip(loss.formula.arrays, arrays, strict=True))
    given |= {name: given[name][..., None] for name in by_row}
    if weight is not None:
        check_broadcasts("weight", weight.shape, shape)
        given[WEIGHT] = weight
    dtype = _common_dtype(xp, loss, [*given.values()])
    given = {name: _ready(xp, array, dtype) for name, array in given.items()}
    if mask is not None:
        check_mask(mask, isdtype(xp, mask.dtype, "bool"))
        check_broadcasts("mask", mask.shape, shape)
        given[MASK] = mask
    given = {name: a if tuple(a.shape) == shape else xp.broadcast_to(a, shape) for name, a in given.items()}
    dims = None if options.dim is None else dimensions_of(options.dim, len(shape))  # type: ignore[arg-type]
    divisor = options.divisor(loss, reduction)
    if not isinstance(divisor, (str, float)) and not array_api_compat.is_lazy_array(divisor):
        divisor = checked_normalize(float(divisor))
    terms = terms_of(loss, weight is not None, mask is not None, options.omits, options.nan_policy == "raise")
    return Call(xp, terms, given, parameters, reduction, divisor, dims, options.keepdim, dtype, _wide(xp, dtype))


def _taken(arrays: Arrays, options: Options | None) -> tuple[Arrays, Options]:
    """Return the arrays of a call, and its options, with lists and series as NumPy's arrays."""
    options = options or PLAIN
    weight, mask = as_numpy(options.weight), as_numpy(options.mask)
    if weight is not options.weight or mask is not options.mask:
        options = options._replace(weight=weight, mask=mask)
    return tuple(map(as_numpy, arrays)), options


def as_array(given: Any, like: Any) -> Any:
    """Return numbers in lists as an array such as the input; an array as it is."""
    if not isinstance(given, (list, tuple)):
        return given
    like = as_numpy(like)
    xp = array_api_compat.array_namespace(like)
    return xp.asarray(given, dtype=like.dtype if isdtype(xp, like.dtype, "real floating") else None)


def _common_dtype(xp: Any, loss: Loss, arrays: list[Any]) -> Any:
    """Return the common dtype of the real floating arrays, which integers and booleans join; else float64."""
    for array in arrays:
        if not isdtype(xp, array.dtype, ("real floating", "integral", "bool")):
            raise DtypeError(dtype_message(loss, array.dtype, "input.real"))
    real = [array.dtype for array in arrays if isdtype(xp, array.dtype, "real floating")]
    if len(set(real)) > 1:  # NumPy has no common dtype for its own and all extensions
        real = [_wide(xp, dtype) if is_extension(dtype) else dtype for dtype in real]
    dtype = reduce(xp.result_type, real) if real else widest(xp)
    return np.dtype(dtype) if array_api_compat.is_numpy_namespace(xp) else dtype


def _ready(xp: Any, array: Any, dtype: Any) -> Any:
    """Bring an array without fractions to `dtype`, and any array of NumPy to whole elements in native order."""
    if not array_api_compat.is_numpy_namespace(xp):
        return array if isdtype(xp, array.dtype, "real floating") else xp.astype(array, dtype)
    own = array.dtype.newbyteorder("=") if array.dtype.kind == "f" else dtype
    return whole(np.asarray(array, _wide(xp, own) if is_extension(own) else own))


def _wide(xp: Any, dtype: Any) -> Any:
    """Return the dtype that numbers of a dtype are computed in."""
    if not is_half(xp, dtype):
        return dtype
    return np.dtype(np.float32) if array_api_compat.is_numpy_namespace(xp) else xp.float32


def _check_values(made: Call) -> None:
    """Check the values of a call that is not reduced in one pass."""
    if made.terms.refuses_nan:
        _check_no_nan(made)
    if made.terms.loss is not None and made.terms.loss.further_arrays:
        _check_domains(made.terms.loss, made)


def _check_no_nan(made: Call) -> None:
    if made.fused:
        on_kernels.check_no_nan(MEMORY, made.arrays)
        return
    for name, array in made.arrays.items():
        if name != MASK:
            _check_count(made, nan_count(MASK in made.arrays), {**made.arrays, "x": array}, check_no_nan, name)


def _check_domains(loss: Loss, made: Call) -> None:
    if made.fused:
        on_kernels.check_domains(MEMORY, loss, made.arrays)
        return
    for name in loss.further_arrays:
        if name in loss.domain:
            counted = outside_count(loss.domain[name], MASK in made.arrays)
            _check_count(made, counted, {**made.arrays, "x": made.arrays[name]}, check_inside, loss, name)


def _check_weights(made: Call) -> None:
    """Check the weights of a call that is not fused into one pass."""
    weight = made.terms.weight
    if weight is None:
        return
    if made.fused:
        on_kernels.check_weights(MEMORY, made.terms, made.arrays, passes.total(MEMORY, weight, made.arrays))
    else:
        _check_count(made, negatives(weight), made.arrays, check_no_negative_weight)


def _check_count(made: Call, formula: Formula, arrays: dict[str, Any], check: Any, *about: Any) -> None:
    """Check the sum of a formula that counts, where looking at values is possible: a lazy array has none yet."""
    if not any(array_api_compat.is_lazy_array(array) for array in arrays.values()):
        check(*about, float(made.xp.sum(_values(made._replace(arrays=arrays), formula))))
