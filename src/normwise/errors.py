"""The errors that a caller can mend: each says what was given, what was expected, and the likely mend."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import NoReturn

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


def no_attribute(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """A module's error for a name that it does not have."""
    text = f"module {module!r} has no attribute {name!r}"
    # Python itself looks for many private names, and does not read what is said of them.
    return AttributeError(text if name.startswith("_") else f"{text}: {near_names(name, known)}")


def missing(what: str, package: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error of something whose library is not installed: it says what to install."""
    return ModuleNotFoundError(f"{what} needs {error.name}: pip install {package}", name=error.name)


def absent(name: str, error: ModuleNotFoundError) -> Callable[..., NoReturn]:
    """What stands for a public name whose library is not installed: a function that says so when it is called.

    To raise sooner would break all that looks at the names of a module: `hasattr`, `help`, `inspect`.
    """

    def stand_in(*arguments: object, **keywords: object) -> NoReturn:
        raise ModuleNotFoundError(str(error), name=error.name) from error

    stand_in.__name__ = stand_in.__qualname__ = name
    stand_in.__doc__ = f"{error}."
    return stand_in
