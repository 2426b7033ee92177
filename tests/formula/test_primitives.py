"""Every primitive in every language: against mpmath, and against IEEE arithmetic as NumPy has it."""

import importlib.util
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import array_api_strict
import duckdb
import mpmath
import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pytest
import scipy.special
import torch
from array_api_compat import numpy as numpy_namespace
from array_api_compat import torch as torch_namespace

import normwise
from normwise.engines.cpu import Kernel, KernelSpec
from normwise.engines.cpu.device.trigonometry import LARGEST_ANGLE
from normwise.engines.frame_language import FRAMES, lowered
from normwise.formula import Expression, Formula, arctan, stop_gradient, trace, where
from normwise.formula.arrays import array_values
from normwise.formula.expression import apply, variable
from normwise.formula.numbers import number_value
from normwise.formula.primitives import PRIMITIVES
from normwise.formula.values import Values
from normwise.formula.walk import path, walk
from tests.oracles.mpmath_language import exact_value
from tests.oracles.ulp import error_in_ulp

Array = npt.NDArray[Any]
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
MAGNITUDES = [5e-324, 1e-310, 1e-30, 1e-8, 0.3, 1.0, 2.5, 3.0, 31.0, 709.0, 1e30, 1e200]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, math.inf, -math.inf, math.nan]
ORDER = 2
"""Of the families of functions."""


