"""The quick lane of pairs against the ordinary way, bit by bit, and what it is to refuse."""

import math
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode

import normwise
from normwise.errors import DimensionError, InputError
from normwise.pairs import api, on_arrays, torch_lanes
from normwise.pairs.checks import find_metric
from tests.pair_samples import SCIPY, order, points

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

METRICS: dict[str, dict[str, Any]] = {
    **{name: order(name) for name in SCIPY},
    "lp": {"p": 1.5},
    "minkowski": {"p": 7},
    "huber": {"delta": 0.3},
    "log_cosh": {},
}

SHAPES = [((8, 3), (8, 3)), ((1, 1), (5, 1)), ((40, 3), (7, 3)), ((3, 40), (70, 40)), ((2, 5, 3), (2, 4, 3))]
SINGLE_POINTS = [((3,), (8, 3)), ((8, 3), (3,)), ((3,), (3,))]

DTYPES = [
    (torch.float32, torch.float32),
    (torch.float64, torch.float64),
    (torch.float16, torch.float32),
    (torch.bfloat16, torch.float64),
]


@contextmanager
def the_ordinary_way() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "_USUAL", defaultdict(lambda: lambda *_: None))
        yield


def drawn(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    return points(math.prod(shape), 1, seed).reshape(shape).to(dtype)


def same_bits(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    one, other = (np.asarray(x.detach().double() if isinstance(x, torch.Tensor) else x) for x in (found, expected))
    np.testing.assert_array_equal(one, other)
    signs = [np.where(np.isnan(x), 0, np.copysign(1, x)) for x in (one, other)]  # the sign of a nan says nothing
    np.testing.assert_array_equal(*signs)


def through_the_lane(metric: str, a: Any, b: Any = None, **options: Any) -> Any:
    found, bound = find_metric(metric, options.pop("p", None), options)
    usual: Callable[..., Any] = (torch_lanes if isinstance(a, torch.Tensor) else on_arrays).usual
    return usual(found, tuple(bound.values()), a, a if b is None else b)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtypes", DTYPES, ids=str)
def test_distances_are_those_of_the_ordinary_way(metric: str, dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    for shapes in (*SHAPES, *SINGLE_POINTS):
        a, b = (drawn(shape, dtype, seed) for seed, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True)))
        with the_ordinary_way():
            expected = normwise.pairwise(a, b, metric, **METRICS[metric])
        same_bits(normwise.pairwise(a, b, metric, **METRICS[metric]), expected)
        if torch.bfloat16 not in dtypes:
            with the_ordinary_way():
                expected = normwise.pairwise(a.numpy(), b.numpy(), metric, **METRICS[metric])
            same_bits(normwise.pairwise(a.numpy(), b.numpy(), metric, **METRICS[metric]), expected)


BOTH, FIRST, SECOND = (True, True), (True, False), (False, True)


@pytest.mark.parametrize(
    ("metric", "dtypes", "learned"),
    [
        *[(metric, DTYPES[0], BOTH) for metric in METRICS],
        *[("l2", dtypes, learned) for dtypes in DTYPES for learned in (FIRST, SECOND)],
    ],
)
def test_gradients_are_those_of_the_ordinary_way(
    metric: str, dtypes: tuple[torch.dtype, torch.dtype], learned: tuple[bool, bool]
) -> None:
    def gradients(shapes: Any, spread: bool) -> tuple[Any, ...]:
        sides = [
            drawn(shape, dtype, seed).requires_grad_(needs)
            for seed, (shape, dtype, needs) in enumerate(zip(shapes, dtypes, learned, strict=True))
        ]
        value = normwise.pairwise(*sides, metric, **METRICS[metric])
        upstream = torch.tensor(0.3, dtype=value.dtype) if spread else drawn(value.shape, value.dtype, 3)
        value.backward(upstream.expand(value.shape))
        return type(value.grad_fn).__name__, value.detach(), *[side.grad for side in sides if side.requires_grad]

    for shapes in SHAPES:
        for spread in (True, False):
            name, *found = gradients(shapes, spread)
            with the_ordinary_way():
                other, *expected = gradients(shapes, spread)
            assert name == other
            for each, wanted in zip(found, expected, strict=True):
                same_bits(each, wanted)


def test_many_points_have_the_gradients_of_the_ordinary_way() -> None:
    for shapes in (((90, 40), (80, 40)), ((300, 2), (200, 2))):
        a, b = (drawn(shape, torch.float32, seed).requires_grad_() for seed, shape in enumerate(shapes))
        found = torch.autograd.grad(normwise.pairwise(a, b).sum(), (a, b))
        with the_ordinary_way():
            expected = torch.autograd.grad(normwise.pairwise(a, b).sum(), (a, b))
        for each, wanted in zip(found, expected, strict=True):
            same_bits(each, wanted)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_odd_values_are_those_of_the_ordinary_way(metric: str, dtype: torch.dtype) -> None:
    odd = torch.tensor([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 1e-300, 1e300, 1e155, -1e-160, 1e-40, 3e38])
    a = odd.to(dtype)[:, None].expand(-1, 2).contiguous()
    for b in (None, a.flip(0).contiguous(), torch.ones(3, 2, dtype=dtype)):
        with the_ordinary_way():
            expected = normwise.pairwise(a, b, metric, **METRICS[metric])
            array = normwise.pairwise(a.numpy(), None if b is None else b.numpy(), metric, **METRICS[metric])
        same_bits(normwise.pairwise(a, b, metric, **METRICS[metric]), expected)
        same_bits(normwise.pairwise(a.numpy(), None if b is None else b.numpy(), metric, **METRICS[metric]), array)
        x = a.clone().requires_grad_()
        [found] = torch.autograd.grad(normwise.pairwise(x, b, metric, **METRICS[metric]).sum(), x)
        with the_ordinary_way():
            [expected] = torch.autograd.grad(normwise.pairwise(x, b, metric, **METRICS[metric]).sum(), x)
        same_bits(found, expected)


def test_powers_that_leave_the_range_are_left_to_the_ordinary_way() -> None:
    a = np.array([[0.0, 3e-200], [0.0, 0.0]])
    assert normwise.pairwise(a)[0, 1] == 3e-200
    assert through_the_lane("l2", a) is None
    assert through_the_lane("l2", a * 1e200) is not None
    assert through_the_lane("l2", torch.from_numpy(a)) is None
    x = torch.from_numpy(a).requires_grad_()
    assert through_the_lane("l2", x) is None


@pytest.mark.parametrize("metric", ["l2", "linf", "lp", "cosine"])
def test_second_derivatives_are_those_of_the_ordinary_way(metric: str) -> None:
    def second() -> torch.Tensor:
        a, b = drawn((5, 3), torch.float64, 1).requires_grad_(), drawn((4, 3), torch.float64, 2)
        [first] = torch.autograd.grad(normwise.pairwise(a, b, metric, **METRICS[metric]).sum(), a, create_graph=True)
        [found] = torch.autograd.grad((first * first).sum(), a)
        return found

    found = second()
    with the_ordinary_way():
        same_bits(found, second())


def test_a_second_pass_and_a_batch_of_passes_agree() -> None:
    a, b = drawn((5, 3), torch.float32, 1).requires_grad_(), drawn((4, 3), torch.float32, 2)
    value = normwise.pairwise(a, b)
    basis = torch.eye(20).reshape(20, 5, 4)
    alone = torch.stack([torch.autograd.grad(value, a, each, retain_graph=True)[0] for each in basis])
    [batched] = torch.autograd.grad(value, a, basis, is_grads_batched=True)
    torch.testing.assert_close(batched, alone)


@pytest.mark.parametrize("metric", ["l2", "linf", "huber"])
def test_upstream_may_lie_in_memory_as_it_likes(metric: str) -> None:
    a, b = (
        drawn((2, 3, 5, 4), torch.float32, 1).requires_grad_(),
        drawn((2, 3, 6, 4), torch.float32, 2).requires_grad_(),
    )
    value = normwise.pairwise(a, b, metric, **METRICS[metric])
    upstreams = [
        drawn((2, 3, 6, 5), torch.float32, 3).mT,
        drawn((3, 2, 5, 6), torch.float32, 3).transpose(0, 1),
        drawn((2, 3, 5, 1), torch.float32, 3).expand(2, 3, 5, 6),
        drawn((2, 3, 5, 12), torch.float32, 3)[..., ::2],
        torch._neg_view(drawn((2, 3, 5, 6), torch.float32, 3)),
    ]
    for upstream in upstreams:
        found = torch.autograd.grad(value, (a, b), upstream, retain_graph=True)
        dense = upstream.resolve_neg().contiguous()
        for each, expected in zip(found, torch.autograd.grad(value, (a, b), dense, retain_graph=True), strict=True):
            same_bits(each, expected)


def test_graphs_that_live_at_once_do_not_share_memory() -> None:
    sides = [drawn((5, 3), torch.float32, seed).requires_grad_() for seed in range(4)]
    b = drawn((4, 3), torch.float32, 9)
    expected = [torch.autograd.grad(normwise.pairwise(a, b).sum(), a)[0] for a in sides]
    values = [normwise.pairwise(a, b).sum() for a in sides]
    for _ in range(2):
        for a, value, wanted in zip(sides, values[:4], expected, strict=True):
            same_bits(torch.autograd.grad(value, a, retain_graph=True)[0], wanted)
            values.append(normwise.pairwise(a * 3, b))  # takes what memory is free


@pytest.mark.parametrize("metric", ["l2", "linf"])
def test_points_that_a_hook_has_replaced_are_read_as_they_lie(metric: str) -> None:
    a, b = drawn((5, 3), torch.float32, 1).requires_grad_(), drawn((4, 3), torch.float32, 2)
    [expected] = torch.autograd.grad(normwise.pairwise(a, b, metric).sum(), a)
    for replaced in (lambda x: x.clone(), lambda x: x.T.contiguous().T):
        with torch.autograd.graph.saved_tensors_hooks(lambda x: x.detach(), replaced):
            value = normwise.pairwise(a, b, metric).sum()
        for _ in range(2):
            same_bits(torch.autograd.grad(value, a, retain_graph=True)[0], expected)


@pytest.mark.parametrize("metric", ["l2", "braycurtis"])
def test_what_has_no_slope_meets_nothing_from_upstream(metric: str) -> None:
    a = torch.tensor([[1.0, 2.0]], requires_grad=True)
    for factor in (math.inf, math.nan):
        value = normwise.pairwise(a, a.detach().clone(), metric)
        value.backward(torch.full_like(value, factor))
        assert a.grad is not None
        assert a.grad.tolist() == [[0.0, 0.0]]


def test_what_was_changed_before_the_backward_pass_is_seen() -> None:
    a, b = drawn((5, 3), torch.float32, 1).requires_grad_(), drawn((4, 3), torch.float32, 2)
    value = normwise.pairwise(a, b).sum()
    b.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


class Subclass(torch.Tensor):
    pass


class OfNumpy(np.ndarray[Any, Any]):
    pass


def test_tensors_of_other_kinds_are_refused() -> None:
    a = torch.ones(4, 3)
    others = {
        "strided": torch.ones(3, 4).T,
        "subclass": a.as_subclass(Subclass),
        "meta": a.to("meta"),
        "sparse": a.to_sparse(),
        "integer": a.long(),
        "boolean": a.bool(),
        "complex": a + 0j,
        "empty": torch.ones(0, 3),
        "featureless": torch.ones(4, 0),
        "number": torch.tensor(1.0),
        "other features": torch.ones(4, 2),
        "batch": torch.ones(2, 4, 3),
        "negated": torch._neg_view(a),
        "array": a.numpy(),
    }
    assert through_the_lane("l2", a) is not None
    assert {name: through_the_lane("l2", a, other) for name, other in others.items()} == dict.fromkeys(others)
    assert {name: through_the_lane("l2", other, a) for name, other in others.items()} == dict.fromkeys(others)


def test_arrays_of_other_kinds_are_refused() -> None:
    a = np.ones((4, 3))
    field = np.zeros((4, 3), dtype=[("flag", "i1"), ("x", "f8")])
    others = {
        "strided": np.ones((3, 4)).T,
        "subclass": a.view(OfNumpy),
        "masked": np.ma.array(a),
        "integer": a.astype(int),
        "boolean": a.astype(bool),
        "complex": a.astype(complex),
        "long": a.astype(np.longdouble),
        "foreign order": a.astype(a.dtype.newbyteorder()),
        "structured": field,
        "field": field["x"],
        "unaligned": np.frombuffer(bytes(97), dtype="u1")[1:].view("f8").reshape(4, 3),
        "empty": np.ones((0, 3)),
        "number": np.array(1.0),
        "list": a.tolist(),
        "object": a.astype(object),
    }
    assert through_the_lane("l2", a) is not None
    assert {name: through_the_lane("l2", a, other) for name, other in others.items()} == dict.fromkeys(others)
    read_only = a.copy()
    read_only.flags.writeable = False
    assert through_the_lane("l2", read_only).tolist() == np.zeros((4, 4)).tolist()


class Counting(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(getattr(func, "__name__", str(func)))
        return func(*args, **(kwargs or {}))


def test_who_follows_sees_the_operations() -> None:
    def distances(x: torch.Tensor, y: torch.Tensor) -> Any:
        return normwise.pairwise(x, y)

    a, b = drawn((4, 3), torch.float32, 1), drawn((5, 3), torch.float32, 2)
    expected = normwise.pairwise(a, b)
    graph = make_fx(distances)(a, b)
    torch.testing.assert_close(graph(a + 1, b), normwise.pairwise(a + 1, b))
    with Counting() as mode:
        normwise.pairwise(a, b)
    assert "pairwise" in mode.seen
    torch.testing.assert_close(torch.func.vmap(distances, (0, None))(a[:, None], b), expected[:, None])
    tangent = torch.func.jvp(lambda x: distances(x, b), (a,), (torch.ones_like(a),))[1]
    assert tangent.shape == expected.shape


def test_a_wrong_dimension_is_refused_all_the_same() -> None:
    with pytest.raises(DimensionError, match="dim is 3"):
        normwise.pairwise(torch.ones(4, 3), dim=3)
    with pytest.raises(InputError, match="nan_policy"):
        normwise.pairwise(torch.ones(4, 3), nan_policy="drop")  # type: ignore[arg-type]


def test_threads_have_arguments_of_their_own() -> None:
    def distances(seed: int) -> float:
        a, b = drawn((60, 8), torch.float32, seed), drawn((60, 8), torch.float32, seed + 1)
        return max(float((normwise.pairwise(a, b) - torch.cdist(a, b)).abs().max()) for _ in range(100))

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(distances, range(8))) < 1e-4
