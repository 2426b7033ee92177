"""The losses in Keras, beside its own: on torch here, on JAX in a process of its own, for a process has one backend."""

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import pytest

import normwise.integrations
from normwise.formula import log
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
    }
    np.testing.assert_allclose(again.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0))


def test_a_model_is_loaded_where_no_loss_was_made_before(tmp_path: Path) -> None:
    model, _ = trained(keras_loss("huber", delta=0.3))
    model.save(tmp_path / "model.keras")
    program = f"""
        import keras
        from normwise.integrations import KerasLoss
        print(keras.models.load_model({str(tmp_path / "model.keras")!r}).loss.get_config()["parameters"])
    """
    assert in_another_process(program, "torch") == "{'delta': 0.3}\n"


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
        print("equal")
    """
    assert in_another_process(program, "jax") == "equal\n"
