"""Limits counted in a real Redis, by two limiters as if by two processes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from modelwire_service.access.caller import ANYONE, Caller
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.base import NO_LIMITS
from modelwire_service.limits.redis_limiter import RedisLimiter
from support.limits import SeenRedis, limited


@pytest.fixture
async def here(redis_url: str) -> AsyncIterator[RedisLimiter]:
    limiter = RedisLimiter(redis_url)
    yield limiter
    await limiter.close()


@pytest.fixture
async def there(redis_url: str) -> AsyncIterator[RedisLimiter]:
    limiter = RedisLimiter(redis_url)
    yield limiter
    await limiter.close()


async def refused(limiter: RedisLimiter, caller: Caller) -> float:
    """When to try again, as a caller is told who must be refused."""
    with pytest.raises(LimitExceeded) as raised:
        await limiter.admit(caller)
    assert raised.value.retry_after is not None
    return raised.value.retry_after


async def test_callers_without_limits_are_not_counted(here: RedisLimiter, redis: SeenRedis) -> None:
    assert await here.admit(ANYONE) is NO_LIMITS
    assert await redis.keys() == set()


async def test_requests_are_counted_together(here: RedisLimiter, there: RedisLimiter, redis: SeenRedis) -> None:
    caller = limited(requests=3)
    for limiter in (here, there, here):
        await limiter.admit(caller)
    assert 10 < await refused(there, caller) <= 20
    await redis.let_pass(20)
    await there.admit(caller)
    assert 10 < await refused(there, caller) <= 20


async def test_waiting_as_long_as_told_is_enough(there: RedisLimiter, here: RedisLimiter, redis: SeenRedis) -> None:
    caller = limited(requests=7)
    for _ in range(7):
        await here.admit(caller)
    for _ in range(5):
        await redis.let_pass(await refused(there, caller))
        await there.admit(caller)


async def test_tokens_are_paid_together_and_debts_are_waited_for(
    redis_url: str, there: RedisLimiter, redis: SeenRedis
) -> None:
    caller = limited(tokens=60)
    elsewhere = RedisLimiter(redis_url)
    (await elsewhere.admit(caller)).end(150)
    await elsewhere.close()
    assert 80 < await refused(there, caller) <= 91
    await redis.let_pass(91)
    await there.admit(caller)


async def test_calls_at_once_are_counted_together_until_they_end(
    here: RedisLimiter, there: RedisLimiter, redis: SeenRedis
) -> None:
    caller = limited(concurrency=2)
    first, second = await here.admit(caller), await there.admit(caller)
    assert await refused(here, caller) == 1.0
    first.end(0)
    first.end(0)
    await here.admit(caller)
    assert await refused(there, caller) == 1.0
    assert await redis.running() == 2
    second.end(0)


async def test_refused_calls_count_for_nothing(here: RedisLimiter, there: RedisLimiter) -> None:
    caller = limited(requests=60, concurrency=1)
    call = await here.admit(caller)
    for limiter in (here, there) * 5:
        await refused(limiter, caller)
    call.end(0)
    assert dict((await here.admit(caller)).headers)["x-ratelimit-remaining-requests"] == "58"


async def test_headers_tell_what_all_processes_used(here: RedisLimiter, there: RedisLimiter) -> None:
    caller = limited(requests=6, tokens=600)
    (await here.admit(caller)).end(100)
    await here.close()
    told = dict((await there.admit(caller)).headers)
    assert told["x-ratelimit-limit-requests"] == "6"
    assert told["x-ratelimit-remaining-requests"] == "4"
    assert 15 < float(told["x-ratelimit-reset-requests"].removesuffix("s")) <= 20
    assert told["x-ratelimit-limit-tokens"] == "600"
    assert 500 <= int(told["x-ratelimit-remaining-tokens"]) < 550
    assert 5 < float(told["x-ratelimit-reset-tokens"].removesuffix("s")) <= 10


async def test_many_calls_at_once_get_exactly_what_there_is(here: RedisLimiter, there: RedisLimiter) -> None:
    caller = limited(concurrency=40)
    asked = [limiter.admit(caller) for limiter in (here, there) for _ in range(600)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 40
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} == {LimitExceeded}


async def test_calls_that_give_up_waiting_hold_no_place(here: RedisLimiter, redis: SeenRedis) -> None:
    caller = limited(concurrency=50)
    for turns in range(30):
        asking = [asyncio.create_task(here.admit(caller)) for _ in range(20)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asking:
            task.cancel()
        for lease in await asyncio.gather(*asking, return_exceptions=True):
            if not isinstance(lease, BaseException):
                lease.end(0)
    held = [await here.admit(caller) for _ in range(50)]
    assert await redis.running() == 50
    for lease in held:
        lease.end(0)
    await here.close()
    assert await redis.running() == 0


async def test_what_is_kept_goes_by_itself_once_it_says_nothing(here: RedisLimiter, redis: SeenRedis) -> None:
    caller = limited(requests=6, tokens=60, concurrency=1)
    lease = await here.admit(caller)
    lease.end(30)
    await here.close()
    left = [await redis.client.pttl(key) for key in await redis.keys()]
    assert len(left) == 1
    assert 20_000 < left[0] <= 31_000


async def test_a_lease_outlasts_its_seconds_while_its_process_lives(redis_url: str, redis: SeenRedis) -> None:
    caller = limited(concurrency=1)
    holder, other = RedisLimiter(redis_url, lease_seconds=0.9), RedisLimiter(redis_url)
    async with redis.happening("zadd") as renewed:
        lease = await holder.admit(caller)
        for _ in range(1 + 4):
            await renewed()
    await refused(other, caller)
    lease.end(0)
    await holder.close()
    await other.admit(caller)
    await other.close()


async def test_a_limiter_that_is_closed_counts_in_memory(redis_url: str, redis: SeenRedis) -> None:
    caller = limited(requests=1)
    limiter = RedisLimiter(redis_url)
    await limiter.close()
    await limiter.admit(caller)
    await refused(limiter, caller)
    assert await redis.keys() == set()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://:planted-pass@h",
        "redis://:planted-pass/word@h",
        "redis://:planted-pass@h:port/0",
        "redis://:planted-pass@h/0?no_such_option=planted",
    ],
)
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="must be redis://") as raised:
        RedisLimiter(url)
    assert "planted" not in repr(raised.value)
    assert raised.value.__suppress_context__
