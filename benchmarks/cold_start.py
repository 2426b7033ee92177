"""Cold start: what a new process pays, in processes of its own."""

import os
import statistics
import subprocess
import sys
import tempfile

RUNS = 9

_IMPORT = "import time; s = time.perf_counter(); import normwise; print(time.perf_counter() - s)"
_TORCH = """
import torch, time
x, t = torch.randn(15, requires_grad=True), torch.randn(15)
s = time.perf_counter()
import normwise
normwise.mse_loss(x, t).backward()
print(time.perf_counter() - s)
"""
_NUMPY = """
import time; s = time.perf_counter()
import numpy, normwise
normwise.value_and_grad("mse")(numpy.ones(15), numpy.zeros(15))
print(time.perf_counter() - s)
"""


def cold_start() -> dict[str, dict[str, float]]:
    """Return seconds: of the import, and of the first loss with gradient, with kernels on disk and without."""
    with tempfile.TemporaryDirectory() as kept:
        _seconds(_TORCH, kept), _seconds(_NUMPY, kept)
        rows = {
            "import normwise": [_seconds(_IMPORT, kept) for _ in range(RUNS)],
            "first call, torch loaded, kernels on disk": [_seconds(_TORCH, kept) for _ in range(RUNS)],
            "first call, NumPy's import included, kernels on disk": [_seconds(_NUMPY, kept) for _ in range(RUNS)],
        }
    rows["first call ever, torch loaded"] = [_seconds(_TORCH, None) for _ in range(3)]
    return {name: {"median": statistics.median(times), "minimum": min(times)} for name, times in rows.items()}


def _seconds(program: str, folder: str | None) -> float:
    """What a program in a new process prints, with its kernels in a folder or in a new one."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NORMWISE_CACHE_DIR": folder or empty}
        command = [sys.executable, "-c", program]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(finished.stdout)
