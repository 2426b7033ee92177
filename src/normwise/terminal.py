"""What the command line shows, by Rich."""

from __future__ import annotations

import codecs
import sys
import time
from collections.abc import Iterable
from io import TextIOWrapper
from types import TracebackType
from typing import Any, Self, TextIO, cast

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from normwise.catalogue import Loss
from normwise.catalogue.peers import LIBRARIES, peers_of
from normwise.evaluation.result import Evaluation
from normwise.evaluation.table import Table, notes, tables
from normwise.explanation.explain import Explanation, plain, spellings, title_of
from normwise.explanation.shape import number
from normwise.visible import python_escape, visible_lines

PATIENCE = 1.0
"""Seconds that pass before a progress bar is shown."""

NO_WIDTH = 10_000
"""What is wider than any table."""

PLOT_HEIGHT, NARROW, WIDEST = 14, 80, 120
"""Of a plot: rows, columns where there is no terminal, and at most so many."""

UNPAINTED = "simple"
"""plotext's theme that leaves the terminal its background."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the tables and notes of an evaluation."""
    # As wide as the tables are: a terminal may break a line, a file and a pipe have no width, and nothing is cut off.
    console = _Console(NO_WIDTH)
    for table in tables(evaluation):
        console.print(_rich(table))
    for note in notes(evaluation):
        console.print(_text(note), soft_wrap=True)


def print_losses(losses: Iterable[Loss]) -> None:
    """Print each loss with its parameters, what it estimates, what it is, and which libraries have it.

    On a terminal that is a paragraph for each, which is read at any width; elsewhere a line for each, for `grep`.
    """
    console = _Console()
    rows = [_row(loss) for loss in losses]
    if console.is_terminal:
        for name, parameters, estimates, what, elsewhere in rows:
            console.print(_text(name, "bold"))
            for title, fact in (("", what), ("with ", parameters), ("estimates ", estimates), ("in ", elsewhere)):
                if fact:
                    console.print(Padding(_text(title + fact), (0, 0, 0, 4)))
        return
    table = RichTable("loss", "parameters", "estimates", "what it is", "elsewhere", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(_text, row))
    console.print(table)


def _row(loss: Loss) -> tuple[str, str, str, str, str]:
    parameters = [*loss.further_arrays, *(f"{name}={plain(value)}" for name, value in loss.parameters.items())]
    elsewhere = dict.fromkeys(LIBRARIES[peer.library] for peer in peers_of(loss.name))
    what = loss.documentation.partition("\n")[0]
    return loss.name, ", ".join(parameters), loss.minimiser, what, ", ".join(elsewhere)


def print_explanation(told: Explanation) -> None:
    """Print what is known of a loss, with a plot of it and its slope."""
    console = _Console()
    console.print(_text(title_of(told), "bold"))
    for paragraph in told.loss.documentation.split("\n\n"):
        console.print(_text(" ".join(paragraph.split())))
    for title, text in spellings(told):
        console.print(_text(f"\n{title}", "bold"))
        console.print(_text(text), soft_wrap=True)
    console.print()
    _print_pairs(console, told.facts)
    if (sys.stdout.encoding or "").lower().startswith("utf"):
        console.print()
        print(_plot(told, console), end="")
    table = RichTable(told.at, "loss", "slope", "curvature", box=box.SIMPLE_HEAD)
    for column in table.columns:
        column.justify = "right"
    for point in told.points:
        table.add_row(*map(number, point))
    console.print(table)
    if told.aliases:
        console.print(_text("elsewhere", "bold"))
        _print_pairs(console, ((each.call, "; ".join(filter(None, [each.ours, each.note]))) for each in told.aliases))
        console.print()
    if told.usage:
        console.print(_text("to use it", "bold"))
    for line in told.usage:
        console.print(_text(line), soft_wrap=True)


def print_pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Print titles with texts beside them."""
    _print_pairs(_Console(), rows)


def _print_pairs(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Print titles with texts beside them; below them where a title takes half the width."""
    pairs = [*rows]
    width = max((len(title) for title, _ in pairs), default=0) + 2
    for title, text in pairs:
        if 2 * width > console.width:
            console.print(_text(title))
            console.print(Padding(_text(text), (0, 0, 0, 4)) if console.is_terminal else _text(f"    {text}"))
        elif console.is_terminal:
            line = RichTable.grid(padding=(0, 2))
            line.add_column(width=width - 2)
            line.add_row(_text(title), _text(text))
            console.print(line)
        else:
            console.print(_text(f"{title:<{width}}{text}"))


def _plot(told: Explanation, console: Console) -> str:
    """The loss and its slope, side by side; in colours on a terminal that has them."""
    try:
        import plotext  # a tenth of a second, which `normwise evaluate` need not wait
    except ModuleNotFoundError:
        return "for a plot: pip install 'normwise[cli]'\n"

    figure = plotext.figure
    figure.clear()
    figure.theme(UNPAINTED)
    figure.plot_size(min(console.width, WIDEST) if console.is_terminal else NARROW, PLOT_HEIGHT)
    figure.subplots(1, 2)
    at = [point.at for point in told.curve]
    drawn = (("loss", [point.value for point in told.curve]), ("slope", [point.slope for point in told.curve]))
    for i, (title, values) in enumerate(drawn, 1):
        plot = cast(Any, figure.subplot(1, i))
        plot.theme(UNPAINTED)
        plot.draw(plot.signal(at, values).lines())
        plot.title(f"{title}, by {told.at}")
    return str(figure.build().string(colorless=not console.is_terminal or console.no_color))


class _Console(Console):
    """As wide as the terminal; a file and a pipe have no width, and nothing is cut off."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__(width=width if width or sys.stdout.isatty() else NO_WIDTH, highlight=False)


def _text(text: str, style: str = "") -> Text:
    """A text that is shown as it is: square brackets are no markup, and no control character reaches the terminal."""
    return Text(visible_lines(text), style)


def _rich(table: Table) -> RichTable:
    title = _text(table.title, "bold") if table.title else None
    found = RichTable(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for i, name in enumerate(table.header):
        label = i < table.labels
        found.add_column(_text(name), justify="left" if label else "right", no_wrap=not label)
    for i, row in enumerate(table.rows):
        last = table.closing and i == len(table.rows) - 2
        found.add_row(*(_text(cell.text, "bold" if cell.strong else "") for cell in row), end_section=last)
    return found


ASCII = {"±": "+-", "─": "-"}
"""What stands for signs of ours where stdout has no such letters."""


def write_all_letters(stream: TextIO) -> None:
    """Let a stream write what its encoding has no letters for, in ASCII or escaped, instead of failing."""
    codecs.register_error("normwise", _unencodable)
    # The second is Python's choice in the locale C: it writes back what came in undecoded, and no other letter.
    if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors="normwise")


def _unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(ASCII.get(sign, python_escape(sign)) for sign in signs), error.end


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
