"""Every loss, its slope and its curvature, against the textbook in hundreds of digits, where that is hard."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from normwise.catalogue import BUILT_IN, Loss, losses
from normwise.engines import passes
from normwise.libraries.arrays import MEMORY
from tests.catalogue.accuracy import REALS, ULP, by_arrays, errors, formulas
from tests.catalogue.points import parameter_cases, points
from tests.oracles.textbook import TEXTBOOK
from tests.samples import Array, Case, cases_of, pointwise

KNOWN = [loss for loss in pointwise() if loss.name in TEXTBOOK]


def by_kernel(case: Case, arrays: Mapping[str, Array]) -> list[Array]:
    given = [arrays[name] for name in case.loss.formula.arrays]
    results = [np.empty_like(given[0]) for _ in ULP]
    passes.mapping(*formulas(case.loss)).run(MEMORY, given, results, list(map(float, case.parameters.values())), 1.0)
    return results


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("known", KNOWN, ids=lambda loss: loss.name)
def test_value_slope_and_curvature_are_the_books(known: Loss, dtype: str) -> None:
    """By the kernel, which computes all three at once; in float64 by NumPy's operations too."""
    real = REALS[dtype]
    for case in cases_of(known):
        given = case.of(real)
        arrays = points(given, real)
        computed = [by_kernel(given, arrays), *([by_arrays(given, arrays)] if real is np.float64 else [])]
        wrong = [str(error) for error in errors(given, arrays, computed) if error.ulp > ULP[error.order]]
        assert not wrong, "\n".join(wrong)


@pytest.mark.long
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(
    "known", [loss for loss in KNOWN if set(loss.parameters) - loss.flags], ids=lambda loss: loss.name
)
def test_they_are_at_the_ends_and_scales_of_every_parameter(known: Loss, dtype: str) -> None:
    """By NumPy's operations and by the kernel, which has the same formulas."""
    for case, arrays in parameter_cases(known, REALS[dtype]):
        wrong = [
            str(error)
            for error in errors(case, arrays, [by_arrays(case, arrays), by_kernel(case, arrays)])
            if error.ulp > ULP[error.order]
        ]
        assert not wrong, "\n".join(wrong)


PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"


def test_the_page_has_every_loss_within_the_bounds() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    assert {name.strip(" `") for name, *_ in rows} == set(BUILT_IN)
    bounds = [*ULP.values()] * len(REALS)
    for name, *found in rows:
        assert all(float(error) <= bound for error, bound in zip(found, bounds, strict=True)), name


def test_an_error_is_seen_and_counted_in_ulp() -> None:
    """The measure itself, on results that are wrong by a known amount."""
    known = Case(losses["huber"], {"delta": 2.0})
    arrays = {"x": np.array([1.5, -3.0, 0.0]), "t": np.zeros(3)}
    value, slope, curvature = by_arrays(known, arrays)
    assert list(errors(known, arrays, [[value, slope, curvature]])) == []
    moved = value * (1 + 80 * np.finfo(float).eps)
    wrong = [moved, np.where(slope == 1.5, math.nan, slope), curvature + np.array([0, 1e-9, 0])]
    found = list(errors(known, arrays, [wrong]))
    assert [(error.order, error.point["x"]) for error in found] == [
        ("value", 1.5),
        ("slope", 1.5),
        ("value", -3.0),
        ("curvature", -3.0),
    ]
    assert 60 < found[0].ulp < 100
    assert math.isinf(found[1].ulp)
