"""What a loss is: its formula, its shape, its traits, and what other libraries call it."""

from normwise.explanation.explain import Explanation, explain

__all__ = ["Explanation", "explain"]
