"""The server that the tables are held against."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from reliability.deadlines import SOON
from reliability.rig import Rig, running_rig
from support.callers import DOORS


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rig() -> AsyncIterator[Rig]:
    async with running_rig() as running:
        yield running


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> str:
    """The door a call comes through; tests that take it run once at each."""
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def impatient_rig() -> AsyncIterator[Rig]:
    """One that gives calls little time where their callers give none."""
    async with running_rig(default_deadline=SOON) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def full_rig() -> AsyncIterator[Rig]:
    """One that takes a single call at once."""
    async with running_rig(calls_at_once=1) as running:
        yield running
