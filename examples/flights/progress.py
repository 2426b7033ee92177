"""A progress bar for training: how many digits of the loss have settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import log10

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from examples.flights.model import SETTLED


@contextmanager
def training_progress(console: Console) -> Iterator[Callable[[str], Callable[[float, float], None]]]:
    """Show a bar for each model: called with a model's name, it gives what `train` reports to."""
    columns = (
        TextColumn("training by {task.description:17}"),
        BarColumn(20),
        TextColumn("{task.completed:2.0f} of {task.total:.0f} digits settled  loss {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:

        def follow(name: str) -> Callable[[float, float], None]:
            digits = -log10(SETTLED)
            task = progress.add_task(name, total=digits, loss="")

            def report(loss: float, change: float) -> None:
                settled = digits if change < SETTLED else max(0.0, -log10(change))
                progress.update(task, completed=settled, loss=f"{loss:.6f}")

            return report

        yield follow
