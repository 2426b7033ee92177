"""How much memory a call holds beyond its inputs, by the peak of the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SIZE = 1 << 24

PROGRAM = """
import re, sys, torch, normwise
name, dtype, given, backward = sys.argv[1], getattr(torch, sys.argv[2]), sys.argv[3], sys.argv[4] == "backward"
size = int(sys.argv[5])
home = normwise if sys.argv[6] == "normwise" else torch.nn.functional
shape = (1 << 12, size >> 12)
x, t = torch.ones(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)
options = {
    "plain": {},
    "row weights": {"weight": torch.rand(shape[0], 1)},
    "mask": {"mask": torch.rand(shape) < 0.5},
    "row mask": {"mask": torch.rand(shape[0], 1) < 0.5},
    "by row": {"dim": 1},
}[given]

def step(x, t, options):
    value = getattr(home, f"{name}_loss")(x.requires_grad_(backward), t, **options)
    if backward:
        value.sum().backward()

def kilobytes(what):
    return int(re.search(what + r":\\s+(\\d+)", open("/proc/self/status").read()).group(1))

small = {k: v[:8] if hasattr(v, "shape") else v for k, v in options.items()}
for rows in (8, 8):  # kernels, threads and autograd are there afterwards
    step(x[:8].clone(), t[:8].clone(), small)
big = torch.ones(1 << 12, 64, dtype=dtype)
wide = {k: v[:, :64] if hasattr(v, "shape") else v for k, v in options.items()}
step(big, big + 1, wide)
open("/proc/self/clear_refs", "w").write("5")  # the peak counts from here
before = kilobytes("VmRSS")
step(x, t, options)
print((kilobytes("VmHWM") - before) * 1024 / (x.numel() * x.element_size()))
"""


def buffers_held(name: str, dtype: str, given: str, backward: bool, home: str = "normwise") -> float:
    """The peak of a call beyond its inputs, in arrays of the input's size."""
    command = [sys.executable, "-c", PROGRAM, name, dtype, given, "backward" if backward else "alone", str(SIZE), home]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=dict(os.environ))
    return float(result.stdout)


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
    assert buffers_held("l1", "float32", "plain", backward=True, home="torch") > 1.8
