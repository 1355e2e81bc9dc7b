"""Scripts run in Redis, many in one round trip, none for longer than a quarter of a second."""

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from redis.asyncio import Redis, from_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

PATIENCE_SECONDS: Final = 0.23
GRACE_SECONDS: Final = 0.02
_NO_TIMEOUTS: Final[dict[str, Any]] = {"socket_timeout": None, "socket_connect_timeout": None}
_FORMS: Final = "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… or unix://PATH"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script, and what it is called with."""

    script: str
    keys: Sequence[str]
    arguments: Sequence[str | int | float]


class RedisConnection:
    """Where `scripts` run: the Redis at a URL (`redis://`, `rediss://` or `unix://`).

    Nothing it says of itself has the URL's password. Raises ValueError for a URL of another form, and does not show it.
    """

    def __init__(self, url: str, scripts: Sequence[str]) -> None:
        try:
            # One limit of time, in `run`, bounds all: the client itself neither tries again nor looks at the clock.
            # A connection, which is not opened here, is made for what is wrong with options in the URL.
            self._client: Redis = from_url(url, retry=Retry(NoBackoff(), 0), **_NO_TIMEOUTS)
            self._client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        except (ValueError, TypeError):
            raise ValueError(f"must be {_FORMS}") from None
        self._digests = {script: _digest(script) for script in scripts}
        self._loaded = False

    @property
    def address(self) -> str:
        """HOST:PORT or a path."""
        given = self._client.connection_pool.connection_kwargs
        return str(given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}")

    async def run(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """The answers of all calls, in their order.

        Raises TimeoutError, OSError or redis.RedisError; then some of the calls may have been carried out.
        """
        return await _in_time(self._run(calls))

    async def close(self) -> None:
        """Raises what `run` does."""
        await _in_time(self._client.aclose())

    async def _run(self, calls: Sequence[ScriptCall]) -> list[Any]:
        if not self._loaded:
            await self._load()
        answers = await self._send(calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # it was started again, and has none of them
            await self._load()
            answers = await self._send(calls)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _load(self) -> None:
        for script in self._digests:
            await self._client.script_load(script)
        self._loaded = True

    async def _send(self, calls: Sequence[ScriptCall]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            pipeline.evalsha(self._digests[call.script], len(call.keys), *call.keys, *call.arguments)
        return await pipeline.execute(raise_on_error=False)


async def _in_time(work: Coroutine[Any, Any, _Result]) -> _Result:
    """What `work` returns. Where it takes too long nobody waits for it to stop, either.

    Answers that came while this process itself was busy are there by the end of the grace.
    """
    task = asyncio.create_task(work)
    for seconds in (PATIENCE_SECONDS, GRACE_SECONDS):
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    task.cancel()
    raise TimeoutError


def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
