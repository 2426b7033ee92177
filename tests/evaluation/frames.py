"""The kinds of data frame and of file that tests give to evaluate."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

Columns = Mapping[str, Any]


def arrow(columns: Columns) -> pa.Table:
    return pa.table({name: pa.array(values, from_pandas=False) for name, values in columns.items()})


KINDS: Mapping[str, Callable[[Columns], Any]] = {
    "pandas": lambda columns: pd.DataFrame({name: [*values] for name, values in columns.items()}),
    "pandas nullable": lambda columns: arrow(columns).to_pandas().convert_dtypes(),
    "pandas arrow": lambda columns: arrow(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda columns: pl.from_arrow(arrow(columns)),
    "polars lazy": lambda columns: pl.from_arrow(arrow(columns)).lazy(),
    "pyarrow": arrow,
    "duckdb": lambda columns: duckdb.from_arrow(arrow(columns)),
}

WRITERS: Mapping[str, Callable[[pa.Table, str], object]] = {
    "polars.parquet": lambda table, path: pl.DataFrame(table).write_parquet(path),
    "pyarrow.parquet": pq.write_table,
    "duckdb.parquet": lambda table, path: duckdb.from_arrow(table).write_parquet(path),
    "polars.csv": lambda table, path: pl.DataFrame(table).write_csv(path),
}
"""Files by those who write them."""
SOURCES = (*KINDS, *WRITERS)


def source(name: str, columns: Columns, folder: Path) -> Any:
    """A frame, or the path of a file that has just been written."""
    if name in KINDS:
        return KINDS[name](columns)
    path = str(folder / name)
    WRITERS[name](arrow(columns), path)
    return path
