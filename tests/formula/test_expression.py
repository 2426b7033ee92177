"""Expressions: one object for each, and no rewriting but of 0 and 1."""

import gc
import sys
import threading
import weakref
from typing import Any

import pytest

from normwise.formula import Expression, exp, trace, where
from normwise.formula.expression import apply, constant, variable

a, b = variable("a"), variable("b")


def test_the_same_expression_is_the_same_object() -> None:
    assert exp(a * b + 1) is exp(variable("a") * variable("b") + 1)
    assert a - b is not b - a


def test_constants_keep_their_type_and_the_sign_of_zero() -> None:
    assert constant(1) is not constant(1.0)
    assert constant(0.0) is not constant(-0.0)


def test_an_expression_that_nobody_needs_is_forgotten() -> None:
    expression = exp(variable("forgotten") * 2)
    reference = weakref.ref(expression)
    del expression
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize(
    ("folded", "result"),
    [
        (0 + a, a),
        (a + 0, a),
        (a - 0, a),
        (0 - a, -a),
        (1 * a, a),
        (a * 1, a),
        (0 * a, constant(0)),
        (a * 0, constant(0)),
        (-1 * a, -a),
        (a / 1, a),
        (0 / a, constant(0)),
        (a**1, a),
        (-constant(2), constant(-2)),
        (where(a < b, a, a), a),
        (+a, a),
        (constant(2) * 3, constant(6)),
        (exp(constant(0)), constant(1.0)),
    ],
)
def test_zero_and_one_and_what_is_constant_are_folded(folded: Expression, result: Expression) -> None:
    assert folded is result


@pytest.mark.parametrize(
    ("primitive", "arguments"),
    [
        ("add", (a, a)),
        ("subtract", (a, a)),
        ("divide", (a, a)),
        ("divide", (1, a)),
        ("multiply", (a, a)),
        ("power", (a, 0)),
        ("power", (a, 2)),
        ("power", (1, a)),
        ("negative", (-a,)),
        ("absolute", (abs(a),)),
        ("minimum", (a, a)),
    ],
)
def test_nothing_else_is_rewritten(primitive: str, arguments: tuple[Any, ...]) -> None:
    expression = apply(primitive, *arguments)
    assert expression.primitive == primitive
    assert len(expression.arguments) == len(arguments)


def test_the_order_of_evaluation_is_the_authors() -> None:
    left, right = trace(lambda x, y: x + y - x).expression, trace(lambda x, y: x - x + y).expression
    assert str(left) == "x + y - x"
    assert str(right) == "x - x + y"


def test_threads_that_build_the_same_expression_have_one() -> None:
    threads, rounds = 4, 300
    barrier, built = threading.Barrier(threads), [list[Expression]() for _ in range(threads)]

    def build(mine: list[Expression]) -> None:
        for k in range(rounds):
            barrier.wait()
            mine.append(variable("a") + (1e9 + k))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=build, args=[mine]) for mine in built]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    assert [len(set(map(id, same))) for same in zip(*built, strict=True)] == [1] * rounds
