"""Tracing: what is kept of a plain function, and what is refused."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from normwise.formula import exp, maximum, trace, where
from normwise.formula.expression import variable


def test_arguments_without_default_are_arrays_and_those_with_one_parameters() -> None:
    def formula(x: Any, t: Any, scale: Any, p: Any = 2, q: Any = 0.5) -> Any:
        return abs(x - t) ** p / scale + q

    traced = trace(formula)
    assert traced.name == "formula"
    assert traced.arrays == ("x", "t", "scale")
    assert traced.parameters == {"p": 2.0, "q": 0.5}


def test_a_constant_formula_is_a_formula() -> None:
    assert trace(lambda r: 3).expression.value == 3


def branches(r: Any) -> Any:
    return r if r > 0 else -r


def takes_any_arguments(*r: Any) -> Any:
    return r[0]


def takes_any_keywords(r: Any, **rest: Any) -> Any:
    return r


def has_a_text_for_default(r: Any, kind: str = "soft") -> Any:
    return r


def has_none_for_default(r: Any, scale: Any = None) -> Any:
    return r


def has_no_array(p: Any = 1.0) -> Any:
    return p


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (branches, r"where\(condition, a, b\)"),
    (lambda r: (r > 0) and r, r"where\(condition, a, b\)"),
    (lambda r: (r > 0) or r, r"where\(condition, a, b\)"),
    (lambda r: not r, r"where\(condition, a, b\)"),
    (lambda r: min(r, 1.0), r"minimum\(a, b\)"),
    (lambda r: max(r, 1.0), r"maximum\(a, b\)"),
    (lambda r: 0 < r < 1, r"where\(condition, a, b\)"),
    (lambda r: math.exp(r), r"normwise\.formula"),  # noqa: PLW0108
    (takes_any_arguments, r"takes_any_arguments takes \*r"),
    (takes_any_keywords, r"takes_any_keywords takes \*\*rest"),
    (has_a_text_for_default, r"has_a_text_for_default has .*kind.*real number"),
    (has_none_for_default, r"scale.*real number"),
    (has_no_array, r"reads no array"),
    (lambda r: (r, r), r"returns tuple"),
    (lambda r: None, r"returns NoneType"),
    (lambda r: r * "2", r"not str"),
    (lambda r: r * 2j, r"not complex"),
    (lambda r: r * True, r"not bool"),
]


@pytest.mark.parametrize(("function", "words"), REFUSED)
def test_what_is_no_formula_is_refused_with_the_mend(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        trace(function)


def test_the_functions_compute_on_plain_numbers_too() -> None:
    assert where(1 < 2, maximum(1.0, 3.0), exp(0.0)) == 3.0  # noqa: PLR0133


def test_an_argument_is_replaced_by_an_expression() -> None:
    squared = trace(lambda r: r * r).on(("x", "t"), r=variable("x") - variable("t"))
    assert squared.expression is trace(lambda x, t: (x - t) * (x - t)).expression


def test_formulas_are_equal_when_all_that_they_say_is() -> None:
    def formula(r: Any, p: Any = 1.0) -> Any:
        return p * r

    other = trace(lambda r, p=2.0: p * r)
    assert trace(formula) == trace(formula)
    assert hash(trace(formula)) == hash(trace(formula))
    assert trace(formula) != other


def test_a_flag_stays_one() -> None:
    formula = trace(lambda r, squared=False: where(squared != 0, r * r, abs(r)))
    assert formula.parameters == {"squared": False}
    assert isinstance(formula.parameters["squared"], bool)
    assert "squared=False" in str(formula)
