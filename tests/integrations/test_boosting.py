"""Objectives and metrics in XGBoost and LightGBM, beside what these have of their own."""

import copy
import pickle
from typing import Any

import lightgbm
import numpy as np
import pytest
import torch
import xgboost
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import GridSearchCV

import normwise
from normwise.formula import log, sqrt
from normwise.integrations import lightgbm_metric, lightgbm_objective, xgboost_metric, xgboost_objective

X, Y = load_diabetes(return_X_y=True)
W = np.random.default_rng(0).uniform(0.5, 2.0, len(Y))
MEDIAN = float(np.median(Y))
XGBOOST = {"base_score": MEDIAN, "max_depth": 3, "learning_rate": 0.1, "nthread": 1}
LIGHTGBM = {
    "verbose": -1,
    "num_leaves": 7,
    "learning_rate": 0.1,
    "deterministic": True,
    "num_threads": 1,
    "boost_from_average": False,
}
ROUNDS = 10

Weight = Any
weights = pytest.mark.parametrize("weight", [None, W], ids=["alone", "weighted"])
makers = pytest.mark.parametrize("maker", [xgboost_objective, lightgbm_objective])


def by_xgboost(objective: Any, parameters: Any, weight: Weight = None, rounds: int = ROUNDS) -> xgboost.Booster:
    """A model with an objective of XGBoost's by name, or with one of ours."""
    data = xgboost.DMatrix(X, Y, weight=weight)
    if isinstance(objective, str):
        return xgboost.train({**XGBOOST, "objective": objective, **parameters}, data, rounds)
    return xgboost.train(XGBOOST, data, rounds, obj=objective)


def by_lightgbm(objective: Any, parameters: Any, weight: Weight = None, rounds: int = ROUNDS) -> lightgbm.Booster:
    data = lightgbm.Dataset(X, Y, weight=weight, init_score=np.full(len(Y), MEDIAN))
    return lightgbm.train({**LIGHTGBM, "objective": objective, **parameters}, data, rounds)


def splits(model: Any) -> list[Any]:
    """What each tree asks, node by node, but not what its leaves answer."""
    frame = model.trees_to_dataframe()
    if isinstance(model, xgboost.Booster):
        return frame.loc[frame["Feature"] != "Leaf", ["ID", "Feature", "Split"]].to_numpy().tolist()  # type: ignore[no-any-return]
    return frame.dropna(subset="split_feature")[["node_index", "split_feature", "threshold"]].to_numpy().tolist()  # type: ignore[no-any-return]


@weights
def test_half_the_squared_error_is_xgboosts_own(weight: Weight) -> None:
    theirs, ours = (
        by_xgboost("reg:squarederror", {}, weight),
        by_xgboost(xgboost_objective("mse", factor=0.5), {}, weight),
    )
    assert splits(ours) == splits(theirs)
    np.testing.assert_allclose(ours.predict(xgboost.DMatrix(X)), theirs.predict(xgboost.DMatrix(X)), rtol=1e-5)


