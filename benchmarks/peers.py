"""The rivals of a loss at one size: eager torch, compiled torch, and the plain pass that nobody can beat."""

from collections.abc import Callable
from typing import Any

import torch

import normwise
from normwise.catalogue import Loss
from normwise.libraries.torch_graph import MEMORY
from normwise.loss_functions import on_kernels
from normwise.terms import terms_of
from tests.oracles.torch_losses import OF_MEANS, VALUES

Rivals = dict[str, Callable[[], Any]]


def eager(loss: Loss) -> Callable[..., torch.Tensor]:
    """Return torch's own function, or what a user of torch writes where torch has none."""
    own = getattr(torch.nn.functional, loss.function, None)
    if own is not None:
        return own
    if loss.name in OF_MEANS:
        return OF_MEANS[loss.name]

    def composed(*arrays: torch.Tensor) -> torch.Tensor:
        return VALUES[loss.name](*arrays, reduction="none").mean()

    return composed


def data(size: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a prediction and a target; residuals on both sides of every kink."""
    generator = torch.Generator().manual_seed(size)
    return tuple(torch.randn(size, dtype=dtype, generator=generator) for _ in range(2))  # type: ignore[return-value]


def arrays_of(loss: Loss, size: int, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """Return what a loss reads: for one of more than the residual numbers that are positive, and of like size."""
    input, target = data(size, dtype)
    if loss.written.arrays[0] == "x" or loss.name in OF_MEANS:
        target = (0.5 * target).exp_()
        logarithm = 0.5 * input + target.log()
        input = logarithm if loss.parameters.get("log_input", False) else logarithm.exp_()
    generator = torch.Generator().manual_seed(1)
    return (input, target, *(torch.rand(size, dtype=dtype, generator=generator) + 0.7 for _ in loss.further_arrays))


def in_words(text: str, theirs: Callable[..., torch.Tensor], size: int, **parameters: float) -> Rivals:
    """Return a formula given as text, and the same in torch's operations."""
    arrays = data(size, torch.float32)
    return {"normwise": trained(normwise.loss(text, **parameters), *arrays), "eager": trained(theirs, *arrays)}


def forward_and_backward(loss: Loss, size: int, dtype: torch.dtype, compiled: bool) -> Rivals:
    """Return the rivals that compute the mean and its gradient.

    Each has an input of its own: the gradient that one leaves behind is freed by the same one.
    """
    given = input, target, *_ = arrays_of(loss, size, dtype)
    ours, theirs = getattr(normwise, loss.function), eager(loss)
    rivals: Rivals = {"normwise": trained(ours, *given), "eager": trained(theirs, *given)}
    if compiled:
        torch.compiler.reset()
        rivals["compile"] = trained(torch.compile(theirs, dynamic=False), *given)
        gradient_and_value = torch.compile(torch.func.grad_and_value(theirs), dynamic=False)

        def both() -> torch.Tensor:
            slope, value = gradient_and_value(input, target)
            return torch.stack([value.double(), slope.double().sum()])

        def timed() -> None:
            gradient_and_value(input, target)

        timed.check = both  # type: ignore[attr-defined]
        rivals["compiled grad_and_value"] = timed
    return rivals


def trained(function: Callable[..., torch.Tensor], input: torch.Tensor, *others: Any) -> Callable[[], torch.Tensor]:
    """Return a forward and backward pass, with a check of what it computes."""
    leaf = input.clone().requires_grad_()

    def run() -> torch.Tensor:
        leaf.grad = None
        value = function(leaf, *others)
        value.backward()
        return torch.stack([value.detach().double(), leaf.grad.double().sum()])  # type: ignore[union-attr]

    def timed() -> None:
        leaf.grad = None
        function(leaf, *others).backward()

    timed.check = run  # type: ignore[attr-defined]
    return timed


def selected(loss: Loss, shape: tuple[int, ...], kind: str, compiled: bool) -> Rivals:
    """Return the rivals under a mask of half of the elements, or a weight for each row.

    What torch's users write multiplies: with the mask, or with the weight.
    """
    ours, theirs = getattr(normwise, loss.function), eager(loss)
    input, target = (a.view(shape) for a in data(torch.Size(shape).numel(), torch.float32))
    generator = torch.Generator().manual_seed(1)
    factor = torch.rand(shape if kind == "mask" else (shape[0], 1), generator=generator)
    if kind == "mask":
        factor = factor < 0.5

    def multiplied(input: torch.Tensor, target: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        values = theirs(input, target, reduction="none") * factor
        counted = loss.divisor == "count" and kind != "mask"
        return values.sum() / (values.numel() if counted else factor.expand(values.shape).sum())

    def by_us(input: torch.Tensor, target: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        return ours(input, target, mask=factor) if kind == "mask" else ours(input, target, weight=factor)

    given = (input, target, factor)
    rivals: Rivals = {"normwise": trained(by_us, *given), "eager": trained(multiplied, *given)}
    if compiled:
        torch.compiler.reset()
        rivals["compile"] = trained(torch.compile(multiplied, dynamic=False), *given)
    return rivals


def training_step(loss: Loss, batch: int) -> Rivals:
    """Return a step of a small model, compiled whole, with our loss and with torch's in the same place."""
    torch.compiler.reset()
    rivals: Rivals = {}
    for name, home in (("normwise", normwise), ("compile", torch.nn.functional)):
        torch.manual_seed(0)
        layers = [torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(256, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        features, target = torch.randn(batch, 64), torch.randn(batch, 1)
        # Code of its own for each: the compiler keeps what it compiled by the code, and would look through both.
        scope = {"function": getattr(home, loss.function), "model": model}
        exec("def compute(features, target):\n    return function(model(features), target)", scope)
        compute: Any = torch.compile(scope["compute"], fullgraph=True, dynamic=False)

        def step(compute: Any = compute, optimizer: Any = optimizer, given: Any = (features, target)) -> None:
            optimizer.zero_grad()
            compute(*given).backward()
            optimizer.step()

        rivals[name] = step
    return rivals


def after_eager(loss: Loss, size: int) -> Rivals:
    """Return the same fused call again and again, and after an eager operation that leaves torch's threads spinning."""
    input, target = data(size, torch.float32)
    alone, after = (trained(getattr(normwise, loss.function), input, target) for _ in range(2))

    after.prepare = lambda: torch.sub(input, target)  # type: ignore[attr-defined]
    return {"normwise": alone, "after eager": after}


def loss_only(loss: Loss, size: int, dtype: torch.dtype) -> Rivals:
    """Return the rivals that compute the mean alone."""
    input, target = data(size, dtype)
    functions = {"normwise": getattr(normwise, loss.function), "eager": eager(loss)}
    return {name: lambda f=function: f(input, target) for name, function in functions.items()}  # type: ignore[misc]


def small(loss: Loss, shape: tuple[int, ...]) -> Rivals:
    """Return the functions on a small tensor, forward and backward."""
    input, target = (a.view(shape) for a in data(torch.Size(shape).numel(), torch.float32))
    functions = {"normwise": getattr(normwise, loss.function), "eager": eager(loss)}
    return {name: trained(function, input, target) for name, function in functions.items()}


def module_calls(loss: Loss, shape: tuple[int, ...]) -> Rivals:
    """Return the rivals as modules, forward and backward."""
    input, target = (a.view(shape) for a in data(torch.Size(shape).numel(), torch.float32))
    modules = {"normwise": getattr(normwise.nn, loss.module)(), "eager": getattr(torch.nn, loss.module)()}
    return {name: trained(module, input, target) for name, module in modules.items()}


def kernel_and_stream(loss: Loss, size: int, dtype: torch.dtype) -> Rivals:
    """Return the fused kernel into warm memory, and a plain pass that reads two arrays and writes one."""
    input, target = data(size, dtype)
    out = torch.zeros_like(input)
    memory = MEMORY._replace(empty_like=lambda *_: out)
    terms, parameters = terms_of(loss), tuple(loss.parameters.values())
    given = dict(zip(loss.formula.arrays, (input, target), strict=True))
    wrt = loss.formula.arrays[:1]
    return {
        "kernel": lambda: on_kernels.reduced(memory, terms, given, parameters, "count", wrt),
        "stream": lambda: torch.sub(input, target, out=out),
    }


def disagreement(rivals: Rivals) -> float:
    """Return by how much, relatively, the rivals' losses and summed gradients differ: a benchmark compares equals."""
    results = [function.check() for function in rivals.values() if hasattr(function, "check")]
    if not results:
        return 0.0
    scale = results[0].abs().clamp_min(1.0)
    return max(((result - results[0]).abs() / scale).max().item() for result in results)
