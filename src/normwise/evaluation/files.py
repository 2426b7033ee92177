"""Files as one relation of DuckDB, which reads them in pieces, so they may be larger than memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from normwise.engines.frames import Frame, Row, rows_of
from normwise.engines.watch import Progress, load_duckdb, watched
from normwise.errors import InputError
from normwise.evaluation import errors
from normwise.evaluation.formats import format_of
from normwise.evaluation.header import Header
from normwise.evaluation.part import Part
from normwise.evaluation.places import Place, places_of
from normwise.evaluation.selection import Selection
from normwise.evaluation.source import Source

Result = TypeVar("Result")

SETTINGS: Mapping[str, Any] = {
    # No name of a file makes DuckDB fetch code.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # The statistics of a Parquet file know no nan, so by them DuckDB takes a test for nan as false. Each IN of a list,
    # as in the numbers of a text, becomes a join, again for each time that a query uses the number.
    "disabled_optimizers": "statistics_propagation,in_clause",
}

REPORTING = "SET enable_progress_bar = true; SET enable_progress_bar_print = false"
"""Without it DuckDB knows nothing of a query's progress; with the bar alone it prints its own."""


class Files:
    """Open files, and the connection that reads them."""

    def __init__(self, places: Sequence[Place], connection: Any) -> None:
        self.places = list(places)
        self.connection = connection
        self.format = format_of(places)
        empty = next((place for place in places if Path(place.path).stat().st_size == 0), None)
        if empty is not None:
            raise errors.no_rows(empty.shown)

    def source(self, numbers: Sequence[str], keys: Sequence[str], progress: Progress | None = None) -> Source:
        """The rows of all files, matched by the names of columns: each file must have all that are wanted."""
        wanted = [*dict.fromkeys((*numbers, *keys))]
        headers = self._run(lambda: [*self.format.headers(self.places, wanted, self._rows)])
        parts: dict[Header, list[Place]] = {}
        for place, header in zip(self.places, headers, strict=True):
            _check_names(place, header, numbers, keys)
            parts.setdefault(header._replace(others=(), notes=()), []).append(place)
        selection = Selection(
            [Part(self.format, *part) for part in parts.items()],
            tuple(numbers),
            tuple(keys),
            self.places[0].shown if len(self.places) == 1 else f"the {len(self.places)} files",
            tuple(note for header in headers for note in header.notes),
            self,
            progress,
        )
        return selection.source({})

    def relation(self, query: str) -> Any:
        """A query as a relation, not yet run."""
        return self._run(lambda: self.connection.sql(query))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._run(lambda: self._rows(query))

    def collect(self, query: Frame, progress: Progress | None = None) -> list[Row]:
        """The rows of a frame; `progress` is told the percentage that is done, again and again."""
        return self._run(lambda: rows_of(query, self.connection, progress))

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return watched(lambda: self.connection.sql(query).fetchall(), self.connection)

    def _run(self, work: Callable[[], Result]) -> Result:
        """Run what reads the files, and say in a line why they cannot be read."""
        import duckdb

        try:
            return work()
        except duckdb.Error as error:
            raise errors.unreadable(error, {place.path: place.shown for place in self.places}) from error


@contextmanager
def opened(patterns: Sequence[str | Path]) -> Generator[Files]:
    """Files of one format, open while the context lasts."""
    try:
        load_duckdb()
        import duckdb
    except ModuleNotFoundError:
        raise InputError("files are read by DuckDB, which is not installed: pip install 'normwise[cli]'") from None
    with tempfile.TemporaryDirectory(prefix="normwise-") as spill:  # DuckDB's own choice is the current folder
        places = places_of(patterns, Path(spill))
        connection = duckdb.connect(":memory:", config={"temp_directory": spill, **SETTINGS})
        connection.execute(REPORTING)
        try:
            yield Files(places, connection)
        finally:
            with suppress(duckdb.Error):  # still in use, after an interrupt that a read did not heed
                connection.close()


def _check_names(place: Place, header: Header, numbers: Sequence[str], keys: Sequence[str]) -> None:
    """Each column that is wanted stands in the file once; a key may stand in the names of its folders."""
    for name in (*numbers, *keys):
        count = header.names.count(name)
        if count > 1:
            raise errors.names_repeat(place.shown, repr(name))
        if count == 0 and (name in numbers or f"/{name}=" not in place.path):
            raise errors.no_such_column(name, header.others or header.names, place.shown)
