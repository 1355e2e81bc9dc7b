"""The `modelwire` command as a child process whose log is read."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

from support.programs import running

SECONDS = 30


@dataclass(frozen=True)
class LoggedProgram:
    """A running `modelwire`: its HTTP door, what it printed on start, and the lines of its log."""

    url: str
    printed: str
    lines: SimpleQueue[dict[str, Any]]

    def logged(self, *events: str) -> dict[str, Any]:
        """The next line of one of `events`; fails where none comes in half a minute."""
        while (line := self.lines.get(timeout=SECONDS))["event"] not in events:
            pass
        return line


@contextmanager
def running_with_log(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[LoggedProgram]:
    """Runs `modelwire ARGUMENTS` until the block ends; the block starts once it has printed its last line."""
    lines: SimpleQueue[dict[str, Any]] = SimpleQueue()
    read_end, write_end = os.pipe()
    with open(read_end) as log:
        reader = Thread(target=_read, args=(log, lines))
        reader.start()
        try:
            with (
                open(write_end, "w") as to_log,
                running(*arguments, "--log-format", "json", environment=environment, stderr=to_log.fileno()) as program,
            ):
                yield LoggedProgram(program.url, program.printed, lines)
        finally:
            reader.join()


def _read(log: IO[str], lines: SimpleQueue[dict[str, Any]]) -> None:
    for line in log:
        lines.put(json.loads(line))