@weights
def test_half_the_squared_error_is_lightgbms_own(weight: Weight) -> None:
    theirs, ours = by_lightgbm("l2", {}, weight), by_lightgbm(lightgbm_objective("mse", factor=0.5), {}, weight)
    assert splits(ours) == splits(theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


def test_hubers_loss_is_lightgbms_own() -> None:
    theirs = by_lightgbm("huber", {"alpha": 30.0}, W)
    ours = by_lightgbm(lightgbm_objective("huber:delta=30", curvature="positive"), {}, W)
    assert splits(ours) == splits(theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


def test_the_exact_curvature_is_that_of_xgboosts_pseudo_huber(catalogue: None) -> None:
    @normwise.loss
    def pseudo_huber_of_their_own(r, d=1.0):
        return d * d * (sqrt(1 + (r / d) ** 2) - 1)

    theirs = by_xgboost("reg:pseudohubererror", {"huber_slope": 40.0})
    ours = by_xgboost(xgboost_objective(pseudo_huber_of_their_own, d=40.0, curvature="exact"), {})
    data = xgboost.DMatrix(X)
    np.testing.assert_allclose(ours.predict(data), theirs.predict(data), rtol=1e-4)


RENEWED = {
    "l1": (("reg:absoluteerror", {}), ("l1", {})),
    "quantile:q=0.8": (("reg:quantileerror", {"quantile_alpha": 0.8}), ("quantile", {"alpha": 0.8})),
}


# Both renew the leaves of these two losses to medians and quantiles of the residuals, which an objective of somebody
# else's cannot ask for. What precedes the renewal, the splits of the first tree, follows from gradients and curvature.
@pytest.mark.parametrize("named", RENEWED)
def test_losses_whose_leaves_are_renewed_split_alike(named: str) -> None:
    theirs: Any = by_xgboost(*RENEWED[named][0], W, 1)
    assert len(splits(theirs)) > 3
    assert splits(by_xgboost(xgboost_objective(named, curvature="positive"), {}, W, 1)) == splits(theirs)
    theirs = by_lightgbm(*RENEWED[named][1], W, 1)
    assert len(splits(theirs)) > 3
    assert splits(by_lightgbm(lightgbm_objective(named, curvature="positive"), {}, W, 1)) == splits(theirs)


def test_the_gradients_of_losses_whose_leaves_are_renewed() -> None:
    """As LightGBM and XGBoost state them: sign(r), and 1 - q above, -q below; curvature 1; each times the weight."""
    r = np.array([-3.0, -0.1, 0.2, 4.0])
    weight = np.array([1.0, 2.0, 3.0, 0.0])
    gradient, curvature = lightgbm_objective("l1", curvature="positive")(np.zeros(4), r, weight)
    np.testing.assert_allclose(gradient, np.sign(r) * weight)
    np.testing.assert_allclose(curvature, weight)
    gradient, curvature = lightgbm_objective("quantile", q=0.8, curvature="positive")(np.zeros(4), r, weight)
    np.testing.assert_allclose(gradient, np.where(r > 0, 1 - 0.8, -0.8) * weight, rtol=1e-6)
    np.testing.assert_allclose(curvature, weight)


def test_a_loss_they_lack_falls_from_tree_to_tree() -> None:
    told: dict[str, Any] = {}
    data = xgboost.DMatrix(X, Y)
    objective = xgboost_objective("log_cosh", curvature="secant", factor=50.0)
    metric = xgboost_metric("log_cosh")
    evaluated: Any = {"evals": [(data, "train")], "evals_result": told, "verbose_eval": False}
    xgboost.train(XGBOOST, data, ROUNDS, obj=objective, custom_metric=metric, **evaluated)
    seen = told["train"]["log_cosh"]
    assert len(seen) == ROUNDS
    assert (np.diff(seen) < 0).all()
    own = lightgbm.Dataset(X, Y, init_score=np.full(len(Y), MEDIAN))
    told = {}
    lightgbm.train(
        {**LIGHTGBM, "objective": objective, "metric": "none"},
        own,
        ROUNDS,
        valid_sets=[own],
        valid_names=["train"],
        feval=lightgbm_metric("log_cosh"),
        callbacks=[lightgbm.record_evaluation(told)],
    )
    assert (np.diff(told["train"]["log_cosh"]) < 0).all()


def test_the_secant_fits_a_robust_loss_in_the_targets_own_unit() -> None:
    data, score = xgboost.DMatrix(X), xgboost_metric("log_cosh")
    fitted = {
        curvature: score(
            Y, by_xgboost(xgboost_objective("log_cosh", curvature=curvature, factor=50.0), {}).predict(data)
        )
        for curvature in ("positive", "secant")
    }
    assert fitted["secant"] < 0.9 * fitted["positive"]


def test_the_estimators_of_both() -> None:
    keywords: dict[str, Any] = {"n_estimators": 5, "learning_rate": 0.1, "n_jobs": 1}
    half = xgboost_objective("mse", factor=0.5)
    theirs: Any = xgboost.XGBRegressor(base_score=MEDIAN, **keywords).fit(X, Y, sample_weight=W)
    ours: Any = xgboost.XGBRegressor(objective=half, base_score=MEDIAN, **keywords).fit(X, Y, sample_weight=W)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5)
    keywords |= {"verbose": -1, "boost_from_average": False}
    theirs = lightgbm.LGBMRegressor(**keywords).fit(X, Y, sample_weight=W)
    ours = lightgbm.LGBMRegressor(objective=lightgbm_objective("mse", factor=0.5), **keywords)
    ours.fit(X, Y, sample_weight=W)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


def test_several_outputs() -> None:
    """XGBoost hands the targets over flat, and a weight for each row."""
    both = np.column_stack([Y, -2 * Y])
    data = xgboost.DMatrix(X, both, weight=W)
    parameters = {"base_score": 0.0, "nthread": 1, "max_depth": 3}
    theirs = xgboost.train({**parameters, "objective": "reg:squarederror"}, data, 5)
    ours = xgboost.train({**parameters, "num_target": 2}, data, 5, obj=xgboost_objective("mse", factor=0.5))
    np.testing.assert_allclose(ours.predict(data), theirs.predict(data), rtol=1e-4)


def test_metrics_are_theirs() -> None:
    half, told = len(Y) // 2, dict[str, Any]()
    parts = [(X[part], Y[part], W[part]) for part in (slice(half), slice(half, None))]
    train, test = (xgboost.DMatrix(x, y, weight=w) for x, y, w in parts)
    evaluated: Any = {"evals": [(test, "test")], "evals_result": told, "verbose_eval": False}
    parameters = {**XGBOOST, "eval_metric": ["mae"]}
    xgboost.train(parameters, train, 3, custom_metric=xgboost_metric("l1"), **evaluated)
    np.testing.assert_allclose(told["test"]["l1"], told["test"]["mae"], rtol=1e-5)
    own, other = (lightgbm.Dataset(x, y, weight=w) for x, y, w in parts)
    lightgbm.train(
        {**LIGHTGBM, "metric": ["mae", "rmse"]},
        own,
        3,
        valid_sets=[other],
        valid_names=["test"],
        feval=[lightgbm_metric("huber:delta=1e9"), lightgbm_metric("quantile")],
        callbacks=[lightgbm.record_evaluation(told)],
    )
    np.testing.assert_allclose(2 * np.array(told["test"]["huber"]), np.square(told["test"]["rmse"]), rtol=1e-6)
    np.testing.assert_allclose(2 * np.array(told["test"]["quantile"]), told["test"]["l1"], rtol=1e-6)


def test_metrics_of_the_estimators() -> None:
    ours: Any = xgboost.XGBRegressor(n_estimators=3, n_jobs=1, eval_metric=xgboost_metric("mse"))
    ours.fit(X, Y, sample_weight=W, eval_set=[(X, Y)], sample_weight_eval_set=[W], verbose=False)
    [seen] = ours.evals_result().values()
    expected = np.average((ours.predict(X) - Y) ** 2, weights=W)
    assert seen["mse"][-1] == pytest.approx(expected, rel=1e-5)
    theirs: Any = lightgbm.LGBMRegressor(n_estimators=3, n_jobs=1, verbose=-1)
    theirs.fit(X, Y, eval_X=X.copy(), eval_y=Y, eval_sample_weight=[W], eval_metric=lightgbm_metric("mse"))
    [seen] = theirs.evals_result_.values()
    assert seen["mse"][-1] == pytest.approx(np.average((theirs.predict(X) - Y) ** 2, weights=W), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", ">f8"])
def test_results_are_float32_whatever_comes(dtype: str) -> None:
    x, t = np.arange(6).astype(dtype)[::2], np.array([0, 5, 4], dtype)
    gradient, curvature = xgboost_objective("mse", factor=1.0)(t, x)
    assert gradient.dtype == curvature.dtype == np.float32
    assert gradient.tolist() == [0.0, -6.0, 0.0]
    assert curvature.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("shape", [(0,), (200_001,), (100_001, 2)])
def test_every_element_of_a_large_array(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    x, t, w = rng.normal(size=shape), rng.normal(size=shape), rng.uniform(size=len(range(*shape[:1])))
    gradient, curvature = xgboost_objective("mse", factor=1.0)(t, x, w)
    weight = w.reshape(-1, *[1] * (len(shape) - 1))
    np.testing.assert_allclose(gradient, 2 * weight * (x - t), rtol=1e-6)
    np.testing.assert_allclose(curvature, np.broadcast_to(2 * weight, shape), rtol=1e-6)


@pytest.mark.parametrize(
    ("curvature", "expected"),
    [
        ("positive", [1.0, 1.0, 1.0, 2.0]),
        ("secant", [1.0, 1.0, 0.5, 0.25]),
        ("exact", [1.0, 1.0, 0.0, 0.0]),
        ("unit", [1.0, 1.0, 1.0, 2.0]),
    ],
)
def test_curvatures(curvature: Any, expected: list[float]) -> None:
    r, w = np.array([0.0, 1.0, -4.0, 16.0]), np.array([1.0, 1.0, 1.0, 2.0])
    found = xgboost_objective("huber", delta=2.0, curvature=curvature, factor=1.0)(np.zeros(4), r, w)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    larger = xgboost_objective("huber", delta=2.0, curvature=curvature, factor=3.0)(np.zeros(4), r, w)[1]
    np.testing.assert_allclose(larger, 3 * np.array(expected), rtol=1e-6)


def test_a_curvature_that_is_nan_is_positive_all_the_same(catalogue: None) -> None:
    @normwise.loss
    def three_halves(r):
        return (r * r) ** 0.75

    [_, curvature] = xgboost_objective(three_halves, curvature="positive")(np.zeros(2), np.array([0.0, 1e-4]))
    np.testing.assert_allclose(curvature, [1.0, 75.0], rtol=1e-5)


@makers
def test_objectives_are_copied_and_pickled(maker: Any) -> None:
    objective = maker("huber:delta=3", curvature="secant", factor=2.0)
    again = pickle.loads(pickle.dumps(objective))
    assert repr(again) == repr(objective) == "Objective('huber', delta=3.0, curvature='secant', factor=2.0)"
    for found in (again, copy.deepcopy(objective), copy.copy(objective)):
        assert found.bound.loss is normwise.losses["huber"]
        assert found(np.zeros(1), np.ones(1))[0].tolist() == [2.0]
    three = pickle.loads(pickle.dumps(maker("quantile", q=[0.1, 0.5, 0.9])))
    assert repr(three) == "Objective('quantile', q=[0.1, 0.5, 0.9], curvature='secant', factor=None)"


def test_a_loss_that_is_gone_from_the_catalogue_is_pickled_by_its_formula(catalogue: None) -> None:
    @normwise.loss
    def fleeting(r):
        return r * r

    objective = xgboost_objective(fleeting)
    del normwise.losses["fleeting"]
    assert pickle.loads(pickle.dumps(objective)).bound.loss is fleeting.loss


def test_in_a_search_over_losses() -> None:
    estimator: Any = xgboost.XGBRegressor(n_estimators=5, n_jobs=1, base_score=MEDIAN, max_depth=2)
    grid = {"objective": [xgboost_objective("mse"), xgboost_objective("huber:delta=20", curvature="secant")]}
    search = GridSearchCV(clone(estimator), grid, cv=3).fit(X, Y)
    assert search.best_estimator_.objective in grid["objective"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@makers
@pytest.mark.parametrize(
    ("named", "options", "said"),
    [
        ("nonsense", {}, "there is no loss 'nonsense'"),
        ("huber", {"gamma": 1.0}, "huber has no parameter 'gamma'"),
        ("huber", {"delta": -1.0}, "does not support non-positive values for delta"),
        ("mse", {"curvature": "posative"}, "there is no curvature 'posative': did you mean positive"),
        ("mse", {"factor": 0.0}, "factor is 0.0: expected a positive number"),
        ("rmse", {}, "rmse is made of a mean"),
    ],
)
def test_what_cannot_be_an_objective(maker: Any, named: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        maker(named, **options)


@pytest.mark.parametrize("maker", [xgboost_objective, lightgbm_objective, xgboost_metric, lightgbm_metric])
def test_a_loss_with_a_variance_is_refused(maker: Any, catalogue: None) -> None:
    @normwise.loss
    def likelihood(r, variance):
        return r * r / variance + log(variance)

    with pytest.raises(ValueError, match=r"likelihood reads variance beside prediction and target, which .* not bring"):
        maker(likelihood)


def test_targets_of_another_length_are_refused() -> None:
    with pytest.raises(normwise.ShapeMismatchError, match=r"y_pred is \(3,\) but y_true is \(2,\)"):
        xgboost_objective("mse")(np.zeros(2), np.zeros(3))
    with pytest.raises(normwise.ShapeMismatchError, match=r"weight is \(2,\)"):
        xgboost_objective("mse")(np.zeros(3), np.zeros(3), np.ones(2))


STEEP = np.repeat([0.0, 1.0, 10.0], 100)[:, None]
STEEP_Y = STEEP[:, 0] ** 2 + np.random.default_rng(0).normal(size=300)
ROBUST = ["l1", "huber", "log_cosh", "pseudo_huber", "quantile:q=0.5", "smooth_l1"]


@pytest.mark.parametrize("named", ROBUST)
def test_by_default_it_learns_steps_of_any_height(named: str) -> None:
    """The data of XGBoost's issue 7674, where pseudo-Huber did not learn; the best error is that of the noise."""
    best = np.mean([abs(STEEP_Y[i : i + 100] - np.median(STEEP_Y[i : i + 100])).mean() for i in (0, 100, 200)])
    data = xgboost.DMatrix(STEEP, STEEP_Y)
    for scale in (1.0, 1e-3):  # of the unit nothing depends, for l1
        if scale == 1.0 or named == "l1":
            data.set_label(scale * STEEP_Y)
            model = xgboost.train({"base_score": 0.5 * scale, "nthread": 1}, data, 60, obj=xgboost_objective(named))
            assert abs(model.predict(data) / scale - STEEP_Y).mean() < 1.06 * best
    own = lightgbm.Dataset(STEEP, STEEP_Y)
    settings = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 1, "objective": lightgbm_objective(named)}
    assert abs(lightgbm.train(settings, own, 100).predict(STEEP) - STEEP_Y).mean() < 1.06 * best


@pytest.mark.parametrize(
    ("named", "expected"),
    [("l1", 300.0), ("huber", 300.0), ("mse", 800.0), ("absolute_percentage", 100.0), ("quantile:q=0.9", 2000.0)],
)
@pytest.mark.parametrize("start", [0.5, 100.0, 800.0])
def test_a_constant_becomes_the_best_one(named: str, expected: float, start: float) -> None:
    """Of the targets 100, 300 and 2000, from afar and from one of them, at which the absolute error has a kink."""
    target, data = np.tile([100.0, 300.0, 2000.0], 50), xgboost.DMatrix(np.zeros((150, 1)))
    data.set_label(target)
    model = xgboost.train({"base_score": start, "nthread": 1}, data, 100, obj=xgboost_objective(named))
    np.testing.assert_allclose(model.predict(data), expected, rtol=0.02)


@pytest.mark.parametrize(
    "named", ["l1", "huber", "absolute_percentage", "msle", "gamma_deviance", "tukey", "expectile"]
)
def test_the_secant_is_the_slope_over_the_residual(named: str) -> None:
    """By torch's gradient of our loss: positive and finite, and at residual 0 the curvature or a large number."""
    rng = np.random.default_rng(3)
    target = rng.uniform(1, 20, 200)
    prediction = target * rng.uniform(0.5, 2, 200)
    prediction[:5] = target[:5]
    gradient, curvature = xgboost_objective(named, factor=1.0)(target, prediction)
    x = torch.from_numpy(prediction).requires_grad_()
    loss = getattr(normwise, f"{named}_loss")(x, torch.from_numpy(target), reduction="sum")
    [slope] = torch.autograd.grad(loss, x)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-6)
    r = prediction - target
    far = abs(r) > 0.02 * np.median(abs(r))
    np.testing.assert_allclose(curvature[far], slope.numpy()[far] / r[far], rtol=1e-5)
    assert np.isfinite(curvature).all()
    assert (curvature[~far] > 0).all()


def test_rows_of_weight_0_change_nothing() -> None:
    """Neither gradient nor curvature of the others, whose unit is their own."""
    far = np.concatenate([STEEP_Y, np.full(700, 1e6)])
    weight = np.repeat([1.0, 0.0], [300, 700])
    for named in ("l1", "huber", "absolute_percentage"):
        objective = xgboost_objective(named)
        gradient, curvature = objective(far, np.zeros(1000), weight)
        alone = objective(STEEP_Y, np.zeros(300), np.ones(300))
        np.testing.assert_array_equal([gradient[:300], curvature[:300]], alone)
        np.testing.assert_array_equal([gradient[300:], curvature[300:]], 0.0)
    model = xgboost.XGBRegressor(objective=xgboost_objective("l1"), n_estimators=60, base_score=0.5, n_jobs=1)
    model.fit(np.concatenate([STEEP, np.zeros((700, 1))]), far, sample_weight=weight)
    assert abs(model.predict(STEEP) - STEEP_Y).mean() < 1.0


def test_a_loss_that_is_least_elsewhere_has_no_secant() -> None:
    assert xgboost_objective("poisson_nll").curvature == "positive"
    assert xgboost_objective("poisson_nll", log_input=False).curvature == "secant"
    with pytest.raises(ValueError, match="poisson_nll is not least where the prediction is the target"):
        xgboost_objective("poisson_nll", curvature="secant")


QUANTILES = [0.1, 0.5, 0.9]


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_several_quantiles_at_once_in_xgboost(strategy: str) -> None:
    objective, metric = xgboost_objective("quantile", q=QUANTILES), xgboost_metric("quantile", q=QUANTILES)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, size=(1500, 1)).astype(float)
    y = x[:, 0] * 100 + rng.exponential(size=1500) * (1 + x[:, 0])
    keywords: dict[str, Any] = {"multi_strategy": strategy, "tree_method": "hist", "n_jobs": 1, "base_score": 100.0}
    model: Any = xgboost.XGBRegressor(objective=objective, n_estimators=150, eval_metric=metric, **keywords)
    model.fit(x, np.tile(y[:, None], 3), eval_set=[(x, np.tile(y[:, None], 3))], verbose=False)
    found = model.predict(x)
    assert found.shape == (1500, 3)
    for k in range(3):
        part = x[:, 0] == k
        shares = (y[part][:, None] <= found[part]).mean(0)
        np.testing.assert_allclose(shares, QUANTILES, atol=0.01)
    expected = np.mean([mean_pinball_loss(y, found[:, i], alpha=q) for i, q in enumerate(QUANTILES)])
    [seen] = model.evals_result().values()
    assert seen["quantile"][-1] == pytest.approx(expected, rel=1e-5)


def test_several_quantiles_at_once_in_lightgbm() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, size=(1500, 1)).astype(float)
    y = x[:, 0] + rng.exponential(size=1500) * (1 + x[:, 0])
    keywords: dict[str, Any] = {"num_class": 3, "metric": "none", "verbose": -1, "n_jobs": 1, "min_child_samples": 1}
    model: Any = lightgbm.LGBMRegressor(
        objective=lightgbm_objective("quantile", q=QUANTILES), n_estimators=200, **keywords
    )
    found = model.fit(x, y).predict(x)
    for k in range(3):
        part = x[:, 0] == k
        np.testing.assert_allclose((y[part][:, None] <= found[part]).mean(0), QUANTILES, atol=0.05)


def test_outputs_that_do_not_agree() -> None:
    with pytest.raises(ValueError, match="differ in their number: alpha of 2, c of 3"):
        xgboost_objective("barron", alpha=[0.0, 1.0], c=[1.0, 2.0, 3.0])
    with pytest.raises(normwise.ShapeMismatchError, match=r"predictions are \(4, 2\), but 'quantile', q=.* 3 outputs"):
        xgboost_objective("quantile", q=QUANTILES)(np.zeros(4), np.zeros((4, 2)))
