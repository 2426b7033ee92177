"""Tables of errors: losses of predictions in data frames and files, with standard errors, by group."""

from normwise.evaluation.evaluate import evaluate
from normwise.evaluation.result import Difference, Evaluation, Group, Missing, Score

__all__ = ["Difference", "Evaluation", "Group", "Missing", "Score", "evaluate"]
