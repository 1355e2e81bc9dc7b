"""What becomes of calls while Redis is away, hangs, or comes back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.redis_ledger import Ledger
from modelwire_service.limits.redis_limiter import LEASE_SECONDS, RedisLimiter
from redis.asyncio import from_url
from support.limits import SeenRedis, limited
from support.redis_server import PASSWORD, RedisServer, running_redis

AWAY, BACK = "limits are counted in memory", "limits are counted in Redis again"


@pytest.fixture
def logged() -> Iterator[Callable[[str], Awaitable[object]]]:
    """Waits until a line has been logged that was not waited for before."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    handler = logging.Handler()
    handler.emit = lambda record: lines.put_nowait(record.getMessage())  # type: ignore[method-assign]

    async def logs(line: str) -> None:
        async with asyncio.timeout(20):
            assert await lines.get() == line

    logger = logging.getLogger("modelwire.limits")
    logger.addHandler(handler)
    yield logs
    logger.removeHandler(handler)


@asynccontextmanager
async def limiting(url: str) -> AsyncIterator[RedisLimiter]:
    limiter = RedisLimiter(url)
    try:
        yield limiter
    finally:
        await limiter.close()


@asynccontextmanager
async def ledger_of(url: str) -> AsyncIterator[Ledger]:
    ledger = Ledger(url, LEASE_SECONDS)
    try:
        yield ledger
    finally:
        await ledger.close()


Logged = Callable[[str], Awaitable[object]]


async def test_calls_are_counted_on_while_redis_is_away(redis_server: RedisServer, logged: Logged) -> None:
    caller = limited(requests=4)
    async with limiting(redis_server.url) as limiter:
        await limiter.admit(caller)
        await limiter.admit(caller)
        redis_server.stop()
        await limiter.admit(caller)
        await logged(AWAY)
        await limiter.admit(caller)
        with pytest.raises(LimitExceeded):
            await limiter.admit(caller)


async def test_redis_decides_again_once_it_is_back(redis_server: RedisServer, logged: Logged) -> None:
    caller = limited(concurrency=4)
    async with limiting(redis_server.url) as here, limiting(redis_server.url) as there:
        under_way = [await here.admit(caller)]
        redis_server.stop()
        under_way.append(await here.admit(caller))
        await logged(AWAY)
        under_way.append(await here.admit(caller))
        redis_server.start()
        await logged(BACK)
        await there.admit(caller)
        with pytest.raises(LimitExceeded):  # a Redis that had forgotten them was told of the calls under way
            await there.admit(caller)
        for lease in under_way:
            lease.end(0)
        for _ in under_way:
            await here.admit(caller)
        with pytest.raises(LimitExceeded):
            await here.admit(caller)


async def test_a_redis_that_hangs_keeps_nobody_waiting(redis_server: RedisServer, logged: Logged) -> None:
    caller = limited(concurrency=1000)
    async with limiting(redis_server.url) as limiter:
        await limiter.admit(caller)
        with redis_server.hanging():
            began = time.monotonic()
            leases = await asyncio.gather(*(limiter.admit(caller) for _ in range(600)))
            assert time.monotonic() - began < 2
            await logged(AWAY)
            for lease in leases[:300]:
                lease.end(0)
        await logged(BACK)
        async with from_url(redis_server.url) as client:
            (await limiter.admit(caller)).end(0)
            assert await SeenRedis(client).running() in (301, 302)


async def test_a_redis_that_comes_back_is_told_of_however_many_calls(redis_server: RedisServer, logged: Logged) -> None:
    caller, leases = limited(concurrency=1_000_000), [f"0123456789abcdef-{number}" for number in range(100_000)]
    async with ledger_of(redis_server.url) as ledger, from_url(redis_server.url) as client:
        redis_server.stop()
        assert await ledger.ask(caller, "asked") is None
        await logged(AWAY)
        for lease in leases:
            ledger.begin(caller, lease)
        redis_server.start()
        await logged(BACK)
        assert await SeenRedis(client).running() == len(leases)
        with redis_server.hanging():
            assert await ledger.ask(caller, "asked again") is None
            await logged(AWAY)
            for lease in [*leases, "asked again"]:
                ledger.end(caller, lease, 0)
        await logged(BACK)
        assert await SeenRedis(client).running() == 0


