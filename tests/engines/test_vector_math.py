"""The vectorisable elementary functions: accuracy over the whole range against mpmath, and machine code."""

import math
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
from numba import njit, types

from normwise.engines.cpu import vector_math

MATHS = {np.float32: vector_math.FLOAT32, np.float64: vector_math.FLOAT64}
LOG2 = math.log(2)


INF, NAN = math.inf, math.nan


@dataclass(frozen=True)
class Case:
    """What is known of a function: its oracle and error bound, where it is defined, where it may go wrong."""

    oracle: Callable[[Any], Any]
    ulp: float
    interval: tuple[float, float]  # where values are neither trivial nor out of range, for float64
    special: list[tuple[float, float]]  # beside nan to nan
    breakpoints: Callable[[Any], list[float]]
    lowest: float = -INF  # nan below


def reduction_breakpoints(info: Any) -> list[float]:
    """Where the multiple of log 2 that is taken out changes, and the edges of the exponent range."""
    steps = [(k + 0.5) * LOG2 for k in (-40, -25, -13, -3, -2, -1, 0, 1, 2, 3, 12, 24, 40)]
    smallest = info.minexp - info.nmant
    exponents = (info.maxexp - 1, info.maxexp, info.maxexp + 1, info.minexp, smallest, smallest - 1)
    positive = [*steps, *(step / 2 for step in steps), *(e * LOG2 for e in exponents)]
    return [0.0, *positive, *(-x for x in positive)]


def binade_breakpoints(info: Any) -> list[float]:
    """Where the exponent that is taken out changes."""
    exponents = (info.minexp - info.nmant, info.minexp, -30, -2, -1, 0, 1, 2, 30, info.maxexp - 1)
    return [m * 2.0**e for e in exponents for m in (1.0, math.sqrt(0.5))]


def shifted_binade_breakpoints(info: Any) -> list[float]:
    """Where the exponent of 1 + x changes, where 1 + x begins to round, and the edge of the domain."""
    rounding = [2.0**e for e in (info.nmant - 1, info.nmant, info.nmant + 1, -info.nmant, -info.nmant - 1)]
    largest = math.sqrt(2) * 2.0 ** (info.maxexp - 1)
    around_one = [b - 1 for b in binade_breakpoints(info) if b >= 2.0**-30]
    return [0.0, -1.0, *around_one, *rounding, *(-r for r in rounding[3:]), largest]


SIGNED_ZERO = [(0.0, 0.0), (-0.0, -0.0)]
CASES = {
    "exp": Case(
        mpmath.exp,
        1.25,
        (-746, 711),
        [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0)],
        reduction_breakpoints,
    ),
    "expm1": Case(
        mpmath.expm1,
        2.0,
        (-40, 711),
        [*SIGNED_ZERO, (INF, INF), (-INF, -1.0)],
        reduction_breakpoints,
    ),
    "log": Case(
        mpmath.log,
        1.0,
        (0, 3),
        [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF)],
        binade_breakpoints,
        lowest=0.0,
    ),
    "log1p": Case(
        mpmath.log1p,
        1.75,
        (-1, 3),
        [*SIGNED_ZERO, (-1.0, -INF), (INF, INF)],
        shifted_binade_breakpoints,
        lowest=-1.0,
    ),
    "tanh": Case(
        mpmath.tanh,
        2.75,
        (-20, 20),
        [*SIGNED_ZERO, (INF, 1.0), (-INF, -1.0)],
        reduction_breakpoints,
    ),
    "cosh": Case(
        mpmath.cosh,
        1.75,
        (-711, 711),
        [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF)],
        reduction_breakpoints,
    ),
}
PARTIAL = [name for name, case in CASES.items() if case.lowest > -INF]


@pytest.fixture(params=MATHS, ids=lambda real: real.__name__)
def real(request: pytest.FixtureRequest) -> type[np.floating[Any]]:
    return request.param


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


_KERNELS: dict[tuple[str, type], Any] = {}


@pytest.fixture
def kernel(name: str, real: type[np.floating[Any]]) -> Any:
    """A loop around the function, with the licences that the library's kernels give to LLVM."""
    if (name, real) not in _KERNELS:
        function = getattr(MATHS[real], name)

        @njit(fastmath={"nsz", "arcp", "contract", "reassoc"}, error_model="numpy")
        def loop(xs: Any, out: Any) -> None:
            for j in range(xs.size):
                out[j] = function(xs[j])

        array = types.Array(types.float32 if real is np.float32 else types.float64, 1, "C")
        loop.compile((array, array))
        _KERNELS[name, real] = loop
    return _KERNELS[name, real]


