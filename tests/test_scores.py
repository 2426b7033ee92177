"""The scores against scikit-learn, torchmetrics and the formulas of the books, of every kind of array."""

import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics

import normwise
from normwise import scores
from normwise.errors import DimensionError, InputError, ShapeMismatchError
from tests.faces import FACES, agree

NAN, INF = float("nan"), float("inf")
rng = np.random.default_rng(23)
N = 60
T = rng.gamma(3.0, size=(N, 3)) + 0.1
X = T * rng.uniform(0.5, 1.6, size=(N, 3))
W = rng.uniform(0.1, 2.0, size=(N, 1))

Score = Callable[..., Any]
SKLEARN: Mapping[str, tuple[Score, Score]] = {
    "r2": (scores.r2_score, metrics.r2_score),
    "explained variance": (scores.explained_variance, metrics.explained_variance_score),
    "median": (scores.median_absolute_error, metrics.median_absolute_error),
    "d2 of mse": (scores.d2_score, metrics.r2_score),
    "d2 of l1": (lambda *a, **k: scores.d2_score(*a, "l1", **k), metrics.d2_absolute_error_score),
    **{
        f"d2 of quantile {q}": (
            lambda *a, q=q, **k: scores.d2_score(*a, "quantile", q=q, **k),
            lambda *a, q=q, **k: metrics.d2_pinball_score(*a, alpha=q, **k),
        )
        for q in (0.0, 0.25, 0.9, 1.0)
    },
    **{
        f"d2 of tweedie {p}": (
            lambda *a, p=p, **k: scores.d2_score(*a, "tweedie_deviance", p=p, **k),
            lambda *a, p=p, **k: metrics.d2_tweedie_score(*a, power=p, **k),
        )
        for p in (0.0, 1.0, 1.5, 2.0, 3.0)
    },
}
"""Ours, which takes the input first, and scikit-learn's, which takes it last."""
TWEEDIE = [name for name in SKLEARN if "tweedie" in name]
SIZES = ("mean", "range", "std", "l2")
EVERY: Mapping[str, Score] = {
    **{name: SKLEARN[name][0] for name in ("r2", "explained variance", "median", "d2 of quantile 0.9")},
    "max": scores.max_error,
    "concordance": scores.concordance,
    "unbiased concordance": lambda *a, **k: scores.concordance(*a, correction=1, **k),
    **{f"nrmse by {s}": lambda *a, s=s, **k: scores.nrmse(*a, s, **k) for s in ("mean", "range")},
}
ALL: Mapping[str, Score] = {**EVERY, "d2 of huber": lambda *a, **k: scores.d2_score(*a, "huber", delta=0.5, **k)}
"""Also where the constant is sought, which is for all dimensions at once."""

# array_api_strict has no way to silence NumPy beneath it.
silenced = pytest.mark.filterwarnings("ignore:(invalid value|divide by zero|overflow) encountered:RuntimeWarning")
every_face = pytest.mark.parametrize("face", ["torch", "numpy", pytest.param("strict", marks=silenced)])


def test_every_score_is_here() -> None:
    functions = {n for n, f in vars(scores).items() if callable(f) and getattr(f, "__module__", "") == scores.__name__}
    public = {name for name in functions if not name.startswith("_")} - {"difference", "seasonal_scale"}
    named = {"r2_score", "d2_score", "explained_variance", "max_error", "median_absolute_error", "concordance", "nrmse"}
    assert public == named


def of(face: str, *arrays: np.ndarray) -> list[Any]:
    return [FACES[face](torch.from_numpy(array.copy())) for array in arrays]


def number(found: Any) -> float:
    assert tuple(found.shape) == ()
    assert "float64" in str(found.dtype)
    return float(found)


