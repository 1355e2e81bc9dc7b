"""Starts the processes of a server with several workers."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence


async def started(module: str, files: Sequence[int]) -> Process:
    """A fresh interpreter with `module`, told the number of the first of the open `files` that it gets.

    In a session of its own a terminal's Ctrl-C does not reach it, but through the supervisor.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, str(files[0])), stdin=DEVNULL, pass_fds=files, start_new_session=True
    )
