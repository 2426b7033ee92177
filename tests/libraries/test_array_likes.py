"""Lists and series where NumPy would take them; and the one check of what is no array, or of another device."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import normwise
from normwise.errors import DeviceError, DtypeError, ShapeMismatchError

A, B, W = [0.5, -2.0, 3.0], [1.0, 1.0, -1.5], [1.0, 0.5, 2.0]
MASK = [True, True, False]
KINDS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "pandas": pd.Series,
    "polars": pl.Series,
    "nullable": lambda values: pd.Series(values, dtype="boolean" if values is MASK else "Float64"),
    "integers": lambda values: [int(value) for value in values] if values is not MASK else values,
}
CALLS: dict[str, Callable[..., Any]] = {
    "mse": lambda a, b, w, m: normwise.mse_loss(a, b),
    "none": lambda a, b, w, m: normwise.huber_loss(a, b, reduction="none", weight=w, mask=m),
    "weighted": lambda a, b, w, m: normwise.l1_loss(a, b, weight=w, mask=m),
    "rmse": lambda a, b, w, m: normwise.rmse_loss(a, b, weight=w),
    "gradient": lambda a, b, w, m: normwise.value_and_grad("huber")(a, b, weight=w)[1],
    "gradient of means": lambda a, b, w, m: normwise.value_and_grad("rmse")(a, b)[1],
    "norm": lambda a, b, w, m: normwise.norm(a, weight=w, mask=m),
    "distance": lambda a, b, w, m: normwise.distance(a, b),
    "pairwise": lambda a, b, w, m: normwise.pairwise(a, b, weight=w, mask=None if m is None else (m, m)),
    "nearest": lambda a, b, w, m: normwise.nearest([a, b], [b, a], k=1).distances,
    "further": lambda a, b, w, m: normwise.gaussian_nll_loss(a, b, w),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_what_numpy_takes_is_taken(name: str, kind: str) -> None:
    make = KINDS[kind]
    taken = [make(values) for values in (A, B, W, MASK)]
    plain = [np.asarray(values) for values in (*map(make, (A, B, W)), MASK)]
    found, expected = CALLS[name](*taken), CALLS[name](*plain)
    assert type(found) is type(expected)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(CALLS[name](plain[0], *taken[1:]), expected)


def test_a_missing_value_of_a_series_is_a_nan() -> None:
    assert np.isnan(normwise.mse_loss(pl.Series([1.0, None]), [1.0, 2.0]))
    assert normwise.mse_loss([1.0, 2.0], pl.Series([0.0, None]), nan_policy="omit") == 1.0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: normwise.mse_loss(["a", "b"], ["c", "d"]), DtypeError),
        (lambda: normwise.mse_loss([1.0, 2.0], 1.0), ShapeMismatchError),
        (lambda: normwise.mse_loss(torch.ones(2), [1.0, 2.0]), TypeError),
        (lambda: normwise.mse_loss([1.0, 2.0], torch.ones(2)), TypeError),
        (lambda: normwise.norm("text"), TypeError),
        (lambda: normwise.mse_loss(np.ma.masked_array([1.0, 2.0], [True, False]), [1.0, 2.0]), TypeError),
        (lambda: normwise.pairwise({"a": 1}, [[1.0]]), TypeError),
    ],
)
def test_what_is_none_is_refused(call: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


META = torch.ones(2, 2, device="meta")
CPU = torch.ones(2, 2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: normwise.mse_loss(META, CPU),
        lambda: normwise.mse_loss(CPU, CPU, weight=META),
        lambda: normwise.norm(META, weight=CPU),
        lambda: normwise.norm(CPU, mask=META > 0),
        lambda: normwise.distance(META, CPU),
        lambda: normwise.pairwise(CPU, META),
        lambda: normwise.pairwise(META, META, weight=torch.ones(2)),
        lambda: normwise.nearest(META, CPU, k=1),
    ],
)
def test_a_tensor_on_another_device_is_named(call: Callable[[], Any]) -> None:
    with pytest.raises(DeviceError, match=r"two devices, (meta and cpu|cpu and meta)! \w+ has \w+ on .*: move"):
        call()
