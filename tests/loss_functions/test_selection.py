"""Weights, masks, missing targets, dimensions and divisors, on torch tensors and on arrays.

The oracle leaves out what does not exist before it computes anything, in float64.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from tests.faces import FACES, agree
from tests.oracles.torch_losses import selected
from tests.samples import REPRESENTATIVE

NAN, INF = float("nan"), float("inf")
SHAPE = (4, 6)
MISSING = torch.zeros(SHAPE, dtype=torch.bool).index_put(
    (torch.tensor([0, 1, 2, 3, 3]), torch.arange(5)), torch.ones(()) > 0
)

WEIGHTS: Mapping[str, Any] = {
    "none": lambda w: None,
    "full": lambda w: w,
    "per row": lambda w: w[:, :1].contiguous(),
    "per column": lambda w: w[0].contiguous(),
    "one for all": lambda w: w[0, 0].clone(),
    "transposed": lambda w: w.T.contiguous().T,
    "every other": lambda w: w.repeat_interleave(2, dim=1)[:, ::2],
}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "by row": {"dim": 1},
    "by column, kept": {"dim": (-2,), "keepdim": True},
    "all, kept": {"keepdim": True},
    "of the count": {"normalize": "count"},
    "of the weight": {"normalize": "weight"},
    "of 40": {"normalize": 40},
    "of 40 in a tensor, by row": {"normalize": torch.tensor(40.0, dtype=torch.float64), "dim": -1},
}


def problem(dropped: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
    """Prediction, target, weight, what exists, and the options that say so; beside that, the worst there can be."""
    generator = torch.Generator().manual_seed(8)
    x, t, w = (torch.randn(SHAPE, dtype=torch.float64, generator=generator) * scale for scale in (2, 2, 1))
    w, exists, options = w.abs() + 0.1, torch.ones(SHAPE, dtype=torch.bool), {}
    worst = torch.tensor([NAN, INF, -INF, NAN, 1e300], dtype=torch.float64)
    if "masked" in dropped:
        exists, options = ~MISSING, {"mask": ~MISSING}
        x[MISSING], t[MISSING] = worst, worst.flip(0)
    if "omitted" in dropped:
        missing = MISSING.flip(1)
        exists, options = exists & ~missing, {**options, "nan_policy": "omit"}
        t[missing], x[missing] = NAN, worst
    return x, t, w, exists, options


def both_gradients(
    ours: torch.Tensor, theirs: torch.Tensor, mine: list[torch.Tensor], other: list[torch.Tensor]
) -> None:
    upstream = torch.linspace(1, 2, ours.numel(), dtype=torch.float64).reshape(ours.shape)
    found = torch.autograd.grad(ours, mine, upstream)
    expected = torch.autograd.grad(theirs, other, upstream)
    for gradient, right in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, right)


# Each combination compiles kernels of its own: all of them for one loss, the most intricate one for every loss.
DROPPED = [
    *(("huber", dropped, weighted) for dropped in ("nothing", "masked", "omitted") for weighted in (False, True)),
    *((name, "masked and omitted", True) for name in REPRESENTATIVE),
]


@pytest.mark.parametrize(("name", "dropped", "weighted"), DROPPED)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_what_is_dropped_does_not_exist(name: str, dropped: str, weighted: bool, reduction: str) -> None:
    loss = normwise.losses[name]
    x, t, w, exists, options = problem(dropped)
    if weighted and "masked" in dropped:
        w[~exists] = NAN
    leaves = [a.clone().requires_grad_() for a in (x, t, w)[: 3 if weighted else 2]]
    others = [a.clone().requires_grad_() for a in (x, t, w)[: 3 if weighted else 2]]
    given = {"weight": leaves[2]} if weighted else {}
    ours = getattr(normwise, loss.function)(*leaves[:2], reduction=reduction, **given, **options)
    theirs = selected(loss.name, loss.parameters, *others[:2], exists, *others[2:], reduction=reduction)
    torch.testing.assert_close(ours, theirs)
    both_gradients(ours, theirs, leaves, others)


@pytest.mark.parametrize("name", ["huber"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dropped", ["nothing", "masked"])
def test_every_weight_goes_with_every_divisor_and_dimension(name: str, weight: str, options: str, dropped: str) -> None:
    loss = normwise.losses[name]
    x, t, w, exists, selection = problem(dropped)
    given = WEIGHTS[weight](w)
    mine, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    asked = OPTIONS[options]
    ours = getattr(normwise.nn, loss.module)()(mine, t, weight=given, **selection, **asked)
    theirs = selected(name, loss.parameters, other, t, exists, given, **asked)
    torch.testing.assert_close(ours, theirs)
    both_gradients(ours, theirs, [mine], [other])
    with_numpy = {n: np.asarray(a) if isinstance(a, torch.Tensor) else a for n, a in {**selection, **asked}.items()}
    weights = None if given is None else given.numpy()
    agree(getattr(normwise, loss.function)(x.numpy(), t.numpy(), weight=weights, **with_numpy), theirs)


# array_api_strict has no way to silence NumPy beneath it.
@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
@pytest.mark.parametrize("dropped", ["masked", "omitted"])
def test_arrays_of_a_namespace_and_gradients_without_autograd_drop_the_same(loss: Loss, dropped: str) -> None:
    x, t, w, exists, options = problem(dropped)
    leaf = x.clone().requires_grad_()
    expected = selected(loss.name, loss.parameters, leaf, t, exists, w)
    [slope] = torch.autograd.grad(expected, leaf)
    for convert in (FACES["numpy"], FACES["strict"]):
        arrays = [convert(a) for a in (x, t, w)]
        asked = {n: convert(a) if isinstance(a, torch.Tensor) else a for n, a in options.items()}
        value, gradient = normwise.value_and_grad(loss)(*arrays[:2], weight=arrays[2], **asked)
        agree(value, expected)
        agree(gradient, slope)


@pytest.mark.parametrize("name", ["huber"])
@pytest.mark.parametrize("upstream", [INF, -INF, NAN, 3e4])
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_gradients_of_the_dropped_are_zero_whatever_comes_from_upstream(
    name: str, upstream: float, reduction: str, dtype: torch.dtype
) -> None:
    loss = normwise.losses[name]
    x, t, w, exists, options = problem("masked")
    leaves = [a.to(dtype).requires_grad_() for a in (x, t, w)]
    value = getattr(normwise, loss.function)(*leaves[:2], weight=leaves[2], reduction=reduction, **options)
    for gradient in torch.autograd.grad(value, leaves, torch.full_like(value, upstream)):
        assert (gradient[~exists] == 0).all()
        assert (gradient[exists] != 0).any()


@pytest.mark.parametrize("wrong", [NAN, INF])
def test_a_prediction_that_is_no_number_always_shows(loss: Loss, wrong: float) -> None:
    x, t, *_ = problem("omitted")
    x[2, 0] = wrong
    assert not t[2, 0].isnan()
    for arrays in ((x, t), (x.numpy(), t.numpy())):
        assert not np.isfinite(float(getattr(normwise, loss.function)(*arrays, nan_policy="omit")))


def test_raise_looks_at_all_that_a_mask_lets_through(loss: Loss) -> None:
    x, t, w, _, options = problem("masked")
    function = getattr(normwise, loss.function)
    for convert in (lambda a: a, np.asarray):
        arrays = [convert(a) for a in (x.nan_to_num(), t.nan_to_num(), w)]
        mask = convert(options["mask"])
        function(*arrays[:2], weight=arrays[2], nan_policy="raise")
        function(convert(x), convert(t), mask=mask, nan_policy="raise")
        for place, name in enumerate(("input", "target", "weight")):
            hurt = [*arrays]
            hurt[place] = convert(
                torch.as_tensor(hurt[place])
                .clone()
                .index_put((torch.tensor(0), torch.tensor(5)), torch.tensor(NAN, dtype=torch.float64))
            )
            with pytest.raises(normwise.errors.InputError, match=f"{name} holds 1 nan"):
                function(*hurt[:2], weight=hurt[2], mask=mask, nan_policy="raise")


@pytest.mark.parametrize("nothing", ["all masked", "no weight", "empty"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_of_nothing_the_sum_is_zero_and_the_mean_nan_and_both_are_tied_to_the_graph(
    loss: Loss, nothing: str, reduction: str
) -> None:
    x, t = torch.randn(2, *((0, 3) if nothing == "empty" else (3, 3))).unbind()
    given = {"all masked": {"mask": torch.zeros(3, 1) > 0}, "no weight": {"weight": torch.zeros(3)}, "empty": {}}[
        nothing
    ]
    x.requires_grad_()
    value = getattr(normwise, loss.function)(x, t, reduction=reduction, **given)
    counted = reduction == "sum" or (nothing == "no weight" and loss.divisor == "count")
    assert value.item() == 0 if counted else value.isnan()
    [gradient] = torch.autograd.grad(value, x)
    assert gradient.shape == x.shape
    if nothing == "all masked":
        assert (gradient == 0).all()


def test_a_divisor_learns(loss: Loss) -> None:
    x, t, *_ = problem("nothing")
    divisor = torch.tensor(7.0, dtype=torch.float64, requires_grad=True)
    value = getattr(normwise, loss.function)(x, t, normalize=divisor)
    [slope] = torch.autograd.grad(value, divisor)
    torch.testing.assert_close(slope, -value.detach() / 7)


@pytest.mark.parametrize("divisor", ["number", "tensor"])
@pytest.mark.parametrize("weighted", [False, True])
def test_unequal_micro_batches_give_the_gradient_of_the_whole(loss: Loss, divisor: str, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    features, t = torch.randn(37, 4, generator=generator), torch.randn(37, 2, generator=generator)
    mask, w = torch.rand(37, 2, generator=generator) < 0.7, torch.rand(37, 1, generator=generator)
    t[~mask] = NAN
    model = torch.nn.Linear(4, 2)
    function = getattr(normwise, loss.function)

    def gradients(parts: list[slice], **given: Any) -> list[torch.Tensor]:
        model.zero_grad()
        for part in parts:
            weight = {"weight": w[part]} if weighted else {}
            function(model(features[part]), t[part], mask=mask[part], **weight, **given).backward()
        return [parameter.grad.clone() for parameter in model.parameters()]  # type: ignore[union-attr]

    whole = gradients([slice(None)])
    by = (w.expand(37, 2) if weighted and loss.divisor == "weight" else torch.ones(37, 2))[mask].sum()
    given = by if divisor == "tensor" else by.item()
    parts = gradients([slice(0, 16), slice(16, 32), slice(32, 37)], normalize=given)
    for found, expected in zip(parts, whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=2e-6, atol=1e-7)
