"""One pair of embedded models for all tests that call them."""

from collections.abc import AsyncIterator

import pytest_asyncio
from modelwire_service.upstreams.embedded.adapter import EmbeddedUpstream


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def embedded() -> AsyncIterator[EmbeddedUpstream]:
    """The embedded upstream, started, with its real models."""
    made = EmbeddedUpstream()
    await made.start()
    yield made
    await made.close()
