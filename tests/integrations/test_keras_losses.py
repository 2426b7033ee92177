"""The losses in Keras, beside its own: on torch here, on JAX in a process of its own, for a process has one backend."""

import json
import math
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import pytest

import normwise.integrations
from normwise.formula import log, log1p, where
from normwise.integrations import keras_loss

# Keras's variables have not yet been taught NumPy's copy keyword.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = (X @ RNG.normal(size=(4, 2)) + RNG.normal(size=(64, 2)) ** 3).astype("float32")
W = RNG.uniform(0, 2, size=64).astype("float32")

THEIRS: dict[str, Any] = {
    "mse": keras.losses.MeanSquaredError,
    "l1": keras.losses.MeanAbsoluteError,
    "huber:delta=0.7": lambda **given: keras.losses.Huber(delta=0.7, **given),
    "log_cosh": keras.losses.LogCosh,
}


def test_the_backend_is_torch() -> None:
    assert keras.backend.backend() == "torch"


@pytest.mark.parametrize("named", THEIRS)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None])
@pytest.mark.parametrize("weight", [None, W], ids=["alone", "weighted"])
def test_they_are_keras_own(named: str, reduction: Any, weight: Any) -> None:
    ours, theirs = keras_loss(named, reduction=reduction), THEIRS[named](reduction=reduction)
    found, expected = (np.asarray(loss(Y, 2 * Y[::-1], sample_weight=weight)) for loss in (ours, theirs))
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=3e-6)


def trained(loss: Any, weight: Any = None) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(2)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    history = model.fit(X, Y, sample_weight=weight, epochs=3, batch_size=16, verbose=0, shuffle=False)
    return model, history.history["loss"]


@pytest.mark.parametrize("named", THEIRS)
def test_training_is_that_of_keras_own(named: str) -> None:
    (ours, seen), (theirs, expected) = trained(keras_loss(named), W), trained(THEIRS[named](), W)
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_model_is_saved_with_its_loss(tmp_path: Path) -> None:
    model, _ = trained(keras_loss("huber", delta=0.3))
    model.save(tmp_path / "model.keras")
    again: Any = keras.models.load_model(tmp_path / "model.keras")
    assert again.loss.get_config() == {
        "name": "huber",
        "reduction": "sum_over_batch_size",
        "loss": "huber",
        "parameters": {"delta": 0.3},
        "nan_policy": "propagate",
    }
    np.testing.assert_allclose(again.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0))


def enclosed(halved: bool) -> Any:
    @normwise.loss
    def own(x, t, c=2.0, flag=halved):
        return where(flag != 0, 0.5, 1) * log1p(abs((x - t) / c) ** 3) * where(t > 2.0**1023, math.inf, 1)

    return own


SAVED: dict[str, Callable[[], Any]] = {
    "of the catalogue": lambda: keras_loss("huber", delta=0.3),
    "a text": lambda: keras_loss("s * sqrt(1 + (r / s) ** 2)", s=3.0, reduction="sum"),
    "a text's function": lambda: keras_loss(normwise.loss("a*r**2 + b*abs(r)", a=0.5, b=1.0), b=4.0, nan_policy="omit"),
    "a function": lambda: keras_loss(enclosed(True), c=3.0),
}


@pytest.mark.parametrize("name", ["KerasLoss", "keras_loss"])
def test_models_are_loaded_where_no_loss_was_made_before(name: str, tmp_path: Path, catalogue: None) -> None:
    expected, paths = [], []
    for i, maker in enumerate(SAVED.values()):
        model, _ = trained(maker())
        paths.append(str(tmp_path / f"model_{i}.keras"))
        model.save(paths[-1])
        expected.append(model.evaluate(X, Y, verbose=0))
        assert keras.models.load_model(paths[-1]).evaluate(X, Y, verbose=0) == expected[-1]
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    program = f"""
        import keras, numpy
        from normwise.integrations import {name}
        data = numpy.load({str(tmp_path / "data.npz")!r})
        models = [keras.models.load_model(path) for path in {paths!r}]
        print([model.evaluate(data["x"], data["y"], verbose=0) for model in models])
    """
    np.testing.assert_allclose(json.loads(in_another_process(program, "torch")), expected, rtol=1e-6)


