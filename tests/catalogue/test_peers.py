"""Every loss against each library that has it, with that library's factor."""

import importlib
import math
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import normwise
from normwise.engines import arrays as array_engine
from tests.samples import Array

os.environ.setdefault("KERAS_BACKEND", "torch")

Compute = Callable[[Array, Array], Any]
SINGLE = ("keras", "optax")
"""They compute in float32 unless the whole process is told otherwise."""


def values(name: str, x: Array, t: Array, *further: Array, order: int = 0, **parameters: float) -> Array:
    """Our loss, or a derivative of it in the prediction, for each element."""
    loss = normwise.losses[name]
    formula = loss.formula.derivative(*["x"] * order)
    return array_engine.elementwise(np, formula, [x, t, *further], {**loss.parameters, **parameters})[0]


class Peer(NamedTuple):
    """What a library computes of prediction and target: per element, or its mean; a factor times ours."""

    loss: str
    library: str
    compute: Compute
    parameters: Mapping[str, float] = MappingProxyType({})
    factor: float = 1.0
    data: str = "any"

    def __str__(self) -> str:
        return f"{self.loss}-{self.library}"


def keras(name: str, **parameters: Any) -> Compute:
    def compute(x: Array, t: Array) -> Any:
        losses = importlib.import_module("keras").losses
        return getattr(losses, name)(torch.tensor(t)[:, None], torch.tensor(x)[:, None], **parameters).numpy()

    return compute


def optax(name: str, **parameters: Any) -> Compute:
    def compute(x: Array, t: Array) -> Any:
        return np.asarray(getattr(importlib.import_module("optax"), name)(np.float32(x), np.float32(t), **parameters))

    return compute


def torchmetrics(name: str, **parameters: Any) -> Compute:
    def compute(x: Array, t: Array) -> Any:
        functional = importlib.import_module("torchmetrics.functional")
        return getattr(functional, name)(torch.tensor(x), torch.tensor(t), **parameters).item()

    return compute


def sklearn(name: str, **parameters: Any) -> Compute:
    return lambda x, t: getattr(importlib.import_module("sklearn.metrics"), name)(t, x, **parameters)


def sklearn_loss(name: str, constant: Callable[[Array], Any] | None = None, **parameters: Any) -> Compute:
    """One of sklearn._loss, with the part that depends on the target alone, which it leaves out, added."""

    def compute(x: Array, t: Array) -> Any:
        loss = getattr(importlib.import_module("sklearn._loss.loss"), name)(**parameters)
        return loss.loss(t, x) + (0.0 if constant is None else constant(t))

    return compute


def statsmodels(name: str, **parameters: Any) -> Compute:
    return lambda x, t: getattr(importlib.import_module("statsmodels.robust.norms"), name)(**parameters).rho(x - t)


def scipy(name: str, c: float) -> Compute:
    """The rho of `scipy.optimize.least_squares`, of which it minimises half the sum."""

    def compute(x: Array, t: Array) -> Any:
        implemented = importlib.import_module("scipy.optimize._lsq.least_squares").IMPLEMENTED_LOSSES
        rho = np.empty((3, x.size))
        implemented[name](((x - t) / c) ** 2, rho, False)
        return c**2 * rho[0]

    return compute


def scipy_special(name: str, *parameters: float) -> Compute:
    return lambda x, t: getattr(importlib.import_module("scipy.special"), name)(*parameters, x - t)


def of_torch(name: str, **parameters: Any) -> Compute:
    def compute(x: Array, t: Array) -> Any:
        function = getattr(torch.nn.functional, name)
        return function(torch.tensor(x), torch.tensor(t), reduction="none", **parameters).numpy()

    return compute


def tweedie(p: float) -> Compute:
    return sklearn("mean_tweedie_deviance", power=p)


