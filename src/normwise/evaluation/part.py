"""Files with the same header, as a query of DuckDB: its columns by their names in the files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from normwise.evaluation import sql
from normwise.evaluation.formats import Format
from normwise.evaluation.header import Header
from normwise.evaluation.keys import TEXT_KEY, Key
from normwise.evaluation.places import Place

_PATH = "path of the file"
"""What DuckDB is to call a column of paths."""


class Part(NamedTuple):
    """Files that are read together."""

    format: Format
    header: Header
    places: Sequence[Place]

    def column(self, name: str) -> str:
        """The SQL of a column."""
        return f"c{self.header.names.index(name)}"

    def text(self, name: str) -> str:
        """The SQL of the text of a column that has no type."""
        return self.format.text.replace("{}", self.column(name))

    def number(self, name: str, types: Mapping[str, str]) -> str:
        """The SQL of a number, of some type or as float64 that must not lose digits."""
        if not self.format.text:
            kind = self.header.types[self.header.names.index(name)]
            return sql.INTERVALS.get(kind, "{}").replace("{}", self.column(name))
        text = self.text(name)
        return sql.number_of_type(text, types[name]) if types else sql.number(text)

    def are_integers(self, name: str, type: str) -> str:
        """The SQL of whether all numbers of a column are integers of a type."""
        return sql.are_integers(self.text(name), type)

    def is_no_number(self, name: str) -> str:
        """The SQL of whether a text is neither missing nor a number."""
        return sql.is_no_number(self.text(name))

    def key(self, name: str) -> Key:
        """A column to group by; one that the files have not stands in their path, as in ``year=2024/part.parquet``."""
        if name not in self.header.names:
            pattern = sql.literal(f"/{re.escape(name)}=([^/]*)/")
            value = f'url_decode(regexp_extract("{_PATH}", {pattern}, 1))'
            return Key(f"nullif({value}, '__HIVE_DEFAULT_PARTITION__')", TEXT_KEY.decoder)
        key = self.format.key(name, self.header.types[self.header.names.index(name)])
        return key._replace(sql=key.sql.replace("{}", self.column(name)))

    def select(self, columns: Sequence[str], numbers: Sequence[str] = ()) -> str:
        """A query of columns v0, v1, ...; DuckDB itself reads `numbers` as such."""
        header, format = self.header, self.format
        paths = sql.listed(place.pattern for place in self.places)
        options = [paths, header.options, format.as_numbers if numbers else format.as_texts]
        if header.columns:
            types = [
                "DOUBLE" if name in numbers else type for name, type in zip(header.names, header.types, strict=True)
            ]
            pairs = (f"{sql.literal(c)}: {sql.literal(type)}" for c, type in zip(header.columns, types, strict=True))
            options.append(f"columns={{{', '.join(pairs)}}}")
        options += ["hive_partitioning=false", f"filename={sql.literal(_PATH)}"]
        names = ", ".join(f"c{i}" for i in range(len(header.names)))
        selected = ", ".join(f"{column} AS v{i}" for i, column in enumerate(columns))
        return f"SELECT {selected} FROM {format.function}({', '.join(filter(None, options))}) AS f({names})"
