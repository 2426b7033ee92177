"""What tests and doctests share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def catalogue() -> Iterator[None]:
    """Whatever a test or an example adds to the catalogue is gone after it."""
    import normwise

    before = dict(normwise.losses)
    yield
    normwise.losses.clear()
    normwise.losses.update(before)


collect_ignore = ["tests/typing"]
"""Calls that are to be judged by type checkers, and not to be run."""
