"""Formulas from text: what they mean, what is refused and where, and that nothing is ever executed."""

import builtins
import math
import sys
from typing import Any

import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from normwise.errors import FormulaError
from normwise.formula import trace
from normwise.formula.numbers import number_value
from normwise.formula.parse import FUNCTIONS, parse
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.text import PYTHON as PRINTER

POINTS = ({"r": 0.7, "x": 1.2, "t": 0.5}, {"r": -2.3, "x": 0.4, "t": 2.7})
"""With r = x - t."""

# Python's own reading of the same text is the oracle; names that Python lacks are bound here.
PYTHON: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sqrt", "exp", "expm1", "log", "log1p", "tanh", "cosh", "sin", "cos")},
    "abs": abs,
    "min": min,
    "max": max,
    "minimum": min,
    "maximum": max,
    "arctan": math.atan,
    "sign": lambda a: math.copysign(1.0, a) if a else 0.0,
    "where": lambda condition, a, b: a if condition else b,
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "softplus": lambda a: math.log1p(math.exp(a)),
    "erf": math.erf,
    "lgamma": math.lgamma,
    "digamma": scipy.special.digamma,
    "polygamma": scipy.special.polygamma,
    "stop_gradient": lambda a: a,
    "pi": math.pi,
    "e": math.e,
    "inf": math.inf,
}

TEXTS = [
    "r",
    "-r + +r * 2",
    "r**2 / 2",
    "sqrt(r**2 + s**2) - s",
    "log(cosh(r / s))",
    "abs(r) if abs(r) > s else 0.5 * r * r / s + s / 2",
    "where(r >= 0, r, -s * r)",
    "(x - t)**2 / (abs(x) + abs(t))",
    "abs(r) / max(abs(t), 1e-6)",
    "1 - exp(-(r / s)**2)",
    "2**3**2 - -2**2 + r",
    "r - (1 - (2 - 3)) - 4 / (5 / 6)",
    "min(abs(r), s) * pi + e",
    "r**-2 + abs(r)**0.5 + r**20",
    "expm1(-abs(r)) + log1p(r**2) + tanh(r) * sign(r) + sin(r) * cos(r) + arctan(r)",
    "where(r == 0, 1, where(r != t, 2, 3)) * r",
    "stop_gradient(r) * r",
    "where(abs(r) < inf, r, 0)",
    "10**20 * r * 10**20",
    "sigmoid(r) + softplus(r) * erf(r)",
    "lgamma(abs(r)) + digamma(2 + r**2) * polygamma(2, abs(r) + 1)",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("point", POINTS, ids=["above", "below"])
def test_a_text_means_what_python_makes_of_it(text: str, point: dict[str, float]) -> None:
    variables = {**point, "s": 1.5}
    expected = eval(text, {"__builtins__": {}}, {**PYTHON, **variables})
    formula = parse(text, {"s": 1.5})
    found = number_value(formula.expression, {n: variables[n] for n in (*formula.arrays, *formula.parameters)})
    assert found == pytest.approx(float(expected), rel=1e-14)


def test_the_oracle_knows_every_primitive_that_a_text_may_call() -> None:
    assert set(FUNCTIONS) <= set(PYTHON)
    assert set(FUNCTIONS.values()) == {row.name for row in PRIMITIVES.values() if "(" in PRINTER.template(row)}


def test_a_text_is_the_formula_that_python_would_trace() -> None:
    text = parse("r**2 / (2 * beta) if abs(r) < beta else abs(r) - 0.5 * beta", {"beta": 2.0})

    def function(r: Any, beta: float = 2.0) -> Any:
        from normwise.formula import where

        return where(abs(r) < beta, r**2 / (2 * beta), abs(r) - 0.5 * beta)

    assert text.expression is trace(function).expression


def test_what_a_text_reads_are_its_arrays() -> None:
    assert parse("abs(r)", {}).arrays == ("r",)
    assert parse("abs(x)", {}).arrays == ("x", "t")
    assert parse("r * t", {}).arrays == ("x", "t")
    assert parse("r / v", {}, ("v",)).arrays == ("r", "v")
    assert parse("e * r", {"e": 3.0}).parameters == {"e": 3.0}


REFUSED = [
    ("", "empty"),
    ("  \n ", "empty"),
    ("sqrt(r**2 + ep**2)", r"unknown name 'ep'.* at column 13: did you mean eps"),
    ("größe + zz * r", r"'größe'.* at column 1"),
    ("größe * zz", r"'größe'"),
    ("sqr(r)", r"unknown function 'sqr', at column 1: did you mean sqrt"),
    ("1 + log", r"log is a function.* at column 5"),
    ("cosh(r, r)", r"cosh takes 1 argument, not 2"),
    ("where(r > 0, r)", r"where takes 3 arguments, not 2"),
    ("polygamma(r, 2)", r"an order of polygamma is an integer from 1 to 20, at column 11"),
    ("polygamma(21, r)", r"an order of polygamma"),
    ("polygamma(1.5, r)", r"an order of polygamma"),
    ("r.real", r"no attributes, at column 1"),
    ("2 * r.__class__.__mro__", r"no attributes, at column 5"),
    ("__import__('os').system('true')", r"column 1"),
    ("abs.__globals__['x']", r"no items"),
    ("r[0]", r"no items"),
    ("[r for r in (1, 2)]", r"column 1"),
    ("(lambda: r)()", r"column 1"),
    ("(r := 1)", r"defines nothing"),
    ("'r'", r"column 1"),
    ("f'{r}'", r"column 1"),
    ("True * r", r"column 1"),
    ("1j * r", r"column 1"),
    ("r // 2", r"column 1"),
    ("r % 2", r"column 1"),
    ("~r", r"column 1"),
    ("not r", r"column 1"),
    ("r and 1", r"no and, or"),
    ("0 < r < 1", r"one comparison at a time"),
    ("(r > 0) * r", r"comparison is no number.* at column 2"),
    ("r > 0", r"true or false"),
    ("where(r, 1, 2)", r"a condition is a comparison.* at column 7"),
    ("r if r else 1", r"a condition is a comparison.* at column 6"),
    ("abs(*r)", r"column 5"),
    ("abs(a=r)", r"plain arguments"),
    ("await r", r"column 1"),
    ("r; r", r"column 2"),
    ("r +", r"column"),
    ("sqrt(r", r"never closed.* at column 5"),
    ("r = 1", r"column"),
    ("\x00", r"null"),
    ("\ud800", r"cannot be read"),
    ("1 + 1", r"reads neither r"),
    ("eps", r"reads neither r"),
    ("r" + " + r" * 1000, r"characters"),
    ("-" * 1900 + "r", r"nested more than"),
    ("(" * 900 + "r" + ")" * 900, r"parentheses"),
    ("9**r**", r"column"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_formula_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        parse(text, {"eps": 1.0})


def test_an_error_points_at_the_place() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("größe**2 + sqrt(r + ep)", {"größe": 1.0})
    _, text, pointer = str(caught.value).splitlines()
    assert text[pointer.index("^")] == "e"
    assert text[pointer.index("^") :] == "ep)"


@pytest.mark.parametrize("name", ["r", "x", "t", "abs", "where", "not a name", ""])
def test_a_parameter_has_a_name_that_is_free(name: str) -> None:
    with pytest.raises(FormulaError, match="cannot name"):
        parse("r", {name: 1.0})


def test_parentheses_are_no_nesting() -> None:
    assert parse("(" * 90 + "r" + ")" * 90, {}).expression is parse("r", {}).expression


@pytest.mark.parametrize("text", ["9**9**9 * r", "r * 2**100000", "9" * 1900 + " * r", "0x" + "f" * 1800 + " * r"])
def test_huge_numbers_are_infinite_at_once(text: str) -> None:
    formula = parse(text, {})
    assert number_value(formula.expression, {"r": 2.0}) == math.inf


@pytest.mark.parametrize(("text", "value"), [("r**1000000", 0.0), ("r**-1000000", math.inf), ("r**64", 0.5**64)])
def test_huge_powers_are_powers_of_floats(text: str, value: float) -> None:
    assert number_value(parse(text, {}).expression, {"r": 0.5}) == value


# Words that are near to formulas, and to mischief.
MISCHIEF = """inf nan eval exec open __import__ __class__ __builtins__ os lambda if else for in and or not is None True
await yield import class def + - * / ** // % @ < <= == != := = . , : ; ( ) [ ] { } ' # ~ ^ | & ... é ² ∞"""
ODD = ("0", "1", "2.5", "1e308", "1e-400", "9" * 400, "1j", "0b1", "1_0", '"', "\\", "\n", "\x00", "\ud800")
WORDS = [*"rxtse", *FUNCTIONS, *MISCHIEF.split(), *ODD]
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=25).map("".join),
    st.recursive(
        st.sampled_from(["r", "x", "t", "s", "1", "2.5", "1e300", "10**9"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "<", "=="]), inner).map(
                lambda p: f"({' '.join(p)})"
            ),
            st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} > 0 else {p[2]})"),
        ),
        max_leaves=12,
    ),
)


