"""Losses on torch tensors: a call's tensors are checked, then summed by the fused kernels or composed.

Plain tensors in the CPU's memory that are summed to one number take the fused kernels in one pass. Everything else
(values per element, sums over some dimensions, compiling, function transforms, subclasses, other devices) is composed
from values per element and torch's own sums.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch.overrides import handle_torch_function, has_torch_function

from normwise.catalogue import Loss
from normwise.checks import (
    check_broadcasts,
    check_mask,
    check_no_nan,
    check_no_negative_weight,
    check_shapes,
    dimensions_of,
    nan_message,
)
from normwise.engines import passes
from normwise.errors import DtypeError, InputError
from normwise.formula import Formula
from normwise.libraries.torch_checks import check_tensors
from normwise.libraries.torch_distributed import number, on_one_mesh
from normwise.libraries.torch_graph import (
    HALF,
    MEMORY,
    elementwise,
    in_plain_memory,
    of_numbers,
    with_operations,
)
from normwise.libraries.torch_graph import PLAIN as PLAIN_TYPES
from normwise.libraries.torch_internals import assert_async, constant_to_compilers, traced
from normwise.libraries.torch_watchers import check_looks_at_no_data, watched, without_tracer_warnings
from normwise.loss_functions import on_kernels
from normwise.loss_functions.checks import call_shape, dtype_message
from normwise.loss_functions.choice import check_inside
from normwise.loss_functions.options import PLAIN, Options, check_has_gradient, check_is_mean, checked_normalize
from normwise.loss_functions.public import FUNCTIONS
from normwise.loss_functions.torch_lanes import usual
from normwise.loss_functions.torch_sums import summed
from normwise.sums import Reduction, State
from normwise.terms import MASK, WEIGHT, Terms, outside_count, summed_for, terms_of

Tensor = torch.Tensor

_traced_by_dynamo = torch.compiler.is_dynamo_compiling
_FLOATING = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


class Call(NamedTuple):
    """A call whose tensors are checked."""

    terms: Terms
    arrays: dict[str, Tensor]
    """By name, in one shape."""
    parameters: tuple[float, ...]
    reduction: Reduction
    divisor: Any
    """``"weight"``, ``"count"``, a float or a 0-d tensor."""
    dims: tuple[int, ...] | None
    keepdim: bool
    dtype: torch.dtype
    """The common dtype of the arrays."""


def call(
    loss: Loss,
    arrays: Sequence[Tensor],
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options | None,
) -> Tensor:
    """Compute a loss of tensors, weighted and reduced, as part of autograd's graph."""
    if _traced_by_dynamo():
        return _as_node("call", loss, arrays, parameters, reduction, options)
    if reduction != "none":
        value = usual(loss, arrays, parameters, reduction, options)
        if value is not None:
            return value
    concerned = arrays if options is None else (*arrays, options.weight, options.mask, options.normalize)
    if has_torch_function(concerned):
        return _overridden(concerned, loss, arrays, parameters, reduction, options or PLAIN)
    return _computed(loss, arrays, parameters, reduction, options)


@without_tracer_warnings
def _computed(
    loss: Loss,
    arrays: Sequence[Tensor],
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options | None,
) -> Tensor:
    """Check a call that nobody overrides, and take its way."""
    checked = _checked(loss, arrays, parameters, reduction, options or PLAIN)
    if _is_fused(checked):
        return _fused(checked)
    _check_values(checked)
    if not checked.dtype.is_floating_point:
        return _beyond_real(loss, checked)
    return _composed(checked, elementwise)


def _is_fused(made: Call) -> bool:
    """Whether a call is reduced to one number by the fused kernels, which check the values they read."""
    return (
        made.dtype.is_floating_point
        and made.reduction != "none"
        and made.dims is None
        and not watched()
        and in_plain_memory([*made.arrays.values()])
    )


