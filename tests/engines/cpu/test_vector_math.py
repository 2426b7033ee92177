"""The vectorisable elementary functions: accuracy over the whole range against mpmath, and machine code."""

import ctypes
import math
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from normwise.engines.cpu import Kernel, KernelSpec
from normwise.engines.cpu.compiler import assembly, compiled
from normwise.engines.cpu.device import vector_math
from normwise.engines.cpu.device.builder import FLOAT32, FLOAT64, WORD, Builder
from normwise.engines.cpu.device.trigonometry import LARGEST_ANGLE
from normwise.engines.cpu.loader import Loader
from normwise.formula import Formula
from normwise.formula.expression import variable

DTYPES = {np.float32: FLOAT32, np.float64: FLOAT64}
LOG2 = math.log(2)
LOADER = Loader()


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
    largest: float = INF  # nan beyond, in size


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


def hardest_angles(info: Any) -> list[float]:
    """For each exponent the numbers closest to multiples of pi / 2: by the continued fraction of their quotient."""
    with mpmath.workprec(400):
        half_pi = Fraction(int(mpmath.pi * mpmath.mpf(2) ** 350), 2**351)
    found: set[float] = set()
    for exponent in range(-info.nmant, int(math.log2(LARGEST_ANGLE)) - info.nmant):
        rest, last, numerator = Fraction(2) ** exponent / half_pi, 1, 0
        while numerator < 2 ** (info.nmant + 1):  # the denominators of the convergents
            found.add(math.ldexp(numerator, exponent))
            whole = int(rest)
            last, numerator = numerator, whole * numerator + last
            rest = 1 / (rest - whole)
    return sorted(found)


def angle_breakpoints(info: Any) -> list[float]:
    """Where the quadrant changes, and where the sine and the cosine are small."""
    eighths = [k * math.pi / 4 for k in (*range(1, 9), 99, 100, 2**20 + 1, 2**20 + 2)]
    positive = [*eighths, LARGEST_ANGLE / 2, 0.999999 * LARGEST_ANGLE]
    return [0.0, *positive, *(-x for x in positive)]


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
    "sin": Case(
        mpmath.sin,
        0.95,
        (-50, 50),
        [*SIGNED_ZERO, (INF, NAN), (-INF, NAN)],
        angle_breakpoints,
        largest=LARGEST_ANGLE,
    ),
    "cos": Case(
        mpmath.cos,
        0.95,
        (-50, 50),
        [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)],
        angle_breakpoints,
        largest=LARGEST_ANGLE,
    ),
    "atan": Case(
        mpmath.atan,
        1.1,
        (-3, 3),
        [*SIGNED_ZERO, (INF, math.pi / 2), (-INF, -math.pi / 2)],
        binade_breakpoints,
    ),
}
PARTIAL = [name for name, case in CASES.items() if case.lowest > -INF]
PERIODIC = [name for name, case in CASES.items() if case.largest < INF]


@pytest.fixture(params=DTYPES, ids=lambda real: real.__name__)
def real(request: pytest.FixtureRequest) -> type[np.floating[Any]]:
    return request.param


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


_KERNELS: dict[tuple[str, type], Any] = {}


class Loop:
    """A kernel around a function of one or two numbers."""

    def __init__(self, function: Callable[..., Any], real: type[np.floating[Any]], count: int = 1) -> None:
        builder = Builder("loop")
        size, *places = (builder.array(builder.address, WORD)[i] for i in range(count + 2))
        *given, out = (builder.array(place, DTYPES[real]) for place in places)
        with builder.loop(size) as i:
            out[i] = function(*(each[i] for each in given))
        self._text = builder.finished()
        self._code = LOADER.load(compiled(self._text), "loop")
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._code.address)

    def __call__(self, *arrays: npt.NDArray[Any]) -> None:
        words = np.array([arrays[0].size, *(array.ctypes.data for array in arrays)], np.int64)
        self._call(words.ctypes.data)

    @property
    def assembly(self) -> str:
        return assembly(self._text)