def where_positive(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda a: np.where(a < 0, np.nan, function(a))


ORACLES: Mapping[str, Callable[[Array], Array]] = {
    "stop_gradient": np.positive,
    "sigmoid": scipy.special.expit,
    "softplus": lambda a: np.logaddexp(a, 0.0),
    "erf": scipy.special.erf,
    "lgamma": where_positive(scipy.special.gammaln),
    "digamma": where_positive(lambda a: np.where(a == 0, np.copysign(np.inf, -a), scipy.special.digamma(a))),
    "polygamma": where_positive(lambda a: np.where(a == 0, np.copysign(np.inf, -a), scipy.special.polygamma(ORDER, a))),
}
"""What a function of one argument is where NumPy has none of its name."""


def expression_of(name: str) -> Expression:
    """The primitive as a real function of a and b; a comparison by what it selects."""
    a, b = variable("a"), variable("b")
    if name == "where":
        return where(a < b, b, a)
    if name in COMPARISONS:
        return where(apply(name, a, b), 1.0, 0.0)
    orders = PRIMITIVES[name].orders
    return apply(name, *[ORDER] * orders, *[a, b][: PRIMITIVES[name].arity - orders])


EXPRESSIONS = {name: expression_of(name) for name in PRIMITIVES}
UNARY = {name for name, row in PRIMITIVES.items() if row.arity - row.orders == 1}


def by_numbers(a: Array, b: Array) -> dict[str, Array]:
    return {
        name: np.array([number_value(e, {"a": x, "b": y}) for x, y in zip(a.tolist(), b.tolist(), strict=True)])
        for name, e in EXPRESSIONS.items()
    }


def by_arrays(namespace: Any, asarray: Callable[[Array], Any]) -> Callable[[Array, Array], dict[str, Array]]:
    def values(a: Array, b: Array) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            given = {"a": asarray(a), "b": asarray(b)}
            computed = array_values(path(list(EXPRESSIONS.values())), namespace, given)
        return {name: np.asarray(value) for name, value in zip(EXPRESSIONS, computed, strict=True)}

    return values


def by_kernel(real: str) -> Callable[[Array, Array], dict[str, Array]]:
    formulas = tuple(Formula(name, ("a", "b"), {}, e) for name, e in EXPRESSIONS.items())

    def values(a: Array, b: Array) -> dict[str, Array]:
        spec = KernelSpec((), formulas, (real,) * (2 + len(formulas)))  # type: ignore[arg-type]
        results = [np.empty_like(a) for _ in formulas]
        Kernel(spec).flat(a.size, *(array.ctypes.data for array in (a, b, *results)))
        return dict(zip(EXPRESSIONS, results, strict=True))

    return values


def by_frame(native: Callable[[pd.DataFrame], Any]) -> Callable[[Array, Array], dict[str, Array]]:
    def values(a: Array, b: Array) -> dict[str, Array]:
        def compute(node: Expression, arguments: tuple[Any, ...]) -> Any:
            return FRAMES[node.primitive](nw, *arguments)

        way = path([lowered(expression, {}) for expression in EXPRESSIONS.values()])
        expressions = walk(way, Values({"a": nw.col("a"), "b": nw.col("b")}, compute))
        named = [e.alias(name) for name, e in zip(EXPRESSIONS, expressions, strict=True)]
        frame = nw.from_native(native(pd.DataFrame({"place": range(a.size), "a": a, "b": b})))
        with np.errstate(all="ignore"):
            computed = frame.select(nw.col("place"), *named).sort("place").lazy().collect(backend="pandas")
        return {name: computed[name].to_numpy().astype(float) for name in EXPRESSIONS}

    return values


ARRAYS: Mapping[str, Callable[[Array, Array], dict[str, Array]]] = {
    "numbers": by_numbers,
    "numpy": by_arrays(numpy_namespace, np.asarray),
    "torch": by_arrays(torch_namespace, torch_namespace.asarray),
    "array_api_strict": by_arrays(array_api_strict, array_api_strict.asarray),
    "kernel": by_kernel("float64"),
}
FRAME_LANGUAGES: Mapping[str, Callable[[Array, Array], dict[str, Array]]] = {
    "pandas": by_frame(lambda frame: frame),
    "polars": by_frame(pl.from_pandas),
    "duckdb": by_frame(duckdb.from_df),
}
LANGUAGES = ARRAYS | FRAME_LANGUAGES


def truth_for(language: str, name: str, a: float, true: Any) -> Any:
    """The exact value; nan where a kernel has no angles so large."""
    beyond = language == "kernel" and name in ("sin", "cos") and abs(a) > LARGEST_ANGLE
    return mpmath.nan if beyond else true


def pairs(values: list[float]) -> tuple[Array, Array]:
    a, b = np.array(list(itertools.product(values, repeat=2))).T.copy()
    return a, b


def truth(name: str, a: float, b: float) -> Any:
    """The exact value; nan outside the domain of the primitive."""
    low, high = PRIMITIVES[name].range
    if not low <= a <= high:
        return math.nan
    value = exact_value(EXPRESSIONS[name], {"a": a, "b": b}, digits=350)
    return value if isinstance(value, mpmath.mpf | int) else math.nan


@pytest.fixture(scope="module")
def finite() -> tuple[Array, Array, dict[str, list[Any]]]:
    rng = np.random.default_rng(7)
    random = rng.normal(size=40) * 10.0 ** rng.integers(-3, 3, 40)
    a, b = pairs([sign * m for m in MAGNITUDES for sign in (1, -1)])
    a, b = np.append(a, random), np.append(b, rng.permutation(random))
    points = list(zip(a.tolist(), b.tolist(), strict=True))
    exact: dict[str, list[Any]] = {}
    for name in EXPRESSIONS:
        known: dict[Any, Any] = {}
        for x, y in points:
            at = x if name in UNARY else (x, y)
            if at not in known:
                known[at] = truth(name, x, y)
        exact[name] = [known[x if name in UNARY else (x, y)] for x, y in points]
    return a, b, exact


@pytest.mark.parametrize("language", LANGUAGES)
def test_finite_values_are_right_to_a_few_ulp(language: str, finite: tuple[Array, Array, dict[str, list[Any]]]) -> None:
    a, b, exact = finite
    bound = 8 if language in FRAME_LANGUAGES else 4
    computed = LANGUAGES[language](a, b)
    wrong = [
        f"{name}({x}, {y}) = {value}, not {mpmath.nstr(mpmath.mpf(true))}"
        for name, values in computed.items()
        for x, y, value, exactly in zip(a, b, values, exact[name], strict=True)
        for true in [truth_for(language, name, x, exactly)]
        if not (np.isnan(value) if mpmath.isnan(true) else error_in_ulp(value, true) <= bound)
    ]
    assert not wrong, f"{len(wrong)} wrong: {wrong[:12]}"


def quietly(function: Callable[..., Array], *arguments: Array) -> Array:
    with np.errstate(all="ignore"):
        return function(*arguments)


@pytest.mark.parametrize("language", LANGUAGES)
def test_special_values_are_those_of_ieee_arithmetic(language: str) -> None:
    a, b = pairs(SPECIAL)
    if language in FRAME_LANGUAGES:  # whose comparisons with nan are never asked
        a, b = (values[~(np.isnan(a) | np.isnan(b))] for values in (a, b))
    computed, wrong = LANGUAGES[language](a, b), list[str]()
    for name in EXPRESSIONS:
        if name == "where":
            expected = np.where(a < b, b, a)
        elif name == "sign":
            expected = np.nan_to_num(np.sign(a))
        elif name in UNARY:
            expected = quietly(ORACLES.get(name) or getattr(np, name), a)
        else:
            expected = quietly(getattr(np, name), a, b).astype(float)
        same = np.isclose(computed[name], expected, rtol=1e-15, atol=0, equal_nan=True)
        got = computed[name]
        wrong += [f"{name}({a[i]}, {b[i]}) = {got[i]}, not {expected[i]}" for i in np.flatnonzero(~same)]
    assert not wrong, f"{len(wrong)} wrong: {wrong[:12]}"


def test_single_precision_kernels_are_right_to_a_few_ulp() -> None:
    points = [sign * m for m in (1e-44, 1e-30, 1e-8, 0.3, 1.0, 2.5, 31.0, 88.0, 1e30) for sign in (1, -1)]
    a, b = (values.astype(np.float32) for values in pairs(points))
    wrong = [
        f"{name}({x}, {y}) = {value}"
        for name, values in by_kernel("float32")(a, b).items()
        for x, y, value in zip(a, b, values, strict=True)
        for true in [truth_for("kernel", name, x, truth(name, float(x), float(y)))]
        if not (np.isnan(value) if mpmath.isnan(true) else error_in_ulp(value, true) <= 4)
    ]
    assert not wrong, f"{len(wrong)} wrong: {wrong[:12]}"


@pytest.mark.parametrize("order", [6, 12, 20])
def test_polygamma_of_a_high_order_keeps_its_digits_where_its_powers_leave_single_precision(order: int) -> None:
    exact: list[tuple[float, Any]] = [
        (float(x), mpmath.polygamma(order, float(x))) for x in np.geomspace(1e-3, 1e7, 81).astype(np.float32)
    ]
    inside = [(x, float(true)) for x, true in exact if 1e-37 < abs(true) < 1e38]
    x, true = np.array(inside).T
    values = normwise.loss(f"polygamma({order}, r)")(np.float32(x), np.zeros(len(x), np.float32), reduction="none")
    np.testing.assert_allclose(values, true, rtol=1e-6)


def test_stop_gradient_is_a_constant_to_every_differentiation() -> None:
    formula = trace(lambda r: r * stop_gradient(r * r))
    assert number_value(formula.derivative("r").expression, {"r": 3.0}) == 9.0
    x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    [value] = array_values(path([formula.expression]), torch_namespace, {"r": x})
    [gradient] = torch.autograd.grad(value, x)
    assert (value.item(), gradient.item()) == (27.0, 9.0)


def in_a_process_with_jax(code: str) -> str:
    """What a program prints: JAX warns of every later fork of a process that has loaded it."""
    folders = [Path(normwise.__file__).parents[1], Path(__file__).parents[2]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True, timeout=120)


JAX = """
import jax
from normwise.formula import stop_gradient, trace
from normwise.formula.arrays import array_values
from normwise.formula.walk import path

way = path([trace(lambda r: r * stop_gradient(r * r)).expression])
value, gradient = jax.value_and_grad(lambda x: array_values(way, jax.numpy, {"r": x})[0])(3.0)
print(value, gradient)
"""


COMPOSED_BY_JAX = """
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np
from normwise.formula.arrays import array_values
from normwise.formula.walk import path
from tests.formula.test_primitives import COMPOSED, EXPRESSIONS

a = np.array(AT)
way = path([EXPRESSIONS[name] for name in COMPOSED])
for values in jax.jit(lambda a: array_values(way, jax.numpy, {"a": a}))(a):
    print(*values.tolist())
"""
COMPOSED = [name for name, row in PRIMITIVES.items() if row.composition is not None]
AT = [1e-300, 1e-9, 0.3, 1.0, 1.4616, 1.7, 2.0, 2.5, 3.1, 31.0, 709.0, 1e10]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_jax_has_what_is_composed_to_a_few_ulp() -> None:
    printed = in_a_process_with_jax(COMPOSED_BY_JAX.replace("AT", repr(AT), 1)).splitlines()
    for name, line in zip(COMPOSED, printed, strict=True):
        for at, value in zip(AT, map(float, line.split()), strict=True):
            assert error_in_ulp(np.float64(value), truth(name, at, 0.0)) <= 4, f"{name}({at}) = {value}"


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_stop_gradient_is_a_constant_to_jax() -> None:
    assert in_a_process_with_jax(JAX).split() == ["27.0", "9.0"]


@pytest.mark.parametrize("at", [1e200, -1e200, math.inf])
def test_the_slope_of_arctan_vanishes_far_away(at: float) -> None:
    slope = trace(lambda r: arctan(2 * r)).derivative("r").expression
    assert number_value(slope, {"r": at}) == 0.0
