"""The memory that a call holds beyond its inputs, by the peak of a process of its own."""

import os
import subprocess
import sys

SIZE = 1 << 24

PEAK = """
import re

def kilobytes(what):
    return int(re.search(what + r":\\s+(\\d+)", open("/proc/self/status").read()).group(1))

def held_by(call):
    open("/proc/self/clear_refs", "w").write("5")  # the peak counts from here
    before = kilobytes("VmRSS")
    call()
    return (kilobytes("VmHWM") - before) * 1024
"""

PROGRAM = """
import sys, torch, normwise
name, dtype, given, backward = sys.argv[1], getattr(torch, sys.argv[2]), sys.argv[3], sys.argv[4] == "backward"
size = int(sys.argv[5])
home = normwise if sys.argv[6] == "normwise" else torch.nn.functional
function = getattr(home, f"{name}_loss")
if sys.argv[6] == "compile":
    function = torch.compile(function, dynamic=False)
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
    value = function(x.requires_grad_(backward), t, **options)
    if backward:
        value.sum().backward()

small = {k: v[:8] if hasattr(v, "shape") else v for k, v in options.items()}
for rows in (8, 8):  # kernels, threads and autograd are there afterwards
    step(x[:8].clone(), t[:8].clone(), small)
if sys.argv[6] == "compile":  # which has code for one shape
    step(x.clone(), t, options)
big = torch.ones(1 << 12, 64, dtype=dtype)
wide = {k: v[:, :64] if hasattr(v, "shape") else v for k, v in options.items()}
step(big, big + 1, wide)
print(held_by(lambda: step(x, t, options)) / (x.numel() * x.element_size()))
"""

NEAREST = """
import sys, numpy, normwise
name, (n, m, features, k) = sys.argv[1], map(int, sys.argv[2:])
draw = numpy.random.default_rng(0).random
a, b = (draw((size, features), dtype=numpy.float32) for size in (n, m))
normwise.nearest(a[:2000], b[:2000], k, name)  # kernels and threads are there afterwards
print(held_by(lambda: normwise.nearest(a, b, k, name)))
"""


def buffers_held(name: str, dtype: str, given: str, backward: bool, home: str = "normwise") -> float:
    """Return the peak of a call beyond its inputs, in arrays of the input's size; `home` is whose loss it is."""
    return _told(PROGRAM, name, dtype, given, "backward" if backward else "alone", SIZE, home)


def nearest_held(name: str, n: int, m: int, features: int, k: int) -> float:
    """Return the peak of a search for the nearest points beyond its inputs, in megabytes."""
    return round(_told(NEAREST, name, n, m, features, k) / 1e6, 1)


def _told(program: str, *given: object) -> float:
    """What a program in a process of its own prints."""
    command = [sys.executable, "-c", PEAK + program, *map(str, given)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180, env=dict(os.environ))
    return float(result.stdout)


def memory(name: str) -> dict[str, dict[str, float]]:
    """Return the buffers held by our loss, by torch's and by torch's compiled, with the gradient and without."""
    homes = ("normwise", "eager", "compile")
    return {
        what: {home: round(buffers_held(name, "float32", "plain", backward, home), 2) for home in homes}
        for what, backward in (("forward and backward", True), ("loss only", False))
    }
