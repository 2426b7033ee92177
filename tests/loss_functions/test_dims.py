"""The dimensions that are reduced, what a mean divides by, and broadcasting, on torch tensors and on arrays."""

from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from normwise.errors import ShapeMismatchError
from tests.faces import FACES, agree, unsilenced
from tests.oracles.torch_losses import VALUES, selected

NAN, INF = float("nan"), float("inf")
SHAPE = (3, 4, 5)
GENERATOR = torch.Generator().manual_seed(21)
X, T, W = (2 * torch.randn(3, *SHAPE, dtype=torch.float64, generator=GENERATOR)).unbind()
W = W.abs() + 0.1
MASK = torch.rand(SHAPE, generator=GENERATOR) < 0.7
MASK[1] = False  # a whole plane, so that some means have nothing to divide by
ALL = torch.ones(SHAPE, dtype=torch.bool)

DIMS = [0, 1, -1, (0, 2), (-1, 0), (1, -1), (0, 1, 2), None]
DIVISORS = [None, "weight", "count", 7, 7.5]

pytestmark = unsilenced


@pytest.mark.parametrize("dim", DIMS, ids=str)
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_loss_over_some_dimensions_is_reduced_over_these_alone(
    loss: Loss, dim: Any, keepdim: bool, reduction: str
) -> None:
    asked = {"dim": dim, "keepdim": keepdim, "reduction": reduction}
    for weight, exists in ((None, ALL), (W, MASK)):
        mine, other = (X.clone().requires_grad_() for _ in range(2))
        given = {} if weight is None else {"weight": weight, "mask": exists}
        theirs = selected(loss.name, loss.parameters, other, T, exists, weight, **asked)
        ours = getattr(normwise, loss.function)(mine, T, **given, **asked)
        torch.testing.assert_close(ours, theirs, equal_nan=True)
        upstream = torch.linspace(1, 2, ours.numel(), dtype=torch.float64).reshape(ours.shape)
        [slope] = torch.autograd.grad(ours, mine, upstream)
        [expected] = torch.autograd.grad(theirs, other, upstream)
        torch.testing.assert_close(slope, expected)
        for face in ("numpy", "strict"):
            converted = {name: FACES[face](a) for name, a in given.items()}
            found = getattr(normwise, loss.function)(FACES[face](X), FACES[face](T), **converted, **asked)
            agree(found, theirs)


def test_modules_reduce_over_dimensions(loss: Loss) -> None:
    module = getattr(normwise.nn, loss.module)(reduction="sum")
    for dim, keepdim in ((1, False), ((0, -1), True)):
        expected = selected(loss.name, loss.parameters, X, T, ALL, W, reduction="sum", dim=dim, keepdim=keepdim)
        torch.testing.assert_close(module(X, T, weight=W, dim=dim, keepdim=keepdim), expected)


@pytest.mark.parametrize("normalize", DIVISORS)
@pytest.mark.parametrize("dim", [None, 1, (0, -1)], ids=str)
@pytest.mark.parametrize("kind", ["number", "array"])
def test_a_mean_is_divided_by_what_is_asked(loss: Loss, normalize: Any, dim: Any, kind: str) -> None:
    expected = selected(loss.name, loss.parameters, X, T, MASK, W, dim=dim, normalize=normalize)
    divisor = torch.tensor(normalize, dtype=torch.float64) if isinstance(normalize, int | float) else normalize
    for convert in FACES.values():
        by = convert(divisor) if kind == "array" and isinstance(divisor, torch.Tensor) else normalize
        given = {"weight": convert(W), "mask": convert(MASK), "dim": dim, "normalize": by}
        agree(getattr(normwise, loss.function)(convert(X), convert(T), **given), expected)


@pytest.mark.parametrize("selection", ["all", "masked", "weighted", "by row"])
def test_gradients_flow_to_a_divisor_and_past_it(loss: Loss, selection: str) -> None:
    exists, weight = (MASK if selection == "masked" else ALL), (W if selection == "weighted" else None)
    dim = 1 if selection == "by row" else None
    mine, other = (
        [X.clone().requires_grad_(), torch.tensor(13.0, dtype=torch.float64, requires_grad=True)] for _ in range(2)
    )
    ours = getattr(normwise, loss.function)(mine[0], T, mask=exists, weight=weight, normalize=mine[1], dim=dim)
    theirs = selected(loss.name, loss.parameters, other[0], T, exists, weight, normalize=other[1], dim=dim)
    torch.testing.assert_close(ours, theirs)
    for found, expected in zip(
        torch.autograd.grad(ours.sum(), mine, create_graph=True),
        torch.autograd.grad(theirs.sum(), other),
        strict=True,
    ):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("upstream", [1.0, INF, NAN])
