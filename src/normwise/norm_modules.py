"""Where pickles of version 0.1 look for what lives in `normwise.nn.norms` now."""

from normwise.nn.norms import DistanceMatrix, Norm, PairwiseDistance

__all__ = ["DistanceMatrix", "Norm", "PairwiseDistance"]
