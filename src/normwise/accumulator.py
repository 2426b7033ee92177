"""A loss over data that comes in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from normwise.catalogue import Loss
from normwise.errors import InputError
from normwise.formula.numbers import number_value
from normwise.functional import face_of
from normwise.loss_functions.choice import loss_with
from normwise.loss_functions.options import check_is_mean, options_of
from normwise.sums import Reduction, State, quotient


class Accumulator:
    """A loss over data that comes in parts: micro-batches, files, processes.

    It keeps the sum of the weighted losses, the sum of the weights and the count, in float64, and divides at the end:
    so any split of the data gives the mean of the whole, to rounding, where a mean of means would not.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss.
    normalize : {"weight", "count"} or number, optional
        What the mean divides by, as in the loss's function.
    **parameters : float
        The loss's parameters.

    Raises
    ------
    InputError
        Where there is no such loss, parameter or divisor.

    Examples
    --------
    >>> import numpy, normwise
    >>> errors = normwise.Accumulator("huber", delta=2.0)
    >>> errors.update(numpy.array([1.0, 2.0, 3.0]), numpy.array([1.0, 1.0, 1.0]))
    >>> errors.update(numpy.array([5.0]), numpy.array([numpy.nan]), nan_policy="omit")
    >>> errors.compute(), errors.compute("sum")
    (0.8333333333333334, 2.5)
    >>> rest = normwise.Accumulator("huber", delta=2.0)
    >>> rest.update(numpy.array([4.0]), numpy.array([4.0]))
    >>> errors.merge(rest)
    >>> errors.compute()
    0.625
    """

    def __init__(self, loss: str | Loss | Any, *, normalize: Any = None, **parameters: float) -> None:
        self.loss, self.parameters = loss_with(loss, parameters)
        self._divisor = options_of(self.loss, "mean", normalize=normalize).divisor(self.loss, "mean")
        self._states: list[State] = self._nothing()

    def _nothing(self) -> list[State]:
        """The sums of no data, for each mean that the loss is made of."""
        return [State() for _ in self.loss.parts]

    def update(
        self,
        input: Any,
        target: Any,
        *further: Any,
        weight: Any = None,
        mask: Any = None,
        nan_policy: str = "propagate",
        broadcast: bool = False,
    ) -> None:
        """Add a part: the arrays and options of the loss's function. Gradients do not flow into the sums.

        Of torch's distributed tensors each rank adds the whole, which is then not to be added up over ranks again.

        Raises
        ------
        ShapeMismatchError, InputError
            As the loss's function; nothing is added then.
        """
        options = options_of(self.loss, "sum", weight=weight, mask=mask, nan_policy=nan_policy, broadcast=broadcast)
        sums = face_of(type(input)).sums
        given = (input, target, *further), tuple(self.parameters.values()), options
        self._add([sums(part, *given) for part in self.loss.parts])

    def _add(self, states: list[State]) -> None:
        self._states = [own.merge(other) for own, other in zip(self._states, states, strict=True)]

    def merge(self, other: Self) -> None:
        """Add what another accumulator of the same loss has seen.

        Raises
        ------
        InputError
            Where the other is of another loss, or has other parameters.
        """
        if (other.loss.name, other.parameters) != (self.loss.name, self.parameters):
            raise InputError(f"cannot merge {other!r} into {self!r}: they do not sum the same loss")
        self._add(other._states)

    def compute(self, reduction: Reduction = "mean") -> float:
        """Return the mean, or the ``"sum"``, of all parts; the mean of nothing is nan."""
        if reduction not in ("mean", "sum"):
            raise InputError(f"{reduction} is not a valid value for reduction: expected 'mean' or 'sum'")
        finish = self.loss.finish
        if finish is None:
            return self._reduced(self._states[0], reduction)
        check_is_mean(self.loss, reduction)
        means = (self._reduced(state, reduction) for state in self._states)
        return number_value(finish.expression, dict(zip(finish.arrays, means, strict=True)))

    def _reduced(self, state: State, reduction: Reduction) -> float:
        by = self._divisor
        divisor = 1.0 if reduction == "sum" else float(getattr(state, by) if isinstance(by, str) else by)
        return quotient(state.total, divisor)

    def reset(self) -> None:
        """Forget all parts."""
        self._states = self._nothing()

    def state_dict(self) -> dict[str, float]:
        """Return the sums as plain numbers."""
        first, *others = self._states
        totals = {f"total_{i}": state.total for i, state in enumerate(others, 1)}
        return {"total": first.total, **totals, "weight": first.weight, "count": first.count}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take up the sums of a `state_dict`.

        Raises
        ------
        InputError
            Where one is missing, unknown or no number; nothing is taken up then.
        """
        expected = self.state_dict()
        if set(state) != set(expected):
            raise InputError(f"a state has {', '.join(expected)}, but this one has {', '.join(map(str, state))}")
        try:
            *totals, weight, count = (float(state[name]) for name in expected)
        except (TypeError, ValueError):
            raise InputError(f"a state is made of numbers, but this one is {dict(state)!r}") from None
        self._states = [State(total, weight, count) for total in totals]

    def __repr__(self) -> str:
        parameters = "".join(f", {name}={value!r}" for name, value in self.parameters.items())
        return f"Accumulator({self.loss.name!r}{parameters})"