async def test_calls_that_begin_and_end_while_redis_is_away_leave_nothing_behind(tmp_path: Path) -> None:
    probes: asyncio.Queue[None] = asyncio.Queue()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        probes.put_nowait(None)

    caller, path = limited(tokens=60, concurrency=100), str(tmp_path / "redis.sock")
    server = await asyncio.start_unix_server(hang_up, path)
    async with server, ledger_of(f"unix://{path}") as ledger, asyncio.timeout(20):
        await ledger.ask(caller, "first")
        ledger.end(caller, "first", 0)
        for number in range(3):
            assert await ledger.ask(caller, str(number)) is None
            ledger.begin(caller, str(number))
            await probes.get()
            await probes.get()
            ledger.end(caller, str(number), 5)
        assert [list(part.ended) for part in ledger._debts.take()] == [["first"]]


async def test_a_process_that_is_busy_itself_does_not_take_redis_for_away(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caller = limited(requests=60)
    async with limiting(redis_server.url) as limiter:
        await limiter.admit(caller)
        for turns in range(0, 12, 2):
            asking = asyncio.create_task(limiter.admit(caller))
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(0.3)  # noqa: ASYNC251 - the loop stands still meanwhile
            await asking
    assert not caplog.records


async def test_closing_does_not_wait_for_a_redis_that_hangs(redis_server: RedisServer) -> None:
    caller = limited(tokens=60, concurrency=1)
    limiter = RedisLimiter(redis_server.url)
    lease = await limiter.admit(caller)
    with redis_server.hanging():
        lease.end(30)
        async with asyncio.timeout(5):
            await limiter.close()


async def test_a_redis_that_was_never_there_is_told_once(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.stop()
    async with limiting(redis_server.url) as limiter:
        for _ in range(3):
            await limiter.admit(limited(requests=60))
    fields = {"redis": redis_server.url.removeprefix("unix://"), "error": "ConnectionRefusedError"}
    assert [(record.getMessage(), vars(record)["fields"]) for record in caplog.records] == [(AWAY, fields)]


@pytest.mark.parametrize("setting", ["maxmemory", "min-replicas-to-write"])
async def test_a_redis_that_takes_nothing_counts_as_away(
    redis_server: RedisServer, logged: Logged, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    caller = limited(requests=1)
    async with limiting(redis_server.url) as limiter, from_url(redis_server.url) as client:
        await client.config_set(setting, 1)
        await limiter.admit(caller)
        await logged(AWAY)
        with pytest.raises(LimitExceeded):
            await limiter.admit(caller)
        async with SeenRedis(client).commands("evalsha") as once_more:
            await once_more()
            await once_more()
        assert caplog.messages == [AWAY]
        await client.config_set(setting, 0)
        await logged(BACK)


async def test_scripts_that_redis_forgot_are_sent_again(redis_server: RedisServer) -> None:
    caller = limited(requests=2, concurrency=2)
    async with limiting(redis_server.url) as limiter, from_url(redis_server.url) as client:
        await limiter.admit(caller)
        await client.script_flush()
        assert dict((await limiter.admit(caller)).headers)["x-ratelimit-remaining-requests"] == "0"
        assert await SeenRedis(client).running() == 2


@pytest.mark.parametrize("sent", [PASSWORD, "planted-wrong"])
async def test_a_password_is_used_and_never_logged(
    redis_program: str, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_redis(redis_program, PASSWORD) as server:
        url = server.url.replace("unix://", f"unix://:{quote(sent, safe='')}@")
        async with limiting(url) as limiter:
            await limiter.admit(limited(requests=60))
            server.stop()
            await limiter.admit(limited(requests=60))
            assert "planted" not in repr(vars(limiter))
    assert [vars(record)["fields"]["error"] for record in caplog.records if record.getMessage() == AWAY]
    assert "planted" not in caplog.text
    assert not [record for record in caplog.records if "planted" in repr(vars(record))]
