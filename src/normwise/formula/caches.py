"""How much is remembered of formulas: texts, the orders of a norm and factors come without end."""

from __future__ import annotations

import functools

FORMULAS = 1 << 8
"""Results of a function that are remembered: the least recently used goes first."""

per_formula = functools.lru_cache(FORMULAS)
"""Decorates a function of formulas. What holds a kernel holds its code: so this bounds the code in memory, too."""
