"""The public path of `convert`, which lives in `normwise.explanation.convert`."""

from normwise.explanation.convert import convert, from_torch

__all__ = ["convert", "from_torch"]
