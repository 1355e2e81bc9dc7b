"""A PostgreSQL of one's own, with a database for each test that asks for one."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest

PASSWORD = "planted-postgres-password"
_SERVER_USER = "postgres"
_SETTINGS = ("fsync=off", "listen_addresses=127.0.0.1", "max_connections=50", "log_statement=none")


class PostgresServer:
    """The programs in `programs`, and their data in `folder`. Callers need the password."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._port = _free_port()
        self._databases = count()

    def make(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:  # initdb refuses to run as root
            user = pwd.getpwnam(_SERVER_USER)
            for path in (self._folder, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._run("initdb", "-N", "-U", "modelwire", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8")

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"port={self._port}"))
        log = self._folder / "log"
        self._run("pg_ctl", "start", "-w", "-l", str(log), "-o", f"{options} -k {self._folder}")

    def stop(self) -> None:
        """Cuts every connection."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast")

    def fresh_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{next(self._databases)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://modelwire:{PASSWORD}@127.0.0.1:{self._port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        user = _SERVER_USER if os.getuid() == 0 else None
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        # Not into pipes: the server inherits them, and they would stay open as long as it runs.
        with (self._folder.parent / f"{self._folder.name}.told").open("w+") as told:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                cwd=self._folder,
                check=False,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
            told.seek(0)
            assert ended.returncode == 0, told.read()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def _postgres_servers() -> Iterator[Callable[[Path], PostgresServer]]:
    """Starts the one server that all tests share, for whoever asks first."""
    with ExitStack() as stack:
        yield cache(lambda programs: stack.enter_context(_running(programs)))


@contextmanager
def _running(programs: Path) -> Iterator[PostgresServer]:
    # Not below pytest's own folder, which the server's user could not enter.
    folder = Path(tempfile.mkdtemp(prefix="modelwire-postgres-"))
    server = PostgresServer(programs, folder)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
        folder.with_name(f"{folder.name}.told").unlink(missing_ok=True)


@pytest.fixture
def postgres_server(postgres_program: str, _postgres_servers: Callable[[Path], PostgresServer]) -> PostgresServer:
    """A running server; a test that stops it starts it again."""
    return _postgres_servers(Path(postgres_program).parent)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty database on a real PostgreSQL."""
    return postgres_server.fresh_database()
