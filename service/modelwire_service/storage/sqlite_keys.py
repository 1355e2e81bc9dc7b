"""The keys of an SQLite file, read without SQLAlchemy, whose import takes as long as all else at a server's start."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from modelwire_service.access.caller import Limits
from modelwire_service.access.keys import ApiKey
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.migrations import NEWEST, VERSION_TABLE

_BUSY_SECONDS: Final = 10
_SCHEMA: Final = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608
_VERSION: Final = "SELECT max(count) FROM api_key_changes"
_KEYS: Final = """
    SELECT id, name, digest, models, requests_per_minute, tokens_per_minute, concurrency,
           created_at, expires_at, revoked_at
    FROM api_keys ORDER BY created_at, id
"""


class SqliteKeys:
    """What a KeyStore reads. For one thread at a time; raises StorageError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def found(cls, path: Path) -> "SqliteKeys | None":
        """Those of a file that is there with the newest schema; None for any other, which a Database sees to."""
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error:
            return None
        try:
            if connection.execute(_SCHEMA).fetchall() == [(NEWEST,)]:
                return cls(path, connection)
        except sqlite3.Error:
            pass
        connection.close()
        return None

    def all(self) -> list[ApiKey]:
        """Every key there ever was, the oldest first, those revoked and expired among them."""
        with self._rows(_KEYS) as rows:
            return [_key(*row) for row in rows]

    def version(self) -> int:
        """A number that is another after each change of any key."""
        with self._rows(_VERSION) as rows:
            return int(next(rows)[0] or 0)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _rows(self, statement: str) -> Iterator[Iterator[Any]]:
        try:
            with closing(self._connection.execute(statement)) as rows:
                yield rows
        except sqlite3.Error as error:
            raise StorageError(f"database {self._path}: {error}") from None


def _key(id_: str, name: str, digest: bytes, models: str, *more: Any) -> ApiKey:
    return ApiKey(id_, name, digest, tuple(json.loads(models)), Limits(*more[:3]), *map(_moment, more[3:]))


def _moment(text: str | None) -> Any:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
