"""What to say where the library that an integration is for is not there."""

from __future__ import annotations


def missing(name: str, package: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error that says what to install."""
    message = f"normwise.integrations.{name} needs {error.name}: pip install {package}"
    return ModuleNotFoundError(message, name=error.name)
