"""Texts of SQL, in DuckDB's dialect: literals, and numbers that a file writes as texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

Query: TypeAlias = Callable[[str], list[tuple[Any, ...]]]
"""Run SQL and fetch its rows."""

ABSENT = ("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "null", "NULL", "None", "nan", "NaN")
"""What a text file writes for a number that is missing."""

EXACT = " has more digits than float64"
"""What an integer beyond 2^53 becomes, so that the query fails and is run again with integers."""

_INTEGER = "'[ \t]*[+-]?[0-9]+[ \t]*'"
_SAFE_LENGTH = 16
"""Integers of fewer signs are float64 exactly."""


def literal(text: str) -> str:
    """A text."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Iterable[str]) -> str:
    """A list of texts."""
    return f"[{', '.join(map(literal, texts))}]"


_MISSING = f"IN ({', '.join(map(literal, ABSENT))})"


def number(text: str) -> str:
    """A text as float64; an integer that float64 may not have is an error that tells of `EXACT`."""
    exact = f"strlen({text}) < {_SAFE_LENGTH} OR contains({text}, '.') OR NOT regexp_full_match({text}, {_INTEGER})"
    marked = f"{text} || {literal(EXACT)}"
    return f"CAST(CASE WHEN {text} {_MISSING} THEN NULL WHEN {exact} THEN {text} ELSE {marked} END AS DOUBLE)"


def number_of_type(text: str, type: str) -> str:
    """A text as a number of a type, whatever it loses."""
    return f"CAST(CASE WHEN {text} NOT {_MISSING} THEN {text} END AS {type})"


def are_integers(text: str, type: str) -> str:
    """Whether all texts are integers of a type, or missing."""
    return f"coalesce(bool_and({text} {_MISSING} OR {_is_integer(text, type)}), true)"


def _is_integer(text: str, type: str) -> str:
    return f"(regexp_full_match({text}, {_INTEGER}) AND TRY_CAST({text} AS {type}) IS NOT NULL)"


def is_no_number(text: str) -> str:
    """Whether a text is neither missing nor a number."""
    return f"({text} NOT {_MISSING} AND TRY_CAST({text} AS DOUBLE) IS NULL)"


INTERVALS = {
    "DURATION s": "to_seconds({})",
    "DURATION ms": "to_milliseconds({})",
    "DURATION us": "to_microseconds({})",
    "DURATION ns": "to_microseconds({} // 1000)",
}
"""Types that only Arrow knows, where a pair of braces is the column: DuckDB sees integers."""
