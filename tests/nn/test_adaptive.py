"""Barron's adaptive loss: its normaliser against quadrature to 30 digits, and what it learns."""

from typing import Any

import mpmath
import pytest
import torch

import normwise
from normwise.nn import AdaptiveBarronLoss
from normwise.nn.adaptive import log_partition


def rho(x: Any, alpha: Any) -> Any:
    """Barron's equation 13, as in his paper."""
    if alpha == 2:
        return x**2 / 2
    if alpha == 0:
        return mpmath.log(x**2 / 2 + 1)
    b = abs(alpha - 2)
    return b / alpha * ((x**2 / b + 1) ** (alpha / 2) - 1)


def exact(alpha: Any) -> Any:
    ends = [0, 1, 4, 20, 100, 10**4, 10**8, mpmath.inf]
    return mpmath.log(2 * mpmath.quad(lambda x: mpmath.exp(-rho(x, mpmath.mpf(alpha))), ends))


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.1, 0.5, 1.0, 1.5, 1.9, 1.999, 2.0])
def test_the_normaliser_is_the_integral_and_its_slope_right(alpha: float) -> None:
    given = torch.tensor(alpha, dtype=torch.float64, requires_grad=True)
    found = log_partition(given)
    with mpmath.workdps(30):
        assert found.item() == pytest.approx(float(exact(alpha)), abs=1e-12)
        if 0 < alpha < 2:
            h = mpmath.mpf(10) ** -9
            slope = (exact(alpha + h) - exact(alpha - h)) / (2 * h)
            [gradient] = torch.autograd.grad(found, given)
            assert gradient.item() == pytest.approx(float(slope), rel=1e-6)


def test_the_known_normalisers() -> None:
    """Of Cauchy's, the pseudo-Huber and the Gaussian noise: pi sqrt(2), 2 e K_1(1), sqrt(2 pi)."""
    expected = [mpmath.pi * mpmath.sqrt(2), 2 * mpmath.e * mpmath.besselk(1, 1), mpmath.sqrt(2 * mpmath.pi)]
    found = log_partition(torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)).exp().tolist()
    assert found == pytest.approx([float(value) for value in expected], rel=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_value_is_the_negative_log_likelihood(dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    criterion = AdaptiveBarronLoss(2, alpha_init=1.3, scale_init=0.7).to(dtype)
    x, t = torch.randn(6, 2, dtype=dtype), torch.randn(6, 2, dtype=dtype)
    alpha, c = criterion.alpha[0].item(), criterion.c[0].item()
    assert (alpha, c) == pytest.approx((1.3, 0.7))
    values = [
        rho((float(a) - float(b)) / c, alpha) + float(mpmath.log(c)) + float(exact(alpha))
        for a, b in zip(x.flatten(), t.flatten(), strict=True)
    ]
    found = criterion(x, t)
    assert found.dtype is dtype
    assert found.item() == pytest.approx(sum(values) / len(values), rel=1e-5 if dtype is torch.float32 else 1e-12)


def test_gradients_flow_to_shape_and_scale() -> None:
    torch.manual_seed(3)
    criterion = AdaptiveBarronLoss(2).double()
    x, t = torch.randn(5, 2, dtype=torch.float64, requires_grad=True), torch.randn(5, 2, dtype=torch.float64)

    def loss(x: Any, alpha: Any, scale: Any) -> Any:
        given = {"latent_alpha": alpha, "latent_scale": scale}
        return torch.func.functional_call(criterion, given, (x, t))

    start = [torch.full((2,), v, dtype=torch.float64, requires_grad=True) for v in (0.4, -0.3)]
    assert torch.autograd.gradcheck(loss, (x, *start))


def test_it_tells_clean_data_from_data_with_outliers() -> None:
    """One feature is Gaussian with a scale of 2, the other Cauchy: alpha goes to 2 and to 0, the scale to its own."""
    torch.manual_seed(0)
    gaussian = 2 * torch.randn(2000)
    cauchy = torch.distributions.Cauchy(0.0, 1.0).sample((2000,))
    target, criterion = torch.stack([gaussian, cauchy], 1), AdaptiveBarronLoss(2)
    optimiser = torch.optim.Adam(criterion.parameters(), lr=0.3)
    for _ in range(150):
        optimiser.zero_grad()
        criterion(torch.zeros_like(target), target).backward()
        optimiser.step()
    alpha, scale = criterion.alpha.tolist(), criterion.c.tolist()
    assert alpha[0] > 1.6
    assert alpha[1] < 0.2
    assert scale[0] == pytest.approx(2.0, rel=0.25)
    # No noise that it could find is much likelier than the one that was drawn from.
    drawn = (
        -torch.distributions.Normal(0.0, 2.0).log_prob(gaussian),
        -torch.distributions.Cauchy(0.0, 1.0).log_prob(cauchy),
    )
    expected = (drawn[0].mean() + drawn[1].mean()).item() / 2
    assert criterion(torch.zeros_like(target), target).item() == pytest.approx(expected, abs=0.02)


def test_what_is_fixed_stays() -> None:
    criterion = AdaptiveBarronLoss(alpha_bounds=(1.0, 1.0), learn_scale=False, scale_init=2.0)
    assert [p.requires_grad for p in criterion.parameters()] == [False, False]
    assert criterion.alpha.tolist() == [1.0]
    assert criterion.c.tolist() == [2.0]


def test_it_is_a_module_with_a_state_and_options() -> None:
    first, second = AdaptiveBarronLoss(3), AdaptiveBarronLoss(3, reduction="none")
    with torch.no_grad():
        first.latent_alpha += torch.tensor([0.0, 1.0, 2.0])
    second.load_state_dict(first.state_dict())
    x, t, w = torch.randn(3, 3), torch.randn(3, 3), torch.rand(3, 3)
    torch.testing.assert_close((second(x, t) * w).sum() / w.sum(), first(x, t, weight=w))
    assert second(x, t).shape == (3, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"alpha_init": 2.5}, "alpha begins at 2.5"),
        ({"alpha_bounds": (-1.0, 1.0)}, "expected 0 <= low"),
        ({"alpha_init": 0.001}, "could not be learned"),
        ({"scale_init": 0.0}, "expected 0 <= floor < scale"),
    ],
)
def test_what_cannot_be_is_refused(given: Any, words: str) -> None:
    with pytest.raises(normwise.errors.InputError, match=words):
        AdaptiveBarronLoss(**given)
