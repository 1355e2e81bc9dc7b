"""Servers to load."""

import os
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

import pytest

from bench.measuring.processes import free_port, started
from bench.measuring.session import upstream
from bench.peers.peer import Command

CORE = min(os.sched_getaffinity(0))
Answering = Callable[..., str]
"""From the answers that a server gives, in turn, over and over, to its address. None waits, b"" hangs up."""


@pytest.fixture(scope="session")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the mock upstream."""
    with upstream(tmp_path_factory.mktemp("mock"), core=CORE) as address:
        yield address


@pytest.fixture
def answering() -> Iterator[Answering]:
    with ExitStack() as stack:
        yield lambda *answers: stack.enter_context(_serving(answers))


@contextmanager
def _serving(answers: tuple[bytes | None, ...]) -> Iterator[str]:
    over = threading.Event()
    given = cycle(answers)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().startswith(b"GET"):
                while self.rfile.readline().strip():
                    pass
                answer = next(given)
                if answer is None:
                    over.wait()
                if not answer:
                    return
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 1024

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def module_server(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Runs a module of ours that takes HOST:PORT as its argument; gives that address."""
    with ExitStack() as stack:

        def run(module: str) -> str:
            address = f"127.0.0.1:{free_port()}"
            command = Command((sys.executable, "-m", module, address))
            stack.enter_context(started([command], tmp_path / "log.txt", core=CORE))
            return address

        yield run
