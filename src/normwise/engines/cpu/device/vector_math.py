"""Elementary functions that LLVM can inline and vectorise.

There is no library of vector functions to call, and a call of the C library's for each element costs about 17 ns. The
functions here are straight lines of additions, multiplications, bit operations and selects instead, so the loop around
them becomes packed instructions. One source makes both precisions: it is closed over the constants of a dtype.

Rules that every function here keeps:

- No branch depends on data: both sides are computed, then one is selected.
- No float is converted to an integer by value: for nan, inf and what is out of range the result would be
  undefined. Adding `magic`, 1.5 times 2 to the number of mantissa bits, leaves the rounded integer in the
  lowest bits, which are read as bits. This vectorises on machines without AVX-512 too; a conversion between
  float64 and int64 does not.
- Integers are as wide as the float whose bits they are: a wider one halves the number of elements that an instruction
  handles.
- LLVM gets one licence only, to contract into fused multiply-adds.
- Sums and products that are to tell what they round off get no licence at all: a contracted product is not the
  rounded one whose error they tell.

Method: argument reduction by a multiple of log 2 held in two parts, then a Taylor series. See Muller,
Elementary Functions: Algorithms and Implementation, 3rd edition, Birkhauser, 2016.

A power multiplies the error of the logarithm by up to 745, so its logarithm is a number and what that lacks: Dekker, A
floating-point technique for extending the available precision, 1971. Its series are economised, to be shorter.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import llvmlite.binding as llvm
import numpy as np

from normwise.engines.cpu.device.builder import FLOAT32, FLOAT64, POWERS, Type, Value, copysign, fma, licensed, where
from normwise.engines.cpu.device.trigonometry import angle_functions, arc_tangent

__all__ = ["VECTOR_MATH", "VectorMath"]

# To 40 digits, so that it can be cut into two parts for either dtype.
_LOG2 = Fraction("0.6931471805599453094172321214581765680755")


_fused = licensed("contract")
_strict = licensed()

# Without the instruction each would be a slow call. Only x86 has such machines, and a feature of this name.
_FUSES = bool(llvm.get_host_cpu_features().get("fma", True))


class Format(NamedTuple):
    """A dtype, its constants, and the functions that take its numbers apart and put them together."""

    dtype: Type
    rounded: Callable[[Any], float]
    info: Any
    bias: int
    magic: float
    bits_of_magic: int
    ln2_high: float
    ln2_low: float
    power_of_two: Any
    polynomial: Any
    two_polynomials: Any
    exact_sum: Any
    exact_product: Any
    remainder: Any


_REALS = {FLOAT32: np.float32, FLOAT64: np.float64}


def _format(dtype: Type, fused: bool) -> Format:
    real = _REALS[dtype]
    info = np.finfo(real)
    magic = real(1.5 * 2.0**info.nmant)
    # The high part leaves enough low bits 0 that its product with any exponent is exact.
    high_bits = info.nmant + 1 - info.iexp
    ln2_high = math.floor(_LOG2 * 2**high_bits) / 2**high_bits
    upper_half = 2**info.bits - 2 ** (info.nmant // 2 + 1)

    def rounded(number: Any) -> float:
        return float(real(float(number)))

    def power_of_two(biased: Value) -> Value:
        return (biased << info.nmant).as_float(dtype)

    @_fused
    def polynomial(x: Value, coefficients: Any) -> Value:
        p = coefficients[0]
        for c in coefficients[1:]:
            p = p * x + c
        return p

    @_fused
    def two_polynomials(x: Value, odd: Any, even: Any) -> Value:
        # The terms with odd powers and those with even ones: two chains of operations that do not wait for each other.
        square = x * x
        return polynomial(square, odd) * x + polynomial(square, even)

    @_strict
    def exact_sum(a: Any, b: Any) -> Any:
        # The rounded sum and what it lacks, for |a| >= |b|.
        rounded = a + b
        return rounded, b - (rounded - a)

    @_strict
    def fused_remainder(c: Any, a: Value, b: Any) -> Value:
        return fma(-a, b, c)

    @_strict
    def split_remainder(c: Any, a: Value, b: Any) -> Value:
        # By halves of the mantissas, whose products are exact.
        b = a.like(b)
        a_high, b_high = ((each.bits & upper_half).as_float(dtype) for each in (a, b))
        a_low, b_low = a - a_high, b - b_high
        return ((c - a_high * b_high) - a_low * b_high - a_high * b_low) - a_low * b_low

    # c - a b, where c is so close that nothing but the product would round.
    remainder = fused_remainder if fused else split_remainder

    @_strict
    def exact_product(a: Value, b: Any) -> Any:
        # The rounded product and what it lacks.
        rounded = a * b
        return rounded, -remainder(rounded, a, b)

    return Format(
        *(dtype, rounded, info, int(info.maxexp - 1)),
        *(float(magic), int(magic.view(f"u{real().itemsize}")), ln2_high, rounded(_LOG2 - Fraction(ln2_high))),
        *(power_of_two, polynomial, two_polynomials, exact_sum, exact_product, remainder),
    )


_Halves: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]


def _economised(series: list[Fraction], low: str, high: str, count: int, rounded: Callable[[Any], float]) -> _Halves:
    """Shorten a power series, lowest power first, to `count` terms whose error is spread evenly from `low` to `high`.

    Each step takes the highest power away by subtracting a multiple of a Chebyshev polynomial: Lanczos, 1938. Returns
    the coefficients of the odd and of the even powers, highest first.
    """
    zero, middle, half = Fraction(0), (Fraction(low) + Fraction(high)) / 2, (Fraction(high) - Fraction(low)) / 2
    chebyshev = [[Fraction(1)], [-middle / half, 1 / half]]
    for _ in series[2:]:
        last, before = chebyshev[-1], [*chebyshev[-2], zero, zero]
        shifted = zip([zero, *last], [*last, zero], before, strict=True)
        chebyshev.append([2 * (a - middle * b) / half - c for a, b, c in shifted])
    for polynomial in chebyshev[: count - 1 : -1]:
        multiple = series[-1] / polynomial[-1]
        series = [a - multiple * b for a, b in zip(series, polynomial, strict=True)][:-1]
    coefficients = tuple(rounded(c) for c in reversed(series))
    return coefficients[-2::-2][::-1], coefficients[::-2][::-1]


_TERMS = 20
"""Of a series before it is shortened: more than any number needs."""


def _exponentials(form: Format) -> dict[str, Any]:
    _, rounded, info, bias, magic, bits_of_magic, ln2_high, ln2_low, *functions = form
    power_of_two, polynomial, two_polynomials, exact_sum, *_ = functions
    zero, quarter, half, two, log2_e = (rounded(c) for c in (0.0, 0.25, 0.5, 2.0, 1 / math.log(2)))
    # Beyond these, exp has overflowed for certain, even where cosh halves it, or underflowed.
    highest = rounded(math.floor((info.maxexp + 2) * math.log(2)))
    lowest = rounded(math.floor((info.minexp - info.nmant - 1) * math.log(2)))
    # The same for expm1: overflow above and -1 below. Closer, so that 2^(k - 1) is a normal number.
    highest_expm1 = rounded(math.ceil(info.maxexp * math.log(2)))
    lowest_expm1 = rounded(-math.ceil((info.nmant + 3) * math.log(2)))
    # Highest power first. (e^r - 1 - r) / r^2 for |r| <= log(2) / 2.
    degree = {32: 7, 64: 13}[info.bits]
    exp_series = tuple(rounded(1 / math.factorial(n)) for n in range(degree, 1, -1))
    # The same for `exp_of_sum`.
    series = [Fraction(1, math.factorial(n)) for n in range(2, _TERMS)]
    odd_series, even_series = _economised(series, "-0.3466", "0.3466", {32: 5, 64: 10}[info.bits], rounded)

    @_fused
    def clamp(x: Any) -> Any:
        # Both comparisons are false for nan and let it through.
        clamped = where(x > highest, highest, x)
        return where(clamped < lowest, lowest, clamped)

    @_fused
    def reduced(x: Any) -> Any:
        # x = k log 2 + r; returns r as the difference of two numbers, the first exact, and k + bias.
        shifted = x * log2_e + magic
        k = shifted - magic
        return x - k * ln2_high, k * ln2_low, shifted.bits - (bits_of_magic - bias)

    @_fused
    def reduced_expm1(x: Any) -> Any:
        high, low, biased = reduced(x)
        r = high - low
        return r + (r * r) * polynomial(r, exp_series), biased

    @_fused
    def scaled(p: Any, biased: Any, shift: Any) -> Any:
        # (1 + p) 2^(k + shift). Two factors, as 2^k alone may overflow where the result does not. Only the last
        # product can round to a subnormal.
        total = biased + bias + shift
        first = total >> 1
        return (power_of_two(first) + p * power_of_two(first)) * power_of_two(total - first)

    @_fused
    def scaled_exp(x: Any, shift: Any) -> Any:
        # e^x 2^shift.
        p, biased = reduced_expm1(clamp(x))
        return scaled(p, biased, shift)

    @_fused
    def exp_of_sum(x: Any, y: Any) -> Any:
        # e^(x + y), for y far below x, where hardly anything rounds but the last two sums: so what is a number, as
        # 9^1.5, comes out as that. Beyond the range y does not matter, and may be nan.
        clamped = clamp(x)
        high, low, biased = reduced(clamped)
        r, rest = exact_sum(high, where(clamped == x, y, zero) - low)
        p = r + (rest + (r * r) * two_polynomials(r, odd_series, even_series))
        return scaled(p, biased, 0)

    @_fused
    def exp(x: Any) -> Any:
        return scaled_exp(x, 0)

    @_fused
    def expm1(x: Any) -> Any:
        # With s = 2^(k - 1) no term overflows before the result does, and for k = 0 it is p itself.
        clamped = where(x > highest_expm1, highest_expm1, x)
        clamped = where(clamped < lowest_expm1, lowest_expm1, clamped)
        p, biased = reduced_expm1(clamped)
        s = power_of_two(biased - 1)
        result = two * (s * p + (s - half))
        return where(x == zero, x, result)

    @_fused
    def tanh(x: Any) -> Any:
        t = expm1(-two * abs(x))
        return copysign(-t / (t + two), x)

    @_fused
    def cosh(x: Any) -> Any:
        # Half of e^|x|, formed without overflow; its reciprocal is then 2 e^-|x|.
        a = scaled_exp(abs(x), -1)
        return a + quarter / a

    return {"exp": exp, "expm1": expm1, "tanh": tanh, "cosh": cosh, "exp_of_sum": exp_of_sum}


def _logarithms(form: Format) -> dict[str, Any]:
    dtype, rounded, info, bias, magic, bits_of_magic, ln2_high, ln2_low, *functions = form
    power_of_two, polynomial, two_polynomials, exact_sum, exact_product, remainder = functions
    zero, half, one, two, three, inf, nan = (rounded(c) for c in (0.0, 0.5, 1.0, 2.0, 3.0, math.inf, math.nan))
    mantissa_bits, mantissa_mask = info.nmant, 2**info.nmant - 1
    bits_of_sqrt_half = int(_REALS[dtype](math.sqrt(0.5)).view(f"u{info.bits // 8}"))
    smallest_normal = float(info.smallest_normal)
    lift, lift_bits = 2.0 ** (info.nmant + 1), info.nmant + 1
    # Highest power first. (log((1 + s) / (1 - s)) - 2s) / s^3 in powers of s^2, for |s| <= 3 - 2 sqrt(2).
    terms = {32: 4, 64: 10}[info.bits]
    log_series = tuple(rounded(2 / (2 * n + 1)) for n in range(terms, 0, -1))
    # The same for `log_as_sum`, in powers of (2s)^2 and from the second term on: the first, 1/12, is in two parts.
    series = [Fraction(1, (2 * n + 1) * 4**n) for n in range(2, _TERMS)]
    odd_series, even_series = _economised(series, "0", "0.1178", {32: 4, 64: 8}[info.bits], rounded)
    twelfth = rounded(1 / 12)
    twelfth_low = rounded(Fraction(1, 12) - Fraction(twelfth))

    @_fused
    def split(x: Any) -> Any:
        # x = m 2^e with m in [sqrt(1/2), sqrt(2)); returns m and e + bias.
        offset = x.bits - bits_of_sqrt_half + (bias << mantissa_bits)
        m = ((offset & mantissa_mask) + bits_of_sqrt_half).as_float(dtype)
        return m, offset >> mantissa_bits

    @_fused
    def number(biased: Any) -> Any:
        return (biased + (bits_of_magic - bias)).as_float(dtype) - magic

    @_fused
    def lifted_split(x: Any) -> Any:
        # The same for subnormals too.
        subnormal = x < smallest_normal
        m, biased = split(where(subnormal, x * lift, x))
        return m, where(subnormal, biased - lift_bits, biased)

    @_fused
    def log_of_parts(f: Any, biased: Any) -> Any:
        # log((1 + f) 2^e), by log(1 + f) = 2 artanh(s) with s = f / (2 + f). As 2s = f - f^2/2 + s f^2/2, the
        # largest term is the exact f, and what rounds is small beside it.
        e = number(biased)
        s = f / (two + f)
        z = s * s
        half_square = half * f * f
        tail = s * (half_square + z * polynomial(z, log_series)) + e * ln2_low
        return e * ln2_high - ((half_square - tail) - f)

    @_fused
    def log(x: Any) -> Any:
        m, biased = lifted_split(x)
        result = log_of_parts(m - one, biased)
        result = where(x == inf, x, result)
        result = where(x == zero, -inf, result)
        return where(x >= zero, result, nan)

    @_fused
    def log1p(x: Any) -> Any:
        # 1 + x = u + c, where c is what rounding lost. Brought to the scale of m it completes f = m - 1,
        # which is then exact where the result is small. 2^-e may be below the normal range, 2^(1-e) not.
        u = one + x
        c = x - (u - one)
        m, biased = split(u)
        scale = power_of_two(biased.like(2 * bias + 1) - biased)
        f = (m - one) + half * (c * scale)
        result = log_of_parts(f, biased)
        result = where((x == zero) | (x == inf), x, result)
        result = where(u == zero, -inf, result)
        return where(u >= zero, result, nan)

    @_strict
    def exact_quotient(f: Any, m: Any) -> Any:
        # 2f / (1 + m) for m = 1 + f, and what it lacks. That 1 + m rounds is mended with the rest.
        inverse = two / (one + m)
        s = f * inverse
        return s, remainder(f - s, s, half * f) * inverse

    @_fused
    def log_as_sum(x: Any) -> Any:
        # log x, for x >= 0, as a number and what it lacks, by log(1 + f) = s + s^3 g with s = 2f / (2 + f) and
        # g = 1/12 + s^2 / 80 + ... What a step rounds off is kept where it is more than about 2^-12 of a unit.
        m, biased = lifted_split(x)
        e, f = number(biased), m - one
        s, s_low = exact_quotient(f, m)
        z, z_low = exact_product(s, s)
        cube, cube_low = exact_product(s, z)
        cube_low = (cube_low + s * z_low) + z * (three * s_low)
        g, g_low = exact_sum(twelfth, z * two_polynomials(z, odd_series, even_series))
        v, v_low = exact_product(cube, g)
        v_low = v_low + (cube * (g_low + twelfth_low) + cube_low * g)
        high, low = exact_sum(e * ln2_high, s)
        high, more = exact_sum(high, v)
        high = where(x < inf, high, x)
        high = where(x == zero, -inf, high)
        return high, (low + more) + (e * ln2_low + (s_low + v_low))

    return {"log": log, "log1p": log1p, "log_as_sum": log_as_sum}


def _power(form: Format, exp_of_sum: Any, log_as_sum: Any) -> Any:
    exact_product = form.exact_product
    zero, one, inf, nan = 0.0, 1.0, math.inf, math.nan
    # From here on every number is whole, and from twice that even.
    whole_from = 2.0**form.info.nmant

    @_fused
    def power(x: Any, y: Any) -> Any:
        a, b = abs(x), abs(y)
        log, log_low = log_as_sum(a)
        product, low = exact_product(y, log)
        result = exp_of_sum(product, low + y * log_low)
        # In the sum with `whole_from` a whole number stands in the lowest bits.
        shifted = b + whole_from
        whole = (b >= whole_from) | (shifted - whole_from == b)
        last = where(b >= whole_from, b, shifted).bits & 1
        odd = whole & (b < whole_from + whole_from) & (last == 1)
        # Also where the product of 0 and infinity, or anything, is nan. What is nan all the same is not whole.
        result = where((y == zero) | (a == one), one, result)
        result = where(odd, copysign(result, x), result)
        return where(whole | (x >= zero) | (a == inf), result, nan)

    return power


class VectorMath:
    """Elementary functions of values of one dtype.

    Each is defined for every input: subnormals are not flushed, results overflow to inf and underflow
    gradually to 0, nan gives nan, and zero keeps its sign where the function is odd at zero.

    `power` answers as C's ``pow`` does: among others, a negative number to a whole power has the sign of the power,
    and to any other it is nan; nan to the power 0 is 1, and so is 1 to any power.

    `sin` and `cos` are as accurate beside the multiples of pi / 2 as elsewhere, up to 2^48; beyond they are nan.

    Largest error measured, in units in the last place of the exact result, over all float32 and over 100 000
    float64 of every magnitude; of `power` over ten million pairs of each. Without fused multiply-adds it is at
    most 0.1 more.

    ======== ======= =======
    function float32 float64
    ======== ======= =======
    exp      1.06    0.95
    expm1    1.65    1.71
    log      0.86    0.78
    log1p    1.42    1.15
    tanh     2.50    2.49
    cosh     1.49    1.35
    sin      0.89    0.79
    cos      0.91    0.79
    atan     1.01    1.03
    power    1.00    1.09
    ======== ======= =======

    Parameters
    ----------
    dtype : FLOAT32 or FLOAT64
        Of every argument, result and intermediate value.
    fused : bool
        Whether the machine has an instruction for a multiplication and an addition that round once.
    """

    exp: Callable[[Value], Value]
    expm1: Callable[[Value], Value]
    log: Callable[[Value], Value]
    log1p: Callable[[Value], Value]
    tanh: Callable[[Value], Value]
    cosh: Callable[[Value], Value]
    sin: Callable[[Value], Value]
    cos: Callable[[Value], Value]
    atan: Callable[[Value], Value]
    power: Callable[[Value, Value], Value]

    def __init__(self, dtype: Type, fused: bool = _FUSES) -> None:
        self.form = _format(dtype, fused)
        self.wide = self.form if dtype is FLOAT64 else _format(FLOAT64, fused)

    def __getattr__(self, name: str) -> Any:
        # Built when they are first wanted: their series take longer than it takes to load a kernel without them.
        if name not in _GROUP_OF:
            raise AttributeError(name)
        vars(self).update(_GROUP_OF[name](self))
        return vars(self)[name]


_GROUPS: dict[tuple[str, ...], Callable[[Any], dict[str, Any]]] = {
    ("exp", "expm1", "tanh", "cosh", "exp_of_sum"): lambda maths: _exponentials(maths.form),
    ("log", "log1p", "log_as_sum"): lambda maths: _logarithms(maths.form),
    ("sin", "cos"): lambda maths: angle_functions(maths.form, maths.wide),
    ("atan",): lambda maths: {"atan": arc_tangent(maths.form)},
    ("power",): lambda maths: {"power": _power(maths.form, maths.exp_of_sum, maths.log_as_sum)},
}
_GROUP_OF = {name: build for names, build in _GROUPS.items() for name in names}

VECTOR_MATH = {dtype: VectorMath(dtype) for dtype in (FLOAT32, FLOAT64)}


def _raised(base: Value, exponent: Value) -> Value:
    return VECTOR_MATH[base.dtype].power(base, exponent)  # which is built where it is asked for


POWERS.update(dict.fromkeys(VECTOR_MATH, _raised))
