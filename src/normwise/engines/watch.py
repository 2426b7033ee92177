"""Work of DuckDB's, watched: its progress is reported, and Ctrl-C ends it at once."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import Event, Thread
from typing import Any, TypeVar

Result = TypeVar("Result")
Progress = Callable[[float], None]

POLL = 0.05
"""Seconds between two looks."""

PATIENCE = 100
"""So many looks a query has to end after an interrupt; one that waits for a pipe that nobody writes never does."""


def watched(work: Callable[[], Result], connection: Any, progress: Progress | None = None) -> Result:
    """Run work on a connection of DuckDB in a thread of its own, and return its result.

    A call of DuckDB notices a signal late or, if it fetches a result, when it is done, and raises a RuntimeError then.
    Here the calling thread is free to be interrupted: the query is stopped, the connection is idle again, and the
    KeyboardInterrupt goes up.

    Parameters
    ----------
    work : callable
        It takes nothing.
    connection : connection of DuckDB, or None
        Where the work is done; None where it is unknown, and the work is waited for.
    progress : callable, optional
        Called with the percentage done, which never falls, as often as DuckDB knows it.
    """
    results: list[Result] = []
    failures: list[BaseException] = []
    ended = Event()  # Thread.join takes an interrupted wait for the end of the thread, before Python 3.13

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again in the caller's thread
            failures.append(error)
        finally:
            ended.set()

    reached = 0.0
    try:
        Thread(target=run, name="normwise query", daemon=True).start()  # waits for its beginning, so within
        while not ended.wait(POLL):
            if progress is None or connection is None:
                continue
            if (percent := connection.query_progress()) >= reached:  # -1 where DuckDB does not know it
                reached = percent
                progress(percent)
    except BaseException:  # Ctrl-C most of all, or what `progress` raised
        _stop(ended, connection)
        raise
    if failures:
        raise failures[0]
    return results[0]


def load_duckdb() -> None:
    """Import DuckDB where no signal is handled: an interrupt within the import of its extension aborts the process."""
    watched(lambda: import_module("duckdb"), None)


def _stop(ended: Event, connection: Any) -> None:
    """Interrupt a query until it has ended: one that has not begun yet forgets an interrupt."""
    if connection is None:
        ended.wait()
        return
    for _ in range(PATIENCE):
        try:
            connection.interrupt()
            if ended.wait(POLL):
                return
        except KeyboardInterrupt:  # pressed again: it is being stopped
            continue
