"""What a declaration may say, and what is refused."""

import math
from collections.abc import Callable
from typing import Any

import pytest

import normwise
from normwise.catalogue import Interval, Loss, declare


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        (Interval(), [-math.inf, 0.0, math.inf], [math.nan]),
        (Interval(0, 1), [0.0, -0.0, 0.5, 1.0], [-1e-300, 1.0000001, math.nan]),
        (Interval(0, 1, "neither"), [1e-300, 0.5], [0.0, -0.0, 1.0, math.nan]),
        (Interval(0, math.inf, "right"), [5e-324, math.inf], [0.0, -1.0, math.nan]),
        (Interval(0, math.inf, "left"), [0.0, 1e300], [math.inf, -1.0, math.nan]),
    ],
)
def test_an_interval_holds_its_ends_as_it_says(interval: Interval, inside: list[float], outside: list[float]) -> None:
    assert all(value in interval for value in inside)
    assert not any(value in interval for value in outside)


def test_a_loss_is_documented_and_its_defaults_are_in_its_domain(every_loss: Loss) -> None:
    loss = every_loss
    assert loss.documentation.splitlines()[0].endswith(".")
    assert loss.minimiser
    assert set(loss.domain) <= {*loss.parameters, *loss.further_arrays}
    assert all(default in loss.domain.get(name, Interval()) for name, default in loss.parameters.items())
    assert {name for name, default in loss.parameters.items() if isinstance(default, bool)} == loss.flags


def test_a_domain_may_name_a_further_array() -> None:
    def scaled(r: Any, scale: Any) -> Any:
        return abs(r) / scale

    assert declare(scaled, domain={"scale": Interval(0, 1)}).domain == {"scale": Interval(0, 1)}


def test_a_loss_has_a_function_and_a_module(every_loss: Loss) -> None:
    loss = every_loss
    function = getattr(normwise, loss.function)
    assert function is getattr(normwise.functional, loss.function)
    assert function.__name__ == loss.function
    assert loss.documentation.splitlines()[0] in function.__doc__
    module = getattr(normwise.nn, loss.module)
    assert module.__name__ == loss.module
    assert loss.function in dir(normwise)
    assert loss.module in dir(normwise.nn)


def test_a_formula_of_the_residual_becomes_one_of_prediction_and_target() -> None:
    def asymmetric(r: Any, scale: Any, p: Any = 2.0) -> Any:
        return abs(r / scale) ** p

    declared = declare(asymmetric)
    assert declared.formula.arrays == ("x", "t", "scale")
    assert declared.further_arrays == ("scale",)
    assert declared.parameters == {"p": 2.0}
    assert declared.module == "AsymmetricLoss"
    assert str(declared.formula.expression) == "abs((x - t) / scale) ** p"


def test_the_name_loses_its_suffix() -> None:
    def log_ratio_loss(x: Any, t: Any) -> Any:
        return abs(x / t)

    assert declare(log_ratio_loss).name == "log_ratio"
    assert declare(log_ratio_loss).module == "LogRatioLoss"


def reads_z(z: Any) -> Any:
    return z


def reads_t_first(t: Any, x: Any) -> Any:
    return x - t


def takes_weight(r: Any, weight: Any = 1.0) -> Any:
    return weight * r


def takes_mask(r: Any, mask: Any) -> Any:
    return mask * r


def plain(r: Any, p: Any = 1.0) -> Any:
    return p * r


@pytest.mark.parametrize(
    ("function", "details", "words"),
    [
        (reads_z, {}, "begins with r"),
        (reads_t_first, {}, "begins with r"),
        (takes_weight, {}, "weight, which every loss already takes"),
        (takes_mask, {}, "mask, which every loss already takes"),
        (lambda r: r, {}, "needs a name"),
        (plain, {"domain": {"q": Interval(0, 1)}}, "names q, which is no parameter"),
    ],
)
def test_what_is_no_loss_is_refused(function: Callable[..., Any], details: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        declare(function, **details)


def mse(r: Any) -> Any:
    return r


@pytest.mark.usefixtures("catalogue")
def test_a_loss_of_the_catalogue_keeps_its_meaning() -> None:
    with pytest.raises(TypeError, match="mse is a loss of the catalogue"):
        normwise.loss(mse)
    assert normwise.mse_loss.loss is normwise.losses["mse"]
