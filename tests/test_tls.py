"""The contract over https, as the official Python client calls it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.sources.descriptors import built_in_services
from modelwire_service.tls.server import ServerCertificates
from openai.types.chat import ChatCompletionMessageParam
from support.certificates import Authority
from support.promptness import happens_within_100_ms
from support.raw_http import PATIENCE
from support.scripted_upstream import DONE, ScriptedUpstream, answer_events, answer_never, chunk
from support.stack import Stack

AUTHORITY = Authority()
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello."}]


@pytest.fixture
def certificates(tmp_path: Path) -> ServerCertificates:
    return ServerCertificates(*AUTHORITY.issue().written(tmp_path))


@pytest.fixture
async def address(stack: Stack, certificates: ServerCertificates) -> AsyncIterator[str]:
    """A door with TLS in front of `stack`, whose certificates are watched."""
    backend = RemoteBackend(stack.grpc_address)
    transcoder = Transcoder(built_in_services(), backend, GatewayOptions())
    server = HttpServer(transcoder, "127.0.0.1:0", tls=certificates.context)
    await server.start()
    watching = asyncio.create_task(certificates.watch())
    yield server.address
    watching.cancel()
    await server.drain(0)
    await backend.close()


@pytest.fixture
async def client(address: str) -> AsyncIterator[openai.AsyncOpenAI]:
    http = openai.DefaultAsyncHttpxClient(verify=AUTHORITY.trusting())
    base_url = f"https://{address}/v1"
    async with openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0, http_client=http) as client:
        yield client


async def test_answers_and_streams_come_over_https(client: openai.AsyncOpenAI, upstream: ScriptedUpstream) -> None:
    reply = await client.chat.completions.create(model="scripted", messages=HELLO)
    assert reply.choices[0].message.content == "Hello."
    upstream.answer = answer_events(chunk("Hel"), chunk("lo."), chunk(finish="stop"), DONE)
    stream = await client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    assert "".join([piece.choices[0].delta.content or "" async for piece in stream]) == "Hello."


async def test_errors_are_told_as_they_are_in_plain_text(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no upstream serves"):
        await client.chat.completions.create(model="nothing", messages=HELLO)


async def test_leaving_before_the_answer_ends_the_upstreams_call(
    client: openai.AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.answer = answer_never()
    asking = asyncio.create_task(client.chat.completions.create(model="scripted", messages=HELLO))
    await upstream.called.wait()
    asking.cancel()
    await happens_within_100_ms(upstream.left)


async def test_leaving_a_stream_ends_the_upstreams_call(client: openai.AsyncOpenAI, upstream: ScriptedUpstream) -> None:
    async def stop_after_the_first(index: int) -> None:
        if index:
            await asyncio.Event().wait()

    upstream.answer = answer_events(chunk("Hel"), chunk("lo."), before_each=stop_after_the_first)
    stream = await client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    assert (await anext(stream)).choices[0].delta.content == "Hel"
    await stream.close()
    await happens_within_100_ms(upstream.left)


async def test_a_stream_goes_on_while_the_certificate_is_renewed(
    client: openai.AsyncOpenAI, certificates: ServerCertificates, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    go_on = asyncio.Event()
    upstream.answer = answer_events(
        chunk("Hel"), chunk("lo."), DONE, before_each=lambda index: go_on.wait() if index else asyncio.sleep(0)
    )
    stream = await client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    assert (await anext(stream)).choices[0].delta.content == "Hel"
    in_use = certificates.current
    AUTHORITY.issue().written(tmp_path)
    async with asyncio.timeout(PATIENCE):
        while certificates.current is in_use:
            await client.models.list()
    go_on.set()
    assert "".join([piece.choices[0].delta.content or "" async for piece in stream]) == "lo."
