"""Weights: in any layout, of any dtype, with gradients of their own, on torch tensors and on arrays.

The oracles are torch's own losses, and the formulas of the books, in float64 or in arbitrary precision.
"""

from collections.abc import Callable, Mapping

import mpmath
import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from tests.faces import FACES, agree, unsilenced
from tests.oracles.textbook import TEXTBOOK
from tests.oracles.torch_losses import TORCH, selected
from tests.samples import Case

NAN = float("nan")
SHAPE = (4, 6)
GENERATOR = torch.Generator().manual_seed(11)
X, T = (2 * torch.randn(2, *SHAPE, dtype=torch.float64, generator=GENERATOR)).unbind()
EXISTS = torch.ones(SHAPE, dtype=torch.bool)

pytestmark = unsilenced

LAYOUTS: Mapping[str, tuple[tuple[int, ...], Callable[[torch.Tensor], torch.Tensor]]] = {
    "full": (SHAPE, lambda w: w),
    "per row": ((4, 1), lambda w: w),
    "per column": ((6,), lambda w: w),
    "per column in two dimensions": ((1, 6), lambda w: w),
    "one for all": ((), lambda w: w),
    "expanded": ((4, 1), lambda w: w.expand(SHAPE)),
    "transposed": ((6, 4), lambda w: w.T),
    "every other": ((4, 12), lambda w: w[:, ::2]),
    "part of a larger one": ((7, 9), lambda w: w[2:6, 3:]),
}
"""The shape of what holds the weights, and how they are read from it."""


def weights(shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    return 0.1 + torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(12))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_a_weight_in_any_layout_gets_its_gradient_where_it_is_kept(loss: Loss, layout: str, reduction: str) -> None:
    shape, read = LAYOUTS[layout]
    mine, other = ([a.clone().requires_grad_() for a in (X, T, weights(shape))] for _ in range(2))
    ours = getattr(normwise, loss.function)(*mine[:2], weight=read(mine[2]), reduction=reduction)
    theirs = selected(loss.name, loss.parameters, *other[:2], EXISTS, read(other[2]), reduction=reduction)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.linspace(-1, 2, ours.numel(), dtype=torch.float64).reshape(ours.shape)
    found = torch.autograd.grad(ours, mine, upstream)
    for gradient, expected in zip(found, torch.autograd.grad(theirs, other, upstream), strict=True):
        torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("face", ["numpy", "strict"])
def test_arrays_are_weighted_in_any_layout_too(loss: Loss, layout: str, face: str) -> None:
    shape, read = LAYOUTS[layout]
    weight, leaf, convert = read(weights(shape)), X.clone().requires_grad_(), FACES[face]
    arrays, function = [convert(a) for a in (X, T)], getattr(normwise, loss.function)
    for reduction in ("none", "sum", "mean"):
        expected = selected(loss.name, loss.parameters, leaf, T, EXISTS, weight, reduction=reduction)
        agree(function(*arrays, weight=convert(weight), reduction=reduction), expected)
        if reduction != "none":
            compute = normwise.value_and_grad(loss)
            value, gradient = compute(*arrays, weight=convert(weight), reduction=reduction)
            agree(value, expected)
            agree(gradient, torch.autograd.grad(expected, leaf)[0])


