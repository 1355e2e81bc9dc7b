"""The stores of one database, for several threads."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from modelwire_service.access.keys import ApiKey
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.sqlite_keys import SqliteKeys
from modelwire_service.storage.urls import default_url, sqlite_path

if TYPE_CHECKING:
    from modelwire_service.storage.database import Database
    from modelwire_service.storage.key_store import KeyStore
    from modelwire_service.storage.usage_store import UsageStore


class KnownKeys(Protocol):
    """The keys there are, as a server wants them. Both raise StorageError."""

    def all(self) -> Sequence[ApiKey]:
        """Every key there ever was, those revoked and expired among them."""
        ...

    def version(self) -> int:
        """A number that is another after each change of any key."""
        ...


class Storage:
    """The database at `url`, a file of the user's if None. The thread that first needs it opens it.

    That takes the import of SQLAlchemy, and may take migrations, so that an event loop must not be that thread.
    Where it cannot be opened the next one to ask tries again. `keys` and `usage` raise StorageError.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._database: Database | None = None
        self._sqlite_keys: SqliteKeys | None = None
        self._opening = threading.Lock()

    def keys(self) -> "KeyStore":
        from modelwire_service.storage.key_store import KeyStore

        return KeyStore(self._opened())

    def known_keys(self) -> KnownKeys:
        """The keys, to be read by one thread at a time; of a file that needs nothing done, without SQLAlchemy."""
        with self._opening:
            url = self._url or default_url()
            if self._sqlite_keys is None and self._database is None and url.startswith("sqlite"):
                self._sqlite_keys = SqliteKeys.found(sqlite_path(url))
            found = self._sqlite_keys
        return found or self.keys()

    def usage(self) -> "UsageStore":
        from modelwire_service.storage.usage_store import UsageStore

        return UsageStore(self._opened())

    def close(self) -> None:
        """Closes the connections; whoever asks for a store after that opens it again."""
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._sqlite_keys is not None:
                self._sqlite_keys.close()
                self._sqlite_keys = None

    def _opened(self) -> "Database":
        with self._opening:
            if self._database is None:
                from modelwire_service.storage.database import Database

                self._database = Database(self._url or _users_own())
            return self._database


def _users_own() -> str:
    """The URL of the user's own file, whose folder is made; the folder of a file named outright must be there."""
    url = default_url()
    if (path := sqlite_path(url)) is not None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"database {path}: {error.strerror}") from None
    return url
