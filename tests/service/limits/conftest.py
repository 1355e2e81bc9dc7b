"""Real Redises."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import from_url
from support.limits import SeenRedis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[SeenRedis]:
    """What the Redis at `redis_url` keeps."""
    async with from_url(redis_url) as client:
        yield SeenRedis(client)
