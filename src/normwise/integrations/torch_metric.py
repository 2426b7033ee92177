"""The losses as metrics of torchmetrics."""

from __future__ import annotations

from typing import Any

import torch
from torchmetrics import Metric

from normwise.accumulator import Accumulator
from normwise.integrations.bound import bind


class TorchMetric(Metric):
    """A loss as a metric of torchmetrics, over batches and processes.

    Its states are the sums of an `Accumulator`, in float64 and summed over processes: so it is the mean of all that was
    seen, to rounding, however unequal the batches are.

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

    def __init__(
        self, loss: Any, *, normalize: Any = None, metric_options: dict[str, Any] | None = None, **parameters: float
    ) -> None:
        super().__init__(**(metric_options or {}))
        self.bound, self.normalize = bind(loss, parameters), normalize
        for name, nothing in self._sums().state_dict().items():
            self.add_state(name, torch.tensor(nothing, dtype=torch.float64), dist_reduce_fx="sum")

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
