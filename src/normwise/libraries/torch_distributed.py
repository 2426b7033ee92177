"""torch's distributed tensors: one tensor in parts on several ranks, whose sums are those of all ranks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch


def on_one_mesh(arrays: Sequence[Any]) -> list[Any]:
    """Return tensors and None as they are; beside a distributed tensor plain ones as the same on all of its ranks.

    Gradients flow to them, summed over the ranks.
    """
    distributed = sys.modules.get("torch.distributed.tensor")
    first = None if distributed is None else next((a for a in arrays if isinstance(a, distributed.DTensor)), None)
    if distributed is None or first is None:
        return list(arrays)
    everywhere = [distributed.Replicate()] * first.device_mesh.ndim

    def spread(array: Any) -> Any:
        if isinstance(array, distributed.DTensor) or not isinstance(array, torch.Tensor):
            return array
        return distributed.DTensor.from_local(array, first.device_mesh, everywhere, run_check=False)

    return [spread(array) for array in arrays]


def number(total: torch.Tensor) -> float:
    """Return a sum as a number: of a distributed tensor that over all ranks, of which each takes part."""
    over_ranks = getattr(total, "full_tensor", None)
    return float(total if over_ranks is None else over_ranks())
