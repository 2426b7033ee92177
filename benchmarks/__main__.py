"""Measure everything, print the ratios and what they were to be, and keep them in results.json."""

import argparse
import datetime
import functools
import importlib.metadata
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import normwise
from benchmarks import distances, peers
from benchmarks.cold_start import cold_start
from benchmarks.measure import LEAST_SECONDS, MANY, ROUNDS, interleaved
from benchmarks.memory import memory as memory_of
from benchmarks.results import RESULTS, elsewhere, merged
from benchmarks.targets import ONCE_EAGER, WHOLE, ratio, verdicts
from normwise.catalogue import Loss
from normwise.output import write_output

LARGE = 2**24
SIZES = (15, 2**10, 2**16, 2**20, LARGE)
COMPILED = (15, 2**20, LARGE)
"""The sizes at which the rivals are compiled too, for float32: each takes seconds."""
SMALL = ((3, 5), (256, 1), (4096,))
ROWS = ((4096, 4096), (2**20, 16))
F16, BF16, F32, F64 = torch.float16, torch.bfloat16, torch.float32, torch.float64


class Case(NamedTuple):
    """One row to measure."""

    kind: str
    loss: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    rivals: Callable[[], peers.Rivals]


IN_WORDS: dict[str, tuple[Callable[..., torch.Tensor], dict[str, float]]] = {
    "sqrt(r**2 + eps**2) - eps": (lambda x, t: (torch.sqrt((x - t) ** 2 + 1e-6) - 1e-3).mean(), {"eps": 1e-3}),
    "log(cosh(r / s))": (lambda x, t: torch.log(torch.cosh((x - t) / 2)).mean(), {"s": 2.0}),
    "abs(r) if abs(r) > 1 else r**2": (
        lambda x, t: torch.where((x - t).abs() > 1, (x - t).abs(), (x - t) ** 2).mean(),
        {},
    ),
}
"""Formulas given as text, and what they are in torch's operations."""


def in_words() -> Iterator[Case]:
    """Yield the rows of formulas given as text."""
    for text, (theirs, parameters) in IN_WORDS.items():
        yield Case(
            "in words", text, F32, (2**22,), functools.partial(peers.in_words, text, theirs, 2**22, **parameters)
        )


def cases(names: Sequence[str], quick: bool) -> Iterator[Case]:
    """Yield all rows, those of a loss together."""
    for name in names:
        loss, torchs = normwise.losses[name], name in ONCE_EAGER

        def case(
            kind: str, rivals: Callable[..., peers.Rivals], *given: Any, dtype: torch.dtype = F32, loss: Loss = loss
        ) -> Case:
            first = given[0]
            shape = first if isinstance(first, tuple) else (first,)
            return Case(kind, loss.name, dtype, shape, lambda: rivals(loss, *given))

        if name not in WHOLE:
            yield case("catalogue", peers.forward_and_backward, LARGE, F32, False)
            continue
        for dtype in (F32,) if quick else (F32, F64):
            for size in SIZES:
                compiled = not quick and size in COMPILED and dtype is F32
                yield case("forward and backward", peers.forward_and_backward, size, dtype, compiled, dtype=dtype)
                yield case("loss only", peers.loss_only, size, dtype, dtype=dtype)
                if size >= 2**20:
                    yield case("kernel", peers.kernel_and_stream, size, dtype, dtype=dtype)
        if not torchs:
            continue
        for dtype in (F16, BF16):
            yield case("forward and backward", peers.forward_and_backward, LARGE, dtype, not quick, dtype=dtype)
        for shape in SMALL:
            yield case("small", peers.small, shape)
            yield case("module", peers.module_calls, shape)
        yield case("mask", peers.selected, ROWS[0], "mask", not quick)
        for shape in ROWS:
            yield case("row weights", peers.selected, shape, "row weights", not quick)
        yield case("after eager", peers.after_eager, 2**20)
        if not quick:
            for batch in (32, 256):
                yield case("compiled training step", peers.training_step, batch)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="LOSS", action="append", help="measure this loss only (repeatable)")
    parser.add_argument("--kind", help="measure this kind of row only: of losses, norm, distance, pairwise, nearest")
    parser.add_argument("--quick", action="store_true", help="float32 without the compiled rivals; keeps no results")
    parser.add_argument("--keep", action="store_true", help="with --only or --kind: replace these rows in the results")
    options = parser.parse_args()
    part = bool(options.only or options.kind)
    if options.keep and (options.quick or not part):
        parser.error("--keep goes with --only or --kind, and not with --quick")
    console = Console(width=None if sys.stdout.isatty() else 150)
    results = surroundings()
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if options.keep else None
    if kept and (differing := elsewhere(kept, results)):
        parser.error(f"the results kept are of {'; '.join(differing)}: measure everything again")
    names = options.only or list(normwise.losses)
    of_losses = [case for case in cases(names, options.quick) if options.kind in (None, case.kind)]
    of_losses += [case for case in in_words() if not options.only and options.kind in (None, case.kind)]
    apart = [case for case in distances.cases(options.quick) if not options.only and options.kind in (None, case.kind)]
    weighs = not options.quick and not options.keep and options.kind in (None, "memory")
    held = [name for name in names if name in ONCE_EAGER and weighs]
    if not (of_losses or apart or held):
        parser.error("there is nothing to measure: no rows are of this loss and this kind")
    with Progress(console=console, transient=True) as progress:
        results["rows"] = [measured(case) for case in progress.track(of_losses, description="losses")]
        results["distances"] = [distances.measured(case) for case in progress.track(apart, description="distances")]
        results["memory"] = {name: memory_of(name) for name in progress.track(held, description="weighing")}
    results["cold start"] = {} if options.kind or options.keep else cold_start()
    show(console, results)
    if not options.quick and (options.keep or not part):
        write_output(RESULTS, json.dumps(merged(kept, results) if kept else results, indent=1) + "\n")
        console.print(f"kept in {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def surroundings() -> dict[str, Any]:
    """Return when, where and how it is measured."""
    others = ("torch", "llvmlite", "numpy", "scipy", "scikit-learn", *(["numkong"] if find_spec("numkong") else []))
    return {
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads()},
        "versions": {
            "python": platform.python_version(),
            "normwise": normwise.__version__,
            **{name: importlib.metadata.version(name) for name in others},
        },
        "settings": {"rounds": ROUNDS, "least seconds a sample": LEAST_SECONDS, "statistic": "median"},
    }


