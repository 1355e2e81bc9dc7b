"""The list of models: every page of it, and what in it can be called here."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.base import Model
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import Timeouts
from support.loopback import Peer, listening
from support.scripted_gemini import KEY, ScriptedGemini


def upstream_at(url: str) -> GeminiUpstream:
    return GeminiUpstream("g", base_url=url, api_key=KEY, client=AiohttpClient(Timeouts(first_byte=10)))


@pytest.fixture
async def upstream(gemini: ScriptedGemini) -> AsyncIterator[GeminiUpstream]:
    made = upstream_at(gemini.url)
    yield made
    await made.close()


async def test_all_pages_are_read(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    gemini.models = [f"models/m{number}" for number in range(5)]
    assert await upstream.list_models() == [Model(name, 0, "google") for name in gemini.models]
    assert len(gemini.headers) == 3
    assert all(headers["x-goog-api-key"] == KEY for headers in gemini.headers)


async def answered(*pages: bytes) -> list[str]:
    """The names found in pages that are sent in turn, the last again and again."""
    left = list(pages)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(left.pop(0) if len(left) > 1 else left[0], "content-type: application/json")

    async with listening(script) as server:
        upstream = upstream_at(server.url)
        try:
            return [model.id for model in await upstream.list_models()]
        finally:
            await upstream.close()


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (b"{}", []),
        (b'{"models": [{"name": "models/a", "supportedGenerationMethods": ["generateContent"]}]}', ["models/a"]),
        (b'{"models": [{"name": "models/a", "supportedGenerationMethods": ["embedContent"]}]}', ["models/a"]),
        (b'{"models": [{"name": "models/a", "supportedGenerationMethods": ["predict"]}]}', []),
        (b'{"models": [{"name": "models/a"}, {"displayName": "b"}, 5, {"name": "models/a"}]}', ["models/a"]),
        (b'{"models": [{"name": ""}, {"name": 5}, {"name": null}, {"name": "models/a"}]}', ["models/a"]),
    ],
)
async def test_what_is_listed(page: bytes, names: list[str]) -> None:
    assert await answered(page) == names


@pytest.mark.parametrize("page", [b'{"models": 5}', b"[]", b'{"nextPageToken": "a"}', b'{"nextPageToken": 5}'])
async def test_a_list_that_is_none_or_has_no_end_is_a_protocol_error(page: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        await answered(page)


async def test_page_tokens_are_sent_as_they_are() -> None:
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.answer(b'{"nextPageToken": "a/b=&c"}', "content-type: application/json")
        requests.append(await peer.request())
        await peer.answer(b"{}", "content-type: application/json")

    async with listening(script) as server:
        upstream = upstream_at(server.url)
        await upstream.list_models()
        await upstream.close()
    query = urlsplit(requests[1].split()[1].decode()).query
    assert parse_qs(query) == {"pageSize": ["1000"], "pageToken": ["a/b=&c"]}
