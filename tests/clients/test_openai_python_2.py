"""The official Python client of the major version before: the same tests, in an environment of its own."""

import asyncio
from pathlib import Path

from support.commands import run
from support.conversing import Conversation

HERE = Path(__file__).parent


def passes(python: str, tests: str, **variables: str) -> bool:
    """Whether the tests of a file pass in that interpreter."""
    options = ("-q", "--noconftest", "-p", "no:cacheprovider", "-p", "base_url_from_environment")
    told = {**variables, "PYTHONPATH": str(HERE)}
    return " passed in " in run(python, "-m", "pytest", *options, str(HERE / tests), variables=told)


def test_the_major_version_before_works_alike(openai2_python: str, base_url: str) -> None:
    assert passes(openai2_python, "test_openai_python.py", BASE_URL=base_url)


async def test_its_conversations_go_alike(openai2_python: str, conversation: Conversation) -> None:
    told = {"BASE_URL": f"{conversation.stack.local_url}/v1", "MODEL": conversation.model}
    assert await asyncio.to_thread(passes, openai2_python, "test_conversations_python.py", **told)