def test_a_row_of_which_nothing_exists_is_nan_and_hurts_no_other(loss: Loss, upstream: float) -> None:
    x, t, w = X.clone(), T.clone(), W.clone()
    x[1], t[1], w[1] = NAN, INF, -INF
    leaves = [a.requires_grad_() for a in (x, t, w)]
    value = getattr(normwise, loss.function)(x, t, weight=w, mask=MASK, dim=(1, 2))
    assert value.isnan().tolist() == [False, True, False]
    for gradient in torch.autograd.grad(value, leaves, torch.tensor([1.0, upstream, 1.0], dtype=torch.float64)):
        assert gradient.isfinite().all()
        assert (gradient[~MASK] == 0).all()
        assert gradient[0].any()
        assert gradient[2].any()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("normalize", [0, "tensor"])
def test_a_divisor_of_zero_is_an_empty_mean(loss: Loss, face: str, normalize: Any) -> None:
    convert = FACES[face]
    by = convert(torch.tensor(0.0, dtype=torch.float64)) if normalize == "tensor" else normalize
    nothing = convert(torch.zeros(SHAPE, dtype=torch.bool))
    value = getattr(normwise, loss.function)(convert(X), convert(T), mask=nothing, normalize=by)
    assert np.isnan(float(value))


def test_a_scalar_has_one_dimension_to_reduce_as_in_torch(loss: Loss) -> None:
    x, t = torch.tensor(3.0), torch.tensor(1.0)
    expected = VALUES[loss.name](x, t, reduction="none", **loss.parameters)
    for dim in (0, -1, None):
        torch.testing.assert_close(getattr(normwise, loss.function)(x, t, dim=dim), expected)


@pytest.mark.parametrize("face", FACES)
def test_of_an_empty_dimension_nothing_is_left_or_nothing_is_summed(loss: Loss, face: str) -> None:
    function, empty = getattr(normwise, loss.function), FACES[face](torch.zeros(0, 3, dtype=torch.float64))
    assert function(empty, empty, reduction="none").shape == (0, 3)
    agree(function(empty, empty, dim=0, reduction="sum"), torch.zeros(3, dtype=torch.float64))
    agree(function(empty, empty, dim=0), torch.full((3,), NAN, dtype=torch.float64))
    assert function(empty, empty, dim=1).shape == (0,)
    assert function(empty, empty, dim=1, keepdim=True).shape == (0, 1)
    assert function(empty, empty, keepdim=True).shape == (1, 1)


SHAPES = [((4, 1), (5,)), ((5,), (4, 5)), ((), (4, 5)), ((4, 5), ()), ((1, 5), (4, 1)), ((2, 1, 5), (4, 1))]


@pytest.mark.parametrize(("of_input", "of_target"), SHAPES, ids=str)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_broadcasting_is_done_when_asked_and_gradients_return_to_their_shapes(
    loss: Loss, of_input: tuple[int, ...], of_target: tuple[int, ...], reduction: str
) -> None:
    generator = torch.Generator().manual_seed(22)
    x, t = (torch.randn(shape, dtype=torch.float64, generator=generator) for shape in (of_input, of_target))
    whole = torch.broadcast_shapes(of_input, of_target)
    w, mask = torch.rand(whole[-2:], dtype=torch.float64, generator=generator), torch.arange(5) != 2
    mine, other = ([a.clone().requires_grad_() for a in (x, t, w)] for _ in range(2))
    function = getattr(normwise, loss.function)
    ours = function(*mine[:2], weight=mine[2], mask=mask, reduction=reduction, broadcast=True)
    theirs = selected(
        loss.name,
        loss.parameters,
        *(a.expand(whole) for a in other[:2]),
        mask.expand(whole),
        other[2],
        reduction=reduction,
    )
    torch.testing.assert_close(ours, theirs)
    for found, expected in zip(
        torch.autograd.grad(ours.sum(), mine), torch.autograd.grad(theirs.sum(), other), strict=True
    ):
        torch.testing.assert_close(found, expected)
    for convert in (FACES["numpy"], FACES["strict"]):
        given = {"weight": convert(w), "mask": convert(mask), "reduction": reduction, "broadcast": True}
        agree(function(convert(x), convert(t), **given), theirs)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("of_input", "of_target"), SHAPES, ids=str)
def test_broadcasting_is_not_done_unasked(
    loss: Loss, face: str, of_input: tuple[int, ...], of_target: tuple[int, ...]
) -> None:
    x, t = (FACES[face](torch.ones(shape)) for shape in (of_input, of_target))
    for reduction in ("none", "mean"):
        with pytest.raises(ShapeMismatchError, match="broadcast=True") as raised:
            getattr(normwise, loss.function)(x, t, reduction=reduction)
        assert str(tuple(of_input)) in str(raised.value)
        assert str(tuple(of_target)) in str(raised.value)


def test_gradients_of_broadcast_arrays_without_autograd_have_the_inputs_shape(loss: Loss) -> None:
    x, t = X[0, :, :1], T[0, 0]
    leaf = x.clone().requires_grad_()
    expected = selected(loss.name, loss.parameters, leaf.expand(4, 5), t.expand(4, 5), ALL[0])
    [slope] = torch.autograd.grad(expected, leaf)
    for convert in FACES.values():
        value, gradient = normwise.value_and_grad(loss)(convert(x), convert(t), broadcast=True)
        agree(value, expected)
        agree(gradient, slope)
