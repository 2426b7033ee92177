"""Kernels that are built by hand: each part of the language computes what Python does of the same numbers."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from normwise.engines.cpu.compiler import assembly, compiled
from normwise.engines.cpu.device.builder import (
    BIT,
    BYTE,
    FLOAT32,
    FLOAT64,
    WORD,
    Array,
    Builder,
    Variable,
    ceiling,
    copysign,
    fma,
    least,
    where,
)
from normwise.engines.cpu.loader import Loader


def run(build: Callable[[Builder, Array, Array], None], words: list[int], floats: list[float]) -> list[float]:
    """What a kernel leaves in an array of floats; it is given that and some words."""
    builder = Builder("kernel")
    start = builder.array(builder.address, WORD)
    build(builder, start, builder.array(start[0], FLOAT64))
    loader = Loader()  # which is to outlive the code
    function = loader.load(compiled(builder.finished()), "kernel").function()
    numbers = np.array(floats)
    arguments = np.array([numbers.ctypes.data, *words], np.uint64)
    function(arguments.ctypes.data)
    return numbers.tolist()


FLOATS: dict[str, tuple[Callable[..., Any], float]] = {
    "sum": (lambda a, b: a + b + 1, 2.5 - 4.0 + 1),
    "difference": (lambda a, b: 1 - (a - b), 1 - 6.5),
    "product": (lambda a, b: 2 * a * b, -20.0),
    "quotient": (lambda a, b: 3 / (a / b), 3 / (2.5 / -4.0)),
    "negative": (lambda a, b: -abs(b), -4.0),
    "selected": (lambda a, b: where((a > b) & ~(a == b) | (a != a), a, b), 2.5),
    "sign": (copysign, -2.5),
    "fused": (lambda a, b: fma(a, b, 0.5), -9.5),
    "cube": (lambda a, b: b**3, -64.0),
    "no power": (lambda a, b: b**0, 1.0),
    "inverse": (lambda a, b: b**-2, 1 / 16),
    "power": (lambda a, b: a**b, 2.5**-4.0),
    "base": (lambda a, b: 2.0**a, 2.0**2.5),
    "bits": (lambda a, b: (a.bits ^ (1 << 63)).as_float(FLOAT64), -2.5),
    "narrow": (lambda a, b: (a / 3).to(FLOAT32).to(FLOAT64), float(np.float32(2.5 / 3))),
    "truth": (lambda a, b: (a > b).to(FLOAT64), 1.0),
    "nan is not less": (lambda a, b: where(a.like(math.nan) < b, 1.0, a), 2.5),
    "nan is different": (lambda a, b: where(a.like(math.nan) != a.like(math.nan), 1.0, a), 1.0),
}


@pytest.mark.parametrize("name", FLOATS)
def test_operators_of_floats(name: str) -> None:
    function, expected = FLOATS[name]

    def build(builder: Builder, _: Array, numbers: Array) -> None:
        numbers[0] = function(numbers[0], numbers[1])

    assert math.isclose(run(build, [], [2.5, -4.0])[0], expected, rel_tol=1e-15)


INTEGERS: dict[str, tuple[Callable[..., Any], int]] = {
    "quotient": (lambda a, b: a // b, 17 // 5),
    "rest": (lambda a, b: a % b, 17 % 5),
    "rounded up": (ceiling, 4),
    "least": (least, 5),
    "least of a number": (lambda a, b: least(a, 3), 3),
    "bits": (lambda a, b: (a << 2) + (a >> 1) + (a & 3) + (b | 8) + (a ^ b), 68 + 8 + 1 + 13 + 20),
    "around": (lambda a, b: a - (b - 6), 18),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_operators_of_integers(name: str) -> None:
    function, expected = INTEGERS[name]

    def build(builder: Builder, words: Array, numbers: Array) -> None:
        numbers[0] = function(words[1], words[2]).to(FLOAT64)

    assert run(build, [17, 5], [0.0]) == [expected]


def test_a_plain_loop_is_left_as_it_is_written() -> None:
    def squares(plain: bool) -> Callable[[Builder, Array, Array], None]:
        def build(builder: Builder, words: Array, numbers: Array) -> None:
            with builder.loop(words[1], plain=plain) as i:
                numbers[i] = numbers[i] * numbers[i]

        return build

    def products(plain: bool) -> int:
        builder = Builder("kernel")
        start = builder.array(builder.address, WORD)
        squares(plain)(builder, start, builder.array(start[0], FLOAT64))
        return len(re.findall(r"\bv?f?mul[ps]?d?\b", assembly(builder.finished())))

    assert run(squares(plain=True), [3], [1.0, 2.0, 3.0, 4.0]) == [1.0, 4.0, 9.0, 4.0]
    assert products(plain=True) == 1 < products(plain=False)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_loops_and_branches(count: int) -> None:
    def build(builder: Builder, words: Array, numbers: Array) -> None:
        total, halvings = Variable(builder.number(0, FLOAT64)), Variable(words[1])
        buffer = builder.buffer(FLOAT64, 8)
        with builder.loop(words[1]) as i:
            buffer[i] = i.to(FLOAT64)
        with builder.loop(words[1], start=1, step=2) as i:
            total.value = total.value + buffer[i]
        numbers[0] = total.value
        rounds = Variable(builder.number(0, FLOAT64))
        with builder.until_left() as leave:
            leave(halvings.value == 0)
            halvings.value = halvings.value // 2
            rounds.value = rounds.value + 1
        numbers[1] = rounds.value
        with builder.when(words[1] > 3):
            numbers[2] = numbers[0]

        def even() -> None:
            numbers[3] = builder.number(0, FLOAT64)

        def odd() -> None:
            numbers[3] = builder.number(1, FLOAT64)

        builder.choose(words[1] % 2 == 0, even, odd)

    odd_sum = sum(range(1, count, 2))
    expected = [odd_sum, count.bit_length(), odd_sum if count > 3 else -1.0, count % 2]
    assert run(build, [count], [-1.0] * 4) == expected


def test_sums_are_in_the_order_they_are_written_unless_they_are_licensed() -> None:
    def build(builder: Builder, _: Array, numbers: Array) -> None:
        a, b = numbers[0], numbers[1]
        numbers[2] = (a + b) - a
        numbers[3] = a * (a * b)

    assert run(build, [], [1e16, 1.0, 0.0, 0.0])[2:] == [0.0, 1e32]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda builder: builder.number(1, FLOAT64) + builder.number(1, FLOAT32),
        lambda builder: where(builder.number(1, BIT), builder.number(1, FLOAT64), builder.number(1, WORD)),
        lambda builder: builder.number(0.5, BYTE),
        lambda builder: 1 if builder.number(1, FLOAT64) > 0 else 0,
    ],
)
def test_what_a_kernel_cannot_mean_is_an_error_while_it_is_built(wrong: Callable[[Builder], Any]) -> None:
    with pytest.raises(TypeError):
        wrong(Builder("kernel"))
