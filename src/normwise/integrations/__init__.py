"""The losses as other libraries want them: objectives, metrics, scorers and losses of their own kinds.

Each is thin: the formula, its derivatives and its kernels are the catalogue's. No library is loaded until its name here
is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from normwise.errors import absent, missing, no_attribute

if TYPE_CHECKING:
    from normwise.integrations.boosting import lightgbm_metric as lightgbm_metric
    from normwise.integrations.boosting import lightgbm_objective as lightgbm_objective
    from normwise.integrations.boosting import xgboost_metric as xgboost_metric
    from normwise.integrations.boosting import xgboost_objective as xgboost_objective
    from normwise.integrations.keras_losses import KerasLoss as KerasLoss
    from normwise.integrations.keras_losses import keras_loss as keras_loss
    from normwise.integrations.least_squares import scipy_loss as scipy_loss
    from normwise.integrations.scoring import sklearn_scorer as sklearn_scorer
    from normwise.integrations.torch_metric import TorchMetric as TorchMetric


class _Home(NamedTuple):
    module: str
    package: str | None = None
    """What to install for it: nothing where a library only calls what it is given, or the module says it itself."""


_HOMES = {
    "KerasLoss": _Home("keras_losses", "keras"),
    "TorchMetric": _Home("torch_metric", "torchmetrics"),
    "keras_loss": _Home("keras_losses", "keras"),
    "lightgbm_metric": _Home("boosting"),
    "lightgbm_objective": _Home("boosting"),
    "scipy_loss": _Home("least_squares"),
    "sklearn_scorer": _Home("scoring", "scikit-learn"),
    "xgboost_metric": _Home("boosting"),
    "xgboost_objective": _Home("boosting"),
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise no_attribute(__name__, name, __dir__())
    try:
        return getattr(import_module(f"{__name__}.{home.module}"), name)
    except ModuleNotFoundError as error:
        if home.package is not None and error.__cause__ is None:  # it does not say itself what is missing
            error = missing(f"{__name__}.{name}", home.package, error)
        return absent(name, error)


def __dir__() -> list[str]:
    return sorted(_HOMES)
