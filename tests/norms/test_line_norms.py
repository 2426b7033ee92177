"""The quick lane of norms and distances: bitwise the ordinary way, and nobody else's business."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import normwise
from normwise.norms import api, on_arrays, on_torch

# Forward-mode differentiation imports what torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

ORDERS = (1, 2, math.inf, -math.inf, 0, 0.5, 3, 2.5, -1)
KINDS = [
    *[(p, torch.float32) for p in ORDERS],
    *[(p, torch.float64) for p in (1, 2, math.inf, 2.5)],
    (2, torch.float16),
    (math.inf, torch.bfloat16),
]
CALLS = [
    ((64, 8), 1),
    ((64, 8), 0),
    ((4, 5, 6), (1, 2)),
    ((4, 5, 6), 1),
    ((4, 40, 30), -2),
    ((3, 700), -1),
    ((3, 700), 0),
    ((7, 1), 1),
    ((1, 9000), 1),
]


@contextmanager
def ordinary() -> Iterator[None]:
    """Take the ordinary way."""
    kept = {**api.USUAL}
    api.USUAL.clear()
    try:
        yield
    finally:
        api.USUAL.update(kept)


@pytest.fixture
def only_lanes(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let nothing but a lane compute."""

    def refuse(asked: Any) -> None:
        raise AssertionError(f"took the ordinary way: {asked}")

    monkeypatch.setattr(api, "_called", refuse)
    return monkeypatch


