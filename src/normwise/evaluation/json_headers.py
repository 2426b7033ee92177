"""Headers of JSON files: the keys that their objects have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from normwise.evaluation import errors
from normwise.evaluation.header import Header
from normwise.evaluation.places import Place
from normwise.evaluation.sql import Query, listed, literal

SAMPLE = 1000
"""How many objects are asked for their keys at first."""


def json_headers(layout: str) -> Callable[[Sequence[Place], Sequence[str], Query], Iterator[Header]]:
    """Return a function for headers of files in DuckDB's `layout`."""

    def headers(places: Sequence[Place], wanted: Sequence[str], query: Query) -> Iterator[Header]:
        for place in places:
            names = _names(place, layout, query, f"LIMIT {SAMPLE}")
            if not names >= {*wanted}:  # a key that few objects have may come late
                names = _names(place, layout, query, "")
            if not names:
                raise errors.no_rows(place.shown)
            present = tuple(name for name in wanted if name in names)
            alike = [name for name in present if [other.lower() for other in present].count(name.lower()) > 1]
            if alike:
                raise errors.same_but_for_case(alike, place.shown)
            yield Header(present, ("JSON",) * len(present), f"format={literal(layout)}", present, tuple(names))

    return headers


def _names(place: Place, layout: str, query: Query, limit: str) -> set[str]:
    objects = f"SELECT json FROM read_json_objects({listed([place.pattern])}, format={literal(layout)}) {limit}"
    return {name for (name,) in query(f"SELECT DISTINCT unnest(json_keys(json)) FROM ({objects})")}
