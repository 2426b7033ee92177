"""Paired distances against torch in float64, scikit-learn and mpmath: orders, gradients, missing values, bad input."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import nan_euclidean_distances

import normwise
from tests.faces import FACES, agree, unsilenced

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

ORDERS = (0, 0.5, 1, 2, 2.5, 3, math.inf)


def two(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(shape, dtype=dtype, generator=generator), torch.randn(shape, dtype=dtype, generator=generator)


@unsilenced
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("p", ORDERS)
def test_it_is_the_norm_of_the_difference(p: float, face: str) -> None:
    a, b = two(3, 4, 5)
    for dim, keepdim in ((-1, False), (-1, True), (0, False), ((0, 2), True), (None, False)):
        found = normwise.distance(FACES[face](a), FACES[face](b), p, dim, keepdim)
        agree(found, torch.linalg.vector_norm(a - b, p, dim, keepdim), rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtypes", [("float32", "float16"), ("bfloat16", "bfloat16"), ("float64", "int32")])
def test_any_dtypes_are_mixed(dtypes: tuple[str, str]) -> None:
    a, b = (x.to(getattr(torch, dtype)) for x, dtype in zip(two(50, 7), dtypes, strict=True))
    found = normwise.distance(a, b)
    expected = torch.linalg.vector_norm(a.double() - b.double(), dim=-1)
    assert found.dtype is (torch.float64 if "float64" in dtypes else torch.float32)
    torch.testing.assert_close(found.double(), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize("p", ORDERS)
def test_gradients_of_both_orders_to_both_sides(p: float) -> None:
    a, b = (x.requires_grad_() for x in two(3, 4))
    assert torch.autograd.gradcheck(lambda a, b: normwise.distance(a, b, p), (a, b))
    if p != 0:
        assert torch.autograd.gradgradcheck(lambda a, b: normwise.distance(a, b, p), (a, b))
        found = torch.func.grad(lambda a: normwise.distance(a, b, p).sum())(a)
        torch.testing.assert_close(found, torch.autograd.grad(normwise.distance(a, b, p).sum(), a)[0])


@pytest.mark.parametrize("p", ORDERS)
def test_at_equal_points_the_gradient_is_0(p: float) -> None:
    a = two(3, 4)[0].float().requires_grad_()
    b = a.detach().clone().requires_grad_()
    normwise.distance(a, b, p).sum().backward()
    for side in (a, b):
        assert side.grad is not None
        assert not side.grad.any()


def test_the_whole_range() -> None:
    a, b = torch.tensor([[2e38, 1e38], [1e-45, 0]]), torch.tensor([[-1e38, -3e38], [0, 0]])
    a.requires_grad_()
    found = normwise.distance(a, b, p=3)
    assert found.tolist()[0] == math.inf
    assert found.tolist()[1] == torch.tensor(1e-45).item()
    found.sum().backward()
    expected = [[(27 / 91) ** (2 / 3), (64 / 91) ** (2 / 3)], [1.0, 0.0]]
    torch.testing.assert_close(a.grad, torch.tensor(expected), rtol=1e-6, atol=0)


@unsilenced
@pytest.mark.parametrize("face", FACES)
def test_missing_values_are_stood_for_as_scikit_learn_does(face: str) -> None:
    a, b = two(6, 5)
    a[0, 1], b[1, 2], a[2], b[3, 0], a[3, 0] = (math.nan,) * 5
    expected = torch.as_tensor(np.diag(nan_euclidean_distances(a.numpy(), b.numpy())).copy())
    given = [FACES[face](x) for x in (a, b)]
    agree(normwise.distance(*given, nan_policy="omit"), expected)
    mask = FACES[face](~(a.isnan() | b.isnan()))
    agree(normwise.distance(*given, mask=mask), expected)
    weight = torch.arange(1.0, 6.0, dtype=torch.float64)
    there = (~(a.isnan() | b.isnan())) * weight
    cubes = ((a - b).abs() ** 3).nan_to_num() * there
    weighted = (cubes.sum(1) * 15 / there.sum(1)) ** (1 / 3)
    agree(normwise.distance(*given, 3, weight=FACES[face](weight), mask=mask), weighted)
    largest = (a - b).abs().nan_to_num(-1).amax(1)
    largest[2] = math.nan
    agree(normwise.distance(*given, math.inf, nan_policy="omit"), largest)
    with pytest.raises(normwise.errors.InputError, match="b holds 2 nan"):
        normwise.distance(FACES[face](a.nan_to_num()), given[1], nan_policy="raise")


@pytest.mark.parametrize("p", [1, 3, math.inf])
def test_gradients_under_weights_and_masks(p: float) -> None:
    a, b = (x.requires_grad_() for x in two(4, 5))
    generator = torch.Generator().manual_seed(3)
    mask = torch.rand(4, 5, generator=generator) < 0.6
    mask[0] = False
    weight = torch.rand(5, dtype=torch.float64, generator=generator).requires_grad_()

    def distances(a: Any, b: Any, weight: Any) -> Any:
        return normwise.distance(a, b, p, weight=weight, mask=mask)[1:]

    assert torch.autograd.gradcheck(distances, (a, b, weight))
    assert torch.autograd.gradgradcheck(distances, (a, b, weight))
    fused = torch.autograd.grad(distances(a, b, weight.detach()).sum(), (a, b))
    composed = torch.autograd.grad(distances(a, b, weight).sum(), (a, b))
    torch.testing.assert_close(fused, composed)


def test_the_module_has_torchs_constructor_and_honours_eps() -> None:
    a, b = (x.requires_grad_() for x in two(6, 5))
    for arguments in ((), (1,), (3.0, 1e-3), (2, 1e-6, True)):
        eps = arguments[1] if len(arguments) > 1 else 0.0
        keepdim = len(arguments) > 2
        theirs = torch.nn.PairwiseDistance(arguments[0] if arguments else 2.0, eps, keepdim)(a, b)
        ours = normwise.nn.PairwiseDistance(*arguments)(a, b)
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=0)
        expected = torch.autograd.grad(theirs.sum(), (a, b))
        torch.testing.assert_close(torch.autograd.grad(ours.sum(), (a, b)), expected)
    assert normwise.nn.PairwiseDistance().eps == 0


def test_complex_numbers_and_other_libraries() -> None:
    a, b = two(4, 6)
    c, d = torch.view_as_complex(a.view(4, 3, 2)), torch.view_as_complex(b.view(4, 3, 2))
    expected = torch.linalg.vector_norm(c - d, dim=-1)
    torch.testing.assert_close(normwise.distance(c, d), expected)
    np.testing.assert_allclose(normwise.distance(c.numpy(), d.numpy()), expected)


def test_the_compiler_sees_one_graph() -> None:
    a, b = (x.requires_grad_() for x in two(4, 6, dtype=torch.float32))
    compiled = torch.compile(lambda a, b: normwise.distance(a, b, 3).sum(), fullgraph=True, backend="aot_eager")
    found = torch.autograd.grad(compiled(a, b), (a, b))
    torch.testing.assert_close(found, torch.autograd.grad(normwise.distance(a, b, 3).sum(), (a, b)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"p": -1}, normwise.errors.ParameterError, "order of the distance, is -1: expected 0 or more"),
        ({"p": math.nan}, normwise.errors.InputError, "is nan"),
        ({"p": "2"}, normwise.errors.InputError, "real number"),
        ({"b": torch.zeros(3)}, normwise.ShapeMismatchError, r"a is \(2, 3\) but b is \(3,\)"),
        ({"b": torch.zeros(2, 4), "broadcast": True}, normwise.ShapeMismatchError, r"a is \(2, 3\) and b is \(2, 4\)"),
        ({"dim": 2}, normwise.errors.DimensionError, "out of range"),
        ({"weight": -torch.ones(3)}, normwise.errors.InputError, "weights are negative"),
        ({"b": None}, TypeError, "expected a torch tensor for b"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        normwise.distance(**{"a": torch.zeros(2, 3), "b": torch.zeros(2, 3), **arguments})


def test_the_distances_of_nothing() -> None:
    nothing = torch.zeros(2, 0)
    assert normwise.distance(nothing, nothing).tolist() == [0, 0]
    with pytest.raises(normwise.errors.ParameterError, match="no value for nothing"):
        normwise.distance(nothing, nothing, math.inf)


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-1e150, 1e150)] * 3), min_size=1, max_size=20),
    st.sampled_from([1, 1.5, 2, 3, math.inf]),
)
def test_the_axioms_of_a_metric(points: list[tuple[float, float, float]], p: float) -> None:
    x, y, z = np.array(points).T
    xy, yx, xz, zy = (normwise.distance(*pair, p) for pair in ((x, y), (y, x), (x, z), (z, y)))
    assert xy == yx
    assert (xy > 0) == (x != y).any()
    assert normwise.distance(x, x, p) == 0
    assert xy <= (xz + zy) * (1 + 1e-13)
    np.testing.assert_allclose(normwise.distance(-3 * x, -3 * y, p), 3 * xy, rtol=1e-13)
