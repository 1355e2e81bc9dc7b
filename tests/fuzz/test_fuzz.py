"""A short attack on both programs, and that an attack would find something."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from fuzz import corpora
from fuzz.campaign import Campaign, growth, judged
from fuzz.plans import LAST_ID, Plan, make_plan, orderly_plan
from fuzz.targets import TARGETS
from support.loopback import Peer, listening

MIB = 2**20


def ignore(_: str) -> None:
    pass


@pytest.mark.parametrize(
    ("target", "seed", "seconds"),
    [
        ("gateway", "one", 8),
        ("gateway", secrets.token_hex(4), 6),
        ("serve", "one", 3),
        ("serve", secrets.token_hex(4), 3),
    ],
    ids=["gateway, same bytes", "gateway, fresh bytes", "serve, same bytes", "serve, fresh bytes"],
)
async def test_nothing_sent_does_harm(target: str, seed: str, seconds: float, tmp_path: Path) -> None:
    async with TARGETS[target]() as running:
        report = await Campaign(running, seed, tmp_path).run(seconds, ignore)
    assert not report.failures, f"seed {seed}: {report.failures}"
    assert min(report.statuses[200], report.statuses[400]) > 20


@asynccontextmanager
async def server(answer: bytes, *, closes: bool = True) -> AsyncIterator[str]:
    """Answers whatever it is asked with these bytes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(answer)
        if not closes:
            await peer.gone()

    async with listening(script) as loopback:
        yield loopback.url.removeprefix("http://")


def answer(status: str, body: str, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


def error(status: int, message: str = "no", content_type: str = "application/json") -> bytes:
    body = f'{{"error": {{"code": {status}, "status": "NO", "message": "{message}"}}}}'
    return answer(f"{status} No", body, f"content-type: {content_type}", "connection: close")


OK = answer("200 OK", "{}", f"x-request-id: {LAST_ID}", "connection: close")


@pytest.mark.parametrize(
    ("sent", "finding"),
    [
        (error(500), "status 500"),
        (error(501), "status 501"),
        (error(503), "status 503"),
        (error(504), "status 504"),
        (b"", "0 answers to 1 requests"),
        (b"HTTP/1.1 200\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n", "broken off"),
        (answer("200 OK", "{}", length=9), "broken off"),
        (answer("200 OK", "{}", "content-encoding: gzip"), "malformed"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b", "broken off"),
        (OK + OK, "2 answers to 1 requests"),
        (answer("200 OK", "{}", "x-request-id: another"), "in order, got 200"),
        (answer("400 No", "no", "content-type: application/json"), "not an error as ours are"),
        (error(400, content_type="text/plain"), "not an error as ours are"),
        (error(400).replace(b'"code": 400', b'"code": 404'), "not an error as ours are"),
        (error(400, "Traceback (most recent call last)"), "tells too much"),
        (error(400, "in app.py"), "tells too much"),
        (error(400, f"who is {corpora.SECRET}?"), "tells a credential"),
    ],
)
async def test_what_is_wrong_with_an_answer_is_found(sent: bytes, finding: str) -> None:
    async with server(sent) as address:
        found, _ = await judged(orderly_plan("/"), address)
    assert any(finding in complaint for complaint in found), found


async def test_a_good_answer_has_nothing_wrong() -> None:
    async with server(OK) as address:
        assert await judged(orderly_plan("/"), address) == ([], [200])


async def test_a_hang_is_found() -> None:
    async with server(b"", closes=False) as address:
        found, _ = await judged(orderly_plan("/"), address, patience=0.2)
    assert found == ["hang: neither answered nor closed in time"]


@pytest.mark.parametrize(
    ("resident", "grows"),
    [
        ([100] * 30, False),
        ([100] * 10 + [140] * 20, False),
        ([100, 300] * 15, False),
        ([100 + 10 * at for at in range(30)], True),
        ([100], False),
    ],
)
def test_memory_that_goes_on_growing_is_found(resident: list[int], grows: bool) -> None:
    assert (growth([size * MIB for size in resident]) is not None) is grows


async def test_a_seed_sends_the_same_bytes_and_a_saved_plan_too(tmp_path: Path) -> None:
    async with TARGETS["gateway"]() as target:
        plans = [[make_plan(target.corpus, "/", Random(f"s-{at}")) for at in range(50)] for _ in range(2)]
    assert plans[0] == plans[1]
    for at, plan in enumerate(plans[0]):
        plan.save(tmp_path / f"{at}.json")
        assert Plan.load(tmp_path / f"{at}.json") == plan
