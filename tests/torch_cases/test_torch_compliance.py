"""torch's own checks of functions that are made of others: whatever is a subclass (also but one array) stays one."""

from collections.abc import Callable

import pytest
import torch
from torch.testing._internal import composite_compliance

import normwise
from tests.torch_cases.cases import FUNCTIONS, operation

NAMES = [name for name in FUNCTIONS if name != "gaussian_nll"]
"""torch leaves gaussian_nll_loss out: it asks whether any variance is negative."""


def samples(name: str) -> list[tuple[tuple[torch.Tensor, ...], dict[str, object]]]:
    """The samples that broadcast nothing, without the many that differ in other ways alone."""
    found: dict[str, tuple[tuple[torch.Tensor, ...], dict[str, object]]] = {}
    for each in operation(name).sample_inputs("cpu", torch.float32, requires_grad=True):
        if each.args[0].shape == each.input.shape:
            words = {key: value for key, value in each.kwargs.items() if isinstance(value, (bool, str))}
            found.setdefault(f"{each.input.ndim} {words}", ((each.input, *each.args), each.kwargs))
    return list(found.values())


WEIGHT = torch.tensor([0.5, 1.0, 2.0])
OTHERS: dict[str, Callable[..., torch.Tensor]] = {
    "weight": lambda x, t: normwise.mse_loss(x, t, weight=WEIGHT),
    "none": lambda x, t: normwise.mse_loss(x, t, reduction="none"),
    "rmse": normwise.rmse_loss,
    "norm": lambda x, t: normwise.norm(x - t),
    "norm of rows": lambda x, t: normwise.norm(x - t, 3, dim=1),
    "distance": normwise.distance,
    "pairwise": normwise.pairwise,
    "pairwise, reduced": lambda x, t: normwise.pairwise(x, t, "l1", reduce="mean"),
}


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_choice_of_subclasses_are_right(name: str) -> None:
    function = getattr(normwise, f"{name}_loss")
    for arguments, options in samples(name):
        composite_compliance.check_backward_formula(
            function, arguments, options, assert_equal_fn=torch.testing.assert_close
        )


@pytest.mark.parametrize("name", OTHERS)
def test_gradients_of_other_functions_are_right_for_every_choice(name: str) -> None:
    pair = tuple(a.clone().requires_grad_() for a in torch.randn(2, 4, 3).unbind())
    composite_compliance.check_backward_formula(OTHERS[name], pair, {}, assert_equal_fn=torch.testing.assert_close)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_right_under_a_mode_and_for_every_choice_of_subclasses(name: str) -> None:
    function = getattr(normwise, f"{name}_loss")
    for arguments, options in samples(name):
        given = tuple(a.detach() for a in arguments)
        composite_compliance.check_with_mode(function, given, options, torch.testing.assert_close)
        composite_compliance.check_all_permutations(function, given, options, torch.testing.assert_close)


@pytest.mark.parametrize("name", NAMES)
def test_tangents_of_every_choice_of_subclasses_are_right(name: str) -> None:
    function = getattr(normwise, f"{name}_loss")
    for arguments, options in samples(name):
        composite_compliance.check_forward_ad_formula(
            function, arguments, options, assert_equal_fn=torch.testing.assert_close
        )
