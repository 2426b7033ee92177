"""A plugin of pytest that puts normwise's functions in the place of SciPy's and scikit-learn's.

It does so before the peers' tests import them, in a process of its own: nothing else is to see what it replaces.
"""

import importlib
from typing import Any

import pytest

from tests.peers import scipy_distances, sklearn_regression
from tests.peers.differences import DIFFERENCES

HOMES = {
    scipy_distances: ("scipy.spatial.distance",),
    sklearn_regression: ("sklearn.metrics", "sklearn.metrics._regression"),
}


_PATCH = pytest.MonkeyPatch()


def pytest_configure() -> None:
    for adapter, homes in HOMES.items():
        for name, function in adapter.replacements().items():
            for home in homes:
                _PATCH.setattr(importlib.import_module(home), name, function)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _PATCH.undo()  # the tests have imported ours by now; what the peers call among themselves is theirs again
    foreign = [item for item in items if _is_foreign(item)]
    config.hook.pytest_deselected(items=foreign)
    items[:] = [item for item in items if item not in set(foreign)]
    by_place = {(item.module.__name__, item.name): item for item in items}  # type: ignore[attr-defined]
    for module, reasons in DIFFERENCES.items():
        if module not in {item.module.__name__ for item in items}:  # type: ignore[attr-defined]
            continue
        for name, reason in reasons.items():
            if (module, name) not in by_place:
                raise pytest.UsageError(f"{module} has no test {name}: take it from the list of differences")
            by_place[module, name].add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _is_foreign(item: pytest.Item) -> bool:
    """Whether a test is of a metric of scikit-learn's that is none of regression."""
    every: dict[str, Any] = getattr(item.module, "ALL_METRICS", {})  # type: ignore[attr-defined]
    own: dict[str, Any] = getattr(item.module, "REGRESSION_METRICS", {})  # type: ignore[attr-defined]
    if not hasattr(item, "callspec"):
        return False
    foreign = [*(every.keys() - own.keys()), *(metric for name, metric in every.items() if name not in own)]
    return any(value in foreign for value in item.callspec.params.values() if callable(value) or isinstance(value, str))
