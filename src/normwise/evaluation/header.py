"""What the beginning of a file says: its columns, and how DuckDB is to read them."""

from __future__ import annotations

from typing import NamedTuple


class Header(NamedTuple):
    """Files whose headers are the same are read together."""

    names: tuple[str, ...]
    """The columns in order, exactly as the file has them."""
    types: tuple[str, ...]
    """DuckDB's."""
    options: str
    """Those of DuckDB's reader, as SQL."""
    columns: tuple[str, ...] = ()
    """What DuckDB is to call the columns of a file that has texts."""
    others: tuple[str, ...] = ()
    """More names that the file has, which are not read."""
    notes: tuple[str, ...] = ()
