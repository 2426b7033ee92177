"""torch's own losses, for those of the catalogue that torch has."""

from collections.abc import Callable, Mapping
from typing import Any

import torch.nn.functional as F

TORCH: Mapping[str, Callable[..., Any]] = {
    "l1": F.l1_loss,
    "mse": F.mse_loss,
    "smooth_l1": F.smooth_l1_loss,
    "huber": F.huber_loss,
}
