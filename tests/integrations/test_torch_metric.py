"""The losses as metrics of torchmetrics, beside its own."""

import copy
import pickle
from typing import Any

import pytest
import torch
import torchmetrics
from torch.testing import assert_close

import normwise
from normwise.formula import log
from normwise.integrations import TorchMetric

THEIRS: dict[str, Any] = {
    "mse": torchmetrics.MeanSquaredError(),
    "l1": torchmetrics.MeanAbsoluteError(),
    "rmse": torchmetrics.MeanSquaredError(squared=False),
    "rmsle": torchmetrics.MeanSquaredLogError(),
    "log_cosh": torchmetrics.LogCoshError(),
    "wmape": torchmetrics.WeightedMeanAbsolutePercentageError(),
}
BATCHES = [(torch.rand(n, 3), torch.rand(n, 3)) for n in (5, 1, 32)]
"""Unequal ones, of which a mean of means would not be the mean."""


@pytest.mark.parametrize("named", THEIRS)
def test_they_are_those_of_torchmetrics(named: str) -> None:
    ours, theirs = TorchMetric(named), copy.deepcopy(THEIRS[named])
    for batch in BATCHES:
        given = [array[:, 0] for array in batch] if named == "log_cosh" else batch  # theirs means output by output
        ours.update(*given)
        theirs.update(*given)
    expected = theirs.compute().double()
    assert_close(ours.compute(), expected.sqrt() if named == "rmsle" else expected, rtol=1e-5, atol=0)


def test_forward_is_the_batch_and_compute_the_whole() -> None:
    ours, theirs = TorchMetric("mse"), torchmetrics.MeanSquaredError()
    for x, t in BATCHES:
        assert_close(ours(x, t), theirs(x, t).double(), rtol=1e-5, atol=0)
    assert_close(ours.compute(), theirs.compute().double(), rtol=1e-5, atol=0)
    ours.reset()
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        assert ours.compute().isnan()
    assert_close(ours(*BATCHES[0]), normwise.mse_loss(*BATCHES[0]).double(), rtol=1e-6, atol=0)


def test_states_are_sums_in_float64() -> None:
    metric = TorchMetric("mse")
    metric.update(*BATCHES[0], weight=torch.full((5, 1), 0.5))
    assert {n: v.dtype for n, v in metric.metric_state.items()} == dict.fromkeys(
        ("total", "weight", "count", "of_mse"), torch.float64
    )
    assert {n: float(metric.metric_state[n]) for n in ("weight", "count")} == {"weight": 7.5, "count": 15.0}
    assert {reduction.__name__ for reduction in metric._reductions.values()} == {"dim_zero_sum"}
    far = TorchMetric("l1")
    for _ in range(3):  # 1e8 + 1 is no float32
        far.update(torch.tensor([1e8]), torch.zeros(1))
        far.update(torch.tensor([1.0]), torch.zeros(1))
    assert float(far.compute()) == (3e8 + 3) / 6


def test_the_parts_of_many_processes_are_added() -> None:
    """What torchmetrics does after a gather: stack each state over the processes, and reduce."""
    parts = [TorchMetric("wmape"), TorchMetric("wmape")]
    whole = TorchMetric("wmape")
    for part, (x, t) in zip(parts, BATCHES, strict=False):
        part.update(x, t)
        whole.update(x, t)
    gathered = TorchMetric("wmape")
    gathered.update(*BATCHES[2])
    for name, reduction in gathered._reductions.items():
        setattr(gathered, name, reduction(torch.stack([getattr(part, name) for part in parts])))
    assert_close(gathered.compute(), whole.compute())
    merged = copy.deepcopy(parts[0])
    merged.merge_state(parts[1])
    assert_close(merged.compute(), whole.compute())


def test_weights_masks_and_missing_targets() -> None:
    x, t = torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.0, 0.0, float("nan")])
    metric = TorchMetric("mse")
    metric.update(x, t, weight=torch.tensor([3.0, 1.0, 1.0]), mask=~t.isnan())
    assert float(metric.compute()) == pytest.approx(7 / 4)
    metric.update(x, t, nan_policy="omit")
    assert float(metric.compute()) == pytest.approx((7 + 5) / (4 + 2))
    counted = TorchMetric("mse", normalize="count")
    counted.update(x[:2], t[:2], weight=torch.tensor([3.0, 1.0]))
    assert float(counted.compute()) == pytest.approx(7 / 2)


