"""The package: its names, and that each library is loaded only by who asks for it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import normwise
from normwise import integrations

LIBRARIES = {"TorchMetric": "torchmetrics", "keras_loss": "keras", "sklearn_scorer": "sklearn"}


def run(program: str) -> str:
    environment = {"PYTHONPATH": str(Path(normwise.__file__).parents[1])}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_its_names() -> None:
    assert dir(integrations) == [
        "KerasLoss",
        "TorchMetric",
        "keras_loss",
        "lightgbm_metric",
        "lightgbm_objective",
        "scipy_loss",
        "sklearn_scorer",
        "xgboost_metric",
        "xgboost_objective",
    ]
    os.environ["KERAS_BACKEND"] = "torch"
    for name in dir(integrations):
        assert callable(getattr(integrations, name))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = integrations.nonsense


def test_no_library_is_loaded_before_it_is_used() -> None:
    assert run("""
        import sys
        import normwise.integrations
        assert not {"torch", "numpy", "sklearn", "keras", "torchmetrics"} & {*sys.modules}
        import numpy
        from normwise.integrations import lightgbm_objective, scipy_loss, xgboost_objective
        xgboost_objective("huber")(numpy.ones(2), numpy.ones(2))
        scipy_loss("huber")(numpy.ones(2))
        print(sorted({"torch", "sklearn", "keras", "torchmetrics", "jax", "xgboost", "lightgbm"} & {*sys.modules}))
    """) == "[]\n"  # fmt: skip


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_library_is_named(name: str) -> None:
    said = run(f"""
        import sys
        sys.modules[{LIBRARIES[name]!r}] = None
        import normwise.integrations
        try:
            found = normwise.integrations.{name}
            found("mse")
        except ModuleNotFoundError as error:
            print(error)
    """)
    package = {"sklearn": "scikit-learn"}.get(LIBRARIES[name], LIBRARIES[name])
    assert said.startswith(f"normwise.integrations.{name} needs {LIBRARIES[name]}")
    assert said.endswith(f"pip install {package}\n")


def test_a_missing_backend_of_keras_is_named() -> None:
    said = run("""
        import sys
        sys.modules["tensorflow"] = None
        import normwise.integrations
        try:
            normwise.integrations.keras_loss("mse")
        except ModuleNotFoundError as error:
            print(error)
    """)
    assert said == (
        "Keras does not find its backend tensorflow: set the environment variable KERAS_BACKEND to torch or jax\n"
    )
