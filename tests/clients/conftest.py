"""What the official clients are pointed at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.commands import run
from support.conversing import Conversation, Kind, conversing
from support.toolchains import needed_client
from support.tours import NODE, ROOT


@pytest.fixture
def base_url(embedded_url: str) -> str:
    """What a user gives an OpenAI client: REST in front of the embedded models, over either backend."""
    return f"{embedded_url}/v1"


@pytest.fixture(params=["gemini", "openai"])
async def conversation(request: pytest.FixtureRequest) -> AsyncIterator[Conversation]:
    """modelwire in front of a scripted model, behind the API of either kind."""
    kind: Kind = request.param
    async with conversing(kind) as conversation:
        yield conversation


@pytest.fixture
def talk_url(conversation: Conversation, backend: str) -> str:
    """What a user gives an OpenAI client to speak with the scripted model, over either backend."""
    return f"{conversation.stack.url(backend)}/v1"


@pytest.fixture
def talk_model(conversation: Conversation) -> str:
    """What the scripted model is called."""
    return conversation.model


@pytest.fixture
def typescript_project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a project that has the TypeScript client installed, with its tour."""
    needed_client(request, "typescript", NODE)
    folder = tmp_path / "project"
    folder.mkdir()
    run("tests/clients/typescript/install", str(folder), cwd=ROOT)
    return folder
