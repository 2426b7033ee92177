"""The catalogue: declarations only, one short function for each loss.

A module of this package is a page of the catalogue; whatever it decorates with `loss` is in `losses`.
"""

from __future__ import annotations

import importlib
import pkgutil

from normwise.catalogue.declaration import Interval, Loss, declare
from normwise.catalogue.registry import losses

__all__ = ["BUILT_IN", "Interval", "Loss", "declare", "losses"]

_PAGES = ("regression", "quantiles", "robust", "adaptive", "relative", "means", "likelihood", "deviance")
"""The order in which the pages are shown; further ones follow."""

for _page in dict.fromkeys((*_PAGES, *(page.name for page in pkgutil.iter_modules(__path__)))):
    importlib.import_module(f"{__name__}.{_page}")

BUILT_IN = frozenset(losses)
"""The names of the catalogue's own losses, which keep their meaning."""
