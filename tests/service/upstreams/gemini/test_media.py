"""Media fetched for callers: from where, how much, how long, and never from inside."""

import asyncio
import gzip
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini import media as module
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.gemini.media import MediaFetcher
from modelwire_service.upstreams.gemini.remote_media import AUDIO, FILE, IMAGE, Kind, Remote
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.registry import build_catalog
from support.loopback import Peer, listening
from support.scripted_gemini import KEY, ScriptedGemini

PATH = "messages[0].content[1].image_url.url"
PNG = {"content-type": "image/png; x=y"}


def fetcher(handler: Callable[[httpx.Request], httpx.Response], *allowed: str) -> MediaFetcher:
    return MediaFetcher(HttpxClient(Timeouts(), httpx.MockTransport(handler)), allowed or ("images.example",))


async def complaint(made: MediaFetcher, url: str) -> str:
    with pytest.raises(InvalidRequest) as raised:
        await made.fetched([Remote(PATH, url)])
    await made.close()
    return raised.value.message


async def test_an_image_is_inline_data_fetched_once() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, headers=PNG, content=b"\x89PNG")

    url = "https://images.example/cat.png?size=1"
    made = fetcher(handler)
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
    assert await made.fetched([Remote("one", url), Remote("two", url)]) == {"one": image, "two": image}
    await made.close()
    [request] = seen
    assert (request.method, str(request.url)) == ("GET", url)
    assert {name for name in request.headers if name.startswith(("x-", "auth", "cookie"))} == set()


@pytest.mark.parametrize(
    ("allowed", "host", "fetches"),
    [
        ("images.example", "images.example", True),
        ("images.example", "IMAGES.example", True),
        ("images.example", "images.example:443", True),
        ("images.example", "images.example:", True),
        ("images.example", "images.example:8443", False),
        ("images.example", "images.example:80", False),
        ("images.example", "images.example:0", False),
        ("images.example:8443", "images.example:8443", True),
        ("images.example:8443", "images.example", False),
        ("images.example:443", "images.example", True),
        ("*.example:8443", "a.example:8443", True),
        ("*.example:8443", "a.example:8444", False),
        ("*", "images.example:6379", False),
        ("*.example", "a.b.example", True),
        ("*.example", "example", False),
        ("images.example", "evil.images.example", False),
        ("images.example", "images.example.evil", False),
        ("images.example", "images.example@evil.example", False),
        ("*", "user:pw@images.example", False),
        ("*", "127.0.0.1", False),
        ("*", "127.1", False),
        ("*", "2130706433", False),
        ("*", "0x7f.0.0.1", False),
        ("*", "127\u30020\u30020\u30021", False),
        ("*", "\u2460\u2461\u2466.0.0.1", False),
        ("*", "[::1]", False),
        ("*", "[::ffff:10.0.0.1]", False),
        ("*", "169.254.169.254", False),
        ("*", "8.8.8.8", True),
        ("*", "x:port", False),
        ("*", "", False),
    ],
)
async def test_only_allowed_hosts_are_asked(allowed: str, host: str, fetches: bool) -> None:
    made = fetcher(lambda _: httpx.Response(200, headers=PNG, content=b"x"), allowed)
    url = f"https://{host}/cat.png"
    if fetches:
        assert PATH in await made.fetched([Remote(PATH, url)])
        await made.close()
    else:
        assert await complaint(made, url) == f"{PATH}: must be a data: URL, or be on a host this server fetches from"


@pytest.mark.parametrize(
    ("allowed", "url", "fetches"),
    [
        ("images.example", "http://images.example/", True),
        ("images.example", "http://images.example:80/", True),
        ("images.example", "http://images.example:443/", False),
        ("images.example:443", "http://images.example:443/", True),
        ("images.example:443", "http://images.example/", False),
    ],
)
async def test_the_port_is_that_of_the_scheme_or_the_one_allowed(allowed: str, url: str, fetches: bool) -> None:
    made = fetcher(lambda _: httpx.Response(200, headers=PNG, content=b"x"), allowed)
    if fetches:
        assert PATH in await made.fetched([Remote(PATH, url)])
        await made.close()
    else:
        assert "a host this server fetches from" in await complaint(made, url)


