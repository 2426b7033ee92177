"""Norms and distances beside their rivals: torch, SciPy, scikit-learn, and NumKong where it is installed."""

import datetime
import functools
import importlib.util
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise as sklearn_pairwise
from sklearn.metrics._pairwise_distances_reduction import ArgKmin
from torch.linalg import vector_norm

import normwise
from benchmarks.measure import ROUNDS, interleaved
from benchmarks.memory import nearest_held
from benchmarks.peers import Rivals, disagreement
from benchmarks.targets import HUGE, NEAREST

NORMS = {10**4: (False, True), 10**6: (False, True), HUGE: (False,)}
"""Sizes, and whether with the gradient."""
LINES = ((64, 8), (2**20, 3), (2**20, 16), (2**18, 128), (2**12, 4096))
PAIRS = ((512, 1024, 128), (1024, 1024, 8), (4096, 4096, 64))
K = 10
"""How many nearest points are sought."""
PART = 2000
"""Points that the search is warmed up and checked with, on each side."""
FEW = 3
"""Rounds where rivals take seconds."""
TOLERANCE = 1e-3
"""How far rivals may be apart, relatively: torch sums in float32, and loses 2e-4 of a million numbers."""


class Case(NamedTuple):
    """One row to measure."""

    kind: str
    metric: str
    shape: tuple[int, ...]
    gradient: bool
    rivals: Callable[[], Rivals]
    figures: Callable[[Rivals], dict[str, float]] = lambda rivals: {}
    """What is told beside the seconds."""
    rounds: int = ROUNDS


class Metric(NamedTuple):
    """How a distance of all pairs is called, by us and by others."""

    parameters: dict[str, float]
    torch: dict[str, Callable[..., torch.Tensor]]
    arrays: dict[str, Callable[..., Any]]
    """Rivals that take NumPy arrays and have no gradients."""
    rounds: int = ROUNDS


def _cdist(p: float, mode: str = "donot_use_mm_for_euclid_dist") -> Callable[..., torch.Tensor]:
    return functools.partial(torch.cdist, p=p, compute_mode=mode)


def _numkong(a: np.ndarray, b: np.ndarray) -> Any:
    import numkong

    return numkong.cdist(a, b, "euclidean")


METRICS = {
    "l1": Metric(
        {},
        {"torch exact": _cdist(1.0)},
        {
            "SciPy": functools.partial(cdist, metric="cityblock"),
            "scikit-learn": sklearn_pairwise.manhattan_distances,
        },
    ),
    "l2": Metric(
        {},
        {"torch exact": _cdist(2.0), "torch mm": _cdist(2.0, "use_mm_for_euclid_dist_if_necessary")},
        {
            "SciPy": functools.partial(cdist, metric="euclidean"),
            "scikit-learn": sklearn_pairwise.euclidean_distances,
            **({"NumKong": _numkong} if importlib.util.find_spec("numkong") else {}),
        },
    ),
    "lp": Metric(
        {"p": 3.0},
        {"torch exact": _cdist(3.0)},
        {"SciPy": functools.partial(cdist, metric="minkowski", p=3.0)},
        rounds=FEW,
    ),
}
LEFT_OUT = {("SciPy", "lp", PAIRS[-1])}
"""Takes ten seconds a call."""
SEARCHES = {"l1": ("manhattan", 1), "l2": ("euclidean", 2)}
"""What scikit-learn calls the metric, and how many rounds: a call takes seconds, or tens of seconds."""


def cases(quick: bool) -> Iterator[Case]:
    """Yield all rows, those on the same data together."""
    for size, whether in NORMS.items():
        for p, gradient in product((1.0, 2.0, 3.0, math.inf), whether):
            if size < HUGE or not quick:
                rivals = functools.partial(norm, p, size, gradient)
                figures = functools.partial(relative_errors, p, size)
                yield Case("norm", f"p = {p:g}", (size,), gradient, rivals, figures)
    for shape in LINES[:1]:
        for p, gradient in product((1.0, 2.0, 3.0, math.inf), (False, True)):
            rivals = functools.partial(norm_of_rows, p, shape, gradient)
            yield Case("norm", f"p = {p:g}, rows", shape, gradient, rivals)
    for shape in LINES:
        for p, gradient in product((1.0, 2.0, 3.0), (False, True)):
            rivals = functools.partial(distance, p, shape, gradient)
            yield Case("distance", f"p = {p:g}", shape, gradient, rivals)
    for shape in PAIRS[:-1] if quick else PAIRS:
        for (name, metric), gradient in product(METRICS.items(), (False, True)):
            rivals = functools.partial(pairwise, name, shape, gradient)
            yield Case("pairwise", name, shape, gradient, rivals, rounds=metric.rounds)
    shape = (10_000, 10_000, 16) if quick else NEAREST
    for name, (_, rounds) in SEARCHES.items():
        rivals, held = functools.partial(nearest, name, shape), functools.partial(megabytes, name, shape)
        yield Case("nearest", name, shape, False, rivals, held, rounds)


