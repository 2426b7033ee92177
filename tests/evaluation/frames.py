"""The kinds of data frame that tests give to evaluate."""

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

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
