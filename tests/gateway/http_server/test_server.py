import asyncio
import logging
import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import uvloop
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.http_server import HttpServer
from support.asgi_apps import Patient, Serve, echo
from support.raw_http import PATIENCE, connected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
async def test_listens_when_start_returns(serve: Serve, address: str) -> None:
    server = await serve(echo, address)
    assert not server.address.endswith(":0")
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"http://{server.address}/path", content=b"hello")
    assert (answer.json()["path"], answer.json()["body"]) == ("/path", "hello")


async def test_listens_on_a_unix_socket_and_removes_it(tmp_path: Path) -> None:
    server = HttpServer(echo, f"unix:{tmp_path / 's'}")
    await server.start()
    assert server.address == f"unix:{tmp_path / 's'}"
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "s"))) as http:
        answer = await http.get("http://modelwire/path")
    await server.drain(PATIENCE)
    assert answer.json()["path"] == "/path"
    assert os.listdir(tmp_path) == []


async def test_a_taken_port_fails_the_start(serve: Serve) -> None:
    first = await serve(echo)
    with pytest.raises(OSError, match="in use"):
        await serve(echo, first.address)


async def test_servers_that_agree_to_it_share_a_port() -> None:
    first = HttpServer(echo, "127.0.0.1:0", reuse_port=True)
    await first.start()
    second = HttpServer(echo, first.address, reuse_port=True)
    await second.start()
    await first.drain(PATIENCE)
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://{second.address}/path")).status_code == 200
    await second.drain(PATIENCE)


def test_servers_with_one_listener_share_a_socket_file(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def share() -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            servers = [HttpServer(echo, f"unix:{path}", listener=listener.dup()) for _ in range(2)]
            for server in servers:
                await server.start()
            await servers[0].drain(PATIENCE)
            async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path))) as http:
                assert (await http.get("http://modelwire/path")).status_code == 200
            await servers[1].drain(PATIENCE)

    uvloop.run(share())
    assert path.is_socket()


def test_an_address_that_is_none_fails_before_the_start() -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        HttpServer(echo, "8080")


async def test_a_server_that_never_started_can_be_drained() -> None:
    await HttpServer(echo, "127.0.0.1:0").drain(PATIENCE)


async def test_a_burst_of_connections_waits_to_be_accepted(serve: Serve) -> None:
    server = await serve(echo)
    host, _, port = server.address.rpartition(":")
    with ExitStack() as stack:
        for _ in range(1_000):  # the server has no turn in between
            stack.enter_context(socket.create_connection((host, int(port)), timeout=0.9))


async def test_leaves_signals_alone(serve: Serve) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    await serve(echo)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_answers_tell_the_time_and_not_the_software(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(GET)
        headers = (await client.answer()).headers
    assert headers["date"].endswith(" GMT")
    assert "server" not in headers


async def test_requests_are_not_logged_and_crashes_are(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def crashing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/crash":
            raise ZeroDivisionError
        await echo(scope, receive, send)

    server = await serve(crashing)
    async with connected(server.address) as client:
        await client.send(b"GET /?key=secret HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.answer()
        await client.send(b"GET /crash HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status == 500
    async with connected(server.address) as client:
        await client.send(b"nonsense\r\n\r\n")
        assert (await client.answer()).status == 400
    assert [(record.levelno, record.exc_info and record.exc_info[0]) for record in caplog.records] == [
        (logging.ERROR, ZeroDivisionError)
    ]


async def test_draining_closes_idle_connections_at_once_and_refuses_others(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as used, connected(server.address) as silent:
        await used.send(GET)
        await used.answer()
        async with asyncio.timeout(1):
            await server.drain(PATIENCE)
        assert await used.rest() == await silent.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        async with connected(server.address):
            pass


async def test_draining_lets_a_request_finish_and_says_that_it_closes(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(GET)
        await app.entered.wait()
        draining = asyncio.create_task(server.drain(PATIENCE))
        await asyncio.sleep(0)
        app.go_on.set()
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.rest() == b""
        async with asyncio.timeout(1):
            await draining


async def test_draining_lets_a_stream_finish(serve: Serve) -> None:
    app = Patient(streams=True)
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(GET)
        await app.entered.wait()
        draining = asyncio.create_task(server.drain(PATIENCE))
        await asyncio.sleep(0)
        app.go_on.set()
        assert (await client.answer()).body == b"firstlast"
        assert await client.rest() == b""
        async with asyncio.timeout(1):
            await draining
    assert not app.left.is_set()


async def test_a_stream_that_outlives_the_grace_breaks_off(serve: Serve) -> None:
    app = Patient(streams=True)
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(GET)
        await app.entered.wait()
        async with asyncio.timeout(PATIENCE):
            await server.drain(0.01)
            await app.left.wait()
        with pytest.raises(asyncio.IncompleteReadError):
            await client.answer()


async def test_a_request_that_outlives_the_grace_is_answered_503(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(GET)
        await app.entered.wait()
        async with asyncio.timeout(PATIENCE):
            await server.drain(0.01)
            await app.left.wait()
        answer = await client.answer()
        assert await client.rest() == b""
    assert (answer.status, answer.headers["connection"]) == (503, "close")
    assert answer.json["error"]["message"] == "the server is shutting down"
    assert answer.headers["retry-after"] == "1"


async def test_what_does_not_heed_the_end_is_cancelled_quietly(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def stubborn(_scope: Scope, _receive: Receive, _send: Send) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    server = await serve(stubborn)
    async with connected(server.address) as client:
        await client.send(GET)
        await entered.wait()
        async with asyncio.timeout(PATIENCE):
            await server.drain(0.01)
        assert (await client.answer()).status == 503
    assert cancelled.is_set()
    assert [record.getMessage() for record in caplog.records] == [
        "cutting off requests that outlived the grace period: 1"
    ]


async def test_a_second_drain_shortens_the_first(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(GET)
        await app.entered.wait()
        draining = asyncio.create_task(server.drain(1000))
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await server.drain(0)
            await draining
