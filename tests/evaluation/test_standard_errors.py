"""Standard errors keep their digits, whatever the mean, the weights and the engine: against long double."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from normwise.evaluation import Evaluation, Group, evaluate
from normwise.evaluation.finish import difference
from normwise.formula import trace
from normwise.sums import Moments
from tests.evaluation.frames import KINDS, SOURCES, source
from tests.evaluation.oracle import mean_and_error

N = 400
RELATIVE = 1e-6


def columns(size: float, spread: float) -> Mapping[str, Any]:
    """Residuals of a size and a spread, two predictions that nearly agree, groups and weights."""
    rng = np.random.default_rng(20250214)
    a = size + spread * rng.standard_normal(N)
    b = a + 0.01 * spread * rng.standard_normal(N)
    g = rng.choice([0, 1, 2, 3], N)
    a[g == 3] += 1e3 * spread  # so that the groups have means of their own
    return {"t": np.zeros(N), "a": a, "b": b, "g": g, "w": rng.uniform(0, 2, N)}


def half_width(found: Any) -> float:
    """The standard error in the interval of a difference."""
    return (found.high - found.low) / 2 / float(stats.t.ppf(0.975, found.n - 1))


def rows_of_groups(found: Evaluation, data: Mapping[str, Any]) -> list[tuple[Group, Any]]:
    groups = [(group, data["g"] == group.key[0]) for group in found.groups]
    return [(found.overall, np.ones(N, bool)), *groups]


@pytest.mark.parametrize(("size", "kind"), [(1e7, "polars"), *((1e9, kind) for kind in SOURCES)])
def test_a_large_mean_does_not_cost_the_spread_its_digits(size: float, kind: str, tmp_path: Path) -> None:
    data = columns(size, size / 1e9)
    given = source(kind, data, tmp_path)
    for by, weight in ((None, None), (None, "w"), ("g", None), ("g", "w")):
        found = evaluate(given, target="t", prediction=["a", "b"], by=by, weight=weight, losses=["l1", "mse", "rmse"])
        for group, rows in rows_of_groups(found, data):
            w = None if weight is None else data["w"][rows]
            powers = {"l1": {x: data[x][rows] for x in "ab"}, "mse": {x: data[x][rows] ** 2 for x in "ab"}}
            for loss, values in powers.items():
                mean, error = mean_and_error(values["a"], w)
                score = group.score("a", loss)
                assert (score.value, score.standard_error) == (pytest.approx(mean), pytest.approx(error, rel=RELATIVE))
            roots = {x: powers["mse"][x].astype(np.longdouble) / 2 / group.score(x, "rmse").value for x in "ab"}
            assert group.score("a", "rmse").standard_error == pytest.approx(
                mean_and_error(roots["a"], w)[1], rel=RELATIVE
            )
            apart = [powers[loss]["a"] - powers[loss]["b"] for loss in ("l1", "mse")] + [roots["a"] - roots["b"]]
            for each, values in zip(group.differences, apart, strict=True):
                assert half_width(each) == pytest.approx(mean_and_error(values, w)[1], rel=RELATIVE)


@pytest.mark.parametrize("kind", SOURCES)
def test_no_spread_is_0_and_a_spread_is_not(kind: str, tmp_path: Path) -> None:
    near = 0.1 + 1e-17 * np.arange(6)
    near[3] = np.nextafter(0.1, 1)
    data = {"t": np.zeros(6), "same": [0.1] * 6, "near": near, "tiny": np.array([1, -2, 3, -4, 5, 6]) * 1e-170}
    data |= {"huge": np.array([1, 2, 3, 4, 5, 6]) * 1e170, "mirrored": np.array([-1, 2, -3, 4, -5, 6]) * 1e-170}
    names = ["same", "near", "tiny", "huge", "mirrored"]
    found = evaluate(source(kind, data, tmp_path), target="t", prediction=names, losses="l1").overall
    assert found.score("same", "l1").standard_error == 0
    for name, scale in (("near", 1.0), ("tiny", 1e-170), ("huge", 1e170)):
        expected = mean_and_error(np.abs(data[name]) / np.longdouble(scale))[1] * scale
        assert found.score(name, "l1").standard_error == pytest.approx(expected, rel=RELATIVE, abs=0)
    same = next(each for each in found.differences if (each.first, each.second) == ("tiny", "mirrored"))
    assert (same.value, same.low, same.high) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["polars", "duckdb"])
def test_tiny_differences_of_mean_0_have_a_spread(kind: str) -> None:
    tiny = 1e-170
    frame = KINDS[kind]({"t": [0.0, 0.0], "a": [tiny, 0.0], "b": [0.0, tiny]})
    [each] = evaluate(frame, target="t", prediction=["a", "b"], losses="l1").overall.differences
    assert each.value == 0
    assert half_width(each) == pytest.approx(tiny, rel=RELATIVE, abs=0)


def test_a_group_of_one_row_does_not_cost_the_whole_its_digits() -> None:
    data = columns(1e9, 1.0)
    frame = KINDS["polars"]({**data, "g": np.arange(N)})
    found = evaluate(frame, target="t", prediction="a", by="g", losses="l1").overall
    assert found.score("a", "l1").standard_error == pytest.approx(mean_and_error(data["a"])[1], rel=RELATIVE)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb"])
def test_infinite_losses_and_empty_groups_are_as_they_were(kind: str) -> None:
    data = {"t": [0.0] * 7 + [None], "a": [1e9, 1e9 + 1, 1e9 + 2, math.inf, 1.0, -math.inf, math.inf, 1.0]}
    data |= {"g": [0, 0, 0, 1, 1, 2, 2, 3]}
    found = evaluate(KINDS[kind](data), target="t", prediction="a", by="g", losses="l1")
    scores = [group.scores[0] for group in found.groups]
    assert [score.n for score in scores] == [3, 2, 2, 0]
    np.testing.assert_array_equal([score.value for score in scores], [1e9 + 1, math.inf, math.inf, math.nan])
    np.testing.assert_allclose([score.standard_error for score in scores], [1 / 3**0.5] + [math.nan] * 3)
    assert found.overall.scores[0].value == math.inf


@pytest.mark.parametrize("kind", SOURCES)
def test_rows_of_weight_0_are_not_there(kind: str, tmp_path: Path) -> None:
    data = {"t": [1.0, 2.0, 3.0, 4.0, 0.0], "p": [2.0, 4.0, 6.0, 5.0, math.inf], "w": [0.0, 0.0, 2.0, 1.0, 0.0]}
    found = evaluate(source(kind, data, tmp_path), target="t", prediction="p", weight="w", losses=["l1", "rmse"])
    expected = mean_and_error([3.0, 1.0], [2.0, 1.0])
    score = found.overall.score("p", "l1")
    assert (score.n, found.overall.weightless, found.overall.missing.weight) == (2, 3, 0)
    assert (score.value, score.standard_error) == pytest.approx(expected)
    assert "3 of 5 rows left out: the weight 'w' is 0 in 3" in str(found)
    assert found.to_dict()["overall"]["weightless"] == 3


def test_one_row_of_weight_alone_has_no_standard_error() -> None:
    frame = KINDS["polars"]({"t": [1.0, 2.0, 3.0], "p": [2.0, 4.0, 6.0], "w": [0.0, 0.0, 2.0]})
    score = evaluate(frame, target="t", prediction="p", weight="w", losses="l1").overall.scores[0]
    assert (score.n, score.value, math.isnan(score.standard_error)) == (1, 3.0, True)


@pytest.mark.parametrize(
    ("kind", "factor"),
    [*(("polars", factor) for factor in (1e-200, 2.0**-1060, 1e200, 1e306)), *((kind, 1e200) for kind in KINDS)],
)
def test_a_common_factor_of_the_weights_changes_nothing(kind: str, factor: float) -> None:
    rng = np.random.default_rng(3)
    data = {"t": np.zeros(40), "a": rng.gamma(2, 1, 40), "b": rng.gamma(2, 1, 40), "g": np.arange(40) % 3}
    weight = rng.integers(0, 5, 40).astype(float)

    def numbers(w: Any) -> list[Any]:
        found = evaluate(
            KINDS[kind]({**data, "t": data["t"] + 1, "w": w}),
            target="t",
            prediction=["a", "b"],
            by="g",
            weight="w",
            losses=["l1", "rmse"],
        )
        return [
            value
            for group in (found.overall, *found.groups)
            for each in (*group.scores, *group.differences)
            for value in vars(each).values()
            if not isinstance(value, str)
        ]

    np.testing.assert_allclose(numbers(weight * factor), numbers(weight), rtol=1e-12)


def test_groups_may_have_weights_of_any_size() -> None:
    data = {"t": [0.0] * 6, "p": [1.0, 2.0, 4.0, 1.0, 2.0, 4.0], "g": [0, 0, 0, 1, 1, 1]}
    found = evaluate(
        KINDS["duckdb"]({**data, "w": [1e-250, 2e-250, 3e-250, 1e250, 2e250, 3e250]}),
        target="t",
        prediction="p",
        by="g",
        weight="w",
        losses="l1",
    )
    expected = mean_and_error([1, 2, 4], [1, 2, 3])
    for group in (found.overall, *found.groups):
        assert (group.scores[0].value, group.scores[0].standard_error)[0] == pytest.approx(expected[0])
    for group in found.groups:
        assert group.scores[0].standard_error == pytest.approx(expected[1])


def test_what_has_no_digits_left_is_not_0() -> None:
    """Means in proportion: their ratio's variance is 0 but for digits that the covariances do not have."""
    one = Moments(4.0, 4.0, 4.0, 4.0, squared_deviation=1.0, centre=1.0)
    nearly = Moments(8.0, 4.0, 4.0, 4.0, squared_deviation=4.0 + 1e-14, centre=2.0)
    apart = Moments(-4.0, 4.0, 4.0, 4.0, squared_deviation=1.0, centre=-1.0)
    found = difference(trace(lambda m0: m0), [one, one, Moments(0.0, 4.0, 4.0, 4.0)])
    assert found == (0.0, 0.0)
    from normwise.evaluation.finish import estimate

    assert math.isnan(estimate(trace(lambda m0, m1: m0 / m1), [one, nearly, apart]).standard_error)
