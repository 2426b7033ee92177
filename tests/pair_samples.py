"""Points, and their distances as SciPy computes them."""

from typing import Any

import torch
from scipy.spatial.distance import cdist

SCIPY: dict[str, tuple[str, dict[str, float]]] = {
    "l1": ("cityblock", {}),
    "l2": ("euclidean", {}),
    "sqeuclidean": ("sqeuclidean", {}),
    "linf": ("chebyshev", {}),
    "canberra": ("canberra", {}),
    "braycurtis": ("braycurtis", {}),
    "cosine": ("cosine", {}),
    "lp": ("minkowski", {"p": 3}),
}
"""The metrics that SciPy has too, its name and the order."""


def points(n: int, d: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(n, d, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def order(metric: str) -> dict[str, float]:
    return SCIPY[metric][1]


def by_scipy(a: Any, b: Any, metric: str) -> torch.Tensor:
    name, keywords = SCIPY[metric]
    return torch.from_numpy(cdist(a, b, name, **keywords))
