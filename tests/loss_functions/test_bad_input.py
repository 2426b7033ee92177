"""What a caller can do wrong: an error of torch's type where torch raises, of ours besides, that says what to mend."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from normwise.errors import (
    DeviceError,
    DimensionError,
    DtypeError,
    InputError,
    LayoutError,
    ParameterError,
    ShapeMismatchError,
)
from tests.samples import representative

X, T = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1)).unbind()

WRONG: dict[str, tuple[Callable[[Any], dict[str, Any]], tuple[type[Exception], ...], str]] = {
    "a negative weight": (
        lambda a: {"weight": a([1.0, 1.0, -0.5, 1.0])},
        (InputError, ValueError),
        "3 of the weights are negative: a weight is to be 0 or more",
    ),
    "a weight per row that lies along the columns": (
        lambda a: {"weight": a([1.0, 1.0, 1.0])},
        (ShapeMismatchError, ValueError),
        r"Weights and input must have the same size.*weight\[:, None\]",
    ),
    "a mask of numbers": (
        lambda a: {"mask": a([1.0, 0.0, 1.0, 1.0])},
        (DtypeError, ValueError, NotImplementedError),
        "expected bool.*write mask != 0",
    ),
    "a mask of integers": (lambda a: {"mask": a([1, 0, 1, 1])}, (DtypeError, ValueError), "expected bool"),
    "a mask that does not fit": (
        lambda a: {"mask": a([True, False])},
        (ShapeMismatchError, ValueError),
        r"mask is \(2,\), which does not broadcast to \(3, 4\)",
    ),
    "an unknown reduction": (
        lambda a: {"reduction": "average"},
        (InputError, ValueError),
        "average is not a valid value for reduction",
    ),
    "an unknown policy": (
        lambda a: {"nan_policy": "drop"},
        (InputError, ValueError),
        "'drop' is not a valid value for nan_policy: expected 'propagate', 'omit', 'raise'",
    ),
    "a dimension out of range": (
        lambda a: {"dim": 5},
        (DimensionError, IndexError, ValueError),
        r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 5\)",
    ),
    "a dimension that is repeated": (
        lambda a: {"dim": (0, -2)},
        (DimensionError, RuntimeError, ValueError),
        "dim 0 appears multiple times in the list of dims",
    ),
    "no dimension": (lambda a: {"dim": ()}, (InputError, ValueError), "dim is empty"),
    "a dimension by name": (lambda a: {"dim": "rows"}, (InputError, ValueError), "int or a tuple of ints"),
    "a dimension of what is not reduced": (
        lambda a: {"dim": 0, "reduction": "none"},
        (InputError, ValueError),
        "reduces no dimension",
    ),
    "keepdim of what is not reduced": (
        lambda a: {"keepdim": True, "reduction": "none"},
        (InputError, ValueError),
        "reduces no dimension",
    ),
    "an unknown divisor": (
        lambda a: {"normalize": "batch"},
        (InputError, ValueError),
        "'batch' is not a valid value for normalize",
    ),
    "a negative divisor": (lambda a: {"normalize": -1}, (InputError, ValueError), "normalize is -1"),
    "a negative divisor in an array": (lambda a: {"normalize": a(-1.0)}, (InputError, ValueError), "normalize is -1"),
    "a divisor that is nan": (lambda a: {"normalize": float("nan")}, (InputError, ValueError), "normalize is nan"),
    "divisors": (lambda a: {"normalize": a([1.0, 2.0])}, (InputError, ValueError), r"an array of shape \(2,\)"),
    "a divisor of a sum": (
        lambda a: {"normalize": 2, "reduction": "sum"},
        (InputError, ValueError),
        "the reduction is 'sum'",
    ),
}


@pytest.mark.parametrize("on_torch", [True, False], ids=["torch", "numpy"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_computed(wrong: str, on_torch: bool) -> None:
    make, kinds, words = WRONG[wrong]
    given = make(torch.tensor if on_torch else np.array)
    arrays = (X, T) if on_torch else (X.numpy(), T.numpy())
    for loss in representative():
        functions = [getattr(normwise, loss.function)]
        if on_torch and "reduction" not in given:
            functions.append(getattr(normwise.nn, loss.module)())
        for function in functions:
            with pytest.raises(kinds[0], match=words) as raised:
                function(*arrays, **given)
            assert all(isinstance(raised.value, kind) for kind in kinds)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_tensor_elsewhere_is_named(loss: Loss, device: str) -> None:
    function = getattr(normwise, loss.function)
    x, other = X.to(device), torch.ones(3, 4, device="meta" if device == "cpu" else "cpu")
    for given, name in (({"target": other}, "target"), ({"target": x, "weight": other}, "weight")):
        with pytest.raises(DeviceError, match=f"on the same device.*move {name} there") as raised:
            function(x, **given)
        assert isinstance(raised.value, RuntimeError)


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr], ids=str)
def test_sparse_tensors_are_refused(loss: Loss, layout: torch.layout) -> None:
    function, sparse = getattr(normwise, loss.function), X.to_sparse(layout=layout)
    for given, name in (((sparse, T), "input"), ((X, sparse), "target")):
        with pytest.raises(LayoutError, match=rf"{name}.to_dense\(\)") as raised:
            function(*given)
        assert isinstance(raised.value, NotImplementedError)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bool, torch.complex64], ids=str)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_dtypes_without_an_answer_are_refused(loss: Loss, dtype: torch.dtype, reduction: str) -> None:
    function, x = getattr(normwise, loss.function), torch.ones(3, 4).to(dtype)
    if dtype.is_complex and "complex" in loss.accepts:
        assert not function(x, 2 * x, reduction=reduction).is_complex()
        return
    with pytest.raises(NotImplementedError, match=f"{loss.function} is not implemented for {dtype}"):
        function(x, x, reduction=reduction)


@pytest.mark.parametrize("wrong", [[1.0, 2.0], 1.0, None, "nine", (1.0,), np.ones((3, 4))], ids=repr)
def test_a_target_that_is_no_tensor_is_named(loss: Loss, wrong: Any) -> None:
    for function in (getattr(normwise, loss.function), getattr(normwise.nn, loss.module)()):
        with pytest.raises(TypeError, match="expected a torch tensor for target"):
            function(X, wrong)
    with pytest.raises(TypeError, match="expected a torch tensor for weight"):
        getattr(normwise, loss.function)(X, T, weight=[1.0] * 4)
    with pytest.raises(TypeError, match="expected a torch tensor for mask"):
        getattr(normwise, loss.function)(X, T, mask=[True] * 4)


@pytest.mark.parametrize(
    ("name", "parameter", "value", "torchs"),
    [
        ("smooth_l1", "beta", -0.5, "does not support negative values for beta."),
        ("huber", "delta", 0.0, "does not support non-positive values for delta."),
        ("huber", "delta", -1, "does not support non-positive values for delta."),
    ],
)
def test_a_parameter_out_of_range_is_refused_in_torchs_words(
    name: str, parameter: str, value: float, torchs: str
) -> None:
    for function in (normwise.functional, torch.nn.functional):
        with pytest.raises(RuntimeError, match=f"{name}_loss {torchs}"):
            getattr(function, f"{name}_loss")(X, T, **{parameter: value})
    with pytest.raises(ParameterError, match="expected a number in"):
        getattr(normwise, f"{name}_loss")(X.numpy(), T.numpy(), **{parameter: value})


def test_a_weight_that_is_negative_where_nothing_counts_is_no_fault(loss: Loss) -> None:
    function, mask = getattr(normwise, loss.function), torch.tensor([True, True, False, True])
    weight = torch.tensor([1.0, 2.0, -0.5, 3.0])
    expected = function(X[:, mask], T[:, mask], weight=weight[mask])
    torch.testing.assert_close(function(X, T, weight=weight, mask=mask), expected)
    with pytest.raises(InputError, match="negative"):
        function(X, T, weight=weight, mask=~mask)


def test_shapes_that_differ_are_refused_before_a_gradient_could_flow(loss: Loss) -> None:
    x = X.clone().requires_grad_()
    with pytest.raises(ShapeMismatchError, match="squeeze the input's last dimension"):
        getattr(normwise, loss.function)(x[:, :1], T[:, 0])
    assert x.grad is None
