"""Clients in other processes in conversation over either kind of upstream: each prints what became of it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from support.commands import run
from support.conversing import Conversation

HERE = Path(__file__).parent
NODE_FOLDER = HERE / "node"
LOOP = {"text": "Oslo: 4. Lima: 19. ", "cities": ["Oslo", "Lima"]}
VERDICT = {"reason": "sun", "mood": "good"}
OUTCOME = {
    "loop": LOOP,
    "streamed loop": LOOP,
    "streamed": {"text": "Hello.", "usage": 5},
    "structured": VERDICT,
    "streamed structured": VERDICT,
}
REASONS = {"reasons": ["tool-calls", "stop"]}


async def outcome_of(conversation: Conversation, program: str, script: Path) -> Any:
    variables = {"BASE_URL": f"{conversation.stack.local_url}/v1", "MODEL": conversation.model}
    printed = await asyncio.to_thread(run, program, script.name, cwd=script.parent, variables=variables)
    return json.loads(printed)


async def test_the_official_node_client(node: str, conversation: Conversation) -> None:
    assert await outcome_of(conversation, node, NODE_FOLDER / "conversation.openai.mjs") == OUTCOME


async def test_the_ai_sdk(node: str, conversation: Conversation) -> None:
    found = await outcome_of(conversation, node, NODE_FOLDER / "conversation.ai-sdk.mjs")
    assert found == OUTCOME | {"loop": LOOP | REASONS, "streamed loop": LOOP | REASONS}


async def test_langchain(langchain_python: str, conversation: Conversation) -> None:
    assert await outcome_of(conversation, langchain_python, HERE / "langchain_client.py") == OUTCOME
