"""Programs that several modules are tried on: starting them takes longer than asking them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.guarded import Guarded, Keys, answering, database_in, guarded


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Guarded, Keys]]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = Keys.made(database_in(folder))
    async with guarded(folder, environment={"MODELWIRE_LOG_LEVEL": "debug"}) as running_ones:
        yield running_ones, keys


@pytest.fixture
def asking(programs: tuple[Guarded, Keys]) -> Guarded:
    """Programs that ask for a key, in front of an upstream that answers."""
    answering(programs[0].upstream)
    return programs[0]


@pytest.fixture
def keys(programs: tuple[Guarded, Keys]) -> Keys:
    return programs[1]
