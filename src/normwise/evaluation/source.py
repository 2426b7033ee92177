"""What is evaluated, whatever it is: a frame of Narwhals, and where the columns that were named stand in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Any, TypeAlias

import narwhals as nw

from normwise.engines.frames import Frame, Row, rows_of
from normwise.evaluation import errors
from normwise.evaluation.keys import Decoder, as_is, nanoseconds, typed_key

Kind: TypeAlias = Any
"""A type of Narwhals."""


@dataclass(frozen=True)
class Source:
    """Columns by the names that their user knows. A frame's own are never mentioned by name.

    To an engine a name may be a pattern (``*`` and ``^.*$`` are to polars) or the same as another in other letters.
    """

    frame: Frame
    where: str
    """What to call it in an error."""
    numbers: Mapping[str, nw.Expr]
    keys: Mapping[str, nw.Expr]
    decoders: Mapping[str, Decoder]
    collect: Callable[[Frame], list[Row]] = rows_of
    notes: tuple[str, ...] = ()
    exact: Callable[[], Source] | None = None
    """The same with all digits of integers, for when `collect` raises an `InexactError`."""


class InexactError(Exception):
    """A query has met an integer that float64 may not have."""


def source_of(given: Any, numbers: Sequence[str], keys: Sequence[str]) -> Source:
    """A data frame as a source."""
    where = "the data frame"
    try:
        frame = nw.from_native(_plain(given, keys))
        # Narwhals takes columns of one name for one in DuckDB, and refuses them elsewhere.
        names = [*given.columns] if frame.implementation.is_duckdb() else frame.collect_schema().names()
    except TypeError:
        raise errors.not_a_frame(given) from None
    except nw.exceptions.DuplicateError as error:
        raise errors.names_repeat(where, str(error).partition("- ")[2]) from None
    for name in (*numbers, *keys):
        if name not in names:
            raise errors.no_such_column(name, names, where)
        if names.count(name) > 1:
            raise errors.names_repeat(where, repr(name))
    wanted = {name: nw.nth(names.index(name)) for name in (*numbers, *keys)}
    kinds = frame.collect_schema()
    check_kinds({name: kinds[name] for name in numbers}, {name: kinds[name] for name in keys})
    if frame.implementation.is_duckdb():
        return _of_relation(given, where, numbers, keys)
    found = {name: _key(frame, name, wanted[name], kinds[name]) for name in keys}
    return Source(
        frame,
        where,
        {name: wanted[name] for name in numbers},
        {name: expression for name, (expression, _) in found.items()},
        {name: decoder for name, (_, decoder) in found.items()},
    )


def _plain(given: Any, keys: Sequence[str]) -> Any:
    """An Arrow table without dictionaries of keys, of which Arrow's engine groups no nulls and no two of one column."""
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is None or not isinstance(given, pyarrow.Table):
        return given
    for i, field in enumerate(given.schema):
        if field.name in keys and pyarrow.types.is_dictionary(field.type):
            given = given.set_column(i, field.name, given.column(i).cast(field.type.value_type))
    return given


def check_kinds(numbers: Mapping[str, Kind], keys: Mapping[str, Kind]) -> None:
    """What is summed is numeric, and a key is one value."""
    for name, kind in numbers.items():
        if not kind.is_numeric():
            raise errors.not_numeric(name, kind)
    for name, kind in keys.items():
        if kind.is_nested():
            raise errors.not_a_key(name, kind)


def _of_relation(relation: Any, where: str, numbers: Sequence[str], keys: Sequence[str]) -> Source:
    """A relation of DuckDB, to which a name in an expression may be a star."""
    from duckdb import SQLExpression

    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in (*numbers, *keys)}
    found = [typed_key(types[name]) for name in keys]
    columns = [quoted[name] for name in numbers]
    columns += [key.sql.replace("{}", quoted[name]) for name, key in zip(keys, found, strict=True)]
    frame = nw.from_native(relation.select(*(SQLExpression(sql).alias(f"v{i}") for i, sql in enumerate(columns))))
    return Source(
        frame,
        where,
        {name: nw.nth(i) for i, name in enumerate(numbers)},
        {name: nw.nth(i) for i, name in enumerate(keys, len(numbers))},
        {name: key.decoder for name, key in zip(keys, found, strict=True)},
    )


def _key(frame: Frame, name: str, column: nw.Expr, kind: Kind) -> tuple[nw.Expr, Decoder]:
    """A column to group by, and what its values are."""
    if kind == nw.Object and isinstance(frame, nw.DataFrame):
        _check_hashable(name, frame.select(key=column)["key"].to_list())
    if kind == nw.Datetime and kind.time_unit == "ns" and frame.implementation.is_polars():  # hands out microseconds
        return column.dt.timestamp("ns"), partial(nanoseconds, zone=UTC if kind.time_zone else None)
    return (column.cast(nw.Float32) if str(kind) == "Float16" else column), as_is  # pandas groups by no halves


def _check_hashable(name: str, values: Sequence[Any]) -> None:
    for value in values:
        try:
            hash(value)
        except TypeError:
            raise errors.not_a_key(name, f"a {type(value).__name__}") from None