@pytest.mark.parametrize("face", FACES)
def test_weighted_values_are_the_books_with_any_parameters(case: Case, face: str) -> None:
    w, convert = weights(), FACES[face]
    with mpmath.workdps(40):
        residuals = [mpmath.mpf(a) - mpmath.mpf(b) for a, b in zip(X.ravel().tolist(), T.ravel().tolist(), strict=True)]
        if case.parameters.get("beta") == 0:
            values = [abs(r) for r in residuals]  # the limit, where the book's formula divides by zero
        else:
            values = [TEXTBOOK[case.loss.name](r, **case.parameters) for r in residuals]
        weighted = [mpmath.mpf(each) * value for each, value in zip(w.ravel().tolist(), values, strict=True)]
        divisor = len(values) if case.loss.divisor == "count" else mpmath.fsum(w.ravel().tolist())
        expected = {"sum": float(mpmath.fsum(weighted)), "mean": float(mpmath.fsum(weighted) / divisor)}
    for reduction, value in expected.items():
        found = case(convert(X), convert(T), weight=convert(w), reduction=reduction)
        assert float(found) == pytest.approx(value, rel=1e-13)
    found = np.asarray(case(convert(X), convert(T), weight=convert(w), reduction="none")).ravel()
    np.testing.assert_allclose(found, [float(value) for value in weighted], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in TORCH if name != "smooth_l1"])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_weights_mean_what_torch_means_by_them(name: str, reduction: str) -> None:
    mine, other = ([a.clone().requires_grad_() for a in (X, T, weights())] for _ in range(2))
    ours = getattr(normwise, f"{name}_loss")(*mine[:2], weight=mine[2], reduction=reduction)
    theirs = TORCH[name](*other[:2], weight=other[2], reduction=reduction)
    torch.testing.assert_close(ours, theirs)
    found = torch.autograd.grad(ours.sum(), mine)
    for gradient, expected in zip(found, torch.autograd.grad(theirs.sum(), other), strict=True):
        torch.testing.assert_close(gradient, expected)


def test_modules_take_a_weight_when_they_are_called(case: Case) -> None:
    module = getattr(normwise.nn, case.loss.module)
    w = weights()
    for reduction in ("none", "sum", "mean"):
        found = module(reduction=reduction, **case.parameters)(X, T, weight=w)
        expected = selected(case.loss.name, case.parameters, X, T, EXISTS, w, reduction=reduction)
        torch.testing.assert_close(found, expected)


# Each line compiles kernels of its own.
HALVES = [
    ("mse", torch.float16, torch.float16, torch.float16, torch.float16),
    ("huber", torch.bfloat16, torch.bfloat16, torch.bfloat16, torch.bfloat16),
    ("l1", torch.float16, torch.float16, torch.float32, torch.float32),
    ("smooth_l1", torch.float16, torch.bfloat16, torch.float16, torch.float32),
    ("log_cosh", torch.float32, torch.float32, torch.float64, torch.float64),
    ("quantile", torch.float64, torch.bfloat16, torch.float32, torch.float64),
]


