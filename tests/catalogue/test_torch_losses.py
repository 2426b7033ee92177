"""Every loss against torch's operations: its value, and its gradient in every array and every parameter."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from array_api_compat import torch as xp

from normwise.engines import arrays as array_engine
from tests.catalogue.points import points
from tests.oracles.textbook import TEXTBOOK
from tests.oracles.torch_losses import VALUES
from tests.samples import Array, Case, cases_of, kinks, pointwise

CANCELLING: Mapping[str, set[float]] = {
    "pseudo_huber": {1e4},
    "barron": {-1e6, -1e-6},
    "student_t_nll": {1e12, math.inf},
    "tweedie_deviance": {1 + 2.0**-20, 2 - 2.0**-20},
}
"""Values of the first parameter at which the textbook's spelling, which torch computes here, loses half its digits."""


def every_case() -> list[Case]:
    return [case for loss in pointwise() if loss.name in VALUES for case in cases_of(loss)]


def cases() -> list[Case]:
    return [
        case
        for case in every_case()
        if not CANCELLING.get(case.loss.name, set()) & {*list(case.parameters.values())[:1]}
    ]


FIXED = {
    "balanced_l1": {"alpha", "gamma"},
    "barron_nll": {"c"},
    "huber_quantile": {"delta"},
    "huber": {"delta"},
    "smooth_l1": {"beta"},
    "gaussian_nll": {"eps"},
    "poisson_nll": {"eps"},
}
"""Parameters that torch's operations take as plain numbers."""
INNER = {
    "barron": {-2.0, 0.5, 1.0, 1.75, 3.5},
    "student_t_nll": {0.01, 1.0, 3.0, 40.0},
    "tweedie_deviance": {-1.0, 1.5, 3.0},
}
"""The values of a parameter at which the textbook's formula, differentiated, does not cancel and is no limit."""


def smooth(case: Case, rng: np.random.Generator) -> dict[str, Array]:
    """Arrays away from every kink, and near enough for the textbook's spelling not to cancel."""
    size = 40
    t = rng.uniform(0.5, 5.0, size)
    r = rng.choice([-1, 1], size) * rng.uniform(0.2, 12.0, size)
    away = np.all([np.abs(r - kink * side) > 1e-2 for kink in kinks(case) for side in (1, math.pi)], axis=0)
    x, t = (t + r)[away], t[away]
    if case.loss.written.arrays[0] == "x":
        x = t * np.exp(rng.choice([-1, 1], t.size) * rng.uniform(0.3, 2.0, t.size))
        x = np.log(x) if case.parameters.get("log_input", False) else x
    further = {name: rng.uniform(0.7, 3.0, t.size) for name in case.loss.further_arrays}
    return {"x": x, "t": t, **further}


def learned(case: Case) -> list[str]:
    """The parameters in which torch can differentiate the textbook's formula, where they are."""
    inner = INNER.get(case.loss.name)
    first = next(iter(case.parameters), None)
    fixed = FIXED.get(case.loss.name, set()) | case.loss.flags
    if inner is not None and case.parameters[first] not in inner:
        fixed = fixed | {first}
    return [name for name in case.parameters if name not in fixed]


@pytest.mark.parametrize("known", cases(), ids=str)
def test_values_and_gradients_are_torchs(known: Case, rng: np.random.Generator) -> None:
    arrays = smooth(known, rng)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    parameters: dict[str, Any] = dict(known.parameters)
    for name in learned(known):
        parameters[name] = torch.tensor(parameters[name], dtype=torch.float64, requires_grad=True)
    values = VALUES[known.loss.name](*tensors.values(), reduction="none", **parameters)
    names = [*arrays, *learned(known)]
    gradients = torch.autograd.grad(values.sum(), [{**tensors, **parameters}[n] for n in names], allow_unused=True)
    formula = known.loss.formula
    ours, *slopes = array_engine.elementwise(
        np, formula, list(arrays.values()), known.parameters, *(formula.derivative(name) for name in names)
    )
    np.testing.assert_allclose(ours, values.detach().numpy(), rtol=1e-9, atol=1e-11)
    for name, slope, gradient in zip(names, slopes, gradients, strict=True):
        expected = 0.0 if gradient is None else gradient.numpy()
        given = slope if name in arrays else slope.sum()
        np.testing.assert_allclose(given, expected, rtol=1e-8, atol=1e-9 * np.abs(ours).max(), err_msg=name)


@pytest.mark.parametrize("known", every_case(), ids=str)
def test_torchs_own_gradient_of_a_formula_is_ours_where_it_is_hard(known: Case) -> None:
    """Compilers and transforms differentiate its operations: a branch not taken must not make their gradient nan.

    torch's expm1 has an error of 1e-16 in its slope, whatever its size.
    """
    arrays = points(known, np.float64)
    formula = known.loss.formula
    x = torch.tensor(arrays["x"], requires_grad=True)
    tensors = [x if name == "x" else torch.tensor(arrays[name]) for name in formula.arrays]
    [value] = array_engine.elementwise(xp, formula, tensors, known.parameters)
    [gradient] = torch.autograd.grad(value.sum(), x)
    given = [arrays[name] for name in formula.arrays]
    [slope] = array_engine.elementwise(np, formula.derivative("x"), given, known.parameters)
    finite = np.isfinite(slope)
    np.testing.assert_allclose(gradient.numpy()[finite], slope[finite], rtol=1e-6, atol=1e-14)


def test_every_loss_of_the_books_is_here() -> None:
    assert set(VALUES) == set(TEXTBOOK)
    assert set(TEXTBOOK) == {loss.name for loss in pointwise()}
