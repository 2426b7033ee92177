"""Kernels that sum formulas over one of three indices, against NumPy's sums of arrays with all three."""

import re
from typing import Any, get_args

import numpy as np
import pytest

from normwise.engines.cpu import ContractionKernel, ContractionSpec, Extent, Place, Strides
from normwise.formula import Formula, sqrt, trace, where
from normwise.formula.expression import variable

MODULUS = trace(lambda x, t: abs(x - t))
SQUARE = trace(lambda x, t: (x - t) * (x - t))
KEPT = trace(lambda x, t: where(x > t, x - t, x * t))
AS_IT_IS = trace(lambda s0: s0)
ROOT = Formula("root", ("s0",), {}, sqrt(variable("s0")))

SHAPES = [(1, 1, 1), (3, 5, 2), (7, 33, 16), (2, 64, 17), (40, 65, 128), (9, 31, 300), (5, 3, 0)]
"""Rows, lanes, and what is summed: about the lengths at which loops end."""

AXES: dict[str, int] = {"r": 0, "l": 1, "s": 2}


def array(place: Place, extent: tuple[int, int, int], seed: int, dtype: str) -> tuple[np.ndarray, Strides]:
    """An array of the indices of a place, in memory in the order in which they are not named."""
    axes = [AXES[index] for index in place]
    values = np.random.default_rng(seed).standard_normal([extent[axis] for axis in reversed(axes)]).astype(dtype).T
    steps = dict(zip(place, (step // values.itemsize for step in values.strides), strict=True))
    return values, Strides(0, *(steps.get(index, 0) for index in "rls"))


def spread(values: np.ndarray, place: Place) -> np.ndarray:
    """With all three indices, in float64."""
    axes = [AXES[index] for index in place]
    return np.expand_dims(values.astype(np.float64), [axis for axis in range(3) if axis not in axes])


def contracted(
    sums: tuple[Formula, ...], places: tuple[Place, Place], extent: tuple[int, int, int], dtype: str, **spec: Any
) -> tuple[np.ndarray, np.ndarray]:
    """What a kernel of two arrays gives, and the terms that it is to sum."""
    rows, lanes, depth = extent
    (x, of_x), (t, of_t) = (array(place, extent, seed, dtype) for seed, place in enumerate(places))
    found = np.empty((rows, lanes), dtype)
    storage = (dtype, dtype, dtype)
    kernel = ContractionKernel(ContractionSpec(sums, places, storage, (AS_IT_IS,), **spec))  # type: ignore[arg-type]
    addresses = [values.ctypes.data for values in (x, t, found)]
    kernel.run(Extent(1, rows, lanes, depth), addresses, [of_x, of_t, Strides(0, lanes, 1)], ())
    with np.errstate(all="ignore"):
        of = {
            MODULUS: lambda x, t: abs(x - t),
            SQUARE: lambda x, t: (x - t) ** 2,
            KEPT: lambda x, t: np.where(x > t, x - t, x * t),
        }[sums[0]]
        terms = of(spread(x, places[0]), spread(t, places[1]))
    return found, np.broadcast_to(terms, extent)


@pytest.mark.parametrize(("first", "second"), [*((place, "ls") for place in get_args(Place)), ("ls", "rl")])
def test_arrays_of_any_indices_are_summed(first: Place, second: Place) -> None:
    for extent in SHAPES:
        found, terms = contracted((KEPT,), (first, second), extent, "float64")
        np.testing.assert_allclose(found, terms.sum(axis=2), rtol=1e-12, atol=1e-12, err_msg=str(extent))


@pytest.mark.parametrize("formula", [MODULUS, SQUARE], ids=["modulus", "square"])
@pytest.mark.parametrize("depth", [1, 2, 7, 8, 13, 16])
def test_few_terms_are_written_out_in_the_same_order(formula: Formula, depth: int) -> None:
    shallow, terms = contracted((formula,), ("rs", "ls"), (6, 70, depth), "float64", shallow=depth)
    deep, _ = contracted((formula,), ("rs", "ls"), (6, 70, depth), "float64")
    np.testing.assert_array_equal(shallow, deep)
    np.testing.assert_allclose(shallow, terms.sum(axis=2), rtol=1e-14)


@pytest.mark.parametrize("depth", [5, 16, 200])
def test_narrow_terms_are_added_in_float32_and_summed_in_float64(depth: int) -> None:
    spec: dict[str, Any] = {"narrow": True, "shallow": depth if depth <= 16 else 0}
    found, terms = contracted((MODULUS,), ("rs", "ls"), (6, 70, depth), "float32", **spec)
    exact = terms.sum(axis=2)
    assert (abs(found - exact) <= 6 * 2.0**-24 * exact).all()
    most, _ = contracted((MODULUS,), ("rs", "ls"), (6, 70, depth), "float32", maximum=True, **spec)
    np.testing.assert_array_equal(most, terms.max(axis=2).astype(np.float32))


@pytest.mark.parametrize(
    ("formula", "spec", "instructions"),
    [
        (MODULUS, {"narrow": True}, "(add|sub)ps"),
        (MODULUS, {"narrow": True, "shallow": 8}, "(add|sub)ps"),
        (SQUARE, {}, "fmadd...pd|mulpd"),
        (SQUARE, {"shallow": 8}, "fmadd...pd|mulpd"),
        (KEPT, {}, "(add|mul)pd"),
    ],
)
def test_every_kernel_is_vectorised(formula: Formula, spec: dict[str, Any], instructions: str) -> None:
    dtype = "float32" if "narrow" in spec else "float64"
    kernel = ContractionKernel(ContractionSpec((formula,), ("rs", "ls"), (dtype,) * 3, (AS_IT_IS,), **spec))  # type: ignore[arg-type]
    assert len(re.findall(instructions, kernel.assembly)) >= 8


def test_the_least_of_each_row_are_kept_in_their_order() -> None:
    rows, lanes, depth, count = 5, 150, 3, 4
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 3, (rows, depth)).astype(float), rng.integers(0, 3, (lanes, depth)).astype(float)
    t[7] = np.nan
    values, places = np.full((rows, count), np.nan), np.full((rows, count), -1.0)
    spec = ContractionSpec((SQUARE,), ("rs", "ls"), ("float64",) * 4, (AS_IT_IS,), nearest=True)
    strides = [Strides(0, depth, 0, 1), Strides(0, 0, depth, 1), *[Strides(0, count, 1)] * 2]
    addresses = [a.ctypes.data for a in (x, t, values, places)]
    ContractionKernel(spec).run(Extent(1, rows, lanes, depth), addresses, strides, (), count)
    expected = np.argsort(((x[:, None] - t) ** 2).sum(axis=2), axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(places, expected)


def rooted(numbers: np.ndarray, finish: Formula) -> np.ndarray:
    """What a kernel makes of numbers of float64, stored as float32."""
    found, one = np.empty(numbers.size, np.float32), np.ones(1)
    product = trace(lambda x, t: x * t)
    spec = ContractionSpec((product,), ("ls", "rs"), ("float64", "float64", "float32"), (finish,))
    strides = [Strides(0, 0, 1, 0), Strides(0, 0, 0, 0), Strides(0, 0, 1)]
    addresses = [each.ctypes.data for each in (numbers, one, found)]
    ContractionKernel(spec).run(Extent(1, 1, numbers.size, 1), addresses, strides, ())
    return found


def test_a_root_that_is_stored_as_float32_is_within_one_unit_of_it() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.uniform(1, 10, 100_000) * 10.0 ** rng.integers(-308, 308, 100_000)
    numbers[:3] = 5e-324, 1.7e308, np.finfo(np.float32).max.astype(np.float64) ** 2
    exact = np.sqrt(numbers)
    with np.errstate(over="ignore", under="ignore"):
        unit = np.spacing(exact.astype(np.float32)).astype(np.float64)
    found = rooted(numbers, ROOT)
    inside = exact < np.finfo(np.float32).max
    assert (abs(found - exact)[inside] < 0.9 * unit[inside]).all()
    assert (found[~inside] >= np.finfo(np.float32).max).all()
    numbers = np.array([0.0, -0.0, np.inf, np.nan, -1.0, *np.arange(1.0, 1e4) ** 2])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(rooted(numbers, ROOT), np.sqrt(numbers))


def test_a_root_of_which_more_is_computed_is_of_float64() -> None:
    numbers = np.random.default_rng(0).uniform(1, 4, 1000)
    found = rooted(numbers, trace(lambda s0: sqrt(s0) - 1))
    np.testing.assert_array_equal(found, (np.sqrt(numbers) - 1).astype(np.float32))
