"""The rivals of a loss at one size: eager torch, compiled torch, and the plain pass that nobody can beat."""

from collections.abc import Callable
from typing import Any

import torch

import normwise
from normwise import fused, torch_calls
from normwise.catalogue import Loss
from normwise.engines import arrays

Rivals = dict[str, Callable[[], Any]]


def eager(loss: Loss) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return torch's own function, or the formula in torch's operations where torch has none."""
    own = getattr(torch.nn.functional, loss.function, None)
    if own is not None:
        return own
    from array_api_compat import torch as xp

    def composed(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return arrays.elementwise(xp, loss.formula, (input, target), loss.parameters)[0].mean()

    return composed


def data(size: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a prediction and a target; residuals on both sides of every kink."""
    generator = torch.Generator().manual_seed(size)
    return tuple(torch.randn(size, dtype=dtype, generator=generator) for _ in range(2))  # type: ignore[return-value]


def forward_and_backward(loss: Loss, size: int, dtype: torch.dtype, compiled: bool) -> Rivals:
    """Return the rivals that compute the mean and its gradient.

    Each has an input of its own: the gradient that one leaves behind is freed by the same one.
    """
    input, target = data(size, dtype)
    ours, theirs = getattr(normwise, loss.function), eager(loss)

    def trained(function: Callable[..., torch.Tensor]) -> Callable[[], torch.Tensor]:
        leaf = input.clone().requires_grad_()

        def run() -> torch.Tensor:
            leaf.grad = None
            value = function(leaf, target)
            value.backward()
            return torch.stack([value.detach().double(), leaf.grad.double().sum()])  # type: ignore[union-attr]

        def timed() -> None:
            leaf.grad = None
            function(leaf, target).backward()

        timed.check = run  # type: ignore[attr-defined]
        return timed

    rivals: Rivals = {"normwise": trained(ours), "eager": trained(theirs)}
    if compiled:
        torch.compiler.reset()
        rivals["compile"] = trained(torch.compile(theirs, dynamic=False))
        gradient_and_value = torch.compile(torch.func.grad_and_value(theirs), dynamic=False)

        def both() -> torch.Tensor:
            slope, value = gradient_and_value(input, target)
            return torch.stack([value.double(), slope.double().sum()])

        def timed() -> None:
            gradient_and_value(input, target)

        timed.check = both  # type: ignore[attr-defined]
        rivals["compiled grad_and_value"] = timed
    return rivals


def loss_only(loss: Loss, size: int, dtype: torch.dtype) -> Rivals:
    """Return the rivals that compute the mean alone."""
    input, target = data(size, dtype)
    functions = {"normwise": getattr(normwise, loss.function), "eager": eager(loss)}
    return {name: lambda f=function: f(input, target) for name, function in functions.items()}  # type: ignore[misc]


def module_calls(loss: Loss, size: int) -> Rivals:
    """Return the rivals as modules, forward and backward."""
    input, target = data(size, torch.float32)
    rivals: Rivals = {}
    for name, home in (("normwise", normwise.nn), ("eager", torch.nn)):
        if not hasattr(home, loss.module):
            return {}
        criterion, leaf = getattr(home, loss.module)(), input.clone().requires_grad_()

        def run(criterion: Any = criterion, leaf: torch.Tensor = leaf) -> None:
            leaf.grad = None
            criterion(leaf, target).backward()

        rivals[name] = run
    return rivals


def kernel_and_stream(loss: Loss, size: int, dtype: torch.dtype) -> Rivals:
    """Return the fused kernel into warm memory, and a plain pass that reads two arrays and writes one."""
    input, target = data(size, dtype)
    out = torch.zeros_like(input)
    memory = torch_calls._MEMORY._replace(empty_like=lambda _: out)
    parameters = tuple(loss.parameters.values())
    return {
        "kernel": lambda: fused.reduced(memory, loss, (input, target), parameters, None, "mean", (0,)),
        "stream": lambda: torch.sub(input, target, out=out),
    }


def disagreement(rivals: Rivals) -> float:
    """Return by how much, relatively, the rivals' losses and summed gradients differ: a benchmark compares equals."""
    results = [function.check() for function in rivals.values() if hasattr(function, "check")]
    scale = results[0].abs().clamp_min(1.0)
    return max(((result - results[0]).abs() / scale).max().item() for result in results)
