"""The losses as scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.metrics import make_scorer  # pyright: ignore[reportUnknownVariableType]

from normwise.errors import InputError
from normwise.integrations.bound import Score, bind_two, outputs_of


def sklearn_scorer(loss: Any, **parameters: float | Sequence[float]) -> Any:
    """Return a loss as a scorer for `cross_val_score`, `GridSearchCV` and their like.

    Parameters
    ----------
    loss : str, Loss, or function of `normwise.functional`
        The loss, by name (``"huber"``, or ``"huber:delta=2"`` with its parameters), by its function, or itself.
    **parameters : float, or sequence of float
        The loss's parameters. With a sequence there is an output for each, and the mean is that over all of them.

    Returns
    -------
    callable
        A scorer of ``(estimator, X, y, sample_weight=None)``: minus the mean loss, for scikit-learn takes what is
        higher for better. The mean divides by the sum of the weights.

    Raises
    ------
    InputError
        Where there is no such loss or parameter; where the loss reads further arrays, such as a variance.

    Examples
    --------
    >>> import numpy
    >>> from sklearn.dummy import DummyRegressor
    >>> from normwise.integrations import sklearn_scorer
    >>> x, y = numpy.zeros((4, 1)), numpy.array([0.0, 0.0, 0.0, 8.0])
    >>> sklearn_scorer("huber", delta=2.0)(DummyRegressor().fit(x, y), x, y)
    -4.0
    """
    if getattr(loss, "__module__", None) == "normwise.scores":
        name = loss.__name__
        raise InputError(
            f"{name} is a score, no loss: sklearn.metrics.make_scorer(lambda true, predicted: {name}(predicted, true)) "
            "makes a scorer of it, with greater_is_better=False where less is better"
        )
    return make_scorer(Score(outputs_of(bind_two, loss, parameters, "scikit-learn")), greater_is_better=False)
