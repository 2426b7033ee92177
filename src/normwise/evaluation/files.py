"""Files as one relation of DuckDB, which reads them in pieces, so they may be larger than memory."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from normwise.engines.frames import Frame, Row, rows_of
from normwise.engines.watch import Progress, watched
from normwise.errors import InputError
from normwise.evaluation import errors

Result = TypeVar("Result")

ABSENT = ["", "NA", "N/A", "null", "NULL", "None"]
"""What a CSV file writes for a value that is missing, beside nan."""


@dataclass(frozen=True)
class Format:
    """How DuckDB reads the files of an ending.

    Attributes
    ----------
    method : str
        The method of a connection.
    options : dict
        Its options.
    types : str or None
        The option that sets the types of columns, where the file has none of its own.
    whole : bool
        Whether `types` has to name all columns that are wanted.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    types: str | None = None
    whole: bool = False


REPORTING = "SET enable_progress_bar = true; SET enable_progress_bar_print = false"
"""Without it DuckDB knows nothing of a query's progress; with the bar alone it prints its own."""

_CSV = {"header": True, "na_values": ABSENT}
FORMATS: Mapping[str, Format] = {
    ".csv": Format("read_csv", _CSV, "dtype"),
    ".tsv": Format("read_csv", _CSV | {"sep": "\t"}, "dtype"),
    ".parquet": Format("read_parquet"),
    ".jsonl": Format("read_json", {"format": "newline_delimited"}, "columns", whole=True),
    ".ndjson": Format("read_json", {"format": "newline_delimited"}, "columns", whole=True),
    ".json": Format("read_json", {"format": "auto"}, "columns", whole=True),
}
_NO_NUMBERS = ("BOOLEAN", "DATE", "TIME", "STRUCT", "MAP", "UUID")
COMPRESSED = (".gz", ".zst")


def expand(patterns: Sequence[str | Path]) -> list[str]:
    """The files that paths and patterns name, in order; a file that exists is never taken for a pattern."""
    found: list[str] = []
    for pattern in map(str, patterns):
        if Path(pattern).is_file():
            found.append(pattern)
        elif Path(pattern).is_dir():
            raise errors.is_a_folder(pattern)
        else:
            matches = sorted(path for path in glob.glob(pattern, recursive=True) if Path(path).is_file())  # noqa: PTH207
            if not matches:
                raise errors.no_such_file(pattern)
            found.extend(matches)
    if not found:
        raise errors.nothing_given("file")
    return list(dict.fromkeys(found))


def format_of(paths: Sequence[str]) -> Format:
    """The one format of all the files."""
    examples: dict[str, str] = {}
    for path in paths:
        endings = [ending.lower() for ending in Path(path).suffixes]
        if endings and endings[-1] in COMPRESSED:
            endings.pop()
        if not endings or endings[-1] not in FORMATS:
            raise errors.unknown_format(path, FORMATS)
        examples.setdefault(endings[-1], path)
    if len({(FORMATS[ending].method, FORMATS[ending].options.get("sep")) for ending in examples}) > 1:
        raise errors.mixed_formats(examples)
    # A .json among .jsonl: DuckDB finds out for each file.
    return FORMATS[".json" if ".json" in examples else next(iter(examples))]


class Files:
    """Open files, and the connection that reads them."""

    def __init__(self, paths: Sequence[str], connection: Any) -> None:
        self.paths = list(paths)
        self.connection = connection
        self.format = format_of(paths)
        empty = next((path for path in paths if Path(path).stat().st_size == 0), None)
        if empty is not None:
            raise errors.no_rows(empty)

    def relation(self, numeric: Sequence[str], other: Sequence[str]) -> Any:
        """The rows of all files, matched by the names of columns: each file must have all that are asked for.

        Where a file says nothing of types, DuckDB guesses by the first rows: an integer there would make an error of
        the first fraction further down, so columns that are to be numeric are read as float64.
        """
        for path in self.paths if len(self.paths) > 1 else ():
            known = self._read([path]).columns
            for name in (*numeric, *other):
                if name not in known:
                    raise errors.no_such_column(name, known, path)
        relation = self._read(self.paths)
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        if self.format.types is None or not types.keys() >= {*numeric, *other}:
            return relation
        guessed = {name: types[name] for name in (*other, *numeric)}
        # A column of a CSV file whose first rows are empty is guessed to be text; JSON knows its texts.
        never = _NO_NUMBERS if not self.format.whole else (*_NO_NUMBERS, "VARCHAR")
        forced = {name: "DOUBLE" for name in numeric if not guessed[name].startswith(never)}
        return self._read(self.paths, **{self.format.types: (guessed if self.format.whole else {}) | forced})

    def _read(self, paths: Sequence[str], **options: Any) -> Any:
        read = getattr(self.connection, self.format.method)
        # DuckDB would take a name such as day[1].csv for a pattern.
        names = [glob.escape(path) for path in paths]
        options = {**self.format.options, **options}
        return self._run(lambda: watched(lambda: read(names, union_by_name=True, **options), self.connection))

    def rows(self, query: Frame, progress: Progress | None = None) -> list[Row]:
        """The rows of a query's result; `progress` is told the percentage that is done, again and again."""
        return self._run(lambda: rows_of(query, self.connection, progress))

    def _run(self, work: Callable[[], Result]) -> Result:
        """Run what reads the files, and say in a line why they cannot be read."""
        import duckdb

        try:
            return work()
        except duckdb.Error as error:
            raise errors.unreadable(error, self.paths) from error


@contextmanager
def opened(patterns: Sequence[str | Path]) -> Generator[Files]:
    """Files of one format, open while the context lasts."""
    paths = expand(patterns)
    try:
        import duckdb
    except ModuleNotFoundError:
        raise InputError("files are read by DuckDB, which is not installed: pip install 'normwise[cli]'") from None
    with tempfile.TemporaryDirectory(prefix="normwise-") as spill:  # DuckDB's own choice is the current folder
        connection = duckdb.connect(":memory:", config={"temp_directory": spill})
        # The statistics of a Parquet file know no nan, so by them DuckDB takes a test for nan as false.
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        connection.execute(REPORTING)
        try:
            yield Files(paths, connection)
        finally:
            with suppress(duckdb.Error):  # still in use, after an interrupt that a read did not heed
                connection.close()
