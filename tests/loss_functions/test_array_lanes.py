"""The quick lane of losses on NumPy's arrays against the ordinary way, bit by bit, and what it is to refuse."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import normwise
from normwise.catalogue import losses
from normwise.errors import ParameterError
from normwise.loss_functions import on_arrays
from tests.samples import REPRESENTATIVE

DTYPES = (np.float16, np.float32, np.float64)


@contextmanager
def the_ordinary_way() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_arrays, "_lane_of", lambda *_: None)
        yield


def sample(name: str, shape: tuple[int, ...], dtype: Any) -> list[Any]:
    generator = np.random.default_rng(1)
    return [generator.uniform(0.1, 0.9, shape).astype(dtype)[()] for _ in losses[name].formula.arrays]


def same_bits(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found) & ~np.isnan(found), np.signbit(expected) & ~np.isnan(expected))


def agree(name: str, arrays: list[Any], **options: Any) -> None:
    function = getattr(normwise, losses[name].function)
    for call in (function, normwise.value_and_grad(name)):
        found = call(*arrays, **options)
        with the_ordinary_way():
            expected = call(*arrays, **options)
        pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
        for one, other in pairs:
            same_bits(one, other)


@pytest.mark.parametrize("name", [*REPRESENTATIVE, "gaussian_nll", "poisson_nll"])
def test_losses_and_gradients_are_those_of_the_ordinary_way(name: str) -> None:
    for dtype in DTYPES:
        for shape in ((), (1,), (0,), (100,), (7, 5)):
            arrays = [np.asarray(array) for array in sample(name, shape, dtype)]
            for reduction in ("mean", "sum") if losses[name].finish is None else ("mean",):
                agree(name, arrays, reduction=reduction)


def test_many_elements_are_summed_as_in_the_ordinary_way() -> None:
    for size in (40_000, 200_000):
        agree("mse", sample("mse", (size,), np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
def test_odd_values_are_those_of_the_ordinary_way(dtype: Any) -> None:
    for odd in (math.nan, math.inf, -0.0, float(np.finfo(dtype).max), float(np.finfo(dtype).tiny) / 4):
        agree("mse", [np.full(3, odd, dtype), np.ones(3, dtype)])
        agree("mse", [np.full(3, odd, dtype), np.zeros(3, dtype)])


def test_numbers_beyond_the_range_warn_of_nothing() -> None:
    with np.errstate(all="raise"):
        assert normwise.mse_loss(np.full(3, 3e38, "f4"), np.full(3, -3e38, "f4")) == math.inf
        assert normwise.mse_loss(np.full(3, 1e-30, "f4"), np.zeros(3, "f4")) == 0


class OfNumpy(np.ndarray[Any, Any]):
    pass


def test_arrays_of_other_kinds_are_refused() -> None:
    a = np.ones(12)
    mse = losses["mse"]
    others = {
        "strided": np.ones(24)[::2],
        "subclass": a.view(OfNumpy),
        "masked": np.ma.array(a),
        "integer": a.astype(int),
        "boolean": a.astype(bool),
        "single": a.astype("f4"),
        "complex": a.astype(complex),
        "long": a.astype(np.longdouble),
        "foreign order": a.astype(a.dtype.newbyteorder()),
        "structured": np.zeros(12, dtype=[("x", "f8")]),
        "field": np.zeros(12, dtype=[("flag", "i1"), ("x", "f8")])["x"],
        "unaligned": np.frombuffer(bytes(97), dtype="u1")[1:].view("f8"),
        "other shape": np.ones((3, 4)),
        "number": 1.0,
        "list": a.tolist(),
        "object": a.astype(object),
    }
    assert on_arrays._lane_of(mse, (a, a), True) is not None
    assert {n: on_arrays._lane_of(mse, (a, other), True) for n, other in others.items()} == dict.fromkeys(others)
    assert {n: on_arrays._lane_of(mse, (other, a), True) for n, other in others.items()} == dict.fromkeys(others)
    assert on_arrays._lane_of(mse, (a[:0], a[:0]), True) is None


def test_what_is_only_read_may_be_read_only() -> None:
    a = np.ones(12)
    a.flags.writeable = False
    agree("mse", [a, a])


def test_a_domain_is_looked_at() -> None:
    a = np.ones(12)
    agree("gaussian_nll", [a, a, a])
    with pytest.raises(ParameterError, match="negative"):
        normwise.gaussian_nll_loss(a, a, -a)


def test_an_address_is_that_of_numpy() -> None:
    for array in (np.ones(3), np.ones((3, 4))[1:, 2], np.array(1.0), np.ones(3, "f4")[::-1]):
        assert on_arrays.address(array) == array.ctypes.data