PEERS = [
    Peer("l1", "torch", of_torch("l1_loss")),
    Peer("l1", "keras", keras("mean_absolute_error")),
    Peer("l1", "torchmetrics", torchmetrics("mean_absolute_error")),
    Peer("l1", "sklearn", sklearn("mean_absolute_error")),
    Peer("l1", "sklearn._loss", sklearn_loss("AbsoluteError")),
    Peer("mse", "torch", of_torch("mse_loss")),
    Peer("mse", "keras", keras("mean_squared_error")),
    Peer("mse", "optax", optax("squared_error")),
    Peer("mse", "torchmetrics", torchmetrics("mean_squared_error")),
    Peer("mse", "sklearn", sklearn("mean_squared_error")),
    Peer("half_mse", "optax", optax("l2_loss")),
    Peer("half_mse", "sklearn._loss", sklearn_loss("HalfSquaredError")),
    Peer("half_mse", "statsmodels", statsmodels("LeastSquares")),
    Peer("smooth_l1", "torch", of_torch("smooth_l1_loss", beta=0.7), {"beta": 0.7}),
    Peer("huber", "torch", of_torch("huber_loss", delta=0.7), {"delta": 0.7}),
    Peer("huber", "keras", keras("huber", delta=0.7), {"delta": 0.7}),
    Peer("huber", "optax", optax("huber_loss", delta=0.7), {"delta": 0.7}),
    Peer("huber", "sklearn._loss", sklearn_loss("HuberLoss", delta=0.7), {"delta": 0.7}),
    Peer("huber", "scipy.special", scipy_special("huber", 0.7), {"delta": 0.7}),
    Peer("huber", "scipy", scipy("huber", 0.7), {"delta": 0.7}, 2),
    Peer("huber", "statsmodels", statsmodels("HuberT", t=0.7), {"delta": 0.7}),
    Peer("pseudo_huber", "scipy.special", scipy_special("pseudo_huber", 0.7), {"delta": 0.7}),
    Peer("pseudo_huber", "scipy", scipy("soft_l1", 0.7), {"delta": 0.7}, 2),
    Peer("log_cosh", "keras", keras("log_cosh")),
    Peer("log_cosh", "optax", optax("log_cosh")),
    Peer("log_cosh", "torchmetrics", torchmetrics("log_cosh_error")),
    Peer("cauchy", "scipy", scipy("cauchy", 0.7), {"c": 0.7}, 2),
    Peer("cauchy", "statsmodels", statsmodels("StudentT", c=0.7, df=4), {"c": 1.4}),
    Peer("arctan", "scipy", scipy("arctan", 0.7), {"c": 0.7}),
    Peer("tukey", "statsmodels", statsmodels("TukeyBiweight")),
    Peer("andrews", "statsmodels", statsmodels("AndrewWave")),
    Peer("hampel", "statsmodels", statsmodels("Hampel")),
    Peer("hampel", "statsmodels", statsmodels("Hampel", a=0.5, b=1.0, c=2.5), {"a": 0.5, "b": 1.0, "c": 2.5}),
    Peer("ramsay", "statsmodels", statsmodels("RamsayE")),
    Peer("trimmed_mean", "statsmodels", statsmodels("TrimmedMean")),
    Peer("quantile", "sklearn", sklearn("mean_pinball_loss", alpha=0.3), {"q": 0.3}),
    Peer("quantile", "sklearn._loss", sklearn_loss("PinballLoss", quantile=0.3), {"q": 0.3}),
    Peer("absolute_percentage", "keras", keras("mean_absolute_percentage_error"), {"eps": 1e-7}, 100),
    Peer("absolute_percentage", "torchmetrics", torchmetrics("mean_absolute_percentage_error")),
    Peer("absolute_percentage", "sklearn", sklearn("mean_absolute_percentage_error"), {"eps": 2.0**-52}),
    Peer("symmetric_percentage", "torchmetrics", torchmetrics("symmetric_mean_absolute_percentage_error")),
    Peer("msle", "keras", keras("mean_squared_logarithmic_error"), data="positive"),
    Peer("msle", "torchmetrics", torchmetrics("mean_squared_log_error"), data="positive"),
    Peer("msle", "sklearn", sklearn("mean_squared_log_error"), data="positive"),
    Peer("poisson_nll", "torch", of_torch("poisson_nll_loss"), data="counts"),
    Peer("poisson_nll", "torch", of_torch("poisson_nll_loss", full=True), {"full": True}, data="counts"),
    Peer("poisson_nll", "torch", of_torch("poisson_nll_loss", log_input=False), {"log_input": False}, data="positive"),
    Peer("poisson_nll", "keras", keras("poisson"), {"log_input": False, "eps": 1e-7}, data="positive"),
    Peer("poisson_nll", "sklearn._loss", sklearn_loss("HalfPoissonLoss"), data="counts"),
    Peer("poisson_deviance", "sklearn", sklearn("mean_poisson_deviance"), data="positive"),
    Peer(
        "poisson_deviance",
        "sklearn._loss",
        sklearn_loss("HalfPoissonLoss", lambda t: t * np.log(np.where(t > 0, t, 1)) - t),
        {"log_input": True},
        0.5,
        data="counts",
    ),
    Peer("gamma_deviance", "sklearn", sklearn("mean_gamma_deviance"), data="positive"),
    Peer(
        "gamma_deviance",
        "sklearn._loss",
        sklearn_loss("HalfGammaLoss", lambda t: -np.log(t) - 1),
        {"log_input": True},
        0.5,
        data="log",
    ),
    *(Peer("tweedie_deviance", f"sklearn:{p}", tweedie(p), {"p": p}, data="positive") for p in (1, 1.5, 2, 2.7, 3)),
    *(Peer("tweedie_deviance", f"sklearn:{p}", tweedie(p), {"p": p}, data="positive mean") for p in (-1.5, -1, 0)),
    Peer("tweedie_deviance", "torchmetrics", torchmetrics("tweedie_deviance_score", power=1.5), data="positive"),
    Peer(
        "tweedie_deviance",
        "sklearn._loss",
        sklearn_loss("HalfTweedieLoss", lambda t: t**0.5 / (-0.5 * 0.5), power=1.5),
        {"log_input": True},
        0.5,
        data="log",
    ),
]


