"""How many files, sockets included, this process may have open."""

import resource
from collections.abc import Callable
from contextlib import suppress


def raise_open_file_limit(set_limit: Callable[[int, tuple[int, int]], None] = resource.setrlimit) -> None:
    """Raises the limit as far as this process may: each connection is an open file, and so is each call upstream.

    Where the system does not do that, the limit stays: a hard limit may be infinite, or above what the kernel lets any
    process have.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        set_limit(resource.RLIMIT_NOFILE, (hard, hard))
