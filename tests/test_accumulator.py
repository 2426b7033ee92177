"""A loss over data in parts is the loss of the whole, whatever the parts are."""

import json
import math
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from normwise.errors import InputError, ShapeMismatchError
from tests.oracles.torch_losses import selected
from tests.samples import Case

GENERATOR = torch.Generator().manual_seed(2)
X, T, W = torch.randn(3, 101, 3, dtype=torch.float64, generator=GENERATOR).unbind()
W = W.abs()
EXISTS = torch.rand(101, 3, generator=GENERATOR) < 0.8
CUTS = [0, 1, 40, 40, 97, 101]


def parts() -> list[slice]:
    return [slice(a, b) for a, b in pairwise(CUTS)]


@pytest.mark.parametrize("convert", [lambda a: a, np.asarray], ids=["torch", "numpy"])
@pytest.mark.parametrize("given", ["", "weight", "mask", "omit", "weight and mask"])
def test_any_parts_make_the_whole(case: Case, convert: Any, given: str) -> None:
    mask, t = EXISTS if "mask" in given else torch.ones_like(EXISTS), T
    if given == "omit":
        mask, t = EXISTS, T.masked_fill(~EXISTS, math.nan)
    weight = W if "weight" in given else None
    whole = [
        selected(case.loss.name, case.parameters, X, t, mask, weight, reduction=reduction).item()
        for reduction in ("mean", "sum")
    ]
    first, second = (normwise.Accumulator(case.loss.name, **case.parameters) for _ in range(2))
    for i, part in enumerate(parts()):
        options: dict[str, Any] = {"weight": convert(W[part])} if weight is not None else {}
        options |= {"mask": convert(mask[part])} if "mask" in given else {}
        options |= {"nan_policy": "omit"} if given == "omit" else {}
        (first, second)[i % 2].update(convert(X[part]), convert(t[part]), **options)
    first.merge(second)
    np.testing.assert_allclose([first.compute(), first.compute("sum")], whole, rtol=1e-12)
    assert isinstance(first.compute(), float)


@pytest.mark.parametrize("normalize", ["count", "weight", 17])
def test_the_divisor_is_the_losses_own(loss: Loss, normalize: Any) -> None:
    errors = normwise.Accumulator(loss, normalize=normalize)
    for part in parts():
        errors.update(X[part], T[part], weight=W[part])
    ones = torch.ones_like(EXISTS)
    expected = selected(loss.name, loss.parameters, X, T, ones, W, normalize=normalize)
    np.testing.assert_allclose(errors.compute(), expected.item(), rtol=1e-12)


def test_single_precision_is_summed_in_double(loss: Loss) -> None:
    errors = normwise.Accumulator(loss)
    x, t = torch.full((1000,), 0.1), torch.zeros(1000)
    for _ in range(200):
        errors.update(x, t)
    of_one = getattr(normwise, loss.function)(x[:1], t[:1], reduction="none").double().item()
    assert errors.compute("sum") == pytest.approx(200_000 * of_one, rel=1e-13)


def test_a_state_survives_as_plain_numbers(loss: Loss) -> None:
    errors = normwise.Accumulator(loss)
    errors.update(X, T, weight=W)
    for state in (json.loads(json.dumps(errors.state_dict())), pickle.loads(pickle.dumps(errors.state_dict()))):
        again = normwise.Accumulator(loss)
        again.load_state_dict(state)
        assert again.compute() == errors.compute()
        assert again.state_dict() == errors.state_dict()
    errors.reset()
    assert math.isnan(errors.compute())
    assert errors.compute("sum") == 0


def test_an_accumulator_may_be_sent_to_another_process(loss: Loss) -> None:
    errors = normwise.Accumulator(loss)
    errors.update(X, T)
    assert pickle.loads(pickle.dumps(errors)).compute() == errors.compute()


def test_no_graph_is_kept() -> None:
    errors = normwise.Accumulator("mse")
    x = X.clone().requires_grad_()
    errors.update(x, T)
    assert all(type(value) is float for value in errors.state_dict().values())


def test_what_is_refused_is_not_added() -> None:
    errors = normwise.Accumulator("huber", delta=2.0)
    errors.update(X, T)
    before = errors.state_dict()
    with pytest.raises(ShapeMismatchError):
        errors.update(X, T[:, 0])
    with pytest.raises(InputError, match="negative"):
        errors.update(X, T, weight=-W)
    with pytest.raises(InputError, match="do not sum the same loss"):
        errors.merge(normwise.Accumulator("huber", delta=1.0))
    for state in ({"total": 1.0}, {**before, "more": 1.0}, {**before, "total": "much"}):
        with pytest.raises(InputError, match="a state"):
            errors.load_state_dict(state)
    with pytest.raises(InputError, match="expected 'mean' or 'sum'"):
        errors.compute("none")  # type: ignore[arg-type]
    assert errors.state_dict() == before
