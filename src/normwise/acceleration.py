"""torch's losses of regression, computed by normwise in code that knows nothing of it."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from normwise.errors import missing

try:
    import torch
except ModuleNotFoundError as error:
    raise missing("normwise.accelerate", "'normwise[torch]'", error) from error

from torch.overrides import TorchFunctionMode

from normwise.catalogue import losses
from normwise.functional import function_of
from normwise.libraries.torch_internals import constant_to_compilers
from normwise.loss_functions.signature import TORCH_ORDER

Function = Callable[..., torch.Tensor]

_OURS: Mapping[Any, Function] = {
    getattr(torch.nn.functional, losses[name].function): function_of(losses[name]) for name in TORCH_ORDER
}
"""For each loss of torch the function that computes it here."""


class accelerate(TorchFunctionMode):
    """Compute torch's losses of regression here, in code that knows nothing of it.

    Within the context, torch.nn.functional's ``l1_loss``, ``mse_loss``, ``smooth_l1_loss``, ``huber_loss``,
    ``gaussian_nll_loss`` and ``poisson_nll_loss`` are those of `normwise.functional`, whoever calls them and however
    they were imported: torch's modules, a training library, one's own code. Values and gradients are the same to
    rounding, with the library's own care for shapes, half precision and weights; all other operations stay torch's.

    Parameters
    ----------
    strict : bool
        What happens where input and target differ in shape: an error, or (False) torch's warning and torch's
        broadcasting.

    Raises
    ------
    ShapeMismatchError
        Where input and target differ in shape, and `strict` is true.
    RuntimeError
        Where they differ in shape and do not broadcast, and `strict` is false: torch's own error.

    Warns
    -----
    UserWarning
        Where input and target differ in shape, and `strict` is false: torch's own words.

    Notes
    -----
    Contexts nest, and one object may be entered again; the innermost one rules. As all of torch's modes, a context
    belongs to the thread that enters it: enter it in each thread that computes losses.

    ``backward()`` does not see it. A loss in a checkpointed function, which is then computed again, is to find the
    context within that function, or by ``context_fn=lambda: (accelerate(), accelerate())``.

    A compiled function may hold the context or be called in it; torch.compile makes a version for inside and one for
    outside. Of shapes that differ it warns once, while it compiles, without naming them. A loss that was compiled by
    TorchScript, or that calls torch's C++ functions itself, is not reached.

    Every operation of torch's within the context takes a microsecond or so more, which is the price of torch's modes,
    and calls of `normwise.functional` pay it too: a loop over tiny tensors calls those outside of the context.

    Examples
    --------
    >>> import torch
    >>> from normwise.acceleration import accelerate
    >>> criterion, prediction, target = torch.nn.MSELoss(), torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0])
    >>> with accelerate():
    ...     criterion(prediction, target)
    Traceback (most recent call last):
        ...
    normwise.errors.ShapeMismatchError: input is (2, 1) but target is (2,): squeeze the input's last dimension...
    >>> with accelerate():
    ...     criterion(prediction.squeeze(-1), target)
    tensor(2.)
    """

    def __init__(self, *, strict: bool = True) -> None:
        super().__init__()
        self.strict = strict

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        ours = _OURS.get(func)
        if ours is None or not all(issubclass(kind, torch.Tensor) for kind in types):
            return func(*args, **given)
        if "weight" not in given and not torch.compiler.is_dynamo_compiling():
            given = {**given, "weight": _weight(func, *args)}
        return ours(*args, **given) if self.strict else _loosely(ours, *args, **given)


def _weight(func: Any, input: torch.Tensor, *_: Any) -> Any:
    """Return the weight of a call that comes without one: torch's l1_loss leaves it out when it hands a call over.

    It is still there where it was given, in a frame of torch's function: in an outer one if other modes were first.
    """
    frame = sys._getframe(2) if "weight" in func.__code__.co_varnames else None
    while frame is not None:
        if frame.f_code is func.__code__:
            caller = frame.f_locals
            if caller["input"] is input and caller["weight"] is not None:
                return caller["weight"]
        frame = frame.f_back
    return None


def _loosely(ours: Function, input: torch.Tensor, target: torch.Tensor, *args: Any, **given: Any) -> torch.Tensor:
    """Compute a loss of shapes that may differ, as torch does: with a warning, and with its error if need be."""
    if target.size() == input.size():
        return ours(input, target, *args, **given)
    if torch.compiler.is_dynamo_compiling():
        _warn("compiled", "compiled")
    else:
        _warn(str(target.size()), str(input.size()))
    return ours(*torch.broadcast_tensors(input, target), *args, **given)


@constant_to_compilers
def _warn(target_size: str, input_size: str) -> None:
    """Warn in torch's words whoever called torch's function, four calls above `_loosely`."""
    warnings.warn(
        f"Using a target size ({target_size}) that is different to the input size ({input_size}). "
        "This will likely lead to incorrect results due to broadcasting. "
        "Please ensure they have the same size.",
        UserWarning,
        stacklevel=6,
    )
