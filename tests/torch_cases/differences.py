"""Where normwise differs from torch on purpose: the one table of it, and how outcomes are compared under it.

The numbers are those of the project's list of deliberate differences; the 8th came with torch's likelihoods. A row says
what torch would answer if it did not differ: no case is left out for its sake.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from normwise import ShapeMismatchError
from tests.torch_cases.cases import FUNCTIONS, HALVES, LIKELIHOODS, VALUES, Function, Outcome, TorchCase


@dataclass(frozen=True)
class Difference:
    """A kind of case that normwise answers otherwise than torch, and what it is to answer."""

    number: int
    what: str
    applies: Callable[[TorchCase], bool]
    instead: Callable[[Function, TorchCase], Function]
    """Of torch's function: the function whose answer is expected."""
    question: str | None = None
    """The question to ask of torch, where it has no answer to the case's own."""
    as_torch_with: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of ours with which the answer is torch's after all."""


def expected(case: TorchCase) -> Outcome:
    """What normwise is to answer: what torch does, but for the differences that apply."""
    function, asked = FUNCTIONS[case.name], case
    for row in applying(case):
        function = row.instead(function, case)
        asked = asked if row.question is None else replace(asked, question=row.question)
    return asked.outcome(function)


def applying(case: TorchCase) -> list[Difference]:
    return [row for row in DIFFERENCES if row.applies(case)]


def differ(ours: Outcome, theirs: Outcome, roundings: int = 6) -> str:
    """How two outcomes differ, in words: nothing where they are alike, to so many roundings where they are halves."""
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        alike = isinstance(theirs, Exception) and isinstance(ours, type(theirs))
        return "" if alike else f"{ours!r} where {theirs!r} is expected"
    if len(ours) != len(theirs):
        return f"{len(ours)} tensors where {len(theirs)} are expected"
    for mine, other in zip(ours, theirs, strict=True):
        try:
            torch.testing.assert_close(mine, other, equal_nan=True, **_tolerance(other.dtype, roundings))
        except AssertionError as error:
            return str(error)
    return ""


ROUNDING = {torch.float16: 2**-11, torch.bfloat16: 2**-8}


def _tolerance(dtype: torch.dtype, roundings: int) -> dict[str, float]:
    return {"rtol": roundings * ROUNDING[dtype], "atol": 1e-6} if dtype in ROUNDING else {}


def roundings(case: TorchCase) -> int:
    """How often halves are rounded at most: by torch after each operation, once where float32 is promised."""
    return 2 if any(row.instead in (_in_float32, _in_float32_then_rounded) for row in applying(case)) else 6


def _refuse(theirs: Function, case: TorchCase) -> Function:
    def refused(input: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
        raise ShapeMismatchError("shapes that differ")

    return refused


def _in_float32(theirs: Function, case: TorchCase) -> Function:
    def wide(input: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
        options = {name: v.float() if isinstance(v, torch.Tensor) else v for name, v in options.items()}
        return theirs(input.float(), target.float(), **options)

    return wide


def _in_float32_then_rounded(theirs: Function, case: TorchCase) -> Function:
    wide = _in_float32(theirs, case)

    def rounded(input: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
        return wide(input, target, **options).to(_common_dtype(case))

    return rounded


def _with_stirling_above_1_only(theirs: Function, case: TorchCase) -> Function:
    def full(input: torch.Tensor, target: torch.Tensor, *, full: bool, reduction: str = "mean", **options: Any) -> Any:
        count = torch.where(target > 1, target, 2)
        stirling = count * count.log() - count + 0.5 * (2 * math.pi * count).log()
        values = theirs(input, target, reduction="none", **options) + torch.where(target > 1, stirling, 0)
        return values if reduction == "none" else values.sum() if reduction == "sum" else values.mean()

    return full


def _with_a_weight_of_any_shape(theirs: Function, case: TorchCase) -> Function:
    def weighted(
        input: torch.Tensor, target: torch.Tensor, *, weight: torch.Tensor, reduction: str = "mean", **options: Any
    ) -> torch.Tensor:
        whole = weight.expand(input.shape)
        values = theirs(input, target, reduction="none", **options) * whole
        if reduction == "none":
            return values
        divisor = values.numel() if case.name == "huber" else whole.sum()
        return values.sum() / divisor if reduction == "mean" else values.sum()

    return weighted


def _in_the_common_dtype(theirs: Function, case: TorchCase) -> Function:
    dtype = torch.promote_types(case.input.dtype, case.target.dtype)

    def promoted(input: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
        return theirs(input.to(dtype), target.to(dtype), **options)

    return promoted


def _unchanged(theirs: Function, case: TorchCase) -> Function:
    return theirs


def _weight_shape(case: TorchCase) -> torch.Size | None:
    return case.options["weight"].shape if "weight" in case.options else None


def _common_dtype(case: TorchCase) -> torch.dtype:
    return torch.promote_types(case.input.dtype, case.target.dtype)


DIFFERENCES = (
    Difference(
        8,
        "a count of 0 or 1, to which Stirling adds nothing, gets no gradient of it: torch's is nan",
        applies=lambda case: (
            case.name == "poisson_nll" and bool(case.options.get("full")) and case.question == "gradients"
        ),
        instead=_with_stirling_above_1_only,
    ),
    Difference(
        1,
        "shapes that differ raise, unless broadcast=True",
        applies=lambda case: case.input.shape != case.target.shape,
        instead=_refuse,
        as_torch_with={"broadcast": True},
    ),
    Difference(
        3,
        "smooth_l1 takes a weight too",
        applies=lambda case: case.name == "smooth_l1" and "weight" in case.options,
        instead=_with_a_weight_of_any_shape,
    ),
    Difference(
        3,
        "a weight broadcasts to the input",
        applies=lambda case: case.name != "smooth_l1" and _weight_shape(case) not in (None, case.input.shape),
        instead=_with_a_weight_of_any_shape,
    ),
    Difference(
        4,
        "huber promotes mixed dtypes, and differentiates them",
        applies=lambda case: case.name == "huber" and case.input.dtype != case.target.dtype,
        instead=_in_the_common_dtype,
    ),
    Difference(
        2,
        "sums and means of halves are computed and returned in float32",
        applies=lambda case: (
            case.question in VALUES and _common_dtype(case) in HALVES and case.reduction in ("sum", "mean")
        ),
        instead=_in_float32,
    ),
    Difference(
        5,
        "gradients of halves are computed in float32, then rounded once",
        applies=lambda case: case.question not in VALUES and _common_dtype(case) in HALVES,
        instead=_in_float32,
    ),
    Difference(
        2,
        "values per element of halves are computed in float32, then rounded once, where terms cancel",
        applies=lambda case: (
            case.name in LIKELIHOODS
            and case.question in VALUES
            and case.reduction == "none"
            and _common_dtype(case) in HALVES
        ),
        instead=_in_float32_then_rounded,
    ),
    Difference(
        7,
        "forward over reverse works for huber too",
        applies=lambda case: case.name == "huber" and case.question == "forward over reverse",
        instead=_unchanged,
        question="reverse over reverse",
    ),
)
"""In the order in which they are applied to torch's function. There is no row 6: it is of norms and distances."""