@pytest.mark.parametrize(("name", "first", "second", "third", "result"), HALVES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_dtypes_mix_and_each_gradient_has_its_own(
    name: str, first: torch.dtype, second: torch.dtype, third: torch.dtype, result: torch.dtype, reduction: str
) -> None:
    loss, dtypes = normwise.losses[name], (first, second, third)
    mine = [a.to(dtype, copy=True).requires_grad_() for a, dtype in zip((X, T, weights()), dtypes, strict=True)]
    other = [a.detach().double().requires_grad_() for a in mine]
    ours = getattr(normwise, loss.function)(*mine[:2], weight=mine[2], reduction=reduction)
    theirs = selected(name, loss.parameters, *other[:2], EXISTS, other[2], reduction=reduction)
    wide = torch.promote_types(result, torch.float32)
    assert ours.dtype == (result if reduction == "none" else wide)
    # Float32 arithmetic, then one rounding to the dtype of the result.
    rounding = 2 * torch.finfo(ours.dtype).eps
    torch.testing.assert_close(ours.double(), theirs, rtol=rounding + 2e-6, atol=2e-6)
    found = torch.autograd.grad(ours.sum(), mine)
    for array, gradient, expected in zip(mine, found, torch.autograd.grad(theirs.sum(), other), strict=True):
        assert gradient.dtype == array.dtype
        rounding = torch.finfo(gradient.dtype).eps
        torch.testing.assert_close(gradient.double(), expected, rtol=rounding + 2e-6, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_gradient_that_is_summed_over_rows_does_not_underflow(dtype: torch.dtype) -> None:
    """Each part of it is near float16's least number."""
    shape, by = (4, 1 << 15), float(1 << 24)
    generator = torch.Generator().manual_seed(13)
    x = torch.randn(shape, generator=generator).to(dtype)
    t, w = (torch.randn(4, 1, generator=generator).abs().to(dtype) for _ in range(2))
    mine, other = ([a.clone().requires_grad_() for a in (t, w)], [a.double().requires_grad_() for a in (t, w)])
    ours = normwise.huber_loss(x, mine[0], weight=mine[1], normalize=by, broadcast=True)
    spread = x.double(), other[0].expand(shape), torch.ones(shape, dtype=torch.bool), other[1]
    theirs = selected("huber", {"delta": 1.0}, *spread, normalize=by)
    found, expected = torch.autograd.grad(ours, mine), torch.autograd.grad(theirs, other)
    for gradient, value in zip(found, expected, strict=True):
        limits = torch.finfo(dtype)
        torch.testing.assert_close(gradient.double(), value, rtol=limits.eps, atol=limits.smallest_normal * limits.eps)


@pytest.mark.parametrize("normalize", [None, "weight", "count"])
def test_the_gradient_of_a_weight_passes_through_the_divisor(loss: Loss, normalize: str | None) -> None:
    w = weights().requires_grad_()
    value = getattr(normwise, loss.function)(X, T, weight=w, normalize=normalize)
    [slope] = torch.autograd.grad(value, w)
    # A weighted mean does not change as all weights grow alike, so its slope along them is 0: Euler's theorem.
    by_weight = (normalize or loss.divisor) == "weight"
    along = (slope * w).sum().detach()
    torch.testing.assert_close(along, torch.zeros_like(along) if by_weight else value.detach(), atol=1e-14, rtol=1e-10)
    assert (slope != 0).all()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("shape", [SHAPE, (4, 1), ()], ids=str)
def test_where_all_weights_are_zero_the_sum_of_them_is_no_divisor(
    loss: Loss, face: str, shape: tuple[int, ...]
) -> None:
    convert, function = FACES[face], getattr(normwise, loss.function)
    arrays, weight = [convert(a) for a in (X, T)], convert(torch.zeros(shape, dtype=torch.float64))
    assert np.isnan(float(function(*arrays, weight=weight, normalize="weight")))
    assert float(function(*arrays, weight=weight, normalize="count")) == 0
    assert float(function(*arrays, weight=weight, reduction="sum")) == 0
    assert np.isnan(float(function(*arrays, weight=weight))) == (loss.divisor == "weight")
    value, gradient = normwise.value_and_grad(loss)(*arrays, weight=weight, normalize="count")
    assert float(value) == 0
    assert not np.asarray(gradient).any()


@pytest.mark.parametrize("face", FACES)
def test_a_weight_of_zero_hides_no_nan_as_in_torch(loss: Loss, face: str) -> None:
    x, w, convert = X.clone(), weights(), FACES[face]
    x[1, 2], w[1, 2] = NAN, 0
    for reduction in ("sum", "mean"):
        value = getattr(normwise, loss.function)(convert(x), convert(T), weight=convert(w), reduction=reduction)
        assert np.isnan(float(value))


@pytest.mark.parametrize("face", FACES)
def test_minus_zero_is_no_negative_weight(loss: Loss, face: str) -> None:
    w, convert = weights(), FACES[face]
    w[0, 0] = -0.0
    expected = selected(loss.name, loss.parameters, X, T, EXISTS, w)
    agree(getattr(normwise, loss.function)(convert(X), convert(T), weight=convert(w)), expected)


def test_a_weight_without_a_gradient_gets_none_and_is_left_as_it_was(loss: Loss) -> None:
    x, w = X.clone().requires_grad_(), weights((4, 1))
    before = w.clone()
    getattr(normwise, loss.function)(x, T, weight=w).backward()
    assert x.grad is not None
    assert w.grad is None
    assert torch.equal(w, before)


def test_only_the_weight_may_need_a_gradient(loss: Loss) -> None:
    mine, other = (weights((6,)).requires_grad_() for _ in range(2))
    [found] = torch.autograd.grad(getattr(normwise, loss.function)(X, T, weight=mine), mine)
    [expected] = torch.autograd.grad(selected(loss.name, loss.parameters, X, T, EXISTS, other), other)
    torch.testing.assert_close(found, expected)
