"""The errors a caller can cause, in words that mend them."""

from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.errors import InputError
from normwise.loss_functions.choice import bind_parameters, find_loss, parse_loss


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (
            (32, 1),
            (32,),
            "(32, 1) but target is (32,): squeeze the input's last dimension, or pass broadcast=True",
        ),
        ((32,), (32, 1), "input is (32,) but target is (32, 1): squeeze the target's last dimension"),
        ((1, 5), (5,), "squeeze the input's first dimension, or pass broadcast=True"),
        ((5,), (1, 5), "squeeze the target's first dimension"),
        ((3, 4), (4, 3), "transpose the last two dimensions of one of them"),
        ((2, 6), (3, 4), "reshape one of them to the other's shape"),
        ((3, 4), (4,), "pass broadcast=True if you mean all 12 pairs of (3, 4)"),
        ((1000, 1), (1, 2000), "pass broadcast=True if you mean all 2000000 pairs of (1000, 2000)"),
        ((3,), (4,), "input is (3,) but target is (4,): they are to have the same shape"),
        ((), (1,), "squeeze the target's"),
    ],
)
@pytest.mark.parametrize("ones", [np.ones, torch.ones], ids=["numpy", "torch"])
def test_shapes_that_differ_are_named_with_the_mend(
    loss: Any, ones: Any, a: tuple[int, ...], b: tuple[int, ...], words: str
) -> None:
    with pytest.raises(normwise.ShapeMismatchError) as raised:
        getattr(normwise, loss.function)(ones(a), ones(b))
    assert words in str(raised.value)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("ones", [np.ones, torch.ones], ids=["numpy", "torch"])
def test_shapes_broadcast_where_asked(loss: Any, ones: Any) -> None:
    function = getattr(normwise, loss.function)
    for a, b, shape in [
        ((3, 1), (4,), (3, 4)),
        ((), (2, 3), (2, 3)),
        ((1,), (5,), (5,)),
        ((0, 1), (3,), (0, 3)),
    ]:
        assert tuple(function(ones(a), ones(b), broadcast=True, reduction="none").shape) == shape
    with pytest.raises(normwise.ShapeMismatchError, match=r"\(3,\) .*\(4,\).* do not broadcast"):
        function(ones(3), ones(4), broadcast=True)


@pytest.mark.parametrize("ones", [np.ones, torch.ones], ids=["numpy", "torch"])
def test_a_weight_that_does_not_fit_is_named_with_the_mend(ones: Any) -> None:
    for weight, words in [((3,), "weight[:, None]"), ((2, 3, 4), "equal or 1"), ((2,), "equal or 1")]:
        with pytest.raises(ValueError, match=r"^Weights and input must have the same size\.") as raised:
            normwise.mse_loss(ones((3, 4)), ones((3, 4)), weight=ones(weight))
        assert words in str(raised.value)
        assert str(weight) in str(raised.value)


def test_a_loss_is_found_by_its_name_or_itself(loss: Any) -> None:
    for name in (loss.name, loss.function, loss, getattr(normwise, loss.function)):
        assert find_loss(name) is loss


def test_an_unknown_loss_comes_with_near_names() -> None:
    with pytest.raises(InputError, match="there is no loss 'hubber': did you mean huber"):
        find_loss("hubber")
    with pytest.raises(InputError, match=r"there are .*huber, .*l1"):
        find_loss("zzz")


def test_parameters_are_parsed(case: Any) -> None:
    loss, parameters = parse_loss(str(case))
    assert loss is case.loss
    assert parameters == case.parameters


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smooth_l1:beta", "write parameter=number, as in smooth_l1:beta=1"),
        ("smooth_l1:beta=ten", "smooth_l1 takes a real number for beta, not 'ten'"),
        ("smooth_l1:bta=1", "did you mean beta"),
        ("smooth_l1:beta=-1", "does not support negative values for beta"),
        ("mse:beta=1", "mse has no parameter 'beta': it has none"),
        ("quantile:q=1.5", "q=1.5; expected a number in \\[0, 1\\]"),
        ("huber:delta=nan", "does not support non-positive values for delta"),
    ],
)
def test_what_does_not_parse_is_named_with_the_mend(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_loss(text)


def test_parameters_outside_their_domain_are_refused(loss: Any) -> None:
    for name, interval in loss.domain.items():
        for value in (float("nan"), interval.low - 1, interval.high + 1):
            if value not in interval:
                with pytest.raises(RuntimeError, match=f"{loss.function} does not support"):
                    bind_parameters(loss, {name: value})
