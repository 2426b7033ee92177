"""Whatever an argument of a formula is called: it works, or is refused in words."""

import builtins
import inspect
import keyword
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import losses
from normwise.catalogue.declaration import CALL_ARGUMENTS
from normwise.engines.cpu import KernelSpec
from normwise.engines.cpu.store import load
from normwise.errors import InputError
from normwise.explanation.explain import explain
from normwise.formula.parse import FUNCTIONS
from normwise.loss_functions.choice import parse_loss

OURS = """
_loss _faces _plan _mixed options text loss parameters formula function self args kwargs given name value xp
_1 _2 v0 a0 p0 out0 value0 real s0 block element kernel words places upstream scale unit factor top weights m0
np numpy torch prediction residual count column e pi inf add divide power
"""
BUILTINS = ["type", "isinstance", "float", "int", "bool", "tuple", "dict", "None_", "print", "id", "len", "input_"]
NAMES = [*OURS.split(), *BUILTINS]

loss: Any = normwise.loss
X, T = np.array([1.0, -2.0, 4.0]), np.array([0.5, 1.0, 1.0])


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_may_have_any_name(name: str) -> None:
    mine = loss(f"{name} * r * r", **{name: 3.0})
    residual = X - T
    assert mine(X, T) == pytest.approx(3 * np.mean(residual**2))
    assert mine(X, T, **{name: 2.0}) == pytest.approx(2 * np.mean(residual**2))
    np.testing.assert_allclose(normwise.value_and_grad(mine)(X, T)[1], 2 * residual)
    np.testing.assert_allclose(normwise.hessian(mine)(X, T), [6.0] * 3)
    learned = torch.tensor(2.0, requires_grad=True)
    x = torch.tensor(X, requires_grad=True)
    value = mine(x, torch.tensor(T), **{name: learned}, weight=torch.ones(3))
    [slope] = torch.autograd.grad(value, x, create_graph=True)
    torch.autograd.grad(slope.sum(), x)
    [of_parameter] = torch.autograd.grad(mine(x, torch.tensor(T), **{name: learned}), learned)
    assert of_parameter.item() == pytest.approx(np.mean(residual**2))
    assert explain(f"{name} * r * r", **{name: 3.0}).parameters == {name: 3.0}
    assert parse_loss(f"{name} * r * r:{name}=3")[1] == {name: 3.0}


def test_names_make_no_other_kernels() -> None:
    def code(text: str, **about: Any) -> Any:
        formulas = [loss(text, **about).loss.formula, loss(text, **about).loss.formula.derivative("x")]
        return load(KernelSpec((formulas[0],), (formulas[1],), ("float64",) * (1 + len(formulas[0].arrays))))

    one = code("s * r * r / v", s=3.0, arrays=["v"])
    assert code("pi_ * r * r / x0", pi_=2.0, arrays=["x0"]) is one
    assert code("v * r * r / s", v=3.0, arrays=["s"]) is one
    assert code("s * r * r / v", v=3.0, arrays=["s"]) is not one


@pytest.mark.parametrize("name", NAMES)
def test_a_further_array_may_have_any_name(name: str) -> None:
    mine = loss(f"r * r / {name}", arrays=[name])
    s = np.array([1.0, 2.0, 4.0])
    expected = np.mean((X - T) ** 2 / s)
    assert mine(X, T, s) == pytest.approx(expected)
    assert mine(X, T, **{name: 2.0}) == pytest.approx(np.mean((X - T) ** 2) / 2)
    x = torch.tensor(X, requires_grad=True)
    value = mine(x, torch.tensor(T), torch.tensor(s), weight=torch.ones(3), mask=torch.ones(3, dtype=torch.bool))
    value.backward()
    torch.testing.assert_close(x.grad, torch.tensor(2 * (X - T) / s / 3))


def refused(name: str, kind: type[Exception], define: Callable[[], Any]) -> None:
    with pytest.raises(kind) as caught:
        define()
    assert name in str(caught.value)
    assert "\n  File" not in str(caught.value)


REFUSED = [*sorted(CALL_ARGUMENTS), *sorted(FUNCTIONS), "r", "x", "t", "__loss", "__type", "__class__", "__debug__"]
ODD = [*keyword.kwlist, "a b", "1a", "", "a.b", "a-b"]


@pytest.mark.parametrize("name", [*REFUSED, *ODD])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    refused(name, InputError, lambda: loss(f"r + {name}", **{"arrays": (), name: 2.0}))
    refused(name, InputError, lambda: loss("abs(r)", arrays=[name]))
    if name and name.isidentifier() and ":" not in name:
        refused(name, InputError, lambda: parse_loss(f"r + {name}:{name}=2"))