def value_and_gradient(
    loss: Loss,
    arrays: Sequence[Any],  # of tensors, once it is checked
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options | None,
    compute: Callable[..., Tensor] = call,
) -> tuple[Tensor, Tensor]:
    """Compute a loss and its gradient in the input, outside autograd."""
    check_has_gradient(loss, reduction, options)
    if _traced_by_dynamo():
        return _as_node("value_and_gradient", loss, arrays, parameters, reduction, options)
    if traced():
        raise InputError(
            f"torch.jit cannot trace a gradient, as of value_and_grad({loss.name!r}): trace the loss and differentiate "
            "what the trace returns, or trace normwise.gradient, the derivative per element"
        )
    with torch.enable_grad():
        input: Tensor = arrays[0].detach().requires_grad_()
        # What is no tensor is refused where the call is checked.
        constants = [a.detach() if isinstance(a, Tensor) else a for a in arrays[1:]]
        value = compute(loss, (input, *constants), parameters, reduction, options)
        [gradient] = torch.autograd.grad(value, input)
    return value.detach(), gradient


def call_of_means(
    loss: Loss,
    arrays: Sequence[Tensor],
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options | None,
    compute: Callable[..., Tensor] = call,
) -> Tensor:
    """Compute a loss that is made of means, as part of autograd's graph."""
    check_is_mean(loss, reduction)
    if _traced_by_dynamo():
        return _as_node("call_of_means", loss, arrays, parameters, reduction, options)
    value = usual(loss, arrays, parameters, reduction, options)
    if value is not None:
        return value
    concerned = arrays if options is None else (*arrays, options.weight, options.mask, options.normalize)
    if has_torch_function(concerned):
        return _overridden(concerned, loss, arrays, parameters, reduction, options or PLAIN)
    if not watched():
        made = _checked(loss, arrays, parameters, reduction, options or PLAIN)
        if _is_fused(made) and not _has_gradient(made.divisor):
            return _fused(made)
    means = [compute(part, _read_by(part, arrays), parameters, reduction, options) for part in loss.parts]
    assert loss.finish is not None
    return of_numbers(loss.finish, *means)


def _read_by(part: Loss, arrays: Sequence[Any]) -> list[Tensor]:
    """The arrays, without those gradients that could only be zeros."""
    return [
        a if n in part.formula.reads or not isinstance(a, Tensor) else a.detach()
        for n, a in zip(part.formula.arrays, arrays, strict=True)
    ]


def value_and_gradient_of_means(
    loss: Loss,
    arrays: Sequence[Tensor],
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options | None,
) -> tuple[Tensor, Tensor]:
    """Compute a loss that is made of means and its gradient in the input, outside autograd."""
    check_is_mean(loss, reduction)
    if _traced_by_dynamo():
        return _as_node("value_and_gradient_of_means", loss, arrays, parameters, reduction, options)
    return value_and_gradient(loss, arrays, parameters, reduction, options, call_of_means)


def sums(loss: Loss, arrays: Sequence[Tensor], parameters: tuple[float, ...], options: Options) -> State:
    """Compute the sums of a call in float64, outside autograd."""
    with torch.no_grad():
        made = _checked(loss, arrays, parameters, "sum", options)
        terms = made.terms
        if made.dtype.is_floating_point and not watched() and in_plain_memory([*made.arrays.values()]):
            return on_kernels.sums(MEMORY, terms, made.arrays, parameters)
        _check_values(made)
        _check_weights(made)
        wide = made._replace(arrays={n: a if n == MASK else a.double() for n, a in made.arrays.items()})
        total, weight, count = (
            None if formula is None else number(_values(wide, formula, elementwise).sum())
            for formula in (terms.value, terms.weight, terms.count)
        )
    size = float(made.arrays[terms.value.arrays[0]].numel())
    count = size if count is None else count
    return State(total or 0.0, count if weight is None else weight, count)