def evaluate(kernel: Any, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    out = np.full_like(x, 12345)
    kernel(x, out)
    return out


def sample(case: Case, real: type[np.floating[Any]]) -> npt.NDArray[Any]:
    """Points in the domain: every magnitude, the interesting interval, small values, around breakpoints."""
    rng = np.random.default_rng(20240607)
    info = np.finfo(real)
    unsigned = np.dtype(f"u{info.bits // 8}")
    low, high = (bound if abs(bound) < 100 else bound * info.maxexp / 1024 for bound in case.interval)
    any_bits = rng.integers(0, 2**info.bits, 1500, dtype=unsigned, endpoint=False).view(real)
    subnormal = rng.integers(0, 2**info.nmant, 200, dtype=unsigned).view(real)
    uniform = rng.uniform(low, high, 1500).astype(real)
    small = np.ldexp(rng.uniform(-2, 2, 1500), rng.integers(-info.nmant - 5, 6, 1500)).astype(real)
    offsets = np.arange(-6, 7, dtype=unsigned.str.replace("u", "i"))
    points = np.array(case.breakpoints(info), real)
    near_points = (points.view(offsets.dtype)[:, None] + offsets).view(real).ravel()
    extremes = np.array([info.max, info.smallest_normal, info.smallest_subnormal], real)
    x = np.concatenate([any_bits, subnormal, uniform, small, near_points, extremes, -extremes])
    return x[np.isfinite(x) & (x > case.lowest)]


def error_in_ulp(y: np.floating[Any], truth: mpmath.mpf) -> float:
    """Distance in units of the truth's last place; infinity stands for the first power of 2 out of range."""
    info = np.finfo(y.dtype)
    limit = mpmath.mpf(2) ** info.maxexp
    value = mpmath.sign(float(y)) * limit if np.isinf(y) else mpmath.mpf(float(y))
    truth = max(-limit, min(limit, truth))
    # frexp: |truth| = m 2^exponent with m in [1/2, 1)
    exponent = max(min(mpmath.frexp(truth)[1] - 1, info.maxexp - 1), info.minexp)
    return float(mpmath.ldexp(abs(value - truth), info.nmant - exponent))


def test_error_is_a_few_ulp_over_the_whole_range(name: str, real: type[np.floating[Any]], kernel: Any) -> None:
    case = CASES[name]
    x = sample(case, real)
    y = evaluate(kernel, x)
    np.testing.assert_equal(np.isnan(y), np.zeros(x.size, bool))
    with mpmath.workprec(150):
        errors = [error_in_ulp(value, case.oracle(mpmath.mpf(float(point)))) for point, value in zip(x, y, strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= case.ulp, f"{name}({x[worst]!r}) gave {y[worst]!r}: {errors[worst]:.3f} ulp"


def test_special_values(name: str, real: type[np.floating[Any]], kernel: Any) -> None:
    x, expected = np.array(CASES[name].special, real).T.copy()
    y = evaluate(kernel, x)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))


def test_nan_gives_nan(name: str, real: type[np.floating[Any]], kernel: Any) -> None:
    x = np.array([NAN, -NAN], real)
    np.testing.assert_array_equal(evaluate(kernel, x), x)


@pytest.mark.parametrize("name", PARTIAL)
def test_below_the_domain_is_nan(name: str, real: type[np.floating[Any]], kernel: Any) -> None:
    edge = np.nextafter(real(CASES[name].lowest), real(-INF))
    x = np.array([edge, -2.5, -1e30, np.finfo(real).min, -INF], real)
    np.testing.assert_array_equal(evaluate(kernel, x), np.full_like(x, NAN))


def test_a_value_does_not_depend_on_its_place_in_the_array(
    name: str, real: type[np.floating[Any]], kernel: Any
) -> None:
    x = sample(CASES[name], real)[::20].copy()
    alone = np.concatenate([evaluate(kernel, x[i : i + 1]) for i in range(x.size)])
    np.testing.assert_array_equal(evaluate(kernel, x), alone)


def test_a_wider_argument_is_converted_first(name: str, real: type[np.floating[Any]], kernel: Any) -> None:
    function = getattr(MATHS[real], name)
    x = np.linspace(0.1, 3, 7)
    expected = evaluate(kernel, x.astype(real))
    np.testing.assert_allclose([function(point) for point in x], expected, rtol=2 * np.finfo(real).eps)


# Fused or plain multiplication of whole registers, for {"s": single, "d": double}.
PACKED = {
    "x86_64": {"s": r"\bv?(?:f[nm]\w+|mul)ps\b", "d": r"\bv?(?:f[nm]\w+|mul)pd\b"},
    "aarch64": {"s": r"\bf(?:ml[as]|mul)\s+v\d+\.4s", "d": r"\bf(?:ml[as]|mul)\s+v\d+\.2d"},
}
PACKED["AMD64"] = PACKED["x86_64"]
PACKED["arm64"] = PACKED["aarch64"]


def test_the_loop_becomes_packed_instructions_without_calls(
    name: str, real: type[np.floating[Any]], kernel: Any
) -> None:
    if platform.machine() not in PACKED:
        pytest.skip(f"no pattern for {platform.machine()}")
    (text,) = kernel.inspect_asm().values()
    body = text[: text.index(".Lfunc_end0")]  # the loop itself, before its Python wrapper
    packed = re.findall(PACKED[platform.machine()]["s" if real is np.float32 else "d"], body)
    calls = re.findall(r"^\s*(?:call\w*|blr?)\s.*", body, re.MULTILINE)
    # The series alone has 5 multiplications in float32.
    assert len(packed) >= 5, f"only {packed}"
    np.testing.assert_array_equal(calls, [])
