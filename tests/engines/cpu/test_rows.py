"""Kernels that reduce along one dimension, against NumPy in float64."""

from typing import get_args

import llvmlite.binding as llvm
import numpy as np
import pytest

from normwise.catalogue import losses
from normwise.engines.cpu.kernel import direct_operands
from normwise.engines.cpu.row_spec import Axis, Extreme, RowSpec
from normwise.engines.cpu.rows import RowKernel
from normwise.engines.layout import Layout
from normwise.formula import trace

MODULUS, WEIGHTED = losses["l1"].written, trace(lambda x, w: w * x * x)
SHAPES = [(1, 1, 1), (1, 1, 100_003), (3, 5, 7), (2, 300, 16), (1, 4099, 3), (1, 7, 700), (2, 90, 5000), (1, 700, 512)]


def data(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("along", get_args(Axis))
@pytest.mark.parametrize("extreme", [None, *get_args(Extreme)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_line_is_reduced_in_float64(along: Axis, extreme: Extreme | None, dtype: str) -> None:
    kernel = RowKernel(RowSpec((MODULUS,), (), (dtype,), (True,), along=along, extreme=extreme))
    numpys = {None: np.sum, "maximum": np.max, "minimum": np.min}[extreme]
    for shape in SHAPES:
        x = data(shape, dtype)
        _, rows, columns = shape
        [found] = kernel.reduced(Layout(*shape, ((rows * columns, columns, 1),)), [x.ctypes.data], ())
        expected = numpys(abs(x.astype(np.float64)), axis=1 if along == "rows" else 2)
        np.testing.assert_allclose(found, expected, rtol=1e-13, err_msg=str(shape))


@pytest.mark.parametrize("along", get_args(Axis))
def test_a_product_meets_the_sum_unrounded(along: Axis) -> None:
    if not llvm.get_host_cpu_features().get("fma", True):
        pytest.skip("this processor rounds products")
    # As many -1 as products that would be rounded to 1: whatever the partial sums are, these would leave nothing.
    x, t = np.zeros((2, 1024))
    x[:64], x[64:128], t[:64], t[64:128] = 1, 1 + 2**-30, -1, 1 - 2**-30
    layout = Layout(1, 1, 1024, ((0, 1024, 1),) * 2) if along == "columns" else Layout(1, 1024, 1, ((0, 1, 1),) * 2)
    kernel = RowKernel(RowSpec((trace(lambda x, t: x * t),), (), ("float64",) * 2, (True, True), along=along))
    [found] = kernel.reduced(layout, [x.ctypes.data, t.ctypes.data], ())
    assert found.item() < 0


@pytest.mark.parametrize("along", get_args(Axis))
@pytest.mark.parametrize("extreme", get_args(Extreme))
def test_nan_is_every_extreme(along: Axis, extreme: Extreme) -> None:
    kernel = RowKernel(RowSpec((MODULUS,), (), ("float32",), (True,), along=along, extreme=extreme))
    x = data((1, 80, 600))
    x[0, 3, 500] = np.nan
    x[0, 4, 501] = np.inf
    [found] = kernel.reduced(Layout(1, 80, 600, ((0, 600, 1),)), [x.ctypes.data], ())
    assert np.isnan(found[0]).nonzero()[0].tolist() == [3 if along == "columns" else 500]


@pytest.mark.parametrize("along", get_args(Axis))
@pytest.mark.parametrize("shape", [(40, 30, 5), (3, 20, 700), (1, 6, 9000)], ids=str)
def test_operands_that_are_not_in_one_piece_pass_through_buffers(along: Axis, shape: tuple[int, int, int]) -> None:
    planes, rows, columns = shape
    x, w = data((planes, columns, rows)), abs(data((rows, 1)))  # transposed; repeated along planes and columns
    layout = Layout(*shape, ((columns * rows, 1, rows), (0, 1, 0)))
    kernel = RowKernel(RowSpec((WEIGHTED,), (), ("float32",) * 2, direct_operands(layout), along=along))
    [found] = kernel.reduced(layout, [x.ctypes.data, w.ctypes.data], ())
    squares = w.astype(np.float64) * x.transpose(0, 2, 1).astype(np.float64) ** 2
    np.testing.assert_allclose(found, squares.sum(axis=1 if along == "rows" else 2), rtol=1e-13)
