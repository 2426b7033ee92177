"""What is one number is a number wherever one may stand, whoever's scalar it is; a nan in an array's place shows."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import normwise
from normwise.errors import ParameterError
from normwise.scores import seasonal_scale

X, T = np.array([[1.0, 2.0], [3.0, 5.0]]), np.zeros((2, 2))
LIBRARIES: dict[str, Any] = {"numpy": np.asarray, "torch": torch.tensor, "jax": jnp.asarray}
SCALARS: dict[str, Any] = {
    "float": float,
    "int": int,
    "float16": np.float16,
    "float32": np.float32,
    "float64": np.float64,
    "int64": np.int64,
    "uint8": np.uint8,
}
FURTHER = {
    "gaussian_nll": lambda value: float(torch.nn.GaussianNLLLoss()(torch.tensor(X), torch.tensor(T), value)),
    "laplace_nll": lambda value: np.mean(np.log(2 * value) + abs(X) / value),
    "mase": lambda value: np.mean(abs(X) / value),
}
PARAMETERS = {"huber": "delta", "smooth_l1": "beta", "cauchy": "c"}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("named", FURTHER)
def test_a_number_in_the_place_of_an_array(named: str, scalar: str, library: str) -> None:
    x, t = map(LIBRARIES[library], (X, T))
    found = getattr(normwise, f"{named}_loss")(x, t, SCALARS[scalar](2))
    value, _ = normwise.value_and_grad(named)(x, t, SCALARS[scalar](2))
    assert float(found) == pytest.approx(FURTHER[named](2.0), rel=1e-6)
    assert float(value) == float(found)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("scalar", ["float", "float16", "float32", "float64"])
@pytest.mark.parametrize("named", FURTHER)
def test_a_nan_in_the_place_of_an_array_shows_as_one_in_an_array_does(named: str, scalar: str, library: str) -> None:
    x, t = map(LIBRARIES[library], (X, T))
    loss = getattr(normwise, f"{named}_loss")
    assert np.isnan(float(loss(x, t, SCALARS[scalar](np.nan))))
    assert np.isnan(float(loss(x, t, LIBRARIES[library](np.full((2, 2), np.nan)))))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("scalar", ["float", "float16", "float32", "float64"])
@pytest.mark.parametrize("named", PARAMETERS)
def test_a_parameter_that_is_nan_is_in_no_domain(named: str, scalar: str, library: str) -> None:
    x, t = map(LIBRARIES[library], (X, T))
    with pytest.raises(ParameterError, match=f"{PARAMETERS[named]}=nan"):
        getattr(normwise, f"{named}_loss")(x, t, **{PARAMETERS[named]: SCALARS[scalar](np.nan)})


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_series_without_a_scale_gives_a_mase_without_a_value(library: str) -> None:
    of = LIBRARIES[library]
    scale = seasonal_scale(of([1.0]), season=3)  # no longer than a season
    assert np.isnan(float(normwise.mase_loss(of([1.0, 2.0]), of([1.0, 4.0]), scale)))


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_one_constant_series_is_left_out_as_the_error_says(library: str) -> None:
    series = LIBRARIES[library]([[5.0, 5.0, 5.0, 5.0], [1.0, 2.0, 4.0, 8.0]])
    scale = seasonal_scale(series, keepdim=True)
    with pytest.raises(ParameterError, match=r"a mask leaves their elements out, as in mask=scale > 0"):
        normwise.mase_loss(series + 7, series, scale)
    found = normwise.mase_loss(series + 7, series, scale, mask=scale > 0)
    assert float(found) == pytest.approx(7 / ((1 + 2 + 4) / 3), rel=1e-6)


@pytest.mark.parametrize("named", ["mse", "rmse", "laplace_nll"])
def test_arrays_of_another_library_are_refused_also_where_a_gradient_is_wanted(named: str) -> None:
    further = [torch.tensor(X)] if named == "laplace_nll" else []
    with pytest.raises(TypeError, match="takes arrays of one library"):
        normwise.value_and_grad(named)(torch.tensor(X), T, *further)