def data(kind: str, rng: np.random.Generator) -> tuple[Array, Array]:
    x, t = rng.normal(size=(2, 200)) * 2
    positive = np.exp(x), np.exp(t)
    return {
        "any": (x, t),
        "positive": positive,
        "positive mean": (positive[0], t),
        "counts": (x, np.floor(positive[1])),
        "log": (x, positive[1]),
    }[kind]


@pytest.mark.parametrize("peer", PEERS, ids=str)
def test_a_loss_is_that_of_its_peers(peer: Peer, rng: np.random.Generator) -> None:
    x, t = data(peer.data, rng)
    theirs = np.asarray(peer.compute(x, t), np.float64)
    ours = peer.factor * values(peer.loss, x, t, **peer.parameters)
    tolerance = 1e-5 if peer.library in SINGLE else 1e-12
    np.testing.assert_allclose(
        ours if theirs.size > 1 else ours.mean(), theirs.squeeze(), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    ("name", "norm", "parameters"),
    [
        ("half_mse", "LeastSquares", {}),
        ("huber", "HuberT", {"delta": 1.345}),
        ("tukey", "TukeyBiweight", {}),
        ("andrews", "AndrewWave", {}),
        ("hampel", "Hampel", {}),
        ("ramsay", "RamsayE", {}),
        ("trimmed_mean", "TrimmedMean", {}),
    ],
)
def test_slopes_curvatures_and_weights_are_statsmodels(
    name: str, norm: str, parameters: dict[str, float], rng: np.random.Generator
) -> None:
    theirs = getattr(importlib.import_module("statsmodels.robust.norms"), norm)()
    r = rng.normal(size=300) * 3
    slope = values(name, r, 0 * r, order=1, **parameters)
    np.testing.assert_allclose(slope, theirs.psi(r), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(slope / r, theirs.weights(r), rtol=1e-12, atol=1e-13)
    curvature = values(name, r, 0 * r, order=2, **parameters)
    np.testing.assert_allclose(curvature, theirs.psi_deriv(r), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("eps", [1e-6, 0.5])
def test_the_gaussian_likelihood_is_torchs_with_its_gradients(full: bool, eps: float, rng: np.random.Generator) -> None:
    """Of a variance below eps too: torch clamps it without masking its gradient."""
    given = [torch.tensor(array) for array in (*rng.normal(size=(2, 60)), rng.uniform(0.0, 2.0, 60))]
    given[2][:5] = 0.0
    results = []
    for function in (normwise.gaussian_nll_loss, torch.nn.functional.gaussian_nll_loss):
        leaves = [tensor.clone().requires_grad_() for tensor in given]
        value = function(*leaves, full=full, eps=eps)
        results.append([value.detach(), *torch.autograd.grad(value, leaves)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("name", "distribution", "of"),
    [
        ("laplace_nll", "laplace", lambda scale, df: {}),
        ("student_t_nll", "t", lambda scale, df: {"df": df}),
        ("gaussian_nll", "norm", lambda scale, df: {}),
    ],
)
@pytest.mark.parametrize("df", [0.01, 0.7, 3.0, 25.0, 1e6])
def test_likelihoods_are_scipys_densities(
    name: str, distribution: str, of: Callable[..., dict[str, float]], df: float, rng: np.random.Generator
) -> None:
    density = getattr(importlib.import_module("scipy.stats"), distribution)
    x, t = rng.normal(size=(2, 50)) * 3
    scale = rng.uniform(0.1, 4.0, 50)
    given = {"full": True} if name == "gaussian_nll" else of(scale, df)
    further = scale**2 if name == "gaussian_nll" else scale
    ours = values(name, x, t, further, **given)
    np.testing.assert_allclose(ours, -density.logpdf(t, **of(scale, df), loc=x, scale=scale), rtol=1e-10, atol=1e-10)


def test_the_scaled_error_is_that_of_forecasters() -> None:
    """The example of Hyndman and Koehler's formula: the mean error in units of that of a naive forecast."""
    history, t, x = np.array([3.0, 5.0, 4.0, 8.0]), np.array([7.0, 9.0]), np.array([8.0, 8.5])
    naive = np.abs(np.diff(history)).mean()
    assert normwise.mase_loss(x, t, naive) == pytest.approx((1.0 + 0.5) / 2 / naive)


def test_limits_of_barrons_loss_are_the_losses_that_he_names(rng: np.random.Generator) -> None:
    r = rng.normal(size=200) * 5

    def barron(alpha: float) -> Array:
        return values("barron", r, 0 * r, alpha=alpha, c=1.5)

    for alpha, expected in {
        2.0: values("half_mse", r, 0 * r) / 1.5**2,
        1.0: values("pseudo_huber", r, 0 * r, delta=1.5) / 1.5**2,
        0.0: values("cauchy", r, 0 * r, c=1.5 * math.sqrt(2)) / 1.5**2,
        -2.0: values("geman_mcclure", r, 0 * r, c=1.5),
        -math.inf: values("welsch", r, 0 * r, c=1.5),
    }.items():
        np.testing.assert_allclose(barron(alpha), expected, rtol=1e-13)
