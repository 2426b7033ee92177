"""torch's inputs of its loss modules (module_db), with normwise's modules in place of torch's."""

import functools
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import normwise
from tests.torch_cases.cases import HALVES, REALS

MODULES = ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")


@functools.cache
def description(name: str) -> Any:
    """torch's description (ModuleInfo) of one of its modules."""
    from torch.testing._internal.common_modules import module_db

    [found] = [each for each in module_db if each.module_cls is getattr(torch.nn, name)]
    return found


def inputs(
    name: str, dtype: torch.dtype, training: bool = True
) -> Iterator[tuple[torch.nn.Module, torch.nn.Module, tuple[torch.Tensor, ...], Any]]:
    """Our module, torch's, what they are called with, and torch's reference function."""
    info = description(name)
    for each in info.module_inputs_func(info, "cpu", dtype, requires_grad=False, training=training):
        how, given = each.constructor_input, each.forward_input
        assert not given.kwargs
        ours, theirs = (getattr(home, name)(*how.args, **how.kwargs) for home in (normwise.nn, torch.nn))
        yield ours.train(training), theirs.train(training), given.args, each.reference_fn


def gradients(module: torch.nn.Module, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
    leaves = [a.detach().clone().requires_grad_() for a in given]
    value = module(*leaves)
    return value.detach(), *torch.autograd.grad(value.sum(), leaves)


def noncontiguous(a: torch.Tensor) -> torch.Tensor:
    from torch.testing._internal.common_utils import noncontiguous_like

    return noncontiguous_like(a)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", ["as torch has it", "noncontiguous"])
def test_values_and_gradients_are_torchs(name: str, dtype: torch.dtype, training: bool, layout: str) -> None:
    for ours, theirs, given, reference in inputs(name, dtype, training):
        arrays = given if layout == "as torch has it" else tuple(map(noncontiguous, given))
        if dtype in HALVES:  # differences 2 and 5: computed in float32, gradients rounded once
            wide = gradients(theirs, *(a.float() for a in arrays))
            kept = ours.reduction == "none"
            expected = (wide[0].to(dtype) if kept else wide[0], *(g.to(dtype) for g in wide[1:]))
        else:
            expected = gradients(theirs, *arrays)
            torch.testing.assert_close(expected[0], reference(theirs, *arrays))
        torch.testing.assert_close(gradients(ours, *arrays), expected)


@pytest.mark.parametrize("name", MODULES)
def test_first_and_second_derivatives_are_those_of_differences(name: str) -> None:
    for ours, _, given, _ in inputs(name, torch.float64):
        leaves = [a.detach().clone().requires_grad_() for a in given]
        assert gradcheck(ours, leaves, check_forward_ad=True, check_batched_grad=True)
        assert gradgradcheck(ours, leaves, check_fwd_over_rev=True, check_rev_over_rev=True)


@pytest.mark.parametrize("name", MODULES)
def test_errors_are_torchs(name: str) -> None:
    info = description(name)
    wrongs = info.module_error_inputs_func
    for wrong in () if wrongs is None else wrongs(info, "cpu", torch.float32, requires_grad=False, training=True):
        how, given = wrong.module_error_input.constructor_input, wrong.module_error_input.forward_input
        with pytest.raises(wrong.error_type, match=wrong.error_regex):
            getattr(normwise.nn, name)(*how.args, **how.kwargs)(*given.args, **given.kwargs)


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_shown_saved_and_moved_as_torchs(name: str) -> None:
    for ours, theirs, given, _ in inputs(name, torch.float32):
        assert repr(ours) == repr(theirs)
        assert ours.state_dict() == theirs.state_dict() == {}
        assert isinstance(ours, type(theirs))
        again = pickle.loads(pickle.dumps(ours))
        torch.testing.assert_close(again(*given), ours(*given))
        meta = [a.to("meta") for a in given]
        assert ours.to("meta")(*meta).shape == theirs(*meta).shape


@pytest.mark.parametrize("name", MODULES)
def test_memory_formats_are_kept_as_torch_keeps_them(name: str) -> None:
    for reduction in ("none", "mean"):
        ours, theirs = (getattr(home, name)(reduction=reduction) for home in (normwise.nn, torch.nn))
        x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last).requires_grad_()
        for t in (torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), torch.randn(2, 3, 4, 5)):
            values = ours(x, t), theirs(x, t)
            assert values[0].stride() == values[1].stride()
            # torch's own gradient lies as the target does, which a parameter's is not to.
            assert torch.autograd.grad(values[0].sum(), x)[0].stride() == x.stride()
