"""Arrays and frames of dask: computed when they are asked for, and the same as NumPy's and pandas'."""

from collections.abc import Callable
from typing import Any

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pytest

import normwise
from normwise import scores

# narwhals announces that its support of dask will be a package of its own.
pytestmark = pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning")

RNG = np.random.default_rng(5)
A, B, X, T = RNG.normal(size=(6, 3)), RNG.normal(size=(9, 3)), RNG.normal(size=(40, 3)), RNG.normal(size=(40, 3))
THERE = np.arange(9)[:, None] < 4
WEIGHT = RNG.random((40, 3))

FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "neighbours": (lambda a, b: normwise.nearest(a, b, 3), (A, B)),
    "neighbours of padded points": (lambda a, b, m: normwise.nearest(a, b, 6, mask=(None, m)), (A, B, THERE)),
    "the least of padded points": (
        lambda a, b, m: normwise.pairwise(a, b, reduce="min", mask=(None, m)),
        (A, B, THERE),
    ),
    "a weighted norm": (lambda x, w: normwise.norm(x, 3, 0, weight=w), (X, WEIGHT)),
    "median": (lambda x, t, w: scores.median_absolute_error(x, t, weight=w, dim=0), (X, T, WEIGHT)),
    "d2 of a median": (lambda x, t, w: scores.d2_score(x, t, "l1", weight=w, dim=1), (X, T, WEIGHT)),
    "d2 of a quantile": (lambda x, t: scores.d2_score(x, t, "quantile", q=0.2), (X, T)),
    "d2 of a constant that is sought": (lambda x, t: scores.d2_score(x, t, "huber", mask=t > -1), (X, T)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_in_chunks_give_what_whole_ones_give(name: str) -> None:
    function, given = FUNCTIONS[name]
    expected = function(*given)
    found = function(*(dask.array.from_array(a, chunks=tuple(-(-n // 2) for n in a.shape)) for a in given))
    parts = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
    for mine, wanted in parts:
        assert isinstance(mine, dask.array.Array)
        np.testing.assert_allclose(np.asarray(mine), wanted, rtol=1e-12)


@pytest.mark.parametrize("about", [{}, {"by": "g"}, {"by": "g", "weight": "w"}], ids=str)
def test_many_losses_of_a_frame_in_partitions(about: dict[str, str]) -> None:
    columns = {"t": T[:, 0], "p": X[:, 0], "q": X[:, 1], "w": WEIGHT[:, 0]}
    frame = pd.DataFrame({name: np.abs(column) for name, column in columns.items()}).assign(g=np.arange(40) % 3)
    asked = {"target": "t", "prediction": ["p", "q"], "losses": ["rmse", "mse", "l1", "rmsle", "wmape"], **about}
    expected = normwise.evaluate(frame, **asked)
    found = normwise.evaluate(dask.dataframe.from_pandas(frame, npartitions=3), **asked)
    assert str(found) == str(expected)
