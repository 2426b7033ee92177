"""The results that are kept: of one whole run, with parts that were measured again since."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
ROWS = ("rows", "distances")
"""The lists of rows: of losses; of norms and distances."""
MEASURED = ("seconds", "figures", "date")
"""What a measurement tells; the rest of a row says what was measured."""


def elsewhere(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what results were measured with that is another now: their ratios do not belong into one table."""
    return [
        f"{name} {value}, now {now[part].get(name)}"
        for part in ("machine", "versions")
        for name, value in kept[part].items()
        if value != now[part].get(name)
    ]


def merged(kept: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return kept results with the rows that were measured now in their places; all else stays, and each its date."""
    whole = {**kept, "versions": now["versions"]}
    for part in ROWS:
        rows = [{"date": kept["date"], **row} for row in kept.get(part, [])]
        whole[part] = [*{_about(row): row for row in [*rows, *now[part]]}.values()]
    return whole


def dates(results: dict[str, Any], rows: Iterable[dict[str, Any]]) -> str:
    """Return when some rows were measured: a day, or the first and the last."""
    days = sorted({row.get("date", results["date"]) for row in rows} or {results["date"]})
    return " to ".join(dict.fromkeys((days[0], days[-1])))


def _about(row: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in row.items() if key not in MEASURED}, sort_keys=True)
