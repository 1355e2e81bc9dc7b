"""One database, SQLite or PostgreSQL, brought to the newest schema when it is opened.

Theory of operation. Everything here blocks and is called from threads, never from an event loop. Several processes
share a database. Reading and writing are transactions; those that write to SQLite take its one lock for writers at
their beginning, because a transaction that reads first and then finds another writer ahead of it cannot wait. SQLite
keeps a write-ahead log, in which readers and the writer do not wait for each other; a killed process loses nothing
that it committed. PostgreSQL's connections are tried before each use, so that one that a restart cut is replaced; they
give up after seconds where nobody answers, and they prepare no statements, which poolers in between would lose.

Whatever the driver raises becomes a StorageError without URL, password, statement or parameters.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from modelwire_service.storage.errors import RowsRefused, StorageError
from modelwire_service.storage.migration import at_newest_schema, migrate
from modelwire_service.storage.urls import check_url, sqlite_path

_BUSY_SECONDS: Final = 10
_WRITES: Final = "modelwire_writes"
_MIGRATION_LOCK: Final = 0x6D6F64656C776972  # "modelwir", as a number of 64 bits
_POSTGRESQL: Final = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "application_name": "modelwire",
    "prepare_threshold": None,
}
_SECRETS: Final = ("password", "sslpassword")


class Database:
    """The database at `url`, with the newest schema. Raises StorageError where it cannot be used."""

    def __init__(self, url: str) -> None:
        check_url(url)
        parsed = _parsed(url)
        self._label = _label(parsed)
        self._secrets = _secrets(parsed)
        self._engine = self._sqlite(parsed) if parsed.drivername == "sqlite" else _postgresql(parsed)
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Database({self._label})"

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state. Raises StorageError."""
        with self._errors_told(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at the end of the block. Raises StorageError, and RowsRefused for its data."""
        with (
            self._errors_told(),
            self._engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Closes the connections that nobody uses at the moment."""
        self._engine.dispose()

    def _bring_up_to_date(self) -> None:
        with self.reading() as connection:
            if at_newest_schema(connection):
                return
        with self.writing() as connection:
            if self.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            migrate(connection, self._label)

    def _sqlite(self, url: URL) -> Engine:
        try:
            _make_private(Path(url.database or ""))
        except OSError as error:
            raise StorageError(f"{self._label}: {error.strerror}") from None
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError) as error:
            raise RowsRefused(self._told(error)) from None
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StorageError(self._told(error)) from None

    def _told(self, error: Exception) -> str:
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = " ".join(str(cause).split())
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return f"{self._label}: {words[:300]}"


def _parsed(url: str) -> URL:
    if url.startswith("sqlite"):
        return URL.create("sqlite", database=str(sqlite_path(url)))
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except (SQLAlchemyError, ValueError):  # whose words may hold some of the password
        raise StorageError("database: the URL cannot be read") from None


def _postgresql(url: URL) -> Engine:
    given = {name: value for name, value in _POSTGRESQL.items() if name not in url.query}
    return create_engine(url, connect_args=given, pool_pre_ping=True, hide_parameters=True)


def _label(url: URL) -> str:
    """What messages call the database: nothing of the URL but where it is."""
    if url.drivername == "sqlite":
        return f"database {url.database}"
    host = url.host or url.query.get("host") or "localhost"
    return f"database {url.database or url.username or ''} at {host}{f':{url.port}' if url.port else ''}"


def _secrets(url: URL) -> list[str]:
    values = [url.password, *(url.query.get(name) for name in _SECRETS)]
    return [value for value in values if isinstance(value, str) and value]


def _make_private(path: Path) -> None:
    """Makes the file, for its owner alone; one that is there stays as it is.

    It is not opened where it is there: closing one that SQLite has open in this process would drop SQLite's locks.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    connection.execute("PRAGMA synchronous=NORMAL")
    _keep_write_ahead_log(connection)


def _keep_write_ahead_log(connection: Any) -> None:
    """Turns the log on. While another process does the same SQLite says that it is locked, without waiting."""
    for _ in range(100):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
        else:
            return
    raise sqlite3.OperationalError("the database is locked by another program")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
