"""Half precision in kernels: by the processor's conversions, and by those for processors that have none."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from normwise.engines.cpu.compiler import assembly, compiled
from normwise.engines.cpu.device.builder import FLOAT32, HALF_WORD, WORD, Builder
from normwise.engines.cpu.device.halves import CONVERTS, from_float16, to_float16
from normwise.engines.cpu.loader import Loader

LOADER = Loader()
WAYS = [pytest.param(False, id="by bits"), pytest.param(True, id="by the processor")]
if not CONVERTS:
    WAYS.pop()


def converted(x: npt.NDArray[Any], to: Any, converts: bool) -> tuple[npt.NDArray[Any], str]:
    """An array in another dtype, by a kernel, and its assembly."""
    builder = Builder("conversion")
    size, source, target = (builder.array(builder.address, WORD)[i] for i in range(3))
    widens = x.dtype == np.float16
    with builder.loop(size) as i:
        if widens:
            value = from_float16(builder.array(source, HALF_WORD)[i], converts)
            builder.array(target, FLOAT32)[i] = value
        else:
            bits = to_float16(builder.array(source, FLOAT32)[i], converts)
            builder.array(target, HALF_WORD)[i] = bits
    text = builder.finished()
    result = np.empty(x.shape, to)
    arguments = np.array([x.size, x.ctypes.data, result.ctypes.data], np.int64)
    LOADER.load(compiled(text), "conversion").function()(arguments.ctypes.data)
    return result, assembly(text)


def every_half() -> npt.NDArray[np.float16]:
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("converts", WAYS)
def test_every_half_is_itself(converts: bool) -> None:
    wide, assembly = converted(every_half(), np.float32, converts)
    np.testing.assert_array_equal(wide, every_half().astype(np.float32))
    np.testing.assert_array_equal(np.signbit(wide), np.signbit(every_half()))
    assert ("vcvtph2ps" in assembly) <= converts


@pytest.mark.parametrize("converts", WAYS)
def test_floats_are_rounded_as_numpy_rounds_them(converts: bool, rng: np.random.Generator) -> None:
    numbers = np.sort(every_half()[np.isfinite(every_half())].astype(np.float32))
    between = (numbers[1:] + numbers[:-1]) / 2  # ties, of which the even one is taken
    beside = [np.nextafter(between, np.float32(sign * np.inf)) for sign in (-1, 1)]
    bits = rng.integers(0, 1 << 32, 200_000, dtype=np.uint32).view(np.float32)
    ends = np.array([65504, 65519.996, 65520, 65536, 3.4e38, np.inf, np.nan, 1e-8, 2.0**-25, 1e-45, 0], np.float32)
    x = np.concatenate([numbers, between, *beside, bits, ends, -ends])
    with np.errstate(over="ignore", invalid="ignore"):
        expected = x.astype(np.float16)
    halves, _ = converted(x, np.float16, converts)
    np.testing.assert_array_equal(halves, expected)
    np.testing.assert_array_equal(np.signbit(halves), np.signbit(expected))