FINE = ("small", "module", "compiled training step")
"""The kinds of rows of which a few hundredths matter."""

TOLERANCE = {F16: 2e-2, BF16: 1e-1, F32: 1e-4, F64: 1e-9}
"""How far rivals may be apart, relatively: torch rounds halves after each operation."""


def measured(case: Case) -> dict[str, Any]:
    """Return the row of a case."""
    rivals = case.rivals()
    off = peers.disagreement(rivals)
    if off > TOLERANCE[case.dtype]:
        warnings.warn(f"the rivals differ by {off:.1e}: {case}", stacklevel=1)
    return {
        "loss": case.loss,
        "dtype": str(case.dtype).removeprefix("torch."),
        "size": torch.Size(case.shape).numel(),
        "shape": [*case.shape],
        "kind": case.kind,
        "seconds": interleaved(rivals, rounds=MANY if case.kind in FINE else ROUNDS),
        "date": datetime.date.today().isoformat(),
    }


def show(console: Console, results: dict[str, Any]) -> None:
    """Print the ratios, cold start, and the aims."""
    rivals = ("eager", "compile", "compiled grad_and_value", "stream", "after eager")
    table = Table("loss", "dtype", "what", "shape", "us", *rivals, title="times as long as normwise takes")
    for row in results["rows"]:
        to = "kernel" if row["kind"] == "kernel" else "normwise"
        cells = [f"{found:.2f}" if (found := ratio(row, rival, to)) else "" for rival in rivals]
        microseconds = f"{1e6 * row['seconds'][to]['median']:.1f}"
        table.add_row(
            row["loss"], row["dtype"], row["kind"], " x ".join(f"{n:,}" for n in row["shape"]), microseconds, *cells
        )
    if table.rows:
        console.print(table)
    if results["distances"]:
        console.print(distances_table(results["distances"]))
    held = Table(
        "loss", "what", "normwise", "eager", "compile", title="memory beyond the inputs, in arrays of their size"
    )
    for loss, whats in results["memory"].items():
        for what, buffers in whats.items():
            held.add_row(loss, what, *(f"{buffers[home]:.2f}" for home in ("normwise", "eager", "compile")))
    if held.rows:
        console.print(held)
    for what, seconds in results["cold start"].items():
        console.print(f"{what}: {1e3 * seconds['median']:.0f} ms")
    aims = Table("aim", "bound", "measured", "", title="what was to be reached")
    for what, bound, value, met in verdicts(results):
        aims.add_row(what, bound, value, "met" if met else "[bold]NOT MET[/bold]")
    if aims.rows:
        console.print(aims)


def distances_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return the ratios of norms and distances, with what was found beside the seconds."""
    rivals = dict.fromkeys(name for row in rows for name in row["seconds"] if name != "normwise")
    table = Table("what", "of", "shape", "gradient", "us", *rivals, "", title="times as long as normwise takes")
    for row in rows:
        cells = [f"{found:.2f}" if (found := ratio(row, rival)) else "" for rival in rivals]
        shape, gradient = " x ".join(f"{n:,}" for n in row["shape"]), "with" if row["gradient"] else ""
        microseconds = f"{1e6 * row['seconds']['normwise']['median']:.1f}"
        figures = ", ".join(f"{what} {value:.2g}" for what, value in row["figures"].items())
        table.add_row(row["kind"], row["metric"], shape, gradient, microseconds, *cells, figures)
    return table


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
