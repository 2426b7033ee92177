"""State of parts are the sums of the whole, and give the mean and its standard error."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.sums import Moments, State, quotient

losses = st.just(0.0) | st.floats(1e-6, 1e6)
weights = st.floats(1e-3, 1e3)
samples = st.lists(st.tuples(losses, weights), min_size=1, max_size=30)


def moments(sample: list[tuple[float, float]]) -> Moments:
    loss, w = np.array(sample, float).reshape(-1, 2).T
    return Moments(
        total=float((w * loss).sum()),
        weight=float(w.sum()),
        count=float(loss.size),
        weight_squared=float((w * w).sum()),
        deviation=float((w * loss).sum()),
        weighted_deviation=float((w * w * loss).sum()),
        squared_deviation=float((w * w * loss * loss).sum()),
    )


@given(samples, st.integers(0, 30))
def test_the_sums_of_a_split_merge_to_the_whole(sample: list[tuple[float, float]], cut: int) -> None:
    whole, merged = moments(sample), moments(sample[:cut]).merge(moments(sample[cut:]))
    assert type(merged) is Moments
    for reduction in ("sum", "mean"):
        for by in ("weight", "count"):
            expected = whole.finish(reduction, by)  # type: ignore[arg-type]
            assert merged.finish(reduction, by) == pytest.approx(expected)  # type: ignore[arg-type]


@given(samples)
def test_nothing_merges_to_the_same(sample: list[tuple[float, float]]) -> None:
    assert moments(sample).merge(Moments()) == moments(sample) == Moments().merge(moments(sample))


@given(samples, st.sampled_from([2.0, 0.5, 1024.0]))
def test_the_mean_and_its_error_do_not_depend_on_the_unit_of_the_weights(
    sample: list[tuple[float, float]], unit: float
) -> None:
    scaled = moments([(loss, unit * w) for loss, w in sample])
    assert scaled.finish() == moments(sample).finish()
    assert scaled.standard_error() == pytest.approx(moments(sample).standard_error(), nan_ok=True)


def test_the_standard_error_without_weights_is_the_textbooks(rng: np.random.Generator) -> None:
    sample = rng.exponential(size=500)
    expected = sample.std(ddof=1) / math.sqrt(sample.size)
    assert moments([(x, 1.0) for x in sample]).standard_error() == pytest.approx(expected)


def test_the_standard_error_with_weights_is_that_of_resampling(rng: np.random.Generator) -> None:
    loss, w = rng.exponential(size=400), rng.uniform(0.2, 3, 400)
    drawn = rng.integers(0, 400, (4000, 400))
    means = (w * loss)[drawn].sum(1) / w[drawn].sum(1)
    error = moments(list(zip(loss, w, strict=True))).standard_error()
    assert error == pytest.approx(means.std(), rel=0.06)


def test_a_constant_has_no_error() -> None:
    assert moments([(3.0, 0.1)] * 7).standard_error() == pytest.approx(0.0, abs=1e-7)


def test_one_element_has_no_standard_error_and_none_no_mean() -> None:
    assert math.isnan(moments([(1.0, 1.0)]).standard_error())
    assert math.isnan(State().finish("mean"))
    assert State().finish("sum") == 0.0


def test_nan_and_infinity_show() -> None:
    assert math.isnan(moments([(math.nan, 1.0), (1.0, 1.0)]).finish())
    assert math.isnan(moments([(math.nan, 1.0), (1.0, 1.0)]).standard_error())
    assert State(total=math.inf, weight=2.0, count=2.0).finish() == math.inf


@pytest.mark.parametrize("a", [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("b", [0.0, -0.0, 2.0, math.inf, math.nan])
def test_division_is_ieees(a: float, b: float) -> None:
    with np.errstate(all="ignore"):
        expected: Any = np.float64(a) / np.float64(b)
    np.testing.assert_equal(quotient(a, b), float(expected))
