"""What torch's cases need of pytest."""

import random
from collections.abc import Iterator

import pytest
import torch

REASONS = (
    # torch itself calls it when forward-mode differentiation is first used.
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning",
    # torch says so of its own sample inputs.
    "ignore:ComplexHalf support is experimental:UserWarning",
    # torch's own losses, where it is asked for the outcome with shapes that differ.
    "ignore:Using a target size:UserWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "torch_cases" in item.path.parts:
            for reason in REASONS:
                item.add_marker(pytest.mark.filterwarnings(reason))


@pytest.fixture(autouse=True)
def _same_samples() -> Iterator[None]:
    """torch draws its samples with the global generators: the same in any order of the tests, and none the wiser."""
    state = random.getstate()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20240611)
        random.seed(20240611)
        yield
    random.setstate(state)
