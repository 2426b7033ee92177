"""Where pickles of version 0.1 look for what lives in `normwise.nn.adaptive` now."""

from normwise.nn.adaptive import AdaptiveBarronLoss

__all__ = ["AdaptiveBarronLoss"]
