"""Distances of all pairs of two sets of points."""

from normwise.pairs.api import nearest, pairwise
from normwise.pairs.call import Nearest

__all__ = ["Nearest", "nearest", "pairwise"]
