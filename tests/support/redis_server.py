"""A real Redis: a child process on a unix socket, with nothing on disk."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "planted-pass:word/%40"
_READY = "eady to accept connections"


class RedisServer:
    """One that can be stopped and started again, empty, at the same address."""

    def __init__(self, program: str, folder: Path, password: str = "") -> None:
        self._socket = folder / "redis.sock"
        self._command = [program, "--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder)]
        self._command += ["--save", "", "--appendonly", "no", "--requirepass", password]
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, errors="replace")
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if _READY in line:
                return
        raise RuntimeError(f"Redis ended with code {self._process.wait()} after printing {''.join(said)}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=30)
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Takes connections and answers nothing until the block ends."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextmanager
def running_redis(program: str, password: str = "") -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="redis-"))  # not pytest's, whose paths may be too long for a socket
    server = RedisServer(program, folder, password)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def redis_server(redis_program: str) -> Iterator[RedisServer]:
    """A Redis of this test's own."""
    with running_redis(redis_program) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of a Redis of this test's own."""
    return redis_server.url
