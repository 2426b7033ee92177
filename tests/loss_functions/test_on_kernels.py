"""The fused kernels on every layout in memory, with every kind of weight, for NumPy and torch."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import normwise
from normwise.engines import passes

Array = npt.NDArray[Any]


@pytest.fixture(scope="module")
def skewed() -> Iterator[Any]:
    """Not of the residual, and unlike in prediction and target, so that no mix-up goes unseen."""

    @normwise.loss
    def skewed(x: Any, t: Any, p: Any = 0.5) -> Any:
        return x * x * t + p * t

    yield skewed
    del normwise.losses["skewed"]


@pytest.fixture
def small_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays are walked as large ones are, instead of being copied."""
    monkeypatch.setattr(passes, "SMALL", 0)


def value(x: Array, t: Array) -> Array:
    return x * x * t + 0.5 * t


def slope_x(x: Array, t: Array) -> Array:
    return 2 * x * t


def slope_t(x: Array, t: Array) -> Array:
    return x * x + 0.5 + 0 * t


def fresh(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(size=shape)


def record_field(rng: np.random.Generator) -> Array:
    records = np.empty((5, 7), np.dtype([("flag", np.uint8), ("value", np.float64)]))
    records["value"] = rng.normal(size=(5, 7))
    return records["value"]


def unaligned(rng: np.random.Generator) -> Array:
    array = np.frombuffer(bytearray(8 * 35 + 1), np.float64, 35, offset=1).reshape(5, 7)
    array[...] = rng.normal(size=(5, 7))
    return array


Pair = Callable[[np.random.Generator], tuple[Array, Array]]
COMMON: Mapping[str, Pair] = {
    "contiguous": lambda g: (fresh(g, 5, 7), fresh(g, 5, 7)),
    "both transposed": lambda g: (fresh(g, 7, 5).T, fresh(g, 7, 5).T),
    "one transposed": lambda g: (fresh(g, 5, 7), fresh(g, 7, 5).T),
    "sliced columns": lambda g: (fresh(g, 5, 14)[:, ::2], fresh(g, 5, 7)),
    "columns of a wider table": lambda g: (fresh(g, 5, 20)[:, 3:10], fresh(g, 5, 9)[:, :7]),
    "one column": lambda g: (fresh(g, 9, 4)[:, 1], fresh(g, 9)),
    "sliced rows": lambda g: (fresh(g, 15, 7)[::3], fresh(g, 5, 7)),
    "expanded target": lambda g: (fresh(g, 5, 7), np.broadcast_to(fresh(g, 7), (5, 7))),
    "expanded input": lambda g: (np.broadcast_to(fresh(g, 5, 1), (5, 7)), fresh(g, 5, 7)),
    "both expanded": lambda g: (
        np.broadcast_to(fresh(g, 5, 1), (5, 7)),
        np.broadcast_to(fresh(g, 7), (5, 7)),
    ),
    "0-d": lambda g: (np.array(g.normal()), np.array(g.normal())),
    "one element": lambda g: (fresh(g, 1, 1, 1), fresh(g, 1, 1, 1)),
    "3-d": lambda g: (fresh(g, 2, 3, 4), fresh(g, 2, 3, 4)),
    "3-d permuted, which needs copies": lambda g: (fresh(g, 4, 3, 2).transpose(2, 0, 1), fresh(g, 2, 4, 3)),
    "4-d, channels last": lambda g: (fresh(g, 2, 4, 5, 3).transpose(0, 3, 1, 2), fresh(g, 2, 3, 4, 5)),
    "3-d, all strided": lambda g: (fresh(g, 4, 6, 8)[::2, ::2, ::2], fresh(g, 2, 3, 4)),
    "wider than a block": lambda g: (fresh(g, 40_000)[::2], fresh(g, 20_000)),
    "many narrow rows": lambda g: (fresh(g, 9000, 4)[:, :3], fresh(g, 9000, 3)),
    "wide rows": lambda g: (fresh(g, 3, 17_000)[:, :16_999], fresh(g, 3, 16_999)),
}
NUMPY: Mapping[str, Pair] = {
    **COMMON,
    "backwards": lambda g: (fresh(g, 5, 7)[::-1, ::-1], fresh(g, 5, 7)),
    "both backwards": lambda g: (fresh(g, 35)[::-1], fresh(g, 35)[::-1]),
    "backwards columns": lambda g: (fresh(g, 5, 7)[:, ::-1], fresh(g, 5, 14)[:, ::-2]),
    "field of a record": lambda g: (record_field(g), fresh(g, 5, 7)),
    "unaligned": lambda g: (unaligned(g), fresh(g, 5, 7)),
    "big-endian": lambda g: (fresh(g, 5, 7).astype(">f8"), fresh(g, 5, 7).astype(">f8")),
    "read-only": lambda g: (np.broadcast_to(fresh(g), (5, 7)), fresh(g, 5, 7)),
    "Fortran order": lambda g: (np.asfortranarray(fresh(g, 3, 4, 5)), np.asfortranarray(fresh(g, 3, 4, 5))),
}
WEIGHTS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Array | None]] = {
    "none": lambda g, shape: None,
    "full": lambda g, shape: g.uniform(0.5, 2, shape),
    "per row": lambda g, shape: g.uniform(0.5, 2, (*shape[:1], *(1 for _ in shape[1:]))),
    "per column": lambda g, shape: g.uniform(0.5, 2, shape[-1:]),
}


def check(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-12, atol=1e-12)


