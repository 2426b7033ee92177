"""``python -m normwise``, and what the command ``normwise`` runs."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; Ctrl-C is heeded from the import on, and of no use while Python ends."""
    try:
        from normwise import cli

        cli.main()
    except KeyboardInterrupt:
        os._exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
