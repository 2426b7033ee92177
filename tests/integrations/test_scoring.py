"""The losses as scikit-learn's scorers."""

import pickle
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import QuantileRegressor, Ridge
from sklearn.metrics import get_scorer, make_scorer, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

import normwise
from normwise.formula import log
from normwise.integrations import sklearn_scorer

X, Y = load_diabetes(return_X_y=True)
W = np.random.default_rng(0).uniform(0.0, 2.0, len(Y))

THEIRS = {
    "mse": get_scorer("neg_mean_squared_error"),
    "l1": get_scorer("neg_mean_absolute_error"),
    "rmse": get_scorer("neg_root_mean_squared_error"),
    "rmsle": get_scorer("neg_root_mean_squared_log_error"),
    "quantile:q=0.8": make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.8),
}


@pytest.mark.parametrize("named", THEIRS)
def test_scores_are_scikit_learns(named: str) -> None:
    model, ours, theirs = Ridge().fit(X, Y), sklearn_scorer(named), THEIRS[named]
    assert ours(model, X, Y, sample_weight=W) == pytest.approx(theirs(model, X, Y, sample_weight=W), rel=1e-12)


def test_in_cross_validation() -> None:
    ours = cross_val_score(Ridge(), X, Y, scoring=sklearn_scorer("mse"), cv=4, n_jobs=1)
    np.testing.assert_allclose(ours, cross_val_score(Ridge(), X, Y, scoring="neg_mean_squared_error", cv=4))


def test_weights_divide_as_scikit_learns_do_also_where_the_losss_own_function_counts() -> None:
    """huber_loss divides by the count, as torch's does."""
    model, x, y = DummyRegressor().fit(X, Y), X[:2], np.array([Y.mean(), Y.mean() + 4])
    assert sklearn_scorer("huber")(model, x, y, sample_weight=np.array([3.0, 1.0])) == pytest.approx(-3.5 / 4)


def test_weights_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        ours, theirs = (
            cross_val_score(
                Ridge().set_fit_request(sample_weight=False),
                X,
                Y,
                scoring=scorer.set_score_request(sample_weight=True),
                params={"sample_weight": W},
                cv=3,
            )
            for scorer in (sklearn_scorer("l1"), get_scorer("neg_mean_absolute_error"))
        )
    np.testing.assert_allclose(ours, theirs)


def test_a_search_takes_what_is_lowest() -> None:
    """Of quantiles the pinball loss of q finds q."""
    search = GridSearchCV(
        QuantileRegressor(alpha=0.0), {"quantile": [0.2, 0.5, 0.8]}, scoring=sklearn_scorer("quantile", q=0.8), cv=3
    )
    assert search.fit(X[:, :2], Y).best_params_ == {"quantile": 0.8}


def test_several_outputs_and_lists() -> None:
    both = np.column_stack([Y, -Y])
    model, theirs = Ridge().fit(X, both), get_scorer("neg_mean_squared_error")
    ours: Any = sklearn_scorer("mse")
    expected = theirs(model, X, both, sample_weight=W)
    assert ours(model, X, both, sample_weight=W) == pytest.approx(expected)
    assert ours(model, X, both.tolist(), sample_weight=W.tolist()) == pytest.approx(expected)


def test_a_scorer_is_pickled_and_cloned() -> None:
    model, scorer = Ridge().fit(X, Y), sklearn_scorer("huber", delta=20.0)
    again = pickle.loads(pickle.dumps(scorer))
    assert again(model, X, Y) == scorer(model, X, Y)
    assert repr(again) == "make_scorer(huber, greater_is_better=False, response_method='predict')"
    cloned = clone(GridSearchCV(Ridge(), {"alpha": [1.0]}, scoring=scorer)).fit(X, Y)
    assert np.isfinite(cloned.best_score_)


def test_what_cannot_be_a_scorer(catalogue: None) -> None:
    @normwise.loss
    def likelihood(r, variance):
        return r * r / variance + log(variance)

    with pytest.raises(ValueError, match=r"likelihood reads variance beside .* which scikit-learn does not bring"):
        sklearn_scorer(likelihood)
    with pytest.raises(ValueError, match="mse has no parameter 'delta'"):
        sklearn_scorer("mse", delta=1.0)
    with pytest.raises(normwise.ShapeMismatchError, match="y_pred is"):
        sklearn_scorer("mse")(Ridge().fit(X, Y), X, Y[:5])
