"""Every error of an evaluation: one line that says what was given, what was expected, and the likely mend."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from normwise.errors import InputError, near_names


class ColumnError(InputError):
    """A column that is not there, is no number, or holds what it may not."""


class FileError(InputError):
    """A file that is not there, or cannot be read as what its name says it is."""


class EmptyInputError(InputError):
    """No row to evaluate."""


def no_such_column(name: str, known: Iterable[str], where: str) -> ColumnError:
    """`name` is not one of the columns of a frame or file."""
    return ColumnError(f"there is no column {name!r} in {where}: {near_names(name, known)}")


def not_numeric(name: str, kind: object) -> ColumnError:
    """A column of some other type than a number."""
    return ColumnError(f"column {name!r} is not numeric but {kind}: cast it, or name another")


def named_twice(what: str, name: str) -> InputError:
    """A prediction, loss or group that was given twice."""
    return InputError(f"{what} {name!r} is given twice: name it once")


def nothing_given(what: str) -> InputError:
    """No prediction, loss or file."""
    return InputError(f"there is no {what} to evaluate: name at least one")


def negative_weight(name: str, least: float) -> ColumnError:
    """Weights are how much a row counts."""
    return ColumnError(f"weight {name!r} is negative in some row (its least value is {least:g}): weights are 0 or more")


def no_rows(where: str) -> EmptyInputError:
    """A frame or file with columns alone, or not even those."""
    return EmptyInputError(f"{where} has no rows: there is nothing to evaluate")


def no_complete_row(
    prediction: str, target: str, weight: str | None, rows: int, weightless: int = 0
) -> EmptyInputError:
    """Each row misses one or the other, or has no weight."""
    columns = ", ".join(repr(name) for name in (target, prediction, weight) if name is not None)
    without = f", or a weight of 0, as {weightless:,} have" if weightless else ""
    return EmptyInputError(
        f"none of the {rows:,} rows is complete in the columns {columns}: each has one missing{without}"
    )


def further_arrays(name: str, arrays: Iterable[str]) -> InputError:
    """A loss that reads more than prediction and target."""
    first = next(iter(arrays))
    return InputError(
        f"the loss {name} reads {', '.join(arrays)} beside prediction and target: name a column, or give a number, "
        f"as in {name}:{first}=column"
    )


def not_a_frame(given: object) -> InputError:
    """Neither a data frame nor files."""
    return InputError(
        f"evaluate takes a data frame that Narwhals knows, or paths of files, not a {type(given).__name__}"
    )


def no_such_file(pattern: str) -> FileError:
    """Nothing under that name, or nothing that the pattern matches."""
    if any(sign in pattern for sign in "*?["):
        return FileError(f"no file matches {pattern}")
    path = Path(pattern)
    folder = path.parent
    siblings = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    near = near_names(path.name, siblings)
    return FileError(f"there is no file {pattern}" + (f": {near}" if near.startswith("did") else ""))


def is_a_folder(path: str) -> FileError:
    """A folder may hold anything."""
    return FileError(f"{path} is a folder: name its files, as in {Path(path) / '*.parquet'}")


def unknown_format(path: str, known: Iterable[str]) -> FileError:
    """The name's ending is not one that says how to read the file."""
    return FileError(f"{path} is none of the files that evaluate reads: {', '.join(known)}")


def mixed_formats(paths: Mapping[str, str]) -> FileError:
    """Files of more than one format; `paths` has an example of each."""
    return FileError(f"the files are of different formats ({', '.join(paths.values())}): evaluate takes one at a time")


def unreadable(error: Exception, paths: list[str]) -> InputError:
    """What DuckDB says of a file, in one line."""
    text = str(error)
    told = re.search(r"^\s*file = (.*)$|file [\"'](.*?)[\"']", text, re.MULTILINE | re.IGNORECASE)
    name = (told[1] or told[2]).strip() if told else paths[0] if len(paths) == 1 else f"one of the {len(paths)} files"
    line = re.search(r"(?:on Line: |in line )(\d+)", text)
    place = f"in line {line[1]} of {name}" if line else f"in {name}"
    if found := re.search(r'Error when converting column "(.*)"\. Could not convert string "(.*)" to', text):
        return ColumnError(f"column {found[1]!r} is not numeric: it is {found[2]!r} {place}")
    if found := re.search(r"Failed to cast value to numerical: (.*)", text):
        return ColumnError(f"a column is not numeric: it is {found[1]} {place}")
    lines = [part.strip() for part in text.partition("Error: ")[2].splitlines() if part.strip()] or [text]
    return FileError(f"cannot read {name}: {'; '.join(lines[: 3 if line else 1]).rstrip('.:')}")
