"""``python -m normwise``, and what the command ``normwise`` runs."""

from __future__ import annotations

import os
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; Ctrl-C is heeded while it is imported, too."""
    try:
        from normwise import cli
    except KeyboardInterrupt:
        os._exit(130)
    cli.main()


if __name__ == "__main__":
    main()
