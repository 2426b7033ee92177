"""The demonstration on real flights: its data, the optimality of its fits, and its claim."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import linprog, minimize, minimize_scalar
from sklearn.metrics import mean_absolute_error, mean_squared_error

import normwise
from examples.flights.data import flights, held_out, training
from examples.flights.model import CRITERIA, Features, predict, train
from examples.flights.optimum import LEAST
from examples.flights.verdict import NAIVE, TARGET, TRAINED_BY, verdict

ROOT = Path(__file__).parents[2]
SAMPLE = 1500


def _smooth_l1(residual, beta=10.0):
    """Quadratic within beta of zero, absolute beyond, in NumPy: the loss of Huber, 1964, over beta."""
    size = np.abs(residual)
    return np.where(size < beta, residual**2 / (2 * beta), size - beta / 2)


@pytest.fixture(scope="module")
def everything():
    return flights()


@pytest.fixture(scope="module")
def sample(everything):
    """Features and target of some training flights, as tensors, and the features with a constant, as an array."""
    rows = training(everything).sample(SAMPLE, random_state=0)
    features, target = Features(rows)(rows), torch.tensor(rows[TARGET].to_numpy())
    return features, target, np.column_stack([features.numpy(), np.ones(SAMPLE)])


@pytest.fixture(scope="module", params=CRITERIA)
def fit(request, sample):
    """The name of a loss, the residuals of the model trained by it, and its mean loss."""
    features, target, _ = sample
    criterion = CRITERIA[request.param]
    predicted = predict(train(criterion, features, target), features).detach()
    return request.param, predicted - target, criterion(predicted, target).item()


def test_all_flights_are_there(everything):
    assert len(everything) == 336_776
    assert everything[TARGET].count() == 327_346
    assert everything["dep_delay"].count() == 328_521


def test_odd_days_train_and_even_days_test(everything):
    seen, unseen = training(everything), held_out(everything)
    assert seen.day.mod(2).eq(1).all()
    assert unseen.day.mod(2).eq(0).all()
    assert seen[TARGET].notna().all()
    assert (len(seen), len(unseen)) == (167_146, 160_829)
    assert unseen[TARGET].isna().sum() == 629


def test_features_are_standardised_and_of_full_rank(sample):
    features, _, columns = sample
    assert torch.allclose(features.mean(dim=0), torch.zeros(features.shape[1], dtype=torch.float64), atol=1e-12)
    assert torch.allclose(features.std(dim=0, correction=0), torch.ones(features.shape[1], dtype=torch.float64))
    assert np.linalg.matrix_rank(columns) == columns.shape[1]


def test_what_the_model_cannot_know_is_nan(everything):
    seen = training(everything)
    features = Features(seen)
    odd = seen.iloc[:3].assign(carrier=["??", "AA", "AA"], dep_delay=[1.0, np.nan, 1.0])
    assert features(odd).isnan().any(dim=1).tolist() == [True, True, False]


def test_mse_fit_is_least_squares(sample):
    features, target, columns = sample
    model = train(CRITERIA["mse"], features, target)
    expected, *_ = np.linalg.lstsq(columns, target.numpy())
    found = np.append(model.weight.detach().numpy(), model.bias.detach().numpy())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_l1_fit_is_the_optimum_of_the_linear_programme(sample):
    features, target, columns = sample
    # min sum(over + under)  with  columns @ weights + under - over = target
    n, k = columns.shape
    equal = np.hstack([columns, np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * k + [(0, None)] * (2 * n)
    exact = linprog(np.append(np.zeros(k), np.ones(2 * n)), A_eq=equal, b_eq=target.numpy(), bounds=bounds)
    model = train(CRITERIA["l1"], features, target)
    found = mean_absolute_error(target, predict(model, features).detach())
    assert exact.success
    assert exact.fun / n - 1e-9 <= found <= exact.fun / n * (1 + 1e-4)


def test_smooth_l1_fit_is_the_optimum_by_another_optimiser(sample):
    features, target, columns = sample

    def value_and_gradient(weights):
        residual = columns @ weights - target.numpy()
        return _smooth_l1(residual).mean(), columns.T @ np.clip(residual / 10, -1, 1) / len(residual)

    exact = minimize(value_and_gradient, np.zeros(columns.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-7})
    name = "smooth_l1:beta=10"
    found = CRITERIA[name](predict(train(CRITERIA[name], features, target), features), target).item()
    assert found == pytest.approx(exact.fun, rel=1e-9)


def test_bound_is_below_and_near(fit, sample):
    name, residual, loss = fit
    features, target, _ = sample
    least = LEAST[name](features, residual, target)
    near = 1e-4 if name == "l1" else 1e-9  # so few rows make the absolute error rough, for L-BFGS
    assert loss * (1 - near) <= least <= loss * (1 + 1e-12)


def test_bound_stays_below_where_the_model_is_poor(fit, sample):
    name, residual, loss = fit
    features, target, _ = sample
    poor = residual + 0.5 * features[:, 0]
    assert LEAST[name](features, poor, target) <= loss * (1 + 1e-12)


@pytest.fixture
def predictions(everything):
    """Constant predictions, each the best by its loss: the mean, the median, and Huber's location."""
    target = held_out(everything)[TARGET].head(20_000)
    location = minimize_scalar(lambda x: _smooth_l1(x - target.dropna()).mean()).x
    columns = {NAIVE: 60.0, "fit_mse": target.mean(), "fit_l1": target.median(), "fit_smooth_l1": location}
    return pd.DataFrame({TARGET: target} | columns)


def _evaluated(predictions):
    return normwise.evaluate(predictions, target=TARGET, prediction=[NAIVE, *TRAINED_BY], losses=[*TRAINED_BY.values()])


def test_verdict_holds_only_if_each_model_wins_by_its_loss(predictions):
    assert verdict(_evaluated(predictions)).holds
    swapped = predictions.rename(columns={"fit_mse": "fit_l1", "fit_l1": "fit_mse"})
    found = verdict(_evaluated(swapped))
    assert not found.holds
    assert "fit_mse is NOT the best of the three" in found.sentences[0]
    assert "fit_l1 is NOT the best of the three" in found.sentences[1]


def test_verdict_calls_a_tie_a_tie(predictions):
    predictions["fit_smooth_l1"] = predictions["fit_l1"] + 1e-9
    sentences = verdict(_evaluated(predictions)).sentences
    assert "all but equal" in sentences[2]
    assert "all but equal" not in sentences[0]


@pytest.mark.long
def test_the_demonstration_ends_well_and_its_file_says_the_same():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.flights"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    frame = pd.read_parquet(ROOT / "examples/flights/output/predictions.parquet")
    assert len(frame) == 160_829
    complete = frame.dropna(subset=[TARGET])
    for own, error in {
        "fit_mse": lambda name: mean_squared_error(complete[TARGET], complete[name]),
        "fit_l1": lambda name: mean_absolute_error(complete[TARGET], complete[name]),
        "fit_smooth_l1": lambda name: _smooth_l1(complete[name] - complete[TARGET]).mean(),
    }.items():
        assert min(TRAINED_BY, key=error) == own
