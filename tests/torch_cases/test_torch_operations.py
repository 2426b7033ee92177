"""torch's sample inputs of its losses (op_db), with normwise's functions in place of torch's."""

import warnings
from typing import Any

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import normwise
from normwise import ShapeMismatchError
from tests.oracles.torch_losses import TORCH
from tests.torch_cases.cases import (
    FUNCTIONS,
    LIKELIHOODS,
    NAMES,
    QUESTIONS,
    REALS,
    Function,
    Outcome,
    TorchCase,
    cases,
    operation,
    samples,
    supported,
)
from tests.torch_cases.differences import DIFFERENCES, differ, expected, roundings

COMPLEX = (torch.complex64, torch.complex128)
OTHERS = (
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.bool, torch.float8_e4m3fn, torch.float8_e5m2),
)
NAMED_DTYPES = [(name, dtype) for name in NAMES for dtype in (*REALS, *COMPLEX) if name == "l1" or dtype in REALS]
# Each pair compiles kernels of its own: what torch leaves out is asked of two losses that differ in most.
FEWER = [(name, dtype) for name, dtype in NAMED_DTYPES if name in ("l1", "huber") and dtype is not torch.complex64]


def ours(name: str) -> Function:
    return getattr(normwise, f"{name}_loss")


def check(case: TorchCase) -> None:
    found = case.outcome(ours(case.name))
    difference = differ(found, expected(case), roundings(case))
    if difference:
        # From the error itself, where there is one, not from its name.
        raise AssertionError(f"{case}: {difference}") from (found if isinstance(found, Exception) else None)


@pytest.mark.parametrize(("name", "dtype"), NAMED_DTYPES, ids=str)
@pytest.mark.parametrize("variant", ["as torch has it", "noncontiguous", "views"])
@pytest.mark.parametrize("question", list(QUESTIONS))
def test_samples_are_answered_as_torch_answers_them(name: str, dtype: torch.dtype, variant: str, question: str) -> None:
    for case in cases(name, dtype, variant, question):
        check(case)


@pytest.mark.parametrize("question", ["value", "gradients"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_samples_in_every_dtype_are_answered_as_torch_answers_them(name: str, question: str) -> None:
    info = operation(name)
    dtypes = info.supported_dtypes("cpu") if question == "value" else info.supported_backward_dtypes("cpu")
    assert {torch.float16, torch.bfloat16, torch.float32, torch.float64} <= dtypes
    for dtype in dtypes:
        for case in cases(name, dtype, "as torch has it", question):
            check(case)


@pytest.mark.parametrize("options", [{}, {"log_input": False}, {"reduction": "none"}, {"reduction": "sum"}], ids=str)
@pytest.mark.parametrize("question", ["value", "gradients"])
def test_a_poisson_likelihood_of_complex_numbers_is_torchs(options: dict[str, Any], question: str) -> None:
    for dtype in COMPLEX:
        x, t = torch.randn(2, 5, dtype=dtype).unbind()
        check(TorchCase("poisson_nll", x, t, options, question))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.uint8], ids=str)
def test_a_poisson_likelihood_of_integers_does_not_wrap(dtype: torch.dtype) -> None:
    """torch multiplies in the integers, of which int8 holds 127."""
    x, t = torch.tensor([2, 3, 4], dtype=dtype), torch.tensor([100, 90, 80], dtype=dtype)
    found = normwise.poisson_nll_loss(x, t, reduction="none")
    torch.testing.assert_close(found, FUNCTIONS["poisson_nll"](x.float(), t.float(), reduction="none"))


@pytest.mark.parametrize(("name", "dtype"), FEWER, ids=str)
@pytest.mark.parametrize("variant", ["weighted", "weighted by row", "shapes that differ", "mixed dtypes"])
@pytest.mark.parametrize("question", ["value", "gradients", "tangents"])
def test_samples_of_what_torch_leaves_out_are_answered_too(
    name: str, dtype: torch.dtype, variant: str, question: str
) -> None:
    for case in cases(name, dtype, variant, question):
        check(case)


@pytest.mark.parametrize("name", NAMES)
def test_first_and_second_derivatives_are_those_of_differences(name: str) -> None:
    info = operation(name)
    for sample in samples(name, torch.float64):
        pair = [a.detach().clone().requires_grad_() for a in (sample.input, sample.target)]

        def function(input: torch.Tensor, target: torch.Tensor, sample: TorchCase = sample) -> torch.Tensor:
            return ours(name)(input, target, **sample.options)

        forward = {"check_forward_ad": info.supports_forward_ad, "check_batched_grad": info.check_batched_grad}
        assert gradcheck(function, pair, **forward, check_batched_forward_grad=info.check_batched_forward_grad)
        # Forward over reverse is asked of all, whatever torch's own losses can do.
        twice = {"check_fwd_over_rev": True, "check_rev_over_rev": True}
        assert gradgradcheck(function, pair, **twice, check_batched_grad=info.check_batched_gradgrad)


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_torchs(name: str) -> None:
    info = operation(name)
    for wrong in info.error_inputs("cpu") if info.error_inputs_func else ():
        sample = wrong.sample_input
        arguments = (sample.input, *sample.args)
        with pytest.raises(wrong.error_type, match=wrong.error_regex):
            ours(name)(*arguments, **sample.kwargs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", OTHERS, ids=str)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_dtypes_that_torch_refuses_are_refused_and_the_others_are_not(
    name: str, dtype: torch.dtype, reduction: str
) -> None:
    x = torch.ones(3).to(dtype)

    def outcome(function: Function) -> Outcome:
        try:
            return (function(x, x, reduction=reduction),)
        except Exception as error:
            return error

    theirs, mine = outcome(TORCH[name]), outcome(ours(name))
    assert not (supported(name, dtype) and isinstance(theirs, Exception))
    if isinstance(theirs, Exception):
        assert isinstance(mine, (RuntimeError, NotImplementedError))
    else:
        assert differ(mine, theirs) == ""


def test_every_difference_is_numbered_and_met_by_a_case() -> None:
    """A row that no case meets would be an exception without a reason."""
    variants = ("as torch has it", "weighted", "weighted by row", "shapes that differ", "mixed dtypes")
    every = [
        case
        for name, dtype in NAMED_DTYPES
        for variant in variants
        for question in QUESTIONS
        for case in cases(name, dtype, variant, question)
    ]
    every += [
        case
        for name in LIKELIHOODS
        for question in ("value", "gradients")
        for case in cases(name, torch.float16, "as torch has it", question)
    ]
    for row in DIFFERENCES:
        assert row.number in range(1, 9)
        assert any(row.applies(case) for case in every), row.what


def test_shapes_that_differ_broadcast_as_torch_does_where_asked() -> None:
    [row] = [row for row in DIFFERENCES if row.number == 1]
    for name in NAMES:
        for case in cases(name, torch.float64, "shapes that differ", "value"):
            if not row.applies(case):
                continue
            assert isinstance(case.outcome(ours(name)), ShapeMismatchError)
            with warnings.catch_warnings(action="ignore"):
                found = ours(name)(case.input, case.target, **case.options, **row.as_torch_with)
                assert differ((found,), case.outcome(TORCH[name])) == ""
