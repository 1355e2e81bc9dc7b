"""The tours, in all languages, of a server in front of a scripted upstream: each prints the same transcript."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.commands import run
from support.programs import COMMAND, Program, running
from support.toolchains import needed_client
from support.toured_upstream import TouredUpstream
from support.tours import FOLDER, ROOT, TOURS, TRANSCRIPT, Tour

A_TRANSCRIPT = r"""models: all-minilm-l6-v2, smollm2-135m-instruct
chat: \S.* \(FINISH_REASON_(STOP|LENGTH)\)
stream: \S.*
tool call: get_weather\(\{[^}]*\}\)
tool answer: \S.*
embeddings: 2 vectors of 384 values
error: INVALID_ARGUMENT temperature: must be between 0 and 2
deadline: DEADLINE_EXCEEDED
cancel: CANCELLED
"""
TRIES = 5
"""How often a tour is taken at the most: on a busy machine 50 ms may be over before the story is asked for upstream."""
PROMPT = 5
"""Within how many seconds a request upstream is closed at the latest, on a machine with much else to do."""


@pytest.fixture
async def upstream() -> AsyncIterator[TouredUpstream]:
    async with TouredUpstream().listening() as upstream:
        yield upstream


@asynccontextmanager
async def serving(upstream: TouredUpstream, state: Path) -> AsyncIterator[dict[str, str]]:
    """Serves that upstream to callers with a key; has the variables that tell a tour of both."""
    environment = {"OPENAI_BASE_URL": upstream.url, "XDG_STATE_HOME": str(state)}
    key = await asyncio.to_thread(run, COMMAND, "keys", "create", "tourist", variables=environment)
    doors = ("--grpc-address", "127.0.0.1:0", "--no-http")
    program = running("serve", *doors, environment=environment)
    server = await asyncio.to_thread(program.__enter__)
    try:
        yield {"MODELWIRE_GRPC_ADDRESS": server.grpc_address, "MODELWIRE_API_KEY": key.strip()}
    finally:
        await asyncio.to_thread(program.__exit__, None, None, None)


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.source)
async def test_a_tour_prints_what_all_do(
    tour: Tour, upstream: TouredUpstream, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    needed_client(request, tour.language, *tour.programs)
    out = tmp_path / "out"
    out.mkdir()
    if tour.build:
        await asyncio.to_thread(run, *tour.command(tour.build, out), cwd=ROOT)
    async with serving(upstream, tmp_path) as variables:
        for _ in range(TRIES):
            upstream.stories.clear()
            printed = await asyncio.to_thread(run, *tour.command(tour.run, out), variables=variables, cwd=ROOT)
            assert printed == TRANSCRIPT
            if len(upstream.stories) == 2:
                break
        # Both are broken off, though they have no end: one at its deadline, one by whoever heard it.
        assert len(upstream.stories) == 2
        async with asyncio.timeout(PROMPT):
            await asyncio.gather(*(left.wait() for left in upstream.stories))


def test_a_newcomers_tour_goes_to_the_embedded_models(server: Program) -> None:
    variables = {"MODELWIRE_GRPC_ADDRESS": server.grpc_address}
    printed = run(sys.executable, str(FOLDER / "tour.py"), variables=variables)
    assert re.fullmatch(A_TRANSCRIPT, printed)


def test_every_tour_is_taken() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.name != "__pycache__"} == {tour.source for tour in TOURS}
