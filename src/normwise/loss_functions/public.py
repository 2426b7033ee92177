"""What makes the public function of a loss, for those who hand a call on to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from normwise.catalogue import Loss

FUNCTIONS: dict[str, Callable[[Loss], Callable[..., Any]]] = {}
"""``"call"`` is of a loss; `normwise.functional`, which stands above whoever computes, enters it."""
