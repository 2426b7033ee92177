"""What other libraries call our losses, and by which factor and convention theirs differ.

A row is one loss of one library: theirs is a factor times ours. Its `reading` takes their parameters by their names,
with their defaults, and gives our parameters and the factor; as a formula does, it takes plain numbers or symbols, so
the same line converts and prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from normwise.formula import sqrt


class Reading(NamedTuple):
    """Our parameters in terms of theirs, and the factor."""

    parameters: Mapping[str, Any]
    factor: Any = 1


def given(factor: Any = 1, /, **parameters: Any) -> Reading:
    """Theirs is `factor` times ours with these parameters."""
    return Reading(parameters, factor)


def _same() -> Reading:
    return given()


@dataclass(frozen=True, eq=False)
class Peer:
    """One loss of one library.

    Attributes
    ----------
    loss : str
        The name of ours.
    names : tuple of str
        Its qualified names there, the first one first: ``"torch.nn.HuberLoss"``, its function. An argument that
        chooses it stands in parentheses: ``"scipy.optimize.least_squares(loss='huber')"``.
    reading : callable
        Of their parameters, with their defaults, the `Reading`.
    note : str
        The convention where it differs.
    omits : str
        What theirs leaves out that changes no gradient: it depends on the target alone.
    """

    loss: str
    names: tuple[str, ...]
    reading: Callable[..., Reading] = _same
    note: str = ""
    omits: str = ""

    @property
    def library(self) -> str:
        """The module that one imports."""
        return self.names[0].partition(".")[0].partition("(")[0]


LIBRARIES: Mapping[str, str] = {
    "torch": "torch",
    "keras": "Keras",
    "optax": "Optax",
    "torchmetrics": "torchmetrics",
    "sklearn": "scikit-learn",
    "scipy": "SciPy",
    "statsmodels": "statsmodels",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "kornia": "kornia",
    "basicsr": "BasicSR",
    "robust_loss_pytorch": "robust_loss_pytorch",
    "fvcore": "fvcore",
    "mmdet": "mmdet",
    "pytorch_forecasting": "pytorch-forecasting",
    "gluonts": "GluonTS",
    "neuralforecast": "neuralforecast",
}
"""The libraries' names by the modules that one imports."""

HELD: Mapping[str, str] = {"keras": "_fn_kwargs", "sklearn": "closs", "statsmodels": "base_norm"}
"""The attribute in which their objects hold parameters that they do not hold themselves."""

COMPUTE = ("forward", "call", "rho", "loss", "update", "compute")
"""The methods that compute a loss, in one library or another: a subclass that has its own computes its own."""


def _peer(loss: str, *names: str, reading: Callable[..., Reading] = _same, note: str = "", omits: str = "") -> Peer:
    return Peer(loss, names, reading, note, omits)


_STRAIGHT = "at the threshold it is still the parabola (`<=`): another curvature there, the same value and slope"
_SCALED = "rho, of which `cost` is half the sum; f_scale is C"
_SUM = "a sum, not a mean"
_LOG_LINK = "of the logarithm of the mean"
_MEAN_LAST = "the mean over the last axis; the class averages over all"

