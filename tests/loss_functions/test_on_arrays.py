"""What is particular to NumPy and to the arrays of other namespaces."""

import math
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss


def test_integers_and_booleans_are_computed_in_float64(loss: Loss) -> None:
    function = getattr(normwise, loss.function)
    x, t = np.array([1, 0, 1, 3]), np.array([0, 0, 1, 5])
    for dtype in (np.int8, np.uint8, np.int64, np.bool_):
        for reduction in ("none", "sum", "mean"):
            given = x.astype(dtype), t.astype(dtype)
            value = function(*given, reduction=reduction)
            assert value.dtype == np.float64
            np.testing.assert_array_equal(value, function(*(a.astype(float) for a in given), reduction=reduction))


@pytest.mark.parametrize(
    ("first", "second", "values", "total"),
    [
        ("float32", "float32", "float32", "float32"),
        ("float32", "float64", "float64", "float64"),
        ("float16", "float16", "float16", "float32"),
        ("float16", "float32", "float32", "float32"),
        ("float32", "int64", "float32", "float32"),
        ("longdouble", "float64", "longdouble", "longdouble"),
        (">f8", ">f8", "float64", "float64"),
        (">f4", "<f4", "float32", "float32"),
    ],
)
def test_dtypes_promote(loss: Loss, first: str, second: str, values: str, total: str) -> None:
    function = getattr(normwise, loss.function)
    x, t = np.array([1, 2, 5]).astype(first), np.array([2, 2, 3]).astype(second)
    assert function(x, t, reduction="none").dtype == values
    assert function(x, t).dtype == total
    expected = function(np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 3.0]), reduction="none")
    np.testing.assert_allclose(function(x, t, reduction="none").astype(float), expected, rtol=1e-3)


def test_complex_numbers_are_refused(loss: Loss) -> None:
    x = np.ones(3, complex)
    with pytest.raises(NotImplementedError, match=rf"{loss.function} is not implemented for complex128"):
        getattr(normwise, loss.function)(x, x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_a_scalar_is_an_array_without_dimensions(loss: Loss, dtype: Any) -> None:
    function = getattr(normwise, loss.function)
    for reduction in ("none", "sum", "mean"):
        value = function(dtype(3), dtype(1), reduction=reduction)
        assert value.shape == ()
        assert value == pytest.approx(float(function(np.array([3.0]), np.array([1.0]))), rel=1e-3)


@pytest.mark.parametrize(
    ("input", "target", "named"),
    [
        ({1.0, 2.0}, [1.0, 2.0], "expected an array for input, given a set"),
        (np.ones(2), "1.0", "expected an array for target, given a str"),
        (np.ones(2), {}, "expected an array for target, given a dict"),
        (np.ma.masked_invalid([1.0, np.nan]), np.ones(2), "expected an array for input, given a MaskedArray"),
        (torch.ones(2), np.ones(2), "expected a torch tensor for target, given a ndarray"),
        (np.ones(2), torch.ones(2), "for target, given a Tensor"),
        (None, np.ones(2), "for input, given a NoneType"),
    ],
)
def test_what_is_no_array_is_refused_by_name(loss: Loss, input: Any, target: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        getattr(normwise, loss.function)(input, target)


def test_a_weight_of_another_library_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="weight, given a Tensor"):
        normwise.mse_loss(np.ones(2), np.ones(2), weight=torch.ones(2))
    with pytest.raises(TypeError, match="weight, given a ndarray"):
        normwise.mse_loss(torch.ones(2), torch.ones(2), weight=np.ones(2))


def test_arrays_of_a_namespace_stay_there(loss: Loss) -> None:
    function = getattr(normwise, loss.function)
    x, t = array_api_strict.asarray([1.0, 2.0]), array_api_strict.asarray([0.5, 2.0])
    for reduction in ("none", "sum", "mean"):
        value = function(x, t, reduction=reduction)
        assert type(value) is type(x)
        assert value.dtype == x.dtype
    value, gradient = normwise.value_and_grad(loss)(x, t)
    assert type(gradient) is type(x)
    assert gradient.shape == x.shape


def test_a_row_of_constants_keeps_the_precision_of_the_arrays() -> None:
    """A selection between two plain numbers has the dtype of what it is computed for."""
    gradient = normwise.losses["quantile"].formula.derivative("x")
    from array_api_compat import torch as torch_namespace

    from normwise.engines.arrays import elementwise

    x = torch.tensor([1.0, -1.0], dtype=torch.float64)
    [values] = elementwise(torch_namespace, gradient, [x, torch.zeros_like(x)], {"q": 0.3})
    assert values.dtype == torch.float64
    torch.testing.assert_close(values, torch.tensor([0.7, -0.3], dtype=torch.float64), rtol=1e-15, atol=0)
    single = array_api_strict.asarray([1.0, -1.0], dtype=array_api_strict.float32)
    [values] = elementwise(array_api_strict, gradient, [single, single], {"q": 0.3})
    assert values.dtype == array_api_strict.float32


def test_no_warning_for_what_the_result_carries(case: Any) -> None:
    x = np.array([np.nan, np.inf, 1e300, 1e-300, 0.0])
    for dtype in (np.float32, np.float64, np.longdouble):
        with np.errstate(over="ignore", under="ignore"):
            given = x.astype(dtype)
        case(given, np.zeros_like(given))
        normwise.value_and_grad(case.loss)(given, np.zeros_like(given), **case.parameters)


@pytest.mark.parametrize(("text", "each"), [("0 * r + 2", 2.0), ("c + 0 * x * t", 3.0), ("inf + 0 * r", math.inf)])
@pytest.mark.parametrize("size", [4, 1 << 17])
def test_a_formula_that_reads_no_array_is_summed_all_the_same(text: str, each: float, size: int) -> None:
    constant = normwise.loss(text, **({"c": 3.0} if "c" in text else {}))
    x, t = np.zeros(size), np.ones(size)
    assert constant(x, t) == each
    assert constant(x, t, reduction="sum") == each * size
    assert constant(torch.from_numpy(x), torch.from_numpy(t)).item() == each
    leaf = torch.from_numpy(x).requires_grad_()
    constant(leaf, torch.from_numpy(t)).backward()
    assert leaf.grad is None or not leaf.grad.any()
