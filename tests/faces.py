"""The three kinds of arrays that a loss takes, and what it answers in."""

from collections.abc import Callable, Mapping
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch

FACES: Mapping[str, Callable[[torch.Tensor], Any]] = {
    "torch": lambda a: a,
    "numpy": np.asarray,
    "strict": lambda a: array_api_strict.asarray(a.numpy()),
}
"""A tensor as the same numbers in each kind; the strict one is held to the letter of the array API."""

# array_api_strict has no way to silence NumPy beneath it.
unsilenced = pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")


def agree(found: Any, expected: torch.Tensor, **tolerance: float) -> None:
    """Assert that an answer in any kind is close to a tensor, nan where it is nan."""
    found = found.detach() if isinstance(found, torch.Tensor) else torch.as_tensor(np.asarray(found))
    torch.testing.assert_close(found, expected.detach(), equal_nan=True, **tolerance)
