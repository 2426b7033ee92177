"""How much memory a call holds beyond its inputs, by the peak of the process."""

from pathlib import Path

import pytest

from benchmarks.memory import buffers_held

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is read as Linux tells it"
)


@pytest.mark.parametrize("given", ["plain", "row weights", "mask", "row mask"])
def test_forward_and_backward_hold_the_gradient_and_nothing_else(given: str) -> None:
    assert buffers_held("smooth_l1", "float32", given, backward=True) < 1.1


@pytest.mark.parametrize("given", ["plain", "row weights", "mask", "row mask"])
def test_the_loss_alone_holds_nothing(given: str) -> None:
    assert buffers_held("smooth_l1", "float32", given, backward=False) < 0.1


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_dtypes_are_not_widened_in_memory(dtype: str) -> None:
    assert buffers_held("mse", dtype, "plain", backward=True) < 1.1


def test_the_measure_sees_what_torch_holds() -> None:
    """torch's l1_loss holds differences, values and gradient: a measure that says less is of no use."""
    assert buffers_held("l1", "float32", "plain", backward=True, home="eager") > 1.8
