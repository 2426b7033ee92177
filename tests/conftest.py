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
    """A test of the machinery runs for the representative losses, one of the catalogue for every loss.

    The former takes `loss`, or `case` for samples of its parameters; the latter `every_loss` or `every_case`.
    """
    import normwise
    from tests.samples import cases, every_case, representative

    losses = {"loss": representative, "every_loss": normwise.losses.values}
    for name, members in losses.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, members(), ids=lambda loss: loss.name)
    for name, members in {"case": cases, "every_case": every_case}.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, members(), ids=str)


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
