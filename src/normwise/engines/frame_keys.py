"""Values of columns to group by, as every engine is to hand them out."""

from __future__ import annotations

from typing import Any, cast

import numpy as np


def plain_key(value: Any) -> Any:
    """A value without what only one library knows: its ways to miss one, its scalars, the sign of zero.

    Examples
    --------
    >>> plain_key(float("nan")), plain_key(np.int64(3)), plain_key("nan")
    (None, 3, 'nan')
    """
    if _is_missing(value):
        return None
    if isinstance(cast(object, value), (np.bool_, np.number)) and value.dtype.kind in "biuf":
        return plain_key(value.item())
    return value + 0.0 if isinstance(value, float) else value


def _is_missing(value: Any) -> bool:
    """Whether it is None, nan, NaT, or pandas' NA, which is neither true nor false."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True