def test_a_loss_with_a_variance(catalogue: None) -> None:
    @normwise.loss
    def likelihood(r, variance):
        return 0.5 * (r * r / variance + log(variance))

    x, t, variance = torch.rand(3, 4, dtype=torch.float64).unbind()
    metric = TorchMetric(likelihood)
    metric.update(x, t, variance)
    metric.update(t, x, variance)
    assert_close(metric.compute(), torch.nn.functional.gaussian_nll_loss(x, t, variance))


def test_in_a_collection_copied_and_pickled() -> None:
    collection = torchmetrics.MetricCollection({"ours": TorchMetric("huber:delta=2"), "mse": TorchMetric("mse")})
    for x, t in BATCHES:
        collection.update(10 * x, t)
    found = {name: float(value) for name, value in collection.compute().items()}
    assert copy.deepcopy(collection["ours"]).bound.parameters == {"delta": 2.0}
    clone = pickle.loads(pickle.dumps(collection))
    assert {name: float(value) for name, value in clone.compute().items()} == found
    x, t = (torch.cat(parts) for parts in zip(*BATCHES, strict=True))
    assert found["ours"] == pytest.approx(float(normwise.huber_loss(10 * x, t, delta=2.0)), rel=1e-6)
    assert found["mse"] == pytest.approx(float(normwise.mse_loss(10 * x, t)), rel=1e-6)


def test_a_refused_batch_leaves_the_sums_alone() -> None:
    metric = TorchMetric("mse", metric_options={"sync_on_compute": False})
    metric.update(*BATCHES[0])
    before = metric.compute()
    with pytest.raises(normwise.ShapeMismatchError):
        metric.update(torch.zeros(3), torch.zeros(3, 1))
    assert_close(metric.compute(), before)
    with pytest.raises(ValueError, match="there is no loss"):
        TorchMetric("nonsense")
    with pytest.raises(ValueError, match="not a valid value for normalize"):
        TorchMetric("mse", normalize="nonsense")


def test_a_collection_tells_losses_apart() -> None:
    """Also those whose sums agree after the first batch, which it would else take for one."""
    names = ["mse", "l1", "huber:delta=0.5", "huber:delta=2", "sqrt(r**2 + 0.25) - 0.5"]
    ours = torchmetrics.MetricCollection([TorchMetric(name) for name in names])
    assert sorted(ours) == ["huber_delta_0_5", "huber_delta_2", "l1", "mse", "sqrt(r**2 + 0_25) - 0_5"]
    perfect, (x, t) = torch.ones(4), (torch.tensor([0.0, 3.0]), torch.tensor([0.5, 1.0]))
    theirs = torchmetrics.MetricCollection([torchmetrics.MeanSquaredError(), torchmetrics.MeanAbsoluteError()])
    for batch in ((perfect, perfect), (x, t)):
        ours.update(*batch)
        theirs.update(*batch)
    r = torch.cat([torch.zeros(4), x - t]).double()
    zeros = torch.zeros(6).double()
    expected = {
        "mse": r.square().mean(),
        "l1": r.abs().mean(),
        "huber_delta_0_5": torch.nn.functional.huber_loss(r, zeros, delta=0.5),
        "huber_delta_2": torch.nn.functional.huber_loss(r, zeros, delta=2.0),
        "sqrt(r**2 + 0_25) - 0_5": (r.square() + 0.25).sqrt().mean() - 0.5,
    }
    assert_close(dict(ours.compute()), expected)
    again = pickle.loads(pickle.dumps(ours))
    assert_close(dict(again.compute()), expected)
    assert isinstance(again["mse"], TorchMetric)
    assert type(again["mse"]) is type(ours["mse"])


CASTS = {
    "to": lambda module: module.to(torch.bfloat16),
    "bfloat16": lambda module: module.bfloat16(),
    "half": lambda module: module.half(),
    "float": lambda module: module.float(),
    "type": lambda module: module.type(torch.float16),
    "own": lambda module: module.metric.set_dtype(torch.float16),
}


@pytest.mark.parametrize("cast", CASTS)
def test_states_stay_float64_in_a_module_that_is_cast(cast: str) -> None:
    """Sums in bfloat16 stall at 256."""
    module = torch.nn.Module()
    module.metric, module.layer = TorchMetric("mse"), torch.nn.Linear(1, 1)
    generator = torch.Generator().manual_seed(3)
    batches = [torch.randn(64, generator=generator) for _ in range(40)]
    for i, batch in enumerate(batches):
        if i == 1:
            CASTS[cast](module)
        module.metric.update(batch, torch.zeros(64))
    assert {state.dtype for state in module.metric.metric_state.values()} == {torch.float64}
    assert_close(module.metric.compute(), torch.cat(batches).double().square().mean(), rtol=1e-7, atol=0)
    module.metric.reset()
    assert {state.dtype for state in module.metric.metric_state.values()} == {torch.float64}
