"""What all tests share: the kernels' folder, and parametrisation over the catalogue."""

import os
import time
from pathlib import Path

import numpy as np
import platformdirs
import pytest

_KEPT_DAYS = 14

# The kernels of tests are kept between runs, apart from the user's own and outside any clone. That is safe: a kernel's
# name is a hash of all that its code depends on.
os.environ.setdefault("NORMWISE_CACHE_DIR", str(Path(platformdirs.user_cache_dir("normwise-tests")) / "kernels"))

# Two workers share the cores: OpenMP threads that spin while they wait would take them from the other worker. torch
# reads it when it is loaded, which is later.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_unconfigure() -> None:
    """Delete old kernels: those of code that has changed since are never read again."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        oldest = time.time() - _KEPT_DAYS * 24 * 3600
        for path in Path(os.environ["NORMWISE_CACHE_DIR"]).glob("*.kernel"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


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
