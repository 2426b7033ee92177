"""Headers of CSV files, which say nothing of how they are to be read: the columns that are wanted do."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from normwise.evaluation import errors
from normwise.evaluation.header import Header
from normwise.evaluation.places import Place
from normwise.evaluation.sql import Query, listed, literal

MOST_LINES = 1000
"""How many lines are searched for a header."""


class _Dialect(NamedTuple):
    line: int
    """The header's first, from 0."""
    end: int
    delimiter: str
    written: tuple[str, ...]
    commented: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns: after the # that NumPy's savetxt begins a header with."""
        if not self.commented:
            return self.written
        first, *others = self.written
        return first.lstrip().removeprefix("#").lstrip(), *others


def csv_headers(delimiters: Sequence[str]) -> Callable[[Sequence[Place], Sequence[str], Query], Iterator[Header]]:
    """Return a function for headers of files whose delimiter is one of several."""

    def headers(places: Sequence[Place], wanted: Sequence[str], query: Query) -> Iterator[Header]:
        for place in places:
            lines = _lines(place, query)
            dialect = _dialect(lines, delimiters, wanted, place.shown)
            passed = [line for line in lines[: dialect.line] if line.strip()]
            notes = (errors.lines_passed_over(place.shown, passed),) if passed else ()
            columns = tuple(f"c{i}" for i in range(len(dialect.names)))
            options = _options(place, dialect, columns, query)
            yield Header(dialect.names, ("VARCHAR",) * len(columns), options, columns, notes=notes)

    return headers


def _lines(place: Place, query: Query) -> list[str]:
    """The first lines, unpacked and decoded by DuckDB."""
    options = "delim='', quote='', escape='', comment='', strict_mode=false, header=false, auto_detect=false"
    file = listed([place.pattern])
    rows = query(f"SELECT line FROM read_csv({file}, {options}, columns={{'line': 'VARCHAR'}}) LIMIT {MOST_LINES}")
    return [line or "" for (line,) in rows]


def _dialect(lines: Sequence[str], delimiters: Sequence[str], wanted: Sequence[str], shown: str) -> _Dialect:
    """The header is the first line that no # introduces, or, where that has not the columns, the last one before.

    The columns that are wanted also tell the delimiter, and whether a # belongs to the first name.
    """
    first = 0
    if lines[:1] and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:  # Excel's
        delimiters, first = (lines[0][4],), 1
    candidates = [i for i in range(first, len(lines)) if lines[i].strip()]
    plain = next((i for i in candidates if not lines[i].lstrip().startswith("#")), None)
    commented = next((i for i in reversed(candidates) if plain is None or i < plain), None)
    found = [_split(lines, i, delimiter) for i in (plain, commented) if i is not None for delimiter in delimiters]
    if not found:
        raise errors.no_rows(shown)
    apart = [each._replace(commented=True) for each in found if each.line == commented]
    complete = [dialect for dialect in (*found, *apart) if set(wanted) <= set(dialect.names)]
    if complete:
        return complete[0]
    most = max(found, key=lambda each: (each.line == plain, len({*wanted} & {*each.names}), len(each.names)))
    _check_below(lines, most, delimiters, wanted, shown)
    return most


def _check_below(
    lines: Sequence[str], header: _Dialect, delimiters: Sequence[str], wanted: Sequence[str], shown: str
) -> None:
    """A title above the header is no comment, and what cannot be told from a row is not passed over."""
    for i in range(header.end, len(lines)):
        if any(set(wanted) <= set(_split(lines, i, delimiter).names) for delimiter in delimiters):
            raise errors.header_below(shown, i + 1)


def _split(lines: Sequence[str], start: int, delimiter: str) -> _Dialect:
    reader = csv.reader((line + "\n" for line in lines[start:]), delimiter=delimiter)
    try:
        names = next(reader, [])
    except csv.Error:  # a field that is too long
        names = []
    return _Dialect(start, start + reader.line_num, delimiter, tuple(names))


def _options(place: Place, dialect: _Dialect, columns: Sequence[str], query: Query) -> str:
    fixed = (
        f"auto_detect=false, delim={literal(dialect.delimiter)}, quote='\"', escape='\"', comment='', strict_mode=true"
    )
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    # DuckDB counts records, and a quote in a comment may join two lines to one.
    for skip in range(dialect.line, 0, -1):
        options = f"{fixed}, header=false, skip={skip}"
        rows = query(f"SELECT * FROM read_csv({listed([place.pattern])}, {options}, columns={{{types}}}) LIMIT 1")
        if rows == [tuple(name or None for name in dialect.written)]:
            return f"{fixed}, header=true, skip={skip}"
    if dialect.line:
        raise errors.unclear_start(place.shown, dialect.line)
    return f"{fixed}, header=true, skip=0"