@pytest.fixture
def kernel(name: str, real: type[np.floating[Any]]) -> Loop:
    if (name, real) not in _KERNELS:
        _KERNELS[name, real] = Loop(getattr(vector_math.VECTOR_MATH[DTYPES[real]], name), real)
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
    near_points = neighbours(np.array(case.breakpoints(info), real), 6)
    extremes = np.array([info.max, info.smallest_normal, info.smallest_subnormal], real)
    x = np.concatenate([any_bits, subnormal, uniform, small, near_points, extremes, -extremes])
    return x[np.isfinite(x) & (x > case.lowest) & (abs(x) <= case.largest)]


def neighbours(points: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """The points, and as many numbers to both sides of each."""
    offsets = np.arange(-count, count + 1, dtype=f"i{points.itemsize}")
    return (points.view(offsets.dtype)[:, None] + offsets).view(points.dtype).ravel()


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


@pytest.mark.parametrize("name", PERIODIC)
@pytest.mark.parametrize("fused", [None, False], ids=["default", "not fused"])
def test_nothing_is_lost_beside_the_multiples_of_half_pi(
    name: str, real: type[np.floating[Any]], kernel: Any, fused: bool | None
) -> None:
    case, x = CASES[name], np.array(hardest_angles(np.finfo(real)), real)
    assert x.size > 300
    y = (
        evaluate(kernel, x)
        if fused is None
        else evaluate(Loop(getattr(vector_math.VectorMath(DTYPES[real], fused), name), real), x)
    )
    with mpmath.workprec(300):
        errors = [error_in_ulp(value, case.oracle(mpmath.mpf(float(point)))) for point, value in zip(x, y, strict=True)]
    worst = int(np.argmax(np.where(np.isnan(errors), INF, errors)))
    assert errors[worst] <= case.ulp, f"{name}({x[worst]!r}) gave {y[worst]!r}: {errors[worst]:.3f} ulp"


@pytest.mark.parametrize("name", PERIODIC)
def test_beyond_the_largest_angle_is_nan(name: str, real: type[np.floating[Any]], kernel: Any) -> None:
    largest = real(CASES[name].largest)
    x = np.array([largest, np.nextafter(largest, real(INF)), 1e30, np.finfo(real).max], real)
    for angles in (x, -x):
        np.testing.assert_array_equal(np.isnan(evaluate(kernel, angles)), [False, True, True, True])


def test_a_value_does_not_depend_on_its_place_in_the_array(
    name: str, real: type[np.floating[Any]], kernel: Any
) -> None:
    x = sample(CASES[name], real)[::20].copy()
    alone = np.concatenate([evaluate(kernel, x[i : i + 1]) for i in range(x.size)])
    np.testing.assert_array_equal(evaluate(kernel, x), alone)


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
    # The series alone has 5 multiplications in float32.
    assert_packed(kernel, real, 5)


def assert_packed(kernel: Any, real: type[np.floating[Any]], multiplications: int) -> None:
    body = kernel.assembly
    packed = re.findall(PACKED[platform.machine()]["s" if real is np.float32 else "d"], body)
    calls = re.findall(r"^\s*(?:call\w*|blr?)\s.*", body, re.MULTILINE)
    assert len(packed) >= multiplications, f"only {packed}"
    np.testing.assert_array_equal(calls, [])


POWER_ULP = 1.1
EXPONENTS = [1 / 3, -1 / 3, 0.5, 1.5, 2.5, 1 / 2.5, 1 / 40, 3.7, -1.5, 7.0, 40.0, -3.0, 0.1, 1e-5]


@pytest.fixture(params=[None, False], ids=["default", "not fused"])
def power(request: pytest.FixtureRequest, real: type[np.floating[Any]]) -> Any:
    """A loop of powers, of this machine and of one without fused multiply-adds."""
    key = (f"power {request.param}", real)
    if key not in _KERNELS:
        dtype = DTYPES[real]
        maths = (
            vector_math.VECTOR_MATH[dtype] if request.param is None else vector_math.VectorMath(dtype, request.param)
        )
        _KERNELS[key] = Loop(maths.power, real, 2)
    return _KERNELS[key]


def powers(kernel: Any, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    out = np.full_like(x, 12345)
    kernel(x, y, out)
    return out


def bases(info: Any, count: int) -> npt.NDArray[Any]:
    """Positive numbers: of every magnitude, subnormal, near 1, around 1, and where the reduction changes."""
    rng = np.random.default_rng(20240608)
    unsigned = np.dtype(f"u{info.bits // 8}")
    any_bits = rng.integers(1, info.max.view(unsigned), count, dtype=unsigned).view(info.dtype)
    subnormal = rng.integers(1, 2**info.nmant, count // 4, dtype=unsigned).view(info.dtype)
    near_one = 1 + np.ldexp(rng.uniform(-1, 1, count), rng.integers(-info.nmant, 0, count))
    around_one = rng.uniform(0.1, 10, count)
    points = np.array([*binade_breakpoints(info), info.max, info.smallest_normal, info.smallest_subnormal], info.dtype)
    drawn = [values.astype(info.dtype) for values in (any_bits, subnormal, near_one, around_one)]
    x = np.concatenate([*drawn, neighbours(points, 1)])
    return x[(x > 0) & np.isfinite(x)]


def exponents(x: npt.NDArray[Any], info: Any) -> dict[str, npt.NDArray[Any]]:
    """For each of the bases an exponent."""
    rng = np.random.default_rng(20240609)
    with np.errstate(divide="ignore"):
        unit = LOG2 / np.log(x.astype(float))  # to which x is 2
    highest, lowest, smallest = info.maxexp, info.minexp, info.minexp - info.nmant
    chosen = {
        "common": rng.choice(EXPONENTS, x.size),
        "any result": unit * rng.uniform(1.02 * smallest, 1.02 * highest, x.size),
        "near overflow": unit * (highest + rng.uniform(-2, 0.5, x.size)),
        "near underflow": unit * (lowest + rng.uniform(-2, 2, x.size)),
        "subnormal": unit * rng.uniform(smallest - 2, lowest, x.size),
        "near 1": unit * np.ldexp(rng.uniform(-1, 1, x.size), rng.integers(-60, 1, x.size)),
    }
    limit = float(info.max)
    return {name: np.clip(y, -limit, limit).astype(info.dtype) for name, y in chosen.items()}


def test_powers_are_right_to_about_one_ulp_over_the_whole_range(real: type[np.floating[Any]], power: Any) -> None:
    info = np.finfo(real)
    x = bases(info, 1000)
    for name, y in exponents(x, info).items():
        z = powers(power, x, y)
        with mpmath.workprec(200):
            errors = [
                error_in_ulp(value, mpmath.mpf(float(base)) ** mpmath.mpf(float(exponent)))
                for value, base, exponent in zip(z, x, y, strict=True)
            ]
        worst = int(np.argmax(np.where(np.isnan(errors), INF, errors)))
        assert errors[worst] <= POWER_ULP, (
            f"{name}: {x[worst]!r} ** {y[worst]!r} gave {z[worst]!r}: {errors[worst]} ulp"
        )


def test_powers_that_are_numbers_are_exact(real: type[np.floating[Any]], power: Any) -> None:
    n = np.arange(1.0, 200.0)
    for degree, exponent in ((2, 0.5), (2, 1.5), (2, 2.5), (4, 0.25), (4, 0.75), (1, 3.0)):
        root = n[n ** (degree * max(1.0, exponent)) < 2.0 ** np.finfo(real).nmant]
        x, expected = (root**degree).astype(real), (root ** (degree * exponent)).astype(real)
        np.testing.assert_array_equal(powers(power, x, np.full_like(x, exponent)), expected)


# ISO/IEC 9899:1999, F.9.4.4, in its order.
STANDARD = [
    *((0.0, y, INF) for y in (-1.0, -3.0, -0.5, -2.0)),
    *((-0.0, y, value) for y, value in ((-1.0, -INF), (-3.0, -INF), (-0.5, INF), (-2.0, INF))),
    *((-0.0, y, value) for y, value in ((1.0, -0.0), (3.0, -0.0), (0.5, 0.0), (2.0, 0.0))),
    *((0.0, y, 0.0) for y in (1.0, 3.0, 0.5, 2.0)),
    *((-1.0, y, 1.0) for y in (INF, -INF)),
    *((1.0, y, 1.0) for y in (0.0, -0.5, 3.0, INF, -INF, NAN)),
    *((x, y, 1.0) for x in (0.0, -0.0, 1.0, -2.5, INF, -INF, NAN) for y in (0.0, -0.0)),
    *((x, y, NAN) for x in (-1.0, -2.5, -1e-30) for y in (0.5, -0.5, 1 / 3, 1e-30)),
    *((x, -INF, INF) for x in (0.0, -0.0, 0.5, -0.5, 1e-40)),
    *((x, -INF, 0.0) for x in (2.0, -2.0, INF, -INF)),
    *((x, INF, 0.0) for x in (0.0, -0.0, 0.5, -0.5, 1e-40)),
    *((x, INF, INF) for x in (2.0, -2.0, INF, -INF)),
    *((-INF, y, value) for y, value in ((-1.0, -0.0), (-3.0, -0.0), (-0.5, 0.0), (-2.0, 0.0))),
    *((-INF, y, value) for y, value in ((1.0, -INF), (3.0, -INF), (0.5, INF), (2.0, INF))),
    *((INF, y, value) for y, value in ((-0.5, 0.0), (-3.0, 0.0), (0.5, INF), (3.0, INF))),
    *((NAN, y, NAN) for y in (1.0, -0.5, 2.0, INF, -INF, NAN)),
    *((x, NAN, NAN) for x in (0.0, -0.0, -1.0, 2.0, -2.0, INF, -INF)),
]


def test_special_powers_are_those_of_the_c_standard(real: type[np.floating[Any]], power: Any) -> None:
    x, y, expected = np.array(STANDARD, real).T.copy()
    z = powers(power, x, y)
    np.testing.assert_array_equal(z, expected)
    given = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(z[given]), np.signbit(expected[given]))


def test_the_sign_of_a_power_is_that_of_an_odd_one(real: type[np.floating[Any]], power: Any) -> None:
    """Up to where numbers are no longer odd, or no longer have fractions; by Python's own arithmetic of fractions."""
    edge = 2.0 ** np.finfo(real).nmant
    around = np.array([edge / 2, edge, 2 * edge, 4 * edge, np.finfo(real).max], real)
    whole = np.array([1, 2, 3, 4, 5, 254, 255, 256, 257, 65535, 65536, 0.5, 1.5, 2.5, edge / 4 + 0.5, edge / 2 + 0.5])
    y = np.concatenate([whole.astype(real), neighbours(around, 1)])
    y = np.concatenate([y, -y])
    y = y[np.isfinite(y)]
    z = powers(power, np.full_like(y, -1.0), y)
    expected = [NAN if value % 1 else 1 - 2 * (value % 2) for value in map(Fraction, y.tolist())]
    np.testing.assert_array_equal(z, np.array(expected, real))


def test_a_power_does_not_depend_on_its_place_in_the_array(real: type[np.floating[Any]], power: Any) -> None:
    info = np.finfo(real)
    x = bases(info, 20)
    y = exponents(x, info)["any result"]
    alone = np.concatenate([powers(power, x[i : i + 1], y[i : i + 1]) for i in range(x.size)])
    np.testing.assert_array_equal(powers(power, x, y), alone)


def test_powers_become_packed_instructions_without_calls(real: type[np.floating[Any]], power: Any) -> None:
    if platform.machine() not in PACKED:
        pytest.skip(f"no pattern for {platform.machine()}")
    # Of the logarithm, its products of two numbers, the series and the scaling.
    assert_packed(power, real, 25)


def test_a_kernel_has_its_powers_from_here(real: type[np.floating[Any]]) -> None:
    """Fractional exponents and those not known beforehand; small whole ones are multiplications."""
    a, b = variable("a"), variable("b")
    storage: Any = (real.__name__,) * 3

    def is_a_power(exponent: Any) -> bool:
        kernel = Kernel(
            KernelSpec((), (Formula("power", ("a", "b"), {}, a**exponent),), storage[: 2 + (exponent is b)])
        )
        # Of the logarithm, its products of two numbers, the series and the scaling.
        return kernel.assembly.count("mul") + kernel.assembly.count("fm") > 25

    assert [is_a_power(exponent) for exponent in (1 / 3, b, 3)] == [True, True, False]
    x = bases(np.finfo(real), 20)
    y = np.full_like(x, 1 / 3)
    z = np.empty_like(x)
    spec = KernelSpec((), (Formula("power", ("a", "b"), {}, a**b),), storage)
    Kernel(spec).flat(x.size, x.ctypes.data, y.ctypes.data, z.ctypes.data)
    np.testing.assert_allclose(z, np.cbrt(x.astype(float)), rtol=300 * np.finfo(real).eps)
