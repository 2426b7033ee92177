"""The benchmarks measure equals, in turns, and tell what they measured."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import normwise
from benchmarks import peers
from benchmarks.measure import interleaved
from benchmarks.table import rendered
from benchmarks.targets import ONCE_EAGER, verdicts
from tests.samples import REPRESENTATIVE


@pytest.mark.parametrize("name", sorted(normwise.losses))
def test_rivals_compute_the_same(name: str) -> None:
    """In double precision, in which a rival that squares first still has digits to lose."""
    rivals = peers.forward_and_backward(normwise.losses[name], 1000, torch.float64, compiled=False)
    assert peers.disagreement(rivals) < 1e-9


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_rivals_compute_the_same_in_single_precision(name: str) -> None:
    rivals = peers.forward_and_backward(normwise.losses[name], 1000, torch.float32, compiled=False)
    assert peers.disagreement(rivals) < 1e-5


@pytest.mark.parametrize("name", sorted(ONCE_EAGER))
@pytest.mark.parametrize("kind", ["mask", "row weights"])
def test_rivals_that_multiply_compute_the_same(name: str, kind: str) -> None:
    rivals = peers.selected(normwise.losses[name], (40, 25), kind, compiled=False)
    assert peers.disagreement(rivals) < 1e-5


@pytest.mark.parametrize("rivals", [peers.small, peers.module_calls])
def test_rivals_on_small_tensors_compute_the_same(rivals: Callable[..., peers.Rivals]) -> None:
    for name in ONCE_EAGER:
        assert peers.disagreement(rivals(normwise.losses[name], (3, 5))) < 1e-6


def test_what_comes_before_a_call_is_not_timed() -> None:
    now = [0.0]

    def call() -> None:
        now[0] += 2.0

    def prepare() -> None:
        now[0] += 50.0

    call.prepare = prepare  # type: ignore[attr-defined]
    assert interleaved({"a": call}, rounds=3, clock=lambda: now[0])["a"]["median"] == pytest.approx(2.0)


def test_the_kernel_and_the_stream_write_the_same_memory() -> None:
    input, target = peers.data(1000, torch.float32)
    rivals = peers.kernel_and_stream(normwise.losses["huber"], 1000, torch.float32)
    difference = rivals["stream"]()
    torch.testing.assert_close(difference, input - target)
    value, _, [gradient] = rivals["kernel"]()
    assert gradient is difference
    assert value == pytest.approx(torch.nn.functional.huber_loss(input, target).item(), rel=1e-6)
    torch.testing.assert_close(gradient, (input - target).clamp(-1, 1) / 1000)


def test_rivals_that_differ_are_noticed() -> None:
    rivals = peers.forward_and_backward(normwise.losses["l1"], 1000, torch.float64, compiled=False)
    rivals["eager"] = peers.forward_and_backward(normwise.losses["mse"], 1000, torch.float64, compiled=False)["eager"]
    assert peers.disagreement(rivals) > 1e-3


def test_rivals_take_turns_and_keep_their_medians() -> None:
    now, order = [0.0], []

    def rival(name: str, seconds: float) -> Callable[[], Any]:
        def run() -> None:
            order.append(name)
            now[0] += seconds

        return run

    times = interleaved({"a": rival("a", 1.0), "b": rival("b", 3.0)}, rounds=9, clock=lambda: now[0])
    assert times["a"]["median"] == pytest.approx(1.0)
    assert times["b"]["minimum"] == pytest.approx(3.0)
    assert order[-4:] == ["a", "b", "a", "b"]


def made_up(eager: float) -> dict[str, Any]:
    seconds = {"normwise": {"median": 1.0}, "eager": {"median": eager}, "compile": {"median": 4.0}}
    about = {"loss": "mse", "dtype": "float32", "size": 2**24}
    return {
        "rows": [{**about, "kind": "forward and backward", "seconds": seconds}],
        "machine": {"processor": "a processor", "cores": 2},
        "versions": {"torch": "2.13.0"},
        "date": "2026-11-23",
        "cold start": {
            "import normwise": {"median": 0.01},
            "first call, torch loaded, kernels on disk": {"median": 0.05},
        },
    }


def test_the_table_tells_the_ratio_and_where_it_was_measured() -> None:
    text = rendered(made_up(eager=7.5))
    assert "| mse |  |  |  | 7.5x |  | 4.0x |" in text
    assert "a processor, 2 cores, torch 2.13.0" in text


@pytest.mark.parametrize(("eager", "met"), [(7.5, True), (5.9, False)])
def test_a_missed_aim_is_said(eager: float, met: bool) -> None:
    found = {what: said for what, _, _, said in verdicts(made_up(eager))}
    assert found["mse against eager, 2^24"] is met