ANSWERS: dict[str, tuple[int, dict[str, str], int, str]] = {
    "not there": (404, PNG, 1, "could not be fetched"),
    "elsewhere": (302, {"location": "http://169.254.169.254/"}, 1, "could not be fetched"),
    "untyped": (200, {}, 1, "must lead to an image"),
    "a page": (200, {"content-type": "text/html"}, 1, "must lead to an image"),
    "too large": (200, PNG, module.MAX_BYTES + 1, "leads to more than 20 MiB"),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_is_no_image_is_refused(answer: str) -> None:
    status, headers, size, told = ANSWERS[answer]
    made = fetcher(lambda _: httpx.Response(status, headers=headers, content=b"x" * size))
    assert f"{PATH}: {told}" in await complaint(made, "https://images.example/a")


@pytest.mark.parametrize(
    ("kind", "told", "said", "found"),
    [
        (IMAGE, None, "application/pdf", "application/pdf"),
        (IMAGE, None, "application/octet-stream", "PATH: must lead to an image"),
        (AUDIO, "audio/wav", "audio/mpeg", "audio/mpeg"),
        (AUDIO, "audio/wav", "application/octet-stream", "audio/wav"),
        (AUDIO, "audio/wav", "image/png", "PATH: must lead to audio"),
        (FILE, None, "text/csv; charset=utf-8", "text/csv"),
        (FILE, "application/pdf", "Binary/Octet-Stream", "application/pdf"),
        (FILE, "application/pdf", None, "application/pdf"),
        (FILE, "text/csv", "application/pdf", "application/pdf"),
        (FILE, None, "application/octet-stream", "PATH: must lead to a file of a known type"),
        (FILE, None, "pdf", "PATH: must lead to a file of a known type"),
    ],
)
async def test_the_host_tells_the_type_and_the_caller_where_it_does_not(
    kind: Kind, told: str | None, said: str | None, found: str
) -> None:
    made = fetcher(lambda _: httpx.Response(200, headers={"content-type": said} if said else {}, content=b"x"))
    remote = Remote("PATH", "https://images.example/a", kind, told)
    if found.startswith("PATH"):
        with pytest.raises(InvalidRequest) as raised:
            await made.fetched([remote])
        assert raised.value.message == found
    else:
        assert await made.fetched([remote]) == {"PATH": {"inlineData": {"mimeType": found, "data": "eA=="}}}
    await made.close()


async def test_one_url_may_be_what_one_field_takes_and_not_what_another_does() -> None:
    made = fetcher(lambda _: httpx.Response(200, headers={"content-type": "text/csv"}, content=b"x"))
    url = "https://images.example/a"
    with pytest.raises(InvalidRequest, match=r"^two: must lead to an image$"):
        await made.fetched([Remote("one", url, FILE), Remote("two", url, IMAGE)])
    await made.close()


async def test_why_a_host_did_not_answer_is_not_told() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("10.0.0.7:5432 refused")

    assert await complaint(fetcher(handler), "https://images.example/a") == f"{PATH}: could not be fetched"


async def test_the_size_is_that_of_all_images_together() -> None:
    made = fetcher(lambda _: httpx.Response(200, headers=PNG, content=b"x" * (module.MAX_BYTES // 2 + 1)))
    with pytest.raises(InvalidRequest, match=r"^two: leads to more than 20 MiB"):
        await made.fetched([Remote(name, f"https://images.example/{name}") for name in ("one", "two")])
    await made.close()


async def test_an_image_counts_as_often_as_it_is_pointed_to() -> None:
    made = fetcher(lambda _: httpx.Response(200, headers=PNG, content=b"x" * (module.MAX_BYTES // 2 + 1)))
    url = "https://images.example/1"
    assert "one" in await made.fetched([Remote("one", url)])
    with pytest.raises(InvalidRequest, match=r"^one: leads to more than 20 MiB"):
        await made.fetched([Remote("one", url), Remote("two", url)])
    await made.close()


async def test_a_compressed_image_counts_as_large_as_it_is() -> None:
    bomb = gzip.compress(b"\0" * (module.MAX_BYTES + 1))
    headers = {**PNG, "content-encoding": "gzip"}
    told = await complaint(
        fetcher(lambda _: httpx.Response(200, headers=headers, content=bomb)), "https://images.example/a"
    )
    assert "more than 20 MiB" in told


async def test_there_may_be_so_many_urls() -> None:
    made = fetcher(lambda _: httpx.Response(200, headers=PNG, content=b"x"))
    located = [Remote(f"p{at}", f"https://images.example/{at}") for at in range(module.MAX_URLS + 1)]
    with pytest.raises(InvalidRequest, match=r"^p16: is one of more than 16 URLs"):
        await made.fetched(located)
    assert len(await made.fetched(located[1:])) == module.MAX_URLS
    await made.close()


async def test_a_host_that_dawdles_is_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with listening(script) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        made = MediaFetcher(AiohttpClient(Timeouts()), [url.removeprefix("http://")], patience=0.05)
        told = await complaint(made, f"{url}/a")
    assert told == f"{PATH}: could not be fetched within 0.05 s"


def asking(url: str) -> Json:
    image = {"type": "image_url", "image_url": {"url": url}}
    return {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, image]}]}


async def test_an_upstream_fetches_before_it_asks(gemini: ScriptedGemini) -> None:
    media = fetcher(lambda _: httpx.Response(200, headers=PNG, content=b"x"))
    upstream = GeminiUpstream("g", base_url=gemini.url, api_key=KEY, client=AiohttpClient(Timeouts()), media=media)
    await upstream.chat(asking("https://images.example/a"))
    await upstream.close()
    assert gemini.last["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "eA=="}}


async def test_audio_and_files_are_fetched_as_images_are(gemini: ScriptedGemini) -> None:
    media = fetcher(lambda request: httpx.Response(200, content=request.url.path.encode()))
    upstream = GeminiUpstream("g", base_url=gemini.url, api_key=KEY, client=AiohttpClient(Timeouts()), media=media)
    parts = [
        {"type": "input_audio", "input_audio": {"data": "https://images.example/a", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "https://images.example/b", "filename": "b.pdf"}},
        {"type": "file", "file": {"file_data": "HTTPS://images.example/c.csv?size=1"}},
    ]
    await upstream.chat({"model": "m", "messages": [{"role": "user", "content": parts}]})
    await upstream.close()
    assert gemini.last["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "audio/mp3", "data": "L2E="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "L2I="}},
        {"inlineData": {"mimeType": "text/csv", "data": "L2MuY3N2"}},
    ]


async def test_nothing_is_fetched_for_a_request_that_is_refused() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise AssertionError

    upstream = GeminiUpstream(
        "g", base_url="http://127.0.0.1:1", api_key=KEY, client=AiohttpClient(Timeouts()), media=fetcher(handler)
    )
    with pytest.raises(InvalidRequest, match="logit_bias"):
        await upstream.chat({**asking("https://images.example/a"), "logit_bias": {"1": 1}})
    await upstream.close()


POINTING: dict[str, Callable[[str], Json]] = {
    "image_url.url": lambda url: {"type": "image_url", "image_url": {"url": url}},
    "input_audio.data": lambda url: {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
    "file.file_data": lambda url: {"type": "file", "file": {"file_data": url, "filename": "a.pdf"}},
}


@pytest.mark.parametrize("field", POINTING)
@pytest.mark.parametrize("allowed", [[], ["localhost"], ["localhost:{port}"], ["*:{port}"]])
async def test_a_name_that_leads_inside_is_never_asked(gemini: ScriptedGemini, allowed: list[str], field: str) -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        asked.set()
        await peer.request()

    async with listening(script) as inside:
        url = inside.url.replace("127.0.0.1", "localhost")
        hosts = [host.format(port=url.rpartition(":")[2]) for host in allowed]
        options: dict[str, Any] = {"kind": "gemini", "base_url": gemini.url, "api_key": KEY}
        settings = UpstreamSettings.model_validate({"name": "g", "allowed_media_hosts": hosts, **options})
        [upstream] = build_catalog([settings], {}).upstreams
        content = [{"type": "text", "text": "?"}, POINTING[field](f"{url}/secret")]
        with pytest.raises(InvalidRequest, match=rf"messages\[0\]\.content\[1\]\.{re.escape(field)}: "):
            await upstream.chat({"model": "m", "messages": [{"role": "user", "content": content}]})
        await upstream.close()
    assert not asked.is_set()
    assert gemini.seen == []
