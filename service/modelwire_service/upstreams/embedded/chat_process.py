"""Runs the chat model's process: starts it, starts it again when it has died, ends it."""

import asyncio
import contextlib
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import orjson

from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.embedded import chat_worker

START_SECONDS = 20.0
STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """Where the chat model answers, and the key it asks for. Both change when its process is started again."""

    base_url: str
    key: str = field(repr=False)


class ChatServer(Protocol):
    """The chat model, wherever it runs."""

    @property
    def pid(self) -> int | None:
        """The process that runs, if one does and belongs to this one."""
        ...

    async def ensure_running(self) -> ChatAddress:
        """Where it answers. Raises UpstreamUnavailable where it cannot be started."""
        ...

    async def ended_within(self, seconds: float) -> bool:
        """Whether its process has ended, or does so soon."""
        ...

    async def close(self) -> None: ...


class ChatProcess:
    """The one process of the chat model. Belongs to the event loop it was started on."""

    def __init__(self, model_path: Path, *, start_seconds: float = START_SECONDS) -> None:
        self._command = [sys.executable, "-P", chat_worker.__file__, str(model_path)]
        self._start_seconds = start_seconds
        self._process: Process | None = None
        self._address: ChatAddress | None = None
        self._lock = asyncio.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process that runs, if one does."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def ensure_running(self) -> ChatAddress:
        """The address of the process, which is started if it does not run.

        Raises UpstreamUnavailable if it ends or says nothing for 20 seconds, and after `close`.
        """
        if self._address is not None and self.pid is not None:
            return self._address
        async with self._lock:
            if self._address is None or self.pid is None:
                self._address = await self._start()
            return self._address

    async def ended_within(self, seconds: float) -> bool:
        """Whether the process has ended, or does so soon."""
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), seconds)
            except TimeoutError:
                return False
        return True

    async def close(self) -> None:
        """Ends the process: politely, then by SIGTERM, then by SIGKILL, a second each. Leaves no zombie."""
        self._closed = True
        async with self._lock:
            await self._stop()

    async def _start(self) -> ChatAddress:
        if self._closed:
            raise UpstreamUnavailable("the embedded chat model has been shut down", sent=False)
        self._address = None
        key = secrets.token_urlsafe(32)
        environment = os.environ | {chat_worker.KEY_VARIABLE: key}
        # In a session of its own a terminal's Ctrl-C does not reach it, and calls can finish while the service drains.
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment, start_new_session=True
        )
        try:
            return ChatAddress(await self._first_words(self._process), key)
        except BaseException:
            await self._stop()
            raise

    async def _first_words(self, process: Process) -> str:
        """The address the process says it answers at."""
        stdout = cast(asyncio.StreamReader, process.stdout)
        try:
            line = await asyncio.wait_for(stdout.readline(), self._start_seconds)
        except TimeoutError:
            raise _not_started(f"gave no address within {self._start_seconds:g} s") from None
        if not line:
            raise _not_started(f"ended with exit status {await process.wait()}")
        said = orjson.loads(line)
        if "address" not in said:
            raise _not_started(f"reported {said['error']}")
        return f"{said['address']}/v1"

    async def _stop(self) -> None:
        process, self._process, self._address = self._process, None, None
        if process is None:
            return
        stdin = cast(asyncio.StreamWriter, process.stdin)
        for end in (stdin.close, process.terminate, process.kill):
            with contextlib.suppress(ProcessLookupError):
                end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
                return


def _not_started(what: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(
        f"the embedded chat model did not start: its process {what}. To see why, run "
        f"`echo | {chat_worker.KEY_VARIABLE}=x python -m {chat_worker.__name__} MODEL_PATH`; "
        "prebuilt xllamacpp needs a CPU with AVX2. Any other upstream can be configured instead.",
        sent=False,
    )
