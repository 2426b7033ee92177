"""The losses as metrics of torchmetrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torchmetrics import Metric

from normwise.accumulator import Accumulator
from normwise.formula.caches import per_formula
from normwise.integrations.bound import Bound, bind


class TorchMetric(Metric):
    """A loss as a metric of torchmetrics, over batches and processes.

    Its states are the sums of an `Accumulator`, in float64 and summed over processes: so it is the mean of all that was
    seen, to rounding, however unequal the batches are. They stay float64 whatever a module that holds it is cast to.

    In a ``MetricCollection`` it goes by its loss and those parameters that are not the defaults, ``"huber_delta_2"``.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    normalize : {"weight", "count"} or number, optional
        What the mean divides by, as in the loss's function.
    metric_options : mapping, optional
        The keywords of `torchmetrics.Metric`, such as ``{"sync_on_compute": False}``.
    **parameters : float
        The loss's parameters.

    Raises
    ------
    InputError
        Where there is no such loss, parameter or divisor.

    Examples
    --------
    >>> import torch
    >>> from normwise.integrations import TorchMetric
    >>> metric = TorchMetric("huber", delta=2.0)
    >>> metric.update(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 1.0, 1.0]))
    >>> metric.update(torch.tensor([5.0, 9.0]), torch.tensor([1.0, 1.0]), mask=torch.tensor([True, False]))
    >>> metric.compute()
    tensor(2.1250, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    def __new__(cls, loss: Any, *, normalize: Any = None, metric_options: Any = None, **parameters: float) -> Self:
        return _new(cls, _label(bind(loss, parameters)))

    def __init__(
        self, loss: Any, *, normalize: Any = None, metric_options: dict[str, Any] | None = None, **parameters: float
    ) -> None:
        super().__init__(**(metric_options or {}))
        self.bound, self.normalize = bind(loss, parameters), normalize
        for name, nothing in self._sums().state_dict().items():
            self.add_state(name, torch.tensor(nothing, dtype=torch.float64), dist_reduce_fx="sum")
        # A collection takes metrics whose states have the same names, and after one batch the same values, for one and
        # the same: mse and l1 of a perfect batch. So the loss is in a name.
        mark = re.sub(r"\W", lambda sign: f"_{ord(sign[0]):x}", f"of_{_label(self.bound)}")
        self.add_state(mark, torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")

    def __reduce__(self) -> Any:
        return _new, (type(self).__mro__[1], type(self).__name__), self.__getstate__()

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], exclude_state: Sequence[str] = "") -> Any:
        """Move the states as a module's tensors are moved, but cast none."""

        def moved(tensor: torch.Tensor) -> torch.Tensor:
            result = fn(tensor)
            return result if result.dtype is tensor.dtype else tensor.to(result.device)

        return super()._apply(moved, exclude_state)

    def _sums(self) -> Accumulator:
        return Accumulator(self.bound.loss, normalize=self.normalize, **self.bound.parameters)

    def update(
        self,
        preds: torch.Tensor,
        target: torch.Tensor,
        *further: torch.Tensor,
        weight: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        nan_policy: str = "propagate",
        broadcast: bool = False,
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        preds, target : torch.Tensor
            Predictions and true values, of one shape.
        *further : torch.Tensor
            The further arrays that the loss reads.
        weight, mask, nan_policy, broadcast
            As in the loss's function.

        Raises
        ------
        ShapeMismatchError, InputError
            As the loss's function; nothing is added then.
        """
        batch = self._sums()
        batch.update(preds, target, *further, weight=weight, mask=mask, nan_policy=nan_policy, broadcast=broadcast)
        for name, value in batch.state_dict().items():
            setattr(self, name, getattr(self, name) + value)

    def compute(self) -> torch.Tensor:
        """Return the mean of all batches, 0-d and float64; nan where there was nothing."""
        whole = self._sums()
        state = {name: float(getattr(self, name)) for name in whole.state_dict()}
        whole.load_state_dict(state)
        return torch.tensor(whole.compute(), dtype=torch.float64, device=self.device)


def _label(bound: Bound) -> str:
    """What a collection calls the metric: no name of a module has a point in it."""
    defaults = bound.loss.parameters
    own = [f"_{name}_{value:g}" for name, value in bound.parameters.items() if value != defaults[name]]
    return "".join([bound.loss.name, *own]).replace(".", "_")


def _new(kind: type[TorchMetric], label: str) -> Any:
    """Return an instance, not yet initialised, of the class of a loss: collections name a metric by its class."""
    return object.__new__(_class(kind, label))


@per_formula
def _class(kind: type[TorchMetric], label: str) -> type[TorchMetric]:
    return type(label, (kind,), {"__module__": kind.__module__, "__doc__": kind.__doc__})