def watched(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and event in ("import", "exec", "open", "os.system", "subprocess.Popen", "socket.connect"):
        _heard.append((event, arguments))


_listening, _heard = [], []  # type: ignore[var-annotated]
_hooked = False


def check(text: str) -> None:
    """Parse a text; whatever it is, nothing but a formula or the parser's own error comes of it."""
    _listening.append(text)
    try:
        formula = parse(text, {"s": 1.5})
    except FormulaError as error:
        assert str(error)
        return
    finally:
        _listening.clear()
    again = parse(text, {"s": 1.5})
    assert formula.expression is again.expression
    number_value(formula.expression, dict.fromkeys((*formula.arrays, *formula.parameters), 0.75))
    formula.derivative(formula.arrays[0])


@pytest.fixture(scope="module", autouse=True)
def hook() -> None:
    """Hear of every import, execution and opened file; such a hook cannot be taken away again."""
    sys.addaudithook(watched)
    parse("abs(r)", {})  # whatever is imported at the first use


@given(texts)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_no_text_does_harm(text: str) -> None:
    check(text)
    assert not _heard


@pytest.mark.long
@given(texts)
@settings(max_examples=10_000, deadline=None, derandomize=True)
def test_none_of_ten_thousand_texts_does_harm(text: str) -> None:
    check(text)
    assert not _heard


def test_the_watch_would_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normwise.formula.parse.ast.parse", lambda text, mode: builtins.eval("__import__('this')"))
    with pytest.raises(AttributeError):
        check("r")
    assert _heard
    _heard.clear()
