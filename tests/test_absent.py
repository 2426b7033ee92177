"""Elements of weight 0, and points without a feature, are not there: against torch, SciPy and mpmath without them."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

import normwise
from tests.faces import FACES, agree, unsilenced

pytestmark = [
    unsilenced,
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),  # the same of what is not there
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
]

F64 = torch.float64
ABSENT = (math.inf, -math.inf, math.nan, 1e307, 1e60, 1e-300, 0.0)
"""Elements of which some powers, or the slopes of some, are infinite or nan."""


def rows(*beside: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of an element of `ABSENT` and of others, and their weights."""
    x = torch.tensor([[absent, *beside] for absent in ABSENT], dtype=F64)
    return x, torch.tensor([0.0, *[2.0] * len(beside)], dtype=F64)


def of_those_there(p: float, *beside: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The norm of the others, each of which weighs 2, and its gradient."""
    x = torch.tensor([*beside, *beside], dtype=F64, requires_grad=True)
    value = torch.linalg.vector_norm(x, p)
    [gradient] = torch.autograd.grad(value, x, materialize_grads=True)
    return value.detach(), gradient[: len(beside)] * 2


ORDERS = [2, 7.3, -1, 0.5, 1, 0, math.inf, -math.inf]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("p", ORDERS)
def test_an_element_of_weight_0_is_not_there(p: float, face: str) -> None:
    x, weight = rows(1.0, -2.0)
    value, _ = of_those_there(p, 1.0, -2.0)
    found = normwise.norm(FACES[face](x), p, 1, weight=FACES[face](weight))
    agree(found, value.expand(len(x)), rtol=1e-14, atol=0)
    hidden = normwise.norm(FACES[face](x), p, 1, weight=FACES[face](weight), nan_policy="raise")
    agree(hidden, value.expand(len(x)), rtol=1e-14, atol=0)
    if p >= 0:
        a, b = FACES[face](x + 1), FACES[face](torch.ones_like(x))
        agree(normwise.distance(a, b, p, weight=FACES[face](weight)), value.expand(len(x)), rtol=1e-13, atol=0)


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("road", ["fused", "float16", "a learned weight", "a transform"])
def test_an_element_of_weight_0_has_no_gradient(p: float, road: str) -> None:
    x, weight = rows(1.0, -2.0)
    _, expected = of_those_there(p, 1.0, -2.0)
    if road == "float16":
        x = x.half()
    if road == "a transform":
        found = torch.func.grad(lambda x: normwise.norm(x, p, 1, weight=weight).sum())(x)
    else:
        x.requires_grad_()
        weight.requires_grad_(road == "a learned weight")
        [found] = torch.autograd.grad(normwise.norm(x, p, 1, weight=weight).sum(), x)
    assert not found[:, 0].any()
    rounding = 1e-3 if road == "float16" else 1e-14
    torch.testing.assert_close(found[:, 1:].double(), expected.expand(len(x), 2), rtol=rounding, atol=0)


@pytest.mark.parametrize("p", [0.5, 1, 2, 3])
def test_a_weight_of_0_has_a_slope_where_its_element_has_a_power(p: float) -> None:
    x = torch.tensor([3.0, 1.0, 2.0], dtype=F64)
    mine, other = (torch.tensor([0.0, 1.0, 0.5], dtype=F64, requires_grad=True) for _ in range(2))
    [found] = torch.autograd.grad(normwise.norm(x, p, weight=mine), mine)
    [expected] = torch.autograd.grad((other * x.abs() ** p).sum() ** (1 / p), other)
    torch.testing.assert_close(found, expected)
    [found] = torch.autograd.grad(normwise.norm(torch.tensor([math.inf, 1.0, 2.0], dtype=F64), p, weight=mine), mine)
    torch.testing.assert_close(found[1:], expected[1:])
    assert found[0] == 0


def test_a_weight_that_is_nan_shows() -> None:
    weight = torch.tensor([math.nan, 1.0], dtype=F64)
    for p in ORDERS:
        assert normwise.norm(torch.ones(2, dtype=F64), p, weight=weight).isnan(), p


METRICS: dict[str, tuple[str, dict[str, float]]] = {
    "l2": ("euclidean", {}),
    "lp": ("minkowski", {"p": 7.3}),
    "linf": ("chebyshev", {}),
    "cosine": ("cosine", {}),
    "canberra": ("canberra", {}),
    "braycurtis": ("braycurtis", {}),
}


@pytest.mark.parametrize("metric", METRICS)
def test_a_feature_of_weight_0_is_not_there(metric: str) -> None:
    a, weight = rows(1.0, -2.0)
    b = torch.tensor([[3.0, 1.0, 0.5], [math.inf, 2.0, 0.5]], dtype=F64)
    theirs, order = METRICS[metric]
    expected = torch.from_numpy(cdist(a[:, 1:], b[:, 1:], theirs, w=np.full(2, 2.0), **order))
    for face in FACES.values():
        found = normwise.pairwise(face(a), face(b), metric, weight=face(weight), **order)
        agree(found, expected, rtol=1e-13, atol=0)
    x, there = a.clone().requires_grad_(), a[:, 1:].clone().requires_grad_()
    [gradient] = torch.autograd.grad(normwise.pairwise(x, b, metric, weight=weight, **order).sum(), x)
    same = normwise.pairwise(there, b[:, 1:], metric, weight=weight[1:], **order).sum()
    assert not gradient[:, 0].any()
    torch.testing.assert_close(gradient[:, 1:], torch.autograd.grad(same, there)[0])


def test_a_loss_as_a_metric_leaves_features_of_weight_0_out() -> None:
    a, weight = rows(1.0, -2.0)
    b = torch.tensor([[3.0, 1.0, 0.5]], dtype=F64)
    x = a.clone().requires_grad_()
    found = normwise.pairwise(x, b, "huber", weight=weight)
    terms = torch.nn.functional.huber_loss(a[:, 1:], b[:, 1:].expand(len(a), 2), reduction="none")
    torch.testing.assert_close(found.detach()[:, 0], 2 * terms.sum(1))
    [gradient] = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(gradient, torch.tensor([[0.0, 0.0, -2.0]], dtype=F64).expand(len(a), 3))


@pytest.mark.parametrize(("p", "size"), [(1e-3, 2), (1e-3, 3), (2e-2, 1_700_000)])
def test_a_norm_that_overflows_has_its_gradient(p: float, size: int) -> None:
    with mpmath.workdps(60):
        exact = mpmath.mpf(size) ** (1 / mpmath.mpf(p) - 1)  # of equal elements, in any unit
        expected = float(exact) if exact < mpmath.mpf(2) ** 1024 else math.inf
    x = torch.full((1, size), 3.0, dtype=F64, requires_grad=True)
    found = normwise.norm(x, p, dim=1)
    found.sum().backward()
    assert found.isinf().item() == (size > 2)
    assert x.grad is not None
    assert x.grad[0, 0].item() == pytest.approx(expected, rel=1e-10)


def test_a_nan_is_neither_0_nor_not_unlike_in_torch_and_numpy() -> None:
    """Decision 21."""
    x = np.array([math.inf, math.nan, 0.0])
    assert torch.linalg.vector_norm(torch.from_numpy(x), 0).item() == np.linalg.norm(x, 0) == 2
    for face in FACES.values():
        given = face(torch.from_numpy(x))
        assert np.isnan(float(normwise.norm(given, 0)))
        assert float(normwise.norm(given, 0, nan_policy="omit")) == 1


CLOUDS = torch.randn(2, 2, 7, 3, dtype=F64, generator=torch.Generator().manual_seed(3))
REAL = torch.arange(7) < torch.tensor([[5, 6], [7, 2]])[..., None]
"""Which of 7 points are there, in a batch of 2, on 2 sides."""


def by_cloud(metric: Callable[[torch.Tensor], torch.Tensor], reduce: str, dim: int) -> tuple[Any, Any]:
    """The reductions cloud by cloud without the padding, nan for it, and the gradients of their sum."""
    sides = CLOUDS.clone().requires_grad_()
    found = torch.full((2, 7), math.nan, dtype=F64)
    total = torch.zeros((), dtype=F64)
    for k in range(2):
        there, others = REAL[0][k], REAL[1][k]
        distances = metric(sides[0, k][there][:, None] - sides[1, k][others])
        reduced = getattr(torch, {"min": "amin"}.get(reduce, reduce))(distances, dim)
        found[k, there if dim == -1 else others] = reduced.detach()
        total = total + reduced.sum()
    return found, torch.autograd.grad(total, sides)[0]


DISTANCES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "l2": lambda d: d.norm(dim=-1),
    "linf": lambda d: d.abs().amax(-1),
    "huber": lambda d: torch.nn.functional.huber_loss(d, torch.zeros_like(d), reduction="none").sum(-1),
}


@pytest.mark.parametrize("road", [*FACES, "omit", "vmap"])
@pytest.mark.parametrize("metric", DISTANCES)
def test_a_point_without_a_feature_is_no_point(metric: str, road: str) -> None:
    masks = tuple(REAL[..., None])
    padding = (math.nan, math.nan) if road == "omit" else (math.nan, math.inf)
    sides = [torch.where(mask, side, fill) for mask, side, fill in zip(masks, CLOUDS, padding, strict=True)]
    for reduce in ("min", "mean", "sum"):
        for dim in (-1, -2):
            expected, gradients = by_cloud(DISTANCES[metric], reduce, dim)
            about: dict[str, Any] = {"reduce": reduce, "dim": dim}

            def reduced(a: Any, b: Any, *masks: Any, about: dict[str, Any] = about) -> Any:
                given = {"mask": masks} if masks else {"nan_policy": "omit"}
                return normwise.pairwise(a, b, metric, **given, **about)

            if road in ("numpy", "strict"):
                agree(reduced(*map(FACES[road], (*sides, *masks))), expected, rtol=1e-13, atol=0)
                continue
            leaves = [side.clone().requires_grad_() for side in sides]
            function = torch.func.vmap(reduced) if road == "vmap" else reduced
            found = function(*leaves, *([] if road == "omit" else masks))
            agree(found, expected, rtol=1e-13, atol=0)
            chamfer = torch.where(REAL[0 if dim == -1 else 1], found, 0).sum()
            for create_graph in (True, False)[road != "torch" or metric != "l2" :]:
                gradient = torch.autograd.grad(chamfer, leaves, retain_graph=True, create_graph=create_graph)
                torch.testing.assert_close(torch.stack(gradient).detach(), gradients, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("face", FACES)
def test_reductions_where_no_point_is_there(face: str) -> None:
    a, b = FACES[face](CLOUDS[0, 0]), FACES[face](CLOUDS[1, 0])
    nothing = FACES[face](torch.zeros(7, 1, dtype=torch.bool))
    for reduce, value in (("min", math.nan), ("mean", math.nan), ("sum", 0.0)):
        found = normwise.pairwise(a, b, reduce=reduce, mask=(None, nothing))  # type: ignore[call-overload]
        agree(found, torch.full((7,), value, dtype=F64))
        found = normwise.pairwise(a, b, reduce=reduce, mask=(nothing, None))  # type: ignore[call-overload]
        agree(found, torch.full((7,), math.nan, dtype=F64))


@pytest.mark.parametrize("face", FACES)
def test_the_nearest_are_points_that_are_there(face: str) -> None:
    a, b = CLOUDS[:, 1]
    mask = REAL[1, 1][:, None]  # 2 of 7 are there
    order = torch.cdist(a, b[:2]).sort(dim=1)
    for k in (1, 2, 5, 7):
        found = normwise.nearest(FACES[face](a), FACES[face](b), k, mask=(None, FACES[face](mask)))
        few = min(k, 2)
        assert np.array_equal(np.asarray(found.indices)[:, :few], order.indices[:, :few].numpy())
        assert (np.asarray(found.indices)[:, few:] == -1).all()
        agree(found.distances[:, :few], order.values[:, :few])
        assert np.isnan(np.asarray(found.distances)[:, few:]).all()
    found = normwise.nearest(FACES[face](b), FACES[face](a), 2, mask=(FACES[face](mask), None))
    assert (np.asarray(found.indices)[2:] == -1).all()
    assert np.isnan(np.asarray(found.distances)[2:]).all()
    assert (np.asarray(found.indices)[:2] >= 0).all()


def test_the_nearest_of_padded_clouds_have_gradients() -> None:
    a, b = (side.clone().requires_grad_() for side in CLOUDS[:, 1])
    mask = REAL[1, 1][:, None]
    distances = normwise.nearest(a, b, 4, mask=(None, mask)).distances
    found = torch.autograd.grad(distances[:, :2].sum(), (a, b))
    torch.testing.assert_close(found, torch.autograd.grad(torch.cdist(a, b[:2]).sum(), (a, b)))
