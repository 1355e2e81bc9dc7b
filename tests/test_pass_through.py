"""Calls that go to the upstream with their caller's own key."""

import httpx
import pytest
from modelwire_service.access.gate import PassThroughGate
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.limits.memory import MemoryLimiter
from support.scripted_upstream import ScriptedUpstream
from support.stack import openai_settings, running_stack

CHAT = "/v1/chat/completions"
REQUEST = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}


def entrance() -> Entrance:
    return Entrance(PassThroughGate(), MemoryLimiter(), Admission(99, 99, "the server"), Deadlines(600, 3_600))


@pytest.mark.parametrize(
    ("own", "sent"), [({}, ["Bearer one", "Bearer two"]), ({"api_key": "operators"}, ["Bearer operators"] * 2)]
)
async def test_an_upstream_without_a_key_of_its_own_gets_the_callers(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient, own: dict[str, str], sent: list[str]
) -> None:
    settings = openai_settings(upstream.url, **own)
    async with running_stack(settings, entrance=entrance(), pass_through=True) as stack:
        for credential in ({"authorization": "Bearer one"}, {"x-goog-api-key": "two"}):
            response = await client.post(stack.url(backend) + CHAT, json=REQUEST, headers=credential)
            assert response.status_code == 200
            listed = await client.get(f"{stack.url(backend)}/v1/models", headers=credential)
            assert [model["id"] for model in listed.json()["data"]] == ["scripted"]
        refused = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    assert [headers["Authorization"] for headers in upstream.headers] == sent
    assert refused.status_code == 401
