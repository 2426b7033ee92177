"""The one check of torch's tensors, for losses, norms and pairs: what they are, how they lie, and on which device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from normwise.checks import check_array, check_device, refuse_layout

Tensor = torch.Tensor


def check_tensors(function: str, named: Mapping[str, Any]) -> None:
    """Raise where an argument is no tensor, has no elements one by one, or is on another device than the first.

    A number in a tensor of the CPU may stand beside any, as in torch.
    """
    head, first = next(iter(named.items()))
    for name, array in named.items():
        check_array(function, name, array, isinstance(array, Tensor), "a torch tensor")
        check_layout(function, name, array)
        device = array.device
        same = device == first.device or (device.type == "cpu" and array.ndim == 0)
        check_device(function, name, device, head, first.device, same)


def check_layout(function: str, name: str, array: Tensor) -> None:
    """Raise `LayoutError` where a tensor does not lie in memory element by element, or has no shape."""
    if array.is_nested or array.layout is not torch.strided:
        refuse_layout(function, name, array.layout, array.is_nested)
