"""Losses of other libraries, converted: each row against the library itself, or against what it documents."""

import ast
import importlib
import importlib.util
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import losses
from normwise.catalogue.peers import LIBRARIES, PEERS, Peer, peers_of
from normwise.errors import InputError
from normwise.explanation.convert import convert, from_torch, parameters_of, row_terms

os.environ.setdefault("KERAS_BACKEND", "torch")

Array = np.ndarray[Any, np.dtype[np.float64]]
COUNT = 40
RNG = np.random.default_rng(7)
FREE, POSITIVE = RNG.normal(size=(2, COUNT)), RNG.gamma(2.0, 1.0, size=(2, COUNT)) + 0.1
TARGET, SPREAD = RNG.gamma(2.0, 1.0, size=COUNT) + 0.2, RNG.gamma(2.0, 1.0, size=COUNT) + 0.1


def split(name: str) -> tuple[str, dict[str, Any]]:
    path, _, inside = name.partition("(")
    return path, {key: ast.literal_eval(value) for key, value in re.findall(r"(\w+)=([^,)]+)", inside)}


def loaded(path: str) -> Any:
    """What a path names, its modules imported."""
    parts = path.split(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a library warns of when it is imported is not ours
        module = pytest.importorskip(parts[0])
        for i in range(2, len(parts)):
            name = ".".join(parts[:i])
            module = importlib.import_module(name) if importlib.util.find_spec(name) else module
    return attrgetter(".".join(parts[1:]))(sys.modules[parts[0]]) if len(parts) > 1 else module


# --- how each library is asked: of (path, what its name chooses, its parameters, x, t, a further array) ---------------

Ask = Callable[[str, Mapping[str, Any], Mapping[str, Any], Array, Array, Array], Any]


def tensors(*arrays: Array) -> list[torch.Tensor]:
    return [torch.tensor(array) for array in arrays]


def ask_torch(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    further = [s] if "Gaussian" in path else []
    return loaded(path)(reduction="none", **given)(*tensors(x, t, *further)).numpy()


def ask_distribution(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    scale = np.sqrt(s) if path.endswith("Normal") else s
    return -loaded(path)(loc=torch.tensor(x), scale=torch.tensor(scale), **given).log_prob(torch.tensor(t)).numpy()


def ask_keras(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return float(loaded(path)(**given)(t, x))


def ask_torchmetrics(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return float(loaded(path)(**chosen, **given).set_dtype(torch.float64)(*tensors(x, t)))


def ask_optax(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return np.asarray(loaded(path)(np.float32(x), np.float32(t), **given), np.float64)


def ask_sklearn(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return loaded(path)(t, x, **given)


def ask_sklearn_loss(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return loaded(path)(**given).loss(t, x)


def ask_special(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return loaded(path)(given["delta"], x - t)


def ask_least_squares(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    at_once = loaded(path)(lambda _: x - t, [0.0], jac=lambda _: np.zeros((COUNT, 1)), **chosen, **given)
    return 2 * at_once.cost / COUNT


def ask_norm(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    if "base_norm" in chosen:
        base = loaded(f"statsmodels.robust.norms.{chosen['base_norm']}")
        inner = {"t": given["t"]} if "t" in given else {}
        return loaded(path)(given["q"], base(**inner)).rho(t - x)
    return loaded(path)(**given).rho(t - x)


def ask_eval_measure(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return loaded(path)(x, t)


def ask_family(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    return loaded(path)(**given).deviance(t, x) / COUNT


def ask_lightgbm(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    """The metric of a model that has learned next to nothing."""
    lightgbm, seen = loaded(path), dict[str, Any]()
    data = lightgbm.Dataset(np.zeros((COUNT, 1)), label=t, init_score=x, free_raw_data=False)
    # A metric of a logarithmic link is that of its objective, which says how a prediction is read.
    objective = chosen["metric"] if chosen["metric"] in ("poisson", "gamma", "tweedie") else "regression"
    asked = {"objective": objective, "boost_from_average": False, "learning_rate": 1e-12, "verbosity": -1}
    lightgbm.train(
        asked | {"num_threads": 1} | dict(chosen) | dict(given),
        data,
        num_boost_round=1,
        valid_sets=[data.create_valid(np.zeros((COUNT, 1)), label=t, init_score=x)],
        callbacks=[lightgbm.record_evaluation(seen)],
    )
    return next(iter(seen["valid_0"].values()))[0]


def ask_xgboost(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    xgboost, metric = loaded(path), chosen["eval_metric"]
    links = {"poisson-nloglik": "count:poisson", "gamma-deviance": "reg:gamma", "tweedie-nloglik": "reg:tweedie"}
    if metric == "tweedie-nloglik":
        metric += f"@{given['tweedie_variance_power']}"
    objectives = {"mphe": "reg:pseudohubererror", "quantile": "reg:quantileerror"}
    objective = (links | objectives).get(chosen["eval_metric"], "reg:squarederror")
    data = xgboost.DMatrix(np.zeros((COUNT, 1)), label=t, base_margin=x)
    model = xgboost.train({"objective": objective, "eval_metric": metric, "nthread": 1} | dict(given), data, 0)
    return float(model.eval(data).rpartition(":")[2])


def ask_keras_metric(path: str, chosen: Any, given: Any, x: Array, t: Array, s: Array) -> Any:
    metric = loaded(path)()
    metric.update_state(t, x)
    return float(metric.result())


FAMILIES: Mapping[str, Ask] = {
    "torch.nn.": ask_torch,
    "torch.distributions.": ask_distribution,
    "keras.losses.": ask_keras,
    "keras.metrics.": ask_keras_metric,
    "torchmetrics.": ask_torchmetrics,
    "optax.": ask_optax,
    "sklearn.metrics.": ask_sklearn,
    "sklearn._loss.": ask_sklearn_loss,
    "scipy.special.": ask_special,
    "scipy.optimize.": ask_least_squares,
    "statsmodels.robust.norms.": ask_norm,
    "statsmodels.tools.eval_measures.": ask_eval_measure,
    "statsmodels.genmod.families.": ask_family,
    "lightgbm": ask_lightgbm,
    "xgboost": ask_xgboost,
}


# --- what those document that are not installed, of (x, t, a further array) and their parameters -----


def pinball(x: Array, t: Array, q: float) -> Array:
    return np.maximum(q * (t - x), (q - 1) * (t - x))


def huber(r: Array, delta: float) -> Array:
    return np.where(abs(r) < delta, r * r / 2, delta * (abs(r) - delta / 2))


def balanced(r: Array, alpha: float, gamma: float, beta: float) -> Array:
    a, b = abs(r), math.exp(gamma / alpha) - 1
    curved = alpha / b * (b * a + 1) * np.log(b * a / beta + 1) - alpha * a
    return np.where(a < beta, curved, gamma * a + gamma / b - alpha * beta)


def general(r: Array, alpha: float, c: float) -> Array:
    z, b = (r / c) ** 2, abs(alpha - 2)
    limits = {-math.inf: 1 - np.exp(-z / 2), 0.0: np.log(z / 2 + 1), 2.0: z / 2, math.inf: np.exp(z / 2) - 1}
    return limits[alpha] if alpha in limits else b / alpha * ((z / b + 1) ** (alpha / 2) - 1)


def tweedie(raw: Array, t: Array, p: float) -> Array:
    return -t * np.exp(raw * (1 - p)) / (1 - p) + np.exp(raw * (2 - p)) / (2 - p)


def absolute(x: Array, t: Array, s: Array) -> Array:
    return abs(x - t)


def smooth(x: Array, t: Array, s: Array, beta: float) -> Array:
    return np.where(abs(x - t) < beta, (x - t) ** 2 / 2 / beta, abs(x - t) - beta / 2)


def root_mean_square(x: Array, t: Array, s: Array) -> float:
    return float(np.sqrt(np.mean((x - t) ** 2)))


def relative(x: Array, t: Array, s: Array) -> Array:
    return abs(x - t) / abs(t)


def symmetric(x: Array, t: Array, s: Array) -> Array:
    return 2 * abs(x - t) / (abs(x) + abs(t))


def scaled(x: Array, t: Array, s: Array) -> Array:
    return abs(x - t) / s


DOCUMENTED: Mapping[str, Callable[..., Any]] = {
    # https://kornia.readthedocs.io/en/latest/losses.html
    "kornia.losses.CharbonnierLoss": lambda x, t, s: np.sqrt((x - t) ** 2 + 1) - 1,
    "kornia.losses.CauchyLoss": lambda x, t, s: np.log((x - t) ** 2 / 2 + 1),
    "kornia.losses.GemanMcclureLoss": lambda x, t, s: 2 * (x - t) ** 2 / ((x - t) ** 2 + 4),
    "kornia.losses.WelschLoss": lambda x, t, s: 1 - np.exp(-((x - t) ** 2) / 2),
    # https://github.com/XPixelGroup/BasicSR, basicsr/losses
    "basicsr.losses.CharbonnierLoss": lambda x, t, s, eps: np.sqrt((x - t) ** 2 + eps),
    # Barron, A General and Adaptive Robust Loss Function, 2019, equation 8; it is the docstring of lossfun
    "robust_loss_pytorch.general.lossfun": lambda x, t, s, alpha, scale: general(x - t, alpha, scale),
    # equation 16 of the same, with the logarithm of the partition function as an array
    "robust_loss_pytorch.distribution.Distribution.nllfun": lambda x, t, s, alpha, scale: (
        general(x - t, alpha, scale) + math.log(scale) + s
    ),
    # https://github.com/facebookresearch/fvcore, fvcore/nn/smooth_l1_loss.py
    "fvcore.nn.smooth_l1_loss": smooth,
    # https://mmdetection.readthedocs.io, mmdet.models.losses; Pang et al., Libra R-CNN, 2019, equation 9
    "mmdet.models.losses.L1Loss": absolute,
    "mmdet.models.losses.MSELoss": lambda x, t, s: (x - t) ** 2,
    "mmdet.models.losses.SmoothL1Loss": smooth,
    "mmdet.models.losses.BalancedL1Loss": lambda x, t, s, **given: balanced(x - t, **given),
    # https://pytorch-forecasting.readthedocs.io, pytorch_forecasting.metrics
    "pytorch_forecasting.metrics.MAE": absolute,
    "pytorch_forecasting.metrics.RMSE": root_mean_square,
    "pytorch_forecasting.metrics.QuantileLoss": lambda x, t, s, q: 2 * pinball(x, t, q),
    "pytorch_forecasting.metrics.MAPE": relative,
    "pytorch_forecasting.metrics.SMAPE": symmetric,
    "pytorch_forecasting.metrics.MASE": scaled,
    "pytorch_forecasting.metrics.PoissonLoss": lambda x, t, s: np.exp(x) - t * x,
    "pytorch_forecasting.metrics.TweedieLoss": lambda x, t, s, p: tweedie(x, t, p),
    # https://ts.gluon.ai, gluonts.evaluation.metrics
    "gluonts.evaluation.metrics.abs_error": absolute,
    "gluonts.evaluation.metrics.mse": lambda x, t, s: (x - t) ** 2,
    "gluonts.evaluation.metrics.quantile_loss": lambda x, t, s, q: 2 * abs((x - t) * ((t <= x) - q)),
    "gluonts.evaluation.metrics.mape": relative,
    "gluonts.evaluation.metrics.smape": symmetric,
    "gluonts.evaluation.metrics.mase": scaled,
    # https://nixtlaverse.nixtla.io/neuralforecast/losses.pytorch.html
    "neuralforecast.losses.pytorch.MAE": absolute,
    "neuralforecast.losses.pytorch.MSE": lambda x, t, s: (x - t) ** 2,
    "neuralforecast.losses.pytorch.RMSE": root_mean_square,
    "neuralforecast.losses.pytorch.HuberLoss": lambda x, t, s, delta: huber(x - t, delta),
    "neuralforecast.losses.pytorch.QuantileLoss": lambda x, t, s, q: pinball(x, t, q),
    "neuralforecast.losses.pytorch.HuberQLoss": lambda x, t, s, q, delta: (
        np.where(x >= t, 1 - q, q) * huber(x - t, delta)
    ),
    "neuralforecast.losses.pytorch.MAPE": relative,
    "neuralforecast.losses.pytorch.SMAPE": symmetric,
    "neuralforecast.losses.pytorch.MASE": scaled,
}


OTHERS: Mapping[str, Any] = {
    "alpha": 0.3,
    "beta": 0.4,
    "c": 1.5,
    "a": 0.8,
    "b": 1.1,
    "delta": 0.7,
    "df": 3.0,
    "eps": 0.05,
    "f_scale": 0.6,
    "full": True,
    "gamma": 1.2,
    "huber_slope": 0.6,
    "log_input": False,
    "p": 1.3,
    "power": 1.3,
    "q": 0.3,
    "quantile": 0.3,
    "quantile_alpha": 0.3,
    "scale": 0.6,
    "t": 0.8,
    "tweedie_variance_power": 1.3,
    "var_power": 1.6,
}
"""Their parameters where they are not the defaults."""

PRECISION: Mapping[str, float] = {"keras": 2e-5, "optax": 2e-5, "xgboost": 2e-5, "lightgbm": 2e-5}
"""Of those that compute in float32."""

NEAR: Mapping[str, float] = {"pytorch_forecasting.metrics.SMAPE": 1e-6, "torchmetrics.MeanSquaredLogError": 1e-7}


def defaults(row: Peer) -> dict[str, Any]:
    return {name: OTHERS[name] if default is None else default for name, default in parameters_of(row).items()}


def others(row: Peer) -> dict[str, Any]:
    return {name: OTHERS[name] for name in parameters_of(row)}


def prediction(row: Peer, given: Mapping[str, Any]) -> Array:
    """Two sets of predictions in the domain of the loss."""
    terms = row_terms(row, given)
    ours = {**losses[row.loss].parameters, **terms.parameters}
    positive = row.loss in ("msle", "rmsle") or ours.get("log_input", True) in (False, 0.0)
    return POSITIVE if positive else FREE


def theirs(row: Peer, given: Mapping[str, Any], x: Array) -> Any:
    if row.names[0] in DOCUMENTED:
        return DOCUMENTED[row.names[0]](x, TARGET, SPREAD, **given)
    path, chosen = split(row.names[0])
    [ask] = [ask for prefix, ask in FAMILIES.items() if path.startswith(prefix)]
    return ask(path, chosen, given, x, TARGET, SPREAD)


def ours(row: Peer, given: Mapping[str, Any], x: Array, reduction: str) -> Any:
    path, chosen = split(row.names[0])
    converted = convert(path, **chosen, **given)
    assert converted.loss.name == row.loss
    # Arrays of a strict namespace are computed without a kernel, of which each row would need one to be compiled.
    arrays = [strict.asarray(a) for a in (x, TARGET, *[SPREAD] * len(converted.loss.further_arrays))]
    return np.asarray(converted(*arrays, reduction=reduction))


CASES = [(row, told) for row in PEERS for told in ([defaults(row), others(row)] if parameters_of(row) else [{}])]


@pytest.mark.filterwarnings("ignore")  # what libraries warn of among themselves
@pytest.mark.parametrize(("row", "told"), CASES, ids=[f"{row.names[0]}-{told}" for row, told in CASES])
def test_the_converted_loss_is_theirs(row: Peer, told: dict[str, Any]) -> None:
    first, second = prediction(row, told)
    a, b = theirs(row, told, first), theirs(row, told, second)
    reduction = "mean" if np.ndim(a) == 0 else "none"
    expected, found = a, ours(row, told, first, reduction)
    if row.omits:  # then they agree but for what depends on the target alone
        assert not np.allclose(expected, found, rtol=1e-3)
        expected, found = a - b, found - ours(row, told, second, reduction)
    near = NEAR.get(row.names[0], PRECISION.get(row.library, 1e-9))
    np.testing.assert_allclose(found, expected, rtol=near, atol=near)


@pytest.mark.parametrize("row", PEERS, ids=[row.names[0] for row in PEERS])
def test_no_row_is_untested(row: Peer) -> None:
    path, _ = split(row.names[0])
    ways = [prefix for prefix in FAMILIES if path.startswith(prefix)]
    assert len(ways) + (row.names[0] in DOCUMENTED) == 1
    assert row.library in LIBRARIES
    assert row.loss in losses


def test_nothing_is_documented_here_that_is_no_row() -> None:
    assert set(DOCUMENTED) <= {row.names[0] for row in PEERS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", [row for row in PEERS if row.names[0] not in DOCUMENTED], ids=lambda row: row.names[0])
def test_every_name_of_a_row_is_there_and_has_its_defaults(row: Peer) -> None:
    for name in row.names:
        path, chosen = split(name)
        found = loaded(path)
        if "." not in path:  # a library whose losses are texts
            continue
        held = getattr(found, "__init__", found) if isinstance(found, type) else found
        code = getattr(held, "__wrapped__", held)
        arguments = importlib.import_module("inspect").signature(code).parameters
        for parameter, default in parameters_of(row).items():
            if parameter in arguments and default is not None and arguments[parameter].default is not None:
                assert arguments[parameter].default == pytest.approx(default), (name, parameter)
        assert all(key in arguments for key in chosen), name


# --- what is converted goes wherever a loss goes -----


SOFT = "scipy.optimize.least_squares(loss='soft_l1')"
X, T = np.array([1.5, -2.0, 0.25]), np.array([0.0, 1.0, 0.25])
EXPECTED = 2 * 4 * (np.sqrt(1 + ((X - T) / 2) ** 2) - 1)
SLOPES = 2 * (X - T) / np.sqrt(1 + ((X - T) / 2) ** 2)


def test_a_converted_loss_goes_wherever_a_loss_goes() -> None:
    import polars as pl

    soft = convert(SOFT, f_scale=2.0)
    assert soft(X, T) == pytest.approx(EXPECTED.mean())
    x = torch.tensor(X, requires_grad=True)
    soft(x, torch.tensor(T), reduction="sum").backward()
    np.testing.assert_allclose(x.grad.numpy(), SLOPES)
    _, gradient = normwise.value_and_grad(soft)(X, T, reduction="sum")
    np.testing.assert_allclose(gradient, SLOPES)
    accumulator = normwise.Accumulator(soft)
    accumulator.update(X, T)
    assert accumulator.compute() == pytest.approx(EXPECTED.mean())
    evaluation = normwise.evaluate(pl.DataFrame({"x": X, "t": T}), target="t", prediction="x", losses=[soft])
    assert evaluation.overall.scores[0].value == pytest.approx(EXPECTED.mean())


def test_its_parameters_may_still_be_given_and_its_factor_shows() -> None:
    soft = convert(SOFT, f_scale=2.0)
    assert soft(X, T, delta=1.0) == pytest.approx(2 * np.mean(np.sqrt(1 + (X - T) ** 2) - 1))
    assert "pseudo_huber(r, delta=2.0)" in repr(soft.loss)
    assert re.search(r"return 2 \* ", repr(soft.loss))
    assert convert("torch.nn.HuberLoss").loss.written == losses["huber"].written
    with pytest.raises(InputError, match="delta"):
        soft(X, T, delta=-1.0)


def test_a_factor_comes_after_a_mean_that_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    from normwise.catalogue.peers import given
    from normwise.explanation import convert as conversion

    percent = Peer("rmse", ("somewhere.percent",), lambda: given(100))
    monkeypatch.setattr(conversion, "PEERS", (*PEERS, percent))
    monkeypatch.setitem(conversion.LIBRARIES, "somewhere", "somewhere")
    assert convert("somewhere.percent")(X, T) == pytest.approx(100 * math.sqrt(np.mean((X - T) ** 2)))


class Renamed(torch.nn.HuberLoss):
    """A subclass that computes the same."""


class Doubled(torch.nn.HuberLoss):
    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input, target)


def objects() -> dict[str, tuple[Any, Any]]:
    """Objects of the libraries that are installed, with what their own calls answer."""
    x, t = torch.tensor(X), torch.tensor(T)
    huber = torch.nn.HuberLoss(delta=0.7)
    found: dict[str, tuple[Any, Any]] = {
        "module": (huber, huber(x, t)),
        "subclass": (Renamed(delta=0.7), huber(x, t)),
        "class": (torch.nn.SmoothL1Loss, torch.nn.SmoothL1Loss()(x, t)),
        "function": (torch.nn.functional.l1_loss, torch.nn.functional.l1_loss(x, t)),
    }
    for path, given, ask in (
        ("keras.losses.Huber", {"delta": 0.7}, lambda each: each(T, X)),
        ("keras.losses.huber", None, lambda each: each(T, X)),
        ("statsmodels.robust.norms.Hampel", {"a": 0.5, "b": 1.0, "c": 1.5}, lambda each: each.rho(X - T).mean()),
        ("torchmetrics.MeanSquaredError", {"squared": False}, lambda each: each(x, t)),
        ("torchmetrics.MeanSquaredError", {}, lambda each: each(x, t)),
        ("sklearn._loss.PinballLoss", {"quantile": 0.3}, lambda each: each(T, X)),
        ("sklearn.metrics.mean_pinball_loss", None, lambda each: each(T, X)),
        ("optax.huber_loss", None, lambda each: each(np.float32(X), np.float32(T)).mean()),
    ):
        if importlib.util.find_spec(path.partition(".")[0]):
            each = loaded(path) if given is None else loaded(path)(**given)
            found[f"{path}, {given}"] = (each, ask(each))
    if importlib.util.find_spec("statsmodels"):
        norms = loaded("statsmodels.robust.norms.HuberT"), loaded("statsmodels.robust.norms.LeastSquares")
        quantile = loaded("statsmodels.robust.norms.MQuantileNorm")
        for base in (norms[0](0.6), norms[1]()):
            found[f"quantile of {base}"] = (quantile(0.3, base), quantile(0.3, base).rho(T - X).mean())
    return found


@pytest.mark.filterwarnings("ignore")
def test_an_object_is_converted_with_the_parameters_that_it_holds() -> None:
    for name, (each, answer) in objects().items():
        assert float(convert(each)(strict.asarray(X), strict.asarray(T))) == pytest.approx(float(answer), 1e-5), name


def test_what_an_object_holds_may_be_overridden() -> None:
    assert convert(torch.nn.HuberLoss(delta=0.7), delta=0.4).loss.parameters == {"delta": 0.4}


def test_an_object_that_computes_something_else_is_refused() -> None:
    with pytest.raises(InputError, match=r"Doubled is a HuberLoss with a forward\(\) of its own"):
        convert(Doubled())
    with pytest.raises(InputError, match=r"CrossEntropyLoss is not in the table"):
        convert(torch.nn.CrossEntropyLoss())
    norms = pytest.importorskip("statsmodels.robust.norms")
    with pytest.raises(InputError, match=r"is converted as .*LeastSquares.* only"):
        convert(norms.MQuantileNorm(0.3, norms.TukeyBiweight()))


# --- names -----


@pytest.mark.parametrize(
    ("name", "given", "meant", "parameters"),
    [
        ("keras.losses.Huber", {}, "huber", {"delta": 1.0}),
        ("nn.HuberLoss", {}, "huber", {"delta": 1.0}),
        ("HuberLoss", {"library": "keras"}, "huber", {"delta": 1.0}),
        ("huber_loss", {"library": "scikit-learn"}, "huber", {"delta": 0.5}),
        ("Huber", {"library": "sklearn"}, "huber", {"delta": 0.5}),
        ("huber", {"library": "LightGBM"}, "huber", {"delta": 0.9}),
        ("huber", {"delta": 3.0}, "huber", {"delta": 3.0}),  # whoever calls it so means the same
        ("HuberT", {}, "huber", {"delta": 1.345}),
        ("L1Loss", {}, "l1", {}),
        ("mean_absolute_error", {}, "l1", {}),
        ("TukeyBiweight", {"c": 3.0}, "tukey", {"c": 3.0}),
        ("soft_l1", {}, "pseudo_huber", {"delta": 1.0}),
        ("scipy.optimize.least_squares", {"loss": "cauchy", "f_scale": 0.1}, "cauchy", {"c": 0.1}),
        ("reg:pseudohubererror", {}, "pseudo_huber", {"delta": 1.0}),
        ("basicsr.losses.CharbonnierLoss", {"eps": 1e-6}, "charbonnier", {"eps": 1e-3}),
    ],
)
def test_a_name_finds_its_loss(name: str, given: dict[str, Any], meant: str, parameters: dict[str, float]) -> None:
    found = convert(name, **given).loss
    assert found.name == meant
    assert found.parameters == pytest.approx(parameters)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("Huber", {}, "not the same in all libraries: choose 'torch.nn.HuberLoss' or 'keras.losses.Huber'"),
        ("mean_absolute_percentage_error", {}, "'keras.losses.MeanAbsolutePercentageError' or 'torchmetrics"),
        ("torch.nn.HubertLoss", {}, "there is no loss 'torch.nn.HubertLoss' .* did you mean torch.nn.HuberLoss"),
        ("Huberr", {}, "did you mean Huber"),
        ("TukeyBiweight", {"library": "torch"}, "there is no loss 'TukeyBiweight' of torch"),
        ("Huber", {"library": "kers"}, "there is no library 'kers' .* did you mean keras"),
        ("torch.nn.HuberLoss", {"detla": 1.0}, "has no parameter 'detla' here: did you mean delta"),
        ("torch.nn.L1Loss", {"delta": 1.0}, "has no parameter 'delta' here: it has none"),
        ("scipy.optimize.least_squares", {}, r"needs a choice: .*loss='linear'.* or .*loss='huber'"),
        ("scipy.optimize.least_squares", {"loss": "l1"}, "needs a choice"),
        ("robust_loss_pytorch.lossfun", {"alpha": 1.0}, "has no default for scale: give scale="),
        ("torch.nn.HuberLoss", {"delta": -1.0}, "Given delta=-1; expected a number in"),
    ],
)
def test_what_cannot_be_converted_is_refused(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        convert(name, **given)


def test_the_table_is_in_order() -> None:
    names = [name for row in PEERS for name in row.names]
    assert len(names) == len(set(names))
    order = [*LIBRARIES]
    for loss in losses:
        places = [order.index(row.library) for row in peers_of(loss)]
        assert places == sorted(places)
    assert {row.names[0] for row in peers_of("tukey")} == {"statsmodels.robust.norms.TukeyBiweight"}


# --- torch's modules -----


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.L1Loss(reduction="none"),
        torch.nn.MSELoss(reduction="sum"),
        torch.nn.SmoothL1Loss(beta=0.3),
        torch.nn.HuberLoss(reduction="sum", delta=0.3),
        torch.nn.GaussianNLLLoss(full=True, eps=0.1),
        torch.nn.PoissonNLLLoss(log_input=False, full=True, eps=0.1, reduction="sum"),
        Renamed(delta=0.4),
    ],
    ids=repr,
)
def test_a_module_of_torch_becomes_ours(module: torch.nn.Module) -> None:
    arrays = tensors(POSITIVE[0], TARGET, *([SPREAD] if isinstance(module, torch.nn.GaussianNLLLoss) else []))
    made = from_torch(module.eval())
    assert type(made).__module__ == "normwise.nn"
    assert not made.training
    assert {name: getattr(made, name) for name in type(made).__constants__} == {
        name: getattr(module, name) for name in type(made).__constants__
    }
    torch.testing.assert_close(made(*arrays), module(*arrays))
    again = from_torch(made)
    torch.testing.assert_close(again(*arrays), module(*arrays))


def test_a_module_that_computes_something_else_is_refused() -> None:
    with pytest.raises(InputError, match=r"forward\(\) of its own"):
        from_torch(Doubled())
    with pytest.raises(InputError, match="CrossEntropyLoss is not among torch's losses"):
        from_torch(torch.nn.CrossEntropyLoss())


def test_converting_loads_no_library() -> None:
    asked = "import sys, normwise; normwise.convert('keras.losses.Huber'); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert {"torch", "keras", "sklearn", "scipy", "plotext"} & set(told) == set()