@pytest.mark.parametrize("name", ["domain", "divisor", "accepts", "module", "minimiser", "noise", "finish", "beside"])
def test_what_a_text_does_not_take_is_refused(name: str) -> None:
    refused(name, TypeError, lambda: loss(f"r * {name}", **{name: 2.0}))
    assert parse_loss(f"r * {name}:{name}=2")[1] == {name: 2.0}


ALIKE = [
    ("\uff52 * s", "s"),
    ("\u00b5 * r", "\u00b5"),
    ("\u00b5 * r", "\u03bc"),
    ("\ufb01 * r", "\ufb01"),
    ("r*\u212f", "\u212f"),
]


@pytest.mark.parametrize(("text", "name"), ALIKE)
def test_letters_are_read_as_python_reads_them(text: str, name: str) -> None:
    [read] = inspect.signature(eval(f"lambda {name}: 0")).parameters
    mine = loss(text, **{name: 3.0})
    assert mine(X, T) == pytest.approx(3 * np.mean(X - T))
    assert mine(X, T, **{read: 2.0}) == pytest.approx(2 * np.mean(X - T))
    assert parse_loss(f"{text}:{name}=3")[1] == {read: 3.0}
    assert explain(text, **{name: 3.0}).parameters == {read: 3.0}
    further = loss(text, arrays=[name])
    assert further(X, T, np.full(3, 3.0)) == pytest.approx(3 * np.mean(X - T))


TWO = {"\u00b5": 1.0, "\u03bc": 2.0}
"""The sign of micro is read as the Greek letter."""


def test_two_spellings_of_a_name_are_refused() -> None:
    refused("\u03bc", InputError, lambda: loss("\u00b5 * r", **TWO))


@pytest.mark.parametrize("default", [math.inf, -math.inf])
def test_a_default_may_be_infinite(default: float) -> None:
    mine = loss("min(max(r, -abs(c)), abs(c))", c=default)
    assert mine(X, T) == np.mean(X - T)
    assert mine(X, T, c=1.0) == np.mean(np.clip(X - T, -1, 1))


def test_a_default_may_be_nan() -> None:
    mine = loss("where(c == c, c, r)", c=math.nan)
    assert mine(X, T) == np.mean(X - T)
    assert mine(X, T, c=1.0) == 1.0


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", ["isinstance", "int", "options", "_loss", "formula", "input_", "function"])
def test_a_functions_arguments_may_have_any_name(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def lorentz(r, {name}=1.0): return {name} * r * r", scope)
    mine = loss(scope["lorentz"])
    assert mine(X, T, **{name: 2.0}) == pytest.approx(2 * np.mean((X - T) ** 2))
    module = normwise.nn.LorentzLoss(**{name: 2.0})
    assert module(torch.tensor(X), torch.tensor(T)).item() == pytest.approx(2 * np.mean((X - T) ** 2))


OF_MODULES = [
    "type",
    "float",
    "training",
    "forward",
    "loss",
    "_parameters",
    "register_buffer",
    "extra_repr",
    "to",
    "T_destination",
]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", OF_MODULES)
def test_a_module_refuses_a_parameter_of_a_name_that_modules_have(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def lorentz(r, {name}=1.0): return {name} * r * r", scope)
    mine = loss(scope["lorentz"])
    assert mine(X, T) == pytest.approx(np.mean((X - T) ** 2))
    refused(name, TypeError, lambda: normwise.nn.LorentzLoss)


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", ["self", "__loss", "function", "options"])
def test_a_functions_further_array_may_have_any_name(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def lorentz(r, {name}): return {name} * r * r", scope)
    if name.startswith("__"):
        refused(name, TypeError, lambda: loss(scope["lorentz"]))
        return
    mine = loss(scope["lorentz"])
    assert mine(X, T, np.ones(3)) == pytest.approx(np.mean((X - T) ** 2))
    if name == "self":
        refused(name, TypeError, lambda: normwise.nn.LorentzLoss)
        return
    found = normwise.nn.LorentzLoss()(torch.tensor(X), torch.tensor(T), torch.ones(3), weight=torch.ones(3))
    assert found.item() == pytest.approx(np.mean((X - T) ** 2))


@pytest.mark.usefixtures("catalogue")
def test_a_loss_needs_a_name_of_its_own() -> None:
    def _loss(r: Any) -> Any:
        return abs(r)

    refused("_loss", TypeError, lambda: loss(_loss))
    assert "" not in losses


def test_the_names_here_are_what_they_say() -> None:
    assert all(hasattr(builtins, name) for name in BUILTINS if not name.endswith("_"))
