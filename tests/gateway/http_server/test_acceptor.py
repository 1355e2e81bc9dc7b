import asyncio
import logging
import os
import resource
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvloop
from modelwire_gateway.http_server.acceptor import Acceptor
from modelwire_gateway.http_server.address import TcpAddress, listen
from support.raw_http import PATIENCE

ANYWHERE = TcpAddress("127.0.0.1", 0)
CROWD = 96
FEW_TURNS = 24

Run = Callable[[Coroutine[Any, Any, None]], None]


class Counted(asyncio.Protocol):
    made = 0

    def __init__(self) -> None:
        self.transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        Counted.made += 1
        self.no_delay = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.write(b"%d" % self.no_delay)
        transport.close()


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    Counted.made = 0
    made: Run = request.param
    return made


@contextmanager
def crowd(listener: socket.socket, size: int) -> Iterator[list[socket.socket]]:
    """Clients that have connected as far as they know: the kernel holds them for the listener."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(listener.getsockname(), PATIENCE)) for _ in range(size)]


def test_lets_a_crowd_in_within_few_turns(run: Run) -> None:
    async def scenario() -> None:
        listener = await listen(ANYWHERE)
        with crowd(listener, CROWD):
            acceptor = Acceptor(listener, Counted)
            turns = 0
            while Counted.made < CROWD:
                turns += 1
                await asyncio.sleep(0)
            await acceptor.close()
        assert turns < FEW_TURNS

    run(scenario())


def test_small_answers_are_not_held_back(run: Run) -> None:
    async def scenario() -> None:
        listener = await listen(ANYWHERE)
        with crowd(listener, 1) as clients:
            acceptor = Acceptor(listener, Counted)
            assert await asyncio.to_thread(clients[0].recv, 1) == b"1"
            await acceptor.close()

    run(scenario())


def test_those_accepted_have_their_protocols_when_it_is_closed(run: Run) -> None:
    async def scenario() -> None:
        listener = await listen(ANYWHERE)
        accepted = asyncio.Event()

        class Accepting(socket.socket):
            def accept(self) -> tuple[socket.socket, Any]:
                found = super().accept()
                accepted.set()
                return found

        with crowd(listener, 1):
            acceptor = Acceptor(Accepting(fileno=listener.detach()), Counted)
            await accepted.wait()
            await acceptor.close()
            assert Counted.made == 1

    run(scenario())


def test_goes_on_once_files_may_be_opened_again(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        listener = await listen(ANYWHERE)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with crowd(listener, 1) as clients:
            acceptor = Acceptor(listener, Counted)
            resource.setrlimit(resource.RLIMIT_NOFILE, (_next_file(), hard))
            try:
                await _next_record()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert await asyncio.to_thread(clients[0].recv, 1) == b"1"
            await acceptor.close()
        assert caplog.messages == ["cannot accept connections for 1 s: Too many open files"]

    run(scenario())


def test_a_protocol_that_cannot_be_made_costs_its_own_connection_alone(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [ValueError("no certificate")]

    def protocol() -> Counted:
        if failures:
            raise failures.pop()
        return Counted()

    async def scenario() -> None:
        listener = await listen(ANYWHERE)
        with crowd(listener, 2) as clients:
            acceptor = Acceptor(listener, protocol)
            assert [await asyncio.to_thread(client.recv, 1) for client in clients] == [b"", b"1"]
            await acceptor.close()

    run(scenario())
    assert caplog.messages == ["a connection could not be opened"]


def _next_file() -> int:
    """The number that the next file opened would have."""
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number


async def _next_record() -> None:
    """Returns once something has been logged."""
    told = asyncio.Event()

    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    handler = Telling()
    logging.getLogger().addHandler(handler)
    try:
        await told.wait()
    finally:
        logging.getLogger().removeHandler(handler)
