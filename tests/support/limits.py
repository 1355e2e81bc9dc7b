"""A caller with limits, and what Redis keeps of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from modelwire_service.access.caller import Caller, Limits
from redis.asyncio import Redis
from support.limited_process import CALLER_ID


def limited(requests: int | None = None, tokens: int | None = None, concurrency: int | None = None) -> Caller:
    """A caller with limits of requests and tokens a minute and of calls at once."""
    return Caller(id=CALLER_ID, limits=Limits(requests, tokens, concurrency))


class SeenRedis:
    """A look from outside at what is kept of the caller."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self._buckets = f"modelwire:limits:{{{CALLER_ID}}}"
        self._calls = f"modelwire:calls:{{{CALLER_ID}}}"

    async def running(self) -> int:
        return int(await self.client.zcard(self._calls))

    async def keys(self) -> set[str]:
        return {key.decode() async for key in self.client.scan_iter()}

    async def let_pass(self, seconds: float) -> None:
        """As if the buckets had last been looked at that much earlier."""
        await self.client.hincrbyfloat(self._buckets, "at", -seconds)

    @asynccontextmanager
    async def happening(self, event: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Gives a function that waits until the event, as Redis calls it (`expired`, `zadd`), happens once more."""
        await self.client.config_set("notify-keyspace-events", "EA")
        async with self.client.pubsub() as channel:
            await channel.subscribe(f"__keyevent@0__:{event}")
            assert await channel.get_message(timeout=10) is not None

            async def once_more() -> None:
                while await channel.get_message(ignore_subscribe_messages=True, timeout=10) is None:
                    pass

            yield once_more

    @asynccontextmanager
    async def commands(self, name: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Gives a function that waits until the command has been sent by anybody once more."""
        async with self.client.monitor() as monitor:

            async def once_more() -> None:
                while not (await monitor.next_command())["command"].lower().startswith(name):
                    pass

            yield once_more