PAIRED = [
    *((layout, weight) for layout in NUMPY for weight in ("none", "per row")),
    *((layout, weight) for layout in ("contiguous", "one transposed", "3-d") for weight in ("full", "per column")),
]


@pytest.mark.usefixtures("small_ones_too")
@pytest.mark.parametrize(("layout", "weight"), PAIRED)
def test_numpy_layouts(skewed: Any, layout: str, weight: str, rng: np.random.Generator) -> None:
    check_on_numpy(skewed, layout, weight, rng)


@pytest.mark.parametrize("layout", ["one transposed", "both transposed", "expanded input", "unaligned", "big-endian"])
def test_small_arrays_that_do_not_lie_in_one_piece_are_copied(
    skewed: Any, layout: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "lay_out", None)
    check_on_numpy(skewed, layout, "per row", rng)


def check_on_numpy(skewed: Any, layout: str, weight: str, rng: np.random.Generator) -> None:
    x, t = NUMPY[layout](rng)
    w = WEIGHTS[weight](rng, x.shape)
    before = x.copy(), t.copy()
    ones = np.ones(x.shape) if w is None else np.broadcast_to(w, x.shape)
    expected, slope = value(x, t) * ones, slope_x(x, t) * ones
    values = skewed(x, t, weight=w, reduction="none")
    assert values.shape == x.shape
    check(values, expected)
    for reduction, divisor in (("sum", 1.0), ("mean", ones.sum())):
        check(skewed(x, t, weight=w, reduction=reduction), expected.sum() / divisor)
        total, gradient = normwise.value_and_grad(skewed)(x, t, weight=w, reduction=reduction)
        check(total, expected.sum() / divisor)
        assert gradient.shape == x.shape
        check(gradient, slope / divisor)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(t, before[1])


@pytest.mark.usefixtures("small_ones_too")
@pytest.mark.parametrize("weight", ["none", "full"])
@pytest.mark.parametrize("layout", COMMON)
def test_torch_layouts(skewed: Any, layout: str, weight: str, rng: np.random.Generator) -> None:
    x, t = COMMON[layout](rng)
    w = WEIGHTS[weight](rng, x.shape)
    ones = np.ones(x.shape) if w is None else np.broadcast_to(w, x.shape)
    expected = value(x, t) * ones
    slopes = slope_x(x, t) * ones, slope_t(x, t) * ones
    needs = [(True, False)] if w is not None else [(True, False), (False, True), (True, True)]
    for needed in needs:
        arrays = [strided(a).requires_grad_(need) for a, need in zip((x, t), needed, strict=True)]
        tensor_w = None if w is None else torch.tensor(w)
        check(skewed(*arrays, weight=tensor_w, reduction="none").detach(), expected)
        for reduction, divisor in (("sum", 1.0), ("mean", ones.sum())):
            total = skewed(*arrays, weight=tensor_w, reduction=reduction)
            check(total.detach(), expected.sum() / divisor)
            wanted = [a for a in arrays if a.requires_grad]
            gradients = torch.autograd.grad(total, wanted)
            for gradient, slope in zip(gradients, [s for s, n in zip(slopes, needed, strict=True) if n], strict=True):
                check(gradient, slope / divisor)


def strided(array: Array) -> torch.Tensor:
    """A leaf tensor on the array's own memory, strides and all."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    flat = torch.from_numpy(base.reshape(-1))
    offset = (array.ctypes.data - base.ctypes.data) // 8
    return flat.as_strided(array.shape, [s // 8 for s in array.strides], offset).detach()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_nothing_has_no_mean(loss: Any, shape: tuple[int, ...], weighted: bool) -> None:
    function, x = getattr(normwise, loss.function), np.empty(shape)
    weight = np.empty(shape) if weighted else None
    assert function(x, x, weight=weight, reduction="none").shape == shape
    assert function(x, x, weight=weight, reduction="sum") == 0
    assert np.isnan(function(x, x, weight=weight))
    tensor = torch.empty(shape, requires_grad=True)
    tensor_weight = torch.empty(shape) if weighted else None
    assert function(tensor, tensor.detach(), weight=tensor_weight, reduction="sum") == 0
    mean = function(tensor, tensor.detach(), weight=tensor_weight)
    assert mean.isnan()
    mean.backward()
    assert tensor.grad is not None
    assert tensor.grad.shape == shape


def test_values_keep_the_strides_of_the_input(loss: Any) -> None:
    function = getattr(normwise, loss.function)
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert function(x, torch.zeros_like(x), reduction="none").is_contiguous(memory_format=torch.channels_last)
    y = torch.randn(4, 3).T
    assert function(y, torch.zeros(3, 4), reduction="none").stride() == y.stride()


def test_negative_views_are_read_with_their_sign() -> None:
    z = torch.complex(torch.randn(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)).conj()
    x = z.imag
    assert x.is_neg()
    torch.testing.assert_close(normwise.mse_loss(x, torch.zeros(4)), (x.clone() ** 2).mean())
    torch.testing.assert_close(normwise.mse_loss(torch.zeros(4), x), (x.clone() ** 2).mean())


def test_the_sum_is_exact_beyond_single_precision() -> None:
    x = torch.full((1 << 22,), 0.1)
    assert normwise.l1_loss(x, torch.zeros_like(x)).item() == pytest.approx(0.1, rel=1e-7)
    far = torch.tensor([1e8, 1.0, -1e8, 0.25]).repeat(4096)
    total = normwise.quantile_loss(far, torch.zeros_like(far), q=0.0, reduction="sum")
    assert total.item() == pytest.approx(4096 * (1e8 + 1.25), rel=1e-7)