def _overridden(
    concerned: Sequence[Any],
    loss: Loss,
    arrays: Sequence[Any],
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options,
) -> Any:
    """Hand the call to the ``__torch_function__`` of an argument, or to a mode, as torch's own functions do."""
    named: dict[str, Any] = {"reduction": reduction, **dict(zip(loss.parameters, parameters, strict=True))}
    named |= {n: v for n, v in options._asdict().items() if v is not getattr(PLAIN, n)}
    return handle_torch_function(FUNCTIONS["call"](loss), concerned, *arrays, **named)


def _as_node(
    method: str,
    loss: Loss,
    arrays: Sequence[Tensor],
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: Options | None,
) -> Any:
    """Compute what `method` does as one node of the compiler's graph."""
    # Each call of a compiled graph looks again at whatever is read here.
    if (options is None or not options.broadcast) and arrays[1].shape != arrays[0].shape:
        check_shapes(arrays[0].shape, arrays[1].shape)
    given = None if options is None else (*options,)
    return node(method, _number_of(loss), parameters, reduction, given, *arrays)


_numbered: list[Loss] = []
"""The losses that compiled graphs mention: a graph holds tensors and plain constants, so a loss goes by its number."""


@constant_to_compilers
def _number_of(loss: Loss) -> int:
    torch.compiler.allow_in_graph(node)
    if loss not in _numbered:
        _numbered.append(loss)
    return _numbered.index(loss)


def node(
    method: str,
    number: int,
    parameters: tuple[float, ...],
    reduction: Reduction,
    options: tuple[Any, ...] | None,
    *arrays: Tensor,
) -> Any:
    """Compute a loss for the compiler, which traces the operations within but not how they come to be."""
    plain = tuple(map(float, parameters))  # a formula compares them, which a symbolic number cannot stand
    given = (_numbered[number], arrays, plain, reduction, None if options is None else Options(*options))
    return _AS_NODE[method](*given)


def _computed_of_means(*given: Any) -> Tensor:
    return call_of_means(*given, compute=_computed)


_AS_NODE: dict[str, Callable[..., Any]] = {
    "call": _computed,
    "call_of_means": _computed_of_means,
    "value_and_gradient": lambda *given: value_and_gradient(*given, compute=_computed),
    "value_and_gradient_of_means": lambda *given: value_and_gradient(*given, compute=_computed_of_means),
}
"""What a node of a compiler's graph computes."""


def _fused(made: Call) -> Tensor:
    """Reduce to one number by the fused kernels."""
    terms, arrays, divisor = made.terms, made.arrays, made.divisor
    wrt = tuple([n for n, a in arrays.items() if a.requires_grad]) if torch.is_grad_enabled() else ()
    dtype = torch.float32 if made.dtype in HALF else made.dtype
    if _has_gradient(divisor):
        value = summed(terms, arrays, made.parameters, 1.0, wrt, dtype) / divisor.to(dtype)
    else:
        divisor = float(divisor) if isinstance(divisor, Tensor) else divisor
        value = summed(terms, arrays, made.parameters, divisor, wrt, dtype)
    return value.reshape((1,) * arrays[terms.value.arrays[0]].ndim) if made.keepdim else value


def _has_gradient(divisor: Any) -> bool:
    """Whether what a sum is divided by is part of autograd's graph."""
    return isinstance(divisor, Tensor) and divisor.requires_grad and torch.is_grad_enabled()


Elementwise = Callable[..., Tensor]
"""As `elementwise`: of a formula, its parameters, the dtype of the result, and the formula's arrays."""


def _composed(made: Call, compute: Elementwise) -> Tensor:
    """Compute values per element, then reduce them with torch's own operations."""
    terms, first = made.terms, next(iter(made.arrays.values()))
    _check_weights(made)
    wide = torch.float32 if made.dtype in HALF else made.dtype
    if made.reduction == "none":
        cast = made.dtype in HALF and torch.is_autocast_enabled(first.device.type)
        return _values(made, terms.value, compute, wide if cast else made.dtype)

    def reduced(values: Tensor, how: Callable[..., Tensor] = Tensor.sum) -> Tensor:
        if made.dims is None:
            return how(values).reshape((1,) * values.ndim) if made.keepdim else how(values)
        return how(values, made.dims, keepdim=made.keepdim)

    values, by = _values(made, terms.value, compute, wide), made.divisor
    if made.reduction == "sum":
        return reduced(values)
    if not isinstance(by, str):
        return reduced(values) / by
    formula = summed_for(terms, by)
    if formula is None:
        return reduced(values, Tensor.mean)
    return reduced(values) / reduced(_values(made, formula, compute, wide))