PEERS: tuple[Peer, ...] = (
    # --- the absolute error -------------------------------------------------------------------------------------------
    _peer("l1", "torch.nn.L1Loss", "torch.nn.functional.l1_loss"),
    _peer("l1", "keras.losses.MeanAbsoluteError", "keras.losses.mean_absolute_error", note=_MEAN_LAST),
    _peer("l1", "torchmetrics.MeanAbsoluteError", "torchmetrics.functional.mean_absolute_error"),
    _peer("l1", "sklearn.metrics.mean_absolute_error"),
    _peer(
        "l1",
        "sklearn._loss.AbsoluteError",
        note="its slope at 0 is -1, ours 0; gradient boosting takes 1 for its curvature",
    ),
    _peer("l1", "statsmodels.tools.eval_measures.meanabs"),
    _peer("l1", "lightgbm(metric='l1')", "lightgbm(objective='regression_l1')"),
    _peer("l1", "xgboost(eval_metric='mae')", "xgboost(objective='reg:absoluteerror')"),
    _peer(
        "l1",
        "mmdet.models.losses.L1Loss",
        "mmdet.models.losses.l1_loss",
        note="a weighted mean divides by the count, or by avg_factor",
    ),
    _peer("l1", "pytorch_forecasting.metrics.MAE"),
    _peer("l1", "gluonts.evaluation.metrics.abs_error", note=_SUM),
    _peer("l1", "neuralforecast.losses.pytorch.MAE"),
    # --- squares ------------------------------------------------------------------------------------------------------
    _peer("mse", "torch.nn.MSELoss", "torch.nn.functional.mse_loss"),
    _peer("mse", "keras.losses.MeanSquaredError", "keras.losses.mean_squared_error", note=_MEAN_LAST),
    _peer("mse", "optax.squared_error", "optax.losses.squared_error", note="for each element"),
    _peer("mse", "torchmetrics.MeanSquaredError", "torchmetrics.functional.mean_squared_error"),
    _peer("mse", "sklearn.metrics.mean_squared_error"),
    _peer(
        "mse",
        "scipy.optimize.least_squares(loss='linear')",
        reading=lambda f_scale=1.0: given(),
        note=f"{_SCALED}, and changes nothing here",
    ),
    _peer("mse", "statsmodels.tools.eval_measures.mse"),
    _peer("mse", "lightgbm(metric='l2')", note="the objective 'regression' has the gradient of half of it"),
    _peer("mse", "mmdet.models.losses.MSELoss", "mmdet.models.losses.mse_loss"),
    _peer("mse", "gluonts.evaluation.metrics.mse"),
    _peer("mse", "neuralforecast.losses.pytorch.MSE"),
    _peer("half_mse", "optax.l2_loss", "optax.losses.l2_loss", note="for each element"),
    _peer("half_mse", "sklearn._loss.HalfSquaredError"),
    _peer("half_mse", "statsmodels.robust.norms.LeastSquares"),
    _peer("rmse", "keras.metrics.RootMeanSquaredError"),
    _peer(
        "rmse",
        "torchmetrics.MeanSquaredError(squared=False)",
        "torchmetrics.functional.mean_squared_error(squared=False)",
    ),
    _peer("rmse", "sklearn.metrics.root_mean_squared_error", note="of several outputs the mean of each one's root"),
    _peer("rmse", "statsmodels.tools.eval_measures.rmse"),
    _peer("rmse", "lightgbm(metric='rmse')"),
    _peer(
        "rmse",
        "xgboost(eval_metric='rmse')",
        note="the objective 'reg:squarederror' has the gradient of half the square",
    ),
    _peer("rmse", "pytorch_forecasting.metrics.RMSE"),
    _peer("rmse", "neuralforecast.losses.pytorch.RMSE"),
    _peer(
        "msle",
        "keras.losses.MeanSquaredLogarithmicError",
        "keras.losses.mean_squared_logarithmic_error",
        note="prediction and target below 1e-7 count as 1e-7",
    ),
    _peer("msle", "torchmetrics.MeanSquaredLogError", "torchmetrics.functional.mean_squared_log_error"),
    _peer("msle", "sklearn.metrics.mean_squared_log_error", note="refuses numbers of -1 and less"),
    _peer(
        "rmsle", "sklearn.metrics.root_mean_squared_log_error", note="of several outputs the mean of each one's root"
    ),
    _peer("rmsle", "xgboost(eval_metric='rmsle')"),
    # --- between squares and absolute errors --------------------------------------------------------------------------
    _peer(
        "smooth_l1",
        "torch.nn.SmoothL1Loss",
        "torch.nn.functional.smooth_l1_loss",
        reading=lambda beta=1.0: given(beta=beta),
    ),
    _peer(
        "smooth_l1",
        "fvcore.nn.smooth_l1_loss",
        reading=lambda beta: given(beta=beta),
        note="beta < 1e-5 is the absolute error; the reduction is none unless asked for",
    ),
    _peer(
        "smooth_l1",
        "mmdet.models.losses.SmoothL1Loss",
        "mmdet.models.losses.smooth_l1_loss",
        reading=lambda beta=1.0: given(beta=beta),
        note="beta = 0 is refused",
    ),
    _peer(
        "huber", "torch.nn.HuberLoss", "torch.nn.functional.huber_loss", reading=lambda delta=1.0: given(delta=delta)
    ),
    _peer(
        "huber",
        "keras.losses.Huber",
        "keras.losses.huber",
        reading=lambda delta=1.0: given(delta=delta),
        note=_STRAIGHT,
    ),
    _peer(
        "huber",
        "optax.huber_loss",
        "optax.losses.huber_loss",
        reading=lambda delta=1.0: given(delta=delta),
        note="for each element; written with min(abs(r), delta)",
    ),
    _peer(
        "huber",
        "sklearn._loss.HuberLoss",
        reading=lambda delta=0.5: given(delta=delta),
        note=f"{_STRAIGHT}; gradient boosting sets delta to a quantile of abs(r)",
    ),
    _peer("huber", "scipy.special.huber", reading=lambda delta: given(delta=delta), note=_STRAIGHT),
    _peer(
        "huber",
        "scipy.optimize.least_squares(loss='huber')",
        reading=lambda f_scale=1.0: given(2, delta=f_scale),
        note=_SCALED,
    ),
    _peer("huber", "statsmodels.robust.norms.HuberT", reading=lambda t=1.345: given(delta=t), note=_STRAIGHT),
    _peer(
        "huber",
        "lightgbm(metric='huber')",
        "lightgbm(objective='huber')",
        reading=lambda alpha=0.9: given(delta=alpha),
        note=_STRAIGHT,
    ),
    _peer("huber", "neuralforecast.losses.pytorch.HuberLoss", reading=lambda delta=1.0: given(delta=delta)),
    _peer("pseudo_huber", "scipy.special.pseudo_huber", reading=lambda delta: given(delta=delta)),
    _peer(
        "pseudo_huber",
        "scipy.optimize.least_squares(loss='soft_l1')",
        reading=lambda f_scale=1.0: given(2, delta=f_scale),
        note=_SCALED,
    ),
    _peer(
        "pseudo_huber",
        "xgboost(eval_metric='mphe')",
        "xgboost(objective='reg:pseudohubererror')",
        reading=lambda huber_slope=1.0: given(delta=huber_slope),
    ),
    _peer(
        "pseudo_huber",
        "kornia.losses.CharbonnierLoss",
        "kornia.losses.charbonnier_loss",
        reading=lambda: given(delta=1.0),
        note="called Charbonnier, but 0 at 0; the reduction is none unless asked for",
    ),
    _peer(
        "charbonnier",
        "basicsr.losses.CharbonnierLoss",
        reading=lambda eps=1e-12: given(eps=sqrt(eps)),
        note="its eps is added to the square, ours is squared first",
    ),
    _peer("log_cosh", "keras.losses.LogCosh", "keras.losses.log_cosh", note=_MEAN_LAST),
    _peer("log_cosh", "optax.log_cosh", "optax.losses.log_cosh", note="for each element"),
    _peer(
        "log_cosh",
        "torchmetrics.LogCoshError",
        "torchmetrics.functional.log_cosh_error",
        note="is inf where abs(r) is above 88 in float32",
    ),
    # --- that let go of outliers --------------------------------------------------------------------------------------
    _peer(
        "cauchy",
        "kornia.losses.CauchyLoss",
        "kornia.losses.cauchy_loss",
        reading=lambda: given(c=math.sqrt(2)),
        note="log(1 + r^2 / 2), as Barron's with alpha = 0; the reduction is none unless asked for",
    ),
    _peer(
        "cauchy",
        "scipy.optimize.least_squares(loss='cauchy')",
        reading=lambda f_scale=1.0: given(2, c=f_scale),
        note=_SCALED,
    ),
    _peer("cauchy", "statsmodels.robust.norms.StudentT", reading=lambda c=2.3849, df=4.0: given(c=c * sqrt(df))),
    _peer(
        "geman_mcclure",
        "kornia.losses.GemanMcclureLoss",
        "kornia.losses.geman_mcclure_loss",
        reading=lambda: given(c=1.0),
        note="the reduction is none unless asked for",
    ),
    _peer(
        "welsch",
        "kornia.losses.WelschLoss",
        "kornia.losses.welsch_loss",
        reading=lambda: given(c=1.0),
        note="the reduction is none unless asked for",
    ),
    _peer(
        "barron",
        "robust_loss_pytorch.general.lossfun",
        "robust_loss_pytorch.lossfun",
        reading=lambda alpha, scale: given(alpha=alpha, c=scale),
        note="of the residual",
    ),
    _peer(
        "barron_nll",
        "robust_loss_pytorch.distribution.Distribution.nllfun",
        reading=lambda alpha, scale: given(alpha=alpha, c=scale),
        note="what AdaptiveLossFunction learns both by; it finds log_partition by a spline",
    ),
    _peer(
        "arctan",
        "scipy.optimize.least_squares(loss='arctan')",
        reading=lambda f_scale=1.0: given(c=f_scale),
        note=_SCALED,
    ),
    _peer("tukey", "statsmodels.robust.norms.TukeyBiweight", reading=lambda c=4.685: given(c=c)),
    _peer("andrews", "statsmodels.robust.norms.AndrewWave", reading=lambda a=1.339: given(a=a)),
    _peer("hampel", "statsmodels.robust.norms.Hampel", reading=lambda a=2.0, b=4.0, c=8.0: given(a=a, b=b, c=c)),
    _peer("ramsay", "statsmodels.robust.norms.RamsayE", reading=lambda a=0.3: given(a=a)),
    _peer("trimmed_mean", "statsmodels.robust.norms.TrimmedMean", reading=lambda c=2.0: given(c=c)),
    _peer(
        "balanced_l1",
        "mmdet.models.losses.BalancedL1Loss",
        "mmdet.models.losses.balanced_l1_loss",
        reading=lambda alpha=0.5, gamma=1.5, beta=1.0: given(alpha=alpha, gamma=gamma, beta=beta),
    ),
    # --- with unequal sides -------------------------------------------------------------------------------------------
    _peer("quantile", "sklearn.metrics.mean_pinball_loss", reading=lambda alpha=0.5: given(q=alpha)),
    _peer(
        "quantile",
        "sklearn._loss.PinballLoss",
        reading=lambda quantile=0.5: given(q=quantile),
        note="its slope at 0 is -q, ours 1/2 - q",
    ),
    _peer(
        "quantile",
        "lightgbm(metric='quantile')",
        "lightgbm(objective='quantile')",
        reading=lambda alpha=0.9: given(q=alpha),
    ),
    _peer(
        "quantile",
        "xgboost(eval_metric='quantile')",
        "xgboost(objective='reg:quantileerror')",
        reading=lambda quantile_alpha: given(q=quantile_alpha),
    ),
    _peer(
        "quantile",
        "pytorch_forecasting.metrics.QuantileLoss",
        reading=lambda q: given(2, q=q),
        note="twice, and of a list of quantiles at once",
    ),
    _peer(
        "quantile",
        "gluonts.evaluation.metrics.quantile_loss",
        reading=lambda q: given(2, q=q),
        note=f"twice, and {_SUM}",
    ),
    _peer("quantile", "neuralforecast.losses.pytorch.QuantileLoss", reading=lambda q: given(q=q)),
    _peer(
        "huber_quantile",
        "neuralforecast.losses.pytorch.HuberQLoss",
        reading=lambda q, delta=1.0: given(q=q, delta=delta),
    ),
    _peer(
        "huber_quantile",
        "statsmodels.robust.norms.MQuantileNorm(base_norm='HuberT')",
        reading=lambda q, t=1.345: given(q=q, delta=t),
        note=f"of target - prediction; {_STRAIGHT}",
    ),
    _peer(
        "expectile",
        "statsmodels.robust.norms.MQuantileNorm(base_norm='LeastSquares')",
        reading=lambda q: given(0.5, q=q),
        note="of target - prediction",
    ),
    # --- relative errors ----------------------------------------------------------------------------------------------
    _peer(
        "absolute_percentage",
        "keras.losses.MeanAbsolutePercentageError",
        "keras.losses.mean_absolute_percentage_error",
        reading=lambda: given(100, eps=1e-7),
        note="in percent",
    ),
    _peer(
        "absolute_percentage",
        "torchmetrics.MeanAbsolutePercentageError",
        "torchmetrics.functional.mean_absolute_percentage_error",
        reading=lambda: given(eps=1.17e-6),
    ),
    _peer(
        "absolute_percentage",
        "sklearn.metrics.mean_absolute_percentage_error",
        reading=lambda: given(eps=2.0**-52),
    ),
    _peer(
        "absolute_percentage",
        "lightgbm(metric='mape')",
        "lightgbm(objective='mape')",
        reading=lambda: given(eps=1.0),
        note="a target below 1 counts as 1",
    ),
    _peer(
        "absolute_percentage",
        "pytorch_forecasting.metrics.MAPE",
        reading=lambda: given(eps=1e-8),
        note="its 1e-8 is added to abs(t)",
    ),
    _peer(
        "absolute_percentage",
        "gluonts.evaluation.metrics.mape",
        reading=lambda: given(eps=0.0),
        note="infinite where the target is 0",
    ),
    _peer(
        "absolute_percentage",
        "neuralforecast.losses.pytorch.MAPE",
        reading=lambda: given(eps=0.0),
        note="0 where the target is 0",
    ),
    _peer(
        "symmetric_percentage",
        "torchmetrics.SymmetricMeanAbsolutePercentageError",
        "torchmetrics.functional.symmetric_mean_absolute_percentage_error",
        note="a sum abs(x) + abs(t) below 1.17e-6 counts as 1.17e-6",
    ),
    _peer("symmetric_percentage", "pytorch_forecasting.metrics.SMAPE", note="adds 1e-8 to the denominator"),
    _peer("symmetric_percentage", "gluonts.evaluation.metrics.smape", note="nan where both are 0"),
    _peer("symmetric_percentage", "neuralforecast.losses.pytorch.SMAPE"),
    _peer(
        "wmape",
        "torchmetrics.WeightedMeanAbsolutePercentageError",
        "torchmetrics.functional.weighted_mean_absolute_percentage_error",
        note="a sum of abs(t) below 1.17e-6 counts as 1.17e-6",
    ),
    _peer("mase", "gluonts.evaluation.metrics.mase", note="the scale is `seasonal_error`"),
    _peer(
        "mase",
        "pytorch_forecasting.metrics.MASE",
        note="its scale is the mean step of the encoder's and the decoder's targets, plus 1e-6",
    ),
    _peer("mase", "neuralforecast.losses.pytorch.MASE", note="its scale is the mean seasonal step of `y_insample`"),
    # --- likelihoods and deviances ------------------------------------------------------------------------------------
    _peer(
        "gaussian_nll",
        "torch.nn.GaussianNLLLoss",
        "torch.nn.functional.gaussian_nll_loss",
        reading=lambda full=False, eps=1e-6: given(full=full, eps=eps),
        note="the gradient in a variance below eps is that at eps",
    ),
    _peer(
        "gaussian_nll",
        "torch.distributions.Normal",
        reading=lambda: given(full=True, eps=0.0),
        note="minus its log_prob, with the prediction for loc and the root of the variance for scale",
    ),
    _peer("laplace_nll", "torch.distributions.Laplace", note="minus its log_prob, with the prediction for loc"),
    _peer(
        "student_t_nll",
        "torch.distributions.StudentT",
        reading=lambda df: given(df=df),
        note="minus its log_prob, with the prediction for loc",
    ),
    _peer(
        "poisson_nll",
        "torch.nn.PoissonNLLLoss",
        "torch.nn.functional.poisson_nll_loss",
        reading=lambda log_input=True, full=False, eps=1e-8: given(log_input=log_input, full=full, eps=eps),
    ),
    _peer(
        "poisson_nll",
        "keras.losses.Poisson",
        "keras.losses.poisson",
        reading=lambda: given(log_input=False, full=False, eps=1e-7),
        note=_MEAN_LAST,
    ),
    _peer(
        "poisson_nll",
        "sklearn._loss.HalfPoissonLoss",
        reading=lambda: given(log_input=True, full=False),
        note=_LOG_LINK,
    ),
    _peer(
        "poisson_nll",
        "lightgbm(metric='poisson')",
        "lightgbm(objective='poisson')",
        reading=lambda: given(log_input=True, full=False),
        note=f"{_LOG_LINK}; the objective's curvature is too large on purpose",
    ),
    _peer(
        "poisson_nll",
        "xgboost(eval_metric='poisson-nloglik')",
        "xgboost(objective='count:poisson')",
        reading=lambda: given(log_input=True, full=False),
        note=_LOG_LINK,
        omits="log(t!) is added",
    ),
    _peer(
        "poisson_nll",
        "pytorch_forecasting.metrics.PoissonLoss",
        reading=lambda: given(log_input=True, full=False),
        note=_LOG_LINK,
    ),
    _peer("poisson_deviance", "sklearn.metrics.mean_poisson_deviance", reading=lambda: given(log_input=False)),
    _peer(
        "poisson_deviance",
        "statsmodels.genmod.families.Poisson",
        reading=lambda: given(log_input=False),
        note=f"its deviance, {_SUM}",
    ),
    _peer("gamma_deviance", "sklearn.metrics.mean_gamma_deviance", reading=lambda: given(log_input=False)),
    _peer(
        "gamma_deviance",
        "statsmodels.genmod.families.Gamma",
        reading=lambda: given(log_input=False),
        note=f"its deviance, {_SUM}",
    ),
    _peer(
        "gamma_deviance",
        "sklearn._loss.HalfGammaLoss",
        reading=lambda: given(0.5, log_input=True),
        note=_LOG_LINK,
        omits="-log(t) - 1 is left out",
    ),
    _peer(
        "gamma_deviance",
        "lightgbm(metric='gamma')",
        "lightgbm(objective='gamma')",
        reading=lambda: given(0.5, log_input=True),
        note=_LOG_LINK,
        omits="-log(t) - 1 is left out",
    ),
    _peer(
        "gamma_deviance",
        "xgboost(eval_metric='gamma-deviance')",
        reading=lambda: given(log_input=True),
        note=f"{_LOG_LINK}; the objective 'reg:gamma' has the gradient of half of it",
    ),
    _peer(
        "tweedie_deviance",
        "sklearn.metrics.mean_tweedie_deviance",
        reading=lambda power=0.0: given(p=power, log_input=False),
    ),
    _peer(
        "tweedie_deviance",
        "torchmetrics.TweedieDevianceScore",
        "torchmetrics.functional.tweedie_deviance_score",
        reading=lambda power=0.0: given(p=power, log_input=False),
    ),
    _peer(
        "tweedie_deviance",
        "sklearn._loss.HalfTweedieLossIdentity",
        reading=lambda power=1.5: given(0.5, p=power, log_input=False),
    ),
    _peer(
        "tweedie_deviance",
        "sklearn._loss.HalfTweedieLoss",
        reading=lambda power=1.5: given(0.5, p=power, log_input=True),
        note=_LOG_LINK,
        omits="what depends on the target alone is left out",
    ),
    _peer(
        "tweedie_deviance",
        "statsmodels.genmod.families.Tweedie",
        reading=lambda var_power=1.0: given(p=var_power, log_input=False),
        note=f"its deviance, {_SUM}",
    ),
    _peer(
        "tweedie_deviance",
        "lightgbm(metric='tweedie')",
        "lightgbm(objective='tweedie')",
        reading=lambda tweedie_variance_power=1.5: given(0.5, p=tweedie_variance_power, log_input=True),
        note=_LOG_LINK,
        omits="what depends on the target alone is left out",
    ),
    _peer(
        "tweedie_deviance",
        "xgboost(eval_metric='tweedie-nloglik')",
        "xgboost(objective='reg:tweedie')",
        reading=lambda tweedie_variance_power=1.5: given(0.5, p=tweedie_variance_power, log_input=True),
        note=_LOG_LINK,
        omits="what depends on the target alone is left out",
    ),
    _peer(
        "tweedie_deviance",
        "pytorch_forecasting.metrics.TweedieLoss",
        reading=lambda p=1.5: given(0.5, p=p, log_input=True),
        note=_LOG_LINK,
        omits="what depends on the target alone is left out",
    ),
)
"""The rows, by loss and library."""


def peers_of(loss: str) -> tuple[Peer, ...]:
    """The rows of one of our losses, in the order of `LIBRARIES`."""
    order = list(LIBRARIES)
    return tuple(sorted((peer for peer in PEERS if peer.loss == loss), key=lambda peer: order.index(peer.library)))
