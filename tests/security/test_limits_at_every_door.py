"""Callers' own limits: what is refused says when to try again, and nobody else is touched."""

import asyncio
from typing import Any

import grpc
import httpx
import openai
import pytest
from aiohttp import web
from support.callers import DOORS
from support.guarded import Guarded, Keys, bearer, usual_answer

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHAT = {"model": "cheap-1", "messages": [{"role": "user", "content": "Hi"}]}
REST = DOORS[1:]
SPENT = {"requests": "requests a minute (1) is used up", "tokens": "tokens a minute (5) is used up"}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", SPENT)
async def test_what_a_minute_allows_is_used_up_for_that_caller_alone(
    door: str, what: str, asking: Guarded, keys: Keys
) -> None:
    limited = bearer(keys.limited[what, door])
    assert (await asking.got(door, limited)).done
    failure = (await asking.got(door, limited)).failure
    assert failure is not None
    assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
    assert SPENT[what] in failure.message
    assert failure.retry_after is not None
    assert 1 < failure.retry_after <= 60
    assert len(asking.upstream.seen) == 1
    assert (await asking.got(door, bearer(keys.full))).done


@pytest.mark.parametrize("door", DOORS)
async def test_so_many_calls_at_once_and_no_more(door: str, asking: Guarded, keys: Keys) -> None:
    held, asked = asyncio.Event(), asyncio.Event()

    async def holding(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        asked.set()
        await held.wait()
        return await usual_answer(request, body)

    asking.upstream.answer = holding
    limited = bearer(keys.limited["concurrency", door])
    first = asyncio.create_task(asking.got(door, limited))
    await asked.wait()
    failure = (await asking.got(door, limited)).failure
    held.set()
    await first
    assert failure is not None
    assert (failure.code, failure.retry_after) == ("RESOURCE_EXHAUSTED", 1.0)
    assert (await asking.got(door, limited)).failure is None


@pytest.mark.parametrize("door", REST)
async def test_over_http_that_is_a_429_with_its_headers(door: str, asking: Guarded, keys: Keys) -> None:
    key = keys.limited["requests", door]  # used up, as the tests above have left it
    async with httpx.AsyncClient(base_url=asking.url(door), headers=bearer(key)) as http:
        answer = await http.post("/v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    wait = int(answer.headers["retry-after"])
    assert 1 <= wait <= 60
    assert wait - 1 <= int(answer.headers["retry-after-ms"]) / 1000 <= wait
    told = [answer.headers[f"x-ratelimit-{which}-requests"] for which in ("limit", "remaining")]
    assert told == ["1", "0"]


@pytest.mark.parametrize("door", REST)
async def test_openais_library_reads_what_is_left_of_a_limit(door: str, asking: Guarded, keys: Keys) -> None:
    key = keys.limited["plenty", door]
    async with openai.AsyncOpenAI(base_url=f"{asking.url(door)}/v1", api_key=key, max_retries=0) as client:
        for _ in range(2):
            raw = await client.chat.completions.with_raw_response.create(**CHAT)  # type: ignore[call-overload]
    told = {name: value for name, value in raw.headers.items() if name.startswith("x-ratelimit-")}
    resets = [told.pop(f"x-ratelimit-reset-{what}") for what in ("requests", "tokens")]
    assert told == {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "98",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "995",
    }
    assert all(reset.endswith("s") for reset in resets)


async def test_what_is_left_of_a_limit_is_told_over_grpc(asking: Guarded, keys: Keys) -> None:
    metadata = tuple(bearer(keys.limited["plenty", "gRPC"]).items())
    async with grpc.aio.insecure_channel(asking.serve.grpc_address) as channel:
        call = channel.unary_unary("/modelwire.v1beta.ModelService/ListModels")(b"", metadata=metadata)
        told = dict(await call.initial_metadata())
        await call
    assert (told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]) == ("100", "99")
