"""torch's own sample inputs of its losses, variants of them, and the questions that are asked of each.

A case is asked of torch's function and of ours alike, so that the two outcomes can be compared.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F

from tests.oracles.torch_losses import TORCH

NAMES = tuple(TORCH)
FUNCTIONS = {**TORCH, "gaussian_nll": F.gaussian_nll_loss, "poisson_nll": F.poisson_nll_loss}
"""All of torch's losses that are here too, its likelihoods included."""
LIKELIHOODS = tuple(name for name in FUNCTIONS if name not in NAMES)
HALVES = (torch.float16, torch.bfloat16)
REALS = (torch.float32, torch.float64, *HALVES)

Function = Callable[..., torch.Tensor]
Outcome = tuple[torch.Tensor, ...] | Exception


@dataclass(frozen=True)
class TorchCase:
    """A sample of a loss and a question about it."""

    name: str
    input: torch.Tensor
    target: torch.Tensor
    options: Mapping[str, Any] = field(default_factory=dict)
    question: str = "value"

    def __str__(self) -> str:
        arrays = (self.input, self.target, self.options.get("weight"))
        given = ", ".join(f"{a.dtype} {tuple(a.shape)}" for a in arrays if a is not None)
        return f"{self.question} of {self.name} of {given} with {dict(self.options)}"

    @property
    def reduction(self) -> str:
        return self.options.get("reduction", "mean")

    def outcome(self, function: Function) -> Outcome:
        """What a function answers: tensors, or the error that it raises."""
        try:
            return QUESTIONS[self.question](functools.partial(function, **self.options), self.input, self.target)
        except Exception as error:
            return error


# The questions.


def _steps(like: torch.Tensor, start: int = 0) -> torch.Tensor:
    """Numbers that every dtype holds exactly, so that they mean the same in all of them."""
    numbers = torch.tensor([1.0, -0.5, 2.0, 0.25, -1.0]).to(like.dtype)
    return numbers[(torch.arange(like.numel()) + start) % 5].reshape(like.shape)


def _value(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return (function(input, target),)


def _gradients(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    pair = [a.detach().requires_grad_() for a in (input, target)]
    value = function(*pair)
    return torch.autograd.grad(value, pair, _steps(value))


def _tangents(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.func.jvp(function, (input, target), (_steps(input), _steps(target, 2)))


def _forward_over_reverse(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    def scalar(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return function(input, target).sum()

    slope = torch.func.grad(scalar, argnums=(0, 1))
    return torch.func.jvp(slope, (input, target), (_steps(input), _steps(target, 2)))[1]


def _reverse_over_reverse(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The same numbers as forward over reverse, for the second derivative is symmetric."""
    pair = [a.detach().requires_grad_() for a in (input, target)]
    slopes = torch.autograd.grad(function(*pair).sum(), pair, create_graph=True)
    return torch.autograd.grad(slopes, pair, [_steps(input), _steps(target, 2)])


def _per_row(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    inputs, targets = torch.stack([input, -input, input]), torch.stack([target, target, -target])
    mapped, both = torch.func.vmap(function, in_dims=(0, None)), torch.func.vmap(function)
    return mapped(inputs, target), both(inputs, targets), torch.func.vmap(function, out_dims=-1)(inputs, targets)


def _slopes_per_row(function: Function, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    inputs, targets = torch.stack([input, -input, input]), torch.stack([target, target, -target])

    def scalar(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return function(input, target).sum()

    return torch.func.vmap(torch.func.grad(scalar, argnums=(0, 1)))(inputs, targets)


QUESTIONS: Mapping[str, Callable[[Function, torch.Tensor, torch.Tensor], tuple[torch.Tensor, ...]]] = {
    "value": _value,
    "gradients": _gradients,
    "tangents": _tangents,
    "forward over reverse": _forward_over_reverse,
    "reverse over reverse": _reverse_over_reverse,
    "vmap": _per_row,
    "vmap of gradients": _slopes_per_row,
}

VALUES = ("value", "tangents", "vmap")
"""The questions whose answers have the dtype of the result; those of the others have the arguments'."""


# The variants of a sample.


def _weight(like: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    size = torch.Size(shape).numel()
    return ((torch.arange(size) % 4 + 1) / 2).reshape(shape).to(like.real.dtype if like.is_complex() else like.dtype)


def _weighted(case: TorchCase) -> TorchCase:
    return replace(case, options={**case.options, "weight": _weight(case.input, tuple(case.input.shape))})


def _weighted_by_row(case: TorchCase) -> TorchCase:
    shape = (*case.input.shape[:-1], 1) if case.input.ndim else ()
    return replace(case, options={**case.options, "weight": _weight(case.input, shape)})


def _narrow(case: TorchCase) -> TorchCase:
    return replace(case, target=case.target[..., :1] if case.target.ndim else case.target)


OTHER_DTYPE: Mapping[torch.dtype, torch.dtype] = {
    torch.float32: torch.float64,
    torch.float64: torch.float32,
    torch.float16: torch.bfloat16,
    torch.bfloat16: torch.float32,
    torch.complex64: torch.complex128,
    torch.complex128: torch.complex64,
}


def _mixed(case: TorchCase) -> TorchCase:
    return replace(case, target=case.target.to(OTHER_DTYPE[case.target.dtype]))


def _every_other(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor with a stride that is not contiguous, even where it has one element (as torch's tests make it)."""
    from torch.testing._internal.common_utils import noncontiguous_like

    return noncontiguous_like(tensor)


def _noncontiguous(case: TorchCase) -> TorchCase:
    return replace(case, input=_every_other(case.input), target=_every_other(case.target))


def _views(case: TorchCase) -> TorchCase:
    """The negative and the conjugate, as views of memory that holds other numbers."""
    target = case.target.conj() if case.target.is_complex() else case.target
    return replace(case, input=torch._neg_view(case.input), target=target)


VARIANTS: Mapping[str, Callable[[TorchCase], TorchCase]] = {
    "as torch has it": lambda case: case,
    "noncontiguous": _noncontiguous,
    "views": _views,
    "mixed dtypes": _mixed,
    "weighted": _weighted,
    "weighted by row": _weighted_by_row,
    "shapes that differ": _narrow,
}


# torch's databases: imported by need, for that takes seconds.


@functools.cache
def operation(name: str) -> Any:
    """torch's description (OpInfo) of one of its losses."""
    from torch.testing._internal.common_methods_invocations import op_db

    [found] = [each for each in op_db if each.name == f"nn.functional.{name}_loss"]
    return found


@functools.cache
def samples(name: str, dtype: torch.dtype) -> tuple[TorchCase, ...]:
    """torch's sample inputs and reference inputs of a loss."""
    info = operation(name)
    found = [*info.sample_inputs("cpu", dtype), *info.reference_inputs("cpu", dtype)]
    further = [*inspect.signature(FUNCTIONS[name]).parameters][2:]
    return tuple(
        TorchCase(name, each.input, each.args[0], {**each.kwargs, **dict(zip(further, each.args[1:], strict=False))})
        for each in found
    )


def cases(name: str, dtype: torch.dtype, variant: str, question: str) -> list[TorchCase]:
    return [replace(VARIANTS[variant](each), question=question) for each in samples(name, dtype)]


def supported(name: str, dtype: torch.dtype) -> bool:
    return dtype in operation(name).supported_dtypes("cpu")
