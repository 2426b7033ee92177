"""The errors that a caller can mend: each says what was given, what was expected, and the likely mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from normwise.visible import visible, visible_lines


class InputError(ValueError):
    """What was given cannot be computed."""

    def __str__(self) -> str:
        return visible(super().__str__())


class FormulaError(InputError):
    """A text that is no formula: its message may show the text on a line of its own, and point to the place."""

    def __str__(self) -> str:
        return visible_lines(ValueError.__str__(self))


class ShapeMismatchError(InputError, RuntimeError):
    """Arrays whose shapes differ, where nobody asked for broadcasting; a RuntimeError too, for torch's that do not."""


class ParameterError(InputError, RuntimeError):
    """A parameter outside its domain; a RuntimeError too, for that is what torch raises."""


class DtypeError(InputError, NotImplementedError):
    """A dtype that a loss is not defined for; a NotImplementedError too, for that is what torch raises."""


class LayoutError(InputError, NotImplementedError):
    """A tensor that does not lie in memory element by element, such as a sparse one."""


class DimensionError(InputError, IndexError, RuntimeError):
    """A dimension out of range (torch raises IndexError) or named twice (torch raises RuntimeError)."""


class DeviceError(InputError, RuntimeError):
    """Tensors on different devices; a RuntimeError too, for that is what torch raises."""


MOST_NAMES = 20
"""How many names an error lists at most."""


def near_names(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the known names that `name` may have meant."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(map(_shown, near))}?"
    if not names:
        return "there are none"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"there are {', '.join(map(_shown, names[:MOST_NAMES]))}{more}"


def _shown(name: str) -> str:
    """A name in quotes where its blanks would not be seen."""
    return name if name and name == name.strip() else repr(name)
