"""Formats of files: nothing of how DuckDB reads them is left for it to guess."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from normwise.evaluation import errors, sql
from normwise.evaluation.csv_headers import csv_headers
from normwise.evaluation.header import Header
from normwise.evaluation.json_headers import json_headers
from normwise.evaluation.keys import TEXT_KEY, Key, json_key, typed_key
from normwise.evaluation.parquet_headers import parquet_headers
from normwise.evaluation.places import Place


@dataclass(frozen=True)
class Format:
    """How the files of an ending are read.

    Attributes
    ----------
    name : str
    function : str
        DuckDB's.
    headers : callable
        From places, the columns that are wanted, and a way to run SQL: the header of each file.
    key : callable
        From the name of a column and its type.
    text : str
        The SQL of a value's text, where a pair of braces is the column; nothing where values have types.
    as_texts, as_numbers : str
        Options for reading columns as texts, and for having DuckDB read numbers itself.
    """

    name: str
    function: str
    headers: Callable[[Sequence[Place], Sequence[str], sql.Query], Iterator[Header]]
    key: Callable[[str, str], Key]
    text: str
    as_texts: str = ""
    as_numbers: str = ""


def _csv(name: str, *delimiters: str) -> Format:
    absent = f"nullstr={sql.listed(sql.ABSENT)}"
    return Format(
        name, "read_csv", csv_headers(delimiters), lambda name, type: TEXT_KEY, "{}", "allow_quoted_nulls=false", absent
    )


def _json(layout: str) -> Format:
    # A text that is a number is one; true and false are none.
    return Format(
        "JSON", "read_json", json_headers(layout), lambda name, type: json_key(name), "trim(CAST({} AS VARCHAR), '\"')"
    )


FORMATS: Mapping[str, Format] = {
    ".csv": _csv("CSV", ",", ";", "\t", "|"),
    ".tsv": _csv("TSV", "\t"),
    ".parquet": Format("Parquet", "read_parquet", parquet_headers, lambda name, type: typed_key(type), ""),
    ".jsonl": _json("newline_delimited"),
    ".ndjson": _json("newline_delimited"),
    ".json": _json("auto"),
}


def format_of(places: Sequence[Place]) -> Format:
    """The one format of all the files."""
    examples: dict[str, str] = {}
    for place in places:
        if place.ending not in FORMATS:
            raise errors.unknown_format(place.shown, FORMATS)
        examples.setdefault(place.ending, place.shown)
    if len({FORMATS[ending].name for ending in examples}) > 1:
        raise errors.mixed_formats(examples)
    # A .json among .jsonl: DuckDB finds out for each file.
    return FORMATS[".json" if ".json" in examples else next(iter(examples))]