def measured(case: Case) -> dict[str, Any]:
    """Return the row of a case."""
    rivals = case.rivals()
    if (off := disagreement(rivals)) > TOLERANCE:
        warnings.warn(f"the rivals differ by {off:.1e}: {case}", stacklevel=1)
    return {
        "kind": case.kind,
        "metric": case.metric,
        "dtype": "float32",
        "shape": [*case.shape],
        "gradient": case.gradient,
        "seconds": interleaved(rivals, rounds=case.rounds),
        "figures": case.figures(rivals),
        "date": datetime.date.today().isoformat(),
    }


@functools.lru_cache(maxsize=1)
def points(*shapes: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
    """Return data of some shapes."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def norm(p: float, size: int, gradient: bool) -> Rivals:
    """Return the norms of one order, and torch's of order 2, which is its quickest."""
    run, data = RUNS[gradient], points((size,))
    rivals = {
        "normwise": run(lambda x: normwise.norm(x, p), data),
        "torch": run(lambda x: vector_norm(x, p), data),
        "torch L2": run(lambda x: vector_norm(x, 2), data),
    }
    unlike = ("torch L2",) if size < HUGE else ("torch", "torch L2")  # `relative_errors` tells how far it is off
    for name in unlike:
        del rivals[name].check
    return rivals


def norm_of_rows(p: float, shape: tuple[int, int], gradient: bool) -> Rivals:
    """Return the norms of the rows of an array."""
    run, data = RUNS[gradient], points(shape)
    return {
        "normwise": run(lambda x: normwise.norm(x, p, dim=1), data),
        "torch": run(lambda x: vector_norm(x, p, dim=1), data),
    }


def relative_errors(p: float, size: int, rivals: Rivals) -> dict[str, float]:
    """Return how far from the norm in float64 they are that compute it."""
    parts = points((size,))[0].split(2**22)
    norms = torch.stack([vector_norm(part.double(), p) for part in parts])
    exact = vector_norm(norms, p).item()
    return {f"{name} error": abs(rivals[name]().item() / exact - 1) for name in ("normwise", "torch")}


def distance(p: float, shape: tuple[int, int], gradient: bool) -> Rivals:
    """Return the distances of the rows of two arrays."""
    functions = {"normwise": normwise.distance, "torch": torch.nn.functional.pairwise_distance}
    data = points(shape, shape)
    return {name: RUNS[gradient](functools.partial(f, p=p), data) for name, f in functions.items()}


def pairwise(name: str, shape: tuple[int, int, int], gradient: bool) -> Rivals:
    """Return the distances of all pairs of two sets; NumPy's libraries have no gradients."""
    n, m, features = shape
    metric, data = METRICS[name], points((n, features), (m, features))
    ours = functools.partial(normwise.pairwise, metric=name, **metric.parameters)
    rivals = {who: RUNS[gradient](function, data) for who, function in {"normwise": ours, **metric.torch}.items()}
    if not gradient:
        arrays = [x.numpy() for x in data]
        for who, function in metric.arrays.items():
            if (who, name, shape) not in LEFT_OUT:
                rivals[who] = alone(function, arrays)
    return rivals


def nearest(name: str, shape: tuple[int, int, int]) -> Rivals:
    """Return the searches for the nearest points, on NumPy arrays; they are warmed up and checked with a part."""
    n, m, features = shape
    a, b = (x.numpy() for x in points((n, features), (m, features)))
    theirs = SEARCHES[name][0]

    def by_sklearn(a: np.ndarray, b: np.ndarray) -> Any:
        return ArgKmin.compute(a, b, K, metric=theirs, metric_kwargs={}, return_distance=True)

    functions = {"normwise": lambda a, b: normwise.nearest(a, b, K, name), "scikit-learn": by_sklearn}
    rivals: Rivals = {}
    for who, function in functions.items():
        run = alone(function, (a, b))
        run.check = run.warm = alone(lambda a, b, f=function: f(a, b)[0], (a[:PART], b[:PART])).check
        rivals[who] = run
    return rivals


def megabytes(name: str, shape: tuple[int, int, int], _: Rivals) -> dict[str, float]:
    """Return how much memory our search takes beyond its inputs."""
    return {"megabytes": nearest_held(name, *shape, K)}


def alone(function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    """Return a call, with a check of what it computes."""

    def run() -> Any:
        return function(*arrays)

    run.check = lambda: torch.as_tensor(np.asarray(run())).flatten()  # type: ignore[attr-defined]
    return run


def with_gradients(function: Callable[..., torch.Tensor], arrays: Sequence[torch.Tensor]) -> Any:
    """Return a call with the gradients of its sum, and a check of all of them."""
    leaves = [x.clone().requires_grad_() for x in arrays]

    def run() -> torch.Tensor:
        for leaf in leaves:
            leaf.grad = None
        value = function(*leaves)
        total = value.sum() if value.ndim else value
        total.backward()
        return total

    def check() -> torch.Tensor:
        """The sum, and of each gradient what the sums of distances do not cancel."""
        told = [run().detach()]
        for leaf in leaves:
            gradient = leaf.grad.double()  # type: ignore[union-attr]
            told += [gradient.abs().sum(), (gradient * leaf.detach()).sum()]
        return torch.stack([value.double() for value in told])

    run.check = check  # type: ignore[attr-defined]
    return run


RUNS = {False: alone, True: with_gradients}
