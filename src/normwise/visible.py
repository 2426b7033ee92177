"""Text that others wrote, such as the name of a column or a file, shown so that it cannot act on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of what is no sign: controls, formats (direction, zero width), surrogates, ends of lines."""


def python_escape(sign: str) -> str:
    r"""Return a character as Python escapes it.

    Examples
    --------
    >>> print(python_escape("\x1b"))
    \x1b
    """
    return sign.encode("unicode_escape").decode()


def visible(text: str, escaped: Callable[[str], str] = python_escape) -> str:
    r"""Return a text in which what is no sign is escaped, as Python writes it.

    A terminal obeys control characters: they rename its window, forge a row, or (U+202E) turn the text around. Spaces
    and letters of all scripts stay as they are, and so does a backslash.

    Parameters
    ----------
    text : str
    escaped : callable, optional
        How such a character is written.

    Examples
    --------
    >>> print(visible("\x1b]0;mine\x07 a\r\nb \u202ecod.exe"))
    \x1b]0;mine\x07 a\r\nb \u202ecod.exe
    >>> print(visible("Zoë 東京 a\\b"))
    Zoë 東京 a\b
    """
    if text.isprintable():
        return text
    return "".join(escaped(sign) if unicodedata.category(sign) in _HIDDEN else sign for sign in text)


def visible_lines(text: str, escaped: Callable[[str], str] = python_escape) -> str:
    r"""Return a text of lines, each of them visible.

    Examples
    --------
    >>> print(visible_lines("a\n\x1b[2Jb"))
    a
    \x1b[2Jb
    """
    return "\n".join(visible(line, escaped) for line in text.split("\n"))


def json_escape(sign: str) -> str:
    r"""Return a character as JSON escapes it.

    Examples
    --------
    >>> print(json_escape("\u202e"), json_escape("\U000e0041"))
    \u202e \udb40\udc41
    """
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
