"""What a comparison gives is 0 or 1 where a formula computes with it, as it is to NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from normwise.engines.cpu import Kernel, KernelSpec
from normwise.formula import exp, maximum, sqrt, trace, where

X = np.array([1.0, -1.0, 3.0, 0.0, np.nan])
POSITIVE, LARGE = (X > 0) * 1.0, (X > 1) * 1.0

FORMULAS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "doubled": (lambda r: (r > 0) * 2, 2 * POSITIVE),
    "added": (lambda r: (r > 0) + (r > 1), POSITIVE + LARGE),
    "divided": (lambda r: 1 / (2 - (r > 0)), 1 / (2 - POSITIVE)),
    "a factor": (lambda r: (r > 0) * r, POSITIVE * X),
    "negative": (lambda r: -(r > 0), -POSITIVE),
    "modulus": (lambda r: abs(r > 0), POSITIVE),
    "root": (lambda r: sqrt(r > 0) + exp(r > 1), POSITIVE + np.exp(LARGE)),
    "larger": (lambda r: maximum(r > 0, r), np.maximum(POSITIVE, X)),
    "powers": (lambda r: (r > 0) ** 2 + 2.0 ** (r > 1), POSITIVE + 2.0**LARGE),
    "selected": (lambda r: where(r > 0, r > 1, 2.0), np.where(X > 0, LARGE, 2.0)),
    "compared": (lambda r: ((r > 0) == (r > 1)) * 3, 3.0 * (POSITIVE == LARGE)),
    "compared with a number": (lambda r: ((r > 0) == 1) * 3, 3 * POSITIVE),
    "a number that is true": (lambda r: where(r, 2, 5), np.where(X, 2.0, 5.0)),
    "alone": (lambda r: r > 0, POSITIVE),
}


@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_truths_are_numbers(name: str, real: Any) -> None:
    function, expected = FORMULAS[name]
    x = X.astype(real)
    values = np.empty_like(x)
    Kernel(KernelSpec((), (trace(function),), (real, real))).flat(x.size, x.ctypes.data, values.ctypes.data)
    np.testing.assert_allclose(values, expected, rtol=2 * np.finfo(real).eps)
