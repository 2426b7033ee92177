"""The sums over data frames: each loss's values against mpmath, what counts as missing, and one query for all."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb
import mpmath
import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normwise.catalogue import Loss, losses
from normwise.engines.frames import Question, Sums, measure, rows_of
from normwise.formula import Formula, arctan, cos, sin, sqrt, stop_gradient, trace, where
from normwise.sums import Moments
from tests.evaluation.frames import KINDS
from tests.oracles.textbook import TEXTBOOK
from tests.oracles.ulp import error_in_ulp
from tests.samples import REPRESENTATIVE, Case, kinks

SIZES = [
    5e-324,
    1e-310,
    1e-160,
    1e-30,
    1e-16,
    1e-8,
    1e-3,
    0.4999,
    0.999,
    1.0,
    1.7,
    19.0,
    41.0,
    709.0,
    746.0,
    1e30,
    1e307,
]
WAYS = {kind: kind for kind in KINDS}
EVERY = [(losses[name].formula, losses[name].parameters) for name in REPRESENTATIVE]


def values_by_row(
    kind: str, formula: Formula, parameters: Mapping[str, float], residuals: list[float]
) -> dict[float, float]:
    """The loss of each residual: a group of one row each, with a target of 0."""
    columns = {"row": [*range(len(residuals))], "t": [0.0] * len(residuals), "x": residuals}
    question = Question("t", ["x"], [(formula, parameters)], by=["row"])
    found = measure(nw.from_native(KINDS[kind](columns)), question)
    return {residuals[sums.key[0]]: sums.scores[0][0].finish("mean") for sums in found}


@pytest.mark.parametrize("kind", WAYS)
def test_each_loss_is_right_from_subnormal_to_huge_residuals(case: Case, kind: str) -> None:
    near = [kink * factor for kink in kinks(case) for factor in (1 - 1e-15, 1.0, 1 + 1e-15)]
    residuals = sorted({0.0, *near, *SIZES, *(-size for size in SIZES)})
    found = values_by_row(kind, case.loss.formula, case.parameters, residuals)
    wrong: list[str] = []
    with mpmath.workprec(4000):
        for r in residuals:
            true = TEXTBOOK[case.loss.name](mpmath.mpf(r), *map(mpmath.mpf, case.parameters.values()))
            rounded = float(true)
            # Rounding errors are relative to the largest of the numbers that are added: the residual.
            scale = max(abs(rounded), abs(r) if abs(r) > 1 and case.loss.name != "mse" else 0.0)
            bound = 8 * 2**-53 * scale + 2 * 5e-324
            same = found[r] == rounded if math.isinf(rounded) else abs(found[r] - rounded) <= bound
            if not same and not (r * r == 0.0 and abs(rounded) < 1e-300):
                wrong.append(f"{case}({r}) = {found[r]}, not {rounded}")
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("kind", WAYS)
def test_infinities_propagate(loss: Loss, kind: str) -> None:
    found = values_by_row(kind, loss.formula, loss.parameters, [math.inf, -math.inf, 1.0])
    assert (found[math.inf], found[-math.inf]) == (math.inf, math.inf)


ANGLES: Mapping[str, tuple[Formula, Any, float]] = {
    "sin": (trace(lambda x, t: sin(x - t)), mpmath.sin, math.nan),
    "cos": (trace(lambda x, t: cos(x - t)), mpmath.cos, math.nan),
    "arctan": (trace(lambda x, t: arctan(x - t)), mpmath.atan, math.pi / 2),
    "stop_gradient": (trace(lambda x, t: stop_gradient(x - t)), mpmath.mpf, math.inf),
}
"""Each with its oracle and its value at infinity."""


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("name", ANGLES)
def test_angles_are_right_to_a_few_ulp(name: str, kind: str, rng: np.random.Generator) -> None:
    formula, oracle, _ = ANGLES[name]
    drawn = rng.uniform(0.1, 1, 100) * 10.0 ** rng.integers(-3, 6, 100)
    sizes = [*SIZES, *drawn.tolist(), *(k * math.pi / 4 for k in (1, 2, 4, 50_000))]
    found = values_by_row(kind, formula, {}, [0.0, *sizes, *(-size for size in sizes)])
    with mpmath.workprec(1200):  # for sin(1e307)
        wrong = [
            f"{name}({r}) = {value}"
            for r, value in found.items()
            if not error_in_ulp(np.float64(value), oracle(mpmath.mpf(r))) <= 6
        ]
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("name", ANGLES)
def test_angles_at_infinity(name: str, kind: str) -> None:
    formula, _, expected = ANGLES[name]
    found = values_by_row(kind, formula, {}, [math.inf, -math.inf])
    np.testing.assert_array_equal([found[math.inf], found[-math.inf]], [expected, -expected])


@pytest.mark.parametrize("kind", WAYS)
def test_equal_infinities_have_no_residual(kind: str) -> None:
    columns = {"t": [math.inf, 1.0], "x": [math.inf, 2.0]}
    [sums] = measure(nw.from_native(KINDS[kind](columns)), Question("t", ["x"], EVERY))
    for moments in sums.scores[0]:
        assert (moments.count, math.isnan(moments.finish("mean"))) == (2, True)


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("weight", [None, "w"])
def test_a_row_that_misses_something_is_counted_and_left_out(kind: str, weight: str | None) -> None:
    nan = math.nan
    columns: Mapping[str, Any] = {
        "t": [1.0, nan, None, 4.0, 5.0, 6.0, 7.0],
        "x": [1.0, 2.0, 3.0, nan, None, 6.0, 7.0],
        "y": [1.0, 2.0, None, 4.0, 5.0, nan, 7.0],
        "w": [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, None],
    }
    # A loss of 1 everywhere but at 0 would count rows that are not there, were they not masked.
    always = trace(lambda x, t: where(abs(x - t) < 0.5, 1.0, 1.0 + abs(x - t)))
    question = Question("t", ["x", "y"], [(always, {})], weight=weight)
    [sums] = measure(nw.from_native(KINDS[kind](columns)), question)
    assert (sums.rows, sums.missing_target, sums.missing_predictions) == (7, 2, (2, 2))
    assert sums.missing_weight == (1 if weight else 0)
    complete = {None: (3, 4, 2), "w": (2, 3, 1)}[weight]
    counts = (sums.scores[0][0].count, sums.scores[1][0].count, sums.differences[0][0].count)
    assert counts == complete
    assert [each[0].finish("mean") for each in sums.scores] == [1.0, 1.0]


@pytest.mark.parametrize("kind", WAYS)
def test_integer_columns_are_computed_in_float64(kind: str) -> None:
    columns = {"t": [2**31 - 1, -(2**31)], "x": [-(2**31), 2**31 - 1]}
    [sums] = measure(nw.from_native(KINDS[kind](columns)), Question("t", ["x"], [(losses["mse"].formula, {})]))
    assert sums.scores[0][0].finish("mean") == float(2**32 - 1) ** 2


@pytest.mark.parametrize("kind", WAYS)
def test_a_formula_of_constants_alone_counts_its_rows(kind: str) -> None:
    [sums] = measure(
        nw.from_native(KINDS[kind]({"t": [1.0, 2.0, None], "x": [1.0, None, 1.0]})),
        Question("t", ["x"], [(trace(lambda x, t: 0 * x + 3.0), {})]),
    )
    assert (sums.scores[0][0].finish("mean"), sums.scores[0][0].count) == (3.0, 1)


def test_all_is_one_query() -> None:
    queries: list[Any] = []

    def collect(frame: Any) -> Any:
        queries.append(frame)
        return rows_of(frame)

    frame = nw.from_native(KINDS["duckdb"]({"t": [1.0, 2.0], "x": [2.0, 4.0], "y": [1.0, 1.0], "w": [1.0, 2.0]}))
    measure(frame, Question("t", ["x", "y"], EVERY, by=["w"], weight="w"), collect)
    assert len(queries) == 1


def test_sql_has_each_subexpression_once() -> None:
    texts: list[str] = []

    def collect(frame: Any) -> Any:
        texts.append(frame.to_native().sql_query())
        return rows_of(frame)

    x = trace(lambda x, t: sqrt(abs(x - t)) + 1 / sqrt(abs(x - t)) + where(sqrt(abs(x - t)) > 1, sqrt(abs(x - t)), 0))
    frame = nw.from_native(KINDS["duckdb"]({"t": [1.0, 2.0], "x": [2.0, 4.0], "y": [1.0, 1.0]}))
    log_cosh = losses["log_cosh"].formula, losses["log_cosh"].parameters
    measure(frame, Question("t", ["x", "y"], [(x, {}), log_cosh]), collect)
    counts = {name: texts[0].count(f"{name}(") for name in ("sqrt", "exp", "isfinite", "isnan")}
    assert counts == {"sqrt": 2, "exp": 4, "isfinite": 3, "isnan": 0}


def test_without_weights_no_weight_is_summed() -> None:
    texts: list[str] = []

    def collect(frame: Any) -> Any:
        texts.append(frame.to_native().sql_query())
        return rows_of(frame)

    frame = nw.from_native(KINDS["duckdb"]({"t": [1.0, 2.0], "x": [2.0, 4.0]}))
    measure(frame, Question("t", ["x"], [(losses["l1"].formula, {})]), collect)
    assert texts[0].count("sum(") == 2


@pytest.mark.parametrize("kind", WAYS)
def test_rows_without_a_key_are_a_group(kind: str) -> None:
    columns = {"g": ["a", None, "a", None, "b"], "t": [1.0] * 5, "x": [1.0, 2.0, 3.0, 4.0, 5.0]}
    found = measure(nw.from_native(KINDS[kind](columns)), Question("t", ["x"], [(losses["l1"].formula, {})], by=["g"]))
    means = {sums.key: sums.scores[0][0].finish("mean") for sums in found}
    assert means == {("a",): 1.0, ("b",): 4.0, (None,): 2.0}


numbers = st.none() | st.floats(-1e6, 1e6) | st.just(math.nan)
table = st.lists(st.tuples(numbers, numbers, numbers, st.none() | st.floats(0, 100)), min_size=2, max_size=30)


def close(a: Moments, b: Moments) -> None:
    assert a.count == b.count
    np.testing.assert_allclose(a.finish(), b.finish(), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(a.standard_error(), b.standard_error(), rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(table, st.data())
def test_the_sums_of_parts_merge_to_those_of_the_whole(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    schema = dict.fromkeys(("t", "x", "y", "w"), pl.Float64)
    question = Question("t", ["x", "y"], EVERY, weight="w")

    def sums_of(part: list[tuple[Any, ...]]) -> Sums:
        [sums] = measure(nw.from_native(pl.DataFrame(part, schema, orient="row")), question)
        return sums

    whole, merged = sums_of(rows), sums_of(rows[:cut]).merge(sums_of(rows[cut:]))
    bare = {"scores": (), "differences": ()}
    assert replace(whole, **bare) == replace(merged, **bare)
    for a, b in ((whole.scores, merged.scores), (whole.differences, merged.differences)):
        for some, others in zip(a, b, strict=True):
            for m, n in zip(some, others, strict=True):
                close(m, n)


def test_a_sql_engine_gets_numbers_that_are_no_literals() -> None:
    """Infinite and tiny parameters travel into the query."""
    huber = losses["huber"]
    relation = duckdb.sql("SELECT 0.0 AS t, 3.0 AS x")
    for delta, value in ((math.inf, 4.5), (1e-300, 3e-300)):
        [sums] = measure(nw.from_native(relation), Question("t", ["x"], [(huber.formula, {"delta": delta})]))
        assert sums.scores[0][0].finish("mean") == pytest.approx(value, rel=1e-15, abs=0)