@every_face
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "offset"),
    # Far from zero scikit-learn's deviances lose all digits.
    [(name, offset) for name in SKLEARN for offset in (0.0, 1e8) if not (offset and name in TWEEDIE)],
)
def test_scores_are_those_of_scikit_learn(name: str, offset: float, weighted: bool, face: str) -> None:
    ours, theirs = SKLEARN[name]
    x, t, w = X[:, 0] + offset, T[:, 0] + offset, W[:, 0]
    input, target, weight = of(face, x, t, w)
    found = ours(input, target, weight=weight) if weighted else ours(input, target)
    assert number(found) == pytest.approx(theirs(t, x, **({"sample_weight": w} if weighted else {})), rel=1e-9)


@every_face
def test_the_greatest_error_is_scikit_learns(face: str) -> None:
    input, target, weight = of(face, X[:, 0], T[:, 0], W[:, 0])
    expected = metrics.max_error(T[:, 0], X[:, 0])
    assert number(scores.max_error(input, target)) == expected
    assert number(scores.max_error(input, target, weight=weight)) == expected


@every_face
@pytest.mark.parametrize("name", [name for name in SKLEARN if name not in TWEEDIE])
def test_a_score_for_each_column_is_scikit_learns_raw_one(name: str, face: str) -> None:
    ours, theirs = SKLEARN[name]
    input, target, weight = of(face, X, T, W)
    expected = theirs(T, X, sample_weight=W[:, 0], multioutput="raw_values")
    agree(ours(input, target, weight=weight, dim=0), torch.from_numpy(expected))


@every_face
@pytest.mark.parametrize("name", ["r2", "median", "d2 of quantile 0.9", "unbiased concordance", "nrmse by mean"])
@pytest.mark.parametrize("dim", [(2, 0), -2])
def test_dimensions_are_reduced_wherever_they_are(name: str, dim: Any, face: str) -> None:
    x, t, w = (a.reshape(5, 12, -1)[:3] for a in (X, T, np.broadcast_to(W, X.shape).copy()))
    input, target, weight = of(face, x, t, w)
    dims = {d % 3 for d in (dim if isinstance(dim, tuple) else (dim,))}
    left = [d for d in range(3) if d not in dims]
    lines = [np.transpose(a, (*left, *dims)).reshape(-1, math.prod(a.shape[d] for d in dims)) for a in (x, t, w)]
    expected = [float(EVERY[name](a, b, weight=c)) for a, b, c in zip(*lines, strict=True)]
    found = EVERY[name](input, target, weight=weight, dim=dim)
    agree(found, torch.tensor(expected, dtype=torch.float64).reshape([x.shape[d] for d in left]))


def test_scores_are_those_of_torchmetrics() -> None:
    theirs = pytest.importorskip("torchmetrics.functional.regression")
    x, t = torch.from_numpy(X[:, 0]), torch.from_numpy(T[:, 0])
    agree(scores.concordance(x, t, correction=1), theirs.concordance_corrcoef(x, t)[0])
    agree(scores.r2_score(x, t), theirs.r2_score(x, t))
    agree(scores.explained_variance(x, t), theirs.explained_variance(x, t))
    for size in SIZES:
        expected = theirs.normalized_root_mean_squared_error(x, t, normalization=size)
        agree(scores.nrmse(x, t, size), expected)


def test_the_sizes_are_weighted() -> None:
    x, t, w = X[:, 0], T[:, 0], W[:, 0]
    error = metrics.root_mean_squared_error(t, x, sample_weight=w)
    std = math.sqrt(np.average((t - np.average(t, weights=w)) ** 2, weights=w))
    sizes = {"mean": np.average(t, weights=w), "range": np.ptp(t), "std": std, "l2": math.sqrt(float(w @ t**2))}
    for size, expected in sizes.items():
        assert number(scores.nrmse(x, t, size, weight=w)) == pytest.approx(error / expected, rel=1e-12), size


