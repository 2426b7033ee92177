"""Norms, and distances of pairs of arrays."""

from normwise.norms.api import distance, l1_norm, l2_norm, norm

__all__ = ["distance", "l1_norm", "l2_norm", "norm"]