def test_a_loss_of_ones_own_that_is_there_is_used(catalogue: None) -> None:
    loss = keras_loss(enclosed(True), c=3.0)
    other = enclosed(False)
    assert type(loss).from_config(loss.get_config()).bound.loss is other.loss
    del normwise.losses["own"]
    again = type(loss).from_config(json.loads(json.dumps(loss.get_config())))
    assert again.bound.loss.written.expression is loss.bound.loss.written.expression
    assert again.bound.parameters == {"c": 3.0, "flag": True}


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None])
@pytest.mark.parametrize("weight", [None, W[:4]], ids=["alone", "weighted"])
def test_missing_targets_are_omitted(reduction: Any, weight: Any) -> None:
    nan = math.nan
    target = np.array([[1.0, 2.0], [nan, 5.0], [nan, nan], [0.0, 1.0]], "float32")
    prediction = np.array([[1.5, 0.0], [7.0, 2.0], [3.0, 3.0], [0.0, 3.0]], "float32")
    samples, there = np.array([(0.25 + 4) / 2, 9.0, 0.0, 2.0]), np.array([1, 1, 0, 1])
    w = there * (1 if weight is None else weight)
    whole = {"sum": (samples * w).sum(), "sum_over_batch_size": (samples * w).sum() / 3, None: samples * w}
    whole["mean_with_sample_weight"] = (samples * w).sum() / w.sum()
    found = keras_loss("mse", nan_policy="omit", reduction=reduction)(target, prediction, sample_weight=weight)
    np.testing.assert_allclose(found, whole[reduction], rtol=1e-6)
    assert np.isnan(np.asarray(keras_loss("mse", reduction=reduction)(target, prediction))).any()
    with pytest.raises(ValueError, match="nan_policy is 'raise': in Keras expected 'propagate' or 'omit'"):
        keras_loss("mse", nan_policy="raise")


def test_a_nan_prediction_shows_and_training_leaves_missing_targets_out() -> None:
    prediction = np.full((2, 2), math.nan, "float32")
    assert np.isnan(float(keras_loss("mse", nan_policy="omit")(np.array([[0.0, math.nan]] * 2), prediction)))
    missing = Y.copy()
    missing[::2] = math.nan
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=keras_loss("mse", nan_policy="omit"))
    model.fit(X, missing, epochs=2, batch_size=64, verbose=0, shuffle=False)
    keras.utils.set_random_seed(0)
    other = keras.Sequential([keras.layers.Dense(2)])
    other.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    other.fit(X[1::2], Y[1::2], epochs=2, batch_size=64, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_pickle_finds_the_class_by_its_name() -> None:
    kind = type(keras_loss("mse"))
    assert getattr(sys.modules[kind.__module__], kind.__qualname__) is kind is normwise.integrations.KerasLoss


def test_it_is_made_again_of_its_configuration() -> None:
    loss = keras_loss("quantile:q=0.9", reduction="sum", name="upper")
    expected = float(loss(Y, X[:, :2]))
    for again in (
        type(loss).from_config(loss.get_config()),
        keras.losses.deserialize(keras.losses.serialize(loss)),
        pickle.loads(pickle.dumps(loss)),
    ):
        assert (again.name, again.reduction) == ("upper", "sum")
        assert float(again(Y, X[:, :2])) == expected


def test_a_column_is_taken_for_a_list_as_keras_does() -> None:
    column = Y[:, :1]
    for y_true, y_pred in ((column[:, 0], 2 * column), (column, 2 * column[:, 0])):
        found, expected = keras_loss("mse")(y_true, y_pred), keras.losses.MeanSquaredError()(y_true, y_pred)
        assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_other_shapes_are_refused_where_keras_broadcasts() -> None:
    with pytest.raises(normwise.ShapeMismatchError, match=r"y_pred is \(64, 2\) but y_true is \(64, 1\)"):
        keras_loss("mse")(Y[:, :1], Y)


def test_what_cannot_be_a_loss_of_keras(catalogue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    @normwise.loss
    def likelihood(r, variance):
        return r * r / variance + log(variance)

    with pytest.raises(ValueError, match=r"likelihood reads variance .* which Keras does not bring"):
        keras_loss(likelihood)
    with pytest.raises(ValueError, match="rmse is made of a mean"):
        keras_loss("rmse")
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ValueError, match=r"Keras runs on tensorflow, but .*: set .* KERAS_BACKEND"):
        keras_loss("mse")


def in_another_process(program: str, backend: str) -> str:
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_on_numpy_it_is_computed() -> None:
    program = """
        import numpy
        from normwise.integrations import keras_loss
        print(float(keras_loss("huber")(numpy.ones((3, 2)), numpy.zeros((3, 2)))))
    """
    assert in_another_process(program, "numpy") == "0.5\n"


def test_on_jax() -> None:
    """Compiled by XLA, a step at a time."""
    program = """
        import keras, numpy
        from normwise.integrations import keras_loss
        assert keras.backend.backend() == "jax"
        x = numpy.random.default_rng(0).normal(size=(64, 4)).astype("float32")
        y = x[:, :2] + x[:, 2:] ** 3
        def trained(loss):
            keras.utils.set_random_seed(0)
            model = keras.Sequential([keras.layers.Dense(2)])
            model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
            seen = model.fit(x, y, sample_weight=abs(x[:, 0]), epochs=2, batch_size=16, verbose=0, shuffle=False)
            return [*seen.history["loss"], *model.get_weights()[0].ravel()]
        ours, theirs = trained(keras_loss("huber:delta=0.5")), trained(keras.losses.Huber(0.5))
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-5)
        y[::2] = numpy.nan
        assert numpy.isfinite(trained(keras_loss("huber:delta=0.5", nan_policy="omit"))).all()
        print("equal")
    """
    assert in_another_process(program, "jax") == "equal\n"