@pytest.mark.parametrize("correction", [0, 1])
def test_the_concordance_is_lins_formula(correction: int) -> None:
    x, t = X[:, 0], T[:, 0]
    cov = np.cov(x, t, ddof=correction)
    expected = 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (x.mean() - t.mean()) ** 2)
    assert number(scores.concordance(x, t, correction=correction)) == pytest.approx(expected, rel=1e-12)
    opposite = number(scores.concordance(t.mean() - (t - t.mean()), t, correction=correction))
    assert opposite == pytest.approx(-1, rel=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_weight_of_three_is_an_element_three_times(name: str) -> None:
    times = np.arange(N) % 4
    x, t = X[:, 0], T[:, 0]
    repeated = ALL[name](np.repeat(x, times), np.repeat(t, times))
    assert number(ALL[name](x, t, weight=times.astype(float))) == pytest.approx(float(repeated), rel=1e-9)
    assert number(ALL[name](x, t)) != pytest.approx(float(repeated), rel=1e-6) or name in ("max", "nrmse by range")


@every_face
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("way", ["mask", "omit", "both"])
def test_what_is_dropped_does_not_exist(name: str, way: str, face: str) -> None:
    x, t, w = X[:, 0].copy(), T[:, 0].copy(), W[:, 0]
    masked, missing = np.zeros(N, dtype=bool), np.zeros(N, dtype=bool)
    options: dict[str, Any] = {}
    if way != "omit":
        masked[:9:2] = True
        x[masked], t[masked] = [NAN, INF, -INF, 1e300, NAN], [INF, NAN, 1e300, -INF, NAN]
        [options["mask"]] = of(face, ~masked)
    if way != "mask":
        missing[20:24] = True
        t[missing], x[missing] = NAN, [NAN, INF, 1e300, 0.0]
        options["nan_policy"] = "omit"
    kept = ~(masked | missing)
    input, target, weight = of(face, x, t, w)
    expected = ALL[name](x[kept], t[kept], weight=w[kept])
    assert number(ALL[name](input, target, weight=weight, **options)) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("where", ["input", "target"])
def test_a_nan_shows(name: str, where: str) -> None:
    x, t, w = X[:, 0].copy(), T[:, 0].copy(), W[:, 0]
    {"input": x, "target": t}[where][3] = NAN
    if where == "input":
        assert math.isnan(number(ALL[name](x, t, weight=w, nan_policy="omit")))
    assert math.isnan(number(ALL[name](x, t, weight=w)))
    with pytest.raises(InputError, match=f"{where} holds 1 nan"):
        ALL[name](x, t, weight=w, nan_policy="raise")


@pytest.mark.parametrize("name", ["r2", "explained variance", "concordance", "d2 of quantile 0.9", "d2 of huber"])
@pytest.mark.parametrize("offset", [1e8, -3e9])
def test_data_far_from_zero_lose_no_digits(name: str, offset: float) -> None:
    t = np.round(T[:, 0] * 64) / 64  # so that the offset is added without rounding
    for size in (16, 1):
        x = t + np.round(rng.normal(size=N) * size) / 64
        near, far = number(ALL[name](x, t)), number(ALL[name](x + offset, t + offset))
        assert far == pytest.approx(near, rel=1e-12)
        assert 1 - far == pytest.approx(1 - near, rel=1e-9)


@every_face
@pytest.mark.parametrize("name", ALL)
def test_single_precision_is_computed_in_double(name: str, face: str) -> None:
    x, t, w = ((a[:, 0] + b).astype(np.float32) for a, b in ((X, 1000), (T, 1000), (W, 0)))
    input, target, weight = of(face, x, t, w)
    expected = ALL[name](x.astype(float), t.astype(float), weight=w.astype(float))
    assert number(ALL[name](input, target, weight=weight)) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_integers_are_numbers(name: str) -> None:
    x, t = np.array([4, 1, 7, 3, 3]), np.array([3, 1, 9, 2, 4])
    assert number(ALL[name](x, t)) == float(ALL[name](x.astype(float), t.astype(float)))


FRACTIONS = [name for name in ALL if "nrmse" not in name and name not in ("median", "max")]


@every_face
@pytest.mark.parametrize("name", [name for name in FRACTIONS if "unbiased" not in name])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("value", [0.1, 1e8 / 3])
def test_constant_targets_are_explained_or_not(name: str, value: float, weighted: bool, face: str) -> None:
    t = np.full(10, value)
    wrong, target, weight = of(face, t * np.linspace(0.9, 1.3, 10), t, W[:10, 0])
    given = {"weight": weight} if weighted else {}
    assert number(ALL[name](target, target, **given)) == 1
    assert number(ALL[name](wrong, target, **given)) == pytest.approx(0, abs=1e-12 if "concordance" in name else 0)


def test_constant_targets_are_as_in_scikit_learn() -> None:
    t = np.full(8, 2.0)
    for name in FRACTIONS:
        if name in SKLEARN and name not in TWEEDIE:
            ours, theirs = SKLEARN[name]
            for x in (t, X[:8, 0]):
                assert float(ours(x, t)) == theirs(t, x), name


@every_face
@pytest.mark.parametrize("name", ALL)
def test_nothing_has_no_score(name: str, face: str) -> None:
    empty, some, weight, none = of(face, np.zeros(0), X[:, 0], W[:, 0], np.zeros(N))
    [mask] = of(face, np.zeros(N, dtype=bool))
    assert math.isnan(number(ALL[name](empty, empty)))
    assert math.isnan(number(ALL[name](some, some, weight=weight, mask=mask)))
    assert math.isnan(number(ALL[name](some, some, weight=none)))


def best(t: np.ndarray, loss: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """The least mean loss of a constant, by brute force."""
    c = np.linspace(t.min(), t.max(), 20001)
    for _ in range(3):
        means = [float(loss(one, t).mean()) for one in c]
        at = int(np.argmin(means))
        c = np.linspace(c[max(at - 1, 0)], c[min(at + 1, len(c) - 1)], 101)
    return min(means)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_the_best_constant_is_sought_on_any_loss(offset: float) -> None:
    x, t = X[:, 0] + offset, T[:, 0] + offset
    constant = stats.expectile(T[:, 0], alpha=0.8) + offset
    lost, least = (normwise.expectile_loss(a, t, q=0.8) for a in (x, np.full(N, constant)))
    assert number(scores.d2_score(x, t, "expectile", q=0.8)) == pytest.approx(1 - lost / least, rel=1e-9)
    own = normwise.loss("abs(r)**k", k=1.5)
    expected = 1 - np.mean(np.abs(x - t) ** 1.25) / best(t, lambda c, t: np.abs(c - t) ** 1.25)
    assert number(scores.d2_score(x, t, own, k=1.25)) == pytest.approx(expected, rel=1e-7)


def test_the_best_constant_is_known_in_closed_form() -> None:
    x, t = X[:, 0], T[:, 0]
    constants = {
        "msle": np.expm1(np.log1p(t).mean()),
        "rmsle": np.expm1(np.log1p(t).mean()),
        "linex": -np.log(np.mean(np.exp(-t))),
        "rmse": t.mean(),
    }
    for name, constant in constants.items():
        loss = getattr(normwise, f"{name}_loss")
        expected = 1 - loss(x, t) / loss(np.full(N, constant), t)
        assert number(scores.d2_score(x, t, name)) == pytest.approx(expected, rel=1e-9), name


def test_the_best_of_several_minima_is_found() -> None:
    t = np.concatenate([rng.normal(0, 0.1, 40), rng.normal(5, 0.1, 60), rng.normal(1e5, 1, 3)])
    x = t + rng.normal(0, 0.05, len(t))
    welsch = normwise.welsch_loss
    least = best(t[t < 10], lambda c, u: np.asarray(welsch(np.full_like(t, c), t, c=0.2)))
    expected = 1 - float(welsch(x, t, c=0.2)) / least
    assert number(scores.d2_score(x, t, "welsch", c=0.2)) == pytest.approx(expected, rel=1e-6)


@every_face
def test_an_array_beside_weighs_the_constant(face: str) -> None:
    input, target, scale = of(face, X[:, 0], T[:, 0], W[:, 0])
    expected = metrics.d2_absolute_error_score(T[:, 0], X[:, 0], sample_weight=1 / W[:, 0])
    assert number(scores.d2_score(input, target, "mase", scale=scale)) == pytest.approx(expected, rel=1e-7)
    plain = metrics.d2_absolute_error_score(T[:, 0], X[:, 0])
    assert number(scores.d2_score(input, target, "mase", scale=2.0)) == pytest.approx(plain, rel=1e-12)


def test_a_logarithm_is_compared_with_the_logarithm_of_the_mean() -> None:
    x, t, w = X[:, 0], T[:, 0], W[:, 0]
    expected = metrics.d2_tweedie_score(t, x, power=1.5, sample_weight=w)
    found = scores.d2_score(np.log(x), t, "tweedie_deviance", weight=w, log_input=True)
    assert number(found) == pytest.approx(expected, rel=1e-9)


def test_a_loss_may_be_given_in_any_way() -> None:
    x, t = X[:, 0], T[:, 0]
    expected = number(scores.d2_score(x, t, "l1"))
    assert number(scores.d2_score(x, t, normwise.losses["l1"])) == expected
    assert number(scores.d2_score(x, t, normwise.l1_loss)) == expected
    assert number(scores.d2_score(x, t, "abs(r)")) == pytest.approx(expected, rel=1e-7)


def test_a_single_target_is_constant() -> None:
    one = np.array([2.0])
    assert [number(scores.r2_score(x, one)) for x in (one, one + 1)] == [1, 0]


def mean(a: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return (w * a).sum() / w.sum()


def variance(a: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return mean((a - mean(a, w)) ** 2, w)


def covariance(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return mean((x - mean(x, w)) * (t - mean(t, w)), w)


EAGER: Mapping[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "r2": lambda x, t, w: 1 - mean((x - t) ** 2, w) / variance(t, w),
    "explained variance": lambda x, t, w: 1 - variance(x - t, w) / variance(t, w),
    "concordance": lambda x, t, w: (
        2 * covariance(x, t, w) / (variance(x, w) + variance(t, w) + (mean(x, w) - mean(t, w)) ** 2)
    ),
    "nrmse by mean": lambda x, t, w: mean((x - t) ** 2, w).sqrt() / mean(t, w),
    "nrmse by std": lambda x, t, w: (mean((x - t) ** 2, w) / variance(t, w)).sqrt(),
    "nrmse by range": lambda x, t, w: mean((x - t) ** 2, w).sqrt() / (t.max() - t.min()),
    "max": lambda x, t, w: (x - t).abs().max(),
}
"""As one writes them in torch."""


@pytest.mark.parametrize("name", EAGER)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_flow_to_input_target_and_weight(name: str, dtype: torch.dtype) -> None:
    ours = [torch.from_numpy(a[:, 0].copy()).to(dtype).requires_grad_() for a in (X, T, W)]
    theirs = [a.detach().double().requires_grad_() for a in ours]
    expected = EAGER[name](*theirs)
    score = EVERY.get(name, lambda *a, **k: scores.nrmse(*a, "std", **k))
    found = score(ours[0], ours[1], weight=ours[2])
    agree(found, expected)
    slopes = torch.autograd.grad(expected, theirs, materialize_grads=True)
    for gradient, slope in zip(torch.autograd.grad(found, ours, materialize_grads=True), slopes, strict=True):
        torch.testing.assert_close(
            gradient, slope.to(dtype), rtol=1e-6 if dtype is torch.float32 else 1e-10, atol=1e-12
        )


def test_gradients_flow_past_the_best_constant() -> None:
    x, t, w = (torch.from_numpy(a[:7, 0].copy()).requires_grad_() for a in (X, T, W))
    assert torch.autograd.gradcheck(lambda x, t, w: scores.d2_score(x, t, "r**4", weight=w), (x, t, w))


def test_the_gradient_is_finite_where_the_targets_are_constant() -> None:
    for x in (torch.ones(4), torch.arange(4.0)):
        input, target = x.double().requires_grad_(), torch.ones(4).double().requires_grad_()
        for score in (scores.r2_score, scores.explained_variance):
            for gradient in torch.autograd.grad(score(input, target), (input, target)):
                assert float(gradient.abs().max()) < 1e-12


def test_errors_say_what_is_wrong() -> None:
    x, t = X[:, 0], T[:, 0]
    for name, score in ALL.items():
        with pytest.raises(ShapeMismatchError, match="squeeze the input's last dimension"):
            score(x[:, None], t)
        with pytest.raises(InputError, match="60 of the weights are negative"):
            score(x, t, weight=-W[:, 0])
        with pytest.raises(ShapeMismatchError, match="mask is"):
            score(x, t, mask=np.ones(7, dtype=bool), nan_policy="omit")
        with pytest.raises(DimensionError, match="out of range"):
            score(x, t, dim=1)
        with pytest.raises(TypeError, match="expected an array for input, given a set"):
            score({1.0}, t[:1])
        np.testing.assert_array_equal(score(x.tolist(), tuple(t), weight=W[:, 0].tolist()), score(x, t, weight=W[:, 0]))
        assert name in ALL
    with pytest.raises(InputError, match="'mean', 'range', 'std', 'l2'"):
        scores.nrmse(x, t, "median")
    with pytest.raises(InputError, match="there is no loss 'hubber'"):
        scores.d2_score(x, t, "hubber")
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        scores.d2_score(x, t, "huber", c=1.0)
    with pytest.raises(InputError, match="leave dim out"):
        scores.d2_score(x, t, "huber", dim=0)


def test_scipy_is_missed_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert number(scores.d2_score(X[:, 0], T[:, 0], "l1")) < 1
    with pytest.raises(ModuleNotFoundError, match="the best constant of huber is sought by SciPy"):
        scores.d2_score(X[:, 0], T[:, 0], "huber")


def test_scores_load_neither_torch_nor_scipy() -> None:
    statement = (
        "import sys, numpy; from normwise import scores; scores.r2_score(numpy.ones(2), numpy.ones(2)); "
        "sys.exit(bool({'torch', 'scipy', 'sklearn'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", statement], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("season", [1, 4])
@pytest.mark.parametrize("face", FACES)
def test_the_seasonal_scale_is_the_naive_forecasts_error(season: int, face: str) -> None:
    series = torch.from_numpy(T.T.copy())
    expected = np.abs(T[season:] - T[:-season]).mean(0)
    agree(scores.seasonal_scale(FACES[face](series), season), torch.from_numpy(expected), rtol=1e-14, atol=0)
    agree(
        scores.seasonal_scale(FACES[face](series.T), season, dim=0, keepdim=True),
        torch.from_numpy(expected)[None],
        rtol=1e-14,
        atol=0,
    )


def test_a_missing_value_of_a_series_leaves_its_differences_out() -> None:
    series, mask = T[:, 0].copy(), np.ones(N, bool)
    series[7], mask[20] = NAN, False
    gaps = np.abs(series[4:] - series[:-4])
    gaps[[20 - 4, 20]] = NAN
    found = scores.seasonal_scale(series, 4, mask=mask, nan_policy="omit")
    assert float(found) == pytest.approx(np.nanmean(gaps), rel=1e-14)
    assert np.isnan(scores.seasonal_scale(series, 4))


def test_mase_is_the_books() -> None:
    """As sktime and GluonTS compute it: the mean absolute error by that of the seasonal naive forecast in training."""
    training, truth, forecast = T[:40], T[40:], X[40:]
    scale = scores.seasonal_scale(training, 7, dim=0, keepdim=True)
    naive = np.abs(training[7:] - training[:-7]).mean(0)
    expected = (np.abs(forecast - truth).mean(0) / naive).mean()
    assert float(normwise.mase_loss(forecast, truth, scale)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("season", [0, -1, 1.5, True, None])
def test_a_season_is_a_whole_number(season: Any) -> None:
    with pytest.raises(InputError, match="season is to be a whole number"):
        scores.seasonal_scale(T[:, 0], season)


def test_a_series_shorter_than_a_season_has_no_scale() -> None:
    assert np.isnan(scores.seasonal_scale(T[:3, 0], 3))
    assert np.isnan(scores.seasonal_scale(T[:2, 0], 3))