def _values(made: Call, formula: Formula, compute: Elementwise, dtype: torch.dtype = torch.float64) -> Tensor:
    parameters = made.parameters if formula is made.terms.value else ()
    return compute(formula, parameters, dtype, *[made.arrays[name] for name in formula.arrays])


def _beyond_real(loss: Loss, made: Call) -> Tensor:
    """Compute what torch computes of integers, or of complex numbers, and differentiate as it does."""
    kind = "complex" if made.dtype.is_complex else "integer"
    if kind not in loss.accepts or made.dtype is torch.bool:
        raise DtypeError(dtype_message(loss, made.dtype, "input.float()"))
    if kind == "integer" and made.reduction == "mean":
        raise DtypeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {made.dtype}; use input.float(), or reduction='sum'"
        )
    from array_api_compat import torch as xp

    from normwise.engines import arrays as array_engine
    from normwise.formula.numbers import decided

    def compute(formula: Formula, parameters: tuple[float, ...], dtype: torch.dtype, *arrays: Tensor) -> Tensor:
        bound = dict(zip(formula.parameters, parameters, strict=True))
        # A branch that is not taken may compare, which complex numbers cannot be.
        read = Formula(formula.name, formula.arrays, formula.parameters, decided(formula.expression, bound))
        return array_engine.elementwise(xp, read, arrays, bound)[0]  # type: ignore[no-any-return]

    return _composed(made, compute)


def _checked(
    loss: Loss, arrays: Sequence[Tensor], parameters: tuple[float, ...], reduction: Reduction, options: Options
) -> Call:
    """Check a call's tensors, and bring them to one shape."""
    check_tensors(loss.function, _named(loss, arrays, options))
    *arrays, weight, mask = on_one_mesh((*arrays, options.weight, options.mask))
    shape, by_row = call_shape(loss, [array.shape for array in arrays], options.broadcast)
    given = dict(zip(loss.formula.arrays, arrays, strict=True))
    given |= {name: given[name].unsqueeze(-1) for name in by_row}
    if weight is not None:
        check_broadcasts("weight", weight.shape, shape)
        given[WEIGHT] = weight
    dtype = reduce(torch.promote_types, {a.dtype for a in given.values()})
    if "count" in loss.accepts and not (dtype.is_floating_point or dtype.is_complex or dtype is torch.bool):
        dtype = torch.get_default_dtype()
    if dtype.is_floating_point:
        if dtype not in _FLOATING:
            raise DtypeError(dtype_message(loss, dtype, "input.float()"))
        given = {n: a if a.dtype in _FLOATING else _to_floating(loss, a, dtype) for n, a in given.items()}
    if mask is not None:
        check_mask(mask, mask.dtype is torch.bool)
        check_broadcasts("mask", mask.shape, shape)
        given[MASK] = mask
    divisor = _divisor(options.divisor(loss, reduction), arrays[0])
    added = {name for name, a in given.items() if a.shape != shape}
    if weight is not None and isinstance(divisor, str) and divisor == WEIGHT:
        added.add(WEIGHT)
    given = {name: _to_add_gradients(a) if name in added else a for name, a in given.items()}
    given = {name: a if a.shape == shape else a.expand(shape) for name, a in given.items()}
    check_looks_at_no_data(options.nan_policy)
    dims = None if options.dim is None else dimensions_of(options.dim, len(shape))  # type: ignore[arg-type]
    terms = terms_of(loss, weight is not None, mask is not None, options.omits, options.nan_policy == "raise")
    return Call(terms, given, parameters, reduction, divisor, dims, options.keepdim, dtype)


