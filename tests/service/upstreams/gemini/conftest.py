from collections.abc import AsyncIterator

import pytest
from support.scripted_gemini import ScriptedGemini


@pytest.fixture
async def gemini() -> AsyncIterator[ScriptedGemini]:
    async with ScriptedGemini().listening() as listening:
        yield listening
