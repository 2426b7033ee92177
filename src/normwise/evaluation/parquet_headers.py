"""Headers of Parquet files: their schemas."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence

from normwise.evaluation.header import Header
from normwise.evaluation.places import Place
from normwise.evaluation.sql import Query, literal

_DURATION = 18
"""Its number among the types of Arrow."""
_UNITS = ("s", "ms", "us", "ns")


def parquet_headers(places: Sequence[Place], wanted: Sequence[str], query: Query) -> Iterator[Header]:
    """Yield the header of each file, from its schema: DuckDB renames columns that differ in case alone."""
    for place in places:
        path = literal(place.pattern)
        rows = iter(query(f"SELECT name, num_children FROM parquet_schema({path})"))
        _, count = next(rows)
        names = tuple(_column(rows) for _ in range(count))
        types = [str(row[1]) for row in query(f"DESCRIBE SELECT * FROM read_parquet({path}, hive_partitioning=false)")]
        for (schema,) in query(f"SELECT value FROM parquet_kv_metadata({path}) WHERE key = 'ARROW:schema'"):
            durations = _durations(schema)
            types = [durations.get(name, type) for name, type in zip(names, types, strict=True)]
        yield Header(names, tuple(types), "")


def _column(rows: Iterator[tuple[str, int | None]]) -> str:
    """The name of the next column, past those within it."""
    name, children = next(rows)
    for _ in range(children or 0):
        _column(rows)
    return name


def _durations(schema: bytes) -> Mapping[str, str]:
    """The columns that are durations to Arrow, and integers to Parquet; by its format of messages."""
    data = base64.b64decode(schema)

    def at(kind: str, place: int) -> int:
        return struct.unpack_from(kind, data, place)[0]

    def target(place: int) -> int:
        return place + at("<I", place)

    def member(table: int, number: int) -> int:
        """Where a member of a table stands; 0 where it has its default."""
        index = table - at("<i", table)
        entry = 4 + 2 * number
        offset = at("<H", index + entry) if entry < at("<H", index) else 0
        return table + offset if offset else 0

    message = target(8)  # past a mark and the length
    fields = target(member(target(member(message, 2)), 1))
    found: dict[str, str] = {}
    for i in range(at("<I", fields)):
        field = target(fields + 4 + 4 * i)
        if at("<B", member(field, 2)) == _DURATION:
            name, unit = target(member(field, 0)), member(target(member(field, 3)), 0)
            text = data[name + 4 : name + 4 + at("<I", name)].decode()
            found[text] = f"DURATION {_UNITS[at('<h', unit) if unit else 1]}"
    return found
