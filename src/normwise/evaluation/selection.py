"""The columns of files that an evaluation reads, as a source; and the place of a text that should be a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import narwhals as nw

from normwise.engines.frames import Frame, Row
from normwise.engines.watch import Progress
from normwise.errors import InputError
from normwise.evaluation import errors, sql
from normwise.evaluation.part import Part
from normwise.evaluation.source import InexactError, Source, check_kinds

_INTEGERS = ("BIGINT", "HUGEINT")


class Reader(Protocol):
    """What runs the queries, and says in one line why a file cannot be read."""

    def relation(self, query: str) -> Any: ...

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    def collect(self, query: Frame, progress: Progress | None = None) -> list[Row]: ...


@dataclass(frozen=True)
class Selection:
    """Columns of files, by the names that the files give them."""

    parts: Sequence[Part]
    numbers: tuple[str, ...]
    keys: tuple[str, ...]
    where: str
    """What to call the files in an error."""
    notes: tuple[str, ...]
    reader: Reader
    progress: Progress | None

    def source(self, types: Mapping[str, str]) -> Source:
        """The columns as a source; numbers that are texts have `types`, or are float64 that must not lose digits."""
        keys = [[part.key(name) for name in self.keys] for part in self.parts]
        for name, *each in zip(self.keys, *keys, strict=True):
            if len({key.decoder for key in each}) > 1:
                raise errors.mixed_types(name, self.where)
        queries = [
            part.select([*(part.number(name, types) for name in self.numbers), *(key.sql for key in each)])
            for part, each in zip(self.parts, keys, strict=True)
        ]
        frame = nw.from_native(self.reader.relation(" UNION ALL ".join(queries)))
        kinds = frame.collect_schema().dtypes()
        count = len(self.numbers)
        check_kinds(dict(zip(self.numbers, kinds, strict=False)), dict(zip(self.keys, kinds[count:], strict=True)))
        return Source(
            frame,
            self.where,
            {name: nw.nth(i) for i, name in enumerate(self.numbers)},
            {name: nw.nth(i) for i, name in enumerate(self.keys, count)},
            {name: keys[0][i].decoder for i, name in enumerate(self.keys)},
            lambda query: self._collect(query, exact=bool(types)),
            self.notes,
            lambda: self.source(self._types()),
        )

    def _types(self) -> dict[str, str]:
        """The types of numbers that are written as texts: of integers, where all are."""
        checks = [(name, type) for name in self.numbers for type in _INTEGERS]
        rows = [
            self.reader.rows(part.select([part.are_integers(*check) for check in checks]))[0] for part in self.parts
        ]
        fits = {check: all(flags) for check, *flags in zip(checks, *rows, strict=True)}
        return {name: next((type for type in _INTEGERS if fits[name, type]), "DOUBLE") for name in self.numbers}

    def _collect(self, query: Frame, exact: bool) -> list[Row]:
        """Run a query; where a text is no number, find its place, which the query cannot know."""
        import duckdb

        try:
            return self.reader.collect(query, self.progress)
        except InputError as error:
            if not isinstance(error.__cause__, duckdb.ConversionException):
                raise
            if not exact and sql.EXACT in str(error.__cause__):
                raise InexactError from error
            for part in self.parts if self.parts[0].format.text else ():
                for place in part.places:
                    self._find_text(part._replace(places=[place]))
            raise

    def _find_text(self, part: Part) -> None:
        """Raise the error of the first text of a file that is no number, if there is one."""
        flags = self.reader.rows(part.select([f"bool_or({part.is_no_number(name)})" for name in self.numbers]))[0]
        name = next((name for name, flag in zip(self.numbers, flags, strict=True) if flag), None)
        if name is None:
            return
        shown = part.places[0].shown
        try:  # DuckDB knows the line where it reads the numbers itself,
            self.reader.rows(part.select([f"count({part.column(name)})"], [name]))
        except InputError as error:
            raise errors.not_a_number(name, *errors.value_and_place(error.__cause__, shown)) from error
        # but takes true for a number of JSON.
        rows = part.select(["row_number() OVER ()", part.text(name), part.is_no_number(name)])
        row, value = self.reader.rows(f"SELECT v0, v1 FROM ({rows}) WHERE v2 LIMIT 1")[0]
        raise errors.not_a_number(name, value, f"in row {row:,} of {shown}")
