"""Norms against torch in float64, NumPy and mpmath: orders, dimensions, extremes of the range, gradients, bad input."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import normwise
from tests.faces import FACES, unsilenced

# Forward-mode differentiation imports what torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

ORDERS = (1, 2, math.inf, -math.inf, 0, 0.5, 1.5, 3, 2.5, 6, -1, -2.5)
DIMS = (None, 0, 1, -1, (0, 2), (1, 2), (2, 1, 0))


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1))


def exact(values: list[float], p: float) -> mpmath.mpf:
    """The norm to 60 digits."""
    with mpmath.workdps(60):
        moduli = [abs(mpmath.mpf(v)) for v in values]
        if math.isinf(p):
            return max(moduli) if p > 0 else min(moduli)
        return mpmath.fsum(m ** mpmath.mpf(p) for m in moduli) ** (1 / mpmath.mpf(p))


@unsilenced
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("p", ORDERS)
def test_every_order_over_any_dimensions(p: float, face: str) -> None:
    x = numbers(3, 4, 5)
    for dim in DIMS:
        for keepdim in (False, True):
            found = normwise.norm(FACES[face](x), p, dim, keepdim)
            expected = torch.linalg.vector_norm(x, p, dim, keepdim)
            np.testing.assert_allclose(np.asarray(found), expected.numpy(), rtol=1e-13, err_msg=f"{dim}")


@pytest.mark.parametrize("p", [2, -math.inf, 2.5])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_any_strides_in_every_dtype(p: float, dtype: torch.dtype) -> None:
    whole = numbers(6, 40, 50, dtype=torch.float32).to(dtype)
    views = [whole.transpose(0, 2), whole[::2, 1:, ::3], whole[:1].expand(6, 40, 50), whole.permute(1, 0, 2)]
    for x in views:
        for dim in (None, 0, 1, 2, (0, 1)):
            found = normwise.norm(x, p, dim)
            assert found.dtype is torch.float32
            expected = torch.linalg.vector_norm(x.double(), p, dim)
            torch.testing.assert_close(found.double(), expected, rtol=1e-7, atol=0)


def test_numpy_takes_what_numpy_has() -> None:
    x = numbers(7, 9).numpy()
    for array in (
        x[::-1, ::-2],
        x.T,
        x.astype(">f4"),
        x.astype(np.float16),
        (9 * x).astype(int),
        x > 0,
        x + 2j,
    ):
        wide = array.astype(complex if np.iscomplexobj(array) else float)
        for p in (1, 2, 3, math.inf):
            np.testing.assert_allclose(normwise.norm(array, p, 1), np.linalg.norm(wide, p, 1), rtol=2e-7)
    assert normwise.norm(x.astype(np.float32)).dtype == np.float32
    assert normwise.norm((9 * x).astype(np.int32)).dtype == np.float64


@pytest.mark.parametrize("p", ORDERS)
def test_gradients_of_both_orders(p: float) -> None:
    x = numbers(3, 4).requires_grad_()
    for dim in (None, 0, 1):
        torch.autograd.gradcheck(lambda x, d=dim: normwise.norm(x, p, d), x)
        torch.autograd.gradgradcheck(lambda x, d=dim: normwise.norm(x, p, d), x)


@pytest.mark.parametrize("p", ORDERS)
def test_the_gradient_at_zero_and_at_ties_is_torchs_and_never_nan(p: float) -> None:
    for values in ([0.0, 0.0], [0.0, 2.0, -2.0], [1.0, 1.0]):
        x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        [slope] = torch.autograd.grad(normwise.norm(x, p), x, create_graph=True)
        [curvature] = torch.autograd.grad(slope.sum(), x, allow_unused=True)
        assert torch.isfinite(slope).all()
        assert torch.isfinite(curvature).all()
        if p >= 1:
            [expected] = torch.autograd.grad(torch.linalg.vector_norm(x, p), x)
            torch.testing.assert_close(slope.detach(), expected)


@pytest.mark.parametrize("p", [1, 2, math.inf, -math.inf, 0.5, 3, -1, 40])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([3e38, 3e38], "float32"),
        ([1e-45, 3e-45], "float32"),
        ([1e-45, 3e38, 1.0], "float32"),
        ([1e308, 3e307], "float64"),
        ([5e-324, 2e-323], "float64"),
        ([1e-300, 1e300, 1.0], "float64"),
        ([6e4, 6e4], "float16"),
    ],
)
def test_the_whole_range_of_a_dtype(values: list[float], dtype: str, p: float) -> None:
    given = np.array(values, dtype)
    expected = exact([float(v) for v in given], p)
    found = normwise.norm(given, p)
    largest = np.finfo(found.dtype).max
    if expected > largest:
        assert found == math.inf
    else:
        spacing = float(np.finfo(found.dtype).smallest_subnormal)
        assert abs(float(found) - expected) <= (1e-12 if dtype == "float64" else 2e-7) * expected + spacing
    x = torch.tensor(given, requires_grad=True)
    normwise.norm(x, p).backward()
    with mpmath.workdps(60):
        for v, slope in zip(given.tolist(), x.grad.tolist(), strict=True):
            if math.isinf(p):
                extreme = (max if p > 0 else min)(map(abs, given.tolist()))
                wanted = mpmath.mpf(v == extreme) / given.tolist().count(extreme)
            else:
                wanted = (mpmath.mpf(v) / expected) ** (mpmath.mpf(p) - 1)
            if wanted < float(np.finfo(given.dtype).max):
                scale = {"float64": 1e-11, "float32": 1e-6, "float16": 2e-3}[dtype]
                # In units of 1e300, 1e-300 is 0, and so is its slope of about that size.
                least = 1e-290 if dtype == "float64" else float(np.finfo(given.dtype).smallest_subnormal)
                assert abs(slope - wanted) <= scale * wanted + least


def test_many_values_are_summed_in_float64() -> None:
    x = torch.full((20_000_000,), 0.1)
    tenth = float(x[0])
    assert normwise.l1_norm(x).item() == pytest.approx(2e7 * tenth, rel=1e-7)
    assert normwise.l2_norm(x).item() == pytest.approx(math.sqrt(2e7) * tenth, rel=1e-7)
    assert normwise.norm(x, 3).item() == pytest.approx(2e7 ** (1 / 3) * tenth, rel=1e-7)


@pytest.mark.parametrize("face", ["torch", "numpy"])
@pytest.mark.parametrize("p", [1, 2, 3, math.inf, -math.inf, 0.5])
def test_weights_masks_and_nans(p: float, face: str) -> None:
    to = FACES[face]
    x, weight = numbers(6, 5), torch.arange(5.0, dtype=torch.float64)
    mask = numbers(6, 5).roll(1) > -0.5
    repeated = [torch.repeat_interleave(row, weight.long()) for row in x]
    expected = torch.stack([torch.linalg.vector_norm(row, p) for row in repeated])
    np.testing.assert_allclose(np.asarray(normwise.norm(to(x), p, 1, weight=to(weight))), expected, rtol=1e-13)
    expected = torch.stack([torch.linalg.vector_norm(row[keep], p) for row, keep in zip(x, mask, strict=True)])
    hidden = torch.where(mask, x, math.nan)
    np.testing.assert_allclose(np.asarray(normwise.norm(to(hidden), p, 1, mask=to(mask))), expected, rtol=1e-13)
    np.testing.assert_allclose(np.asarray(normwise.norm(to(hidden), p, 1, nan_policy="omit")), expected, rtol=1e-13)
    assert np.isnan(np.asarray(normwise.norm(to(hidden), p)))
    with pytest.raises(normwise.errors.InputError, match="input holds"):
        normwise.norm(to(hidden), p, nan_policy="raise")


@pytest.mark.parametrize("p", [1, 2, 3, 0.5, math.inf])
def test_gradients_under_weights_and_masks(p: float) -> None:
    x, weight = numbers(3, 4).requires_grad_(), torch.rand(4, dtype=torch.float64).requires_grad_()
    mask = torch.tensor([True, False, True, True])
    if p < math.inf:
        torch.autograd.gradcheck(lambda x, w: normwise.norm(x, p, 1, weight=w), (x, weight))
    torch.autograd.gradcheck(lambda x: normwise.norm(x, p, 1, weight=weight.detach()), x)
    hidden = torch.where(mask, x.detach(), math.inf).requires_grad_()
    normwise.norm(hidden, p, 1, mask=mask).sum().backward()
    assert hidden.grad[:, 1].tolist() == [0.0] * 3
    expected = x.detach()[:, mask].requires_grad_()
    torch.linalg.vector_norm(expected, p, 1).sum().backward()
    torch.testing.assert_close(hidden.grad[:, mask], expected.grad)


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
def test_transforms_and_the_compiler(p: float) -> None:
    x = numbers(4, 5)
    expected = torch.func.jacrev(lambda x: torch.linalg.vector_norm(x, p, 1))(x)
    for way in (torch.func.jacrev, torch.func.jacfwd):
        torch.testing.assert_close(way(lambda x: normwise.norm(x, p, 1))(x), expected)
    torch.testing.assert_close(torch.func.vmap(lambda r: normwise.norm(r, p))(x), torch.linalg.vector_norm(x, p, 1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("p", [2, 3, math.inf])
def test_the_compiler_sees_one_graph(p: float) -> None:
    def total(x: torch.Tensor) -> torch.Tensor:
        return normwise.norm(x, p, 1, mask=x > -1).sum()

    slopes = []
    for function in (total, torch.compile(total, fullgraph=True, backend="aot_eager")):
        x = numbers(4, 5).requires_grad_()
        function(x).backward()
        slopes.append(x.grad)
    torch.testing.assert_close(*slopes)


def test_complex_numbers_count_by_their_modulus() -> None:
    x = torch.complex(numbers(3, 4), numbers(3, 4).roll(1)).requires_grad_()
    for p in (1, 2, 3, math.inf):
        torch.testing.assert_close(normwise.norm(x, p, 1), torch.linalg.vector_norm(x, p, 1))
        torch.autograd.gradcheck(lambda x, p=p: normwise.norm(x, p, 1), x)


def test_the_norm_of_nothing() -> None:
    for p in (1, 2, 0.5, 0):
        assert normwise.norm(torch.empty(0), p).item() == 0
        assert normwise.norm(np.empty((3, 0)), p, 1).tolist() == [0.0] * 3
        assert normwise.norm(np.empty((0, 3)), p, 1).shape == (0,)
    for p in (math.inf, -math.inf, -1):
        with pytest.raises(RuntimeError, match="no value for nothing"):
            normwise.norm(torch.empty(0), p)
        assert normwise.norm(np.empty((0, 3)), p, 1).shape == (0,)
    x = torch.empty(0, requires_grad=True)
    normwise.norm(x).backward()
    assert x.grad.shape == (0,)


def test_a_number_is_a_vector_of_one() -> None:
    assert normwise.norm(torch.tensor(-3.0), 2).item() == 3
    assert normwise.norm(np.float64(-3.0).reshape(()), 1, 0).item() == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"p": math.nan}, ValueError, "is nan"),
        ({"p": "fro"}, ValueError, "real number"),
        ({"dim": 2}, IndexError, "out of range"),
        ({"dim": (0, 0)}, RuntimeError, "multiple times"),
        ({"dim": 0.5}, ValueError, "dim is to be"),
        ({"weight": torch.tensor([1.0, -1.0])}, ValueError, "negative"),
        ({"weight": torch.ones(3)}, ValueError, "does not broadcast"),
        ({"mask": torch.ones(2)}, ValueError, "expected bool"),
        ({"nan_policy": "ignore"}, ValueError, "nan_policy"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    x = torch.ones(4, 2)
    with pytest.raises(error, match=message):
        normwise.norm(x, **arguments)
    arguments = {n: a.numpy() if isinstance(a, torch.Tensor) else a for n, a in arguments.items()}
    with pytest.raises(error, match=message):
        normwise.norm(x.numpy(), **arguments)


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(TypeError, match="expected an array for x"):
        normwise.norm({1.0, 2.0})
    with pytest.raises(NotImplementedError, match="to_dense"):
        normwise.norm(torch.ones(3).to_sparse())


vectors = st.lists(st.floats(-1e300, 1e300), min_size=4, max_size=4).map(np.array)


@settings(deadline=None)  # the first call may compile a kernel
@given(x=vectors, y=vectors, p=st.sampled_from([1, 1.5, 2, 3, math.inf]), scale=st.floats(-1e3, 1e3))
def test_the_axioms_of_a_norm(x: np.ndarray, y: np.ndarray, p: float, scale: float) -> None:
    one, other, both = normwise.norm(x, p), normwise.norm(y, p), normwise.norm(x + y, p)
    assert one >= abs(x).max() * (1 - 1e-12)
    assert (one == 0) == (not x.any())
    assert both <= (one + other) * (1 + 1e-12)
    tiny = 5e-324 * 4e3
    assert normwise.norm(scale * x, p) == pytest.approx(abs(scale) * one, rel=1e-11, abs=tiny)


def test_a_norm_may_be_edited() -> None:
    x = torch.tensor([[3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    for p in (2, math.inf):
        found = normwise.norm(x, p, dim=1, keepdim=True)
        found += 5
        [gradient] = torch.autograd.grad(found.sum(), x)
        expected = torch.autograd.grad(torch.linalg.vector_norm(x, p), x)[0]
        torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("p", [0.5, 2, 3])
def test_weights_of_0_have_no_slope_where_the_norm_has_none(p: float) -> None:
    weight = torch.zeros(2, requires_grad=True)
    [gradient] = torch.autograd.grad(normwise.norm(torch.tensor([1.0, 2.0]), p, weight=weight), weight)
    assert gradient.tolist() == [0, 0]


def test_columns_of_a_transposed_matrix() -> None:
    x = torch.randn(70, 90, generator=torch.Generator().manual_seed(1)).t()
    torch.testing.assert_close(normwise.norm(x, dim=0), torch.linalg.vector_norm(x, dim=0))
    torch.testing.assert_close(normwise.norm(x, 3, dim=1), torch.linalg.vector_norm(x, 3, dim=1))
