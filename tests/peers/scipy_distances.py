"""SciPy's distances with normwise's in place of theirs: the same arguments, and the same answers to be."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.spatial.distance as scipy_distance

import normwise

NAMES = ("braycurtis", "canberra", "chebyshev", "cityblock", "cosine", "euclidean", "minkowski", "sqeuclidean")
"""The metrics that both have, by SciPy's names, which normwise takes too."""

ORDERS = {"chebyshev": np.inf, "cityblock": 1, "euclidean": 2}
"""Those that are norms of a difference, beside that of any order."""


def replacements() -> dict[str, Callable[..., Any]]:
    """Return the functions that take the place of those of ``scipy.spatial.distance``, by their names."""
    of_two = {name: _of_two(name) for name in NAMES}
    names = {function: name for name, function in of_two.items()}
    return {
        **of_two,
        "cdist": _of_all(scipy_distance.cdist, 2, names),
        "pdist": _of_all(scipy_distance.pdist, 1, names),
    }


def _of_two(name: str) -> Callable[..., Any]:
    """The distance of two points. SciPy says first what it has to say of the arguments."""
    theirs = getattr(scipy_distance, name)

    @functools.wraps(theirs)
    def ours(*arguments: Any, **keywords: Any) -> Any:
        expected = theirs(*arguments, **keywords)
        given = inspect.signature(theirs).bind(*arguments, **keywords).arguments
        u, v, w = (None if given.get(side) is None else np.asarray(given[side]) for side in "uvw")
        p = given.get("p", 2) if name == "minkowski" else ORDERS.get(name)
        found = normwise.pairwise(u, v, name, weight=w) if p is None else normwise.distance(u, v, p, weight=w)
        return float(found) if type(expected) is float else found

    return ours


def _of_all(theirs: Callable[..., Any], sides: int, names: Mapping[Any, str]) -> Callable[..., Any]:
    """The distances of all pairs, in the float64 that SciPy computes them in."""

    @functools.wraps(theirs)
    def ours(*arguments: Any, **keywords: Any) -> Any:
        given = inspect.signature(theirs).bind(*arguments, **keywords)
        given.apply_defaults()
        points, (metric, out, further) = given.args[:sides], list(given.arguments.values())[sides:]
        metric = names.get(metric, metric) if callable(metric) else metric
        found = theirs(*points, metric, out=out, **further)
        if metric not in NAMES:
            return found
        about = {} if further.get("w") is None else {"weight": np.asarray(further["w"], float)}
        if metric == "minkowski":
            about["p"] = further.get("p", 2)
        distances = normwise.pairwise(*(np.asarray(side, float) for side in points), metric=metric, **about)
        found[...] = distances if sides == 2 else distances[np.triu_indices(len(distances), 1)]
        return found

    return ours
