"""Keys of groups: what a file or frame says as values of Python, one group for each, in order."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from normwise.engines.frame_keys import plain_key
from normwise.engines.frames import Sums
from normwise.evaluation import errors
from normwise.evaluation.sql import ABSENT, INTERVALS

Decoder: TypeAlias = Callable[[list[Any]], list[Any]]
"""From the values of a column, each once, to those that a group is known by."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?|-?inf(inity)?", re.IGNORECASE)
"""A number as programs write it: 007 and +1 are texts."""


def merged(sums: Sequence[Sums], decoders: Sequence[Decoder]) -> list[Sums]:
    """Groups under decoded keys, in order; keys that are the same value in Python are one group.

    Engines differ in what is one group: to some -0.0 is not 0.0, and nan is not null.
    """
    columns = [[*map(plain_key, decode([each.key[i] for each in sums]))] for i, decode in enumerate(decoders)]
    groups: dict[tuple[Any, ...], Sums] = {}
    for k, each in enumerate(sums):
        key = tuple(column[k] for column in columns)
        identity = tuple((isinstance(value, bool), value) for value in key)
        groups[identity] = groups[identity].merge(each, key) if identity in groups else replace(each, key=key)
    try:
        return sorted(groups.values(), key=lambda each: [_order(value) for value in each.key])
    except TypeError:  # complex numbers, tuples of anything, moments with and without a zone
        return sorted(groups.values(), key=lambda each: [(*_order(value)[:2], repr(value)) for value in each.key])


def as_is(values: list[Any]) -> list[Any]:
    """The values of a column that has a type."""
    return values


def numbers_or_texts(values: list[Any]) -> list[Any]:
    """Texts as numbers where all are numbers, but for those that are missing.

    Examples
    --------
    >>> numbers_or_texts(["1", "2.5", "NA", None]), numbers_or_texts(["1", "02"]), numbers_or_texts(["T", "NA"])
    ([1, 2.5, None, None], ['1', '02'], ['T', 'NA'])
    """
    texts = {text for text in values if text is not None and text not in ABSENT}
    numbers = {text: _number(text) for text in texts if _NUMBER.fullmatch(text)}
    if not texts or len(numbers) < len(texts) or None in numbers.values():
        return values
    return [numbers.get(text) for text in values]


def _number(text: str) -> float | None:
    number = int(text) if text.removeprefix("-").isdigit() else float(text)
    overflows = math.isinf(number) and "n" not in text.lower()
    return None if overflows else number


def _json_values(name: str) -> Decoder:
    def decode(values: list[Any]) -> list[Any]:
        decoded = [None if text is None else json.loads(text) for text in values]
        for value in decoded:
            if isinstance(value, (dict, list)):
                raise errors.not_a_key(name, "an object" if isinstance(value, dict) else "an array")
        return decoded

    return decode


def nanoseconds(values: list[Any], zone: tzinfo | None = None) -> list[Any]:
    """Nanoseconds since 1970 as moments, which have no more than microseconds, or as texts that have."""
    if any(value is not None and value % 1000 for value in values):
        return [
            None if value is None else f"{np.datetime64(value, 'ns')}{'+00:00' if zone else ''}" for value in values
        ]
    epoch = datetime(1970, 1, 1, tzinfo=zone)
    return [None if value is None else epoch + timedelta(microseconds=value // 1000) for value in values]


def _microseconds(values: list[Any]) -> list[Any]:
    """Microseconds since 1970 as moments of UTC."""
    return nanoseconds([None if value is None else 1000 * value for value in values], UTC)


class Key(NamedTuple):
    """How a column of keys is read: SQL, where a pair of braces is the column, and what its values are."""

    sql: str
    decoder: Decoder


TEXT_KEY = Key("{}", numbers_or_texts)
"""A key in a file of texts, or in the name of a folder."""

_TYPED: Mapping[str, Key] = {
    **{type: Key(sql, as_is) for type, sql in INTERVALS.items()},
    # DuckDB needs another package for these, or rounds them, when it hands them out.
    "TIMESTAMP_NS": Key("epoch_ns({})", nanoseconds),
    "TIMESTAMP WITH TIME ZONE": Key("epoch_us({})", _microseconds),
    "TIMESTAMPTZ_NS": Key("epoch_ns({})", partial(nanoseconds, zone=UTC)),
}


def typed_key(type: str) -> Key:
    """A key of one of DuckDB's types, or Arrow's."""
    return _TYPED.get(type, Key("{}", as_is))


@cache
def json_key(name: str) -> Key:
    """A key in JSON, of the column `name`."""
    return Key("CAST({} AS VARCHAR)", _json_values(name))


def _order(value: Any) -> tuple[bool, str, Any]:
    """Numbers, then the other types by their names, then what is missing."""
    if value is None:
        return True, "", 0
    kind = "" if isinstance(value, (int, float, Decimal)) else type(value).__name__
    return False, kind, value
