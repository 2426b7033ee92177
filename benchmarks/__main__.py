"""Measure everything, print the ratios and what they were to be, and keep them in results.json."""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import warnings
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import normwise
from benchmarks import peers
from benchmarks.cold_start import cold_start
from benchmarks.measure import LEAST_SECONDS, ROUNDS, interleaved
from benchmarks.table import RESULTS
from benchmarks.targets import ratio, verdicts

SIZES = (15, 2**10, 2**16, 2**20, 2**24)
COMPILED = (15, 2**20, 2**24)
"""The sizes at which the rivals are compiled too, for float32: each takes seconds."""


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="LOSS", action="append", help="measure this loss only (repeatable)")
    parser.add_argument("--quick", action="store_true", help="float32 without the compiled rivals; keeps no results")
    options = parser.parse_args()
    console = Console()
    names = options.only or list(normwise.losses)
    dtypes = (torch.float32,) if options.quick else (torch.float32, torch.float64)
    cases = [(name, dtype, size) for name in names for dtype in dtypes for size in SIZES]
    rows: list[dict[str, Any]] = []
    with Progress(console=console, transient=True) as progress:
        for name, dtype, size in progress.track(cases, description="measuring"):
            rows += measured(
                name, dtype, size, compiled=not options.quick and size in COMPILED and dtype is torch.float32
            )
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads()},
        "versions": {
            "python": platform.python_version(),
            "normwise": normwise.__version__,
            **{name: importlib.metadata.version(name) for name in ("torch", "numba", "numpy")},
        },
        "settings": {"rounds": ROUNDS, "least seconds a sample": LEAST_SECONDS, "statistic": "median"},
        "rows": rows,
        "cold start": cold_start(),
    }
    show(console, results)
    if not options.quick and not options.only:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        console.print(f"kept in {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def measured(name: str, dtype: torch.dtype, size: int, compiled: bool) -> list[dict[str, Any]]:
    """Return the rows of one loss, dtype and size."""
    loss = normwise.losses[name]
    both = peers.forward_and_backward(loss, size, dtype, compiled)
    off = peers.disagreement(both)
    if off > (1e-4 if dtype is torch.float32 else 1e-9):
        warnings.warn(f"the rivals of {name} differ by {off:.1e} at n = {size}, {dtype}", stacklevel=1)
    kinds = {
        "forward and backward": both,
        "loss only": peers.loss_only(loss, size, dtype),
        "kernel": peers.kernel_and_stream(loss, size, dtype) if size >= 2**20 else {},
        "module": peers.module_calls(loss, size) if size <= 2**12 and dtype is torch.float32 else {},
    }
    about = {"loss": name, "dtype": str(dtype).removeprefix("torch."), "size": size}
    return [{**about, "kind": kind, "seconds": interleaved(rivals)} for kind, rivals in kinds.items() if rivals]


def show(console: Console, results: dict[str, Any]) -> None:
    """Print the ratios, cold start, and the aims."""
    rivals = ("eager", "compile", "compiled grad_and_value", "stream")
    table = Table("loss", "dtype", "what", "n", "us", *rivals, title="times as long as normwise takes")
    for row in results["rows"]:
        to = "kernel" if row["kind"] == "kernel" else "normwise"
        cells = [f"{found:.2f}" if (found := ratio(row, rival, to)) else "" for rival in rivals]
        microseconds = f"{1e6 * row['seconds'][to]['median']:.1f}"
        table.add_row(row["loss"], row["dtype"], row["kind"], f"{row['size']:,}", microseconds, *cells)
    console.print(table)
    for what, seconds in results["cold start"].items():
        console.print(f"{what}: {1e3 * seconds['median']:.0f} ms")
    aims = Table("aim", "bound", "measured", "", title="what was to be reached")
    for what, bound, value, met in verdicts(results):
        aims.add_row(what, bound, value, "met" if met else "[bold]NOT MET[/bold]")
    console.print(aims)


def processor() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
