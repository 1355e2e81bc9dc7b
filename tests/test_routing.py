"""Several upstreams behind one door: who is asked, under which name, and what callers see of it."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import httpx
import pytest
from support.scripted_upstream import ScriptedUpstream
from support.stack import Stack, openai_settings, running_stack


@dataclass(frozen=True)
class Door:
    """A modelwire with two upstreams, and the client in front of it."""

    left: ScriptedUpstream
    right: ScriptedUpstream
    stack: Stack
    client: httpx.AsyncClient

    async def ask(self, model: str) -> httpx.Response:
        request = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        return await self.client.post(f"{self.stack.local_url}/v1/chat/completions", json=request)

    def asked(self) -> dict[str, list[str]]:
        """The models each upstream was asked for."""
        both = {"left": self.left, "right": self.right}
        return {name: [body["model"] for body in upstream.seen] for name, upstream in both.items()}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """`left` has the weight 3, `right` 1; chance goes round in quarters."""
    quarters = cycle([0.0, 0.25, 0.5, 0.75])
    left, right = ScriptedUpstream("shared", "models/gemini-x"), ScriptedUpstream("shared", "own", "hidden")
    async with left.listening(), right.listening(), httpx.AsyncClient(timeout=30) as client:
        settings = [
            openai_settings(left.url, "left", weight=3, aliases={"fast": "models/gemini-x"}),
            openai_settings(
                right.url, "right", models=["shared", "own", "claude-*"], aliases={"fast": "own", "mine": "own"}
            ),
        ]
        async with running_stack(*settings, source=lambda: next(quarters)) as stack:
            yield Door(left, right, stack, client)


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("shared", {"shared": 6}, {"shared": 2}),
        ("fast", {"models/gemini-x": 6}, {"own": 2}),
        ("own", {}, {"own": 8}),
        ("mine", {}, {"own": 8}),
        ("gemini-x", {"models/gemini-x": 8}, {}),
        ("models/gemini-x", {"models/gemini-x": 8}, {}),
        ("claude-9", {}, {"claude-9": 8}),
        ("left/shared", {"shared": 8}, {}),
        ("right/shared", {}, {"shared": 8}),
        ("right/fast", {}, {"own": 8}),
    ],
)
async def test_eight_calls_for_one_name(door: Door, name: str, left: dict[str, int], right: dict[str, int]) -> None:
    for _ in range(8):
        assert (await door.ask(name)).status_code == 200
    assert {side: Counter(models) for side, models in door.asked().items()} == {"left": left, "right": right}


@pytest.mark.parametrize("name", ["nobody", "right/hidden", "hidden", "middle/shared", "left/own", "shared/"])
async def test_a_name_nobody_serves_is_not_found(door: Door, name: str) -> None:
    response = await door.ask(name)
    error: dict[str, Any] = response.json()["error"]
    assert (response.status_code, error["param"], error["status"]) == (404, "model", "NOT_FOUND")
    assert door.asked() == {"left": [], "right": []}


async def test_each_model_is_listed_once_with_its_owner_and_age(door: Door) -> None:
    listed = (await door.client.get(f"{door.stack.local_url}/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == ["shared", "models/gemini-x", "own"]
    assert {(model["object"], model["created"], model["owned_by"]) for model in listed} == {("model", 1, "tests")}
