"""What kind of numbers an array of any library holds; NumPy's extensions by `ml_dtypes` (bfloat16, float8) included."""

from __future__ import annotations

from typing import Any

import array_api_compat


def isdtype(xp: Any, dtype: Any, kind: str | tuple[str, ...]) -> bool:
    """Return what the namespace's own ``isdtype`` does, where NumPy's raises for a dtype that is an extension."""
    if not is_extension(dtype):
        return bool(xp.isdtype(dtype, kind))
    own = next((family for part, family in _FAMILIES.items() if part in dtype.name), "integral")
    return own in ((kind,) if isinstance(kind, str) else kind)


def is_extension(dtype: Any) -> bool:
    """Whether NumPy knows a dtype by the package `ml_dtypes` alone."""
    return getattr(getattr(dtype, "type", None), "__module__", "") == "ml_dtypes"


def is_half(xp: Any, dtype: Any) -> bool:
    """Whether a dtype is of fractions in fewer than 32 bits, which are computed in float32."""
    # The standard itself has none, and its dtypes need no size.
    return getattr(dtype, "itemsize", 8) < 4 and isdtype(xp, dtype, "real floating")


_FAMILIES = {"complex": "complex floating", "float": "real floating"}


def widest(xp: Any) -> Any:
    """Return the widest dtype of fractions that a namespace has: JAX has float64 only where it is set to."""
    if not array_api_compat.is_jax_namespace(xp):
        return xp.float64
    from jax.dtypes import canonicalize_dtype

    return canonicalize_dtype(xp.float64)
