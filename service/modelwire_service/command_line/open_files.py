"""How many files, sockets included, this process may have open."""

import resource


def raise_open_file_limit() -> None:
    """Raises the limit as far as this process may: each connection is an open file, and so is each call upstream."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
