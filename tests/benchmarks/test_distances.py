"""Norms and distances are measured against equals, told in tables, and kept with the day they were measured on."""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from benchmarks import distances
from benchmarks.memory import nearest_held
from benchmarks.peers import Rivals, disagreement
from benchmarks.results import dates, elsewhere, merged
from benchmarks.table import rendered
from benchmarks.targets import verdicts

DAY, BEFORE = "2026-11-25", "2026-11-23"
SMALL: dict[str, Callable[[], Rivals]] = {
    "3-norm": functools.partial(distances.norm, 3.0, 1000, True),
    "distance": functools.partial(distances.distance, 2.0, (40, 16), True),
    "pairwise l1": functools.partial(distances.pairwise, "l1", (6, 7, 5), False),
    "pairwise l2": functools.partial(distances.pairwise, "l2", (6, 7, 5), False),
    "pairwise lp": functools.partial(distances.pairwise, "lp", (6, 7, 5), False),
    "pairwise l2 with gradients": functools.partial(distances.pairwise, "l2", (6, 7, 5), True),
    "nearest": functools.partial(distances.nearest, "l2", (60, 50, 4)),
}


@pytest.mark.parametrize("of", SMALL)
def test_rivals_compute_the_same(of: str) -> None:
    rivals = SMALL[of]()
    told = [name for name, function in rivals.items() if hasattr(function, "check")]
    assert len(told) == len(rivals) - (of == "3-norm")  # whose rival of order 2 computes another norm
    assert disagreement(rivals) < 1e-5


def test_rivals_that_differ_are_noticed() -> None:
    for gradient in (False, True):
        rivals = distances.distance(2.0, (40, 16), gradient)
        rivals["torch"] = distances.distance(1.0, (40, 16), gradient)["torch"]
        assert disagreement(rivals) > 1e-1