def numbers(shape: tuple[int, ...], dtype: torch.dtype = torch.float32, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


def same(a: torch.Tensor | None, b: torch.Tensor | None) -> None:
    """Assert that two tensors are equal, bit for bit but for what a nan holds."""
    assert a is not None
    assert b is not None
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    alike = (a == b) & (a.signbit() == b.signbit()) | (a.isnan() & b.isnan())
    assert alike.all(), (a, b)


def odd(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Numbers of every kind: lines with a nan, an infinity, zeros of both signs, ties."""
    x = numbers(shape, dtype)
    flat = x.view(-1)
    flat[1::7] = 0.0
    flat[2::11] = -0.0
    flat[3::97] = math.nan
    flat[5::89] = -math.inf
    flat[6::13] = flat[6].item()
    return x


@pytest.mark.parametrize(("p", "dtype"), KINDS, ids=str)
def test_values_and_gradients_are_those_of_the_ordinary_way(p: float, dtype: torch.dtype) -> None:
    for shape, dim in CALLS:
        for x in (numbers(shape, dtype), odd(shape, dtype)):
            for keepdim in (False, True):
                leaf = x.clone().requires_grad_()
                value = normwise.norm(leaf, p, dim, keepdim)
                upstream = numbers(tuple(value.shape), value.dtype, 3)
                [gradient] = torch.autograd.grad(value, leaf, upstream)
                with ordinary():
                    expected = normwise.norm(leaf, p, dim, keepdim)
                same(value.detach(), expected.detach())
                same(normwise.norm(x, p, dim, keepdim), value.detach())
                same(gradient, torch.autograd.grad(expected, leaf, upstream)[0])


@pytest.mark.parametrize("needs", [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("p", [0, 2, 2.5, math.inf])
def test_distances_are_those_of_the_ordinary_way(p: float, needs: tuple[bool, bool]) -> None:
    # What the sides hold and which of them are differentiated have nothing to do with one another.
    mixed = [(torch.float16, torch.float64)] if all(needs) else []
    for dtypes in ((torch.float32, torch.float32), *mixed):
        for shape, dim in CALLS:
            a, b = (numbers(shape, dtype, seed) for seed, dtype in enumerate(dtypes))
            b.view(-1)[::3] = a.view(-1)[::3].to(b.dtype)
            a.requires_grad_(needs[0])
            b.requires_grad_(needs[1])
            leaves = [x for x, needed in zip((a, b), needs, strict=True) if needed]
            value = normwise.distance(a, b, p, dim, eps=0.25)
            gradients = torch.autograd.grad(value.sum(), leaves)
            with ordinary():
                expected = normwise.distance(a, b, p, dim, eps=0.25)
            same(value.detach(), expected.detach())
            for found, wanted in zip(gradients, torch.autograd.grad(expected.sum(), leaves), strict=True):
                same(found, wanted)


@pytest.mark.usefixtures("only_lanes")
@pytest.mark.parametrize("p", [1, 2, math.inf, 0, 2.5, -1])
def test_small_calls_take_the_lane(p: float) -> None:
    for dtype in (torch.float32, torch.float64):
        x = (numbers((12, 5), dtype).abs() + 0.5).requires_grad_()
        for dim in (None, 0, 1, -1, (0, 1)):
            value = normwise.norm(x, p, dim)
            torch.testing.assert_close(value, torch.linalg.vector_norm(x, p, dim))
            value.sum().backward()
            torch.testing.assert_close(
                torch.from_numpy(np.asarray(normwise.norm(x.detach().numpy(), p, dim))), value.detach(), rtol=0, atol=0
            )
        if p >= 0:
            normwise.distance(x, x.detach() + 1, p, keepdim=True).sum().backward()
            normwise.distance(x.detach().numpy(), x.detach().numpy() + 1, p)


def test_powers_that_leave_the_range_take_the_ordinary_way() -> None:
    x = torch.tensor([[3e200, 4e200], [3e-200, 4e-200], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    value = normwise.norm(x, 2, 1)
    np.testing.assert_allclose(value.detach().numpy(), [5e200, 5e-200, 5.0], rtol=1e-14)
    value.sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), [[0.6, 0.8]] * 3, rtol=1e-14)
    np.testing.assert_allclose(normwise.norm(x.detach().numpy(), 2, 1), [5e200, 5e-200, 5.0], rtol=1e-14)


@pytest.mark.usefixtures("only_lanes")
@pytest.mark.parametrize("p", [2, math.inf])
def test_a_graph_is_walked_again_and_a_gradient_differentiated(p: float) -> None:
    x = numbers((6, 5), torch.float64).requires_grad_()
    value = normwise.norm(x, p, 1)
    upstream = numbers((6,), torch.float64, 2)
    [first] = torch.autograd.grad(value, x, upstream, retain_graph=True)
    normwise.norm(numbers((6, 5), torch.float64, 5).requires_grad_(), p, 1).sum().backward()  # takes what it has left
    [again] = torch.autograd.grad(value, x, upstream, retain_graph=True)
    same(first, again)
    [slope] = torch.autograd.grad(value, x, upstream, create_graph=True)
    torch.testing.assert_close(slope.detach(), first)
    assert torch.autograd.gradgradcheck(lambda x: normwise.norm(x, p, 1), x)
    [batch] = torch.autograd.grad(value, x, torch.eye(6, dtype=torch.float64), is_grads_batched=True, retain_graph=True)
    torch.testing.assert_close(batch.sum(0), torch.autograd.grad(value.sum(), x)[0])


def test_whatever_comes_from_upstream() -> None:
    x = numbers((6, 5, 4)).requires_grad_()
    value = normwise.norm(x, 2, 2)
    expected = torch.linalg.vector_norm(x, 2, 2)
    turned, negated = numbers((5, 6)).T, torch._neg_view(numbers((6, 5)))
    for upstream in (turned, turned[:1].expand(6, 5), torch.ones(()).expand(6, 5), negated, negated[0, 0].expand(6, 5)):
        [found] = torch.autograd.grad(value, x, upstream, retain_graph=True)
        torch.testing.assert_close(found, torch.autograd.grad(expected, x, upstream, retain_graph=True)[0])


def test_what_changed_since_is_not_differentiated() -> None:
    x = numbers((6, 5)).requires_grad_()
    y = x * 1
    value = normwise.norm(y, 2, 1)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.sum().backward()
    value = normwise.norm(x, 2, 1).sum()
    value.backward()
    with pytest.raises(RuntimeError, match="second time"):
        value.backward()


@pytest.mark.parametrize(
    "unpack", [torch.clone, torch.Tensor.double, lambda x: x.T.contiguous().T], ids=["copied", "widened", "turned"]
)
def test_what_hooks_put_in_the_place_of_an_array(unpack: Any) -> None:
    x = numbers((6, 5)).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda x: x, unpack):
        value = normwise.norm(x, 3, 1)
    [found] = torch.autograd.grad(value.sum(), x)
    torch.testing.assert_close(found, torch.autograd.grad(torch.linalg.vector_norm(x, 3, 1).sum(), x)[0])


def test_arrays_that_do_not_lie_in_one_piece() -> None:
    x = numbers((8, 6))
    normwise.norm(x, 2, 1)  # the lane is there
    for view in (numbers((6, 8)).T, numbers((8, 12))[:, ::2], torch._neg_view(numbers((8, 6)))):
        assert view.shape == x.shape
        torch.testing.assert_close(normwise.norm(view, 2, 1), torch.linalg.vector_norm(view, 2, 1))
        leaf = view.detach().requires_grad_()
        [found] = torch.autograd.grad(normwise.norm(leaf, 2, 1).sum(), leaf)
        torch.testing.assert_close(found, torch.autograd.grad(torch.linalg.vector_norm(leaf, 2, 1).sum(), leaf)[0])
        torch.testing.assert_close(normwise.distance(x, view), torch.linalg.vector_norm(x - view, dim=1))
        torch.testing.assert_close(normwise.distance(view, x), torch.linalg.vector_norm(x - view, dim=1))
    raw = np.zeros(8 * 6 * 4 + 1, np.uint8)
    unaligned = raw[1:].view(np.float32).reshape(8, 6)
    unaligned[...] = x
    fixed = x.numpy().copy()
    fixed.flags.writeable = False
    for array in (unaligned, fixed, x.numpy()[::-1, ::-1], x.numpy().astype(">f4")):
        np.testing.assert_allclose(normwise.norm(array, 2, 1), np.linalg.norm(array, 2, 1), rtol=1e-6)


@pytest.mark.parametrize("face", [torch.tensor, np.array])
def test_nothing_and_a_number(face: Any) -> None:
    assert normwise.norm(face([[], []]), 2, 1).tolist() == [0, 0]
    assert normwise.norm(face([[], []]), 2, 0).tolist() == []
    with pytest.raises(RuntimeError, match="no value for nothing"):
        normwise.norm(face([[], []]), math.inf, 1)
    assert normwise.norm(face(-3.0)).tolist() == 3
    assert normwise.norm(face([-3.0]), keepdim=True).shape == (1,)
    assert normwise.norm(face(-3.0), 3, 0, keepdim=True).shape == ()
    assert isinstance(normwise.norm(np.ones((2, 2), np.float32)), np.float32)


def test_what_only_equals_the_arguments_of_a_lane() -> None:
    x = numbers((4, 3))
    normwise.norm(x, 1, 1)
    with pytest.raises(ValueError, match="real number"):
        normwise.norm(x, True, 1)
    order = torch.tensor(1.0)
    same(normwise.norm(x, order, 1), normwise.norm(x, 1, 1))  # type: ignore[arg-type]
    order.fill_(2.0)
    same(normwise.norm(x, order, 1), normwise.norm(x, 2, 1))  # type: ignore[arg-type]
    same(normwise.norm(x, 1, [1]), normwise.norm(x, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is nan"):
        normwise.norm(x, math.nan, 1)
    with pytest.raises(IndexError, match="out of range"):
        normwise.norm(x, 1, 2)
    with pytest.raises(ValueError, match="0 or more"):
        normwise.distance(x, x, -1)
    with pytest.raises(TypeError, match="one library"):
        normwise.distance(x, x.numpy())
    with pytest.raises(TypeError, match="one library"):
        normwise.distance(x.numpy(), x)


class Counted(torch.Tensor):
    """A subclass that is asked before a function is called."""


class Functions(TorchFunctionMode):
    seen = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        Functions.seen += func is normwise.norm
        return func(*args, **(kwargs or {}))


class Operations(TorchDispatchMode):
    seen = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        Operations.seen += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("face", [np.asarray, torch.tensor])
def test_an_error_of_a_new_call_speaks_of_nothing_else(face: Any) -> None:
    x = face([1.0, 2.0])
    for call in (lambda: normwise.norm(x, math.nan), lambda: normwise.distance(x, x, p=-1.5)):
        with pytest.raises((normwise.errors.InputError, normwise.errors.ParameterError)) as raised:
            call()
        assert raised.value.__context__ is None


def test_whoever_follows_sees_torchs_operations() -> None:
    x = numbers((4, 3), torch.float64)
    expected = normwise.norm(x, 3, 1)
    torch.testing.assert_close(torch.vmap(lambda row: normwise.norm(row, 3))(x), expected)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        tangent = torch.autograd.forward_ad.unpack_dual(normwise.norm(dual, 3, 1)).tangent
    assert tangent.shape == (4,)
    traced = make_fx(lambda x: normwise.norm(x, 3, 1))(x)
    torch.testing.assert_close(traced(2 * x), 2 * expected)
    with Functions():
        torch.testing.assert_close(normwise.norm(x, 3, 1), expected)
    assert Functions.seen
    with Operations():
        torch.testing.assert_close(normwise.norm(x, 3, 1), expected)
    assert Operations.seen
    assert type(normwise.norm(x.as_subclass(Counted), 3, 1)) is Counted
    meta = normwise.norm(x.to("meta"), 3, 1)
    assert meta.is_meta
    assert meta.shape == (4,)


@pytest.mark.usefixtures("only_lanes")
def test_threads_do_not_meet() -> None:
    arrays = [numbers((40, 9), seed=i) for i in range(64)]
    expected = [torch.linalg.vector_norm(x.double(), dim=1).float() for x in arrays]

    def both(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        leaf = x.clone().requires_grad_()
        value = normwise.norm(leaf, 2, 1)
        value.sum().backward()
        assert leaf.grad is not None
        return value.detach(), leaf.grad

    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for x, wanted, (value, gradient) in zip(arrays, expected, pool.map(both, arrays), strict=True):
                same(value, wanted)
                torch.testing.assert_close(gradient, x / wanted[:, None])


@pytest.mark.usefixtures("only_lanes")
def test_any_number_of_threads_finds_the_same() -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for shape in ((3000, 40), (300, 700)):
                x = numbers(shape).requires_grad_()
                value = normwise.norm(x, 3, 1)
                value.backward(numbers((shape[0],), seed=4))
                found += [value.detach(), x.grad]
    finally:
        torch.set_num_threads(before)
    for one, two in zip(found[:4], found[4:], strict=True):
        same(one, two)


def test_lanes_are_forgotten_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, face in ((on_torch, torch.ones), (on_arrays, np.ones)):
        monkeypatch.setattr(module, "MANY", 4)
        for n in range(1, 12):
            assert normwise.norm(face((n, 4)), 2, 1).tolist() == [2] * n
        assert len(module._lanes) <= 5