def _named(loss: Loss, arrays: Sequence[Any], options: Options) -> dict[str, Any]:
    """The arrays that a call was given, by their names."""
    names = ("input", "target", *loss.further_arrays)
    optional = {WEIGHT: options.weight, MASK: options.mask}
    return dict(zip(names, arrays, strict=True)) | {n: a for n, a in optional.items() if a is not None}


def _to_add_gradients(array: Tensor) -> Tensor:
    """Widen half precision whose gradient is a sum: its parts may underflow, or cancel, and are rounded when added."""
    return array.float() if array.dtype in HALF and array.requires_grad else array


def _to_floating(loss: Loss, array: Tensor, dtype: torch.dtype) -> Tensor:
    if array.is_floating_point() or array.dtype is torch.bool:
        raise DtypeError(dtype_message(loss, array.dtype, "input.float()"))
    return array.to(dtype)


def as_array(given: Any, like: Tensor) -> Any:
    """Return numbers in lists as a tensor such as the input; a tensor as it is."""
    if not isinstance(given, (list, tuple)):
        return given
    return torch.as_tensor(given, dtype=like.dtype if like.dtype in _FLOATING else None, device=like.device)


def _divisor(given: Any, input: Tensor) -> Any:
    """What the sum is divided by; a number in a tensor is looked at where that costs nothing."""
    if isinstance(given, str) or not hasattr(given, "shape"):  # a number; under the compiler perhaps a symbolic one
        return given
    given = given.to(input.device) if isinstance(given, Tensor) else torch.as_tensor(given, device=input.device)
    if given.is_cpu and not watched() and type(given) in PLAIN_TYPES:
        checked_normalize(float(given.detach()))
    return given


def _check_values(made: Call) -> None:
    """Check the values of a call that is not reduced in one pass."""
    if made.terms.refuses_nan:
        _check_no_nan(made.arrays)
    if made.terms.loss is not None and made.terms.loss.further_arrays:
        _check_domains(made.terms.loss, made.arrays)


def _check_no_nan(arrays: dict[str, Tensor]) -> None:
    if not watched() and in_plain_memory([*arrays.values()]):
        on_kernels.check_no_nan(MEMORY, arrays)
        return
    for name, array in arrays.items():
        if name != MASK:
            found = array.isnan() if MASK not in arrays else array.isnan() & arrays[MASK]
            if torch.compiler.is_compiling():
                assert_async(~found.any(), nan_message(name))
            elif not found.is_meta:
                check_no_nan(name, number(found.sum()))


def _check_domains(loss: Loss, arrays: dict[str, Tensor]) -> None:
    """Check the arrays beside prediction and target where their values are at hand."""
    if watched() or not all(array.is_cpu for array in arrays.values()):
        return
    if in_plain_memory([*arrays.values()]):
        on_kernels.check_domains(MEMORY, loss, arrays)
        return
    for name in loss.further_arrays:
        if name in loss.domain:
            counted = outside_count(loss.domain[name], MASK in arrays)
            given = {**arrays, "x": arrays[name]}
            values = with_operations(counted, (), torch.float64, *[given[n].detach() for n in counted.arrays])
            check_inside(loss, name, number(values.sum()))


def _check_weights(made: Call) -> None:
    """Check the weights of a call that is composed, where their values are at hand."""
    weight, arrays = made.terms.weight, made.arrays
    if weight is None or watched() or not arrays[WEIGHT].is_cpu:
        return
    given = {name: arrays[name].detach() for name in weight.arrays}
    if in_plain_memory([*given.values()]):
        on_kernels.check_weights(MEMORY, made.terms, given, passes.total(MEMORY, weight, given))
    else:
        values = with_operations(weight, (), torch.float64, *given.values())
        check_no_negative_weight(number((values == -torch.inf).sum()))
