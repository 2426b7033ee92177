"""What all tests share: the kernels' folder, and parametrisation over the catalogue."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import numpy as np
import pytest

_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not _WORKER:
    # One folder for all workers of a session, which inherit the environment; the user's own cache is left alone.
    os.environ["NORMWISE_CACHE_DIR"] = tempfile.mkdtemp(prefix="normwise-tests-")


def pytest_unconfigure() -> None:
    if not _WORKER:
        shutil.rmtree(os.environ["NORMWISE_CACHE_DIR"], ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `loss` runs for every loss; one that takes `case`, for samples of its parameters."""
    import normwise
    from tests.samples import cases

    if "loss" in metafunc.fixturenames:
        metafunc.parametrize("loss", normwise.losses.values(), ids=list(normwise.losses))
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases(), ids=str)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240611)


@pytest.fixture
def catalogue() -> Iterator[None]:
    """Whatever a test adds to the catalogue is gone after it."""
    import normwise

    before = dict(normwise.losses)
    yield
    normwise.losses.clear()
    normwise.losses.update(before)
