"""Every error of an evaluation: one line that says what was given, what was expected, and the likely mend."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from normwise.errors import InputError, near_names


class ColumnError(InputError):
    """A column that is not there, is no number, or holds what it may not."""


class FileError(InputError):
    """A file that is not there, or cannot be read as what its name says it is."""


class EmptyInputError(InputError):
    """No row to evaluate."""


def no_such_column(name: str, known: Iterable[object], where: str) -> ColumnError:
    """`name` is not one of the columns of a frame or file."""
    names = [*known]
    flat = all(isinstance(each, str) for each in names)
    mend = "" if flat else "; names of columns are texts: rename them, as in frame.columns = [str(c) for c in frame]"
    return ColumnError(f"there is no column {name!r} in {where}: {near_names(name, map(str, names))}{mend}")


def names_repeat(where: str, name: str) -> ColumnError:
    """Two columns of one name, of which one is wanted."""
    return ColumnError(f"{where} has columns of one name, {name}: rename one")


def not_a_name(what: str, given: object) -> ColumnError:
    """Something else than a text."""
    return ColumnError(f"{what} names a column by a text, not by {given!r} ({type(given).__name__})")


def not_a_key(name: str, kind: object) -> ColumnError:
    """A column of what is no single value."""
    return ColumnError(f"cannot group by column {name!r}, which holds {kind}: name a column of single values")


def mixed_types(name: str, where: str) -> ColumnError:
    """A key whose values in one file cannot be those in another."""
    return ColumnError(f"column {name!r} is of several types in {where}: cast it to one")


def not_a_number(name: str, value: str, place: str) -> ColumnError:
    """A text in a column that is to be summed."""
    return ColumnError(f"column {name!r} is not numeric: it is {_shortened(value)} {place}")


def same_but_for_case(names: Iterable[str], where: str) -> ColumnError:
    """Columns that DuckDB takes for one."""
    return ColumnError(f"the columns {' and '.join(map(repr, names))} of {where} differ in case alone: rename one")


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
        return FileError(f"no file matches {_shortened(pattern)}")
    path = Path(pattern)
    folder = path.parent
    siblings = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    near = near_names(path.name, siblings)
    return FileError(f"there is no file {pattern}" + (f": {near}" if near.startswith("did") else ""))


def cannot_open(path: str, error: OSError | ValueError) -> FileError:
    """What the system says."""
    why = error.strerror if isinstance(error, OSError) else str(error)
    return FileError(f"cannot open {_shortened(path)}: {why}")


def dangling_link(path: str, target: str) -> FileError:
    """A link to what is not there."""
    return FileError(f"{path} is a link to {target}, which is not there")


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:100]}... ({len(text):,} characters)"


def is_a_folder(path: str) -> FileError:
    """A folder may hold anything."""
    return FileError(f"{path} is a folder: name its files, as in {Path(path) / '*.parquet'}")


def is_a_device(path: str) -> FileError:
    """Some have no end."""
    return FileError(f"{path} is a device: name a file or a pipe")


def unknown_format(path: str, known: Iterable[str]) -> FileError:
    """The name's ending is not one that says how to read the file."""
    return FileError(f"{path} is none of the files that evaluate reads: {', '.join(known)}")


def lines_passed_over(path: str, lines: Sequence[str]) -> str:
    """A note, no error: what stands before the header."""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"not read as rows of {path}: the line {textwrap.shorten(lines[0], 60)!r}{more} before the header"


def header_below(path: str, line: int) -> FileError:
    """Lines before the header that are no comments."""
    return FileError(
        f"the columns are named in line {line} of {path}: delete the lines before it, or begin them with #"
    )


def unclear_start(path: str, lines: int) -> FileError:
    """Comments whose quotes swallow the header."""
    return FileError(f"cannot read the first {lines} lines of {path}, before the header: delete them")


def mixed_formats(paths: Mapping[str, str]) -> FileError:
    """Files of more than one format; `paths` has an example of each."""
    return FileError(f"the files are of different formats ({', '.join(paths.values())}): evaluate takes one at a time")


def value_and_place(error: BaseException | None, name: str) -> tuple[str, str]:
    """The value that DuckDB could not read as a number, and where it stands in the file `name`."""
    text = str(error)
    if match := re.search(r"Could not convert string \"(.*?)\" to 'DOUBLE'", text, re.DOTALL):
        return repr(match[1]), _place(text, name)
    match = re.search(r"Failed to cast value to numerical: (.*)", text)
    return match[1] if match else "a text", _place(text, name)


def _place(text: str, name: str) -> str:
    line = re.search(r"(?:on Line: |in line )(\d+)", text)
    return f"in line {line[1]} of {name}" if line else f"in {name}"


def unreadable(error: Exception, shown: Mapping[str, str]) -> InputError:
    """What DuckDB says of files, in one line; `shown` holds what the user calls each."""
    text = str(error)
    said = re.search(r"^\s*file = (.*)$|file [\"'](.*?)[\"']", text, re.MULTILINE | re.IGNORECASE)
    path = (said[1] or said[2]).strip() if said else next(iter(shown)) if len(shown) == 1 else ""
    name = shown.get(path, path) or f"one of the {len(shown)} files"
    place = _place(text, name)
    if match := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        few = "fewer" if int(match[2]) < int(match[1]) else "more"
        return FileError(f"cannot read {name}: there are {few} fields {place.partition(' of ')[0]} than in the header")
    if "not utf-8 encoded" in text:
        return FileError(f"cannot read {name}: it is not UTF-8 {place.partition(' of ')[0]}: save it as UTF-8")
    if "state machine reached an invalid state" in text:
        why = "its lines end in different ways, or a quote stands where it may not"
        return FileError(f"cannot read {name}: {why}")
    parts = [part.strip() for part in text.partition("Error: ")[2].splitlines()]
    lines = [part for part in parts if part and not part.startswith("Try setting")] or [text]  # options that we set
    for real, given in shown.items():
        lines = [part.replace(real, given) for part in lines]
    lines = [*map(_shortened, lines)]
    return FileError(f"cannot read {name}: {'; '.join(lines[: 3 if place.startswith('in line') else 1]).rstrip('.:')}")
