"""What the command line shows, by Rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from normwise.catalogue import Loss
from normwise.evaluation.result import Evaluation
from normwise.evaluation.table import Table, notes, tables

PATIENCE = 1.0
"""Seconds that pass before a progress bar is shown."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the tables and notes of an evaluation."""
    # As wide as the tables are: a terminal may break a line, a file and a pipe have no width, and nothing is cut off.
    console = Console(width=10_000, highlight=False)
    for table in tables(evaluation):
        console.print(_rich(table))
    for note in notes(evaluation):
        console.print(Text(note), soft_wrap=True)


def print_losses(losses: Iterable[Loss]) -> None:
    """Print each loss with its parameters and the first line of its documentation."""
    table = RichTable("loss", "parameters", "what it is", box=box.SIMPLE_HEAD)
    for loss in losses:
        parameters = ", ".join(f"{name}={value:g}" for name, value in loss.parameters.items())
        table.add_row(Text(loss.name), Text(parameters), Text(loss.documentation.partition("\n")[0]))
    Console(width=None if sys.stdout.isatty() else 10_000, highlight=False).print(table)


def _rich(table: Table) -> RichTable:
    found = RichTable(box=box.SIMPLE_HEAD, title=table.title or None, title_justify="left", title_style="bold")
    for i, name in enumerate(table.header):
        label = i < table.labels
        found.add_column(Text(name), justify="left" if label else "right", no_wrap=not label)
    for i, row in enumerate(table.rows):
        # Text, not str: square brackets are Rich's markup.
        last = table.closing and i == len(table.rows) - 2
        found.add_row(*(Text(cell.text, style="bold" if cell.strong else "") for cell in row), end_section=last)
    return found


class ProgressBar:
    """A bar on stderr, from `PATIENCE` seconds on, where stderr is a terminal."""

    def __init__(self) -> None:
        self.wanted = sys.stderr.isatty()
        self._start = time.monotonic()
        self._progress: Progress | None = None

    def update(self, percent: float) -> None:
        """Show how much is done."""
        if self._progress is None:
            if time.monotonic() - self._start < PATIENCE:
                return
            columns = TextColumn("reading"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.add_task("reading", total=100.0)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=percent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