def test_a_wrong_gradient_is_noticed() -> None:
    def reversed_gradient(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        value = torch.nn.functional.pairwise_distance(a, b)
        return 2 * value.detach() - value

    rivals = distances.distance(2.0, (40, 16), gradient=True)
    rivals["torch"] = distances.with_gradients(reversed_gradient, distances.points((40, 16), (40, 16)))
    assert disagreement(rivals) > 1e-1


def test_errors_are_relative_to_float64() -> None:
    exact = np.linalg.norm(distances.points((1000,))[0].numpy().astype(np.float64))
    off = {"normwise": lambda: torch.tensor(exact * 1.5), "torch": lambda: torch.tensor(exact * 0.75)}
    told = distances.relative_errors(2.0, 1000, off)
    assert told == pytest.approx({"normwise error": 0.5, "torch error": 0.25})


def test_a_row_tells_what_was_measured() -> None:
    case = next(case for case in distances.cases(quick=True) if case.kind == "pairwise" and not case.gradient)
    rivals = functools.partial(distances.pairwise, "l1", (6, 7, 5), False)
    with warnings.catch_warnings(action="error"):
        row = distances.measured(case._replace(shape=(6, 7, 5), rivals=rivals, rounds=1))
    assert (row["kind"], row["metric"], row["shape"], row["gradient"]) == ("pairwise", "l1", [6, 7, 5], False)
    assert {"normwise", "torch exact", "SciPy", "scikit-learn"} <= set(row["seconds"])


def test_every_row_is_measured_once() -> None:
    about = [(case.kind, case.metric, case.shape, case.gradient) for case in distances.cases(quick=False)]
    assert len(about) == len(set(about))
    assert {kind for kind, *_ in about} == {"norm", "distance", "pairwise", "nearest"}
    assert ("norm", "p = inf", (10**8,), False) in about


def test_a_search_is_called_once_a_round_after_a_part_of_it() -> None:
    calls: list[str] = []
    rival: Any = functools.partial(calls.append, "whole")
    rival.warm = functools.partial(calls.append, "part")
    distances.interleaved({"a": rival}, rounds=2)
    assert calls == ["part", "whole", "whole"]


def test_the_search_holds_its_result_and_no_matrix() -> None:
    held = nearest_held("l2", 10_000, 10_000, 16, 10)
    result, matrix = 10_000 * 10 * 12 / 1e6, 1e8 * 4 / 1e6
    assert result * 0.9 < held < matrix / 4


def row(
    kind: str, metric: str, shape: list[int], gradient: bool, rivals: dict[str, float], **figures: float
) -> dict[str, Any]:
    seconds = {name: {"median": seconds} for name, seconds in {"normwise": 1.0, **rivals}.items()}
    about = {"kind": kind, "metric": metric, "dtype": "float32", "shape": shape, "gradient": gradient}
    return {**about, "seconds": seconds, "figures": figures, "date": DAY}


def made_up(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "rows": [],
        "distances": [*rows],
        "machine": {"processor": "a processor", "cores": 2},
        "versions": {"torch": "2.13.0", "scipy": "1.17.1"},
        "date": BEFORE,
        "memory": {},
        "cold start": {
            "import normwise": {"median": 0.01},
            "first call, torch loaded, kernels on disk": {"median": 0.05},
        },
    }


NEAREST = [100_000, 100_000, 16]
ROWS = (
    row(
        "norm",
        "p = 1",
        [10**8],
        False,
        {"torch": 2.5, "torch L2": 1.25},
        **{"normwise error": 2e-8, "torch error": 0.3},
    ),
    row("distance", "p = 2", [2**20, 16], False, {"torch": 7.0}),
    row("distance", "p = 2", [2**20, 16], True, {"torch": 6.0}),
    row("pairwise", "l1", [1024, 1024, 8], False, {"torch exact": 12.0, "SciPy": 20.0}),
    row("nearest", "l1", NEAREST, False, {"scikit-learn": 9.0}, megabytes=120.0),
    row("nearest", "l2", NEAREST, False, {"scikit-learn": 0.8}, megabytes=130.0),
)


def test_the_tables_tell_the_ratios_and_the_day() -> None:
    lines = rendered(made_up(*ROWS)).splitlines()
    for line in (
        "| against torch, float32 | p = 1 | p = 2 |",
        "| norm, 10^8 | 2.5x |  |",
        "| norm, 10^8: relative error, normwise / torch | 2e-08 / 3e-01 |  |",
        "| distance, 2^20 x 16 |  | 7.0x / 6.0x |",
        "| points x points x features | pairwise, 1024 x 1024 x 8 | nearest, 10^5 x 10^5 x 16 |",
        "| l1 against SciPy | 20.0x |  |",
        "| l1 against scikit-learn |  | 9.0x |",
        "| l2 against scikit-learn |  | 0.80x |",
    ):
        assert line in lines
    assert "take 130 MB beyond the inputs. SciPy 1.17.1, 2026-11-25." in lines[-1]


def test_results_without_distances_have_no_table_and_no_verdict_of_them() -> None:
    older = made_up()
    del older["distances"]
    assert "float32 | p = 1" not in rendered(older)
    assert {what for what, *_ in verdicts(older)} <= set(older["cold start"])


@pytest.mark.parametrize(
    ("what", "met", "missed"),
    [
        ("1-norm of 10^8 against torch's 2-norm", ROWS[0], {"torch L2": 0.9}),
        ("distance, p = 2, 2^20 x 16, forward and backward, against torch", ROWS[2], {"torch": 2.9}),
        ("pairwise l1, 1024 x 1024 x 8, against SciPy", ROWS[3], {"SciPy": 7.9}),
        ("nearest l1 against scikit-learn's ArgKmin", ROWS[4], {"scikit-learn": 4.9}),
        ("nearest l2, share of scikit-learn's ArgKmin", ROWS[5], {"scikit-learn": 0.6}),
        ("1-norm of 10^8, relative error", ROWS[0], {"normwise error": 2e-7}),
        ("nearest l2, megabytes", ROWS[5], {"megabytes": 301.0}),
    ],
)
def test_a_missed_aim_is_said(what: str, met: dict[str, Any], missed: dict[str, float]) -> None:
    seconds = {name: {"median": missed.get(name, given["median"])} for name, given in met["seconds"].items()}
    figures = {name: missed.get(name, given) for name, given in met["figures"].items()}
    for measured, expected in ((met, True), ({**met, "seconds": seconds, "figures": figures}, False)):
        said = {what: is_met for what, _, _, is_met in verdicts(made_up(measured))}
        assert said[what] is expected


def test_rows_measured_again_take_their_places_and_each_keeps_its_date() -> None:
    loss = {"loss": "l1", "kind": "small", "seconds": {"normwise": {"median": 1.0}}}
    kept = {**made_up(ROWS[0], ROWS[1]), "rows": [loss]}
    again = {**row("norm", "p = 1", [10**8], False, {"torch": 3.0}, **{"torch error": 0.4}), "date": "2026-11-27"}
    whole = merged(kept, made_up(again, ROWS[3]))
    assert whole["distances"] == [again, ROWS[1], ROWS[3]]
    assert whole["rows"] == [{**loss, "date": BEFORE}]
    assert whole["date"] == BEFORE
    assert dates(whole, whole["distances"]) == f"{DAY} to 2026-11-27"
    assert dates(whole, whole["rows"]) == BEFORE


def test_results_of_another_machine_or_version_are_not_mixed() -> None:
    now = made_up()
    assert elsewhere(made_up(), now) == []
    now["machine"] = {**now["machine"], "cores": 64}
    now["versions"] = {**now["versions"], "torch": "2.14.0", "numkong": "7.8.6"}
    assert elsewhere(made_up(), now) == ["cores 2, now 64", "torch 2.13.0, now 2.14.0"]


def test_scipy_and_the_rivals_see_the_same_points() -> None:
    a, b = (x.double().numpy() for x in distances.points((6, 5), (7, 5)))
    for function in distances.pairwise("lp", (6, 7, 5), False).values():
        np.testing.assert_allclose(np.asarray(function()), cdist(a, b, "minkowski", p=3), rtol=1e-5)


def test_the_infinite_norm_has_a_row_of_rivals() -> None:
    rivals = distances.norm(math.inf, 1000, False)
    largest = distances.points((1000,))[0].abs().max().item()
    assert [rivals[name]().item() for name in ("normwise", "torch")] == [largest, largest]
